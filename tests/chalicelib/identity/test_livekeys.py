"""The keys as a process knows them: fresh, or last known, and never looked up more often than promised."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.signing import KeyPolicy
from chalicelib.identity.tokens import mint
from chalicelib.platform.errors import SecretsUnavailable, Unauthenticated
from tests.chalicelib.identity.builders import AUDIENCE, ISSUER, MINUTE, NAME, Place, claims, payload, sign, spare_key

QUICK = KeyPolicy(rotate_every=timedelta(hours=1), published_before=15 * MINUTE, kept_after=20 * MINUTE)


@pytest.fixture
def place() -> Place:
    place = Place()
    place.rotate()
    return place


def unknown(number: int) -> str:
    """A token that names a key nobody has."""
    return sign({"alg": "ES256", "typ": "at+jwt", "kid": f"nobody-{number}"}, payload(), spare_key())


@settings(deadline=None, max_examples=25, phases=(Phase.explicit, Phase.generate))  # shrinking would take minutes
@given(st.lists(st.tuples(st.integers(1, 1200), st.booleans()), min_size=20, max_size=60))
def test_no_request_fails_while_keys_are_rotated(plan: list[tuple[int, bool]]) -> None:
    place = Place(policy=QUICK)
    place.rotate()
    minting, verifying = place.process(), place.process()
    tokens: list[tuple[str, datetime]] = []

    for seconds, rotates in plan:
        place.clock.sleep(seconds)
        if rotates:
            place.rotate()
        tokens = [(token, expires) for token, expires in tokens if place.clock.now < expires]
        tokens.append((place.token(minting), place.clock.now + 15 * MINUTE))
        for token, _ in tokens:
            assert place.verify(token, verifying).subject == "usr_ada"


def test_a_revoked_key_is_refused_within_a_minute_even_for_tokens_that_were_proven(place: Place) -> None:
    keys = place.process()
    token = place.token(keys)
    place.verify(token, keys)
    place.revoke(place.keys().keys[0].kid)

    place.clock.sleep(44)
    assert place.verify(token, keys)
    place.clock.sleep(15)

    with pytest.raises(Unauthenticated, match="revoked"):
        place.verify(token, keys)


def test_a_key_that_is_over_signs_nothing_that_is_taken(place: Place) -> None:
    old = place.keys().keys[0]
    place.clock.sleep(timedelta(days=30).total_seconds())
    place.rotate()
    keys = place.process()
    place.clock.sleep(35 * 60)

    token = mint(claims(place.clock.now), old, issuer=ISSUER, audience=AUDIENCE)

    assert place.keys().get(old.kid) is not None
    with pytest.raises(Unauthenticated, match="not valid here"):
        place.verify(token, keys)


def test_a_token_of_the_key_that_replaces_a_revoked_one_is_taken_at_once(place: Place) -> None:
    keys = place.process()
    place.verify(place.token(keys), keys)
    place.clock.sleep(20)
    place.revoke(place.keys().keys[0].kid)

    assert place.verify(place.token(place.process()), keys)


def test_keys_are_read_once_in_forty_five_seconds(place: Place) -> None:
    keys = place.process()
    before = place.secrets.reads

    for _ in range(451):
        place.clock.sleep(0.1)
        keys.current()

    assert place.secrets.reads - before == 2


def test_a_clock_that_is_set_back_does_not_keep_a_copy_alive(place: Place) -> None:
    keys = place.process()
    before = keys.current()
    place.revoke(place.keys().keys[0].kid)

    place.clock.sleep(-3600)

    assert keys.current() is not before


def test_an_outage_leaves_the_last_known_keys_in_use(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    keys = place.process()
    keys.current()
    place.secrets.away = True

    for _ in range(600):
        place.clock.sleep(1)
        assert place.verify(place.token(keys), keys)

    told = [each for each in caplog.messages if "stay in use" in each]
    assert 9 <= len(told) <= 10
    assert not [each for each in caplog.messages if "PRIVATE" in each]


def test_an_outage_is_not_made_worse_by_asking_often(place: Place) -> None:
    keys = place.process()
    keys.current()
    place.secrets.away = True
    before = place.secrets.reads

    for _ in range(600):
        place.clock.sleep(1)
        keys.current()

    assert place.secrets.reads - before <= 60


def test_keys_that_were_removed_or_spoilt_leave_the_last_known_in_use(place: Place) -> None:
    keys = place.process()
    token = place.token(keys)

    for text in (None, "spoilt"):
        place.clock.sleep(46)
        place.secrets.values.pop(NAME) if text is None else place.secrets.values.update({NAME: text})
        assert place.verify(token, keys)


def test_without_any_key_the_answer_is_to_come_again_and_the_store_is_spared(place: Place) -> None:
    place.secrets.away = True
    keys, before = place.process(), place.secrets.reads

    for _ in range(100):
        with pytest.raises(SecretsUnavailable):
            keys.current()
    assert place.secrets.reads - before == 1

    place.secrets.away = False
    place.clock.sleep(10)
    assert keys.signer()


def test_an_installation_without_keys_says_how_to_make_them() -> None:
    with pytest.raises(SecretsUnavailable) as told:
        Place().process().signer()
    assert "cygni-rotate-signing-keys" in told.value.remedy


def test_ten_thousand_unknown_keys_cost_one_look_in_ten_seconds(place: Place) -> None:
    keys = place.process()
    keys.current()
    before, names = place.secrets.reads, [unknown(number) for number in range(100)]

    for number in range(10_000):
        place.clock.sleep(0.01)
        with pytest.raises(Unauthenticated):
            place.verify(names[number % 100], keys)

    assert place.secrets.reads - before <= 10


def test_the_published_set_has_what_is_announced_and_nothing_private(place: Place) -> None:
    place.clock.sleep(timedelta(days=30).total_seconds())
    place.rotate()

    published = place.process().jwks()["keys"]

    assert [each["kid"] for each in published] == [each.kid for each in place.keys().keys]
    assert all(set(each) == {"kty", "crv", "x", "y", "kid", "alg", "use"} for each in published)


class Gate:
    """A read that stands still until it is let through."""

    def __init__(self, place: Place) -> None:
        self.place, self.open, self.waiting, self.reads = place, threading.Event(), threading.Event(), 0
        self.open.set()

    def __call__(self) -> str | None:
        self.reads += 1
        self.waiting.set()
        assert self.open.wait(90)
        return self.place.secrets.values.get(NAME)


def in_threads(count: int, work: Callable[[], object]) -> list[threading.Thread]:
    """Threads that do the work; their errors end the test when they are joined."""
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for each in threads:
        each.start()
    return threads


def test_while_one_thread_reads_the_others_go_on_with_the_old_copy(place: Place) -> None:
    gate = Gate(place)
    keys = LiveKeys(gate, place.clock)
    token = place.token(keys)
    place.clock.sleep(46)
    gate.open.clear()
    gate.waiting.clear()

    reader = in_threads(1, keys.current)[0]
    assert gate.waiting.wait(90)
    for _ in range(50):
        assert place.verify(token, keys)

    assert reader.is_alive()
    assert gate.reads == 2
    gate.open.set()
    reader.join(90)
    assert not reader.is_alive()


def test_threads_that_all_need_the_first_copy_read_once(place: Place) -> None:
    gate = Gate(place)
    gate.open.clear()
    keys, seen = LiveKeys(gate, place.clock), []

    threads = in_threads(8, lambda: seen.append(keys.current()))
    assert gate.waiting.wait(90)
    gate.open.set()
    for each in threads:
        each.join(90)

    assert gate.reads == 1
    assert len(seen) == 8
    assert len({id(each) for each in seen}) == 1


def test_threads_that_meet_a_new_key_wait_for_the_look_that_finds_it(place: Place) -> None:
    gate = Gate(place)
    keys, taken = LiveKeys(gate, place.clock), []
    keys.current()
    place.clock.sleep(11)
    place.revoke(place.keys().keys[0].kid)
    token = place.token(place.process())
    gate.open.clear()
    gate.waiting.clear()

    threads = in_threads(4, lambda: taken.append(place.verify(token, keys)))
    assert gate.waiting.wait(90)
    gate.open.set()
    for each in threads:
        each.join(90)

    assert len(taken) == 4
    assert gate.reads == 2


AHEAD = 10
"""Rounds that a thread may be ahead of the clock, whose 20 s each are then far less than a token lives."""


def test_threads_verify_rightly_while_keys_rotate_under_them() -> None:
    place, kids = Place(policy=QUICK), set()
    place.rotate()
    place.clock.sleep(3000)
    keys, done, wrong, turn = place.process(), [0] * 4, [], [0]

    def work(at: int) -> None:
        try:
            while done[at] < 120:
                while done[at] > turn[0] + AHEAD and not wrong:
                    time.sleep(0.0005)
                token = place.token(keys)
                assert place.verify(token, keys) == place.verify(token, keys)
                done[at] += 1
        except BaseException as error:  # noqa: BLE001 - told by the thread that looks
            wrong.append(error)

    threads = [thread for at in range(4) for thread in in_threads(1, partial(work, at))]
    for step in range(100):
        place.clock.now += timedelta(seconds=20)
        kids.add(place.rotate().signs)
        turn[0] = step
        deadline = time.monotonic() + 90
        while min(done) <= step and not wrong and time.monotonic() < deadline:
            time.sleep(0.0005)
    turn[0] = 120
    for each in threads:
        each.join(90)

    assert not wrong
    assert min(done) == 120
    assert len(kids) == 2
