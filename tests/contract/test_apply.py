"""Server-side apply, which is how Cygni writes everything."""

from __future__ import annotations

import pytest

from tests.contract.api import MERGE, STRATEGIC, Api
from tests.contract.conftest import Space
from tests.contract.objects import DEPLOYMENTS, config, deployment, first_container, managers, service, widget, without


def test_apply_creates_what_is_absent_and_says_so(api: Api, space: Space) -> None:
    answer = api.apply(space.path("configmaps", "a"), config("a", {"k": "1"}))
    assert (answer.status, answer.body["data"]) == (201, {"k": "1"})
    assert managers(answer.body) == {("cygni", "Apply", "")}


def test_applying_the_same_again_changes_nothing(api: Api, space: Space) -> None:
    path = space.path(DEPLOYMENTS, "web")
    api.apply(path, deployment())
    # Controllers write too; what must not move is the generation.
    before = api.get(path).body["metadata"]["generation"]
    again = api.apply(path, deployment())
    assert (again.status, again.body["metadata"]["generation"]) == (200, before)


def test_a_config_map_applied_twice_keeps_its_version(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    first = api.apply(path, config("a", {"k": "1"})).body
    assert api.apply(path, config("a", {"k": "1"})).body == first


def test_a_field_no_longer_applied_goes(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    api.apply(path, config("a", {"k": "1", "gone": "2"}))
    assert api.apply(path, config("a", {"k": "1"})).body["data"] == {"k": "1"}


def test_a_map_no_longer_applied_goes_altogether(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    api.apply(path, config("a", {"k": "1"}, labels={"team": "x"}))
    body = api.apply(path, config("a")).body
    assert "data" not in body
    assert "labels" not in body["metadata"]


def test_a_field_of_somebody_else_is_a_conflict_that_names_field_and_owner(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    api.apply(path, config("a", {"k": "1"}), "first")
    answer = api.apply(path, config("a", {"k": "2"}), "second")
    assert (answer.status, answer.reason, answer.fields) == (409, "Conflict", {".data.k"})
    (cause,) = answer.body["details"]["causes"]
    assert (cause["reason"], cause["message"]) == ("FieldManagerConflict", 'conflict with "first"')
    assert answer.body["message"] == 'Apply failed with 1 conflict: conflict with "first": .data.k'


def test_several_conflicts_are_listed_by_their_owner(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    api.apply(path, config("a", {"k": "1", "l": "1"}), "first")
    answer = api.apply(path, config("a", {"k": "2", "l": "2"}), "second")
    assert answer.fields == {".data.k", ".data.l"}
    assert answer.body["message"] == 'Apply failed with 2 conflicts: conflicts with "first":\n- .data.k\n- .data.l'


def test_force_takes_the_field_away_from_its_owner(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    api.apply(path, config("a", {"k": "1"}), "first")
    answer = api.apply(path, config("a", {"k": "2"}), "second", force=True)
    assert answer.body["data"] == {"k": "2"}
    assert managers(answer.body) == {("second", "Apply", "")}


def test_the_same_value_is_shared_and_stays_until_both_let_go(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    api.apply(path, config("a", {"k": "1"}), "first")
    api.apply(path, config("a", {"k": "1"}), "second")
    assert api.apply(path, config("a"), "first").body["data"] == {"k": "1"}
    assert "data" not in api.apply(path, config("a"), "second").body


def test_a_plain_write_takes_ownership_from_an_applier(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    api.apply(path, config("a", {"k": "1"}))
    api.patch(path, {"data": {"k": "2"}}, MERGE, fieldManager="somebody")
    answer = api.apply(path, config("a", {"k": "1"}))
    assert answer.status == 409
    assert answer.body["details"]["causes"][0]["message"].startswith('conflict with "somebody" using v1')


def test_containers_are_merged_by_name_and_what_others_added_stays(api: Api, space: Space) -> None:
    path = space.path(DEPLOYMENTS, "web")
    api.apply(path, deployment(env=[{"name": "A", "value": "1"}]))
    other = deployment(replicas=None)
    other["spec"]["template"]["spec"]["containers"] = [{"name": "app", "env": [{"name": "B", "value": "2"}]}]
    assert api.apply(path, other, "other").status == 200
    body = api.apply(path, deployment(env=[{"name": "C", "value": "3"}])).body
    assert {each["name"] for each in first_container(body)["env"]} == {"B", "C"}


def test_a_container_no_longer_applied_goes_with_its_defaults(api: Api, space: Space) -> None:
    path = space.path(DEPLOYMENTS, "web")
    two = deployment()
    two["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
    api.apply(path, two)
    containers = api.apply(path, deployment()).body["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in containers] == ["app"]


def test_ports_are_keyed_by_number_and_protocol_with_its_default(api: Api, space: Space) -> None:
    path = space.path(DEPLOYMENTS, "web")
    api.apply(path, deployment(ports=[{"containerPort": 80, "name": "http"}]))
    body = api.apply(path, deployment(ports=[{"containerPort": 81, "name": "http"}])).body
    assert first_container(body)["ports"] == [{"containerPort": 81, "name": "http", "protocol": "TCP"}]


def test_replicas_left_to_somebody_else_are_left_alone(api: Api, space: Space) -> None:
    path = space.path(DEPLOYMENTS, "web")
    api.apply(path, deployment(replicas=None))
    scale = space.path(DEPLOYMENTS, "web", "scale")
    assert api.patch(scale, {"spec": {"replicas": 3}}, fieldManager="autoscaler").status == 200
    body = api.apply(path, deployment(replicas=None, env=[{"name": "A", "value": "1"}])).body
    assert body["spec"]["replicas"] == 3


def test_applying_replicas_after_a_scale_is_a_conflict_with_the_scaler(api: Api, space: Space) -> None:
    path = space.path(DEPLOYMENTS, "web")
    api.apply(path, deployment(replicas=1))
    api.patch(space.path(DEPLOYMENTS, "web", "scale"), {"spec": {"replicas": 3}}, fieldManager="autoscaler")
    answer = api.apply(path, deployment(replicas=1))
    assert (answer.status, answer.fields) == (409, {".spec.replicas"})


def test_finalizers_are_a_set_that_owners_share(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    api.apply(path, config("a", finalizers=["example.com/a"]), "first")
    body = api.apply(path, config("a", finalizers=["example.com/b"]), "second").body
    assert set(body["metadata"]["finalizers"]) == {"example.com/a", "example.com/b"}
    body = api.apply(path, config("a"), "first").body
    assert body["metadata"]["finalizers"] == ["example.com/b"]
    api.apply(path, config("a"), "second")


def test_an_atomic_list_has_one_owner(api: Api, space: Space) -> None:
    path = space.path(DEPLOYMENTS, "web")
    api.apply(path, deployment(command=["a", "b"]))
    answer = api.apply(path, deployment(command=["a"]), "other")
    assert answer.fields == {'.spec.template.spec.containers[name="app"].command'}


def test_ports_of_a_service_are_merged_and_its_address_stays(api: Api, space: Space) -> None:
    path = space.path("services", "web")
    first = api.apply(path, service()).body
    second = api.apply(path, service(ports=[{"port": 80, "targetPort": 8080}])).body
    assert second["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    assert second["spec"]["ports"] == [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]


def test_custom_resources_merge_their_keyed_lists(api: Api, space: Space, widgets: str) -> None:
    path = space.path(f"{widgets}/widgets", "w")
    api.apply(path, widget(widgets, "w", parts=[{"name": "a", "weight": 1}], tags=["x"]))
    api.apply(path, {**widget(widgets, "w", parts=[{"name": "b", "weight": 2}])}, "other")
    body = api.apply(path, widget(widgets, "w", parts=[{"name": "c"}], tags=["y"])).body
    assert {part["name"] for part in body["spec"]["parts"]} == {"b", "c"}
    assert body["spec"]["tags"] == ["y"]


def test_an_unknown_field_is_refused(api: Api, space: Space) -> None:
    body = deployment()
    body["spec"]["nonsense"] = 1
    answer = api.send("PATCH", space.path(DEPLOYMENTS, "web"), body, "application/apply-patch+yaml",
                      fieldManager="cygni", fieldValidation="Strict")  # fmt: skip
    assert answer.status >= 400
    assert "nonsense" in answer.body["message"]


def test_a_manager_is_required(api: Api, space: Space) -> None:
    assert api.send("PATCH", space.path("configmaps", "a"), config("a"), "application/apply-patch+yaml").status in {400, 422}


def test_dry_run_shows_and_does_not_store(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    answer = api.send(
        "PATCH", path, config("a", {"k": "1"}), "application/apply-patch+yaml", fieldManager="cygni", dryRun="All"
    )
    assert (answer.status, answer.body["data"]) == (201, {"k": "1"})
    assert api.get(path).status == 404


def test_an_old_resource_version_makes_apply_lose(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    old = api.apply(path, config("a", {"k": "1"})).body["metadata"]["resourceVersion"]
    api.apply(path, config("a", {"k": "2"}))
    answer = api.apply(path, config("a", {"k": "3"}, resourceVersion=old))
    assert (answer.status, answer.reason) == (409, "Conflict")


def test_an_apply_that_names_the_uid_of_an_object_that_is_gone_makes_none(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    old = api.apply(path, config("a", {"k": "1"})).body["metadata"]["uid"]
    api.delete(path)

    answer = api.apply(path, config("a", {"k": "2"}, uid=old))

    assert (answer.status, answer.reason) == (409, "Conflict")
    assert api.get(path).status == 404


def test_an_apply_that_names_uid_and_version_of_an_object_that_was_made_anew_changes_nothing(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    old = api.apply(path, config("a", {"k": "1"})).body["metadata"]
    api.delete(path)
    api.apply(path, config("a", {"k": "1"}))

    answer = api.apply(path, config("a", {"k": "2"}, uid=old["uid"], resourceVersion=old["resourceVersion"]))

    assert (answer.status, answer.reason) == (409, "Conflict")
    assert api.get(path).body["data"] == {"k": "1"}


def test_apply_leaves_status_to_its_endpoint(api: Api, space: Space, widgets: str) -> None:
    path = space.path(f"{widgets}/widgets", "w")
    body = api.apply(path, {**widget(widgets, "w"), "status": {"phase": "Lies"}}).body
    assert "status" not in body
    status = {**without(widget(widgets, "w"), "spec"), "status": {"phase": "Ready"}}
    assert api.apply(f"{path}/status", status, "controller").body["status"] == {"phase": "Ready"}
    assert api.apply(path, widget(widgets, "w", size=2)).body["status"] == {"phase": "Ready"}


def test_what_nobody_was_tracked_on_belongs_to_those_before(api: Api, space: Space) -> None:
    space.create("configmaps", config("a"))
    path = space.path("configmaps", "a")
    api.patch(path, {"data": {"k": "1"}})
    answer = api.apply(path, config("a", {"k": "2"}))
    assert answer.body["details"]["causes"][0]["message"].startswith('conflict with "before-first-apply" using v1')


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_managers_of_plain_patches_are_recorded(api: Api, space: Space, kind: str) -> None:
    space.create("configmaps", config("a", {"k": "0"}), fieldManager="maker")
    body = api.patch(space.path("configmaps", "a"), {"data": {"k": "1"}}, kind, fieldManager="patcher").body
    assert ("patcher", "Update", "") in managers(body)
