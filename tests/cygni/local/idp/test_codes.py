from __future__ import annotations

from dataclasses import replace

import pytest

from cygni.local.idp.codes import CODE_SECONDS, TOKEN_SECONDS, Attempt, Grant, Ledger, Refusal
from cygni.local.idp.people import KNOWN
from cygni.local.idp.pkce import challenge_of

VERIFIER = "v" * 43
URI = "http://127.0.0.1:1/callback"
GRANT = Grant(KNOWN[0], "cygni", URI, ("openid",), 100, challenge=challenge_of(VERIFIER))
RIGHT = Attempt("cygni", URI, VERIFIER)
NOW = 100.0


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def redeemed(ledger: Ledger, code: str, attempt: Attempt = RIGHT, now: float = NOW) -> str:
    """The access token of a code that is good."""
    found = ledger.redeem(code, attempt, now)
    assert not isinstance(found, Refusal)
    assert found[0] is GRANT
    return found[1]


def test_a_code_gives_its_grant_and_an_access_token(ledger: Ledger) -> None:
    token = redeemed(ledger, ledger.issue_code(GRANT, NOW))

    assert ledger.grant_of(token, NOW) is GRANT


def test_a_code_is_good_once(ledger: Ledger) -> None:
    code = ledger.issue_code(GRANT, NOW)
    redeemed(ledger, code)

    assert ledger.redeem(code, RIGHT, NOW) is Refusal.USED


def test_a_second_use_ends_the_access_token_of_the_first(ledger: Ledger) -> None:
    code = ledger.issue_code(GRANT, NOW)
    token = redeemed(ledger, code)

    ledger.redeem(code, RIGHT, NOW + CODE_SECONDS + 1000)

    assert ledger.grant_of(token, NOW) is None


@pytest.mark.parametrize(
    ("attempt", "why"),
    [
        (replace(RIGHT, client_id="other"), Refusal.CLIENT),
        (replace(RIGHT, redirect_uri=URI + "/"), Refusal.REDIRECT_URI),
        (replace(RIGHT, redirect_uri=""), Refusal.REDIRECT_URI),
        (replace(RIGHT, verifier=None), Refusal.VERIFIER),
        (replace(RIGHT, verifier="w" * 43), Refusal.VERIFIER),
    ],
)
def test_whoever_presents_a_code_wrongly_has_used_it_up(ledger: Ledger, attempt: Attempt, why: Refusal) -> None:
    code = ledger.issue_code(GRANT, NOW)

    assert ledger.redeem(code, attempt, NOW) is why
    assert ledger.redeem(code, RIGHT, NOW) is Refusal.USED


def test_a_redirect_uri_may_be_left_out_where_the_protocol_allows_it(ledger: Ledger) -> None:
    redeemed(ledger, ledger.issue_code(GRANT, NOW), replace(RIGHT, redirect_uri=None))


def test_a_code_is_over_after_sixty_seconds(ledger: Ledger) -> None:
    in_time, late = ledger.issue_code(GRANT, NOW), ledger.issue_code(GRANT, NOW)

    redeemed(ledger, in_time, now=NOW + 59.9)
    assert ledger.redeem(late, RIGHT, NOW + 60) is Refusal.EXPIRED


def test_a_code_of_another_ledger_is_unknown(ledger: Ledger) -> None:
    assert ledger.redeem(Ledger().issue_code(GRANT, NOW), RIGHT, NOW) is Refusal.UNKNOWN


def test_an_access_token_is_over_after_its_hour(ledger: Ledger) -> None:
    token = redeemed(ledger, ledger.issue_code(GRANT, NOW))

    assert ledger.grant_of(token, NOW + TOKEN_SECONDS - 1) is GRANT
    assert ledger.grant_of(token, NOW + TOKEN_SECONDS) is None


def test_what_is_over_is_forgotten(ledger: Ledger) -> None:
    old = ledger.issue_code(GRANT, NOW)

    ledger.issue_code(GRANT, NOW + CODE_SECONDS + TOKEN_SECONDS)

    assert ledger.redeem(old, RIGHT, NOW + CODE_SECONDS + TOKEN_SECONDS) is Refusal.UNKNOWN
