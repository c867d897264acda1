from __future__ import annotations

import asyncio
import http.client
import os
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from cygni.local.images import folder_of
from cygni.local.node.spec import Object
from tests.cygni.local.node.fake import DIGEST, http_probe
from tests.cygni.local.node.harness import APP, COMMAND, PODS, Cluster, marked, play, write_image

pytestmark = pytest.mark.slow


def test_a_pod_is_bound_run_and_ready_without_waiting_for_its_probes_period(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.until(lambda: "/api/v1/nodes/local" in cluster.api.objects)
        path = cluster.run(readinessProbe=http_probe(periodSeconds=3600))
        await cluster.ready(path)

        assert cluster.status(path)["phase"] == "Running"
        assert cluster.status(path)["podIP"] == cluster.status(path)["hostIP"] == "127.0.0.1"
        assert cluster.container(path)["ready"] is cluster.container(path)["started"] is True
        assert [event["reason"] for event in cluster.api.events()][:3] == ["Scheduled", "Pulled", "Started"]

    play(tmp_path, scenario)


def test_the_host_port_is_published_before_the_pod_is_ready(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        await cluster.ready(cluster.run(readinessProbe=http_probe()))

        writes = [body for path, body in cluster.api.patches if path.startswith(PODS)]
        published = next(at for at, body in enumerate(writes) if "annotations" in body.get("metadata", {}))
        ready = next(at for at, body in enumerate(writes) if "True" in str(_condition(body, "Ready")))
        assert published < ready

    def _condition(body: Object, kind: str) -> list[str]:
        return [one["status"] for one in body.get("status", {}).get("conditions", []) if one["type"] == kind]

    play(tmp_path, scenario)


def test_a_process_sees_what_the_pod_and_the_image_say_and_nothing_of_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_SECRET", "x")

    async def scenario(cluster: Cluster) -> None:
        cluster.api.create("/api/v1/namespaces/shop/configmaps", {"metadata": {"name": "plain"}, "data": {"FLAG": "on"}})
        path = cluster.run(readinessProbe=http_probe(), envFrom=[{"configMapRef": {"name": "plain"}}])
        await cluster.ready(path)

        seen = dict(line.split("=", 1) for line in (await cluster.get(path)).splitlines())
        assert (seen["PORT"], seen["FLAG"], seen["HOSTNAME"]) == (str(cluster.port(path)), "on", "web-1")
        assert Path(seen["IMAGE_SAYS"]).resolve() == (cluster.images / folder_of(DIGEST) / "deps").resolve()
        assert set(seen) - {"LC_CTYPE", "PWD"} == {
            "PATH", "HOME", "TMPDIR", "HOSTNAME", "LANG", "IMAGE_SAYS", "FLAG", "PORT", "MODE", "CYGNI_CONTAINER"
        }  # fmt: skip

    play(tmp_path, scenario)


def test_a_pod_cannot_alter_the_image_it_runs(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(readinessProbe=http_probe())
        await cluster.ready(path)
        await cluster.get(path, "/touch")

        assert [file.name for file in (cluster.images / folder_of(DIGEST) / "app").iterdir()] == ["app.py"]

    play(tmp_path, scenario)


def test_a_failing_process_is_told_with_its_exit_code_and_last_lines_and_backed_off(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("crash", readinessProbe=http_probe())
        await cluster.until(lambda: cluster.container(path)["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff")

        status = cluster.container(path)
        assert status["restartCount"] >= 1
        assert status["lastState"]["terminated"]["exitCode"] == 1
        assert status["lastState"]["terminated"]["message"] == "about to fail\nno database"
        assert cluster.condition(path, "Ready")["message"] == "containers with unready status: [app]"
        await cluster.until(lambda: cluster.container(path)["restartCount"] >= 3)
        assert cluster.status(path)["phase"] == "Running"
        await cluster.until(lambda: cluster.api.events("BackOff"))
        assert "about to fail" in await cluster.logs("previous=true")

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("mode", "policy", "phase"),
    [("done", "Never", "Succeeded"), ("done", "OnFailure", "Succeeded"), ("crash", "Never", "Failed")],
)
def test_a_pod_that_is_not_to_be_restarted_comes_to_an_end(tmp_path: Path, mode: str, policy: str, phase: str) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(mode, spec={"restartPolicy": policy})
        await cluster.until(lambda: cluster.status(path).get("phase") == phase)

        assert cluster.container(path)["restartCount"] == 0
        cluster.api.delete(path, {})
        await cluster.until(lambda: path not in cluster.api.objects)

    play(tmp_path, scenario)


def test_one_that_listens_elsewhere_is_told_which_port_was_found(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("wrong", readinessProbe=http_probe())
        event = (await cluster.until(lambda: cluster.api.events("WrongPort")))[0]

        assert f"but PORT is {cluster.port(path)}: listen on 0.0.0.0 and on the port in the PORT variable" in event["message"]
        assert event["involvedObject"]["name"] == "web-1"
        await cluster.until(lambda: "WrongPort: listening on port" in cluster.condition(path, "Ready").get("message", ""))
        assert cluster.condition(path, "Ready")["status"] == "False"

    play(tmp_path, scenario)


def test_one_that_only_this_host_could_reach_is_not_ready_though_it_answers(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("loopback", readinessProbe=http_probe())
        event = (await cluster.until(lambda: cluster.api.events("LoopbackOnly")))[0]

        assert f"listening on 127.0.0.1:{cluster.port(path)} only" in event["message"]
        assert "web-1" in await cluster.get(path)
        await asyncio.sleep(1.2)  # one more probe
        assert cluster.condition(path, "Ready")["status"] == "False"

    play(tmp_path, scenario)


def test_a_deleted_pod_is_not_ready_before_it_is_asked_to_end(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("polite", readinessProbe=http_probe())
        await cluster.ready(path)
        port, write = cluster.port(path), cluster.api.patch
        served: list[str] = []

        def patch(where: str, body: Object) -> Object:
            """Looks, while the node waits for its word to be taken, whether who has not heard yet is still served."""
            ready = [one["status"] for one in body.get("status", {}).get("conditions", []) if one["type"] == "Ready"]
            if where == f"{path}/status" and ready == ["False"] and not served:
                served.append(urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).read().decode())
            return write(where, body)

        cluster.api.patch = patch  # type: ignore[method-assign]
        follower = await cluster.follow()
        cluster.api.delete(path, {})
        await cluster.until(lambda: path not in cluster.api.objects)

        assert "web-1" in served[0]

        assert (await follower).endswith("goodbye\n")
        last = [body["status"] for where, body in cluster.api.patches if where == f"{path}/status"][-1]
        assert last["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
        left = [cluster.data / "pods", cluster.data / "logs"]
        await cluster.until(lambda: not any(list(folder.iterdir()) for folder in left))

    play(tmp_path, scenario)


def test_a_process_that_does_not_heed_is_killed_when_its_grace_is_over(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("stubborn", readinessProbe=http_probe(), spec={"terminationGracePeriodSeconds": 1})
        await cluster.ready(path)
        began = time.monotonic()
        cluster.api.delete(path, {})
        await cluster.until(lambda: path not in cluster.api.objects)

        assert time.monotonic() - began >= 1

    play(tmp_path, scenario)


def test_a_second_deletion_without_grace_cuts_the_first_short(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("stubborn", readinessProbe=http_probe(), spec={"terminationGracePeriodSeconds": 600})
        await cluster.ready(path)
        cluster.api.delete(path, {})
        await asyncio.sleep(0.3)
        cluster.api.delete(path, {"gracePeriodSeconds": 0})

        await cluster.until(lambda: not marked(cluster.data))

    play(tmp_path, scenario)


def test_the_hook_before_the_end_runs_while_the_process_still_serves(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        hooked = tmp_path / "hooked"
        hook = {"preStop": {"exec": {"command": ["sh", "-c", f"echo $PORT > {hooked}"]}}}
        path = cluster.run(readinessProbe=http_probe(), lifecycle=hook)
        await cluster.ready(path)
        port = cluster.port(path)
        cluster.api.delete(path, {})
        await cluster.until(lambda: path not in cluster.api.objects)

        assert hooked.read_text() == f"{port}\n"

    play(tmp_path, scenario)


def test_nothing_a_container_started_outlives_it(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("family", readinessProbe=http_probe())
        await cluster.ready(path)
        await cluster.until(lambda: len(marked(cluster.data)) == 4)  # the application does not wait for those it starts
        cluster.api.delete(path, {})
        await cluster.until(lambda: path not in cluster.api.objects)

        assert marked(cluster.data) == []

    play(tmp_path, scenario)


def test_a_pod_waits_for_what_it_refers_to(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(readinessProbe=http_probe(), envFrom=[{"secretRef": {"name": "late"}}])
        await cluster.until(lambda: "waiting" in cluster.container(path)["state"] and cluster.api.events("Failed"))
        waiting = cluster.container(path)["state"]["waiting"]
        assert (waiting["reason"], waiting["message"]) == ("CreateContainerConfigError", 'secret "late" not found')
        cluster.api.create("/api/v1/namespaces/shop/secrets", {"metadata": {"name": "late"}, "data": {"A": "Yg=="}})
        await cluster.ready(path)

        assert "A=b" in await cluster.get(path)

    play(tmp_path, scenario)


def test_a_pod_waits_for_its_image(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        root = cluster.images / folder_of(DIGEST)
        root.rename(tmp_path / "aside")
        path = cluster.run(readinessProbe=http_probe())
        await cluster.until(lambda: cluster.container(path)["state"].get("waiting", {}).get("reason") == "ImagePullBackOff")
        (tmp_path / "aside").rename(root)

        await cluster.ready(path)

    play(tmp_path, scenario)


def test_an_image_that_is_not_named_by_digest_is_refused(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(image="nginx:1.27")

        await cluster.until(lambda: cluster.container(path)["state"].get("waiting", {}).get("reason") == "InvalidImageName")

    play(tmp_path, scenario)


def test_a_command_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(command=["gunicorn-not-here"])
        await cluster.until(lambda: cluster.container(path)["lastState"])

        ended = cluster.container(path)["lastState"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
        assert ended["message"] == 'exec: "gunicorn-not-here": executable file not found in $PATH'

    play(tmp_path, scenario)


def test_a_container_that_fails_its_liveness_probe_is_started_again_on_its_port(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(readinessProbe=http_probe(), livenessProbe=http_probe("/live", failureThreshold=1))
        await cluster.ready(path)
        port = cluster.port(path)
        await cluster.get(path, "/touch")
        await cluster.until(lambda: cluster.container(path)["restartCount"] == 1)
        await cluster.ready(path)

        assert cluster.port(path) == port
        assert "its liveness probe failed" in cluster.container(path)["lastState"]["terminated"]["message"]
        assert {"Unhealthy", "Killing"} <= {event["reason"] for event in cluster.api.events()}

    play(tmp_path, scenario)


def test_a_container_over_its_memory_limit_is_killed_for_it(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("hog", resources={"limits": {"memory": "64Mi"}})
        await cluster.until(lambda: cluster.container(path)["lastState"])

        ended = cluster.container(path)["lastState"]["terminated"]
        assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
        assert "its limit is 64 MiB" in ended["message"]

    play(tmp_path, scenario)


def test_init_containers_end_one_by_one_before_the_others_begin(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        steps = [_step("one"), _step("two")]
        path = cluster.run(readinessProbe=http_probe(), spec={"initContainers": steps})
        await cluster.ready(path)

        ended = [cluster.container(path, name)["state"]["terminated"] for name in ("one", "two")]
        assert [one["exitCode"] for one in ended] == [0, 0]
        assert cluster.condition(path, "Initialized")["status"] == "True"

    def _step(name: str) -> Object:
        return {"name": name, "image": f"x@{DIGEST}", "command": ["sh", "-c", f"echo {name}"]}

    play(tmp_path, scenario)


def test_a_sidecar_runs_beside_the_others_and_ends_with_them(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        sidecar = {"name": "proxy", "image": f"x@{DIGEST}", "command": ["sleep", "300"], "restartPolicy": "Always"}
        path = cluster.run("done", spec={"initContainers": [sidecar], "restartPolicy": "Never"})
        await cluster.until(lambda: cluster.status(path).get("phase") == "Succeeded")

        await cluster.until(lambda: "terminated" in cluster.container(path, "proxy")["state"])

    play(tmp_path, scenario)


def test_pods_run_on_while_the_api_is_away_and_are_told_of_when_it_is_back(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(readinessProbe=http_probe(), livenessProbe=http_probe("/live", failureThreshold=1))
        await cluster.ready(path)
        first = await _run(cluster, path)
        cluster.api.go_away()
        await cluster.get(path, "/touch")
        while await _run(cluster, path) in ("", first):  # it is restarted meanwhile
            await asyncio.sleep(0.05)
        cluster.api.come_back()

        await cluster.until(lambda: cluster.container(path)["restartCount"] == 1)
        await cluster.ready(path)
        second = cluster.run(name="web-2")
        await cluster.ready(second)

    async def _run(cluster: Cluster, path: str) -> str:
        """The id of the run that answers; empty while none does."""
        try:
            return next(line for line in (await cluster.get(path)).splitlines() if line.startswith("CYGNI_CONTAINER="))
        except (OSError, http.client.HTTPException):
            return ""

    play(tmp_path, scenario)


def test_a_node_ends_though_the_api_is_away_in_the_midst_of_a_deletion(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("polite", readinessProbe=http_probe())
        await cluster.ready(path)
        cluster.api.delete(path, {})
        cluster.api.go_away()
        await cluster.until(lambda: not marked(cluster.data))
        await asyncio.wait_for(cluster.stop(), 60)

    play(tmp_path, scenario)


def test_a_pod_that_went_while_the_api_was_away_is_ended(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(readinessProbe=http_probe())
        await cluster.ready(path)
        cluster.api.go_away()
        del cluster.api.objects[path]
        cluster.api.come_back()

        await cluster.until(lambda: not marked(cluster.data))

    play(tmp_path, scenario)


def test_a_node_that_starts_again_takes_up_its_pods_with_their_ports(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(readinessProbe=http_probe())
        await cluster.ready(path)
        port = cluster.port(path)
        await cluster.stop()
        assert marked(cluster.data) == []
        assert cluster.condition(path, "Ready")["status"] == "False"
        await cluster.start()
        await cluster.ready(path)

        assert cluster.port(path) == port
        assert cluster.container(path)["restartCount"] == 1

    play(tmp_path, scenario)


def test_a_node_makes_itself_known_and_renews_its_lease(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/local"
        node = "/api/v1/nodes/local"
        first = (await cluster.until(lambda: cluster.api.objects.get(lease)))["spec"]["renewTime"]
        await cluster.until(lambda: cluster.api.objects[lease]["spec"]["renewTime"] > first)

        status = cluster.api.objects[node]["status"]
        assert {"type": "InternalIP", "address": "127.0.0.1"} in status["addresses"]
        assert [one["status"] for one in status["conditions"] if one["type"] == "Ready"] == ["True"]
        await cluster.stop()
        assert [one["status"] for one in cluster.api.objects[node]["status"]["conditions"] if one["type"] == "Ready"] == [
            "False"
        ]

    play(tmp_path, scenario)


def test_logs_are_served_as_a_kubelet_does(tmp_path: Path) -> None:
    async def scenario(cluster: Cluster) -> None:
        path = cluster.run(readinessProbe=http_probe())
        await cluster.ready(path)
        port = cluster.port(path)

        assert await cluster.logs("tailLines=1") == f"listening on {port}\n"
        assert await cluster.logs("limitBytes=9") == "listening"
        assert (await cluster.logs("timestamps=true"))[10] == "T"
        assert await cluster.logs("sinceTime=2999-01-01T00:00:00Z") == ""
        for query in ("previous=true", "tailLines=x"):
            with pytest.raises(urllib.error.HTTPError, match="400"):
                await cluster.logs(query)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await cluster.logs("", name="other")

    play(tmp_path, scenario)


def test_cpu_use_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cygni.local.node.monitor.CPU_SECONDS", 0.5)
    monkeypatch.setattr("cygni.local.node.monitor.MEMORY_SECONDS", 0.5)

    async def scenario(cluster: Cluster) -> None:
        path = cluster.run("spin")
        annotations = lambda: cluster.api.objects[path]["metadata"].get("annotations", {})  # noqa: E731

        assert await cluster.until(lambda: int(annotations().get("cygni.dev/cpu-millicores", 0)) > 100)

    play(tmp_path, scenario)


def test_a_second_node_cannot_take_the_same_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cygni.local.node.node.LOCK_SECONDS", 0.1)
    from cygni.local.node.node import DataInUse

    async def scenario(cluster: Cluster) -> None:
        await cluster.until(lambda: "/api/v1/nodes/local" in cluster.api.objects)
        other = Cluster(tmp_path)
        await other.start()
        with pytest.raises(DataInUse, match="another node uses"):
            await other.stop()

    play(tmp_path, scenario)


def test_the_harness_itself_sees_processes(tmp_path: Path) -> None:
    assert COMMAND[0] == "sh"
    assert "MODE" in APP
    assert os.getpid() not in [process.pid for process in marked(tmp_path)]
    assert write_image(tmp_path, {}, COMMAND).is_dir()
