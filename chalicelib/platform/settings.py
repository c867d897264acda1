"""Settings: the one file that reads the environment, at the first invocation and never at import.

Every field is one environment variable, `CYGNI_` plus its name in capitals. docs/reference.md is generated from here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field, fields
from functools import lru_cache
from typing import Any

from chalicelib.platform.frozen import dataclass

_PREFIX = "CYGNI_"


def _setting(default: Any, sentence: str) -> Any:
    return field(default=default, metadata={"sentence": sentence})


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation can set. Durations are seconds, sizes are bytes."""

    admin_key_sha256: str = _setting("", "Hex SHA-256 of the admin API key; empty means that no request is admitted.")
    admin_team: str = _setting(
        "team_00000000000000000000000000", "Id of the installation's own team, which the admin key speaks for."
    )
    account: str = _setting("000000000000", "AWS account id that the control plane runs in.")
    apps_domain: str = _setting("localhost", "Domain under which services get their host names.")
    apps_port: int = _setting(0, "Port shown in a service's URL; 0 means the scheme's own.")
    apps_scheme: str = _setting("https", "Scheme shown in a service's URL: http or https.")
    bucket: str = _setting("cygni", "Bucket that holds sources, build plans and build logs.")
    kubeconfig: str = _setting("", "Path of the kubeconfig of the cluster that runs services.")
    cluster_hosts: str = _setting(
        "", "Hosts, divided by commas, that the API server of a team's registered cluster may have though they are private."
    )
    metrics_url: str = _setting(
        "",
        "Where traffic metrics are read: a Prometheus server, also as service://namespace/name:port by way of the "
        "cluster's API server, or a gateway's /metrics page.",
    )
    metrics_kind: str = _setting("prometheus", "What metrics_url is: prometheus (its HTTP API) or scrape (a metrics page).")
    webhook_hosts: str = _setting("", "Hosts, divided by commas, that a rollout's webhook may have though they are private.")
    metrics_preset: str = _setting(
        "cygni",
        "Which gateway's metrics Prometheus has: cygni, envoy-gateway, istio, traefik, nginx-gateway-fabric or "
        "aws-load-balancer-controller.",
    )
    metrics_region: str = _setting(
        "", "AWS region of an Amazon Managed Service for Prometheus workspace, whose requests are signed; empty: not signed."
    )
    keda_namespace: str = _setting("keda", "Namespace that KEDA and its HTTP add-on are in, in clusters that have them.")
    registry: str = _setting("registry.localhost", "Registry and path prefix that images are pushed to.")
    build_project: str = _setting("cygni-build", "CodeBuild project that runs builds; of no other is heard how they end.")
    build_timeout: int = _setting(1200, "Seconds a build may take.")
    kaniko_image: str = _setting("ghcr.io/osscontainertools/kaniko:v1.28.5", "Executor image that builds run.")
    upload_limit: int = _setting(100 * 1024 * 1024, "Bytes an uploaded source archive may have.")
    upload_expiry: int = _setting(900, "Seconds an upload address is valid.")
    analysis_slice: int = _setting(310, "Seconds one analysis task samples before it returns to the workflow.")
    ready_slice: int = _setting(45, "Seconds one readiness task watches before it returns to the workflow.")
    sign_in_secret: str = _setting("cygni/sign-in", "Name of the secret that holds the providers people sign in with.")
    tenant_role: str = _setting(
        "", "ARN of a role that reaches one tenant's keys, assumed for each request; empty: the function's own."
    )
    member_role: str = _setting(
        "", "ARN of a role that reaches one tenant's keys and people's, for what concerns both; empty: the function's own."
    )
    region: str = _setting(
        "",
        "AWS region that this installation's teams live in; where it is not set, the environment's own. A standby region has "
        "that of the region that it stands by for.",
    )
    own_region: str = _setting("", "AWS region that this process runs in; where it is not set, the environment's own.")
    other_region: str = _setting(
        "", "The other region of a pair of which one acts and the other stands by; empty: there is none, and this one acts."
    )
    other_endpoint: str = _setting("", "Address of DynamoDB in other_region; empty means AWS's own.")
    other_key: str = _setting("", "KMS key that copies of Cygni's own secrets are encrypted with in other_region.")
    regions: str = _setting("", "Addresses of this installation's other regions: eu-west-1=https://eu.api.example.com,…")
    requests_per_minute: int = _setting(600, "Requests that one caller may make in a minute.")
    audit_retention: int = _setting(400, "Days that lines of the audit trail are kept, where a team does not say.")
    signing_secret: str = _setting("cygni/signing-keys", "Name of the secret that holds the keys which sign access tokens.")
    secrets_key: str = _setting("", "KMS key for Cygni's own secrets, by ARN, id or alias; empty means the account's default.")
    issuer: str = _setting(
        "https://api.cygni.dev",
        "Public address of this API. Access tokens name it as their issuer, and those of another installation are refused.",
    )
    audience: str = _setting("cygni", "Whom access tokens are for; one that names anything else is refused.")
    actions_issuer: str = _setting(
        "https://token.actions.githubusercontent.com",
        "Issuer of the tokens that GitHub Actions gives to jobs; a GitHub Enterprise Server has one of its own.",
    )
    device_interval: int = _setting(5, "Seconds that a device waits between two questions whether it was approved.")
    quota_teams: int = _setting(10, "Teams that one person may have founded and still be in.")
    quota_projects: int = _setting(20, "Projects that a team may have.")
    quota_services: int = _setting(100, "Services that a team may have, over all its projects.")
    quota_previews: int = _setting(50, "Preview environments that a team may have, over all its projects.")
    release_alias: str = _setting(
        "", "Alias of functions and workflows that calls go to, which names the release in use; empty: what was deployed last."
    )
    reconcile_shards: int = _setting(1, "Shards that the namespaces of each cluster are reconciled in.")
    metrics_namespace: str = _setting(
        "", "CloudWatch namespace of Cygni's own metrics, which are written as lines of the log; empty: none are."
    )
    tracing: int = _setting(0, "Whether calls are traced with X-Ray: 1 for yes.")
    sample_interval: float = _setting(0.0, "Seconds between samples; 0 means what the service's strategy says.")


def from_env(environment: Mapping[str, str]) -> Settings:
    """Settings from variables named `CYGNI_*`. A value of the wrong type raises ValueError naming the variable."""
    values: dict[str, Any] = {}
    for each in fields(Settings):
        name = _PREFIX + each.name.upper()
        if name not in environment:
            continue
        convert: type[Any] = type(each.default)
        try:
            values[each.name] = convert(environment[name])
        except ValueError:
            raise ValueError(f"{name} must be a {convert.__name__}, not {environment[name]!r}") from None
    here = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
    values.setdefault("region", here)
    values.setdefault("own_region", here)
    return Settings(**values)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """This process's settings, read once."""
    return from_env(os.environ)
