"""What the server tells about itself: versions, groups, resources."""

from __future__ import annotations

from aiohttp import web

from cygni.local.kube.objects import Obj
from cygni.local.kube.resources.catalog import Catalog
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.web.respond import json_answer

VERSION = {
    "major": "1", "minor": "34", "gitVersion": "v1.34.0+cygni", "gitCommit": "", "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
}  # fmt: skip
_AGGREGATED = "as=APIGroupDiscoveryList"
_SUB_VERBS = {"status": ["get", "patch", "update"], "scale": ["get", "patch", "update"], "log": ["get"], "finalize": ["update"]}
_REVIEWS = "authorization.k8s.io"


def wants_aggregated(request: web.Request) -> bool:
    """Whether the client understands discovery in one answer (version v2 of its format)."""
    return any(
        _AGGREGATED in part and "v=v2;" in part.replace(" ", "") + ";" for part in request.headers.get("Accept", "").split(",")
    )


def groups(catalog: Catalog) -> dict[str, list[str]]:
    """Group → versions, with the group of access reviews, which has no stored objects."""
    return {**catalog.group_versions(), _REVIEWS: ["v1"]}


def group_list(catalog: Catalog) -> Obj:
    """`/apis`"""
    found = [group(catalog, name) for name in groups(catalog) if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(catalog: Catalog, name: str) -> Obj:
    """`/apis/<group>`"""
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in groups(catalog)[name]]
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(catalog: Catalog, group_name: str, version: str) -> Obj | None:
    """`/api/v1`, `/apis/<group>/<version>`; None if that is not served."""
    if version not in groups(catalog).get(group_name, []):
        return None
    rows: list[Obj] = []
    for resource in catalog:
        if (resource.group, resource.version) == (group_name, version):
            rows.append(_row(resource))
            rows.extend(_sub_row(resource, name) for name in sorted(resource.subresources))
    if group_name == _REVIEWS:
        rows.append({"name": "selfsubjectaccessreviews", "singularName": "selfsubjectaccessreview", "namespaced": False,
                     "kind": "SelfSubjectAccessReview", "verbs": ["create"]})  # fmt: skip
    path = f"{group_name}/{version}" if group_name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": path, "resources": rows}


def _row(resource: Resource) -> Obj:
    row: Obj = {
        "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced, "kind": resource.kind,
        "verbs": list(resource.verbs),
    }  # fmt: skip
    if resource.short_names:
        row["shortNames"] = list(resource.short_names)
    if resource.categories:
        row["categories"] = list(resource.categories)
    return row


def _sub_kind(resource: Resource, name: str) -> Obj:
    if name == "scale":
        return {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    if name == "eviction":
        return {"group": "policy", "version": "v1", "kind": "Eviction"}
    kind = dict(resource.extra_subresources).get(name, resource.kind)
    return {"group": resource.group, "version": resource.version, "kind": kind}


def _sub_row(resource: Resource, name: str) -> Obj:
    kind = _sub_kind(resource, name)
    row: Obj = {
        "name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced, "kind": kind["kind"],
        "verbs": _SUB_VERBS.get(name, ["create"]),
    }  # fmt: skip
    if kind["group"] != resource.group:
        row |= {"group": kind["group"], "version": kind["version"]}
    return row


def aggregated(catalog: Catalog, *, core: bool) -> Obj:
    """`/api` or `/apis` with all resources in one answer."""
    names = [""] if core else [name for name in groups(catalog) if name]
    items = [
        {"metadata": {"name": name} if name else {}, "versions": [_aggregated_version(catalog, name, version)
                                                                 for version in groups(catalog)[name]]}
        for name in names
    ]  # fmt: skip
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_version(catalog: Catalog, group_name: str, version: str) -> Obj:
    listed = resource_list(catalog, group_name, version) or {"resources": []}
    subs: dict[str, list[Obj]] = {}
    for row in listed["resources"]:
        plural, slash, name = row["name"].partition("/")
        if slash:
            kind = {"group": row.get("group", group_name), "version": row.get("version", version), "kind": row["kind"]}
            subs.setdefault(plural, []).append({"subresource": name, "responseKind": kind, "verbs": row["verbs"]})
    resources = [
        {
            "resource": row["name"],
            "responseKind": {"group": group_name, "version": version, "kind": row["kind"]},
            "scope": "Namespaced" if row["namespaced"] else "Cluster",
            "singularResource": row["singularName"],
            "verbs": row["verbs"],
            **({"shortNames": row["shortNames"]} if "shortNames" in row else {}),
            **({"categories": row["categories"]} if "categories" in row else {}),
            **({"subresources": subs[row["name"]]} if row["name"] in subs else {}),
        }
        for row in listed["resources"]
        if "/" not in row["name"]
    ]
    return {"version": version, "freshness": "Current", "resources": resources}


def answer(request: web.Request, catalog: Catalog, parts: list[str]) -> web.Response | None:
    """The discovery document at a path, None if there is none."""
    if parts in (["api"], ["apis"]) and wants_aggregated(request):
        found = json_answer(aggregated(catalog, core=parts == ["api"]))
        found.headers["Content-Type"] = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        return found
    document: Obj | None = None
    if parts == ["api"]:
        document = {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    elif parts == ["apis"]:
        document = group_list(catalog)
    elif parts[0] == "api" and len(parts) == 2:
        document = resource_list(catalog, "", parts[1])
    elif parts[0] == "apis" and len(parts) == 2:
        document = group(catalog, parts[1]) if parts[1] and parts[1] in groups(catalog) else None
    elif parts[0] == "apis" and len(parts) == 3:
        document = resource_list(catalog, parts[1], parts[2])
    return json_answer(document) if document is not None else None
