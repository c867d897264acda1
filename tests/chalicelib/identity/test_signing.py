"""The schedule of keys, at every moment and whatever happens to it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.identity.signing import KeyPolicy, KeySet, from_text, jwks, revoked, rotated, signer, to_text, verifiers
from tests.chalicelib.identity.builders import MINUTE, T0, Namer

DAY = timedelta(days=1)
QUICK = KeyPolicy(rotate_every=timedelta(hours=1), published_before=15 * MINUTE, kept_after=20 * MINUTE)
"""A schedule that a few random steps get through."""

steps = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from(["look", "look", "rotate", "rotate", "revoke signer", "revoke newest"])),
    min_size=1,
    max_size=40,
)


def after(keys: KeySet, what: str, now: datetime, make: Namer) -> KeySet:
    """The set after one step."""
    if what == "rotate":
        return rotated(keys, now, make, QUICK)
    if what == "look":
        return keys
    now_signs = signer(keys, now)
    assert now_signs is not None
    return revoked(keys, now_signs.kid if what == "revoke signer" else keys.keys[-1].kid, now, make, QUICK)


@given(steps)
def test_from_the_first_rotation_on_exactly_one_key_signs(plan: list[tuple[int, str]]) -> None:
    make, now = Namer(), T0
    keys = rotated(KeySet(), now, make, QUICK)

    for minutes, what in plan:
        now += minutes * MINUTE
        for each in (keys, keys := after(keys, what, now, make)):
            signs = signer(each, now)
            assert signs is not None
            assert signs.revoked_at is None
            assert signs in verifiers(each, now)


@given(steps)
def test_what_a_key_signed_verifies_until_it_expires(plan: list[tuple[int, str]]) -> None:
    make, now = Namer(), T0
    keys = rotated(KeySet(), now, make, QUICK)
    minted = []

    for minutes, what in plan:
        now += minutes * MINUTE
        for each in (keys, keys := after(keys, what, now, make)):
            known = {key.kid for key in verifiers(each, now)}
            ended = {key.kid for key in each.keys if key.revoked_at is not None}
            assert all(kid in known or kid in ended for kid, expires in minted if now < expires)
        minted.append((signer(keys, now).kid, now + 15 * MINUTE))  # type: ignore[union-attr]


@given(steps)
def test_a_key_is_published_before_it_signs_unless_it_replaces_one(plan: list[tuple[int, str]]) -> None:
    make, now = Namer(), T0
    keys = rotated(KeySet(), now, make, QUICK)

    for minutes, what in plan:
        now += minutes * MINUTE
        before, keys = keys, after(keys, what, now, make)
        for key in keys.keys:
            if what == "rotate" and before.get(key.kid) is None:
                assert key.signs_from == now + QUICK.published_before
                assert key.kid in {each["kid"] for each in jwks(keys, now)["keys"]}


@given(steps)
def test_a_revoked_key_neither_signs_nor_verifies_ever_again(plan: list[tuple[int, str]]) -> None:
    make, now = Namer(), T0
    keys, ended = rotated(KeySet(), now, make, QUICK), set()

    for minutes, what in plan:
        now += minutes * MINUTE
        keys = after(keys, what, now, make)
        ended |= {key.kid for key in keys.keys if key.revoked_at is not None}
        assert signer(keys, now).kid not in ended  # type: ignore[union-attr]
        assert not ended & {key.kid for key in verifiers(keys, now)}


@given(steps)
def test_a_step_that_is_taken_twice_at_once_is_taken_once(plan: list[tuple[int, str]]) -> None:
    make, now = Namer(), T0
    keys = rotated(KeySet(), now, make, QUICK)

    for minutes, what in plan:
        now += minutes * MINUTE
        before, keys = keys, after(keys, what, now, make)
        made = make.made
        for kid in {each.kid for each in before.keys if revocation_of(keys, each.kid) == now}:
            assert revoked(keys, kid, now, make, QUICK) == keys
        if what == "rotate":
            assert rotated(keys, now, make, QUICK) == keys
        assert make.made == made


def revocation_of(keys: KeySet, kid: str) -> datetime | None:
    """When a key was revoked, if it was."""
    found = keys.get(kid)
    return found.revoked_at if found else None


@given(steps)
def test_nothing_private_is_published_or_shown(plan: list[tuple[int, str]]) -> None:
    make, now = Namer(), T0
    keys = rotated(KeySet(), now, make, QUICK)

    for minutes, what in plan:
        now += minutes * MINUTE
        keys = after(keys, what, now, make)
    published = jwks(keys, now)
    assert all(set(each) == {"kty", "crv", "x", "y", "kid", "alg", "use"} for each in published["keys"])
    assert "PRIVATE" not in json.dumps(published)
    assert "PRIVATE" not in repr(keys)


@given(steps)
def test_the_secrets_text_keeps_everything(plan: list[tuple[int, str]]) -> None:
    make, now = Namer(), T0
    keys = rotated(KeySet(), now, make, QUICK)

    for minutes, what in plan:
        now += minutes * MINUTE
        keys = after(keys, what, now, make)
        assert from_text(to_text(keys)) == keys


@given(steps)
def test_the_set_does_not_grow(plan: list[tuple[int, str]]) -> None:
    make, now = Namer(), T0
    keys = rotated(KeySet(), now, make, QUICK)

    for minutes, what in plan:
        now += minutes * MINUTE
        keys = rotated(after(keys, what, now, make), now, make, QUICK)
        alive = [key for key in keys.keys if key.revoked_at is None]
        assert len(alive) <= 4


def test_a_daily_rotation_replaces_a_key_after_thirty_days() -> None:
    make = Namer()
    keys = KeySet()
    signs = []

    for day in range(92):
        keys = rotated(keys, T0 + day * DAY, make)
        signs.append(signer(keys, T0 + day * DAY).kid)  # type: ignore[union-attr]

    assert [signs.count(f"key-{number}") for number in (1, 2, 3)] == [31, 30, 30]


def test_a_replaced_key_verifies_a_little_longer_than_a_token_lives() -> None:
    make = Namer()
    keys = rotated(rotated(KeySet(), T0, make), T0 + 30 * DAY, make)
    second = T0 + 30 * DAY + 15 * MINUTE

    assert keys.keys[0].verifies_until == second + 20 * MINUTE
    assert [key.kid for key in rotated(keys, second + 19 * MINUTE, make).keys] == ["key-1", "key-2"]
    assert [key.kid for key in rotated(keys, second + 20 * MINUTE, make).keys] == ["key-2"]


def test_a_key_that_signs_and_is_revoked_is_replaced_at_once() -> None:
    make = Namer()
    keys = revoked(rotated(KeySet(), T0, make), "key-1", T0 + DAY, make)

    assert signer(keys, T0 + DAY).kid == "key-2"  # type: ignore[union-attr]
    assert [key.kid for key in verifiers(keys, T0 + DAY)] == ["key-2"]


def test_an_announced_key_that_is_revoked_leaves_its_predecessor_signing() -> None:
    make = Namer()
    announced = rotated(rotated(KeySet(), T0, make), T0 + 30 * DAY, make)

    keys = revoked(announced, "key-2", T0 + 30 * DAY + MINUTE, make)

    assert signer(keys, T0 + 60 * DAY).kid == "key-1"  # type: ignore[union-attr]
    assert keys.keys[0].verifies_until is None
    assert make.made == 2


def test_a_key_that_no_longer_signs_can_be_revoked_without_a_new_one() -> None:
    make = Namer()
    keys = rotated(rotated(KeySet(), T0, make), T0 + 30 * DAY, make)

    keys = revoked(keys, "key-1", T0 + 30 * DAY + 20 * MINUTE, make)

    assert [key.kid for key in verifiers(keys, T0 + 30 * DAY + 20 * MINUTE)] == ["key-2"]
    assert make.made == 2


def test_a_revoked_key_is_forgotten_once_its_tokens_are_over() -> None:
    make = Namer()
    keys = revoked(rotated(KeySet(), T0, make), "key-1", T0, make)

    assert rotated(keys, T0 + 19 * MINUTE, make).get("key-1") is not None
    assert rotated(keys, T0 + 20 * MINUTE, make).get("key-1") is None


def test_a_key_of_a_clock_that_was_ahead_does_not_stop_the_schedule() -> None:
    make = Namer()
    keys = rotated(KeySet(), T0 + 400 * DAY, make)

    keys = rotated(keys, T0, make)
    assert signer(keys, T0).kid == "key-2"  # type: ignore[union-attr]
    assert signer(rotated(keys, T0 + 30 * DAY, make), T0 + 31 * DAY).kid == "key-3"  # type: ignore[union-attr]


def test_a_key_that_is_not_there_cannot_be_revoked() -> None:
    with pytest.raises(KeyError):
        revoked(KeySet(), "key-1", T0, Namer())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hush",
        "[]",
        '{"format": 2, "keys": []}',
        '{"format": 1}',
        '{"format": 1, "keys": [{"kid": "hush"}]}',
        '{"format": 1, "keys": 5}',
    ],
)
def test_another_text_is_not_taken_for_keys_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="signing keys") as told:
        from_text(text)
    assert "hush" not in str(told.value)
