"""A Kubernetes cluster (`kubeport.Cluster`) over the official client.

The client costs about half a second and 60 MB to import, so that only building a `KubernetesCluster` imports it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from chalicelib.platform.errors import ClusterUnavailable
from chalicelib.platform.kubeanswers import error_for, parsed
from chalicelib.platform.kubeport import KINDS, Doorkeeper, Json, kind_in
from chalicelib.platform.tracing import subsegment

FIELD_MANAGER = "cygni"
CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_MERGE = "application/merge-patch+json"


_NOBODY = frozenset({502, 503, 504})


class KubernetesCluster:
    """`Cluster` over the official client. One instance serves many threads."""

    def __init__(
        self,
        client: Any,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        door: Doorkeeper | None = None,
        refused: Callable[[], None] | None = None,
    ) -> None:
        self._client, self._door, self._refused = client, door, refused
        self._patience = (connect_seconds, read_seconds)
        self._version: tuple[int, int] | None = None

    @classmethod
    def from_kubeconfig(cls, path: str, *, read_seconds: float = READ_SECONDS) -> Self:
        """A client of the kubeconfig's current context. Nothing is sent yet.

        A file that cannot be used raises ClusterUnavailable: it may be about to be written.
        """
        import urllib3
        import yaml
        from kubernetes.client.api_client import ApiClient
        from kubernetes.client.configuration import Configuration
        from kubernetes.config import ConfigException, load_kube_config

        configuration = Configuration()
        try:
            load_kube_config(config_file=path, client_configuration=configuration, persist_config=False)
        except yaml.YAMLError:  # not chained: its words quote the file, which holds credentials
            raise ClusterUnavailable(f"The kubeconfig {path} is not YAML.") from None
        except (ConfigException, OSError) as error:
            raise ClusterUnavailable(f"The kubeconfig {path} cannot be used: {error}") from error
        # Retrying is the workflow's business, which knows how long it may take; here it would only hide a slow cluster.
        configuration.retries = urllib3.Retry(0, read=False, respect_retry_after_header=False)
        return cls(ApiClient(configuration=configuration), read_seconds=read_seconds)

    def behind(self, door: Doorkeeper) -> Self:
        """The same cluster over the same connections, behind a door."""
        connect_seconds, read_seconds = self._patience
        return type(self)(
            self._client, connect_seconds=connect_seconds, read_seconds=read_seconds, door=door, refused=self._refused
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def version(self) -> tuple[int, int]:
        if self._version is None:
            answer = self._json("GET", "/version", "the cluster's version")
            self._version = (_number(answer.get("major")), _number(answer.get("minor")))
        return self._version

    def apply(self, manifest: Mapping[str, Any], *, force: bool = True) -> Json:
        meta, kind = manifest["metadata"], str(manifest["kind"])
        path = KINDS[kind].path(meta.get("namespace", ""), meta["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        return self._json("PATCH", path, f"{kind} {meta['name']}", query=query, body=dict(manifest))

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        status, text = self._send("GET", KINDS[kind].path(namespace, name))
        return None if status == 404 else parsed(status, text, f"{kind} {name}")

    def list(self, kind: str, namespace: str, labels: Mapping[str, str]) -> Sequence[Json]:
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        return self._items(kind, namespace, {"labelSelector": selector} if selector else {})

    def delete(self, kind: str, namespace: str, name: str) -> bool:
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        status, text = self._send("DELETE", KINDS[kind].path(namespace, name), body=body)
        if status == 404:
            return False
        parsed(status, text, f"{kind} {name}")
        return True

    def scale(self, namespace: str, deployment: str, pods: int, *, version: str, notes: Mapping[str, str]) -> bool:
        path, query = KINDS["Deployment"].path(namespace, deployment), {"fieldManager": FIELD_MANAGER}
        body = {"metadata": {"resourceVersion": version, "annotations": dict(notes)}, "spec": {"replicas": pods}}
        status, text = self._send("PATCH", path, query=query, body=body, patch=_MERGE)
        if status == 404:
            return False
        parsed(status, text, f"Deployment {deployment}")
        return True

    def pod_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        since: datetime | None = None,
        tail: int | None = None,
        previous: bool = False,
        limit_bytes: int | None = None,
    ) -> str:
        query: dict[str, str | None] = {
            "container": container,
            "timestamps": "true",
            "previous": "true" if previous else None,
            "tailLines": None if tail is None else str(tail),
            "limitBytes": None if limit_bytes is None else str(limit_bytes),
            "sinceTime": None if since is None else since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        given = {key: value for key, value in query.items() if value is not None}
        status, text = self._send("GET", KINDS["Pod"].path(namespace, pod, "log"), query=given)
        if status in (204, 400, 404):  # 204: no node has the pod yet; 400: not started yet, or never restarted
            return ""
        if status != 200:
            raise error_for(status, text, f"the log of Pod {pod}")
        return text

    def events(self, namespace: str, name: str) -> Sequence[Json]:
        return self._items("Event", namespace, {"fieldSelector": f"involvedObject.name={name}"})

    def may(self, verb: str, group: str, resource: str) -> bool:
        """Whether the account that this speaks as may do that in every namespace."""
        spec = {"resourceAttributes": {"verb": verb, "group": group, "resource": resource}}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(self._json("POST", path, "a review of rights", body=body)["status"].get("allowed"))

    def serves(self, kind: str) -> bool:
        """Whether the API server has this kind."""
        version = KINDS[kind].api_version
        status, text = self._send("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")
        found = () if status == 404 else parsed(status, text, f"the kinds of {version}").get("resources") or ()
        return any(each.get("name") == KINDS[kind].plural for each in found)

    def ask_service(self, namespace: str, service: str, path: str, query: Mapping[str, str]) -> str:
        """The body of a 200 answer of a Service (`name:port`), which the API server reaches for us."""
        where = KINDS["Service"].path(namespace, service, "proxy") + path
        status, text = self._send("GET", where, query=query)
        if status != 200:
            raise error_for(status, text, f"the Service {service}")
        return text

    def _items(self, kind: str, namespace: str, query: Mapping[str, str]) -> Sequence[Json]:
        status, text = self._send("GET", KINDS[kind].path(namespace), query=query)
        return () if status == 404 else tuple(parsed(status, text, f"the list of {KINDS[kind].plural}").get("items") or ())

    def _json(
        self, method: str, path: str, subject: str, *, query: Mapping[str, str] | None = None, body: Json | None = None
    ) -> Json:
        status, text = self._send(method, path, query=query, body=body)
        return parsed(status, text, subject)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        patch: str = _APPLY,
    ) -> tuple[int, str]:
        """Status and text of the answer."""
        from urllib3.exceptions import HTTPError

        answer = self._open(method, path, query=query, body=body, patch=patch)
        try:
            text = answer.read().decode("utf-8", "replace")
        except (HTTPError, OSError) as error:
            raise self._silent(error) from error
        if self._door is not None:
            # What a Service behind the API server's proxy says, and a refusal by it, says nothing of the API server.
            away = answer.status in _NOBODY and "/proxy/" not in path
            (self._door.missed if away else self._door.answered)()
        return answer.status, text

    def _open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        patch: str = _APPLY,
    ) -> Any:
        """The answer, unread. The low-level call, since the typed one costs a model per object."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        if self._door is not None:
            self._door.admit()
        headers = {"Accept": "application/json, */*"}
        if body is not None:
            headers["Content-Type"] = patch if method == "PATCH" else "application/json"
        try:
            verb, url, headers, _, _ = self._client.param_serialize(
                method, path, query_params=list((query or {}).items()), header_params=headers, auth_settings=["BearerToken"]
            )
            text = body is not None and headers["Content-Type"] == _APPLY  # what is not named JSON the client sends as it is
            payload = json.dumps(body) if text else body
            with subsegment("kubernetes", f"{method} {kind_in(path)}"):
                answer = self._client.call_api(verb, url, headers, payload, _request_timeout=self._patience)
        except (HTTPError, ApiException, OSError) as error:
            raise self._silent(error) from error
        if answer.status == 401 and self._refused is not None and "/proxy/" not in path:
            self._refused()
        return answer

    def _silent(self, error: Exception) -> ClusterUnavailable:
        if self._door is not None:
            self._door.missed()
        reason = type(getattr(error, "reason", None) or error).__name__
        return ClusterUnavailable(f"The cluster's API at {self._address} gave no answer ({reason}).")

    @property
    def _address(self) -> str:
        """Host and port, without the credentials that an address may hold."""
        return urlsplit(str(self._client.configuration.host)).netloc.rpartition("@")[2]


def _number(text: object) -> int:
    """The leading digits of a version part: `34+` is 34."""
    digits = ""
    for character in str(text):
        if not character.isdigit():
            break
        digits += character
    return int(digits or 0)
