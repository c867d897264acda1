from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.identity.providers import parse

OIDC = {"kind": "oidc", "title": "Company", "issuer": "https://idp.test", "client_id": "c", "client_secret": "s3cret-canary"}
GITHUB = {"kind": "github", "client_id": "c", "client_secret": "s3cret-canary"}


def set_up(**providers: Any) -> str:
    return json.dumps({"providers": providers})


def test_an_openid_provider_is_known_by_its_issuer() -> None:
    (found,) = parse(set_up(company=OIDC))

    assert (found.name, found.title, found.issuer, found.client_id) == ("company", "Company", "https://idp.test", "c")


def test_github_s_addresses_need_not_be_written() -> None:
    (found,) = parse(set_up(github=GITHUB))

    assert (found.title, found.issuer, found.api_url) == ("github", "https://github.com", "https://api.github.com")
    assert found.token_url == "https://github.com/login/oauth/access_token"


def test_a_github_enterprise_server_has_its_own() -> None:
    own = {"authorize_url": "https://git.test/login/oauth/authorize", "issuer": "https://git.test"}

    (found,) = parse(set_up(git=GITHUB | own))

    assert (found.authorize_url, found.issuer) == (own["authorize_url"], own["issuer"])


def test_providers_keep_their_order() -> None:
    assert [each.name for each in parse(set_up(b=OIDC, a=GITHUB))] == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not strict JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no object `providers`"),
        ('{"providers": []}', "no object `providers`"),
        (set_up(Company=OIDC), "lower-case letters"),
        (set_up(company=7), "company is no object"),
        (set_up(company=OIDC | {"kind": "saml"}), "company.kind must be one of oidc, github"),
        (set_up(company=OIDC | {"issuer": "http://idp.test"}), "company.issuer must be an https address"),
        (set_up(company={name: each for name, each in OIDC.items() if name != "issuer"}), "company.issuer must be a text"),
        (set_up(company=OIDC | {"client_secret": ""}), "company.client_secret must be a text"),
        (set_up(company=OIDC | {"title": 7}), "company.title must be a text"),
        (set_up(**{f"p{each}": OIDC for each in range(21)}), "20 are the most"),
    ],
)
def test_a_set_up_that_cannot_be_is_refused_by_name_and_without_its_secrets(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        parse(text)

    assert "s3cret" not in str(caught.value)


def test_a_provider_does_not_show_its_secret() -> None:
    assert "s3cret" not in repr(parse(set_up(company=OIDC)))
