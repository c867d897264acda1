"""Clusters that a team registers, and which of them an environment is placed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.api.projects import ENVIRONMENT
from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.api.views import environment_view
from chalicelib.platform.errors import (
    ClusterUnavailable,
    Conflict,
    Forbidden,
    KeyReused,
    LostRace,
    NotFound,
    QuotaExceeded,
    SecretsUnavailable,
    StaleVersion,
)
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.projects import schemas as projects_shapes
    from chalicelib.runtime import registry
    from chalicelib.runtime import schemas as shapes
else:
    projects_shapes = late("chalicelib.projects.schemas")
    registry = late("chalicelib.runtime.registry")
    shapes = late("chalicelib.runtime.schemas")


cluster_routes = Resource("clusters")
CLUSTER = "/v1/clusters/{cluster}"


@cluster_routes.route(
    "POST",
    "/v1/clusters",
    body=shapes.NewCluster,
    answer=shapes.ClusterView,
    status=201,
    errors=(Conflict, KeyReused, QuotaExceeded, Forbidden, SecretsUnavailable),
)
def register_cluster(call: AnyCall) -> Answer:
    """Register a cluster; it is unchecked until it is asked for a check, and every five minutes by itself."""
    made = registry.register_cluster(
        call.who,
        call.body.name,
        _registration(call),
        access_id=call.world.new_id("acc"),
        secrets=call.world.secrets,
        settings=call.world.settings,
        now=call.now,
        once=call.once,
    )
    return Answer(_view(made), version=made.version, location=f"/v1/clusters/{made.name}")


@cluster_routes.route("GET", "/v1/clusters", query=PageQuery, answer=shapes.ClusterPage)
def list_clusters(call: AnyCall) -> shapes.ClusterPage:
    """List the clusters that the team may place environments on."""
    found, after = registry.list_clusters(
        call.who, cursor=call.query.cursor, limit=call.query.limit, settings=call.world.settings
    )
    return shapes.ClusterPage(items=tuple(_view(each) for each in found), next_cursor=after)


@cluster_routes.route("GET", CLUSTER, answer=shapes.ClusterView, errors=(NotFound,))
def get_cluster(call: AnyCall) -> Answer:
    """Read a cluster and what the last check found."""
    found = registry.get_cluster(call.who, call.path["cluster"], settings=call.world.settings)
    return Answer(_view(found), version=found.version)


@cluster_routes.route(
    "PUT",
    CLUSTER,
    body=shapes.ClusterChange,
    answer=shapes.ClusterView,
    updates=True,
    errors=(NotFound, StaleVersion, Forbidden, SecretsUnavailable),
)
def replace_cluster(call: AnyCall) -> Answer:
    """Change a cluster's address or credential; the old credential is forgotten."""
    changed = registry.replace_cluster(
        call.who,
        call.path["cluster"],
        _registration(call),
        access_id=call.world.new_id("acc"),
        version=call.seen_version(),
        secrets=call.world.secrets,
        settings=call.world.settings,
    )
    return Answer(_view(changed), version=changed.version)


@cluster_routes.route("POST", CLUSTER + "/check", answer=shapes.ClusterView, errors=(NotFound, ClusterUnavailable))
def check_cluster(call: AnyCall) -> Answer:
    """Ask a cluster of the team whether it answers and grants what Cygni does there."""
    name, settings = call.path["cluster"], call.world.settings
    found = registry.get_cluster(call.who, name, settings=settings)
    if found.own:
        call.world.functions.call("cygni-check-cluster", {"team": call.who.team, "name": name})
        found = registry.get_cluster(call.who, name, settings=settings)
    return Answer(_view(found), version=found.version)


@cluster_routes.route("DELETE", CLUSTER, answer=None, status=204, errors=(NotFound, Conflict, SecretsUnavailable))
def remove_cluster(call: AnyCall) -> None:
    """Forget a cluster that no environment is placed on, and its credential."""
    registry.remove_cluster(call.who, call.path["cluster"], secrets=call.world.secrets)


@cluster_routes.route(
    "PUT",
    ENVIRONMENT + "/cluster",
    body=shapes.Placement,
    answer=projects_shapes.EnvironmentView,
    errors=(NotFound, LostRace, Conflict),
)
def place_environment(call: AnyCall) -> Answer:
    """Place an environment without services on a cluster."""
    placed = registry.place(
        call.who, call.path["project"], call.path["environment"], call.body.cluster, settings=call.world.settings
    )
    return Answer(environment_view(placed), version=placed.version)


def _registration(call: AnyCall) -> registry.Registration:
    from chalicelib.runtime import cluster_forms

    body: Any = call.body
    access = cluster_forms.access_of(body.access, team=call.who.team, operator=call.world.settings.admin_team)
    return registry.Registration(access, body.shared, body.metrics, body.preset)


def _view(found: registry.RegisteredCluster) -> shapes.ClusterView:
    return shapes.ClusterView(
        name=found.name,
        provider=found.provider,
        server=found.server,
        shared=found.shared,
        own=found.own,
        metrics=found.metrics,
        preset=found.preset,
        health=found.health,
        found=found.found,
        checked_at=found.checked_at,
        silent_since=found.breaker.since if found.breaker.next_try is not None else None,
        next_try=found.breaker.next_try,
        created_by=found.created_by,
        created_at=found.created_at,
        version=found.version,
    )
