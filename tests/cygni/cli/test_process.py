"""The command as a process: what only shows outside of the test's own interpreter."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cygni.cli.exits import Exit
from tests.fakes.api import TOKEN, FakeApi, Frame

COMMAND = [sys.executable, "-m", "cygni.cli"]


def environ(api: FakeApi, **more: str) -> dict[str, str]:
    return {**os.environ, "CYGNI_ENDPOINT": api.url, "CYGNI_TOKEN": TOKEN, "TERM": "xterm", **more}


def on_a_terminal(arguments: list[str], variables: dict[str, str], folder: Path) -> tuple[int, str]:
    """Run a command whose stdout is a terminal; its exit code and what it wrote there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, *arguments], env=variables, cwd=folder, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:  # Linux says so when the other end is closed
            pass
        os.close(ours)
    return process.returncode, said.decode()


def test_on_a_terminal_the_table_is_redrawn_in_place(api: FakeApi, shop: Path) -> None:
    api.add_service(live=1)
    api.script = lambda: (
        Frame("rolling_out", "shifted", "10 %", weight=10, canary=(120, 0, 34.0)),
        Frame("promoted", "promoted", "All.", weight=100, outcome="All gates passed."),
    )

    code, said = on_a_terminal(["deploy"], environ(api), shop)

    assert code == Exit.OK
    assert "REQUESTS" in said
    assert "\x1b[2K" in said
    assert "is promoted" in said


def test_no_color_means_none(api: FakeApi, shop: Path) -> None:
    api.add_service()

    _, plain = on_a_terminal(["status"], environ(api, NO_COLOR="1"), shop)
    _, coloured = on_a_terminal(["whoami"], environ(api, CYGNI_TOKEN="wrong"), shop)

    assert "\x1b[3" not in plain
    assert "\x1b[1;31m" in coloured


@pytest.fixture
def home(api: FakeApi, tmp_path: Path) -> dict[str, str]:
    """Variables of somebody who has a home, a browser and a keyring, and is not signed in yet; ann approves."""
    api.identity.add_team("Acme", ann="owner")
    api.sign_in.interval = 1
    api.sign_in.approve = lambda device: setattr(device, "user", api.identity.user("ann"))
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    browser.chmod(0o755)
    (tmp_path / "keys").mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CYGNI_", "ACTIONS_", "GITHUB_"))}
    return {
        **clean,
        "TERM": "xterm",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "BROWSER": str(browser),
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "PYTHON_KEYRING_BACKEND": "tests.fakes.keyrings.FolderKeyring",
        "FOLDER_KEYRING": str(tmp_path / "keys"),
    }


def run(arguments: list[str], variables: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], env=variables, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_at_a_terminal_the_page_is_opened_and_a_spinner_waits(api: FakeApi, home: dict[str, str], tmp_path: Path) -> None:
    code, said = on_a_terminal(["login", "--endpoint", api.url], home, tmp_path)

    assert code == Exit.OK, said
    assert "Waiting until you approve it in the browser" in said
    assert "⠋" in said
    assert "\x1b[1m" in said
    assert (tmp_path / "opened").read_text().startswith(f"{api.url}/v1/auth/device?user_code=WDJB-")


@pytest.mark.slow
def test_at_a_terminal_without_colour_and_browser_it_signs_in_as_well(
    api: FakeApi, home: dict[str, str], tmp_path: Path
) -> None:
    code, said = on_a_terminal(["login", "--endpoint", api.url, "--no-browser"], home | {"NO_COLOR": "1"}, tmp_path)

    assert code == Exit.OK, said
    assert "\x1b[3" not in said
    assert not (tmp_path / "opened").exists()


@pytest.mark.slow
def test_the_systems_own_keyring_keeps_the_login_for_later_commands(api: FakeApi, home: dict[str, str], tmp_path: Path) -> None:
    signed_in = run(["login", "--endpoint", api.url, "--json"], home, tmp_path)

    assert json.loads(signed_in.stdout.splitlines()[-1])["kept"] == "keyring", signed_in.stderr
    assert [each.name[:5] for each in (tmp_path / "keys").iterdir()] == ["cygni"]
    assert not (tmp_path / "config" / "cygni" / "credentials.json").exists()
    assert json.loads(run(["whoami", "--json"], home, tmp_path).stdout)["name"] == "ann"
    assert run(["logout"], home, tmp_path).returncode == Exit.OK
    assert list((tmp_path / "keys").iterdir()) == []


@pytest.mark.slow
def test_the_code_is_there_before_it_is_approved_for_whoever_drives_it(
    api: FakeApi, home: dict[str, str], tmp_path: Path
) -> None:
    ready, api.sign_in.approve = api.sign_in.approve, lambda device: None
    command = [*COMMAND, "login", "--endpoint", api.url, "--json"]

    with subprocess.Popen(command, env=home, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        code = json.loads(process.stdout.readline())
        api.sign_in.approve = ready
        last = json.loads(process.stdout.readline())

    assert (code["type"], last["type"]) == ("code", "signed_in")
    assert process.returncode == Exit.OK


@pytest.mark.slow
def test_ctrl_c_while_waiting_for_the_approval_signs_nobody_in(api: FakeApi, home: dict[str, str], tmp_path: Path) -> None:
    api.sign_in.approve = lambda device: None
    command = [*COMMAND, "login", "--endpoint", api.url]

    with subprocess.Popen(
        command, env=home, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "Waiting" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.stderr.read()

    assert process.returncode == Exit.INTERRUPTED
    assert list((tmp_path / "keys").iterdir()) == []


@pytest.mark.slow
def test_a_command_that_is_killed_while_it_renews_its_login_ends_no_session(
    api: FakeApi, home: dict[str, str], tmp_path: Path
) -> None:
    run(["login", "--endpoint", api.url], home, tmp_path)
    api.sign_in.end_access()
    gate = api.gates["/v1/auth/token"] = threading.Event()
    before = len(api.asked("POST", "/v1/auth/token"))
    (session,) = api.sign_in.sessions.values()

    with subprocess.Popen([*COMMAND, "whoami"], env=home, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not session.used:  # the API has renewed the session, and its answer is on the way
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    gate.set()
    del api.gates["/v1/auth/token"]

    assert json.loads(run(["whoami", "--json"], home, tmp_path).stdout)["name"] == "ann"
    assert len(api.asked("POST", "/v1/auth/token")) == before + 2
    assert api.sign_in.reused == []


@pytest.mark.slow
def test_commands_that_run_at_once_renew_the_login_once(api: FakeApi, home: dict[str, str], tmp_path: Path) -> None:
    run(["login", "--endpoint", api.url], home, tmp_path)
    api.sign_in.end_access()

    running = [
        subprocess.Popen([*COMMAND, "whoami", "--json"], env=home, cwd=tmp_path, stdout=subprocess.PIPE) for _ in range(3)
    ]
    said = [each.communicate(timeout=120)[0] for each in running]

    assert [json.loads(each)["name"] for each in said] == ["ann"] * 3
    assert api.sign_in.reused == []
    (session,) = api.sign_in.sessions.values()
    assert len(session.used) == 1


def test_a_reader_that_goes_away_is_no_error(api: FakeApi, shop: Path) -> None:
    api.add_service()
    api.log_lines += [{"at": "2026-01-02T03:04:05Z", "release": 1, "instance": "a", "text": "x" * 900} for _ in range(500)]
    command = [*COMMAND, "logs", "-n", "1000"]

    with subprocess.Popen(command, env=environ(api), cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()

        assert process.stderr.read() == b""


def test_ctrl_c_while_following_detaches(api: FakeApi, shop: Path) -> None:
    api.script = lambda: tuple(Frame("building", "building" if turn == 0 else None) for turn in range(99))

    with subprocess.Popen(
        [*COMMAND, "deploy"], env=environ(api), cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "building" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)

        assert "cygni abort dep_" in process.stderr.read()
    assert process.returncode == Exit.INTERRUPTED
    assert not api.asked("POST", "/abort")


def test_a_terminal_of_a_narrow_encoding_does_not_end_a_command(api: FakeApi, shop: Path) -> None:
    api.add_service()
    api.log_lines.append({"at": "2026-01-02T03:04:05Z", "release": 1, "instance": "a", "text": "größer ✔"})

    done = subprocess.run(
        [*COMMAND, "logs"], env=environ(api, PYTHONIOENCODING="ascii"), cwd=shop, capture_output=True, check=False
    )

    assert done.returncode == 0
    assert b"gr" in done.stdout


def test_completion_is_offered(shop: Path) -> None:
    done = subprocess.run([*COMMAND, "--show-completion", "bash"], capture_output=True, text=True, check=False, cwd=shop)

    assert done.returncode == 0
    assert "_CYGNI_COMPLETE" in done.stdout
