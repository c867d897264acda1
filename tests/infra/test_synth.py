"""What `make synth` judges beyond its tools: runbooks, and that two syntheses are the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

from infra.synth import AGAIN, FOLDER, ROOT, copied, differences, pages_missing

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "runbooks").glob("*.md"))


def write(folder: Path, *descriptions: str) -> Path:
    """A synthesized stage with an alarm of each description."""
    folder.mkdir(exist_ok=True)
    alarms = {
        f"Alarm{n}": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmDescription": each}}
        for n, each in enumerate(descriptions)
    }
    (folder / "control.template.json").write_text(json.dumps({"Resources": alarms}))
    return folder


def test_every_page_with_its_alarm_is_no_finding(tmp_path: Path) -> None:
    assert PAGES
    assert pages_missing(write(tmp_path, *(f"It broke. What to do: {page}" for page in PAGES))) == []


def test_an_alarm_without_a_page_that_is_there_is_found(tmp_path: Path) -> None:
    told = [f"It broke. What to do: {page}" for page in PAGES]

    found = pages_missing(write(tmp_path, *told, "It broke.", "It broke. What to do: docs/runbooks/gone.md"))

    assert [line.split()[1] for line in found] == [f"Alarm{len(PAGES)}", f"Alarm{len(PAGES) + 1}"]


def test_a_page_that_no_alarm_names_is_found(tmp_path: Path) -> None:
    assert pages_missing(write(tmp_path, *PAGES[1:])) == [f"{PAGES[0]} is named by no alarm"]


def test_a_file_that_differs_or_is_in_one_synthesis_alone_is_found(tmp_path: Path) -> None:
    one, other = write(tmp_path / "dev", "a"), write(tmp_path / "again", "b")
    (one / "control.assets.json").write_text("{}")

    assert [line.split()[1] for line in differences(one, other)] == ["control.assets.json", "control.template.json"]
    assert differences(one, one) == []


def test_what_is_compared_is_made_from_a_copy_that_packs_its_own_code(tmp_path: Path) -> None:
    root = tmp_path / "root"
    kept = {"app.py", "requirements.txt", "chalicelib/a.py", "functions/b.py", "infra/c.py", "state_machines/d.json"}
    layer = "build/packages/runtime-arm64-1.zip"
    left = {"README.md", "infra/cdk-cli/node_modules/e.js", "chalicelib/__pycache__/a.pyc", "build/packages/code-1.zip"}
    for name in kept | left | {layer}:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)

    made = copied(tmp_path / "code", root)
    made = copied(made, root)  # twice: what was there goes

    assert {path.relative_to(made).as_posix(): path.read_text() for path in made.rglob("*") if path.is_file()} == {
        name: name for name in kept | {layer}
    }


def test_the_stage_that_is_made_twice_is_no_stage_among_those_for_use() -> None:
    assert not AGAIN.is_relative_to(FOLDER)
