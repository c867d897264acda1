from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.identity.signin_rules import (
    DEVICE_PAGE,
    INVITATION_PAGE,
    challenge_of,
    device_page,
    issuer_fits,
    next_page,
    shown_name,
    verified_email,
)

OURS = re.compile(r"/v1/invitations|/v1/auth/device(\?user_code=[B-Z]{4}-[B-Z]{4})?")
near = st.sampled_from(
    ["/", "//", "\\", "v1", "auth", "device", "invitations", "?", "user_code=", "BCDF-GHJK", "@", "evil.test", "#"]
)


@given(st.text(max_size=80) | st.lists(near, max_size=12).map("".join) | st.none())
def test_wherever_somebody_wants_to_go_it_is_one_of_our_pages(wanted: str | None) -> None:
    page = next_page(wanted)

    assert OURS.fullmatch(page)
    assert not urlsplit(page).netloc


@pytest.mark.parametrize("page", [DEVICE_PAGE, INVITATION_PAGE, device_page("BCDF-GHJK")])
def test_our_pages_are_kept(page: str) -> None:
    assert next_page(page) == page


def test_the_challenge_is_that_of_the_rfc_s_example() -> None:
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("given_", "required", "expected"),
    [
        ("https://a", True, True),
        ("https://a", False, True),
        ("https://b", False, False),
        ("", False, False),
        (None, True, False),
    ],
)
def test_whoever_names_itself_must_be_whom_we_asked(given_: str | None, required: bool, expected: bool) -> None:
    assert issuer_fits(given_, "https://a", required=required) is expected


def test_who_need_not_name_itself_may_leave_it_out() -> None:
    assert issuer_fits(None, "https://a", required=False)


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"name": "Ada"}, "Ada"),
        ({"name": "", "login": "ada"}, "ada"),
        ({"name": None, "login": "ada"}, "ada"),
        ({"name": 7, "login": ["ada"]}, ""),
        ({"name": "Ada\u202egnp.exe"}, "Adagnp.exe"),
        ({"name": "A\nd\x00a"}, "A da"),
        ({"name": "x" * 100}, "x" * 60),
        ({}, ""),
    ],
)
def test_a_name_is_the_first_that_can_be_shown(claims: dict[str, object], shown: str) -> None:
    assert shown_name(claims, "name", "login") == shown


@pytest.mark.parametrize(
    ("email", "verified", "taken"),
    [
        ("ada@example.test", True, True),
        ("ada@example.test", "true", True),
        ("ada@example.test", False, False),
        ("ada@example.test", "false", False),
        ("ada@example.test", 1, True),
        ("ada@example.test", None, False),
        ("ada", True, False),
        ("a b@example.test", True, False),
        ("ada@exa\u202emple.test", True, False),
        ("a" * 300 + "@example.test", True, False),
        (7, True, False),
    ],
)
def test_an_address_is_taken_where_the_provider_vouches_for_it(email: object, verified: object, taken: bool) -> None:
    assert verified_email({"email": email, "email_verified": verified}) == (email if taken else "")
