"""The Kubernetes API as the node uses it: plain JSON in and out, over the official client's connection and credentials.

The typed models of the client are left aside on purpose: a watch that builds a model per event costs more CPU than all the
rest of the node, and a patch of a status must say exactly what it says.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from cygni.local.node.spec import Object

Query = Mapping[str, str]
CONNECT_SECONDS = 5.0
REPLY_SECONDS = 15.0
MERGE_PATCH = "application/merge-patch+json"


class ApiError(Exception):
    """The API refused: `status` is the HTTP status code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class ApiAway(ApiError):
    """The API did not answer at all, or answered that it cannot now; the same call may pass later."""


class Stream(Protocol):
    """A running watch: events one by one, until it ends or is closed from any thread."""

    def __iter__(self) -> Iterator[Object]: ...

    def close(self) -> None: ...


class Api(Protocol):
    """What the node asks of the API. Paths are absolute (`/api/v1/…`). All calls block; all raise ApiError."""

    def get(self, path: str, query: Query | None = None) -> Object: ...

    def create(self, path: str, body: Object) -> Object: ...

    def patch(self, path: str, body: Object) -> Object: ...

    def delete(self, path: str, body: Object) -> Object: ...

    def watch(self, path: str, query: Query) -> Stream: ...


class KubeApi:
    """The Api of the cluster that a kubeconfig names. Safe to call from several threads."""

    def __init__(self, kubeconfig: Path | None) -> None:
        from kubernetes import config
        from kubernetes.client import ApiClient, Configuration

        settings = Configuration()
        config.load_kube_config(config_file=str(kubeconfig) if kubeconfig else None, client_configuration=settings)
        settings.retries = False  # the node's own loops decide when to ask again
        self._client = ApiClient(settings)

    def get(self, path: str, query: Query | None = None) -> Object:
        return self._json("GET", path, query=query)

    def create(self, path: str, body: Object) -> Object:
        return self._json("POST", path, body=body)

    def patch(self, path: str, body: Object) -> Object:
        """A JSON merge patch: lists are replaced as a whole."""
        return self._json("PATCH", path, body=body, content_type=MERGE_PATCH)

    def delete(self, path: str, body: Object) -> Object:
        return self._json("DELETE", path, body=body)

    def watch(self, path: str, query: Query) -> Stream:
        seconds = float(query.get("timeoutSeconds", 300))
        return _Watch(self._call("GET", path, query={**query, "watch": "true"}, reply_seconds=seconds + REPLY_SECONDS))

    def close(self) -> None:
        """Lets go of all connections."""
        self._client.close()

    def _json(self, method: str, path: str, **options: Any) -> Object:
        response = self._call(method, path, **options)
        try:
            answer: Object = json.loads(response.read() or b"{}")
        except Exception as error:  # urllib3 raises its own kinds when a connection breaks in mid-answer
            raise ApiAway(0, f"{type(error).__name__}: {error}") from error
        return answer

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        reply_seconds: float = REPLY_SECONDS,
    ) -> Any:
        headers = {"Accept": "application/json"} | ({"Content-Type": content_type} if body is not None else {})
        verb, url, sent, content, _ = self._client.param_serialize(
            method, path, query_params=[*(query or {}).items()], header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        try:
            response = self._client.rest_client.request(
                verb, url, headers=sent, body=content, _request_timeout=(CONNECT_SECONDS, reply_seconds)
            )
        except Exception as error:  # urllib3 and ssl raise many kinds; all mean that nothing answered
            raise ApiAway(0, f"{type(error).__name__}: {error}") from error
        if 200 <= response.status <= 299:
            return response
        raise _refusal(response)


def _refusal(response: Any) -> ApiError:
    try:
        text = response.read().decode("utf-8", "replace")
    except Exception as error:  # noqa: BLE001 - as above: the connection broke in mid-answer
        return ApiAway(response.status, str(error))
    with contextlib.suppress(ValueError, AttributeError):
        text = json.loads(text).get("message") or text
    kind = ApiAway if response.status in (408, 429) or response.status >= 500 else ApiError
    return kind(response.status, text.strip() or response.reason or "")


class _Watch:
    """The lines of a watch's answer, each an event."""

    def __init__(self, response: Any) -> None:
        self._response = response.response

    def __iter__(self) -> Iterator[Object]:
        pending = b""
        try:
            for chunk in self._response.stream(amt=None, decode_content=False):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines if line.strip())
        except Exception as error:  # urllib3 raises its own kinds; a half line is no JSON: both end the watch
            raise ApiAway(0, f"{type(error).__name__}: {error}") from error
        finally:
            self._response.close()
            self._response.release_conn()

    def close(self) -> None:
        """Ends the watch: a thread that blocks in it returns at once."""
        connection = getattr(self._response, "connection", None)
        sock = getattr(connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
