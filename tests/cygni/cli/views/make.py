"""Deployments and traffic for the views, with defaults, so that a test names only what matters."""

from __future__ import annotations

from typing import Any

from cygni.cli.follow import Progress
from cygni.cli.shapes import Arm, Deployment, Traffic


def arm(release: int, requests: int = 100, **over: Any) -> Arm:
    return {"release": release, "requests": requests, "errors": 0, "error_rate": 0.0, "latency_p95": 20.0, **over}  # type: ignore[typeddict-item]


def deployment(**over: Any) -> Deployment:
    rollout = {"phase": "analysing", "step": 0, "steps": [10, 50], "weight": 10, "paused": False, "reason": ""}
    made = {
        "id": "dep_1",
        "project": "shop",
        "environment": "prod",
        "service": "web",
        "kind": "deploy",
        "state": "rolling_out",
        "ended": False,
        "release": 2,
        "stable_release": 1,
        "source": None,
        "image": None,
        "message": "",
        "commit": "",
        "requested": None,
        "rollout": rollout,
        "outcome": None,
        "url": "http://shop.localhost:8080",
        "created_at": "2026-01-02T03:04:05.000Z",
        "ended_at": None,
        "created_by": "admin",
    }
    return {**made, **over}  # type: ignore[typeddict-item]


def traffic(**over: Any) -> Traffic:
    made = {"at": "2026-01-02T03:04:05.000Z", "phase": "analysing", "step": 0, "weight": 10, "verdict": None}
    return {**made, "canary": arm(2), "stable": arm(1), **over}  # type: ignore[typeddict-item]


def progress(*, with_traffic: Traffic | None = None, **over: Any) -> Progress:
    return Progress(deployment(**over), with_traffic)
