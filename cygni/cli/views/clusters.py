"""Clusters as tables and lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from cygni.cli.cluster_api import Cluster
from cygni.cli.views.people import hint
from cygni.cli.views.words import NOTHING, ago, plain_table

_STYLES = {"healthy": "green", "limited": "yellow", "unchecked": "yellow", "refused": "red", "unreachable": "red"}


def clusters_table(clusters: Sequence[Cluster], now: datetime) -> RenderableType:
    """Clusters by name."""
    if not clusters:
        return hint("No cluster is registered: services run on the installation's own. Register one with `cygni clusters add`.")
    table = plain_table("CLUSTER", "KIND", "HEALTH", "CHECKED", "SERVER", "OF")
    for each in clusters:
        checked = ago(each["checked_at"], now) if each["checked_at"] else NOTHING
        whose = "the operator" if not each["own"] else "all teams" if each["shared"] else "the team"
        table.add_row(each["name"], each["provider"], _state(each, now), checked, each["server"], whose)
    return table


def cluster_lines(cluster: Cluster) -> list[Text]:
    """What a check found, and what comes next."""
    lines = [Text.assemble(f"{cluster['name']} is ", _health(cluster), f". {cluster['found']}".rstrip())]
    if cluster["health"] in ("healthy", "limited"):
        lines.append(
            Text.assemble(("next: ", "bold"), f"Place an environment with `cygni clusters place {cluster['name']} -e NAME`.")
        )
    return lines


def _state(cluster: Cluster, now: datetime) -> Text:
    """What the last check found, but for a cluster that has since fallen silent."""
    since = cluster.get("silent_since")
    return Text(f"silent for {ago(since, now).removesuffix(' ago')}", "red") if since else _health(cluster)


def _health(cluster: Cluster) -> Text:
    return Text(cluster["health"], _STYLES.get(cluster["health"], ""))
