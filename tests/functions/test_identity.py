"""The functions that replace signing keys, on a store as AWS has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.tokens import AccessClaims, mint, verify
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import NotFound, Unauthenticated
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import Settings
from functions.catalog import FUNCTIONS
from functions.identity import revoke_signing_key, rotate_signing_keys
from tests.chalicelib.identity.builders import claims
from tests.support.store import memory_store

NAME = Settings().signing_secret


@pytest.fixture(autouse=True)
def store() -> Iterator[None]:
    with memory_store():
        yield


def keys() -> LiveKeys:
    """The keys as a process that starts now knows them."""
    return LiveKeys(lambda: Secrets().read(NAME), utc_now)


def token() -> str:
    now = utc_now().replace(microsecond=0)
    return mint(claims(now), keys().signer(), issuer="https://api.test", audience="cygni")


def check(token: str) -> AccessClaims:
    return verify(token, keys(), issuer="https://api.test", audience="cygni", now=utc_now())


def test_the_first_rotation_makes_the_key_that_tokens_are_signed_with() -> None:
    done = rotate_signing_keys({}, None)

    assert done["signs"] == keys().signer().kid
    assert check(token()).subject == "usr_ada"


def test_a_rotation_that_comes_again_changes_nothing() -> None:
    assert rotate_signing_keys({}, None) == rotate_signing_keys({}, None)


def test_tokens_of_a_revoked_key_are_refused_and_new_ones_taken() -> None:
    first = rotate_signing_keys({}, None)["signs"]
    old = token()

    done = revoke_signing_key({"kid": first}, None)

    assert done["signs"] != first
    assert check(token())
    with pytest.raises(Unauthenticated, match="revoked"):
        check(old)


@pytest.mark.parametrize("event", [{"kid": "nobody"}, {}])
def test_a_key_that_nobody_has_cannot_be_revoked(event: dict[str, str]) -> None:
    rotate_signing_keys({}, None)

    with pytest.raises(NotFound):
        revoke_signing_key(event, None)


def test_what_the_functions_answer_and_show_holds_no_private_key() -> None:
    done = rotate_signing_keys({}, None)
    secret = Secrets().read(NAME)

    assert secret is not None
    assert "PRIVATE KEY" in secret
    assert "PRIVATE" not in f"{done} {keys().current()!r} {keys().current().keys!r} {keys()!r} {Secrets()!r}"


def test_keys_are_rotated_every_day() -> None:
    declared = {each.name: each for each in FUNCTIONS}

    assert declared["cygni-rotate-signing-keys"].schedule == "rate(1 day)"
    assert declared["cygni-revoke-signing-key"].schedule is None
