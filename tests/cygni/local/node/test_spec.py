from __future__ import annotations

from cygni.local.node.spec import Exec, HttpGet, Port, Sleep, TcpSocket, parse_pod
from tests.cygni.local.node.fake import container, pod


def test_a_pod_is_read_with_the_defaults_of_kubernetes() -> None:
    read = parse_pod(pod(terminationGracePeriodSeconds=30))

    assert (read.restart_policy, read.grace, read.init) == ("Always", 30.0, ())
    assert read.containers[0].ports == (Port("http", 8080),)
    assert read.containers[0].readiness is None


def test_every_kind_of_probe_and_hook_is_read() -> None:
    probes = {
        "startupProbe": {"tcpSocket": {"port": 8080}},
        "readinessProbe": {"httpGet": {"port": "http", "httpHeaders": [{"name": "X", "value": "y"}]}, "timeoutSeconds": 3},
        "livenessProbe": {"exec": {"command": ["true"]}, "failureThreshold": 1},
        "lifecycle": {"preStop": {"sleep": {"seconds": 2}}},
    }

    read = parse_pod(pod("web", container(**probes))).containers[0]

    assert read.startup is not None
    assert read.startup.action == TcpSocket(8080)
    assert read.readiness is not None
    assert read.readiness.action == HttpGet("http", headers=(("X", "y"),))
    assert (read.readiness.timeout, read.readiness.period, read.readiness.failure_threshold) == (3, 10, 3)
    assert read.liveness is not None
    assert read.liveness.action == Exec(("true",))
    assert read.pre_stop == Sleep(2)


def test_a_grpc_probe_counts_as_a_connection() -> None:
    read = parse_pod(pod("web", container(livenessProbe={"grpc": {"port": 9000}}))).containers[0]

    assert read.liveness is not None
    assert read.liveness.action == TcpSocket(9000)


def test_a_pod_on_the_hosts_network_keeps_its_own_port_numbers() -> None:
    assert parse_pod(pod("web", hostNetwork=True)).containers[0].ports == (Port("http", 8080, fixed=8080),)


def test_a_memory_limit_is_read_in_bytes() -> None:
    limited = container(resources={"limits": {"memory": "64Mi"}})

    assert parse_pod(pod("web", limited)).containers[0].memory_limit == 64 * 2**20
    assert parse_pod(pod("web")).containers[0].memory_limit is None


def test_an_init_container_that_always_restarts_is_a_sidecar() -> None:
    read = parse_pod(pod("web", initContainers=[container(name="proxy", restartPolicy="Always"), container(name="migrate")]))

    assert [one.sidecar for one in read.init] == [True, False]
