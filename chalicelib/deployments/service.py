"""Deployments of a service: the façade of this context for the API. What workflows call is in `tasks.py`."""

from __future__ import annotations

from chalicelib.deployments.approvals import approve, reject
from chalicelib.deployments.controls import request
from chalicelib.deployments.deletion import delete_service
from chalicelib.deployments.lifecycle import Wanted, create_deployment, get_build_of, get_deployment, list_deployments
from chalicelib.deployments.live import Explanation, explanation, live_verdict
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.releases import Release, get_release, list_releases, show_release, target_of
from chalicelib.deployments.rollback import create_rollback
from chalicelib.deployments.states import Request, State, TimelineEvent

__all__ = [
    "DeploymentRecord",
    "Explanation",
    "Release",
    "Request",
    "State",
    "TimelineEvent",
    "Wanted",
    "approve",
    "create_deployment",
    "create_rollback",
    "delete_service",
    "explanation",
    "get_build_of",
    "get_deployment",
    "get_release",
    "list_deployments",
    "list_releases",
    "live_verdict",
    "reject",
    "request",
    "show_release",
    "target_of",
]
