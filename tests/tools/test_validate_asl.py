"""The validator of state machines, run as the build runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tools.test_asl_rules import sound
from tools import validate_asl

pytestmark = pytest.mark.slow


def test_the_state_machines_of_this_repository_have_no_fault() -> None:
    assert validate_asl.main([]) == 0


@pytest.mark.parametrize("field", ["Next", "Resource"])
def test_what_breaks_the_language_is_found(field: str, tmp_path: Path) -> None:
    definition = sound()
    definition["States"]["Work"][field] = "Nowhere" if field == "Next" else 7
    bad = tmp_path / "bad.asl.json"
    bad.write_text(json.dumps(definition))

    assert validate_asl.language_faults([bad])


def test_a_faulty_file_makes_the_check_fail_and_says_which_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    definition = sound()
    del definition["States"]["Work"]["Retry"]
    bad = tmp_path / "bad.asl.json"
    bad.write_text(json.dumps(definition))

    assert validate_asl.main([str(bad)]) == 1
    assert "Work: it has no Retry." in capsys.readouterr().out


def test_the_lock_records_no_download_addresses() -> None:
    assert "resolved" not in (validate_asl.PACKAGE / "package-lock.json").read_text()
