"""Writing over HTTP: create, replace, patch, apply, delete, and the scale and status subresources."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from cygni.local.kube import errors
from cygni.local.kube.errors import ApiError
from cygni.local.kube.objects import Obj, deep_copy
from cygni.local.kube.patches.merge import json_patch, merge_patch
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.verbs.decoding import decode
from cygni.local.kube.verbs.options import APPLY_PATCH, JSON_PATCH, PATCH_TYPES, WriteOptions
from cygni.local.kube.verbs.scaling import SCALE, from_scale, to_scale
from cygni.local.kube.web.reading import selector_of, shown
from cygni.local.kube.web.request import Target, delete_options, parse_body, write_options
from cygni.local.kube.web.respond import json_answer, object_answer, success


def _options(request: web.Request, target: Target, *, apply: bool = False) -> WriteOptions:
    agent = request.headers.get("User-Agent", "")
    return write_options(request.query, agent, subresource=target.subresource, apply=apply)


async def create(cluster: Cluster, request: web.Request, resource: Resource, target: Target) -> web.Response:
    """POST of a new object."""
    options = _options(request, target)
    obj = cluster.create(resource, target.namespace, parse_body(await request.read()), options)
    return object_answer(request, resource, shown(resource, obj), 201, options.warnings)


async def replace(cluster: Cluster, request: web.Request, resource: Resource, target: Target) -> web.Response:
    """PUT of a whole object, its status, or its scale."""
    options = _options(request, target)
    body = parse_body(await request.read())
    if target.subresource == "scale":
        scale = decode(SCALE, body, options)
        return json_answer(_scale(cluster, resource, target, scale, options))
    made = cluster.is_made_by_update(resource, target.namespace, target.name, options)
    write = cluster.create if made else partial(cluster.update, name=target.name)
    obj = write(resource, target.namespace, body=body, options=options)
    return object_answer(request, resource, shown(resource, obj), 201 if made else 200, options.warnings)


def _scale(cluster: Cluster, resource: Resource, target: Target, scale: Obj, options: WriteOptions) -> Obj:
    if int((scale.get("spec") or {}).get("replicas") or 0) < 0:
        cause = errors.invalid_value("spec.replicas", scale["spec"]["replicas"], "must be greater than or equal to 0")
        raise errors.invalid("Scale", "autoscaling", target.name, [cause])
    old = cluster.get(resource, target.namespace, target.name)
    new = cluster.update(resource, target.namespace, target.name, from_scale(resource, old, scale), options)
    return to_scale(resource, new)


async def patch(cluster: Cluster, request: web.Request, resource: Resource, target: Target) -> web.Response:
    """PATCH in any of the four kinds."""
    kind = request.content_type
    if kind not in PATCH_TYPES:
        raise errors.unsupported_media(PATCH_TYPES)
    options = _options(request, target, apply=kind == APPLY_PATCH)
    if options.force and kind != APPLY_PATCH:
        raise errors.bad_request(
            'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'
        )
    body = parse_body(await request.read())
    if target.subresource == "scale":
        return json_answer(_patch_scale(cluster, resource, target, kind, body, options))
    status = 200
    if kind == APPLY_PATCH:
        obj, is_new = cluster.apply(resource, target.namespace, target.name, body, options)
        status = 201 if is_new else 200
    else:
        obj = cluster.patch(resource, target.namespace, target.name, kind, body, options)
    return object_answer(request, resource, shown(resource, obj), status, options.warnings)


def _patch_scale(cluster: Cluster, resource: Resource, target: Target, kind: str, body: object, options: WriteOptions) -> Obj:
    old = to_scale(resource, cluster.get(resource, target.namespace, target.name))
    patched = json_patch(deep_copy(old), body) if kind == JSON_PATCH else merge_patch(old, body)
    return _scale(cluster, resource, target, decode(SCALE, patched, options), options)


async def delete(cluster: Cluster, request: web.Request, resource: Resource, target: Target) -> web.Response:
    """DELETE of one object: a Status if it is gone, else the object that is going."""
    options = delete_options(request.query, parse_body(await request.read()))
    obj, gone = cluster.delete(resource, target.namespace, target.name, options)
    if gone and resource.key != "pods":
        return json_answer(success(resource, obj))
    return json_answer(shown(resource, obj))


async def delete_collection(cluster: Cluster, request: web.Request, resource: Resource, target: Target) -> web.Response:
    """DELETE of all objects that the selectors choose."""
    options = delete_options(request.query, parse_body(await request.read()))
    selector = selector_of(request, resource, target)
    doomed = [obj for obj in cluster.store.select(resource.key, target.namespace) if selector is None or selector(obj)]
    items = []
    for obj in doomed:
        try:
            items.append(cluster.delete(resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"], options)[0])
        except ApiError as error:
            if error.reason != "NotFound":
                raise
    metadata = {"resourceVersion": str(cluster.store.revision)}
    return json_answer({"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata, "items": items})
