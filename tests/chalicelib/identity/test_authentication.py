from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.identity.authentication import Authenticator
from chalicelib.identity.minting import Holder, Minter
from chalicelib.identity.principal import Kind, Principal
from chalicelib.identity.rules import Grant, Role, Scope
from chalicelib.identity.standing import NOWHERE, Standing
from chalicelib.platform.errors import Unauthenticated, WrongRegion
from chalicelib.platform.store import ForeignKey
from tests.support.store import memory_store
from tests.support.world import KEY, TEAM, Fakes

SCOPED = Grant(Role.DEVELOPER, (Scope("hello", "*", Role.DEVELOPER), Scope("api", "prod", Role.VIEWER)))
ADA = Holder("usr_01J00000000000000000000001", "user", "Ada", "ses_01J00000000000000000000001")


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    with memory_store():
        made = Fakes()
        made.settings = replace(made.settings, region="eu-test-1", regions="us-test-9=https://us.cygni.test")
        yield made


def token(fakes: Fakes, standing: Standing, holder: Holder = ADA) -> str:
    minter = Minter(fakes.keys, fakes.settings.issuer, fakes.settings.audience)
    return minter.access_token(holder, standing, fakes.clock(), "tok_1")


def prove(fakes: Fakes, credential: str, scheme: str = "Bearer") -> Principal:
    return Authenticator(fakes.settings, fakes.keys)(f"{scheme} {credential}", fakes.clock())


def test_an_access_token_says_who_and_where_and_what_without_a_look_up(fakes: Fakes) -> None:
    who = prove(fakes, token(fakes, Standing(TEAM, "eu-test-1", SCOPED)))

    assert (who.subject, who.kind, who.name, who.team) == (ADA.subject, Kind.USER, "Ada", TEAM)
    assert (who.grant, who.session, who.since) == (SCOPED, ADA.session, fakes.clock())
    assert who.store.owners == (f"TEAM#{TEAM}",)
    assert who.store.tenant == TEAM


def test_a_job_s_token_is_of_its_own_kind(fakes: Fakes) -> None:
    job = Holder("tru_01J00000000000000000000001", "federated", "acme/web@refs/heads/main", "")

    assert prove(fakes, token(fakes, Standing(TEAM, "eu-test-1", SCOPED), job)).kind is Kind.FEDERATED


def test_a_person_without_a_team_reaches_nothing(fakes: Fakes) -> None:
    who = prove(fakes, token(fakes, NOWHERE))

    assert (who.team, who.grant) == ("", None)
    with pytest.raises(ForeignKey):
        who.store.fetch(Fake, "TEAM#", "TEAM")


class Fake:
    """Never read."""


def test_a_token_of_another_region_s_team_is_sent_there(fakes: Fakes) -> None:
    with pytest.raises(WrongRegion) as caught:
        prove(fakes, token(fakes, Standing(TEAM, "us-test-9", SCOPED)))

    assert caught.value.remedy == "Use https://us.cygni.test."


def test_a_token_of_another_installation_is_refused(fakes: Fakes) -> None:
    good = token(fakes, Standing(TEAM, "eu-test-1", SCOPED))
    fakes.settings = replace(fakes.settings, issuer="https://api.other.test")

    with pytest.raises(Unauthenticated, match="not valid here"):
        prove(fakes, good)


def test_a_token_ends_when_it_says(fakes: Fakes) -> None:
    good = token(fakes, NOWHERE)
    fakes.clock.now += timedelta(minutes=15)

    with pytest.raises(Unauthenticated, match="has expired"):
        prove(fakes, good)


def test_the_operator_s_key_is_the_owner_s_of_its_team(fakes: Fakes) -> None:
    who = prove(fakes, KEY)

    assert (who.kind, who.team, who.grant) == (Kind.OPERATOR, TEAM, Grant(Role.OWNER))


@pytest.mark.parametrize(
    "credential", ["", "x", "a.b.c", "..", "cyg_" + "0" * 52 + "_" + "A" * 43, "cyr_x", KEY + "x", "é", "\ud800", "x" * 5000]
)
def test_whatever_else_comes_is_refused(fakes: Fakes, credential: str) -> None:
    with pytest.raises(Unauthenticated):
        prove(fakes, credential)


def test_a_good_token_under_another_scheme_is_refused(fakes: Fakes) -> None:
    with pytest.raises(Unauthenticated):
        prove(fakes, token(fakes, NOWHERE), scheme="Basic")
