"""The app file that a newcomer begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.projects.appfile_schema import SCHEMA_ID

_HEAD = """\
# yaml-language-server: $schema={schema}
# What Cygni runs, and how a new release takes over. Lines that begin with "#" show the defaults.
version: 1
name: {name}

services:
"""

_SERVICE = """\
  {service}:
{start}    port: {port} # also given to the service as PORT
    # health:
    #   path: / # answers 2xx or 3xx when the service is ready
    #   deadline: 2m # a release that is not ready by then is rolled back
    # env: # no secrets here: use `cygni config set`
    #   LOG_LEVEL: info
    # resources:
    #   cpu: 100m
    #   memory: 256Mi
    # scale:
    #   min: 1
    #   max: 1
    # rollout:
    #   steps:
    #     - {{ weight: 10, for: 30s }} # percent of requests, for at least this long
    #     - {{ weight: 50, for: 30s }}
    #   gates:
    #     errorRate: 5.0 # percent of 5xx answers
    #     latencyP95: 1000 # milliseconds
    #     errorRateIncrease: 0.25 # percentage points more than the stable version
"""


@dataclass(frozen=True, slots=True)
class Starter:
    """One service as it was found: its name, the command that starts it (None: detected at each build), its port."""

    name: str = "web"
    start: str | None = None
    port: int = 8080


def default_text(name: str, services: Sequence[Starter] = (Starter(),)) -> str:
    """A commented `cygni.yaml` that `parse` accepts, for a project and services whose names are valid."""
    return _HEAD.format(schema=SCHEMA_ID, name=_scalar(name)) + "\n".join(_service(service) for service in services)


def _service(service: Starter) -> str:
    start = f"    start: {_scalar(service.start, quoted=True)}\n" if service.start else "    # start: detected\n"
    return _SERVICE.format(service=_scalar(service.name), start=start, port=service.port)


def _scalar(text: str, *, quoted: bool = False) -> str:
    """The text on one line; in quotes where YAML would read something else, as with a project named `on`."""
    import yaml

    written: str = yaml.safe_dump(text, default_style='"' if quoted else None, width=10**6, allow_unicode=True)
    return written.splitlines()[0]
