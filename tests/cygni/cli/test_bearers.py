"""A login renews itself, once for all commands that run; a job of GitHub Actions signs in by itself."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cygni.cli.bearers import LoginBearer
from cygni.cli.client import Client, FixedToken
from cygni.cli.credentials import Credentials
from cygni.cli.exits import Exit
from cygni.cli.identity_api import IdentityApi, TokenApi
from cygni.cli.settings import Context, Kept
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi, Fault
from tests.fakes.keyrings import MemoryKeyring
from tests.fakes.machine_routes import RUNNER_SECRET
from tests.fakes.sign_in import Caller
from tests.fakes.teams import Team, grant


def refreshes(api: FakeApi) -> int:
    return sum(seen.body["grant_type"] == "refresh_token" for seen in api.asked("POST", "/v1/auth/token"))


def kept(cli: Cli) -> dict[str, Any]:
    (login,) = json.loads(cli.kept.read_text())["logins"].values()
    return dict(login)


def test_a_fresh_access_token_is_used_as_it_is(ann: Cli, api: FakeApi) -> None:
    ann("whoami")
    ann("whoami")

    assert refreshes(api) == 0


@pytest.mark.parametrize(("left", "renewals"), [(61, 0), (59, 1), (-3600, 1)])
def test_a_token_with_less_than_a_minute_left_is_renewed_before_it_is_used(
    ann: Cli, api: FakeApi, left: int, renewals: int
) -> None:
    before = kept(ann)
    ann.now = lambda: datetime.fromtimestamp(before["renew_at"], UTC) + timedelta(seconds=60 - left)

    assert ann("whoami").exit_code == Exit.OK
    assert refreshes(api) == renewals
    assert (kept(ann)["refresh_token"] != before["refresh_token"]) is bool(renewals)


def test_a_token_that_lives_shorter_than_a_minute_is_not_renewed_at_every_request(cli: Cli, api: FakeApi, acme: Team) -> None:
    api.sign_in.life = 40
    cli.sign_in(api, "ann")

    cli("team", "list")

    assert refreshes(api) == 0


def test_a_token_that_the_api_does_not_take_is_renewed_and_the_request_sent_again(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end_access()

    made = ann("team", "invite", "--role", "viewer")

    assert made.exit_code == Exit.OK
    assert refreshes(api) == 1
    sent = api.asked("POST", "/v1/team/invitations")
    assert len(sent) == 2
    assert len({seen.headers["idempotency-key"] for seen in sent}) == 1


def test_a_login_that_has_ended_says_how_to_sign_in_again(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end(next(iter(api.sign_in.sessions)))

    result = ann("whoami")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert result.stderr == f"error: Your login at {api.url} has ended.\nnext: Sign in again: `cygni login`.\n"


def test_a_named_login_that_has_ended_is_signed_in_again_by_its_name(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end(next(iter(api.sign_in.sessions)))

    assert "cygni login --context 127.0.0.1`" in ann("whoami", "--context", "127.0.0.1").stderr


def test_a_new_token_that_is_not_taken_either_is_told_and_not_tried_for_ever(ann: Cli, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 401, times=99, body=b'{"detail": "You have signed out here.", "remedy": "Renew."}'))
    before = len(api.asked("GET", "/v1/whoami"))

    result = ann("whoami")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert result.stderr == "error: You have signed out here.\nnext: Sign in again: `cygni login`.\n"
    assert refreshes(api) == 1
    assert len(api.asked("GET", "/v1/whoami")) - before == 2


def test_an_answer_that_got_lost_is_asked_for_again_and_ends_no_session(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end_access()
    api.faults.append(Fault("/v1/auth/token", 502))

    assert ann("whoami").exit_code == Exit.OK
    assert api.sign_in.reused == []


def test_commands_at_once_renew_once_and_the_others_use_what_that_one_got(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end_access()
    gate = api.gates["/v1/auth/token"] = threading.Event()

    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(bearer(ann, api).token_for_a_request) for _ in range(4)]
        while not api.asked("POST", "/v1/auth/token")[1:]:  # the first is the login's own
            pass
        gate.set()
        tokens = {run.result(30) for run in runs}

    assert len(tokens) == 1
    assert refreshes(api) == 1
    assert api.sign_in.reused == []


def test_what_was_renewed_is_kept_before_it_is_used(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end_access()
    api.faults.append(Fault("/v1/whoami", 500, times=99))

    ann("whoami")

    (session,) = api.sign_in.sessions.values()
    assert kept(ann)["refresh_token"] == session.refresh_token


def test_whoever_was_killed_between_is_healed_by_the_next_command(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end_access()
    lost = TokenApi(Client(Context("lost", api.url)))
    lost.refresh(kept(ann)["refresh_token"])
    lost.client.close()

    assert ann("whoami").exit_code == Exit.OK
    assert api.sign_in.reused == []
    (session,) = api.sign_in.sessions.values()
    assert kept(ann)["refresh_token"] == session.refresh_token


def test_a_login_in_the_keyring_is_renewed_there(cli: Cli, api: FakeApi, acme: Team) -> None:
    cli.keyring = keyring = MemoryKeyring()
    cli.sign_in(api, "ann")
    api.sign_in.end_access()

    cli("whoami")

    (session,) = api.sign_in.sessions.values()
    assert json.loads(next(iter(keyring.kept.values())))["refresh_token"] == session.refresh_token
    assert not cli.kept.exists()


def test_a_renewal_that_cannot_be_kept_is_told_and_the_request_does_not_go_on(cli: Cli, api: FakeApi, acme: Team) -> None:
    cli.keyring = keyring = MemoryKeyring()
    cli.sign_in(api, "ann")
    api.sign_in.end_access()
    keyring.broken = True

    result = cli("team", "rename", "Other")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert "keyring" in result.stderr
    assert acme.name == "Acme"


def test_no_token_is_in_a_repr(ann: Cli, api: FakeApi) -> None:
    made = bearer(ann, api)
    made.bearer.token()

    shown = repr(made.bearer) + repr(FixedToken("s3cret")) + repr(Context("x", "y", "s3cret"))

    assert "cyr_" not in shown
    assert "at_" not in shown
    assert "s3cret" not in shown


def test_rights_that_have_grown_since_the_login_hold_at_once(cli: Cli, api: FakeApi, acme: Team) -> None:
    cli.sign_in(api, "vera")
    acme.members[api.identity.user("vera")] = (grant("admin"), 2)

    assert cli("team", "rename", "Umbrella").exit_code == Exit.OK
    assert acme.name == "Umbrella"
    assert refreshes(api) == 1


def test_rights_that_have_not_changed_are_refused_once_and_written_down_once(cli: Cli, api: FakeApi, acme: Team) -> None:
    cli.sign_in(api, "vera")

    assert cli("team", "rename", "Mine").exit_code == Exit.FORBIDDEN
    assert [each.line.operation for each in acme.lines] == ["change_team"]
    assert len(api.asked("PUT", "/v1/team")) == 1


def test_an_api_key_that_is_refused_is_not_tried_again(cli: Cli, api: FakeApi, acme: Team) -> None:
    api.sign_in.keys["cyg_key"] = Caller("key_1", "key", "bot", acme.id, grant("viewer"))
    cli.environ["CYGNI_TOKEN"] = "cyg_key"

    assert cli("team", "rename", "Mine").exit_code == Exit.FORBIDDEN
    assert len(acme.lines) == 1


# --- GitHub Actions


@pytest.fixture
def job(cli: Cli, api: FakeApi, acme: Team) -> Cli:
    """The command in a job whose repository the team trusts as a Developer."""
    api.identity.job = Caller("tru_1", "federated", "acme/shop@refs/heads/main", acme.id, grant("developer"))
    cli.environ = {
        "HOME": cli.environ["HOME"],
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{api.url}/runner/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_SECRET,
        "CYGNI_ENDPOINT": api.url,
        "CYGNI_TEAM": acme.id,
    }
    return cli


def test_a_job_signs_in_without_a_secret_of_ours(job: Cli, api: FakeApi, acme: Team) -> None:
    who = job.document("whoami")

    assert (who["name"], who["role"], who["team"]) == ("acme/shop@refs/heads/main", "developer", acme.id)
    assert (who["means"], who["context"]) == ("github-actions", "github-actions")
    assert api.asked("GET", "/runner/token")[0].query == {"api-version": "2.0", "audience": api.url}
    assert "by GitHub Actions" in job("whoami").stdout
    assert not job.kept.exists()


def test_a_job_tells_the_doctor_how_it_signs_in(job: Cli) -> None:
    assert "signed in by this job of GitHub Actions" in job("doctor").stdout


def test_a_job_exchanges_its_token_once_a_command_and_again_when_it_runs_out(job: Cli, api: FakeApi) -> None:
    started = datetime.now(UTC)
    moments = iter([started, *[started + timedelta(minutes=15)] * 99])
    job.now = lambda: next(moments)

    job("team", "members")

    assert len(api.sign_in.exchanged) == 2


def test_a_job_whose_token_is_refused_gets_another(job: Cli, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 401))

    assert job("whoami").exit_code == Exit.OK
    assert len(api.sign_in.exchanged) == 2


def test_a_job_that_is_not_trusted_says_what_to_check(job: Cli, api: FakeApi) -> None:
    api.identity.job = None

    result = job("whoami")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert "The job's token is not taken for this team." in result.stderr
    assert "cygni ci list" in result.stderr
    assert "CYGNI_TEAM" in result.stderr


def test_a_runner_that_gives_no_token_says_which_permission_the_job_needs(job: Cli) -> None:
    job.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "another"

    result = job("whoami")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert "id-token: write" in result.stderr


def test_a_runner_that_does_not_answer_is_unreachable(job: Cli) -> None:
    job.environ["ACTIONS_ID_TOKEN_REQUEST_URL"] = "http://127.0.0.1:9/token"

    assert job("whoami").exit_code == Exit.UNREACHABLE


@pytest.mark.parametrize(
    ("missing", "words"), [("CYGNI_TEAM", "CYGNI_TEAM"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "id-token: write")]
)
def test_a_job_that_lacks_something_is_told_what(job: Cli, missing: str, words: str) -> None:
    del job.environ[missing]

    result = job("whoami")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert words in result.stderr


def test_an_api_key_wins_over_the_job(job: Cli, api: FakeApi, acme: Team) -> None:
    api.sign_in.keys["cyg_key"] = Caller("key_1", "key", "bot", acme.id, grant("viewer"))
    job.environ["CYGNI_TOKEN"] = "cyg_key"

    assert job.document("whoami")["kind"] == "key"
    assert api.sign_in.exchanged == []


class Run:
    """One command's way to a token, without the command."""

    def __init__(self, cli: Cli, api: FakeApi) -> None:
        folder = Path(cli.kept.parent)
        context = Context("127.0.0.1", api.url, kept=Kept.FILE)
        self.bearer = LoginBearer(
            context,
            Credentials(folder, lambda: None, keyring_allowed=True),
            TokenApi(Client(context)),
            lambda: datetime.now(UTC),
        )

    def token_for_a_request(self) -> str:
        client = Client(Context("127.0.0.1", self.bearer.context.url), bearer=self.bearer)
        try:
            IdentityApi(client).whoami()
            return self.bearer.token()
        finally:
            client.close()
            self.bearer.api.client.close()


def bearer(cli: Cli, api: FakeApi) -> Run:
    return Run(cli, api)
