"""Tokens for clusters of each provider, in the formats that were recorded of them, and what is kept of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.platform.errors import ClusterUnavailable, Failed, ProviderRefused, ProviderUnavailable
from chalicelib.platform.kubeauth import (
    Access,
    BearerToken,
    ClientCertificate,
    Credential,
    EksRole,
    EntraClient,
    GoogleServiceAccount,
    Tokens,
    eks_token,
)
from tests.support.store import memory_store

ALLOWED = {
    "Action",
    "Version",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
}
"""The parameters that aws-iam-authenticator takes in a token; with any other it is refused."""
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
GOOGLE = GoogleServiceAccount("cygni@shop.iam.gserviceaccount.com", "k1", PEM)
ENTRA = EntraClient("72f988bf-86f1-41af-91ab-2d7cd011db47", "8f8f8f8f-0000-0000-0000-000000000000", "s3cret")


class Provider:
    """Answers token requests, and keeps them."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, dict[str, str]]]()

    def __call__(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        self.asked.append((url, dict(form)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of this process, whatever another test has left."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


def parsed(token: str) -> tuple[Any, dict[str, str]]:
    """The address that an EKS token is, and its parameters."""
    prefix, _, text = token.partition(".")
    assert prefix == "k8s-aws-v1"
    assert "=" not in text
    url = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
    return url, {name: values[0] for name, values in parse_qs(url.query, strict_parsing=True).items()}


def signature(url: Any, query: Mapping[str, str], *, headers: Mapping[str, str], secret: str) -> str:
    """The signature as AWS computes it (Signature Version 4), written down here once more."""
    signed = sorted((name, value) for name, value in query.items() if name != "X-Amz-Signature")
    canonical = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in signed)
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join(["GET", url.path, canonical, lines, ";".join(sorted(headers)), hashlib.sha256(b"").hexdigest()])
    scope = query["X-Amz-Credential"].split("/", 1)[1]
    told = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return hmac.new(key, told.encode(), "sha256").hexdigest()


def test_an_eks_token_is_a_signed_question_who_am_i_for_that_cluster_and_a_minute() -> None:
    url, query = parsed(eks_token(EksRole("shop", "eu-west-1")))

    assert (url.scheme, url.netloc, url.path) == ("https", "sts.eu-west-1.amazonaws.com", "/")
    assert set(query) <= ALLOWED
    assert (query["Action"], query["Version"], query["X-Amz-Expires"]) == ("GetCallerIdentity", "2011-06-15", "60")
    assert query["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    headers = {"host": url.netloc, "x-k8s-aws-id": "shop"}
    assert query["X-Amz-Signature"] == signature(url, query, headers=headers, secret="own-secret")
    assert query["X-Amz-Signature"] != signature(url, query, headers={**headers, "x-k8s-aws-id": "b"}, secret="own-secret")


def test_clusters_in_china_are_asked_about_there() -> None:
    url, _ = parsed(eks_token(EksRole("shop", "cn-north-1")))

    assert url.netloc == "sts.cn-north-1.amazonaws.com.cn"


def test_a_role_is_assumed_and_signs_in_our_place() -> None:
    with memory_store():
        _, query = parsed(eks_token(EksRole("shop", "eu-west-1", "arn:aws:iam::123456789012:role/cygni-cluster-a", "team_1")))

    assert not query["X-Amz-Credential"].startswith("own/")
    assert query["X-Amz-Security-Token"]
    assert set(query) <= ALLOWED


def test_a_google_account_signs_an_assertion_for_an_access_token() -> None:
    google, clock = Provider({"access_token": "ya29.a", "expires_in": 3599, "token_type": "Bearer"}), Clock()

    assert Tokens(GOOGLE, google, clock).current() == "ya29.a"

    ((url, form),) = google.asked
    assert url == "https://oauth2.googleapis.com/token"
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(form["assertion"], KEY.public_key(), algorithms=["RS256"], audience=url, options={"verify_iat": False})
    assert (claims["iss"], claims["iat"], claims["exp"]) == (GOOGLE.email, 1_800_000_000, 1_800_003_600)
    assert "https://www.googleapis.com/auth/cloud-platform" in claims["scope"].split()
    assert jwt.get_unverified_header(form["assertion"])["kid"] == "k1"


def test_an_entra_client_asks_for_the_scope_of_aks() -> None:
    entra = Provider({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "eyJ0.b"})

    assert Tokens(ENTRA, entra).current() == "eyJ0.b"

    ((url, form),) = entra.asked
    assert url == f"https://login.microsoftonline.com/{ENTRA.tenant}/oauth2/v2.0/token"
    assert form == {
        "grant_type": "client_credentials",
        "client_id": ENTRA.client,
        "client_secret": "s3cret",
        "scope": "6dae42f8-4368-4678-94ff-3960e28e3630/.default",
    }


def test_a_token_is_kept_until_a_minute_before_its_end() -> None:
    provider, clock = Provider(*({"access_token": each, "expires_in": "600"} for each in ("one", "two"))), Clock()
    tokens = Tokens(ENTRA, provider, clock)
    seen = []

    for seconds in (0, 539, 541):
        clock.now = Clock.now + seconds
        seen.append(tokens.current())

    assert seen == ["one", "one", "two"]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (ProviderRefused("no", reason="invalid_client"), Failed, "gives no token for this credential: invalid_client"),
        (ProviderUnavailable("it does not answer"), ClusterUnavailable, "could not be asked"),
        ({"token_type": "Bearer"}, ClusterUnavailable, "answered without a token"),
        ({"access_token": "a", "expires_in": None}, ClusterUnavailable, "answered without a token"),
    ],
    ids=["refused", "away", "no token", "no end"],
)
def test_no_token_is_an_error_that_says_whether_to_try_again_and_nothing_secret(
    answer: object, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        Tokens(ENTRA, Provider(answer)).current()

    assert "s3cret" not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_a_key_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(Failed, match="not an RSA key") as raised:
        Tokens(GoogleServiceAccount("a@b", "k", "-----BEGIN x"), Provider()).current()

    assert "BEGIN" not in str(raised.value)


CREDENTIALS: list[Credential] = [
    BearerToken("s3cret"),
    ClientCertificate("-----BEGIN CERTIFICATE", "s3cret"),
    EksRole("shop", "eu-west-1", "arn", "team"),
    GoogleServiceAccount("a@b", "k", "s3cret"),
    EntraClient("t", "c", "s3cret"),
]


@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda each: type(each).__name__)
def test_a_credential_is_stored_whole_and_shown_without_its_secret(credential: Credential) -> None:
    access = Access("https://k8s.example.com", "", credential)

    assert Access.from_dict(access.to_dict()) == access
    assert "s3cret" not in f"{access!r} {Tokens(credential)!r}"
