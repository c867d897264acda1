"""Create, read, update, patch, delete, and how each is refused."""

from __future__ import annotations

import pytest

from tests.contract.api import JSON, MERGE, STRATEGIC, Api, eventually
from tests.contract.conftest import Space
from tests.contract.objects import DEPLOYMENTS, config, deployment, first_container, owned_by, pod, service, without


def test_a_new_object_gets_identity(space: Space) -> None:
    metadata = space.create("configmaps", config("a"))["metadata"]
    assert metadata["namespace"] == space.name
    assert metadata["uid"]
    assert metadata["resourceVersion"].isdigit()
    assert metadata["creationTimestamp"].endswith("Z")


def test_absent_is_404_with_its_name(space: Space) -> None:
    answer = space.read("configmaps", "nobody")
    assert (answer.status, answer.reason) == (404, "NotFound")
    assert answer.body["details"] == {"name": "nobody", "kind": "configmaps"}
    assert answer.body["message"] == 'configmaps "nobody" not found'


def test_absent_in_a_group_names_the_group(space: Space) -> None:
    answer = space.read(DEPLOYMENTS, "nobody")
    assert answer.body["details"] == {"name": "nobody", "group": "apps", "kind": "deployments"}


def test_an_unknown_resource_is_404(api: Api) -> None:
    answer = api.get("/apis/apps/v1/unheardof")
    assert answer.status == 404


def test_writing_into_an_absent_namespace_is_404_of_the_namespace(api: Api) -> None:
    answer = api.post("/api/v1/namespaces/no-such-place/configmaps", config("a"))
    assert (answer.status, answer.body["details"]) == (404, {"name": "no-such-place", "kind": "namespaces"})


def test_a_taken_name_is_already_exists(api: Api, space: Space) -> None:
    space.create("configmaps", config("a"))
    answer = api.post(space.path("configmaps"), config("a"))
    assert (answer.status, answer.reason) == (409, "AlreadyExists")


def test_generated_names_differ(space: Space) -> None:
    body = {"metadata": {"generateName": "made-"}, "data": {}}
    names = {space.create("configmaps", body)["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("made-") and len(name) == 10 for name in names)


def test_an_update_of_an_old_version_is_a_conflict(api: Api, space: Space) -> None:
    old = space.create("configmaps", config("a", {"k": "1"}))
    path = space.path("configmaps", "a")
    assert api.put(path, {**old, "data": {"k": "2"}}).status == 200
    answer = api.put(path, {**old, "data": {"k": "3"}})
    assert (answer.status, answer.reason) == (409, "Conflict")
    assert "the object has been modified" in answer.body["message"]


def test_an_update_that_changes_nothing_keeps_the_version(api: Api, space: Space) -> None:
    old = space.create("configmaps", config("a", {"k": "1"}))
    assert api.put(space.path("configmaps", "a"), old).body["metadata"] == old["metadata"]


def test_a_patch_may_be_conditional_on_the_version(api: Api, space: Space) -> None:
    old = space.create("configmaps", config("a", {"k": "1"}))
    path = space.path("configmaps", "a")
    version = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}}
    assert api.patch(path, {**version, "data": {"k": "2"}}).status == 200
    assert api.patch(path, {**version, "data": {"k": "3"}}).status == 409


def test_merge_patches_remove_with_null_and_replace_lists(api: Api, space: Space) -> None:
    space.create("configmaps", config("a", {"k": "1", "l": "2"}))
    body = api.patch(space.path("configmaps", "a"), {"data": {"k": None, "m": "3"}}, MERGE).body
    assert body["data"] == {"l": "2", "m": "3"}


def test_json_patches_test_before_they_write(api: Api, space: Space) -> None:
    space.create("configmaps", config("a", {"k": "1"}))
    path = space.path("configmaps", "a")
    good = [{"op": "test", "path": "/data/k", "value": "1"}, {"op": "replace", "path": "/data/k", "value": "2"}]
    assert api.patch(path, good, JSON).body["data"] == {"k": "2"}
    assert api.patch(path, good, JSON).status == 422


def test_strategic_patches_merge_containers_by_name(api: Api, space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(env=[{"name": "A", "value": "1"}]))
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "env": [{"name": "B", "value": "2"}]}]}}}}
    body = api.patch(space.path(DEPLOYMENTS, "web"), patch, STRATEGIC).body
    assert first_container(body)["image"]
    assert {each["name"] for each in first_container(body)["env"]} == {"A", "B"}


def test_strategic_patches_delete_elements(api: Api, space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]))
    env = [{"name": "A", "$patch": "delete"}]
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "env": env}]}}}}
    body = api.patch(space.path(DEPLOYMENTS, "web"), patch, STRATEGIC).body
    assert first_container(body)["env"] == [{"name": "B", "value": "2"}]


def test_an_unknown_patch_type_is_415(api: Api, space: Space) -> None:
    space.create("configmaps", config("a"))
    assert api.send("PATCH", space.path("configmaps", "a"), "{}", "application/unheard-of").status == 415


def test_a_spec_change_is_a_new_generation_and_a_label_is_not(api: Api, space: Space) -> None:
    path = space.path(DEPLOYMENTS, "web")
    assert space.create(DEPLOYMENTS, deployment())["metadata"]["generation"] == 1
    assert api.patch(path, {"metadata": {"labels": {"a": "b"}}}).body["metadata"]["generation"] == 1
    assert api.patch(path, {"spec": {"replicas": 2}}).body["metadata"]["generation"] == 2


def test_defaults_are_filled_in(space: Space) -> None:
    spec = space.create(DEPLOYMENTS, deployment(replicas=None))["spec"]
    assert (spec["replicas"], spec["progressDeadlineSeconds"], spec["revisionHistoryLimit"]) == (1, 600, 10)
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert spec["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_a_service_gets_an_address_of_its_own(space: Space) -> None:
    first = space.create("services", service("a"))["spec"]
    second = space.create("services", service("b"))["spec"]
    assert first["clusterIP"] != second["clusterIP"]
    assert first["type"] == "ClusterIP"
    assert first["ports"] == [{"port": 80, "targetPort": "http", "protocol": "TCP"}]


def test_secrets_take_plain_text_and_keep_it_encoded(space: Space) -> None:
    body = space.create("secrets", {"metadata": {"name": "s"}, "stringData": {"k": "v"}})
    assert (body["data"], body["type"], "stringData" in body) == ({"k": "dg=="}, "Opaque", False)


def test_a_pod_starts_pending(space: Space) -> None:
    assert space.create("pods", pod("p"))["status"]["phase"] == "Pending"


def test_deleting_answers_success_and_then_404(api: Api, space: Space) -> None:
    space.create("configmaps", config("a"))
    answer = api.delete(space.path("configmaps", "a"))
    assert (answer.status, answer.body["status"]) == (200, "Success")
    assert api.delete(space.path("configmaps", "a")).status == 404


def test_a_precondition_guards_a_delete(api: Api, space: Space) -> None:
    space.create("configmaps", config("a"))
    answer = api.delete(space.path("configmaps", "a"), {"preconditions": {"uid": "another"}})
    assert (answer.status, answer.reason) == (409, "Conflict")


def test_finalizers_hold_an_object_until_they_are_gone(api: Api, space: Space) -> None:
    space.create("configmaps", config("a", finalizers=["example.com/wait"]))
    path = space.path("configmaps", "a")
    api.delete(path)
    assert api.get(path).body["metadata"]["deletionTimestamp"]
    refused = api.patch(path, {"metadata": {"finalizers": ["example.com/wait", "example.com/more"]}})
    assert (refused.status, refused.fields) == (422, {"metadata.finalizers"})
    api.patch(path, {"metadata": {"finalizers": None}})
    assert api.get(path).status == 404


def test_a_pod_without_a_node_vanishes_at_once(api: Api, space: Space) -> None:
    space.create("pods", pod("p"))
    api.delete(space.path("pods", "p"))
    assert space.read("pods", "p").status == 404


def test_a_collection_is_deleted_by_labels(api: Api, space: Space) -> None:
    space.create("configmaps", config("a", labels={"go": "yes"}))
    space.create("configmaps", config("b"))
    api.delete(space.path("configmaps"), labelSelector="go=yes")
    assert "a" not in api.names(space.path("configmaps"))
    assert "b" in api.names(space.path("configmaps"))


@pytest.mark.controllers
def test_what_an_owner_owned_follows_it(api: Api, space: Space) -> None:
    owner = space.create("configmaps", config("owner"))
    space.create("configmaps", config("owned", ownerReferences=owned_by(owner)))
    api.delete(space.path("configmaps", "owner"), propagationPolicy="Background")
    assert eventually(lambda: space.read("configmaps", "owned").status, lambda status: status == 404) == 404


@pytest.mark.controllers
def test_an_orphan_stays_without_its_owner(api: Api, space: Space) -> None:
    owner = space.create("configmaps", config("owner"))
    space.create("configmaps", config("owned", ownerReferences=owned_by(owner)))
    api.delete(space.path("configmaps", "owner"), propagationPolicy="Orphan")
    assert eventually(lambda: space.read("configmaps", "owner").status, lambda status: status == 404) == 404
    assert "ownerReferences" not in space.read("configmaps", "owned").body["metadata"]


@pytest.mark.controllers
def test_in_the_foreground_an_owner_waits_for_what_blocks_it(api: Api, space: Space) -> None:
    owner = space.create("configmaps", config("owner"))
    held = config("owned", ownerReferences=owned_by(owner, blockOwnerDeletion=True), finalizers=["example.com/wait"])
    space.create("configmaps", held)
    # The collector hears of owners with a delay of its own.
    api.delete(space.path("configmaps", "owner"), propagationPolicy="Foreground")

    def deleting() -> bool:
        return "deletionTimestamp" in space.read("configmaps", "owned").body.get("metadata", {})

    assert eventually(deleting, bool)
    assert space.read("configmaps", "owner").body["metadata"]["finalizers"] == ["foregroundDeletion"]
    api.patch(space.path("configmaps", "owned"), {"metadata": {"finalizers": None}})
    assert eventually(lambda: space.read("configmaps", "owner").status, lambda status: status == 404) == 404


@pytest.mark.parametrize("subresource", ["status", "scale"])
def test_subresources_have_paths_of_their_own(space: Space, subresource: str) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=2))
    body = space.read(DEPLOYMENTS, "web", subresource).body
    assert body["kind"] == ("Deployment" if subresource == "status" else "Scale")
    assert body["spec"]["replicas"] == 2


def test_scaling_changes_replicas_only(api: Api, space: Space) -> None:
    created = space.create(DEPLOYMENTS, deployment(replicas=1))
    scale = space.read(DEPLOYMENTS, "web", "scale").body
    scale["spec"]["replicas"] = 4
    answer = api.put(space.path(DEPLOYMENTS, "web", "scale"), {**scale, "metadata": {"name": "web", "namespace": space.name}})
    assert (answer.status, answer.body["spec"]["replicas"]) == (200, 4)
    spec = space.read(DEPLOYMENTS, "web").body["spec"]
    assert spec == {**created["spec"], "replicas": 4}


def test_scaling_below_zero_is_refused(api: Api, space: Space) -> None:
    space.create(DEPLOYMENTS, deployment())
    answer = api.patch(space.path(DEPLOYMENTS, "web", "scale"), {"spec": {"replicas": -1}})
    assert (answer.status, answer.fields) == (422, {"spec.replicas"})


def test_status_is_written_at_its_own_path_and_nothing_else_with_it(api: Api, space: Space) -> None:
    created = space.create("pods", pod("p"))
    # Without a version, since a scheduler writes the status of a new pod too.
    body = without(created, "metadata", "resourceVersion")
    body |= {"status": {"phase": "Running"}, "spec": {**created["spec"], "activeDeadlineSeconds": 5}}
    written = api.put(space.path("pods", "p", "status"), body).body
    assert written["status"]["phase"] == "Running"
    assert "activeDeadlineSeconds" not in written["spec"]


def test_a_plain_write_does_not_touch_status(api: Api, space: Space) -> None:
    space.create("pods", pod("p"))
    api.patch(space.path("pods", "p", "status"), {"status": {"phase": "Running"}})
    body = api.patch(space.path("pods", "p"), {"status": {"phase": "Failed"}, "metadata": {"labels": {"a": "b"}}}).body
    assert (body["status"]["phase"], body["metadata"]["labels"]) == ("Running", {"a": "b"})


def test_a_pod_is_bound_to_a_node_once(api: Api, space: Space) -> None:
    space.create("pods", pod("p"))
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    assert api.post(space.path("pods", "p", "binding"), binding).status == 201
    assert space.read("pods", "p").body["spec"]["nodeName"] == "n"
    assert api.post(space.path("pods", "p", "binding"), binding).status == 409


def test_a_pod_on_a_node_gets_its_grace(api: Api, space: Space) -> None:
    body = pod("p")
    body["spec"]["nodeName"] = "n"
    space.create("pods", body)
    path = space.path("pods", "p")
    going = api.delete(path, gracePeriodSeconds=20).body["metadata"]
    assert (going["deletionGracePeriodSeconds"], "deletionTimestamp" in going) == (20, True)
    api.delete(path, gracePeriodSeconds=0)
    assert api.get(path).status == 404


def test_dry_run_neither_creates_nor_deletes(api: Api, space: Space) -> None:
    path = space.path("configmaps", "a")
    assert api.post(space.path("configmaps"), config("a"), dryRun="All").status == 201
    assert api.get(path).status == 404
    space.create("configmaps", config("a"))
    assert api.delete(path, dryRun="All").status == 200
    assert api.get(path).status == 200
