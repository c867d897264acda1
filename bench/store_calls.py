"""Round trips to the store and write units of each flow, counted by a hook of botocore against an in-memory DynamoDB.

A write unit is 1 KiB of an item written, twice that in a transaction, as DynamoDB bills it; index entries count too.

usage: python -m bench.store_calls
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")

from botocore.client import BaseClient

from bench.figures import verdict
from tests.support.rollout import Stage
from tests.support.store import memory_store
from tests.support.world import Client, Fakes

UNIT = 1024


@dataclass
class Counter:
    """Calls and write units since it was made or cleared."""

    calls: list[str] = field(default_factory=list)
    units: int = 0

    def clear(self) -> None:
        """Begin again."""
        self.calls, self.units = [], 0

    def call(self, name: str, asked: dict[str, Any]) -> None:
        """Counts one call of DynamoDB."""
        self.calls.append(name)
        items = [(asked["Item"], 1)] if "Item" in asked else []
        items += [(each["Put"]["Item"], 2) for each in asked.get("TransactItems", []) if "Put" in each]
        for item, factor in items:
            units = units_of(item)
            self.units += units * factor + (units if "gsi1pk" in item else 0)


def units_of(item: dict[str, Any]) -> int:
    """Write units of an item: its names and values in KiB, rounded up."""
    size = sum(len(name) + _size(value) for name, value in item.items())
    return -(-size // UNIT)


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind in ("S", "B"):
        return len(content.encode()) if kind == "S" else len(content)
    return 21 if kind == "N" else 1


@contextmanager
def counted_stage() -> Iterator[tuple[Stage, Counter]]:
    """A service on a store whose calls are counted where every client of botocore makes them."""
    counter, original = Counter(), BaseClient._make_api_call

    def counted(client: Any, name: str, asked: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name == "dynamodb" and name != "DescribeTable":
            counter.call(name, asked)
        return original(client, name, asked)

    with memory_store():
        fakes = Fakes()
        stage = Stage(Client(fakes), fakes)
        BaseClient._make_api_call = counted
        try:
            yield stage, counter
        finally:
            BaseClient._make_api_call = original


def flows() -> dict[str, tuple[int, int]]:
    """Round trips and write units by flow."""
    found: dict[str, tuple[int, int]] = {}
    with counted_stage() as (stage, counter):

        def count(name: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
            counter.clear()
            answer = stage.api(method, path, body, headers=headers)
            if answer.status >= 300:
                raise SystemExit(f"{name}: {answer.text}")
            found[name] = (len(counter.calls), counter.units)
            return answer

        key = {"idempotency-key": "k"}
        count("create a project", "POST", "/v1/projects", {"name": "hello"}, **key)
        count("create a service", "POST", "/v1/projects/hello/environments/prod/services", {"name": "web"}, **key)
        stage.deploy()
        source = stage._source()
        service = stage.path
        made = count("create a deployment", "POST", f"{service}/deployments", {"source": source}, **key).json
        deployment = f"{service}/deployments/{made['id']}"
        count("read a project", "GET", "/v1/projects/hello")
        count("list projects", "GET", "/v1/projects")
        count("read a service", "GET", service)
        count("read config", "GET", f"{service}/config")
        count("change config", "PATCH", f"{service}/config", {"set": {"A": "1"}})
        count("read a deployment", "GET", deployment)
        count("list deployments", "GET", f"{service}/deployments")
        count("read a timeline", "GET", f"{deployment}/timeline")
        stage.begin(made["id"])
        stage.built(made["id"])
        stage.run(made["id"], until="Analyse")
        count("pause a deployment", "POST", f"{deployment}/pause")
    found["a whole deploy, two steps"] = whole_deploy()
    return found


def whole_deploy() -> tuple[int, int]:
    """A canary of two steps, from the POST to the freed lane."""
    with counted_stage() as (stage, counter):
        stage.api.post("/v1/projects", {"name": "hello"})
        stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        stage.deploy()
        counter.clear()
        if stage.deploy(digit="b")["state"] != "promoted":
            raise SystemExit("the deployment was not promoted")
        return len(counter.calls), counter.units


def main() -> None:
    """A table, then the aims."""
    logging.disable(logging.CRITICAL)
    found = flows()
    print(f"{'flow':<30} {'round trips':>12} {'write units':>12}")
    for name, (calls, units) in found.items():
        print(f"{name:<30} {calls:>12} {units:>12}")
    reads = [calls for name, (calls, _) in found.items() if name.startswith(("read", "list"))]
    writes = [calls for name, (calls, _) in found.items() if name.startswith(("create", "change", "pause"))]
    print(verdict("most round trips of a read", max(reads), 1))
    print(verdict("most round trips of a write", max(writes), 2))
    print(verdict("write units of a whole deploy", found["a whole deploy, two steps"][1], 40))


if __name__ == "__main__":
    main()
