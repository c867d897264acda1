"""Teams in the whole cloud process, over a store that many threads use at the same moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from cygni.local.idp.browser import Browser
from cygni.local.idp.clients import Client
from cygni.local.idp.server import Options, running_in_thread
from tests.cygni.local.cloud.running import KEY, RunningCloud
from tests.cygni.local.cloud.test_signing_in import approved, post, redeem

pytestmark = pytest.mark.slow

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    folder: Path = tmp_path_factory.mktemp("cloud")
    cloud = RunningCloud(folder)
    options = Options(folder / "idp", Client("cygni", "s3cret", (f"{cloud.url}/v1/auth/callback",)))
    with running_in_thread(options) as provider:
        cloud.idp = provider.issuer
        cloud.start()
        yield cloud
        cloud.stop()


class Person:
    """Somebody who signed in by the device flow; `stand_in` takes them to a team."""

    def __init__(self, cloud: RunningCloud, name: str) -> None:
        self.cloud = cloud
        with Browser() as browser:
            device, page = approved(cloud, browser, name)
            page.submit(button="Approve")
        self.tokens = redeem(cloud, device)

    def stand_in(self, team: str) -> None:
        renewed = post(
            self.cloud, "/v1/auth/token", grant_type="refresh_token", refresh_token=self.tokens["refresh_token"], team=team
        )
        assert renewed.status_code == 200, renewed.text
        self.tokens = renewed.json()

    def __call__(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return httpx.request(method, self.cloud.url + path, json=body, headers=headers, timeout=60)


def operator(cloud: RunningCloud) -> Ask:
    headers = {"Authorization": f"Bearer {KEY}"}
    return lambda method, path, body=None: httpx.request(method, cloud.url + path, json=body, headers=headers, timeout=60)


def at_once(*acts: Callable[[], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(acts)) as threads:
        return [each.result() for each in [threads.submit(act) for act in acts]]


def test_of_many_who_want_the_last_place_one_has_it(cloud: RunningCloud) -> None:
    ask = operator(cloud)
    usage = ask("GET", "/v1/team").json()["usage"]
    for number in range(usage["projects"], usage["most_projects"] - 1):
        assert ask("POST", "/v1/projects", {"name": f"p{number}"}).status_code == 201

    answers = at_once(*(lambda name=f"late{number}": ask("POST", "/v1/projects", {"name": name}) for number in range(6)))

    assert Counter(each.status_code for each in answers) == {201: 1, 409: 5}
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"quota-exceeded"}
    after = ask("GET", "/v1/team").json()["usage"]["projects"]
    assert after == usage["most_projects"] == len(ask("GET", "/v1/projects").json()["items"])


def test_a_link_makes_one_member_and_of_two_owners_who_leave_at_once_one_stays(cloud: RunningCloud) -> None:
    ada, grace, linus = (Person(cloud, name) for name in ("Ada", "Grace", "Linus"))
    team = ada("POST", "/v1/teams", {"name": "Crew"}).json()["id"]
    ada.stand_in(team)
    link = {"token": ada("POST", "/v1/team/invitations", {"role": "admin"}).json()["link"]}

    accepted = at_once(*(lambda who=who: who("POST", "/v1/invitations/accept", link) for who in (grace, linus) * 2))

    assert Counter(each.status_code for each in accepted) == {201: 2, 404: 2}
    (joined,) = (each for each in ada("GET", "/v1/team/members").json()["items"] if each["role"] == "admin")
    other = next(who for who in (grace, linus) if who("GET", "/v1/whoami").json()["subject"] == joined["user"])
    assert ada("PUT", f"/v1/team/members/{joined['user']}", {"role": "owner"}).status_code == 200
    time.sleep(1)  # tokens say whole seconds: one of the same second would be taken for one of before the change
    other.stand_in(team)

    left = at_once(*(lambda who=who: who("POST", "/v1/team/leave") for who in (ada, other)))

    assert sorted(each.status_code for each in left) == [204, 409]
    stays = ada if left[0].status_code == 409 else other
    (last,) = stays("GET", "/v1/team/members").json()["items"]
    assert last["role"] == "owner"
    assert stays("DELETE", "/v1/team").status_code == 204
    assert stays("GET", "/v1/team").status_code == 404


def test_a_key_is_good_until_it_is_deleted(cloud: RunningCloud) -> None:
    ask = operator(cloud)
    made = ask("POST", "/v1/team/keys", {"name": "ci", "role": "viewer"}).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert httpx.get(f"{cloud.url}/v1/projects", headers=headers, timeout=60).status_code == 200

    assert ask("DELETE", f"/v1/team/keys/{made['id']}").status_code == 204

    assert httpx.get(f"{cloud.url}/v1/projects", headers=headers, timeout=60).status_code == 401


def test_an_erasure_reaches_the_trails_of_teams_that_were_left(cloud: RunningCloud) -> None:
    ask, ada = operator(cloud), Person(cloud, "Ada")
    link = {"token": ask("POST", "/v1/team/invitations", {"role": "viewer"}).json()["link"]}
    team = ada("POST", "/v1/invitations/accept", link).json()["id"]
    user = ada("GET", "/v1/whoami").json()["subject"]
    ada.stand_in(team)
    ada("POST", "/v1/team/leave")

    assert ada("DELETE", "/v1/me").status_code == 204

    lines = _blanked(ask, user)
    assert len(lines) >= 2
    assert {(each["source"], each["salt"]) for each in lines} == {("", "")}
    assert ada("POST", "/v1/teams", {"name": "late"}).status_code == 401


def _blanked(ask: Ask, user: str) -> list[dict[str, Any]]:
    """The person's lines, once the function that was sent for has blanked them."""
    deadline = time.monotonic() + 90
    while True:
        lines: list[dict[str, Any]] = ask("GET", f"/v1/audit?actor={user}").json()["items"]
        if not any(each["source"] for each in lines) or time.monotonic() > deadline:
            return lines
        time.sleep(0.2)
