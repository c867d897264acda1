"""The client that stores use: one per process, and one per tenant where an installation narrows what a request may reach.

With the setting `tenant_role`, a request's calls are made as that role, assumed with the session tag `team`. The role's policy
(`tenant_policy`) reaches only keys that begin with the tag's team, so that a fault in Cygni's own checks finds a closed door
in AWS, too. Changes that concern a team and people at once are made as `member_role`, which reaches people's keys besides.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from chalicelib.platform.clock import utc_now
from chalicelib.platform.settings import settings

SESSION_SECONDS = 3600
_MARGIN = timedelta(minutes=5)
_LARGEST = 500
TENANT_ACTIONS = (
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)


def dynamodb(tenant: str | None = None, *, people: bool = False) -> Any:
    """The client for a tenant's keys, and with `people` for theirs too, or for all that the function itself may reach."""
    known = settings()
    role = (known.member_role if people else known.tenant_role) if tenant else ""
    return _narrowed(role, str(tenant), utc_now()) if role else _shared()


@cache
def _shared() -> Any:
    return _client({})


def _client(credentials: dict[str, str]) -> Any:
    from botocore.session import get_session

    from chalicelib.platform.aws import config

    unchecked = False  # what is sent is made from declared records, and validation takes longer than they do
    patience = config(2, 10, parameter_validation=unchecked, max_pool_connections=64)
    return get_session().create_client("dynamodb", config=patience, **credentials)


_sessions: dict[tuple[str, str], tuple[Any, datetime]] = {}
_lock = threading.Lock()


def _narrowed(role: str, team: str, now: datetime) -> Any:
    """The client of a tenant's session, kept until shortly before the session ends."""
    with _lock:
        known = _sessions.get((role, team))
    if known is not None and known[1] - _MARGIN > now:
        return known[0]
    from chalicelib.platform.aws import client

    answer = client("sts").assume_role(**session_request(role, team))["Credentials"]
    made = _client(
        {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }
    )
    with _lock:
        while len(_sessions) >= _LARGEST:
            _sessions.pop(next(iter(_sessions)))
        _sessions[role, team] = made, answer["Expiration"]
    return made


def session_request(role: str, team: str) -> dict[str, Any]:
    """What is asked of STS: the tag is what the role's policy compares with, and cannot be changed afterwards."""
    return {
        "RoleArn": role,
        "RoleSessionName": f"cygni-{team}"[:64],
        "DurationSeconds": SESSION_SECONDS,
        "Tags": [{"Key": "team", "Value": team}],
    }


OWN_KEYS = ("TEAM#${aws:PrincipalTag/team}", "TEAM#${aws:PrincipalTag/team}#*")
"""Patterns of the keys of the team that a session is tagged with."""
PEOPLES_KEYS = "USER#*"
"""The pattern of people's keys. They lie in tables of their own, where no team has any."""


def keys_condition(*patterns: str) -> dict[str, dict[str, Any]]:
    """The condition that every key which is asked for matches one of these patterns."""
    return {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(patterns)},
        "Null": {"dynamodb:LeadingKeys": "false", "aws:PrincipalTag/team": "false"},
    }


def tenant_policy(table_arns: list[str]) -> dict[str, Any]:
    """The policy of the role that serves one tenant: its own leading keys, in these tables, and nothing else."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OwnKeys",
                "Effect": "Allow",
                "Action": list(TENANT_ACTIONS),
                "Resource": table_arns,
                "Condition": keys_condition(*OWN_KEYS),
            }
        ],
    }
