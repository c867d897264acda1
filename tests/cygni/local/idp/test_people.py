from __future__ import annotations

import pytest

from cygni.local.idp.people import KNOWN, NotAPerson, known, typed


def test_the_same_address_is_the_same_person_however_it_is_written() -> None:
    first, second = typed("Eve@Example.Test", "Eve", verified=True), typed(" eve@example.test ", "E.", verified=True)

    assert (first.subject, first.github_id, first.github_login) == (second.subject, second.github_id, second.github_login)


def test_no_two_addresses_share_an_identity() -> None:
    people = [*KNOWN, typed("eve@example.test", "Eve", verified=True), typed("eve@example.org", "Eve", verified=True)]

    assert len({each.subject for each in people}) == len(people)
    assert len({each.github_id for each in people}) == len(people)
    assert len({each.github_login for each in people}) == len(people)


def test_the_subject_of_an_address_is_pinned() -> None:
    """A change here would make everybody a stranger to what they own."""
    assert typed("eve@example.test", "", verified=True).subject == "person-b6e7550cceb7b277a8644f32"


def test_the_address_of_a_known_person_is_that_person() -> None:
    assert typed("ADA@example.test", "Mallory", verified=True) is known("ada@example.test")


def test_a_known_address_that_nobody_verified_is_not_vouched_for() -> None:
    person = typed("ada@example.test", "Mallory", verified=False)

    assert not person.verified
    assert person.public_email is None


def test_somebody_without_a_name_is_called_by_the_address() -> None:
    assert typed("eve@example.test", "  ", verified=True).name == "eve"


def test_a_login_is_one_that_github_would_allow() -> None:
    login = typed(".a_b+c~" + "x" * 50 + "@example.test", "", verified=True).github_login

    assert len(login) <= 39
    assert login.replace("-", "").isalnum()
    assert not login.startswith("-")


@pytest.mark.parametrize(
    ("email", "name", "why"),
    [
        ("", "Eve", "Type an address"),
        ("eve", "Eve", "not one of mail"),
        ("eve@", "Eve", "not one of mail"),
        ("eve @example.test", "Eve", "not one of mail"),
        ('"><script>@example.test', "Eve", "not one of mail"),
        ("e" * 65 + "@example.test", "Eve", "not one of mail"),
        ("eve@" + "e" * 260, "Eve", "not one of mail"),
        ("eve@example.test", "E" * 101, "101 characters"),
        ("eve@example.test", "E\x00ve", "cannot be printed"),
        ("eve@example.test", "E\nve", "cannot be printed"),
    ],
)
def test_what_names_nobody_is_refused_and_says_why(email: str, name: str, why: str) -> None:
    with pytest.raises(NotAPerson, match=why):
        typed(email, name, verified=True)
