from __future__ import annotations

import pytest

from cygni.local.kube.errors import ApiError
from cygni.local.kube.verbs.options import DeleteOptions
from cygni.local.kube.web.request import Target, delete_options, parse_body, parse_path, write_options


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/pods", Target("", "v1", "pods")),
        ("/api/v1/nodes/n", Target("", "v1", "nodes", "", "n")),
        ("/api/v1/namespaces/n", Target("", "v1", "namespaces", "", "n")),
        ("/api/v1/namespaces/n/status", Target("", "v1", "namespaces", "", "n", "status")),
        ("/api/v1/namespaces/n/pods", Target("", "v1", "pods", "n")),
        ("/api/v1/namespaces/n/pods/p/log", Target("", "v1", "pods", "n", "p", "log")),
        ("/apis/apps/v1/namespaces/n/deployments/d/scale", Target("apps", "v1", "deployments", "n", "d", "scale")),
        ("/api/v1", None),
        ("/apis/apps/v1", None),
        ("/healthz", None),
    ],
)
def test_a_path_is_taken_apart(path: str, target: Target | None) -> None:
    assert parse_path(path) == target


def test_a_body_is_json_or_yaml_and_times_stay_text() -> None:
    assert parse_body(b'{"a": 1}') == parse_body(b"a: 1") == {"a": 1}
    assert parse_body(b"at: 2026-01-01T00:00:00Z") == {"at": "2026-01-01T00:00:00Z"}
    assert parse_body(b" ") is None


@pytest.mark.parametrize("raw", [b"{: [", b"\xff\xff", b"!!python/object:os.system {}"])
def test_a_body_that_is_neither_is_refused(raw: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        parse_body(raw)
    assert refused.value.code == 400


def test_the_manager_is_the_user_agent_unless_said() -> None:
    assert write_options({}, "kubectl/v1.32 (linux)").manager == "kubectl"
    assert write_options({"fieldManager": "me"}, "kubectl/v1.32").manager == "me"


def test_applying_needs_a_manager() -> None:
    with pytest.raises(ApiError, match="fieldManager"):
        write_options({}, "kubectl/v1.32", apply=True)


@pytest.mark.parametrize("query", [{"fieldValidation": "Loose"}, {"dryRun": "Some"}])
def test_unknown_options_are_refused(query: dict[str, str]) -> None:
    class Query(dict[str, str]):
        def getall(self, name: str) -> list[str]:
            return [self[name]]

    with pytest.raises(ApiError):
        write_options(Query(query), "")


def test_the_body_of_a_delete_comes_before_the_query() -> None:
    query = {"gracePeriodSeconds": "1", "propagationPolicy": "Orphan"}
    assert delete_options(query, {"gracePeriodSeconds": 5}) == DeleteOptions(grace=5, propagation="Orphan")
    assert delete_options({}, {"orphanDependents": True}).propagation == "Orphan"


@pytest.mark.parametrize("body", [{"propagationPolicy": "Sideways"}, {"gracePeriodSeconds": "soon"}, {"dryRun": ["None"]}])
def test_a_delete_that_cannot_be_understood_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ApiError):
        delete_options({}, body)
