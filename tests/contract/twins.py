"""Random writes for two API servers at once: what is written, and what of an answer must be alike."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from typing import Any

from tests.contract.api import JSON, MERGE, STRATEGIC, Answer, Api, Obj

_OWN = frozenset({"uid", "resourceVersion", "creationTimestamp", "time", "clusterIP", "clusterIPs", "lastTransitionTime"})
_CONTROLLER = "kube-controller-manager"
_OPERATIONS = ("apply",) * 6 + ("merge", "strategic", "put", "create", "delete", "json")


@dataclass(frozen=True)
class Step:
    """One write, the same for both servers."""

    operation: str
    collection: str
    body: Obj
    manager: str
    force: bool

    @property
    def path(self) -> str:
        return f"{self.collection}/{self.body['metadata']['name']}"


class Writer:
    """Makes random but mostly sensible writes; the same seed makes the same ones."""

    def __init__(self, seed: int, namespace: str, widgets: str) -> None:
        self._random = random.Random(seed)
        self._namespace = namespace
        self._widgets = widgets

    def step(self) -> Step:
        """The next write."""
        make = self._random.choice([self._deployment, self._service, self._widget, self._config])
        operation = self._random.choice(_OPERATIONS)
        body = make()
        root = f"/apis/{body['apiVersion']}" if "/" in body["apiVersion"] else f"/api/{body['apiVersion']}"
        collection = f"{root}/namespaces/{self._namespace}/{body['kind'].lower()}s"
        if operation == "strategic" and body["kind"] == "Widget":
            operation = "merge"
        return Step(operation, collection, body, self._random.choice(["m1", "m2", "m3"]), self._chance(0.5))

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _some(self, words: str) -> list[str]:
        return self._random.sample(words, self._random.randint(0, len(words)))

    def _map(self) -> Obj:
        return {key: self._random.choice("123") for key in self._some("abc")}

    def _maybe(self, share: float, **fields: Any) -> Obj:
        return fields if self._chance(share) else {}

    def _metadata(self, name: str) -> Obj:
        finalizers = [f"example.com/{each}" for each in self._some("ab")]
        return {"name": name, **self._maybe(0.5, labels=self._map()), **self._maybe(0.2, finalizers=finalizers)}

    def _config(self) -> Obj:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self._metadata("c"), **self._maybe(0.8, data=self._map())}

    def _service(self) -> Obj:
        ports = [{"port": port, "name": f"p{port}", **self._maybe(0.5, targetPort=self._random.choice([80, "http"]))}
                 for port in self._random.sample([80, 81, 82], self._random.randint(1, 3))]  # fmt: skip
        spec = {"ports": ports, **self._maybe(0.7, selector=self._map())}
        return {"apiVersion": "v1", "kind": "Service", "metadata": self._metadata("s"), "spec": spec}

    def _widget(self) -> Obj:
        parts = [{"name": name, **self._maybe(0.5, weight=self._random.randint(98, 101))} for name in self._some("abc")]
        spec = {"size": self._random.randint(0, 3), **self._maybe(0.5, parts=parts), **self._maybe(0.4, tags=self._some("xyz"))}
        spec |= self._maybe(0.3, colour=self._random.choice(["red", "green", "blue"])) | self._maybe(0.1, unknown=1)
        metadata = {"name": "w", **self._maybe(0.4, labels=self._map())}
        return {"apiVersion": self._widgets, "kind": "Widget", "metadata": metadata, "spec": spec}

    def _container(self, name: str) -> Obj:
        ports = [{"containerPort": port, **self._maybe(0.5, name=f"p{port}"), **self._maybe(0.2, protocol="UDP")}
                 for port in self._random.sample([80, 81, 82], self._random.randint(0, 3))]  # fmt: skip
        env = [{"name": each, "value": self._random.choice("123")} for each in self._some("ABC")]
        probe = {"httpGet": {"port": 80}, "periodSeconds": self._random.randint(1, 3)}
        resources = self._random.choice([{"requests": {"cpu": "1"}}, {"limits": {"memory": "1Gi"}}])
        made = {"name": name, **self._maybe(0.9, image=self._random.choice(["x:1", "x:2", "x"])), **self._maybe(0.6, env=env)}
        made |= self._maybe(0.5, ports=ports) | self._maybe(0.4, command=self._some("abc"))
        return made | self._maybe(0.4, resources=resources) | self._maybe(0.3, readinessProbe=probe)

    def _deployment(self) -> Obj:
        names = self._random.sample(["app", "side", "third"], self._random.randint(1, 3))
        pod: Obj = {"containers": [self._container(name) for name in names]}
        pod |= self._maybe(
            0.3, volumes=[{"name": "v", **self._random.choice([{"emptyDir": {}}, {"configMap": {"name": "c"}}])}]
        )
        pod |= self._maybe(0.3, securityContext=self._random.choice([{}, {"runAsUser": 1}, {"runAsUser": 2}]))
        labels = {"app": "d"}
        spec: Obj = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
        spec |= {"paused": True} | self._maybe(0.5, replicas=self._random.randint(0, 2))
        spec |= self._maybe(0.3, strategy=self._random.choice([{"type": "Recreate"}, {"rollingUpdate": {"maxSurge": 2}}]))
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": self._metadata("d"), "spec": spec}


def perform(api: Api, step: Step) -> Answer:
    """Make a write on one server."""
    body, query = copy.deepcopy(step.body), {"fieldManager": step.manager}
    if step.operation == "apply":
        return api.apply(step.path, body, step.manager, force=step.force)
    if step.operation == "create":
        return api.post(step.collection, body, **query)
    if step.operation == "put":
        return api.put(step.path, _on_top(api, step, body), **query)
    if step.operation == "delete":
        return Answer(remove(api, step), {})
    if step.operation == "json":
        return api.patch(step.path, [{"op": "add", "path": "/metadata/labels", "value": {"j": step.manager}}], JSON, **query)
    return api.patch(step.path, body, {"merge": MERGE, "strategic": STRATEGIC}[step.operation], **query)


def _on_top(api: Api, step: Step, body: Obj) -> Obj:
    """A whole object keeps the address of the Service it replaces, and names the version of a custom resource."""
    live = api.get(step.path).body
    if body["kind"] == "Widget":
        body["metadata"]["resourceVersion"] = live.get("metadata", {}).get("resourceVersion", "1")
    if body["kind"] == "Service" and "spec" in live:
        body["spec"] |= {field: live["spec"][field] for field in ("clusterIP", "clusterIPs") if field in live["spec"]}
    return body


def remove(api: Api, step: Step) -> int:
    """Delete an object whatever holds it; the status of the deletion."""
    status = api.delete(step.path).status
    api.patch(step.path, {"metadata": {"finalizers": None}})
    return status


def essence(answer: Answer) -> Any:
    """What of an answer must be alike: all but identities, times and what controllers write."""
    if answer.status >= 400:
        return answer.status, answer.reason, answer.fields
    return answer.status, _essence({key: value for key, value in answer.body.items() if key != "status"})


def _essence(value: Any) -> Any:
    if isinstance(value, list):
        return [_essence(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: child for key, child in value.items() if key not in _OWN}
    if "managedFields" in kept:
        entries = [entry for entry in kept["managedFields"] if entry["manager"] != _CONTROLLER]
        kept["managedFields"] = sorted(entries, key=lambda entry: (entry["operation"], entry["manager"]))
    notes = {key: text for key, text in (kept.pop("annotations", None) or {}).items() if "kubernetes.io" not in key}
    return {key: _essence(child) for key, child in ({**kept, "annotations": notes} if notes else kept).items()}
