"""Trusts: which workflows of GitHub Actions a team lets in, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.identity.models_teams import TRUSTS, TrustRecord, team_pk
from chalicelib.identity.rules import Grant
from chalicelib.identity.trust_rules import Trust, chosen
from chalicelib.platform.store import Store

MOST = 100


def matching_grant(store: Store, team: str, claims: Mapping[str, Any], _now: datetime) -> tuple[str, Grant] | None:
    """The id and the grant of the team's trust that a job's claims get; None when none of them fits."""
    found, _ = store.page(TrustRecord, team_pk(team), TRUSTS, cursor=None, limit=MOST)
    best = chosen((_trust(record) for record in found), claims)
    return None if best is None else (best.id, best.grant)


def _trust(record: TrustRecord) -> Trust:
    return Trust(record.id, record.repository, record.repository_id, record.ref, record.environment, record.grant)
