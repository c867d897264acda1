"""A CygniService on the embedded cloud, from its application to its end: through the cluster's API, and the schedule."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any

import botocore.session
import pytest

from tests.contract.api import Api, Obj
from tests.cygni.local.test_life import Home, home

__all__ = ["home"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
HEALTH = {"path": "/healthz", "interval": "1s", "deadline": "30s"}
ROLLOUT = {"steps": [{"weight": 50, "for": "3s"}], "interval": "1s", "minRequests": 5}


class Declared:
    """The service `shop` of the same environment and image as the deployed app, as `kubectl` would declare it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        state = home.folder / "state" / "cygni"
        self.ports = json.loads((state / "ports.json").read_text())
        self.api = Api(str(state / "kubeconfig"))
        deployment = next(each for each in self.items("/apis/apps/v1/deployments") if each["metadata"]["name"] == "web-r1")
        self.namespace = deployment["metadata"]["namespace"]
        self.image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        self.command = deployment["spec"]["template"]["spec"]["containers"][0].get("command", [])
        self.path = f"/apis/cygni.dev/v1/namespaces/{self.namespace}/cygniservices/shop"

    def items(self, path: str) -> list[Obj]:
        return list(self.api.get(path).body["items"])

    def apply(self, greeting: str, image: str = "", **spec: Any) -> None:
        spec = {"image": image or self.image, "health": HEALTH, "rollout": ROLLOUT, "env": {"GREETING": greeting}, **spec}
        spec |= {"command": self.command} if self.command else {}
        body = {"apiVersion": "cygni.dev/v1", "kind": "CygniService", "metadata": {"name": "shop"}, "spec": spec}
        assert self.api.apply(self.path, body, "kubectl").status in (200, 201)

    def reconcile(self) -> None:
        """What the schedule would do within a minute."""
        session = botocore.session.get_session()
        session.set_credentials("test", "test")
        aws = session.create_client("lambda", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{self.ports['aws']}")
        answer = aws.invoke(FunctionName="cygni-reconcile", Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def condition(self, kind: str) -> tuple[str, str, str]:
        conditions = (self.api.get(self.path).body.get("status") or {}).get("conditions") or ()
        found = next((each for each in conditions if each["type"] == kind), None)
        return (found["status"], found["reason"], found["message"]) if found else ("", "", "")

    def reached(self, kind: str, reason: str) -> bool:
        self.reconcile()
        return self.condition(kind)[:2] == ("True", reason)

    def get(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["apps"], timeout=30)
        try:
            connection.request("GET", "/", headers={"Host": "shop--prod--hello.localhost"})
            return connection.getresponse().read().decode()
        except OSError as error:
            return str(error)
        finally:
            connection.close()

    def left(self) -> list[str]:
        kinds = ("/apis/apps/v1/deployments", "/api/v1/services", "/api/v1/secrets", "/api/v1/configmaps", "/api/v1/pods")
        routes = "/apis/gateway.networking.k8s.io/v1/httproutes"
        found = [item["metadata"] for kind in (*kinds, routes) for item in self.items(kind)]
        return [each["name"] for each in found if (each.get("labels") or {}).get("cygni.dev/service") == "shop"]


def test_what_is_declared_is_rolled_out_changed_turned_back_repaired_and_removed(home: Home) -> None:
    assert home.cygni("deploy").returncode == 0
    shop = Declared(home)
    ended = threading.Event()
    traffic = threading.Thread(target=lambda: [shop.get() for _ in iter(lambda: ended.wait(0.05), True)], daemon=True)

    shop.apply("First")
    home.until(lambda: shop.condition("Ready")[1] != "")  # by the schedule, whoever asks
    home.until(lambda: shop.reached("Ready", "Live"))
    home.until(lambda: "First" in shop.get())
    traffic.start()

    shop.apply("Second")
    home.until(lambda: shop.reached("Progressing", "RollingOut"))
    home.until(lambda: {shop.get().partition(" ")[0] for _ in range(20)} == {"First", "Second"})
    home.until(lambda: shop.reached("Ready", "Live"))
    home.until(lambda: {shop.get().partition(" ")[0] for _ in range(20)} == {"Second"})

    shop.apply("Third", image=shop.image.partition("@")[0] + "@sha256:" + "0" * 64, health={**HEALTH, "deadline": "5s"})
    home.until(lambda: shop.reached("Degraded", "RolledBack"))
    assert shop.condition("Degraded")[2].endswith("Release 2 has the traffic.")

    release = f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/shop-r2"
    shop.api.patch(release, {"spec": {"replicas": 3}}, fieldManager="somebody")
    home.until(lambda: shop.reached("Degraded", "RolledBack") and shop.api.get(release).body["spec"]["replicas"] == 1)

    ended.set()
    shop.api.delete(shop.path)
    home.until(lambda: shop.reconcile() or shop.api.get(shop.path).status == 404)
    home.until(lambda: shop.left() == [])
    assert home.get()[0] == 200, "the neighbour is untouched"
