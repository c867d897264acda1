"""What people give to register a cluster, and what is refused of it by name."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.kubeauth import Access, BearerToken, ClientCertificate, EksRole, GoogleServiceAccount
from chalicelib.runtime import cluster_access as given

SERVER = "https://k8s.example.com:6443"
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> str:
    """A kubeconfig with a context of two; parts that are given replace its own."""
    there = {"server": SERVER, "certificate-authority-data": packed(PEM)} | (cluster or {})
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "shop",
            "contexts": [
                {"name": "other", "context": {"cluster": "gone", "user": "me"}},
                {"name": "shop", "context": {"cluster": "there", "user": "me"}},
            ],
            "clusters": [{"name": "there", "cluster": there}],
            "users": [{"name": "me", "user": {"token": "t0ken"} if user is None else user}],
        }
    )


def fault(text: str, context: str | None = None) -> str:
    with pytest.raises(InvalidInput) as raised:
        given.of_kubeconfig(text, context)
    (field,) = raised.value.fields
    assert field.field == "body.access.kubeconfig"
    assert field.remedy
    return field.message


def test_the_current_context_is_what_is_meant() -> None:
    assert given.of_kubeconfig(kubeconfig(), None) == Access(SERVER, PEM, BearerToken("t0ken"))


def test_a_client_certificate_is_taken_with_its_key() -> None:
    user = {"client-certificate-data": packed(PEM), "client-key-data": packed(KEY)}

    assert given.of_kubeconfig(kubeconfig(user=user), "shop").credential == ClientCertificate(PEM, KEY)


@pytest.mark.parametrize(
    ("cluster", "user", "words"),
    [
        ({"insecure-skip-tls-verify": True}, None, "insecure-skip-tls-verify"),
        ({"certificate-authority": "/etc/passwd"}, None, "certificate-authority,"),
        ({"proxy-url": "http://10.0.0.1"}, None, "proxy-url"),
        ({"tls-server-name": "other"}, None, "tls-server-name"),
        ({"server": "http://k8s.example.com"}, None, "not an https address"),
        ({"server": "https://me:pw@k8s.example.com"}, None, "not an https address"),
        ({"certificate-authority-data": "%%%"}, None, "certificate-authority-data is not PEM"),
        (None, {"exec": {"command": "rm"}}, "exec,"),
        (None, {"auth-provider": {"name": "gcp"}}, "auth-provider"),
        (None, {"username": "me", "password": "s3cret"}, "username"),
        (None, {"tokenFile": "/etc/shadow"}, "tokenFile"),
        (None, {"client-certificate": "/a", "client-key": "/b"}, "client-certificate,"),
        (None, {"token": "t", "as": "admin"}, "It has as,"),
        (None, {}, "neither a token nor a client certificate"),
        (None, {"token": "line\nbreak"}, "neither a token"),
    ],
)
def test_what_a_kubeconfig_would_do_on_the_machine_is_refused_by_name(
    cluster: dict[str, Any] | None, user: dict[str, Any] | None, words: str
) -> None:
    found = fault(kubeconfig(cluster, user))

    assert words in found
    assert "s3cret" not in found


@pytest.mark.parametrize(
    ("text", "context", "words"),
    [
        ("[", None, "not a kubeconfig in YAML"),
        ("[]", None, "not a kubeconfig in YAML"),
        ("!!python/object/apply:os.system [ls]", None, "not a kubeconfig in YAML"),
        ("{}", None, "no context named None"),
        ("contexts: 3", None, "no context"),
        (kubeconfig(), "nope", "no context named nope"),
        (kubeconfig(), "other", "no cluster named gone"),
    ],
)
def test_what_is_no_kubeconfig_or_lacks_the_context_is_said(text: str, context: str | None, words: str) -> None:
    assert words in fault(text, context)


def test_an_eks_cluster_of_a_team_names_a_role_which_is_assumed_for_that_team() -> None:
    how = {"cluster": "shop", "region": "eu-west-1"}

    mine = given.of_eks(SERVER, PEM, **how, role="arn:r", team="team_1", operator=False)

    assert mine.credential == EksRole("shop", "eu-west-1", "arn:r", "team_1")
    with pytest.raises(InvalidInput) as raised:
        given.of_eks(SERVER, PEM, **how, role=None, team="team_1", operator=False)
    assert "external id team_1" in raised.value.fields[0].remedy
    assert given.of_eks(SERVER, PEM, **how, role=None, team="t", operator=True).credential == EksRole("shop", "eu-west-1")


def test_a_service_accounts_key_is_read_and_its_token_address_is_not() -> None:
    key = {"type": "service_account", "client_email": "a@b", "private_key_id": "k", "private_key": KEY}
    told = json.dumps(key | {"token_uri": "https://evil.example.com"})

    assert given.of_gke(SERVER, packed(PEM), service_account=told) == Access(SERVER, PEM, GoogleServiceAccount("a@b", "k", KEY))


@pytest.mark.parametrize("text", ["", "[]", '{"type": "authorized_user"}', '{"type": "service_account", "private_key": 3}'])
def test_what_is_no_service_accounts_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        given.of_gke(SERVER, "", service_account=text)
    assert raised.value.fields[0].field == "body.access.service_account"


@pytest.mark.parametrize("text", ["nonsense", "-----BEGIN CERTIFICATE-----", packed("nonsense")])
def test_an_authority_is_pem_or_base64_of_it(text: str) -> None:
    with pytest.raises(InvalidInput):
        given.authority_of(text)


def test_a_token_has_no_line_breaks_which_would_be_headers() -> None:
    with pytest.raises(InvalidInput):
        given.of_token(SERVER, "", token="a\r\nImpersonate-User: admin")
