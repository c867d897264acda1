"""What the command reads of the API's answers is what the API's schemas have."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.audit import schemas as audit
from chalicelib.identity import machine_schemas as machines
from chalicelib.identity import rules, schemas
from cygni.cli import grants
from cygni.cli import identity_shapes as shapes

PAIRS: list[tuple[Any, Any]] = [
    (shapes.Scope, schemas.ScopeView),
    (shapes.WantedScope, schemas.NewScope),
    (shapes.Whoami, schemas.WhoamiView),
    (shapes.Device, schemas.DeviceView),
    (shapes.Provider, schemas.ProviderView),
    (shapes.SignIn, schemas.SessionView),
    (shapes.Usage, schemas.TeamUsage),
    (shapes.Team, schemas.TeamView),
    (shapes.MyTeam, schemas.MyTeamView),
    (shapes.Member, schemas.MemberView),
    (shapes.Invitation, schemas.InvitationView),
    (shapes.IssuedInvitation, schemas.IssuedInvitation),
    (shapes.Offer, schemas.OfferView),
    (shapes.ApiKey, machines.ApiKeyView),
    (shapes.IssuedApiKey, machines.IssuedApiKey),
    (shapes.Trust, machines.TrustView),
    (shapes.Head, audit.HeadView),
    (shapes.Line, audit.LineView),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[ours.__name__ for ours, _ in PAIRS])
def test_every_member_is_one_of_the_schema(ours: Any, theirs: Any) -> None:
    members = {name for base in ours.__mro__[:-1] for name in getattr(base, "__annotations__", {})}

    assert members <= set(theirs.model_fields)


def test_tokens_have_what_the_command_reads() -> None:
    assert set(shapes.Tokens.__annotations__) <= set(schemas.TokenView.model_fields)


def test_the_roles_are_the_apis() -> None:
    assert {each.value for each in grants.Role} == {each.value for each in rules.Role}
