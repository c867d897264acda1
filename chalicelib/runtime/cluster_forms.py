"""From the body of a request to how a cluster is reached."""

from __future__ import annotations

from chalicelib.platform.kubeauth import Access
from chalicelib.runtime import cluster_access as given
from chalicelib.runtime.schemas import AksAccess, AnyAccess, EksAccess, GkeAccess, KubeconfigAccess, TokenAccess


def access_of(wanted: AnyAccess, *, team: str, operator: str) -> Access:
    """What `cluster_access` makes of it. `operator` is the operator's team. Raises InvalidInput."""
    match wanted:
        case EksAccess(server=server, certificate_authority=authority, cluster=cluster, region=region, role=role):
            own = team == operator
            return given.of_eks(server, authority, cluster=cluster, region=region, role=role, team=team, operator=own)
        case GkeAccess(server=server, certificate_authority=authority, service_account=key):
            return given.of_gke(server, authority, service_account=key)
        case AksAccess(server=server, certificate_authority=authority, tenant=tenant, client=client, secret=secret):
            return given.of_aks(server, authority, tenant=tenant, client=client, secret=secret)
        case TokenAccess(server=server, certificate_authority=authority, token=token):
            return given.of_token(server, authority, token=token)
        case KubeconfigAccess(kubeconfig=text, context=context):
            return given.of_kubeconfig(text, context)
