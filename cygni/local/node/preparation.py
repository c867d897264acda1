"""All that must be there before a container's process can start: image, private copy, variables, command line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cygni.local.node import environment
from cygni.local.node.context import Context
from cygni.local.node.leftovers import MARK
from cygni.local.node.ports import port_variable
from cygni.local.node.sandbox import Sandbox
from cygni.local.node.spec import Container, Object, Pod

_PLURALS = {"ConfigMap": "configmaps", "Secret": "secrets"}
_FIELDS = {"configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap", "secretRef": "Secret", "secretKeyRef": "Secret"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to start: `port` is the value of its PORT variable, `image_id` the digest that runs."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    port: int | None
    image_id: str

    def marked(self, container_id: str) -> dict[str, str]:
        """The variables with the mark by which all its processes are found."""
        return {**self.env, MARK: container_id}


def references(container: Container) -> set[tuple[str, str]]:
    """The (kind, name) of every ConfigMap and Secret that a container's variables refer to."""
    sources = [*container.env_from, *(item.get("valueFrom") or {} for item in container.env)]
    return {(kind, source[field]["name"]) for source in sources for field, kind in _FIELDS.items() if field in source}


async def prepare(
    context: Context, pod: Pod, obj: Object, container: Container, mapping: Mapping[str, int], sandbox: Sandbox
) -> Prepared:
    """Makes everything ready. Raises ImageError, ConfigMissing, ApiError, OSError or ValueError; each may pass later."""
    image = context.images.find(container.image)
    port = port_variable(container, mapping, environment.declared_port(container))
    found = await _referred(context, pod, container)
    await asyncio.to_thread(sandbox.fill, image)
    base = sandbox.minimum(context.config.path, pod.name) | image.environment(sandbox.image)
    variables = environment.variables(container, obj, port, base, lambda kind, name: found[kind, name])
    command = tuple(environment.command_line(container, image.command, variables))
    return Prepared(command, variables, sandbox.workdir(image, container.workdir), port, container.image)


async def _referred(context: Context, pod: Pod, container: Container) -> dict[tuple[str, str], Object | None]:
    wanted = sorted(references(container))
    paths = [f"/api/v1/namespaces/{pod.namespace}/{_PLURALS[kind]}/{name}" for kind, name in wanted]
    return dict(zip(wanted, await asyncio.gather(*map(context.fetch, paths)), strict=True))
