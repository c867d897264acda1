"""The façade of this context for workflows and schedules: what functions call, and the API does not load."""

from __future__ import annotations

from chalicelib.deployments.analysis import analyse
from chalicelib.deployments.driver import await_ready, prepare, promote, roll_back, settle, shift
from chalicelib.deployments.progress import Ports
from chalicelib.deployments.reconcile_run import Shard
from chalicelib.deployments.reconcile_run import run as reconcile
from chalicelib.deployments.reconciling import Hands
from chalicelib.deployments.releases import target_of
from chalicelib.deployments.removal import remove_service
from chalicelib.deployments.workflow import begin, finish, sweep

__all__ = [
    "Hands",
    "Ports",
    "Shard",
    "analyse",
    "await_ready",
    "begin",
    "finish",
    "prepare",
    "promote",
    "reconcile",
    "remove_service",
    "roll_back",
    "settle",
    "shift",
    "sweep",
    "target_of",
]
