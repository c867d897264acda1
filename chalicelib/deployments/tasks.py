"""The façade of this context for workflows and schedules: what functions call, and the API does not load."""

from __future__ import annotations

from chalicelib.deployments.analysis import analyse
from chalicelib.deployments.driver import await_ready, prepare, promote, roll_back, settle, shift
from chalicelib.deployments.progress import Ports
from chalicelib.deployments.releases import target_of
from chalicelib.deployments.removal import forget_deployments
from chalicelib.deployments.workflow import begin, finish, sweep

__all__ = [
    "Ports",
    "analyse",
    "await_ready",
    "begin",
    "finish",
    "forget_deployments",
    "prepare",
    "promote",
    "roll_back",
    "settle",
    "shift",
    "sweep",
    "target_of",
]
