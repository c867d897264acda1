"""A plan as a Dockerfile. Pure.

1. What decides the dependencies is copied and installed before the rest of the source, so that a change of code alone takes
   the installed layer from the cache.
2. Tools that only build stay in the first stage; the image has what runs. It runs as user 10001, who owns nothing in it.
3. Commands that people wrote stand only after RUN or in the exec form of CMD, where a line of theirs stays one line.
4. No secret is ever an argument or a variable here: config reaches a service when it runs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from chalicelib.builds.plan import BuildPlan, Kind, Manager

USER = 10001
"""The user id that services run as; the runtime's manifests demand one that is not root."""

_PORT = 8080
_UV = "uv>=0.9,<1"
_POETRY = "poetry>=2,<3"
_STATIC_BASE = "python:3.13-alpine"
_GO_BASE = "alpine:3.22"

_READABLE = "chmod -R a+rX ."
"""An archive made under a strict umask holds files that only their owner could read; the owner does not run the service."""


def dockerfile(plan: BuildPlan) -> str:
    """The Dockerfile of a detected plan, to be built in the plan's context. A plan that has its own is a ValueError."""
    if plan.kind is Kind.DOCKERFILE:
        raise ValueError("this plan has a Dockerfile of its own")
    stages = {Kind.PYTHON: _python, Kind.NODE: _node, Kind.GO: _go, Kind.STATIC: _static}[plan.kind](plan)
    head = ["# Written by Cygni from the build plan; commit it as `Dockerfile` to change it by hand.", ""]
    return "\n".join([*head, *stages, *_running(plan)]) + "\n"


def _python(plan: BuildPlan) -> list[str]:
    tools = {Manager.UV: _UV, Manager.POETRY: _POETRY}.get(plan.manager)
    return [
        f"FROM {plan.base_image} AS build",
        'ENV PATH="/opt/venv/bin:$PATH" VIRTUAL_ENV=/opt/venv UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON=/opt/venv/bin/python',
        "ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never",
        *([_run(f"/usr/local/bin/pip install {_quoted(tools)}")] if tools else []),
        _run("python -m venv /opt/venv"),
        "WORKDIR /srv/app",
        *_layers(plan),
        "",
        f"FROM {plan.base_image}",
        'ENV PATH="/opt/venv/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1',
        "WORKDIR /srv/app",
        "COPY --from=build /opt/venv /opt/venv",
        "COPY --from=build /srv/app /srv/app",
    ]


def _node(plan: BuildPlan) -> list[str]:
    return [
        *_node_build(plan),
        "",
        f"FROM {plan.base_image}",
        'ENV NODE_ENV=production PATH="/srv/app/node_modules/.bin:$PATH"',
        "WORKDIR /srv/app",
        "COPY --from=build /srv/app /srv/app",
    ]


def _node_build(plan: BuildPlan) -> list[str]:
    manager = [_run(f"npm install --global --force {plan.manager_package}")] if plan.manager_package else []
    return [
        f"FROM {plan.base_image} AS build",
        'ENV CI=true YARN_NODE_LINKER=node-modules PATH="/srv/app/node_modules/.bin:$PATH"',
        *manager,
        "WORKDIR /srv/app",
        *_layers(plan),
    ]


def _go(plan: BuildPlan) -> list[str]:
    return [
        f"FROM {plan.base_image} AS build",
        "ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false",
        "WORKDIR /srv/app",
        *_layers(plan),
        "",
        f"FROM {_GO_BASE}",
        "WORKDIR /srv/app",
        "COPY --from=build /srv/app /srv/app",
    ]


def _static(plan: BuildPlan) -> list[str]:
    """The file server is small enough to travel in the Dockerfile: it is the same in the embedded cloud."""
    server = base64.b64encode(Path(__file__).with_name("static_server.py").read_bytes()).decode()
    build: list[str] = []
    copy = f"COPY {_paths([plan.root + '/', '/srv/app/'])}"
    if plan.base_image.startswith("node:"):
        build = [*_node_build(plan), ""]
        copy = f"COPY --from=build {_paths([f'/srv/app/{plan.root}/', '/srv/app/'])}"
    elif plan.build:
        build = [f"FROM {plan.base_image} AS build", "WORKDIR /srv/app", *_layers(plan), ""]
        copy = f"COPY --from=build {_paths([f'/srv/app/{plan.root}/', '/srv/app/'])}"
    return [
        *build,
        f"FROM {_STATIC_BASE}",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
        _run(f"mkdir -p /srv/deps && echo {server} | base64 -d > /srv/deps/static_server.py"),
        "WORKDIR /srv/app",
        copy,
        _run(_READABLE),
    ]


def _layers(plan: BuildPlan) -> list[str]:
    """Manifests, install, source, build: what changes seldom comes first."""
    if not plan.manifests:
        return ["COPY . .", *map(_run, (*plan.install, *plan.build, _READABLE))]
    folders: dict[str, list[str]] = {}
    for path in plan.manifests:
        folders.setdefault(path.rpartition("/")[0], []).append(path)
    copies = [f"COPY {_paths([*paths, f'./{folder}/' if folder else './'])}" for folder, paths in folders.items()]
    return [*copies, *map(_run, plan.install), "COPY . .", *map(_run, (*plan.build, _READABLE))]


def _running(plan: BuildPlan) -> list[str]:
    return [f"ENV PORT={_PORT} HOME=/tmp", f"EXPOSE {_PORT}", f"USER {USER}:{USER}", f"CMD {json.dumps(list(plan.command))}"]


def _run(command: str) -> str:
    """A shell command as one RUN, in exec form: neither a line break nor a Dockerfile variable in it means anything."""
    return f"RUN {json.dumps(['/bin/sh', '-c', command])}"


def _paths(paths: Sequence[str]) -> str:
    """Paths in the JSON form, so that a space in a name does not part it."""
    return json.dumps(list(paths))


def _quoted(requirement: str) -> str:
    return f'"{requirement}"'
