"""A release's objects: valid for every API version that is supported, bounded, and nobody else's."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import InvalidInput
from chalicelib.runtime.manifests import command_of, render
from tests.chalicelib.runtime.builders import HOST, IMAGE, TARGET, assert_valid, workload
from tests.chalicelib.runtime.test_rules import DNS_LABEL, targets

SCALED = {"scale": {"min": 2, "max": 6, "cpuPercent": 70}}
durations = st.from_regex(r"\A[1-9][0-9]{0,5}(s|m|h)\Z")
variables = st.dictionaries(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,20}\Z"), st.text(max_size=20), max_size=4)
quantities = {"cpu": r"\A[0-9]{1,4}(\.[0-9]{1,3}|m)?\Z", "memory": r"\A[1-9][0-9]{0,5}(Ki|Mi|Gi)\Z"}
ranges = st.tuples(st.integers(0, 100), st.integers(1, 100)).map(sorted)
health = {"path": st.from_regex(r"\A/[a-z?=/%-]{0,30}\Z"), "interval": durations, "timeout": durations, "deadline": durations}
specs = st.fixed_dictionaries(
    {
        "port": st.integers(1, 65_535),
        "start": st.none() | st.text(min_size=1, max_size=40),
        "env": variables,
        "health": st.fixed_dictionaries(health),
        "resources": st.fixed_dictionaries({name: st.from_regex(pattern) for name, pattern in quantities.items()}),
        "scale": ranges.map(lambda pair: {"min": pair[0], "max": pair[1]}),
    }
)


def objects(release=None, **options):
    """The rendered objects by kind."""
    return {manifest["kind"]: manifest for manifest in render(release or workload(), host=HOST, **options)}


def container(release=None, **options):
    return objects(release, **options)["Deployment"]["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("api", [(1, 25), (1, 30), (1, 34), (1, 37)], ids=str)
def test_every_object_is_valid_for_the_api_version_it_is_rendered_for(api):
    full = workload(spec=SCALED | {"env": {"A": "1"}, "start": "python app.py"}, config={"KEY": "secret"})
    builtin = [manifest for manifest in render(full, host=HOST, api=api) if manifest["kind"] != "HTTPRoute"]

    for manifest in builtin:
        assert_valid(manifest, f"{api[0]}.{api[1]}.0")
    assert len(builtin) == 10


@settings(deadline=None, max_examples=60)
@given(specs, targets, st.integers(1, 10**6), st.integers(0, 100))
def test_any_legal_spec_renders_to_valid_objects_with_names_that_fit(spec, target, number, replicas):
    release = workload(number, target=target, spec=spec, replicas=replicas)

    for manifest in render(release, host=target.host("localhost", home=target.team), api=(1, 34)):
        assert DNS_LABEL.match(manifest["metadata"]["name"])
        if manifest["kind"] != "HTTPRoute":
            assert_valid(manifest, "1.34.0")


def test_durations_beyond_what_kubernetes_counts_are_held_to_a_day():
    longest = {"interval": "999999h", "timeout": "999999h", "deadline": "999999h"}
    spec = objects(workload(spec={"health": longest}))["Deployment"]["spec"]

    assert spec["progressDeadlineSeconds"] == 86_400


@pytest.mark.parametrize(
    "image", ["web", "registry/web:1.0", "registry/web:1.0@sha256:" + "a" * 64, "registry/web@sha256:abc", IMAGE + " "]
)
def test_an_image_that_is_not_named_by_digest_alone_is_refused(image):
    with pytest.raises(ValueError, match="by digest"):
        render(workload(image=image), host=HOST)


@pytest.mark.parametrize("change", [{"number": 0}, {"replicas": -1}])
def test_numbers_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match="cannot be"):
        render(workload(**change), host=HOST)


@pytest.mark.parametrize("field", ["env", "config"])
def test_variables_larger_than_an_object_may_be_are_refused_with_the_fields_name(field):
    large = {f"V{index}": "x" * 16_000 for index in range(70)}
    release = workload(config=large) if field == "config" else workload(spec={"env": large})

    with pytest.raises(InvalidInput) as refusal:
        render(release, host=HOST)

    assert [broken.field for broken in refusal.value.fields] == [field]


def test_a_release_names_no_other_release():
    text = str(render(workload(2), host=HOST))

    assert "web-r2" in text
    assert "r1" not in text


def test_every_object_carries_the_services_labels_and_a_releases_own_carries_its_revision():
    found = objects(workload(3, spec=SCALED))

    own = ("Deployment", "Service", "ConfigMap", "Secret", "HorizontalPodAutoscaler")
    assert all(found[kind]["metadata"]["labels"] == TARGET.labels(3) for kind in own)
    assert found["HTTPRoute"]["metadata"]["labels"] == TARGET.labels()


def test_pods_meet_the_restricted_pod_security_standard():
    pod = objects()["Deployment"]["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10_001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container()["securityContext"]["allowPrivilegeEscalation"] is False
    assert container()["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert [set(volume) for volume in pod["volumes"]] == [{"name", "emptyDir"}]


def test_pods_are_given_no_service_links_and_no_credential_of_the_cluster():
    pod = objects()["Deployment"]["spec"]["template"]["spec"]

    assert pod["enableServiceLinks"] is False
    assert pod["automountServiceAccountToken"] is False


def test_the_only_place_that_can_be_written_is_tmp():
    assert container()["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in container()["volumeMounts"]] == ["/tmp"]


def test_a_new_pod_comes_before_an_old_one_goes():
    rolling = objects()["Deployment"]["spec"]["strategy"]["rollingUpdate"]

    assert rolling == {"maxUnavailable": 0, "maxSurge": 1}


def test_the_port_is_declared_told_and_probed():
    app = container(workload(spec={"port": 3000, "health": {"path": "/healthz", "interval": "5s", "timeout": "1s"}}))

    assert app["ports"] == [{"name": "http", "containerPort": 3000, "protocol": "TCP"}]
    assert app["env"] == [{"name": "PORT", "value": "3000"}]
    assert app["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert (app["readinessProbe"]["periodSeconds"], app["readinessProbe"]["timeoutSeconds"]) == (5, 1)
    assert app["livenessProbe"]["tcpSocket"] == app["startupProbe"]["tcpSocket"] == {"port": "http"}


def test_a_slow_start_is_not_killed_before_the_deadline():
    probe = container(workload(spec={"health": {"deadline": "3m"}}))["startupProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] == 180


def test_the_service_sends_port_80_to_the_releases_own_pods():
    spec = objects(workload(4))["Service"]["spec"]

    assert spec["selector"] == {"cygni.dev/service": "web", "cygni.dev/revision": "r4"}
    assert spec["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]


def test_config_variables_are_in_the_secret_alone_and_override_the_app_files():
    found = objects(workload(spec={"env": {"MODE": "file"}}, config={"MODE": "config"}))

    assert found["ConfigMap"]["data"] == {"MODE": "file"}
    assert base64.b64decode(found["Secret"]["data"]["MODE"]) == b"config"
    assert list(container()["envFrom"][-1]) == ["secretRef"]


@pytest.mark.parametrize(
    ("start", "shell"),
    [
        ("python app.py", "exec python app.py"),
        ('gunicorn -b "0.0.0.0:$PORT" app:app', 'exec gunicorn -b "0.0.0.0:$PORT" app:app'),
        ("exec ./server", "exec ./server"),
        ("./migrate && ./server", "./migrate && ./server"),
        ("MODE=a ./server", "MODE=a ./server"),
    ],
)
def test_a_start_that_is_one_command_replaces_its_shell(start, shell):
    assert command_of(workload(spec={"start": start})) == ["sh", "-c", shell]


def test_a_workloads_own_command_wins_over_start_and_without_either_the_image_decides():
    assert command_of(workload(command=("node", "server.js"), spec={"start": "npm start"})) == ["node", "server.js"]
    assert "command" not in container()


def test_memory_is_held_to_its_request_and_cpu_is_not_capped():
    resources = container(workload(spec={"resources": {"cpu": "250m", "memory": "64Mi"}}))["resources"]

    assert resources == {"requests": {"cpu": "250m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}


@pytest.mark.parametrize(("scale", "pods"), [({"min": 0}, 1), ({"min": 0, "max": 1}, 1), ({"min": 0, "max": 3}, 1)])
def test_a_service_that_may_sleep_starts_awake_and_says_after_how_long_it_sleeps(scale, pods):
    found = objects(workload(spec={"scale": {**scale, "idle": "90s"}}, replicas=0))

    assert found["Deployment"]["spec"]["replicas"] == pods
    assert found["Service"]["metadata"]["annotations"] == {"cygni.dev/idle-seconds": "90"}
    assert ("HorizontalPodAutoscaler" in found) == (scale.get("max", 1) > 1)
    assert found.get("HorizontalPodAutoscaler", {"spec": {"minReplicas": 1}})["spec"]["minReplicas"] == 1


def test_a_service_that_stays_awake_says_nothing_of_sleep():
    assert "annotations" not in objects()["Service"]["metadata"]


def test_a_fixed_scale_has_no_autoscaler_and_runs_the_pods_it_is_told():
    found = objects(workload(replicas=3))

    assert "HorizontalPodAutoscaler" not in found
    assert found["Deployment"]["spec"]["replicas"] == 3


@pytest.mark.parametrize(("asked", "started"), [(1, 2), (4, 4), (9, 6)])
def test_an_autoscaled_release_starts_within_its_range(asked, started):
    found = objects(workload(spec=SCALED, replicas=asked))

    assert found["Deployment"]["spec"]["replicas"] == started
    scaler = found["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"], scaler["scaleTargetRef"]["name"]) == (2, 6, "web-r1")
    assert scaler["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}


@pytest.mark.parametrize(("api", "drains"), [((1, 29), False), ((1, 30), True), ((2, 0), True)])
def test_a_pod_sleeps_before_it_stops_where_the_cluster_knows_how(api, drains):
    assert ("lifecycle" in container(api=api)) == drains


def test_the_last_lines_of_a_failed_process_are_kept_in_the_pods_status():
    assert container()["terminationMessagePolicy"] == "FallbackToLogsOnError"
