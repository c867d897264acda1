from __future__ import annotations

import pytest

from cygni.local.idp.pkce import challenge_of, is_challenge, proves

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_example_of_the_rfc_holds() -> None:
    assert challenge_of(VERIFIER) == CHALLENGE
    assert proves(VERIFIER, CHALLENGE)
    assert is_challenge(CHALLENGE)


@pytest.mark.parametrize(
    ("verifier", "challenge"),
    [
        (VERIFIER[:-1] + "l", CHALLENGE),
        (None, CHALLENGE),
        ("", CHALLENGE),
        (CHALLENGE, CHALLENGE),
        (VERIFIER, None),
        ("ü" * 43, CHALLENGE),
        ("short", challenge_of("short")),
        ("x" * 129, challenge_of("x" * 129)),
    ],
)
def test_nothing_else_proves_it(verifier: str | None, challenge: str | None) -> None:
    assert not proves(verifier, challenge)


def test_without_a_challenge_no_verifier_is_wanted() -> None:
    assert proves(None, None)


@pytest.mark.parametrize("text", ["", VERIFIER[:-1], CHALLENGE + "=", CHALLENGE[:-1] + "+", CHALLENGE + "\n"])
def test_what_cannot_be_a_challenge_is_seen(text: str) -> None:
    assert not is_challenge(text)
