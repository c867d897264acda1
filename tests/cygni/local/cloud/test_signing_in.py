"""Signing in to the whole cloud process, over a store that many threads use at the same moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from cygni.local.idp.browser import Browser, Page
from cygni.local.idp.clients import Client
from cygni.local.idp.server import Options, running_in_thread
from tests.cygni.local.cloud.running import RunningCloud

pytestmark = pytest.mark.slow

AT_ONCE = 8
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


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


def post(cloud: RunningCloud, path: str, **form: str) -> httpx.Response:
    return httpx.post(cloud.url + path, data=form, timeout=60)


def at_once(act: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [each.result() for each in [threads.submit(act) for _ in range(AT_ONCE)]]


def approved(cloud: RunningCloud, browser: Browser, button: str = "Ada") -> tuple[dict[str, Any], Page]:
    """A device, and the page that asks whether it is to be approved."""
    device: dict[str, Any] = post(cloud, "/v1/auth/device", device_name="laptop").json()
    page = browser.open(device["verification_uri_complete"])
    if "Approve" not in page.buttons:
        page = page.follow("Continue with Local identity provider").submit(button=button)
    return device, page


def redeem(cloud: RunningCloud, device: dict[str, Any]) -> dict[str, Any]:
    """Asks for the device's tokens as a device does, until they are there."""
    deadline = time.monotonic() + 90
    while True:
        time.sleep(device["interval"])
        told: dict[str, Any] = post(cloud, "/v1/auth/token", grant_type=DEVICE_GRANT, device_code=device["device_code"]).json()
        if "access_token" in told or time.monotonic() > deadline:
            return told


def test_a_device_is_signed_in_and_stays_so_over_a_restart(cloud: RunningCloud) -> None:
    with Browser() as browser:
        device, page = approved(cloud, browser)
        assert device["interval"] == 1
        page.submit(button="Approve")
    tokens = redeem(cloud, device)
    time.sleep(1)  # a snapshot of the store is taken every 0.3 s

    cloud.stop()
    cloud.start()

    answer = post(cloud, "/v1/auth/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    who = httpx.get(f"{cloud.url}/v1/whoami", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}, timeout=60)
    assert (who.json()["kind"], who.json()["name"]) == ("user", "Ada")


def test_whoever_asks_at_once_with_one_refresh_token_gets_one_successor(cloud: RunningCloud) -> None:
    with Browser() as browser:
        device, page = approved(cloud, browser)
        page.submit(button="Approve")
    token = redeem(cloud, device)["refresh_token"]

    answers = at_once(lambda: post(cloud, "/v1/auth/token", grant_type="refresh_token", refresh_token=token))

    assert Counter(each.status_code for each in answers) == {200: AT_ONCE}
    (following,) = {each.json()["refresh_token"] for each in answers}
    assert post(cloud, "/v1/auth/token", grant_type="refresh_token", refresh_token=following).status_code == 200


def test_of_many_approvals_at_once_one_counts(cloud: RunningCloud) -> None:
    with Browser() as browser:
        device, page = approved(cloud, browser)
        form = dict(page.forms[0].filled({}, page.forms[0].buttons[0]))
        cookies = "; ".join(f"{each.name}={each.value}" for each in browser.cookies(cloud.url))

    decision = f"{cloud.url}/v1/auth/device/decision"
    answers = at_once(lambda: httpx.post(decision, data=form, headers={"Cookie": cookies}, timeout=60).status_code)

    assert Counter(answers)[200] == 1
    assert set(answers) <= {200, 404, 409}
    assert "access_token" in redeem(cloud, device)


def test_a_first_sign_in_in_many_browsers_at_once_makes_one_user(cloud: RunningCloud) -> None:
    def subject() -> str:
        with Browser() as browser:
            page = browser.open(f"{cloud.url}/v1/auth/login?provider=local")
            page.submit({"email": "newcomer@example.test", "name": "Newcomer"}, button="Sign in")
            device, page = approved(cloud, browser)
            assert page.submit(button="Approve").status == 200
            token = redeem(cloud, device)["access_token"]
        who = httpx.get(f"{cloud.url}/v1/whoami", headers={"Authorization": f"Bearer {token}"}, timeout=60)
        return str(who.json()["subject"])

    assert len(set(at_once(subject))) == 1
