"""The façade against a cluster in memory: every use case, done twice, and done again after dying at each write."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.platform.errors import ClusterUnavailable, LostRace
from chalicelib.platform.traffic import Reading
from chalicelib.runtime import service
from chalicelib.runtime.rules import Target
from tests.chalicelib.runtime.builders import HOST, TARGET, after, ended, event, running, workload
from tests.chalicelib.runtime.test_logs import stamped
from tests.fakes.kube import FakeCluster

SPACE = TARGET.namespace
API = Target(TARGET.team, TARGET.project, TARGET.environment, "api")
OWN = ("Deployment", "Service", "ConfigMap", "Secret", "HorizontalPodAutoscaler")
SCALED = {"scale": {"min": 2, "max": 6}}


@pytest.fixture
def cluster():
    return FakeCluster()


def apply(cluster, number=1, *, target=TARGET, **changes):
    service.apply_release(cluster, workload(number, target=target, **changes), host=target.host("localhost", home=target.team))


def split(cluster, weights, mark="t"):
    service.set_weights(cluster, TARGET, weights, host=HOST, put_up=service.fence(cluster, TARGET), mark=mark)


def releases(cluster, kind="Deployment"):
    return sorted(name for of, _, name in cluster.objects if of == kind)


def objects_of(cluster, number):
    """The release's objects with their versions, so that a write to one shows."""
    return {key: each for key, each in cluster.objects.items() if key[0] in OWN and key[2] == TARGET.release(number)}


def test_a_first_release_is_in_the_cluster_with_all_the_traffic(cluster):
    apply(cluster)

    assert set(objects_of(cluster, 1)) == {(kind, SPACE, "web-r1") for kind in OWN[:4]}
    assert service.weights(cluster, TARGET) == {1: 100}


@pytest.mark.parametrize("between", [{1: 50, 2: 50}, {1: 90, 2: 10}], ids=["other weights", "the same weights"])
def test_a_worker_that_is_late_moves_no_traffic_when_another_has_written_the_route(cluster, between):
    apply(cluster, 1)
    apply(cluster, 2)
    split(cluster, {1: 90, 2: 10}, mark="first")
    put_up = service.fence(cluster, TARGET)
    split(cluster, between, mark="second")

    with pytest.raises(LostRace):
        service.set_weights(cluster, TARGET, {1: 0, 2: 100}, host=HOST, put_up=put_up, mark="late")

    assert service.weights(cluster, TARGET) == between


def test_a_worker_that_is_late_makes_no_route_for_a_service_that_is_gone(cluster):
    apply(cluster, 1)
    apply(cluster, 1, target=Target(TARGET.team, TARGET.project, TARGET.environment, "other"))  # the namespace stays
    put_up = service.fence(cluster, TARGET)
    service.remove_service(cluster, TARGET)

    with pytest.raises(LostRace):
        service.set_weights(cluster, TARGET, {1: 100}, host=HOST, put_up=put_up, mark="late")

    assert service.weights(cluster, TARGET) == {}


def test_what_removes_old_releases_leaves_a_later_one_that_has_no_traffic_yet(cluster):
    apply(cluster, 1)
    apply(cluster, 2)
    split(cluster, {2: 100})
    apply(cluster, 3)

    service.retire(cluster, TARGET, {2}, upto=2, mark="gone")

    assert releases(cluster) == ["web-r2", "web-r3"]


def test_the_removal_of_a_first_release_leaves_a_service_that_has_a_later_one(cluster):
    apply(cluster, 1)
    apply(cluster, 2)

    service.retire_first(cluster, TARGET, 1)
    left = releases(cluster)
    service.retire_first(cluster, TARGET, 2)

    assert left == ["web-r1", "web-r2"]
    assert cluster.objects == {}


def test_a_second_release_changes_neither_the_first_ones_objects_nor_the_weights(cluster):
    apply(cluster, 1)
    before = objects_of(cluster, 1)

    apply(cluster, 2)

    assert objects_of(cluster, 1) == before
    assert service.weights(cluster, TARGET) == {1: 100}
    assert releases(cluster) == ["web-r1", "web-r2"]


def test_applying_a_release_again_keeps_the_weights_that_were_set_since(cluster):
    apply(cluster, 1)
    apply(cluster, 2)
    split(cluster, {1: 90, 2: 10})

    apply(cluster, 2)
    apply(cluster, 1)

    assert service.weights(cluster, TARGET) == {1: 90, 2: 10}


def test_a_route_that_was_removed_is_not_made_anew_for_a_release_that_nobody_has_looked_at(cluster):
    apply(cluster, 1)
    cluster.delete("HTTPRoute", SPACE, "web")

    apply(cluster, 2)

    assert service.weights(cluster, TARGET) == {}


def test_an_autoscaled_release_that_is_applied_again_keeps_its_number_of_pods(cluster):
    apply(cluster, spec=SCALED)
    cluster.edit("Deployment", SPACE, "web-r1", replicas=5)

    apply(cluster, spec=SCALED)

    assert cluster.get("Deployment", SPACE, "web-r1")["spec"]["replicas"] == 5


def test_a_release_that_is_no_longer_autoscaled_loses_its_autoscaler(cluster):
    apply(cluster, spec=SCALED)

    apply(cluster)

    assert releases(cluster, "HorizontalPodAutoscaler") == []


def test_two_writers_of_one_inventory_cannot_both_win(cluster):
    apply(cluster, 1)
    racing = RacingCluster(cluster, lambda: apply(cluster, 2))

    with pytest.raises(LostRace):
        apply(racing, 3)

    apply(cluster, 3)
    service.remove_service(cluster, TARGET)
    assert cluster.objects == {}


class RacingCluster:
    """Lets somebody else write between our first write and the next."""

    def __init__(self, cluster, meanwhile):
        self._cluster, self._meanwhile = cluster, [meanwhile]

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    def apply(self, manifest):
        if self._meanwhile:
            self._meanwhile.pop()()
        return self._cluster.apply(manifest)


def test_weights_that_do_not_sum_to_100_never_reach_the_cluster(cluster):
    apply(cluster)

    with pytest.raises(ValueError, match="sum to 100"):
        split(cluster, {1: 50})

    assert service.weights(cluster, TARGET) == {1: 100}


def test_a_service_that_is_not_there_has_no_weights(cluster):
    assert service.weights(cluster, TARGET) == {}


def test_retiring_removes_every_release_that_is_not_kept(cluster):
    for number in (1, 2, 3):
        apply(cluster, number, spec=SCALED)
    split(cluster, {1: 0, 3: 100})

    service.retire(cluster, TARGET, {2, 3}, upto=3, mark="gone")

    assert {kind: releases(cluster, kind) for kind in OWN if kind != "ConfigMap"} == {
        kind: ["web-r2", "web-r3"] for kind in OWN if kind != "ConfigMap"
    }


def test_the_route_forgets_a_release_that_is_retired(cluster):
    apply(cluster, 1)
    apply(cluster, 2)
    split(cluster, {1: 0, 2: 100})

    service.retire(cluster, TARGET, {2}, upto=3, mark="gone")

    assert service.weights(cluster, TARGET) == {2: 100}
    assert cluster.get("HTTPRoute", SPACE, "web")["spec"]["hostnames"] == [HOST]


def test_a_release_that_is_sent_traffic_is_never_retired(cluster):
    apply(cluster, 1)
    apply(cluster, 2)

    service.retire(cluster, TARGET, {2}, upto=3, mark="gone")

    assert releases(cluster) == ["web-r1", "web-r2"]


def test_retiring_what_is_retired_writes_the_route_alone(cluster):
    apply(cluster)
    before = len(cluster.writes)

    service.retire(cluster, TARGET, {1}, upto=3, mark="gone")

    assert cluster.writes[before:] == [("apply", "HTTPRoute", "web")]


def test_retiring_leaves_what_is_not_in_the_inventory(cluster):
    apply(cluster, 1)
    apply(cluster, 2)
    cluster.put({"kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": SPACE, "labels": TARGET.labels(2)}})

    service.retire(cluster, TARGET, {1}, upto=3, mark="gone")

    assert "theirs" in releases(cluster, "ConfigMap")


def test_removing_the_last_service_leaves_an_empty_cluster(cluster):
    apply(cluster, 1)
    apply(cluster, 2)

    service.remove_service(cluster, TARGET)

    assert cluster.objects == {}


def test_removing_one_of_two_services_leaves_the_other_as_it_was(cluster):
    apply(cluster, target=API)
    alone = cluster.state()
    apply(cluster)

    service.remove_service(cluster, TARGET)

    assert cluster.state() == alone


def test_a_namespace_that_is_not_cygnis_is_never_removed(cluster):
    cluster.put({"kind": "Namespace", "metadata": {"name": SPACE}})

    service.remove_service(cluster, TARGET)

    assert list(cluster.objects) == [("Namespace", "", SPACE)]


def prepare_split(cluster):
    apply(cluster, 1)
    apply(cluster, 2)
    split(cluster, {1: 0, 2: 100})


STEPS = {
    "first release": (lambda cluster: None, lambda cluster: apply(cluster, 1, spec=SCALED)),
    "later release": (lambda cluster: apply(cluster, 1), lambda cluster: apply(cluster, 2)),
    "pruning release": (lambda cluster: apply(cluster, 1, spec=SCALED), lambda cluster: apply(cluster, 1)),
    "weights": (prepare_split, lambda cluster: split(cluster, {1: 50, 2: 50})),
    "retire": (prepare_split, lambda cluster: service.retire(cluster, TARGET, {2}, upto=3, mark="gone")),
    "remove": (prepare_split, lambda cluster: service.remove_service(cluster, TARGET)),
}


@pytest.mark.parametrize(("prepare", "step"), STEPS.values(), ids=STEPS)
def test_every_step_may_run_twice(cluster, prepare, step):
    prepare(cluster)
    step(cluster)
    once = cluster.state()

    step(cluster)

    assert cluster.state() == once


def died_at_each_write(prepare, step):
    """Clusters in which the step died before its 1st, 2nd, … last write."""
    for writes in range(100):
        cluster = FakeCluster()
        prepare(cluster)
        cluster.fail_after(writes)
        try:
            step(cluster)
        except ClusterUnavailable:
            yield cluster
        else:
            return


@pytest.mark.parametrize(("prepare", "step"), STEPS.values(), ids=STEPS)
def test_a_step_that_died_at_any_write_ends_alike_when_it_runs_again(cluster, prepare, step):
    prepare(cluster)
    step(cluster)

    for broken in died_at_each_write(prepare, step):
        step(broken)
        assert broken.state() == cluster.state()


@pytest.mark.parametrize(("prepare", "step"), STEPS.values(), ids=STEPS)
def test_a_step_that_died_at_any_write_leaves_nothing_that_removal_does_not_find(cluster, prepare, step):
    apply(cluster, target=API)

    for broken in died_at_each_write(lambda fresh: (apply(fresh, target=API), prepare(fresh)), step):
        service.remove_service(broken, TARGET)
        assert broken.state() == cluster.state()


def test_the_kill_points_are_as_many_as_the_writes(cluster):
    apply(cluster, spec=SCALED)

    assert len(list(died_at_each_write(*STEPS["first release"]))) == len(cluster.writes) == 12


def ready(cluster, at=10.0, number=1):
    return service.readiness(cluster, TARGET, number, now=after(at))


def test_a_release_is_ready_when_its_pods_are(cluster):
    apply(cluster)
    cluster.make_ready(SPACE, "web-r1")

    assert (ready(cluster).state, ready(cluster).ready, ready(cluster).desired) == ("ready", 2, 2)


def test_a_release_that_was_just_applied_is_waited_for(cluster):
    apply(cluster)

    assert ready(cluster).state == "waiting"


def test_a_process_that_exited_fails_the_release_with_its_last_lines(cluster):
    apply(cluster)
    status = {"name": "app", "state": ended(1), "restartCount": 0}
    cluster.add_pod(SPACE, "web-r1-a", TARGET.labels(1), ready=False, containerStatuses=[status])
    cluster.set_log(SPACE, "web-r1-a", stamped((1, "Traceback"), (2, "KeyError: 'DATABASE_URL'")))

    judged = ready(cluster)

    assert (judged.state, judged.reason) == ("failed", "exited")
    assert judged.log_tail == ("Traceback", "KeyError: 'DATABASE_URL'")


def test_when_the_node_has_no_log_the_lines_in_the_pods_status_are_given(cluster):
    apply(cluster)
    end = ended(1)
    end["terminated"]["message"] = "one\ntwo\n"
    status = {"name": "app", "state": end, "restartCount": 0}
    cluster.add_pod(SPACE, "web-r1-a", TARGET.labels(1), ready=False, containerStatuses=[status])

    assert ready(cluster).log_tail == ("one", "two")


def test_what_the_node_saw_of_a_pods_ports_fails_the_release(cluster):
    apply(cluster)
    status = {"name": "app", "state": running(1), "restartCount": 0}
    cluster.add_pod(SPACE, "web-r1-a", TARGET.labels(1), ready=False, containerStatuses=[status])
    seen = event("WrongPort", "listening on port 3000, but PORT is 8080: listen on the port in PORT")
    cluster.put(seen | {"kind": "Event", "metadata": {"name": "e", "namespace": SPACE}})

    assert ready(cluster).reason == "wrong-port"


def test_another_releases_pods_say_nothing_about_this_one(cluster):
    apply(cluster, 1)
    apply(cluster, 2)
    status = {"name": "app", "state": ended(1), "restartCount": 0}
    cluster.add_pod(SPACE, "web-r2-a", TARGET.labels(2), ready=False, containerStatuses=[status])

    assert (ready(cluster, number=1).state, ready(cluster, number=2).state) == ("waiting", "failed")


def read(cluster, **options):
    return service.read_logs(cluster, TARGET, **({"number": None} | options))


def lines(page):
    return [(line.revision, line.text) for line in page.lines]


@pytest.fixture
def logged(cluster):
    for number in (1, 2):
        cluster.add_pod(SPACE, f"web-r{number}-a", TARGET.labels(number))
    cluster.set_log(SPACE, "web-r1-a", stamped((1 * 10**9, "one"), (3 * 10**9, "three")))
    cluster.set_log(SPACE, "web-r2-a", stamped((2 * 10**9, "two")))
    return cluster


def test_logs_are_the_last_lines_of_all_releases_in_order(logged):
    assert lines(read(logged, limit=2)) == [("r2", "two"), ("r1", "three")]


def test_logs_of_one_release_are_its_own(logged):
    assert lines(read(logged, number=1)) == [("r1", "one"), ("r1", "three")]


def test_logs_since_a_moment_begin_with_its_lines(logged):
    assert lines(read(logged, since=after(2), limit=1)) == [("r2", "two")]


def test_a_cursor_goes_on_after_its_page(logged):
    page = read(logged, since=after(0), limit=2)
    logged.set_log(SPACE, "web-r2-a", stamped((2 * 10**9, "two"), (4 * 10**9, "four")))

    assert lines(page) == [("r1", "one"), ("r2", "two")]
    assert lines(read(logged, cursor=page.cursor)) == [("r1", "three"), ("r2", "four")]


def test_a_pod_whose_node_is_silent_does_not_hold_up_the_others_and_loses_nothing(logged):
    logged.silent = {"web-r2-a"}
    page = read(logged, since=after(0))
    logged.silent = set()

    assert lines(page) == [("r1", "one"), ("r1", "three")]
    assert lines(read(logged, cursor=page.cursor)) == [("r2", "two")]


def test_when_no_node_answers_the_cluster_is_unavailable(logged):
    logged.silent = {"web-r1-a", "web-r2-a"}

    with pytest.raises(ClusterUnavailable):
        read(logged)


def test_a_verdict_is_not_kept_back_when_the_node_is_silent(cluster):
    apply(cluster)
    status = {"name": "app", "state": ended(1), "restartCount": 0}
    cluster.add_pod(SPACE, "web-r1-a", TARGET.labels(1), ready=False, containerStatuses=[status])
    cluster.silent = {"web-r1-a"}

    assert (ready(cluster).reason, ready(cluster).log_tail) == ("exited", ())


def test_a_service_without_pods_has_an_empty_page_that_goes_on(cluster):
    page = read(cluster)
    cluster.add_pod(SPACE, "web-r1-a", TARGET.labels(1))
    cluster.set_log(SPACE, "web-r1-a", stamped((1, "hello")))

    assert lines(page) == []
    assert lines(read(cluster, cursor=page.cursor)) == [("r1", "hello")]


class Metrics:
    def read(self, namespace, backends):
        assert namespace == SPACE
        return {name: Reading(7, 1, ((0.1, 7),)) for name in backends if name == "web-r2"}


def test_traffic_is_given_by_release_and_none_where_nothing_was_counted():
    assert service.traffic_arms(Metrics(), TARGET, [1, 2]) == {1: None, 2: Reading(7, 1, ((0.1, 7),))}


def test_the_facade_names_exactly_what_it_offers():
    assert [name for name in service.__all__ if not hasattr(service, name)] == []


def test_importing_the_facade_imports_no_client_of_kubernetes():
    code = "import sys, chalicelib.runtime.service; print(sorted({'kubernetes', 'urllib3', 'boto3'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"
