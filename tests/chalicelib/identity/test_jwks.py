"""Tokens of other issuers: taken from whom they should be, for us, and at the right time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from chalicelib.identity.jwks import ISSUERS, IssuerKeys, ProviderMetadata, RemoteKeys, check_id_token, discover
from chalicelib.platform.errors import ProviderRefused, ProviderUnavailable, Unauthenticated
from tests.chalicelib.identity.builders import T0, segment
from tests.support.world import Clock

ISSUER, CLIENT, URL = "https://accounts.example", "cygni-client", "https://accounts.example/jwks"
MAKERS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@cache
def private(algorithm: str, number: int) -> Any:
    """A key for an algorithm, always the same for a number."""
    return MAKERS[algorithm]()


def jwk(algorithm: str, kid: str | None = None, number: int = 0, **more: Any) -> dict[str, Any]:
    """The public key as a set has it."""
    found = jwt.get_algorithm_by_name(algorithm).to_jwk(private(algorithm, number).public_key(), as_dict=True)
    return {**found, "kid": kid or algorithm, "use": "sig", **more}


@dataclass
class Issuer:
    """A provider that publishes keys, and a clock."""

    keys: list[Any] = field(default_factory=lambda: [jwk(each) for each in MAKERS])
    clock: Clock = field(default_factory=lambda: Clock(T0))
    away: bool = False
    reads: int = 0

    def fetch(self, url: str) -> Mapping[str, Any]:
        self.reads += 1
        if self.away:
            raise ProviderUnavailable("accounts.example does not answer.")
        return {"keys": [dict(each) if isinstance(each, dict) else each for each in self.keys]}

    def known(self) -> IssuerKeys:
        return RemoteKeys(self.fetch, self.clock).of(URL)

    def check(self, token: str, keys: IssuerKeys | None = None, **more: Any) -> Mapping[str, Any]:
        given = {"issuer": ISSUER, "audience": CLIENT, "nonce": None, "now": self.clock.now} | more
        return check_id_token(token, keys or self.known(), **given)


def said(**changes: Any) -> dict[str, Any]:
    """The claims of an ID token; a change to None leaves one out."""
    at = int(T0.timestamp())
    whole = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "1234",
        "iat": at,
        "exp": at + 300,
        "nonce": "n-1",
        "email": "ada@acme.example",
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def token(algorithm: str = "ES256", *, number: int = 0, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """A token of the issuer's."""
    more = {"kid": algorithm, **(header or {})}
    return jwt.encode(said(**changes), private(algorithm, number), algorithm=algorithm, headers=more)


def raw(header: Mapping[str, Any], body: Mapping[str, Any] | bytes, algorithm: str = "ES256") -> str:
    """A token with any header and payload under a good signature of the issuer's."""
    text = f"{segment(header)}.{segment(body)}"
    return f"{text}.{segment(jwt.get_algorithm_by_name(algorithm).sign(text.encode(), private(algorithm, 0)))}"


@pytest.mark.parametrize("algorithm", MAKERS)
def test_a_token_of_the_issuer_is_taken(algorithm: str) -> None:
    assert Issuer().check(token(algorithm), nonce="n-1") == said()


def test_a_ci_jobs_token_is_taken() -> None:
    job = {
        "sub": "repo:acme/shop:ref:refs/heads/main",
        "repository": "acme/shop",
        "ref": "refs/heads/main",
        "nbf": said()["iat"] - 5,
    }

    found = Issuer().check(token("RS256", header={"x5t": "abc"}, nonce=None, **job))

    assert (found["repository"], found["ref"]) == ("acme/shop", "refs/heads/main")


def test_a_set_of_one_key_needs_no_name() -> None:
    issuer = Issuer(keys=[jwk("ES256"), jwk("RS256")])

    assert issuer.check(raw({"alg": "ES256"}, said()))


def test_among_several_keys_of_its_kind_a_token_must_name_one() -> None:
    with pytest.raises(Unauthenticated):
        Issuer(keys=[jwk("ES256"), jwk("ES256", "other", number=1)]).check(raw({"alg": "ES256"}, said()))


def test_the_audience_may_be_a_list() -> None:
    assert Issuer().check(token(aud=[CLIENT]))
    assert Issuer().check(token(aud=[CLIENT, "other"], azp=CLIENT))


def test_keys_of_no_use_are_passed_over() -> None:
    junk = [
        None,
        7,
        "x",
        {},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "ES256", "alg": "HS256"},
        {"kty": "EC", "kid": "ES256", "use": "enc"},
    ]

    assert Issuer(keys=[*junk, jwk("ES256")]).check(token())


def hs256(secret: bytes, **header: Any) -> str:
    import hashlib
    import hmac

    text = f"{segment({'alg': 'HS256', 'kid': 'RS256', **header})}.{segment(said())}"
    return f"{text}.{segment(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def rsa_public_pem() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found: bytes = private("RS256", 0).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


def attacks() -> dict[str, str]:
    good = token()
    head, body, signature = good.split(".")
    at = said()["iat"]
    return {
        "empty": "",
        "two parts": f"{head}.{body}",
        "four parts": good + ".x",
        "not ASCII": good + "é",
        "with padding": good + "=",
        "too large": token(groups=["x" * 100] * 100),
        "no signature": f"{head}.{body}.",
        "another payload": f"{head}.{segment(said(sub='eve'))}.{signature}",
        "a stranger's key under the issuer's name": token(number=1),
        "a name that the issuer does not have": token(header={"kid": "other"}),
        "a name that is empty": token(header={"kid": ""}),
        "a name that is no text": raw({"alg": "ES256", "kid": ["ES256"]}, said()),
        "no algorithm": f"{segment({'alg': 'none', 'kid': 'ES256'})}.{body}.",
        "an algorithm that is no text": raw({"alg": ["ES256"], "kid": "ES256"}, said()),
        "HMAC with the public key": hs256(rsa_public_pem()),
        "HMAC with nothing": hs256(b""),
        "an EC key that is told to be RSA": token(header={"alg": "ES256", "kid": "RS256"}),
        "an RSA key that is told to be EC": raw({"alg": "ES256", "kid": "RS256"}, said(), "RS256"),
        "with its own key": token(header={"jwk": jwk("ES256")}),
        "with an address of keys": token(header={"jku": URL}),
        "with certificates": token(header={"x5c": ["MIIB"]}),
        "with an address of certificates": token(header={"x5u": URL}),
        "critical": raw({"alg": "ES256", "kid": "ES256", "crit": ["x"], "x": 1}, said()),
        "packed": token(header={"zip": "DEF"}),
        "an access token": token(header={"typ": "at+jwt"}),
        "a logout token": token(header={"typ": "logout+jwt"}),
        "a type that is no text": raw({"alg": "ES256", "kid": "ES256", "typ": None}, said()),
        "claims that say a thing twice": raw(
            {"alg": "ES256", "kid": "ES256"}, json.dumps(said())[:-1].encode() + b',"sub":"eve"}'
        ),
        "another issuer": token(iss="https://evil.example"),
        "the issuer with a slash": token(iss=ISSUER + "/"),
        "another audience": token(aud="other"),
        "an audience that only contains us": token(aud=CLIENT + "x"),
        "audiences without us": token(aud=["other"]),
        "shared with others": token(aud=[CLIENT, "other"]),
        "given to somebody else": token(azp="other"),
        "given to somebody else among us": token(aud=[CLIENT, "other"], azp="other"),
        "another sign-in": token(nonce="n-2"),
        "no sign-in": token(nonce=None),
        "a sign-in that is no text": raw({"alg": "ES256", "kid": "ES256"}, said(nonce=["n-1"])),
        "nobody": token(sub=""),
        "without a subject": token(sub=None),
        "a subject that is no text": raw({"alg": "ES256", "kid": "ES256"}, said(sub=7)),
        "a subject without end": token(sub="x" * 256),
        "without an end": token(exp=None),
        "without a beginning": token(iat=None),
        "an end that is a text": raw({"alg": "ES256", "kid": "ES256"}, said(exp="soon")),
        "an end that is true": raw({"alg": "ES256", "kid": "ES256"}, said(exp=True)),
        "an end that never comes": raw(
            {"alg": "ES256", "kid": "ES256"}, json.dumps(said()).replace(str(at + 300), "1e999").encode()
        ),
        "of the future": token(iat=at + 31, exp=at + 300),
        "not yet": token(nbf=at + 31),
    }


def test_the_good_token_of_these_attacks_is_good() -> None:
    assert Issuer().check(raw({"alg": "ES256", "kid": "ES256", "typ": "JWT"}, said()), nonce="n-1") == said()
    assert Issuer().check(token(), nonce="n-1") == said()


@pytest.mark.parametrize("attack", list(attacks()))
def test_what_is_not_the_issuers_for_us_is_refused_and_told_nothing(attack: str) -> None:
    with pytest.raises(Unauthenticated) as told:
        Issuer().check(attacks()[attack], nonce="n-1")

    assert told.value.message == "The sign-in provider's token is not valid here."


def test_a_token_that_is_over_says_so_half_a_minute_later() -> None:
    issuer = Issuer()
    old = token()

    issuer.clock.sleep(329)
    assert issuer.check(old)
    issuer.clock.sleep(1)
    with pytest.raises(Unauthenticated, match="expired"):
        issuer.check(old)


def test_only_the_algorithms_that_are_asked_for_are_taken() -> None:
    with pytest.raises(Unauthenticated):
        Issuer().check(token("ES256"), algorithms=("RS256",))


@pytest.mark.parametrize("algorithm", ["HS256", "none", "PS256", "ES384"])
def test_other_algorithms_cannot_even_be_asked_for(algorithm: str) -> None:
    with pytest.raises(ValueError, match="algorithms must be among"):
        Issuer().check(token(), algorithms=("RS256", algorithm))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"x": "!!"},
        {"x": "AA"},
        {"y": None},
        {"crv": "P-384"},
        {"alg": "ES384"},
        {"use": "enc"},
        {"kty": "RSA"},
    ],
)
def test_a_key_that_is_no_key_for_this_is_not_used(spoilt: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        Issuer(keys=[jwk("ES256", **spoilt)]).check(token())


def test_a_name_that_two_keys_have_names_neither() -> None:
    with pytest.raises(Unauthenticated):
        Issuer(keys=[jwk("ES256", number=1), jwk("ES256")]).check(token())


def test_an_rsa_key_that_is_too_small_is_not_used() -> None:
    small = rsa.generate_private_key(65537, 1024)
    public = jwt.get_algorithm_by_name("RS256").to_jwk(small.public_key(), as_dict=True)
    text = f"{segment({'alg': 'RS256', 'kid': 'small'})}.{segment(said())}"
    signed = f"{text}.{segment(jwt.get_algorithm_by_name('RS256').sign(text.encode(), small))}"

    with pytest.raises(Unauthenticated):
        Issuer(keys=[{**public, "kid": "small"}]).check(signed)


def test_keys_are_read_once_an_hour() -> None:
    issuer = Issuer()
    keys = issuer.known()

    for _ in range(61):
        issuer.check(token(iat=int(issuer.clock.now.timestamp()), exp=int(issuer.clock.now.timestamp()) + 60), keys)
        issuer.clock.sleep(60)

    assert issuer.reads == 2


def test_a_key_that_is_new_is_looked_for_at_once() -> None:
    issuer = Issuer(keys=[jwk("RS256")])
    keys = issuer.known()
    issuer.check(token("RS256"), keys)
    issuer.keys.append(jwk("ES256"))
    issuer.clock.sleep(11)

    assert issuer.check(token("ES256"), keys)


def test_ten_thousand_unknown_keys_cost_one_look_in_ten_seconds() -> None:
    issuer = Issuer()
    keys = issuer.known()
    tokens = [token(header={"kid": f"nobody-{n}"}) for n in range(100)]

    for n in range(10_000):
        issuer.clock.sleep(0.01)
        with pytest.raises(Unauthenticated):
            issuer.check(tokens[n % 100], keys)

    assert issuer.reads <= 11


def test_an_issuer_that_is_away_leaves_its_last_keys_in_use(caplog: pytest.LogCaptureFixture) -> None:
    issuer = Issuer()
    keys = issuer.known()
    issuer.check(token(), keys)
    issuer.away = True
    issuer.clock.sleep(7200)

    now = int(issuer.clock.now.timestamp())
    assert issuer.check(token(iat=now, exp=now + 60), keys)
    assert [each for each in caplog.messages if "stay in use" in each]


@pytest.mark.parametrize("answer", [{}, {"keys": {}}, {"keys": "x"}])
def test_an_answer_that_is_no_set_is_no_answer(answer: dict[str, Any]) -> None:
    keys = RemoteKeys(lambda _: answer, Clock(T0)).of(URL)

    with pytest.raises(ProviderUnavailable, match="no key set"):
        Issuer().check(token(), keys)


def test_an_issuer_that_was_never_reached_is_a_fault_that_passes() -> None:
    issuer = Issuer(away=True)

    with pytest.raises(ProviderUnavailable):
        issuer.check(token())


def test_the_keys_of_so_many_issuers_are_kept_and_no_more() -> None:
    issuer = Issuer()
    remote = RemoteKeys(issuer.fetch, issuer.clock)
    first = remote.of(URL)
    assert remote.of(URL) is first

    for number in range(ISSUERS):
        remote.of(f"{URL}/{number}")

    assert remote.of(f"{URL}/{ISSUERS - 1}") is remote.of(f"{URL}/{ISSUERS - 1}")
    assert remote.of(URL) is not first


NAMES_ITSELF = "authorization_response_iss_parameter_supported"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": ISSUER + "/authorize",
    "token_endpoint": ISSUER + "/token",
    "jwks_uri": URL,
    "response_types_supported": ["code"],
}


def test_a_provider_tells_where_its_endpoints_are() -> None:
    asked: list[str] = []

    def fetch(url: str) -> Mapping[str, Any]:
        asked.append(url)
        return METADATA | {"userinfo_endpoint": ISSUER + "/me"}

    found = discover(ISSUER, fetch)

    assert asked == [ISSUER + "/.well-known/openid-configuration"]
    assert found == ProviderMetadata(
        ISSUER,
        ISSUER + "/authorize",
        ISSUER + "/token",
        URL,
        userinfo_endpoint=ISSUER + "/me",
        device_authorization_endpoint="",
    )


@pytest.mark.parametrize(
    ("methods", "in_form"),
    [
        (None, False),
        (["client_secret_basic"], False),
        (["client_secret_post", "client_secret_basic"], False),
        (["client_secret_post"], True),
        ("client_secret_post", False),
    ],
)
def test_a_client_s_secret_goes_where_the_provider_takes_it(methods: object, in_form: bool) -> None:
    told = METADATA | ({} if methods is None else {"token_endpoint_auth_methods_supported": methods})

    assert discover(ISSUER, lambda _: told).secret_in_form is in_form


@pytest.mark.parametrize(("told", "names_itself"), [({}, False), ({NAMES_ITSELF: True}, True), ({NAMES_ITSELF: "yes"}, False)])
def test_a_provider_says_whether_its_answers_name_it(told: dict[str, object], names_itself: bool) -> None:
    assert discover(ISSUER, lambda _: METADATA | told).names_itself is names_itself


def test_an_issuer_of_machines_tokens_needs_no_endpoints_to_sign_in_with() -> None:
    told = {"issuer": ISSUER, "jwks_uri": URL}

    assert discover(ISSUER, lambda _: told, people=False).jwks_uri == URL
    with pytest.raises(ProviderRefused, match="authorization_endpoint"):
        discover(ISSUER, lambda _: told)


@pytest.mark.parametrize("issuer", [ISSUER + "/", "https://evil.example", "", None, ["https://accounts.example"]])
def test_a_provider_that_names_another_issuer_is_refused(issuer: object) -> None:
    with pytest.raises(ProviderRefused, match="another issuer"):
        discover(ISSUER, lambda _: METADATA | {"issuer": issuer})


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize("value", ["http://accounts.example/x", "http://127.0.0.1/x", "javascript:alert(1)", 7, None])
def test_an_endpoint_that_is_no_https_address_is_refused(name: str, value: object) -> None:
    with pytest.raises(ProviderRefused, match=name):
        discover(ISSUER, lambda _: METADATA | {name: value})


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_an_endpoint_that_is_needed_must_be_there(name: str) -> None:
    with pytest.raises(ProviderRefused, match=name):
        discover(ISSUER, lambda _: {key: value for key, value in METADATA.items() if key != name})


def test_a_provider_on_this_machine_may_have_its_endpoints_here() -> None:
    here = "http://127.0.0.1:9000"
    metadata = {key: value.replace(ISSUER, here) if isinstance(value, str) else value for key, value in METADATA.items()}

    assert discover(here, lambda _: metadata).token_endpoint == here + "/token"
