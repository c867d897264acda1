"""The command's reference is the command's."""

from __future__ import annotations

from tools.render_cli import DOCUMENTS, TARGET, commands, render


def test_the_reference_is_fresh() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run: python -m tools.render_cli"


def test_every_command_says_what_its_json_is() -> None:
    assert list(DOCUMENTS) == commands()


def test_every_command_has_an_example_and_json() -> None:
    sections = render().split("\n### ")[1:]

    assert len(sections) == len(commands())
    assert [each.splitlines()[0] for each in sections if "Example: `cygni " not in each] == []
    assert [each.splitlines()[0] for each in sections if "`--json`" not in each] == []
