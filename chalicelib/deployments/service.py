"""Deployments of a service: the façade of this context."""

from __future__ import annotations

from chalicelib.deployments.analysis import analyse
from chalicelib.deployments.controls import request
from chalicelib.deployments.driver import await_ready, prepare, promote, roll_back, settle, shift
from chalicelib.deployments.lifecycle import Wanted, create_deployment, get_deployment, list_deployments
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.observation import judged, observe, stored_baseline
from chalicelib.deployments.progress import Ports, strategy
from chalicelib.deployments.releases import Release, get_release, list_releases, target_of
from chalicelib.deployments.removal import forget_deployments
from chalicelib.deployments.rollback import create_rollback
from chalicelib.deployments.rules import Request, State, TimelineEvent
from chalicelib.deployments.workflow import begin, finish, sweep

__all__ = [
    "DeploymentRecord",
    "Ports",
    "Release",
    "Request",
    "State",
    "TimelineEvent",
    "Wanted",
    "analyse",
    "await_ready",
    "begin",
    "create_deployment",
    "create_rollback",
    "finish",
    "forget_deployments",
    "get_deployment",
    "get_release",
    "judged",
    "list_deployments",
    "list_releases",
    "observe",
    "prepare",
    "promote",
    "request",
    "roll_back",
    "settle",
    "shift",
    "stored_baseline",
    "strategy",
    "sweep",
    "target_of",
]
