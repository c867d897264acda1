"""Jobs of GitHub Actions sign in without a stored secret."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from chalicelib.identity.models_teams import TeamRecord, TrustRecord
from chalicelib.platform.store import Store
from chalicelib.platform.table import Put, Remove
from cygni.local.idp.browser import Browser
from tests.support.signin import EXCHANGE_GRANT, JWT, Site, Terminal, seat
from tests.support.world import START

TEAM, OTHER = "team_01J11111111111111111111111", "team_01J22222222222222222222222"


def trust(team: str, number: int, **named: Any) -> str:
    """A trust of a team's in acme/web, but for what is named otherwise."""
    name = f"tru_01J0000000000000000000000{number}"
    values = {"name": name, "repository": "acme/web", "role": "developer", "created_by": "usr_1", "created_at": START, **named}
    Store((f"TEAM#{team}",)).commit([Put(TrustRecord(f"TEAM#{team}", f"TRUST#{name}", **values))])
    return name


@pytest.fixture
def trusted(site: Site) -> str:
    """A trust of TEAM in acme/web's branch main."""
    Store((f"TEAM#{TEAM}",)).commit([Put(TeamRecord(f"TEAM#{TEAM}", "TEAM", name="Acme", region="eu-test-1"))])
    return trust(TEAM, 1, ref="refs/heads/main")


def token_of(site: Site, **job: Any) -> str:
    """The token that GitHub gives a job of acme/web on main, but for what is named otherwise."""
    asked = {"repository": "acme/web", "audience": site.url, **job}
    answer = site.http.post(f"{site.idp}/actions/token", json=asked)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"])


def exchange(site: Site, token: str, team: str = TEAM) -> httpx.Response:
    return Terminal(site).token(grant_type=EXCHANGE_GRANT, subject_token=token, subject_token_type=JWT, team=team)


def test_a_job_of_a_trusted_repository_gets_a_token_with_the_trust_s_role(site: Site, trusted: str) -> None:
    answer = exchange(site, token_of(site))

    told = answer.json()
    assert (answer.status_code, told["team"], told["refresh_token"]) == (200, TEAM, None)
    assert told["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    job = Terminal(site, tokens=told)
    who = job.call("GET", "/v1/whoami").json()
    assert (who["subject"], who["kind"], who["role"]) == (trusted, "federated", "developer")
    assert who["name"] == "acme/web@refs/heads/main"
    assert job.call("POST", "/v1/projects", {"name": "hello"}).status_code == 201


def test_which_run_signed_in_is_in_the_audit_trail(site: Site, trusted: str, browser: Browser) -> None:
    owner = Terminal(site)
    owner.sign_in(browser)
    seat(owner.user, TEAM, "owner")
    owner.refresh(team=TEAM)
    exchange(site, token_of(site, run_id="4711"))

    line = owner.call("GET", "/v1/audit").json()["items"][0]

    assert (line["actor"], line["actor_kind"], line["operation"]) == (trusted, "federated", "issue_token")
    assert line["resource"] == f"trusts/{trusted}/acme/web@refs/heads/main/runs/4711"


@pytest.mark.parametrize(
    "job",
    [
        {"repository": "acme/other"},
        {"repository": "acme-web/web"},
        {"ref": "refs/heads/main2"},
        {"ref": "refs/heads/feature"},
        {"ref": "refs/tags/main"},
        {"ref": "refs/pull/1/merge"},
        {"audience": "https://github.com/acme"},
        {"audience": "https://api.other.test"},
    ],
)
def test_a_job_that_the_trust_does_not_mean_gets_nothing(site: Site, trusted: str, job: dict[str, str]) -> None:
    refused = exchange(site, token_of(site, **job))

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    remedy = refused.json()["remedy"]
    assert site.url in remedy
    assert "`cygni ci list`" in remedy


def test_a_team_that_is_not_there_answers_like_one_that_does_not_trust(site: Site, trusted: str) -> None:
    told = [exchange(site, token_of(site), team).json() for team in (OTHER, "x", "team_#")]
    told.append(exchange(site, token_of(site, repository="acme/other")).json())

    assert len({each["detail"] for each in told}) == 1


def test_a_pinned_number_keeps_out_who_takes_the_name_over(site: Site, trusted: str) -> None:
    store = Store((f"TEAM#{TEAM}",))
    store.commit([Remove(TrustRecord, f"TEAM#{TEAM}", f"TRUST#{trusted}")])
    trust(TEAM, 2, repository_id="123")

    assert exchange(site, token_of(site, repository_id="123")).status_code == 200
    assert exchange(site, token_of(site, repository_id="124")).status_code == 400


def test_a_job_outside_of_the_environment_is_refused(site: Site, trusted: str) -> None:
    store = Store((f"TEAM#{TEAM}",))
    store.commit([Remove(TrustRecord, f"TEAM#{TEAM}", f"TRUST#{trusted}")])
    trust(TEAM, 2, environment="production", role="admin")

    inside = exchange(site, token_of(site, environment="production"))

    assert Terminal(site, tokens=inside.json()).call("GET", "/v1/whoami").json()["role"] == "admin"
    assert exchange(site, token_of(site)).status_code == 400


def test_a_trust_of_one_team_opens_no_other(site: Site, trusted: str) -> None:
    Store((f"TEAM#{OTHER}",)).commit([Put(TeamRecord(f"TEAM#{OTHER}", "TEAM", name="Other", region="eu-test-1"))])

    assert exchange(site, token_of(site), OTHER).status_code == 400


def test_a_trust_that_an_owner_makes_lets_jobs_in_until_it_is_revoked(site: Site, browser: Browser) -> None:
    owner = Terminal(site)
    owner.sign_in(browser)
    team = owner.call("POST", "/v1/teams", {"name": "Acme"}).json()["id"]
    site.fakes.clock.sleep(1)
    owner.refresh(team=team)
    made = owner.call("POST", "/v1/team/trusts", {"name": "ci", "repository": "acme/web", "role": "developer"})
    job = Terminal(site, tokens=exchange(site, token_of(site), team).json())
    assert job.call("POST", "/v1/projects", {"name": "hello"}).status_code == 201

    site.fakes.clock.sleep(1)
    assert owner.call("DELETE", f"/v1/team/trusts/{made.json()['id']}").status_code == 204

    assert exchange(site, token_of(site), team).status_code == 400
    assert job.call("POST", "/v1/projects", {"name": "second"}).status_code == 401


def test_a_job_s_token_is_good_for_five_minutes(site: Site, trusted: str) -> None:
    token = token_of(site)
    site.fakes.clock.sleep(331)

    assert exchange(site, token).status_code == 400


def test_a_person_s_id_token_is_no_job_s(site: Site, trusted: str, browser: Browser) -> None:
    """The provider signs people in and jobs with different keys and under different names."""
    terminal = Terminal(site)
    terminal.sign_in(browser)

    assert exchange(site, terminal.tokens["access_token"]).status_code == 400


@pytest.mark.parametrize("token", ["x", "a.b.c", "/iTi\xaeg\x94", "\xae.\x94.\0", "eyJhbGciOiJub25lIn0.e30.", "." * 8000])
def test_what_is_no_token_is_refused(site: Site, trusted: str, token: str) -> None:
    assert exchange(site, token).json()["error"] == "invalid_grant"


def test_a_team_of_another_region_is_served_elsewhere_and_nothing_is_written(site: Site, trusted: str) -> None:
    Store((f"TEAM#{OTHER}",)).commit([Put(TeamRecord(f"TEAM#{OTHER}", "TEAM", name="Other", region="us-test-9"))])
    trust(OTHER, 3)

    assert exchange(site, token_of(site), OTHER).status_code == 421
