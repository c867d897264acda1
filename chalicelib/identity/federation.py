"""Signing in without a stored secret: a job of GitHub Actions shows the token that GitHub gave it (RFC 8693)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.identity import trusts
from chalicelib.identity.asked import Asked
from chalicelib.identity.jwks import check_id_token
from chalicelib.identity.minting import Holder
from chalicelib.identity.principal import Kind
from chalicelib.identity.providers import Providers
from chalicelib.identity.regions import refuse_other_region
from chalicelib.identity.signin_rules import shown_name
from chalicelib.identity.standing import Standing
from chalicelib.identity.teams import record_or_default, team_place
from chalicelib.platform.errors import GrantRefused, Refused
from chalicelib.platform.ids import is_id
from chalicelib.platform.logs import log
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Store

ALGORITHM = "RS256"
_CHECK = (
    "Check with `cygni ci list` which repositories, branches and environments the team trusts (GET /v1/team/trusts), and that "
    "the job asks for its token with the audience {audience}."
)


def exchange(token: str, team: str, settings: Settings, providers: Providers, request: Asked) -> tuple[Holder, Standing]:
    """Whom a job's token stands for in a team, by one of the team's trusts; written into the team's audit trail.

    The job must have asked for its token with this installation's address as audience. Raises GrantRefused, which does not
    tell a team that does not exist from one that trusts somebody else, WrongRegion, and Transient.
    """
    claims = _claims(token, settings, providers, request)
    store = Store((f"TEAM#{team}",))
    found = record_or_default(store.asking().fetch(*team_place(team)), team, settings) if is_id(team, "team") else None
    matching = trusts.matching_grant(store, team, claims, request.now) if found is not None else None
    if found is None or matching is None:
        raise _refused(settings)
    refuse_other_region(settings, found.region)
    trust, grant = matching
    run = f"{claims.get('repository')}@{claims.get('ref')}/runs/{claims.get('run_id')}"
    trail = request.trail(team, trust, Kind.FEDERATED, "issue_token", f"trusts/{trust}/{run}")
    store.seen_by(trail).commit([])
    name = shown_name({"name": f"{claims.get('repository')}@{claims.get('ref')}"}, "name")
    return Holder(trust, "federated", name, ""), Standing(team, found.region, grant)


def _claims(token: str, settings: Settings, providers: Providers, request: Asked) -> Mapping[str, Any]:
    """What GitHub says of the job. Raises GrantRefused, and Transient when its keys are not to be had."""
    try:
        return check_id_token(
            token,
            providers.keys_at(providers.metadata(settings.actions_issuer, people=False).jwks_uri),
            issuer=settings.actions_issuer,
            audience=settings.issuer,
            algorithms=(ALGORITHM,),
            now=request.now,
        )
    except Refused as error:
        log().warning("a job's token was refused", extra={"reason": error.message})
        raise _refused(settings) from None


def _refused(settings: Settings) -> GrantRefused:
    return GrantRefused(
        "The job's token is not taken for this team.", reason="invalid_grant", remedy=_CHECK.format(audience=settings.issuer)
    )
