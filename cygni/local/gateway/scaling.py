"""Sets the number of a Deployment's pods, through the official client."""

from __future__ import annotations

from typing import Any

_SECONDS = (3.0, 10.0)
_NONE_TO_ONE = [{"op": "test", "path": "/spec/replicas", "value": 0}, {"op": "replace", "path": "/spec/replicas", "value": 1}]
_TO_NONE = [{"op": "replace", "path": "/spec/replicas", "value": 0}]
_NOT_SO = frozenset({404, 409, 422})
"""Gone, changed at the same moment, or not without pods as the test asks."""


class DeploymentScaler:
    """A Scaler of a kubeconfig's cluster."""

    def __init__(self, kubeconfig: str) -> None:
        from kubernetes import client, config  # heavy: most of a second, and tests of routing need none of it

        self._apps = client.AppsV1Api(config.new_client_from_config(kubeconfig, persist_config=False))

    def wake(self, namespace: str, name: str) -> None:
        """See Scaler."""
        self._patch(namespace, name, _NONE_TO_ONE)

    def sleep(self, namespace: str, name: str) -> None:
        """See Scaler."""
        self._patch(namespace, name, _TO_NONE)

    def _patch(self, namespace: str, name: str, operations: list[dict[str, Any]]) -> None:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            self._apps.patch_namespaced_deployment(name, namespace, operations, _request_timeout=_SECONDS)
        except ApiException as error:
            if error.status not in _NOT_SO:
                raise OSError(f"the API server answers {error.status}") from None
        except HTTPError as error:
            raise OSError(f"the API server does not answer ({type(error).__name__})") from None
