from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.identity.rules import Grant, Role, Scope
from chalicelib.identity.trust_rules import Trust, chosen, fits, ref_fits

TRUST = Trust("tru_1", "acme/web", None, None, None, Grant(Role.DEVELOPER))
JOB = {"repository": "acme/web", "repository_id": "7", "ref": "refs/heads/main", "environment": "production"}
refs = st.text(alphabet="ab/*.", max_size=12)


@given(refs, refs.map(lambda text: text.replace("*", "")))
def test_a_star_stands_for_any_characters_and_everything_else_for_itself(pattern: str, ref: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), ref, re.DOTALL) is not None

    assert ref_fits(pattern, ref) is expected


@pytest.mark.parametrize(
    ("changes", "job", "expected"),
    [
        ({}, {}, True),
        ({"repository": "ACME/Web"}, {}, True),
        ({}, {"repository": "Acme/WEB"}, True),
        ({}, {"repository": "acme/web2"}, False),
        ({}, {"repository": "evil/acme/web"}, False),
        ({}, {"repository": "acme/web\n"}, False),
        ({"repository": "acme/kit"}, {"repository": "acme/\u212ait"}, False),  # the Kelvin sign is k in lower case
        ({"repository_id": "7"}, {}, True),
        ({"repository_id": "7"}, {"repository_id": "8"}, False),
        ({"repository_id": "7"}, {"repository_id": 7}, False),
        ({"environment": "production"}, {}, True),
        ({"environment": "Production"}, {}, True),
        ({"environment": "staging"}, {}, False),
        ({"environment": "production"}, {"environment": None}, False),
        ({}, {"ref": "refs/heads/anything/at-all"}, True),
        ({}, {"ref": "refs/tags/v1"}, False),
        ({}, {"ref": "refs/pull/3/merge"}, False),
        ({"ref": "refs/heads/main"}, {}, True),
        ({"ref": "refs/heads/main"}, {"ref": "refs/heads/Main"}, False),
        ({"ref": "refs/tags/v*"}, {"ref": "refs/tags/v1.2"}, True),
        ({"ref": "refs/tags/v*"}, {}, False),
        ({"ref": "main"}, {}, False),
    ],
)
def test_all_that_a_trust_names_must_be_what_the_job_is(
    changes: dict[str, str], job: dict[str, object], expected: bool
) -> None:
    assert fits(replace(TRUST, **changes), JOB | job) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["repository", "ref"])
@pytest.mark.parametrize("value", [None, 1, ["acme/web"], {"a": "b"}, ""])
def test_a_claim_that_is_missing_or_no_text_fits_nothing(name: str, value: object) -> None:
    assert not fits(TRUST, JOB | {name: value})
    assert not fits(TRUST, {key: each for key, each in JOB.items() if key != name})


def test_of_several_that_fit_the_highest_role_counts_then_the_whole_team_then_the_oldest() -> None:
    narrow = replace(TRUST, id="tru_0", grant=Grant(Role.DEVELOPER, (Scope("hello", "*", Role.DEVELOPER),)))
    viewer = replace(TRUST, id="tru_00", grant=Grant(Role.VIEWER))
    later = replace(TRUST, id="tru_2")
    admin = replace(TRUST, id="tru_3", ref="refs/heads/main", grant=Grant(Role.ADMIN))

    assert chosen([later, viewer, TRUST, narrow], JOB) == TRUST
    assert chosen([later, viewer, TRUST, admin], JOB) == admin
    assert chosen([later, admin], JOB | {"ref": "refs/heads/next"}) == later
    assert chosen([admin], JOB | {"ref": "refs/heads/next"}) is None
