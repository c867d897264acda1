from __future__ import annotations

from chalicelib.runtime.cluster_rules import KEDA_RIGHTS, RIGHTS, Found, Health, judge

ALL = dict.fromkeys(RIGHTS, True)


def test_a_cluster_that_answers_and_grants_all_is_healthy() -> None:
    assert judge(Found((1, 34), ALL, routes=True)) == (
        Health.HEALTHY,
        "Kubernetes 1.34 answers and grants all that Cygni does.",
    )


def test_rights_that_are_missing_are_named_and_come_before_all_else() -> None:
    health, sentence = judge(Found((1, 20), ALL | {RIGHTS[0]: False, RIGHTS[-1]: False}, routes=False))

    assert health is Health.REFUSED
    assert sentence == "Grant Cygni's account in the cluster: get namespaces, patch networkpolicies.networking.k8s.io."


def test_a_cluster_without_routes_is_of_no_use() -> None:
    assert judge(Found((1, 34), ALL, routes=False))[0] is Health.REFUSED


def test_an_old_version_limits_and_may_be_used() -> None:
    health, sentence = judge(Found((1, 29), ALL, routes=True))

    assert health is Health.LIMITED
    assert "1.29" in sentence
    assert health.usable


def test_what_is_not_known_to_be_well_is_not_used() -> None:
    assert [each.value for each in Health if each.usable] == ["healthy", "limited"]


def test_rights_on_keda_that_are_missing_limit_a_cluster_and_are_named() -> None:
    given = dict.fromkeys(KEDA_RIGHTS, True)

    assert judge(Found((1, 34), ALL, routes=True, scaling=given))[0] is Health.HEALTHY
    health, sentence = judge(Found((1, 34), ALL, routes=True, scaling=given | {KEDA_RIGHTS[0]: False}))
    assert health is Health.LIMITED
    assert sentence.endswith("grant Cygni's account in the cluster patch scaledobjects.keda.sh.")
