"""The client's patience, and what it sends."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from chalicelib.identity.session_rules import REPEATS
from cygni.cli.bearers import TOKEN_POLICY
from cygni.cli.client import Client, Policy
from cygni.cli.errors import Problem, Unreachable
from cygni.cli.settings import Context
from tests.fakes.api import TOKEN, FakeApi, Fault


@dataclass
class Pauses:
    """A sleep that remembers instead of waiting."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


class Make(Protocol):
    def __call__(self, url: str, pauses: Pauses, **policy: float) -> Client: ...


@pytest.fixture
def client() -> Iterator[Make]:
    """Makes clients that never wait, and closes them."""
    made: list[Client] = []

    def make(url: str, pauses: Pauses, **policy: float) -> Client:
        patience = Policy(attempts=4, **policy)  # type: ignore[arg-type]
        made.append(Client(Context("test", url, TOKEN), policy=patience, sleep=pauses, chance=lambda: 1.0))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_read_is_tried_again_after_a_passing_failure(client: Make, api: FakeApi, status: int) -> None:
    api.faults.append(Fault("/v1/whoami", status, times=2))

    assert client(api.url, Pauses()).request("GET", "/v1/whoami").status == 200
    assert len(api.asked("GET", "/v1/whoami")) == 3


def test_pauses_double_up_to_a_cap(client: Make, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 503, times=3))
    pauses = Pauses()

    client(api.url, pauses, first_pause=1.0, longest_pause=2.5).request("GET", "/v1/whoami")

    assert pauses.taken == [1.0, 2.0, 2.5]


def test_chance_shortens_a_pause_by_half_at_most() -> None:
    policy = Policy(first_pause=1.0)

    assert policy.pause(1, None, 0.0) == 0.5
    assert 0.5 < policy.pause(1, None, 0.4) < 1.0


def test_a_policy_within_another_is_no_more_patient_than_either() -> None:
    hurried = Policy(attempts=9, read_timeout=4).within(Policy(attempts=3, read_timeout=30))

    assert (hurried.attempts, hurried.read_timeout, hurried.first_pause) == (3, 4, 0.2)


def test_all_attempts_to_renew_a_login_are_sent_within_the_time_that_the_api_repeats_itself() -> None:
    policy, latest = TOKEN_POLICY, 0.0
    for attempt in range(1, policy.attempts):
        latest += policy.read_timeout + policy.pause(attempt, None, chance=1.0)

    assert latest < REPEATS.total_seconds()


def test_a_request_that_needs_no_token_carries_none(client: Make, api: FakeApi) -> None:
    client(api.url, Pauses()).request("GET", "/v1/auth/providers", public=True)

    assert "authorization" not in api.asked("GET")[0].headers


def test_retry_after_is_obeyed_up_to_a_limit(client: Make, api: FakeApi) -> None:
    api.faults += [
        Fault("/v1/whoami", 429, headers={"Retry-After": "7"}),
        Fault("/v1/whoami", 429, headers={"Retry-After": "900"}),
    ]
    pauses = Pauses()

    client(api.url, pauses, longest_retry_after=30.0).request("GET", "/v1/whoami")

    assert pauses.taken == [7.0, 30.0]


def test_a_retry_after_that_is_a_date_in_the_past_means_at_once(client: Make, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    pauses = Pauses()

    client(api.url, pauses).request("GET", "/v1/whoami")

    assert pauses.taken == [0.0]


def test_a_failure_that_stays_is_told_as_it_is(client: Make, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 503, times=99))

    with pytest.raises(Problem) as caught:
        client(api.url, Pauses()).request("GET", "/v1/whoami")

    assert caught.value.status == 503
    assert len(api.asked("GET")) == 4


def test_a_refusal_is_not_tried_again(client: Make, api: FakeApi) -> None:
    with pytest.raises(Problem, match="There is no nothing"):
        client(api.url, Pauses()).request("GET", "/v1/projects/nothing")

    assert len(api.asked("GET")) == 1


def test_an_impatient_call_is_tried_once(client: Make, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 503))

    with pytest.raises(Problem):
        client(api.url, Pauses()).request("GET", "/v1/whoami", patient=False)

    assert len(api.asked("GET")) == 1


def test_a_post_carries_one_key_through_all_its_attempts(client: Make, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/projects", 502, times=2))

    client(api.url, Pauses()).request("POST", "/v1/projects", body={"name": "shop"})

    assert len({seen.headers["idempotency-key"] for seen in api.asked("POST")}) == 1
    assert len(api.asked("POST")) == 3
    assert list(api.projects) == ["shop"]


def test_two_posts_carry_two_keys(client: Make, api: FakeApi) -> None:
    made = client(api.url, Pauses())
    made.request("POST", "/v1/projects", body={"name": "one"})
    made.request("POST", "/v1/projects", body={"name": "two"})

    assert len({seen.headers["idempotency-key"] for seen in api.asked("POST")}) == 2


def test_nobody_there_is_unreachable_after_all_attempts(client: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    pauses = Pauses()

    with pytest.raises(Unreachable) as caught:
        client(address, pauses).request("GET", "/v1/health")

    assert address in caught.value.message
    assert "cygni doctor" in caught.value.remedy
    assert len(pauses.taken) == 3


def test_a_token_that_cannot_be_sent_is_not_shown(api: FakeApi) -> None:
    made = Client(Context("test", api.url, "s3cret\ns3cret"), policy=Policy(attempts=1))

    with pytest.raises(Unreachable) as caught:
        made.request("GET", "/v1/whoami")

    made.close()
    assert "s3cret" not in str(caught.value)


def test_a_page_that_is_no_json_is_no_trace(client: Make, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 200, body=b"<html>a proxy's page</html>"))

    with pytest.raises(Problem, match="not JSON"):
        client(api.url, Pauses()).request("GET", "/v1/whoami")


def test_a_redirect_is_not_followed_with_the_token(client: Make, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 302, headers={"Location": "https://elsewhere.example.com/"}))

    with pytest.raises(Problem, match="302"):
        client(api.url, Pauses()).request("GET", "/v1/whoami")


def test_the_user_agent_names_the_version(client: Make, api: FakeApi) -> None:
    client(api.url, Pauses()).request("GET", "/v1/health")

    assert re.match(r"cygni/\d+\.\d+\.\d+ \(python 3\.", api.asked("GET")[0].headers["user-agent"])
