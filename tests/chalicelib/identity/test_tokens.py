"""Access tokens: what is minted is proven, and nothing else is, whoever made it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.identity.es256 import load_private
from chalicelib.identity.keymaking import make_key
from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.signing import KeySet, SigningKey, rotated, to_text
from chalicelib.identity.tokens import LONGEST, AccessClaims, mint, verify
from chalicelib.platform.errors import TooLarge, Unauthenticated
from tests.chalicelib.identity.builders import AUDIENCE, ISSUER, MINUTE, T0, claims, payload, segment, sign, spare_key
from tests.support.world import Clock

SECOND = timedelta(seconds=1)


def known() -> tuple[SigningKey, LiveKeys]:
    """A key of ours, and the keys of a process that knows it."""
    keys = rotated(KeySet(), T0 - timedelta(days=1), make_key)
    return keys.keys[0], LiveKeys(lambda: to_text(keys), Clock(T0))


OURS, KEYS = known()
HEADER = {"alg": "ES256", "kid": OURS.kid, "typ": "at+jwt"}
GOOD = mint(claims(), OURS, issuer=ISSUER, audience=AUDIENCE)


def check(token: str, now: datetime = T0) -> AccessClaims:
    return verify(token, KEYS, issuer=ISSUER, audience=AUDIENCE, now=now)


def refusal(token: str) -> str:
    """What somebody with this token is told."""
    with pytest.raises(Unauthenticated) as told:
        check(token)
    return f"{told.value.message} {told.value.remedy}"


NOT_OURS = refusal("nonsense")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
some_claims = st.builds(
    AccessClaims,
    subject=texts.filter(bool),
    kind=st.sampled_from(["user", "federated"]),
    team=texts,
    region=texts,
    role=texts,
    scopes=st.lists(st.tuples(texts, texts, texts), max_size=4).map(tuple),
    session=texts,
    name=texts,
    issued_at=st.integers(-3600, 0).map(lambda seconds: T0 + seconds * SECOND),
    expires_at=st.just(T0),
    id=texts.filter(bool),
)


@given(some_claims, st.integers(1, 900))
def test_what_was_minted_is_what_is_proven(some: AccessClaims, seconds: int) -> None:
    whole = claims(
        **{name: getattr(some, name) for name in AccessClaims.__slots__} | {"expires_at": some.issued_at + seconds * SECOND}
    )

    token = mint(whole, OURS, issuer=ISSUER, audience=AUDIENCE)

    assert check(token, whole.issued_at) == whole
    assert check(token, whole.expires_at - SECOND) == whole


def test_a_token_has_these_claims_and_no_others() -> None:
    head, body, _ = (base64.urlsafe_b64decode(each + "==") for each in GOOD.split("."))

    assert json.loads(head) == HEADER
    assert json.loads(body) == payload()


def test_other_libraries_take_our_tokens() -> None:
    public = load_private(OURS.private_pem).public_key()

    found = jwt.decode(GOOD, public, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER, options={"verify_exp": False})

    assert found == payload()


def test_the_order_of_a_headers_members_means_nothing() -> None:
    assert check(sign(dict(reversed(HEADER.items())), payload(), OURS)) == claims()


def test_claims_that_are_added_later_are_passed_over() -> None:
    assert check(sign(HEADER, payload(later="news"), OURS)) == claims()


def hs256(header: Mapping[str, Any], secret: bytes) -> str:
    """A token under an HMAC."""
    text = f"{segment(header)}.{segment(payload())}"
    return f"{text}.{segment(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def public_pem() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return load_private(OURS.private_pem).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def rs256() -> str:
    """A token that names our key and is signed by an RSA key of the attacker's."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return jwt.encode(payload(), rsa.generate_private_key(65537, 2048), algorithm="RS256", headers=HEADER | {"alg": "RS256"})


HEAD, BODY, SIGNATURE = GOOD.split(".")
TEXT = f"{HEAD}.{BODY}"
THEIRS = spare_key()


def der_signature() -> str:
    """The good signature in the form that other formats use."""
    from jwt.utils import raw_to_der_signature

    key = load_private(OURS.private_pem)
    return segment(raw_to_der_signature(base64.urlsafe_b64decode(SIGNATURE + "=="), key.curve))


def with_header(**changes: Any) -> str:
    """A good signature of ours under a header with changes; None leaves a member out."""
    header = {name: value for name, value in (HEADER | changes).items() if value is not None}
    return sign(header, payload(), OURS)


def with_claims(**changes: Any) -> str:
    """A good signature of ours over claims with changes; None leaves one out."""
    return sign(HEADER, payload(**changes), OURS)


ATTACKS: dict[str, str] = {
    "empty": "",
    "one part": "a",
    "two parts": TEXT,
    "four parts": GOOD + ".x",
    "only dots": "..",
    "encrypted form": "a.b.c.d.e",
    "not ASCII": GOOD[:-1] + "é",
    "with white space": GOOD + " ",
    "with a line break in it": HEAD + "\n." + BODY + "." + SIGNATURE,
    "with padding": GOOD + "==",
    "in the standard alphabet": GOOD.replace("-", "+").replace("_", "/") if {"-", "_"} & {*GOOD} else "+",
    "with bits left over": TEXT + "." + SIGNATURE[:-1] + chr(ord(SIGNATURE[-1]) + 1),
    "no signature": TEXT + ".",
    "a signature cut short": TEXT + "." + SIGNATURE[:-2],
    "a signature in DER": TEXT + "." + der_signature(),
    "a signature of zeros": TEXT + "." + segment(bytes(64)),
    "a signature of zero and one": TEXT + "." + segment(bytes(31) + b"\1" + bytes(32)),
    "another payload under the signature": f"{HEAD}.{segment(payload(sub='usr_eve'))}.{SIGNATURE}",
    "signed by a stranger under our key's name": sign(HEADER, payload(), THEIRS),
    "signed by a stranger under a name of his own": sign(HEADER | {"kid": THEIRS.kid}, payload(), THEIRS),
    "no algorithm, no signature": f"{segment(HEADER | {'alg': 'none'})}.{BODY}.",
    "no algorithm, our signature": f"{segment(HEADER | {'alg': 'none'})}.{BODY}.{SIGNATURE}",
    "None in capitals": f"{segment(HEADER | {'alg': 'NONE'})}.{BODY}.",
    "HMAC with our public key": hs256(HEADER | {"alg": "HS256"}, public_pem()),
    "HMAC with our public key that says ES256": hs256(HEADER, public_pem()),
    "HMAC with nothing": hs256(HEADER | {"alg": "HS256"}, b""),
    "RSA under our key's name": rs256(),
    "another curve's algorithm": with_header(alg="ES384"),
    "an algorithm in small letters": with_header(alg="es256"),
    "an algorithm that is no text": with_header(alg=["ES256"]),
    "without an algorithm": with_header(alg=None),
    "an ID token": with_header(typ="JWT"),
    "a logout token": with_header(typ="logout+jwt"),
    "without a type": with_header(typ=None),
    "a type in capitals": with_header(typ="AT+JWT"),
    "with its own key": sign(HEADER | {"jwk": dict(THEIRS.public_jwk)}, payload(), THEIRS),
    "with its own key, signed by us": with_header(jwk=dict(OURS.public_jwk)),
    "with an address of keys": with_header(jku="https://evil.example/jwks.json"),
    "with an address of certificates": with_header(x5u="https://evil.example/cert.pem"),
    "with certificates": with_header(x5c=["MIIB"]),
    "with critical extensions": with_header(crit=["exp"], exp=1),
    "unencoded": with_header(b64=False, crit=["b64"]),
    "packed": with_header(zip="DEF"),
    "with a content type": with_header(cty="JWT"),
    "without a key's name": with_header(kid=None),
    "a header that says a thing twice": sign(json.dumps(HEADER)[:-1].encode() + b', "alg": "none"}', payload(), OURS),
    "a header that is a list": sign(b"[]", payload(), OURS),
    "a header of nothing": sign(b"", payload(), OURS),
    "a header nested without end": sign(b"[" * 900, payload(), OURS),
    "claims that say a thing twice": sign(HEADER, json.dumps(payload())[:-1].encode() + b', "sub": "usr_eve"}', OURS),
    "claims that are a list": sign(HEADER, b"[]", OURS),
    "claims that are not JSON": sign(HEADER, b"\xff", OURS),
    "claims nested without end": sign(HEADER, b"[" * 2000, OURS),
    "another issuer": with_claims(iss="https://api.evil.example"),
    "an issuer with a slash": with_claims(iss=ISSUER + "/"),
    "another audience": with_claims(aud="other"),
    "an audience that is a list": with_claims(aud=[AUDIENCE]),
    "of the future": sign(HEADER, payload(T0 + 31 * SECOND), OURS),
    "living too long": with_claims(exp=payload()["iat"] + 901),
    "over before it began": with_claims(exp=payload()["iat"]),
    "beyond the calendar": with_claims(iat=10**15, exp=10**15 + 1),
    "before the calendar": with_claims(iat=-(10**15), exp=-(10**15) + 1),
    "a time that is a float": with_claims(exp=payload()["exp"] + 0.0),
    "a time that is a text": with_claims(exp=str(payload()["exp"])),
    "a time that is true": with_claims(iat=True, exp=2),
    "a time without end": sign(HEADER, json.dumps(payload()).replace(str(payload()["exp"]), "1e999").encode(), OURS),
    "scopes that are a text": with_claims(scopes="hello"),
    "scopes that are pairs": with_claims(scopes=[["hello", "prod"]]),
    "scopes that are numbers": with_claims(scopes=[[1, 2, 3]]),
    "scopes that are texts": with_claims(scopes=["abc"]),
    "a kind that is not known": with_claims(kind="root"),
    "a subject that is empty": with_claims(sub=""),
    "an id that is empty": with_claims(jti=""),
    **{f"without {name}": with_claims(**{name: None}) for name in payload()},
    **{f"{name} is a number": with_claims(**{name: 7}) for name in payload() if name not in {"iat", "exp"}},
    **{f"{name} is nothing": sign(HEADER, payload() | {name: None}, OURS) for name in payload()},
    **{
        f"a key named {name!r}": with_header(kid=name)
        for name in [
            "",
            ".",
            "../../../etc/passwd",
            "a\0b",
            "'; DROP TABLE keys",
            "a/b",
            "a" * 65,
            7,
            ["x"],
            {"a": 1},
            True,
        ]
    },
    "too large": with_claims(name="x" * LONGEST),
    "far too large": "a" * 10_000_000,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_not_ours_is_refused_and_told_nothing(attack: str) -> None:
    assert refusal(ATTACKS[attack]) == NOT_OURS


def test_the_good_token_of_these_attacks_is_good() -> None:
    assert check(GOOD) == check(sign(HEADER, payload(), OURS)) == claims()


changes = st.one_of(
    st.tuples(st.just("replace"), st.integers(0, len(GOOD) - 1), st.characters(max_codepoint=0x17F)),
    st.tuples(st.just("insert"), st.integers(0, len(GOOD)), st.characters(max_codepoint=0x7F)),
    st.tuples(st.just("delete"), st.integers(0, len(GOOD) - 1), st.just("")),
)


@given(changes)
@example(("replace", len(GOOD) - 1, "="))
@example(("insert", len(GOOD), "A"))
@example(("insert", len(GOOD), "."))
@example(("insert", 0, "."))
def test_a_token_with_any_one_character_changed_is_refused(change: tuple[str, int, str]) -> None:
    kind, at, character = change
    changed = GOOD[:at] + character + GOOD[at + (kind != "insert") :]

    assert check(GOOD) == claims()
    if changed != GOOD:
        assert refusal(changed) == NOT_OURS


@pytest.mark.parametrize("where", range(len(GOOD) - 86, len(GOOD)))
def test_every_character_of_the_signature_counts(where: int) -> None:
    other = "A" if GOOD[where] != "A" else "B"

    assert refusal(GOOD[:where] + other + GOOD[where + 1 :]) == NOT_OURS


def test_a_token_is_over_at_the_second_it_expires() -> None:
    assert check(GOOD, T0 + 15 * MINUTE - SECOND)
    with pytest.raises(Unauthenticated, match="has expired"):
        check(GOOD, T0 + 15 * MINUTE)


def test_only_who_had_a_token_of_ours_is_told_that_it_has_expired() -> None:
    old = payload(T0 - 60 * MINUTE)

    assert "has expired" in refusal(sign(HEADER, old, OURS))
    assert refusal(sign(HEADER, old, THEIRS)) == NOT_OURS


def test_an_expired_token_stays_expired_however_often_it_was_proven() -> None:
    token = mint(claims(id="tok_often"), OURS, issuer=ISSUER, audience=AUDIENCE)
    for _ in range(3):
        check(token)

    for _ in range(3):
        with pytest.raises(Unauthenticated, match="has expired"):
            check(token, T0 + 15 * MINUTE)


def test_a_clock_that_is_half_a_minute_ahead_is_borne_with() -> None:
    assert check(sign(HEADER, payload(T0 + 30 * SECOND), OURS))


def test_a_token_that_was_proven_for_one_audience_is_refused_for_another() -> None:
    check(GOOD)

    with pytest.raises(Unauthenticated):
        verify(GOOD, KEYS, issuer=ISSUER, audience="other", now=T0)
    with pytest.raises(Unauthenticated):
        verify(GOOD, KEYS, issuer="https://other.example", audience=AUDIENCE, now=T0)


def test_thousands_of_tokens_are_all_proven_rightly() -> None:
    tokens = [mint(claims(id=f"tok_{n}"), OURS, issuer=ISSUER, audience=AUDIENCE) for n in range(1100)]

    assert [check(each).id for each in tokens] == [check(each).id for each in tokens] == [f"tok_{n}" for n in range(1100)]


@pytest.mark.parametrize("minutes", [0, -1, 16])
def test_a_life_that_would_be_refused_is_not_minted(minutes: int) -> None:
    with pytest.raises(ValueError, match="lives up to"):
        mint(claims(expires_at=T0 + minutes * MINUTE), OURS, issuer=ISSUER, audience=AUDIENCE)


def test_claims_that_do_not_fit_are_not_minted() -> None:
    many = tuple((f"project-{n}", "prod", "developer") for n in range(200))

    with pytest.raises(TooLarge, match="bytes"):
        mint(claims(scopes=many), OURS, issuer=ISSUER, audience=AUDIENCE)


def test_seventy_narrowed_environments_fit_a_token() -> None:
    many = tuple((f"project-{n}", "prod", "developer") for n in range(70))

    assert check(mint(claims(scopes=many), OURS, issuer=ISSUER, audience=AUDIENCE)).scopes == many
