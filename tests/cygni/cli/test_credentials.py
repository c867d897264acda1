"""Where logins are kept, and the lock round them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cygni.cli.credentials import Credentials, Keyring, Login, system_keyring
from cygni.cli.errors import CliError, NotSignedIn
from cygni.cli.exits import Exit
from cygni.cli.locks import held
from cygni.cli.settings import Context, Kept
from tests.fakes.keyrings import MemoryKeyring

LOGIN = Login("at_1", "cyr_1", 1_000.0, "team_1")
WORK = Context("work", "https://api.example.com")
IN_FILE = Context("work", "https://api.example.com", kept=Kept.FILE)
IN_KEYRING = Context("work", "https://api.example.com", kept=Kept.KEYRING)


def credentials(folder: Path, keyring: Keyring | None = None, *, allowed: bool = True, patience: float = 5) -> Credentials:
    return Credentials(folder, lambda: keyring, keyring_allowed=allowed, patience=patience)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    keeper = credentials(tmp_path)

    assert keeper.keep(WORK, LOGIN) is Kept.FILE
    assert keeper.read(IN_FILE) == LOGIN


def test_a_new_login_prefers_the_keyring(tmp_path: Path) -> None:
    keeper = credentials(tmp_path, MemoryKeyring())

    assert keeper.keep(WORK, LOGIN) is Kept.KEYRING
    assert keeper.read(IN_KEYRING) == LOGIN
    assert not keeper.file.exists()


def test_a_login_stays_where_it_is(tmp_path: Path) -> None:
    keyring = MemoryKeyring()
    keeper = credentials(tmp_path, keyring)

    assert keeper.keep(IN_FILE, LOGIN) is Kept.FILE
    assert keyring.kept == {}


def test_logins_of_other_contexts_and_addresses_are_others(tmp_path: Path) -> None:
    keeper = credentials(tmp_path)
    keeper.keep(WORK, LOGIN)

    assert keeper.read(Context("play", WORK.url, kept=Kept.FILE)) is None
    assert keeper.read(Context("work", "https://evil.example.com", kept=Kept.FILE)) is None


def test_forgetting_one_leaves_the_others(tmp_path: Path) -> None:
    keeper, other = credentials(tmp_path), Context("play", WORK.url, kept=Kept.FILE)
    keeper.keep(WORK, LOGIN)
    keeper.keep(other, LOGIN)

    keeper.forget(IN_FILE)
    keeper.forget(IN_FILE)

    assert keeper.read(IN_FILE) is None
    assert keeper.read(other) == LOGIN


def test_forgetting_what_the_keyring_does_not_have_is_no_error(tmp_path: Path) -> None:
    credentials(tmp_path, MemoryKeyring()).forget(IN_KEYRING)
    credentials(tmp_path, MemoryKeyring(locked=True)).forget(IN_KEYRING)


def test_the_file_is_for_its_owner_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        credentials(tmp_path / "new").keep(WORK, LOGIN)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "new" / "credentials.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_draft_that_somebody_left_as_a_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("mine")
    (tmp_path / "credentials.json.new").symlink_to(target)

    credentials(tmp_path).keep(WORK, LOGIN)

    assert target.read_text() == "mine"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"logins": 7}', "null", "\x00"])
def test_a_file_that_is_none_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "credentials.json").write_text(text)

    with pytest.raises(CliError) as caught:
        credentials(tmp_path).read(IN_FILE)

    assert str(tmp_path / "credentials.json") in caught.value.message
    assert "cygni login" in caught.value.remedy
    assert caught.value.exit_code is Exit.NOT_SIGNED_IN


@pytest.mark.parametrize("entry", [None, 7, {}, {"access_token": "a"}, {"renew_at": "soon"}])
def test_an_entry_that_is_no_login_is_none(tmp_path: Path, entry: object) -> None:
    keeper = credentials(tmp_path)
    keeper.file.write_text(json.dumps({"logins": {"work at https://api.example.com": entry}}))

    assert keeper.read(IN_FILE) is None


def test_what_the_keyring_has_that_is_no_login_is_none(tmp_path: Path) -> None:
    keyring = MemoryKeyring({("cygni", "work at https://api.example.com"): "not json"})

    assert credentials(tmp_path, keyring).read(IN_KEYRING) is None


def test_a_keyring_that_hangs_is_given_up(tmp_path: Path) -> None:
    class Hanging(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            threading.Event().wait(60)
            return None

    keeper = credentials(tmp_path, Hanging(), patience=0.05)

    with pytest.raises(NotSignedIn, match="did not answer within"):
        keeper.read(IN_KEYRING)
    assert keeper.keep(WORK, LOGIN) is Kept.FILE


def test_no_secret_is_in_an_error_of_the_keyring(tmp_path: Path) -> None:
    with pytest.raises(NotSignedIn) as caught:
        credentials(tmp_path, MemoryKeyring(broken=True)).keep(IN_KEYRING, LOGIN)

    assert "cyr_1" not in str(caught.value) + caught.value.remedy


def test_a_folder_that_cannot_be_written_is_told() -> None:
    with pytest.raises(CliError, match="cannot be kept in") as caught:
        credentials(Path("/proc/self/cygni")).keep(WORK, LOGIN)

    assert caught.value.exit_code is Exit.USAGE


def test_a_system_without_a_keyring_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring import core

    monkeypatch.setattr(core, "_keyring_backend", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")

    assert system_keyring() is None


def test_a_keyring_that_does_not_load_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring import core

    monkeypatch.setattr(core, "_keyring_backend", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no.such.module.Keyring")

    assert system_keyring() is None


def test_the_keyrings_library_is_not_loaded_until_a_keyring_is_wanted() -> None:
    told = "import cygni.cli.main, sys; print('keyring' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "False\n"


# --- the lock


def test_a_lock_is_let_go_of_at_the_end_even_by_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), held(path):
        raise ZeroDivisionError
    with held(path, patience=0):
        pass


def test_whoever_waits_too_long_for_a_lock_is_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with held(path), pytest.raises(CliError) as caught, held(path, patience=0.05):
        raise AssertionError("it was held twice")

    assert str(path) in caught.value.message
    assert caught.value.exit_code is Exit.CONFLICT


def test_a_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    hold = f"from cygni.cli.locks import held; from pathlib import Path; import time\nwith held(Path({str(path)!r})):\n"
    hold += "    print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()
        process.wait()

    with held(path, patience=30):
        pass
