"""Clusters: registered by a team or lent by the operator, kept without their secrets in sight, and placed on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.cluster_calls import EKS, heal
from chalicelib.platform.errors import ClusterUnavailable, Failed
from chalicelib.projects.service import cluster_of
from chalicelib.runtime import registry
from chalicelib.runtime.cluster_rules import Right
from tests.support.cast import Cast
from tests.support.world import Client, Fakes

TOKEN = {"provider": "token", "server": "https://k8s.example.com", "token": "s3cret-token"}


@pytest.fixture
def cast(fakes: Fakes) -> Cast:
    return Cast(fakes)


def register(client: Client, name: str = "far", **more: Any) -> dict[str, Any]:
    made = client.post("/v1/clusters", {"name": name, "access": TOKEN, **more})
    assert made.status == 201, made.text
    return dict(made.json)


def reach(cast: Cast, name: str = "far", team: str = "") -> registry.Reach:
    return registry.reach(team or cast.team, name, secrets=cast.fakes.secrets, settings=cast.fakes.settings)


def kept(cast: Cast) -> list[str]:
    """The names of the credentials in the secret store."""
    return [name for name in cast.fakes.secrets.values if name.startswith("cygni/clusters/")]


def placed(cast: Cast, cluster: str | None, environment: str = "far-away", by: Client | None = None) -> Any:
    path = f"/v1/projects/shop/environments/{environment}"
    if cast.owner.get(path).status == 404:
        cast.owner.post("/v1/projects", {"name": "shop"})
        assert cast.owner.post("/v1/projects/shop/environments", {"name": environment}).status == 201
    return (by or cast.owner)("PUT", f"{path}/cluster", {"cluster": cluster})


class Answering:
    """A cluster that answers a check: all rights but those that are missing."""

    def __init__(self, *missing: str, error: Exception | None = None) -> None:
        self.missing, self.error = missing, error

    def version(self) -> tuple[int, int]:
        if self.error is not None:
            raise self.error
        return 1, 34

    def may(self, verb: str, group: str, resource: str) -> bool:
        return str(Right(verb, group, resource)) not in self.missing

    def serves(self, kind: str) -> bool:
        return True


def test_a_cluster_is_shown_to_the_team_without_its_credential_which_is_in_the_secret_store(cast: Cast) -> None:
    made = register(cast.owner)

    listed = cast.viewer.get("/v1/clusters")
    shown = cast.developer.get("/v1/clusters/far")

    assert listed.json["items"] == [shown.json] == [made]
    assert (made["provider"], made["server"], made["health"], made["own"]) == ("token", TOKEN["server"], "unchecked", True)
    assert "s3cret" not in listed.text + shown.text
    (secret,) = kept(cast)
    assert secret.startswith(f"cygni/clusters/{cast.team}/acc_")
    assert "s3cret-token" in cast.fakes.secrets.values[secret]
    assert reach(cast).access.to_dict()["credential"] == {"token": "s3cret-token"}


def test_the_audit_trail_has_who_registered_what_and_no_secret(cast: Cast) -> None:
    register(cast.owner)

    trail = cast.owner.get("/v1/audit")

    line = trail.json["items"][0]
    assert (line["operation"], line["outcome"]) == ("register_cluster", "done")
    assert "s3cret" not in trail.text


def test_another_teams_cluster_is_as_absent_as_one_that_never_was(cast: Cast) -> None:
    register(cast.owner)

    for method, path, body in (
        ("GET", "/v1/clusters/far", None),
        ("PUT", "/v1/clusters/far", {"access": TOKEN}),
        ("POST", "/v1/clusters/far/check", None),
        ("DELETE", "/v1/clusters/far", None),
    ):
        assert cast.stranger(method, path, body, headers={"if-match": '"1"'}).status == 404
    assert cast.stranger.get("/v1/clusters").json["items"] == []
    assert len(kept(cast)) == 1


def test_a_name_is_taken_once_and_the_second_credential_is_forgotten(cast: Cast) -> None:
    register(cast.owner)

    assert cast.owner.post("/v1/clusters", {"name": "far", "access": TOKEN}).status == 409
    assert len(kept(cast)) == 1


def test_the_same_request_twice_registers_one_cluster(cast: Cast) -> None:
    body, key = {"name": "far", "access": TOKEN}, {"idempotency-key": "once"}

    first, second = (cast.owner.post("/v1/clusters", body, headers=key) for _ in range(2))

    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert len(kept(cast)) == 1


def test_a_replaced_credential_is_used_from_then_on_and_the_old_one_is_forgotten(cast: Cast) -> None:
    register(cast.owner)
    before = reach(cast)
    change = {"access": {**TOKEN, "token": "new"}}

    changed = cast.admin("PUT", "/v1/clusters/far", change, headers={"if-match": '"1"'})
    stale = cast.admin("PUT", "/v1/clusters/far", change, headers={"if-match": '"1"'})

    assert (changed.status, changed.headers["etag"], stale.status) == (200, '"2"', 412)
    assert reach(cast).access.to_dict()["credential"] == {"token": "new"}
    assert reach(cast).id != before.id
    assert len(kept(cast)) == 1


def test_what_is_refused_names_the_field_and_keeps_the_secret(cast: Cast) -> None:
    for access, field in (
        ({**TOKEN, "server": "http://k8s.example.com"}, "body.access.server"),
        ({**TOKEN, "token": "s3cret\nline"}, "body.access.token"),
        ({**EKS, "role": None}, "body.access.role"),
        ({"provider": "kubeconfig", "kubeconfig": "users: [s3cret"}, "body.access.kubeconfig"),
        (
            {"provider": "gke", "server": "https://a", "certificate_authority": "", "service_account": "s3cret"},
            "service_account",
        ),
    ):
        refused = cast.owner.post("/v1/clusters", {"name": "far", "access": access})
        assert refused.status == 422, refused.text
        assert field in refused.text
        assert "s3cret" not in refused.text
    assert kept(cast) == []


def test_a_teams_role_is_assumed_with_its_own_id_whatever_the_request_says(cast: Cast) -> None:
    register(cast.owner, access=EKS)

    assert reach(cast).access.to_dict()["credential"]["external_id"] == cast.team


def test_a_check_says_what_a_cluster_grants_and_an_environment_is_placed_on_no_other(cast: Cast) -> None:
    register(cast.owner)
    assert placed(cast, "far").status == 409

    for cluster, health, words in (
        (Answering("patch secrets"), "refused", "patch secrets"),
        (Answering(error=ClusterUnavailable("It gave no answer.")), "unreachable", "It gave no answer."),
        (Answering(error=Failed("Not you.", remedy="Renew it.")), "refused", "Not you. Renew it."),
    ):
        registry.check_cluster(cast.team, "far", connect=lambda *_, it=cluster: it, now=cast.fakes.clock())
        found = cast.owner.get("/v1/clusters/far").json
        assert (found["health"], words in found["found"]) == (health, True)
        refused = placed(cast, "far")
        assert refused.status == 409
        assert words in refused.json["detail"]

    registry.check_cluster(cast.team, "far", connect=lambda *_: Answering(), now=cast.fakes.clock())
    assert placed(cast, "far").json["cluster"] == "far"


def test_a_check_asks_the_function_that_loads_the_client_and_shows_what_it_recorded(cast: Cast) -> None:
    register(cast.owner)
    cast.fakes.functions.answers["cygni-check-cluster"] = None

    assert cast.developer.post("/v1/clusters/far/check").status == 200
    assert cast.viewer.post("/v1/clusters/far/check").status == 403
    assert cast.fakes.functions.calls == [("cygni-check-cluster", {"team": cast.team, "name": "far"})]


def test_every_registered_cluster_is_found_by_the_schedule_and_one_that_is_gone_is_no_error(cast: Cast) -> None:
    register(cast.owner)
    register(cast.stranger, "near")

    assert sorted(name for _, name in registry.registered_clusters()) == ["far", "near"]
    assert registry.check_cluster(cast.team, "gone", connect=lambda *_: Answering(), now=cast.fakes.clock()) is None


def test_an_environment_is_where_it_was_placed_and_else_on_the_installations_own(cast: Cast) -> None:
    register(cast.owner)
    heal(cast.team)

    assert placed(cast, "far").status == 200
    assert cluster_of(cast.team, "shop", "far-away") == "far"
    assert cluster_of(cast.team, "shop", "prod") is None
    assert placed(cast, None).json["cluster"] is None
    assert placed(cast, "nope").status == 404
    assert placed(cast, "far", by=cast.developer).status == 403


def test_an_environment_with_services_stays_where_they_run(cast: Cast) -> None:
    register(cast.owner)
    heal(cast.team)
    placed(cast, "far")
    cast.owner.post("/v1/projects/shop/environments/far-away/services", {"name": "web"})

    assert placed(cast, "far").status == 200
    assert placed(cast, None).status == 409


def test_a_cluster_that_is_placed_on_is_not_removed_and_its_credential_goes_with_it_after(cast: Cast) -> None:
    register(cast.owner)
    heal(cast.team)
    placed(cast, "far")

    refused = cast.owner("DELETE", "/v1/clusters/far")
    placed(cast, None)

    assert refused.status == 409
    assert "far-away of shop" in refused.json["detail"]
    assert cast.owner("DELETE", "/v1/clusters/far").status == 204
    assert kept(cast) == []
    with pytest.raises(Failed, match="registered no more"):
        reach(cast)


def test_the_operator_lends_clusters_that_teams_see_place_on_and_cannot_change(cast: Cast, api: Client) -> None:
    register(api, "lent", shared=True)
    register(api, "kept")
    heal(cast.fakes.settings.admin_team, "lent")

    (seen,) = cast.owner.get("/v1/clusters").json["items"]

    assert (seen["name"], seen["own"], seen["created_by"]) == ("lent", False, "")
    assert cast.owner("DELETE", "/v1/clusters/lent").status == 404
    assert cast.owner.get("/v1/clusters/kept").status == 404
    assert placed(cast, "lent").status == 200
    assert reach(cast, "lent").known
    assert cast.owner.post("/v1/clusters", {"name": "mine", "access": TOKEN, "shared": True}).status == 403


def test_a_host_that_may_be_private_is_named_by_the_operator(cast: Cast) -> None:
    register(cast.owner)
    assert not reach(cast).known

    hosts = "other, K8S.example.com"
    settings = cast.fakes.settings
    object.__setattr__(settings, "cluster_hosts", hosts)

    assert reach(cast).known


@pytest.mark.slow
def test_a_team_has_twenty_clusters(cast: Cast) -> None:
    for number in range(20):
        register(cast.owner, f"c{number}")

    refused = cast.owner.post("/v1/clusters", {"name": "more", "access": TOKEN})

    assert refused.status == 409
    assert "20 clusters" in refused.json["detail"]
    assert len(kept(cast)) == 20


def test_a_team_with_clusters_is_not_deleted(cast: Cast) -> None:
    register(cast.owner)

    refused = cast.owner("DELETE", "/v1/team")

    assert refused.status == 409
    assert "1 cluster" in refused.json["detail"]


def test_nothing_is_registered_while_the_secret_store_is_away(cast: Cast) -> None:
    token = json.loads(cast.owner.get("/v1/whoami").text)
    assert token["team"] == cast.team
    cast.fakes.secrets.away = True

    assert cast.owner.post("/v1/clusters", {"name": "far", "access": TOKEN}).status == 503
    cast.fakes.secrets.away = False
    assert cast.owner.get("/v1/clusters").json["items"] == []


def test_a_cluster_that_fell_silent_says_since_when_and_a_check_that_finds_it_ends_that(cast: Cast) -> None:
    register(cast.owner)
    found = reach(cast)
    door = registry.ClusterDoor(found.owner, found.name, found.breaker, cast.fakes.clock)
    for _ in range(3):
        door.missed()

    silent = cast.viewer.get("/v1/clusters/far").json
    registry.check_cluster(cast.team, "far", connect=lambda *_: Answering(), now=cast.fakes.clock())
    back = cast.viewer.get("/v1/clusters/far").json

    assert silent["silent_since"] is not None
    assert silent["next_try"] > silent["silent_since"]
    assert (back["silent_since"], back["next_try"], back["health"]) == (None, None, "healthy")
    assert (silent["version"], back["version"]) == (1, 1), "its owner changed nothing"


def test_a_silence_that_is_heard_during_a_check_does_not_lose_what_the_check_found(cast: Cast) -> None:
    register(cast.owner)
    found = reach(cast)

    class Meanwhile(Answering):
        def version(self) -> tuple[int, int]:
            registry.ClusterDoor(found.owner, found.name, found.breaker, cast.fakes.clock).missed()
            return super().version()

    registry.check_cluster(cast.team, "far", connect=lambda *_: Meanwhile(), now=cast.fakes.clock())

    assert cast.viewer.get("/v1/clusters/far").json["health"] == "healthy"


def test_another_credential_begins_with_an_open_door(cast: Cast) -> None:
    register(cast.owner)
    found = reach(cast)
    door = registry.ClusterDoor(found.owner, found.name, found.breaker, cast.fakes.clock)
    for _ in range(3):
        door.missed()

    cast.owner("PUT", "/v1/clusters/far", {"access": TOKEN}, headers={"if-match": '"1"'})

    assert cast.viewer.get("/v1/clusters/far").json["silent_since"] is None
