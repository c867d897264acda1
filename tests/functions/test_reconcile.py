from __future__ import annotations

from functions.reconcile import shares


def test_the_namespaces_of_every_cluster_are_shared_between_as_many_functions() -> None:
    acme = {"team": "team_1", "cluster": "acme"}

    assert shares([{}, acme], 2) == [
        {"shard": 0, "of": 2},
        {"shard": 1, "of": 2},
        {"shard": 0, "of": 2, **acme},
        {"shard": 1, "of": 2, **acme},
    ]


def test_a_single_cluster_is_one_share() -> None:
    assert shares([{}], 1) == [{"shard": 0, "of": 1}]
