"""Signing in and out."""

from __future__ import annotations

import json
import stat
import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import TOKEN, FakeApi, Fault
from tests.fakes.keyrings import MemoryKeyring
from tests.fakes.sign_in import Device
from tests.fakes.teams import Team


@pytest.fixture
def fresh(cli: Cli, api: FakeApi, acme: Team) -> Cli:
    """The command before anything is set up; ann approves at once."""
    for variable in ("CYGNI_ENDPOINT", "CYGNI_TOKEN"):
        del cli.environ[variable]
    api.sign_in.approve = lambda device: setattr(device, "user", api.identity.user("ann"))
    return cli


def context(cli: Cli, name: str = "127.0.0.1") -> dict[str, Any]:
    return dict(tomllib.loads(cli.config.read_text())["contexts"][name])


def test_it_shows_the_code_and_the_page_and_says_as_whom_one_is_signed_in(fresh: Cli, api: FakeApi) -> None:
    result = fresh("login", "--endpoint", api.url)

    assert result.exit_code == Exit.OK
    code, page, waiting, *rest = result.stdout.splitlines()
    assert code.startswith("Your code: WDJB-")
    assert page == f"Approve it at {api.url}/v1/auth/device?user_code={code.removeprefix('Your code: ')}"
    assert "Waiting" in waiting
    assert f"Signed in at {api.url} as ann in team Acme as owner (context 127.0.0.1)." in rest[0]
    assert f"in {fresh.kept}, which only you can read." in rest[1]
    assert fresh.browsed == []


def test_commands_after_it_are_signed_in(fresh: Cli, api: FakeApi) -> None:
    fresh("login", "--endpoint", api.url)

    who = fresh.document("whoami")

    assert (who["name"], who["kind"], who["role"], who["means"]) == ("ann", "user", "owner", "login")
    assert who["endpoint"] == api.url


def test_for_machines_it_is_a_stream_that_begins_with_the_code_and_ends_signed_in(fresh: Cli, api: FakeApi, acme: Team) -> None:
    result = fresh("login", "--endpoint", api.url, "--json")

    first, last = map(json.loads, result.stdout.splitlines())
    assert first["type"] == "code"
    assert set(first) == {
        "type",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
        "page",
    }
    assert last["type"] == "signed_in"
    assert (last["name"], last["team"], last["role"]) == ("ann", acme.id, "owner")
    assert (last["context"], last["endpoint"]) == ("127.0.0.1", api.url)
    assert (last["kept"], last["path"]) == ("file", str(fresh.kept))
    assert [each["name"] for each in last["teams"]] == ["Acme"]


def test_no_secret_is_printed(fresh: Cli, api: FakeApi) -> None:
    shown = fresh("login", "--endpoint", api.url).output + fresh("login", "--endpoint", api.url, "--json").output

    for secret in (*api.sign_in.access, "dc_", "cyr_", "at_"):
        assert secret not in shown


def test_the_device_is_named_for_who_approves_it(fresh: Cli, api: FakeApi) -> None:
    fresh("login", "--endpoint", api.url)

    assert api.asked("POST", "/v1/auth/device")[0].body["device_name"] == "cygni on laptop"
    assert [each.device_name for each in api.sign_in.sessions.values()] == ["cygni on laptop"]


def test_it_waits_as_long_as_it_is_told_and_longer_when_it_is_too_fast(fresh: Cli, api: FakeApi) -> None:
    waits: list[float] = []
    ready = api.sign_in.approve

    def approve(device: Device) -> None:
        if device.polls == 4:
            ready(device)

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        for device in api.sign_in.devices.values():
            device.slow_downs = 1 if device.polls == 1 else 0

    api.sign_in.approve, fresh.sleep = approve, sleep

    assert fresh("login", "--endpoint", api.url).exit_code == Exit.OK
    assert waits == [5, 5, 10, 10]


@pytest.mark.parametrize(("end", "words"), [("denied", "denied in the browser"), ("expired", "in time")])
def test_a_code_that_is_not_approved_signs_nobody_in(fresh: Cli, api: FakeApi, end: str, words: str) -> None:
    api.sign_in.approve = lambda device: setattr(device, end, True)

    result = fresh("login", "--endpoint", api.url)

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert words in result.stderr
    assert "cygni login" in result.stderr
    assert not fresh.config.exists()
    assert not fresh.kept.exists()


def test_a_code_that_nobody_looks_at_is_given_up_when_it_ends(fresh: Cli, api: FakeApi) -> None:
    started, waited = datetime.now(UTC), [0.0]
    api.sign_in.approve = lambda device: None
    fresh.sleep = lambda seconds: waited.append(waited[-1] + seconds)
    fresh.now = lambda: started + timedelta(seconds=waited[-1])

    result = fresh("login", "--endpoint", api.url)

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert "Nobody approved the code in time." in result.stderr
    assert waited[-1] == 600


@pytest.mark.parametrize("status", [429, 502, 503])
def test_an_api_that_is_away_for_a_while_does_not_end_the_waiting(fresh: Cli, api: FakeApi, status: int) -> None:
    api.faults.append(Fault("/v1/auth/token", status, times=4))
    waits: list[float] = []
    fresh.sleep = waits.append

    assert fresh("login", "--endpoint", api.url).exit_code == Exit.OK
    assert waits == [5, 10, 20, 30, 30]


def test_a_fault_of_the_token_endpoint_ends_the_waiting(fresh: Cli, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/auth/token", 500, times=99, body=b'{"detail": "Oh.", "instance": "req-7"}'))

    result = fresh("login", "--endpoint", api.url)

    assert result.exit_code == Exit.UNEXPECTED
    assert "req-7" in result.stderr


def test_the_file_is_for_its_owner_only_and_holds_no_other_mode_for_a_moment(fresh: Cli, api: FakeApi) -> None:
    fresh.kept.parent.mkdir(parents=True)
    fresh.kept.write_text('{"logins": {}}')
    fresh.kept.chmod(0o644)

    fresh("login", "--endpoint", api.url)

    assert stat.S_IMODE(fresh.kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(fresh.config.stat().st_mode) == 0o600
    assert "cyr_" in fresh.kept.read_text()
    assert "cyr_" not in fresh.config.read_text()


def test_where_there_is_a_keyring_the_login_is_kept_in_it(fresh: Cli, api: FakeApi) -> None:
    fresh.keyring = keyring = MemoryKeyring()

    result = fresh("login", "--endpoint", api.url)

    assert "The login is kept in the system's keyring." in result.stdout
    assert list(keyring.kept) == [("cygni", f"127.0.0.1 at {api.url}")]
    assert context(fresh)["login"] == "keyring"
    assert not fresh.kept.exists()
    assert fresh.document("whoami")["name"] == "ann"


@pytest.mark.parametrize("fault", ["locked", "broken", "forgetful"])
def test_a_keyring_that_does_not_take_the_login_is_as_good_as_none(fresh: Cli, api: FakeApi, fault: str) -> None:
    fresh.keyring = MemoryKeyring(**{fault: True})

    assert fresh("login", "--endpoint", api.url).exit_code == Exit.OK
    assert context(fresh)["login"] == "file"
    assert fresh.document("whoami")["name"] == "ann"


@pytest.mark.parametrize("by", ["variable", "file"])
def test_a_setting_keeps_logins_out_of_the_keyring(fresh: Cli, api: FakeApi, by: str) -> None:
    fresh.keyring = keyring = MemoryKeyring()
    if by == "variable":
        fresh.environ["CYGNI_KEYRING"] = "off"
    else:
        fresh.config.parent.mkdir(parents=True)
        fresh.config.write_text("keyring = false\n")

    fresh("login", "--endpoint", api.url)

    assert keyring.kept == {}
    assert context(fresh)["login"] == "file"


def test_a_setting_that_is_neither_on_nor_off_is_refused(fresh: Cli, api: FakeApi) -> None:
    fresh.environ["CYGNI_KEYRING"] = "maybe"

    result = fresh("login", "--endpoint", api.url)

    assert result.exit_code == Exit.USAGE
    assert "on or off" in result.stderr
    assert not api.requests


@pytest.mark.parametrize("state", ["locked", "gone", "off"])
def test_a_keyring_that_does_not_give_the_login_out_says_what_to_do(fresh: Cli, api: FakeApi, state: str) -> None:
    fresh.keyring = keyring = MemoryKeyring()
    fresh("login", "--endpoint", api.url)
    keyring.locked = state == "locked"
    if state == "gone":
        fresh.keyring = None
    if state == "off":
        fresh.environ["CYGNI_KEYRING"] = "off"

    result = fresh("whoami")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert "keyring" in result.stderr
    assert "cygni login" in result.stderr


def test_a_context_with_a_token_keeps_it(fresh: Cli, api: FakeApi) -> None:
    fresh.config.parent.mkdir(parents=True)
    apps = "http://localhost:8080"
    fresh.config.write_text(f'current = "local"\n[contexts.local]\nurl = "{api.url}"\ntoken = "{TOKEN}"\napps_url = "{apps}"\n')

    fresh("login")

    document = tomllib.loads(fresh.config.read_text())
    assert document["current"] == "local-login"
    assert document["contexts"]["local"] == {"url": api.url, "token": TOKEN, "apps_url": apps}
    assert document["contexts"]["local-login"] == {"url": api.url, "login": "file", "apps_url": apps}
    assert fresh.document("whoami", "--context", "local")["kind"] == "operator"
    assert fresh.document("whoami")["kind"] == "user"


def test_a_context_can_be_named_and_is_renewed_by_the_next_login(fresh: Cli, api: FakeApi) -> None:
    fresh("login", "--endpoint", api.url, "--context", "work")
    first = next(iter(api.sign_in.sessions))

    fresh("login")

    assert list(tomllib.loads(fresh.config.read_text())["contexts"]) == ["work"]
    assert len(api.sign_in.sessions) == 1
    assert first not in api.sign_in.sessions, "the login before was not ended"


def test_two_contexts_at_one_address_are_two_logins(fresh: Cli, api: FakeApi) -> None:
    fresh("login", "--endpoint", api.url, "--context", "one")
    api.sign_in.approve = lambda device: setattr(device, "user", api.identity.user("vera"))

    fresh("login", "--context", "two", "--endpoint", api.url)

    assert fresh.document("whoami", "--context", "one")["name"] == "ann"
    assert fresh.document("whoami", "--context", "two")["name"] == "vera"
    assert fresh.document("whoami")["name"] == "vera"


def test_a_login_never_goes_to_an_address_that_its_context_got_later(fresh: Cli, api: FakeApi) -> None:
    fresh("login", "--endpoint", api.url)
    fresh.config.write_text(fresh.config.read_text().replace(api.url, "http://127.0.0.1:9"))

    result = fresh("whoami")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert "You are not signed in at http://127.0.0.1:9" in result.stderr


def test_the_endpoint_of_the_environment_is_where_one_signs_in(fresh: Cli, api: FakeApi) -> None:
    fresh.environ["CYGNI_ENDPOINT"] = api.url

    assert fresh("login").exit_code == Exit.OK
    assert fresh.document("whoami")["name"] == "ann"


@pytest.mark.parametrize(
    "address", ["api.example.com", "ftp://x.example.com", "https://", "http://a:b@c:d", "https://u:p@x.example.com", "http://["]
)
def test_what_is_no_address_is_refused(fresh: Cli, address: str) -> None:
    result = fresh("login", "--endpoint", address)

    assert result.exit_code == Exit.USAGE
    assert "https://api.example.com" in result.stderr


@pytest.mark.parametrize("address", ["http://api.example.com", "http://127.evil.example.com", "http://10.0.0.1:8787"])
def test_tokens_do_not_travel_in_the_clear(fresh: Cli, address: str) -> None:
    result = fresh("login", "--endpoint", address)

    assert result.exit_code == Exit.USAGE
    assert "not encrypted" in result.stderr


def test_without_any_endpoint_it_asks_for_one(fresh: Cli) -> None:
    result = fresh("login")

    assert result.exit_code == Exit.USAGE
    assert "--endpoint" in result.stderr


def test_a_page_that_is_none_is_not_opened(fresh: Cli, api: FakeApi) -> None:
    body = {
        "device_code": "x",
        "user_code": "WDJB-MJHT",
        "verification_uri": "file:///etc/passwd",
        "verification_uri_complete": "file:///etc/passwd",
        "expires_in": 600,
        "interval": 5,
    }
    api.faults.append(Fault("/v1/auth/device", 200, body=json.dumps(body).encode()))

    assert fresh("login", "--endpoint", api.url).exit_code == Exit.USAGE
    assert fresh.browsed == []


def test_a_provider_that_is_named_is_gone_to_at_once(fresh: Cli, api: FakeApi) -> None:
    result = fresh("login", "--endpoint", api.url, "--provider", "github", "--json")

    code = json.loads(result.stdout.splitlines()[0])
    wanted = f"provider=github&next=%2Fv1%2Fauth%2Fdevice%3Fuser_code%3D{code['user_code']}"
    assert (
        code["page"].replace("next=/v1/auth/device%3F", "next=%2Fv1%2Fauth%2Fdevice%3F") == f"{api.url}/v1/auth/login?{wanted}"
    )


def test_a_provider_that_there_is_not_is_refused_with_those_there_are(fresh: Cli, api: FakeApi) -> None:
    result = fresh("login", "--endpoint", api.url, "--provider", "myspace")

    assert result.exit_code == Exit.USAGE
    assert "github, google" in result.stderr


def test_whoever_is_in_no_team_is_told_how_to_get_into_one(fresh: Cli, api: FakeApi) -> None:
    nobody = api.identity.add_person("noah")
    api.sign_in.approve = lambda device: setattr(device, "user", nobody)

    result = fresh("login", "--endpoint", api.url)

    assert "as noah, in no team" in result.stdout
    assert "cygni team create NAME" in result.stdout
    assert "cygni team join LINK" in result.stdout


def test_whoever_is_in_several_teams_is_told_how_to_switch(fresh: Cli, api: FakeApi) -> None:
    api.identity.add_team("Beta", ann="viewer")

    result = fresh("login", "--endpoint", api.url)

    assert "in team Acme as owner" in result.stdout
    assert "You are also in Beta: `cygni team switch NAME`." in result.stdout


def test_variables_that_win_over_the_login_are_no_riddle(fresh: Cli, api: FakeApi) -> None:
    fresh.environ["CYGNI_TOKEN"] = TOKEN

    assert "CYGNI_TOKEN is set, and wins over this login." in fresh("login", "--endpoint", api.url).stdout
    assert fresh.document("whoami")["kind"] == "operator"


def test_signing_out_ends_the_login_here_and_there(fresh: Cli, api: FakeApi) -> None:
    fresh("login", "--endpoint", api.url)

    result = fresh("logout")

    assert result.exit_code == Exit.OK
    assert f"Signed out at {api.url}." in result.stdout
    assert api.sign_in.sessions == {}
    assert "cyr_" not in fresh.kept.read_text()
    after = fresh("whoami")
    assert after.exit_code == Exit.NOT_SIGNED_IN
    assert "Sign in with `cygni login`" in after.stderr
    assert fresh("login").exit_code == Exit.OK, "the address was forgotten"


def test_signing_out_takes_the_login_out_of_the_keyring(fresh: Cli, api: FakeApi) -> None:
    fresh.keyring = keyring = MemoryKeyring()
    fresh("login", "--endpoint", api.url)

    assert fresh.document("logout") == {"context": "127.0.0.1", "endpoint": api.url, "ended": True}
    assert keyring.kept == {}


def test_signing_out_without_the_api_forgets_the_login_and_says_so(fresh: Cli, api: FakeApi) -> None:
    fresh("login", "--endpoint", api.url)
    api.faults.append(Fault("/v1/auth/revoke", 503, times=99))

    result = fresh("logout")

    assert result.exit_code == Exit.OK
    assert "did not confirm it" in result.stdout
    assert "cyr_" not in fresh.kept.read_text()


def test_signing_out_of_what_is_no_login_is_refused(cli: Cli, api: FakeApi) -> None:
    cli.config.parent.mkdir(parents=True)
    cli.config.write_text(f'current = "local"\n[contexts.local]\nurl = "{api.url}"\ntoken = "{TOKEN}"\n')
    cli.environ.pop("CYGNI_ENDPOINT")

    result = cli("logout")

    assert result.exit_code == Exit.USAGE
    assert "local signs in by a token" in result.stderr


def test_a_folder_that_cannot_be_written_is_told_before_anybody_approves_anything(fresh: Cli, api: FakeApi) -> None:
    fresh.environ["XDG_CONFIG_HOME"] = "/proc/self"

    result = fresh("login", "--endpoint", api.url)

    assert result.exit_code == Exit.USAGE
    assert "XDG_CONFIG_HOME" in result.stderr
    assert not api.requests
