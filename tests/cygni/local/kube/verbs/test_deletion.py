from __future__ import annotations

from typing import Any

from cygni.local.kube.resources.kinds import BUILTIN
from cygni.local.kube.verbs.deletion import is_finished, start_deletion
from cygni.local.kube.verbs.options import DeleteOptions

PODS, CONFIGS = (next(each for each in BUILTIN if each.key == key) for key in ("pods", "configmaps"))


def _pod(node: str = "n", phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", **metadata},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": 7},
        "status": {"phase": phase},
    }


def _grace(pod: dict[str, Any], options: DeleteOptions | None = None) -> int:
    return int(start_deletion(PODS, pod, options or DeleteOptions())["metadata"]["deletionGracePeriodSeconds"])


def test_a_pod_that_runs_gets_its_own_grace_or_the_given_one() -> None:
    assert _grace(_pod()) == 7
    assert _grace(_pod(), DeleteOptions(grace=3)) == 3


def test_a_pod_that_does_not_run_gets_none() -> None:
    assert _grace(_pod(node="")) == 0
    assert _grace(_pod(phase="Succeeded")) == 0


def test_a_second_delete_may_shorten_and_not_lengthen() -> None:
    going = start_deletion(PODS, _pod(), DeleteOptions(grace=5))
    assert _grace(going, DeleteOptions(grace=60)) == 5
    assert is_finished(PODS, start_deletion(PODS, going, DeleteOptions(grace=0)))


def test_finalizers_hold() -> None:
    held = {"metadata": {"name": "a", "finalizers": ["x/y"]}}
    assert not is_finished(CONFIGS, start_deletion(CONFIGS, held, DeleteOptions()))


def test_a_policy_becomes_a_finalizer_and_replaces_the_other() -> None:
    orphaned = start_deletion(CONFIGS, {"metadata": {"name": "a"}}, DeleteOptions(propagation="Orphan"))
    assert orphaned["metadata"]["finalizers"] == ["orphan"]
    changed = start_deletion(CONFIGS, orphaned, DeleteOptions(propagation="Foreground"))
    assert changed["metadata"]["finalizers"] == ["foregroundDeletion"]


def test_nothing_that_was_given_is_changed() -> None:
    pod = _pod()
    start_deletion(PODS, pod, DeleteOptions())
    assert pod == _pod()
