"""The official client, spoken to in the terms of the HTTP API: status codes and plain objects, so that tests can tell both."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config import load_kube_config

from chalicelib.platform.errors import LostRace

Obj = dict[str, Any]
T = TypeVar("T")
APPLY, MERGE, STRATEGIC, JSON = (
    f"application/{kind}" for kind in ("apply-patch+yaml", "merge-patch+json", "strategic-merge-patch+json", "json-patch+json")
)


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    body: Obj

    @property
    def reason(self) -> str:
        """The machine word of a refusal."""
        return str(self.body.get("reason", ""))

    @property
    def fields(self) -> set[str]:
        """The fields that a refusal names."""
        return {cause.get("field", "") for cause in self.body.get("details", {}).get("causes", [])}


class Api:
    """A client of one API server."""

    def __init__(self, kubeconfig: str) -> None:
        configuration = Configuration()
        load_kube_config(config_file=kubeconfig, client_configuration=configuration, persist_config=False)
        self.client = ApiClient(configuration=configuration)

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json", **query: Any) -> Answer:
        """One request; query parameters by name."""
        response = self._call(method, path, body, kind, query, 60.0)
        text = response.read()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(response.status, json.loads(text) if is_json else {"text": text.decode()})

    def _call(self, method: str, path: str, body: Any, kind: str, query: Obj, seconds: float) -> Any:
        parameters = [(name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in query.items()]
        headers = {"Accept": "application/json", "Content-Type": kind}
        verb, url, headers, _, _ = self.client.param_serialize(
            method, path, query_params=parameters, header_params=headers, auth_settings=["BearerToken"]
        )
        payload = json.dumps(body) if kind == APPLY else body  # the client encodes what it knows to be JSON
        return self.client.call_api(verb, url, headers, payload, _request_timeout=seconds)

    def get(self, path: str, **query: Any) -> Answer:
        return self.send("GET", path, **query)

    def post(self, path: str, body: Obj, **query: Any) -> Answer:
        return self.send("POST", path, body, **query)

    def put(self, path: str, body: Obj, **query: Any) -> Answer:
        return self.send("PUT", path, body, **query)

    def patch(self, path: str, body: Any, kind: str = MERGE, **query: Any) -> Answer:
        return self.send("PATCH", path, body, kind, **query)

    def apply(self, path: str, body: Obj, manager: str = "cygni", *, force: bool = False) -> Answer:
        return self.send("PATCH", path, body, APPLY, fieldManager=manager, force=force)

    def delete(self, path: str, body: Obj | None = None, **query: Any) -> Answer:
        return self.send("DELETE", path, body, **query)

    def watch(self, path: str, seconds: int = 30, **query: Any) -> Iterator[Obj]:
        """Events as they come, until the server ends the watch after so many seconds."""
        query = {"watch": "true", "timeoutSeconds": seconds, **query}
        response = self._call("GET", path, None, "application/json", query, seconds + 60.0)
        try:
            for line in response.response:
                yield json.loads(line)
        finally:
            response.response.close()

    def names(self, path: str, **query: Any) -> list[str]:
        """The names of a list."""
        return [item["metadata"]["name"] for item in self.get(path, **query).body["items"]]


def insisting(write: Callable[[], T]) -> T:
    """What `write` answers, which reads and writes: done again where somebody, such as a controller, wrote in between."""
    for _ in range(20):
        try:
            return write()
        except LostRace:
            continue
    return write()


def eventually(read: Callable[[], T], wanted: Callable[[T], Any], seconds: float = 60.0) -> T:
    """Read until it is as wanted, at most so many seconds; the last reading if it never is, for the assertion to show."""
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if wanted(value) or time.monotonic() > deadline:
            return value
        time.sleep(0.03)
