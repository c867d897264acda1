"""The page that leads from an account to a deploy: each command on it is one that there is, with options that it has."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.main import get_command

from cygni.cli.main import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "install.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
LINES = [line.partition(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = [part.strip() for line in LINES for part in line.split("&&") if part.strip()]


def called(program: str) -> list[list[str]]:
    """What the page gives a program, call by call."""
    return [shlex.split(each)[1:] for each in COMMANDS if each.split()[0] == program]


def test_the_page_names_one_command_for_each_of_deploying_pruning_and_removing() -> None:
    assert [each for each in called("make") if each[0] in ("deploy", "prune", "remove")] == [
        ["deploy", "STAGE=prod"],
        ["deploy", "STAGE=prod"],
        ["prune", "STAGE=prod"],
        ["remove", "STAGE=prod"],
        ["deploy", "STAGE=prod"],
    ]


def test_what_the_page_makes_has_a_target_that_reads_the_variables_given() -> None:
    makefile = (ROOT / "Makefile").read_text()
    spoken = [each.split() for each in re.findall(r"`make ([a-z][^`]*)`", PAGE)]
    for target, *variables in [*called("make"), *spoken]:
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert recipe, target
        for name in (each.partition("=")[0] for each in variables):
            assert f"$({name})" in recipe[1] or f"$(if $({name})" in recipe[1], (target, name)


@pytest.mark.parametrize("arguments", called("cygni"), ids=" ".join)
def test_what_the_page_asks_of_the_command_it_takes(arguments: list[str]) -> None:
    command, rest = get_command(app), list(arguments)
    context = command.make_context("cygni", [], resilient_parsing=True)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_parser(context).parse_args(rest)  # refuses an option that it does not know


def test_the_page_runs_modules_that_there_are_by_the_environment_that_make_sets_up() -> None:
    modules = [each[1] for each in called(".venv/bin/python")]

    assert set(modules) == {"infra.cdk"}
    assert all(find_spec(each) for each in modules)
    assert "npx" not in PAGE
