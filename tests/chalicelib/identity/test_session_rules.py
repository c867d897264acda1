from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.identity.session_rules import (
    ABSOLUTE,
    BROWSER,
    REFRESH,
    REPEATS,
    SLIDING,
    Chain,
    Credential,
    Presented,
    begun,
    digest_of,
    judge,
    read_credential,
    renewed,
    successor,
)

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ULID = "01JAZ00000000000000000000A"
peppers = st.binary(min_size=32, max_size=32)
seeds = st.binary(min_size=16, max_size=16)
pauses = st.floats(min_value=0, max_value=40 * 86400, allow_nan=False)


@dataclass
class Family:
    """A chain that is used, with all secrets that it ever had."""

    chain: Chain
    secrets: list[str]
    now: datetime = T0
    ended: bool = field(default=False)

    def use(self) -> None:
        self.secrets.append(successor(self.chain, self.secrets[-1]))
        self.chain = renewed(self.chain, self.secrets[-2], self.now)


def family(pepper: bytes = b"p" * 32, seed: bytes = b"s" * 16) -> Family:
    chain, first = begun(pepper, seed, T0)
    return Family(chain, [first])


@given(peppers, seeds, st.lists(st.tuples(pauses, st.integers(0, 8)), max_size=12))
def test_of_all_secrets_a_session_ever_had_one_is_valid_and_the_last_is_repeated_for_ten_seconds(
    pepper: bytes, seed: bytes, uses: list[tuple[float, int]]
) -> None:
    known = family(pepper, seed)
    for pause, back in uses:
        known.now += timedelta(seconds=pause)
        if known.now >= known.chain.ends_at:
            assert {judge(known.chain, each, known.now) for each in known.secrets} == {Presented.OVER}
            return
        age = known.now - known.chain.renewed_at
        expected = {0: Presented.VALID, 1: Presented.REPEATED if age <= REPEATS else Presented.REUSED}
        for index, secret in enumerate(reversed(known.secrets)):
            assert judge(known.chain, secret, known.now) is expected.get(index, Presented.REUSED)
        if back == 0:
            known.use()


@given(peppers, seeds, st.text(max_size=60))
def test_what_was_never_a_secret_of_the_session_is_strange(pepper: bytes, seed: bytes, guess: str) -> None:
    assert judge(family(pepper, seed).chain, guess, T0) is Presented.STRANGE


@given(peppers, peppers, seeds)
def test_a_secret_of_another_session_is_strange(pepper: bytes, other: bytes, seed: bytes) -> None:
    assume(pepper != other)

    assert judge(family(pepper, seed).chain, family(other, seed).secrets[0], T0) is Presented.STRANGE


@given(peppers, seeds)
def test_a_repeated_secret_leads_to_the_same_successor(pepper: bytes, seed: bytes) -> None:
    known = family(pepper, seed)
    known.use()

    assert successor(known.chain, known.secrets[0]) == known.secrets[1]
    assert known.chain.digest == digest_of(known.secrets[1])


def test_another_pepper_gives_another_successor() -> None:
    one, two = family(b"p" * 32), family(b"q" * 32)

    assert successor(one.chain, one.secrets[0]) != successor(two.chain, one.secrets[0])


def test_a_session_ends_thirty_days_after_its_last_use_and_ninety_after_its_beginning() -> None:
    known = family()
    known.now = T0 + SLIDING - timedelta(seconds=1)
    known.use()
    assert known.chain.ends_at == known.now + SLIDING
    for _ in range(3):
        known.now = known.chain.ends_at - timedelta(seconds=1)
        known.use()

    assert known.chain.ends_at == T0 + ABSOLUTE


def test_a_clock_that_lags_behind_takes_nobody_for_a_thief() -> None:
    known = family()
    known.now = T0 + timedelta(seconds=60)
    known.use()

    assert judge(known.chain, known.secrets[0], T0) is Presented.REPEATED


def test_neither_a_chain_nor_a_credential_shows_what_is_secret_in_it() -> None:
    known = family()

    assert "pppp" not in repr(known.chain)
    assert known.secrets[0] not in repr(Credential(f"usr_{ULID}", f"ses_{ULID}", known.secrets[0]))


def test_a_credential_is_read_as_it_was_written_and_under_its_own_prefix_alone() -> None:
    credential = Credential(f"usr_{ULID}", f"ses_{ULID}", family().secrets[0])

    assert read_credential(credential.written(REFRESH), REFRESH) == credential
    assert read_credential(credential.written(BROWSER), REFRESH) is None


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "\n", lambda t: " " + t, str.lower, lambda t: t + "A"])
def test_what_is_not_quite_a_credential_is_none(change: Callable[[str], str]) -> None:
    text = Credential(f"usr_{ULID}", f"ses_{ULID}", family().secrets[0]).written(REFRESH)

    assert read_credential(change(text), REFRESH) is None
