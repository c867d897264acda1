"""What only pods have: binding to a node, eviction, and logs, which the pod's node serves."""

from __future__ import annotations

import aiohttp
from aiohttp import web

from cygni.local.kube import errors
from cygni.local.kube.objects import Obj, deep_copy, get_path, now
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.storage.store import Key
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.web.request import Target, delete_options, parse_body
from cygni.local.kube.web.respond import json_answer

_LOG_OPTIONS = ("follow", "previous", "timestamps", "sinceSeconds", "sinceTime", "tailLines", "limitBytes")
_SUCCESS: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def bind(cluster: Cluster, request: web.Request, resource: Resource, target: Target) -> web.Response:
    """POST of a Binding: the pod is given to a node, once."""
    body = parse_body(await request.read())
    node = get_path(body, "target", "name", default="")
    if not node:
        raise errors.invalid("Binding", "", target.name, [errors.required("target.name")])
    pod = deep_copy(cluster.get(resource, target.namespace, target.name))
    if pod["metadata"].get("deletionTimestamp"):
        raise errors.conflict(
            "pods/binding", "", target.name, f"pod {target.name} is being deleted, cannot be assigned to a host"
        )
    if get_path(pod, "spec", "nodeName"):
        why = f'pod {target.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
        raise errors.conflict("pods/binding", "", target.name, why)
    pod["spec"]["nodeName"] = node
    pod.setdefault("status", {})
    conditions = [each for each in pod["status"].get("conditions") or [] if each.get("type") != "PodScheduled"]
    pod["status"]["conditions"] = [*conditions, {"type": "PodScheduled", "status": "True", "lastTransitionTime": now()}]
    cluster.store.put(Key("pods", target.namespace, target.name), pod)
    return json_answer(_SUCCESS, 201)


async def evict(cluster: Cluster, request: web.Request, resource: Resource, target: Target) -> web.Response:
    """POST of an Eviction: a delete with the eviction's options; disruption budgets are not consulted."""
    body = parse_body(await request.read())
    options = delete_options(request.query, (body or {}).get("deleteOptions"))
    cluster.delete(resource, target.namespace, target.name, options)
    return json_answer(_SUCCESS, 201)


def _log_container(pod: Obj, wanted: str) -> str:
    names = [container["name"] for field in ("containers", "initContainers") for container in pod["spec"].get(field) or []]
    if not wanted:
        if len(pod["spec"].get("containers") or []) > 1:
            raise errors.bad_request(
                f"a container name must be specified for pod {pod['metadata']['name']}, choose one of: [{' '.join(names)}]"
            )
        return str(names[0])
    if wanted not in names:
        raise errors.bad_request(f"container {wanted} is not valid for pod {pod['metadata']['name']}")
    return wanted


def _log_address(cluster: Cluster, pod: Obj, container: str) -> str:
    """Where the pod's node serves its logs; 400 while it has no node, 500 if the node cannot be reached."""
    name = get_path(pod, "spec", "nodeName")
    if not name:
        raise errors.bad_request(
            f'container "{container}" in pod "{pod["metadata"]["name"]}" is waiting to start: the pod has no node yet'
        )
    node = cluster.store.get(Key("nodes", "", name)) or {}
    port = get_path(node, "status", "daemonEndpoints", "kubeletEndpoint", "Port")
    addresses = get_path(node, "status", "addresses", default=[])
    host = next((each["address"] for each in addresses if each.get("type") == "InternalIP"), None)
    if not port or not host:
        raise errors.internal(f'the node "{name}" of the pod serves no logs')
    return f"http://{host}:{port}/containerLogs/{pod['metadata']['namespace']}/{pod['metadata']['name']}/{container}"


async def log(
    cluster: Cluster, request: web.Request, resource: Resource, target: Target, session: aiohttp.ClientSession
) -> web.StreamResponse:
    """The container's output, streamed on as the node sends it."""
    pod = cluster.get(resource, target.namespace, target.name)
    container = _log_container(pod, request.query.get("container", ""))
    address = _log_address(cluster, pod, container)
    query = {name: request.query[name] for name in _LOG_OPTIONS if name in request.query}
    try:
        async with session.get(address, params=query, timeout=aiohttp.ClientTimeout(total=None, connect=5)) as source:
            if source.status != 200:
                raise errors.bad_request((await source.text()).strip() or f"the node answered {source.status}")
            answer = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
            await answer.prepare(request)
            async for chunk in source.content.iter_any():
                await answer.write(chunk)
            return answer
    except (TimeoutError, aiohttp.ClientConnectorError) as error:
        raise errors.internal(f"Get {address}: {error}") from error
