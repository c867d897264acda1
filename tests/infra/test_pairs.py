"""A stage with a region that stands by: what is synthesized for it, and what becomes of a stage that gets one later."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.platform import duty
from functions import standby
from infra import pairs
from infra.settings import Settings, SettingsRefused, load, parse

SITE = {"domain": "api.example.com", "zone": "Z0000", "zone_name": "example.com"}
ALONE: dict[str, Any] = {
    "region": "us-east-1",
    "data": {"protect": True, "replica_region": "us-west-2"},
    "api": {"site": SITE},
    "cluster": {"apps_domain": "apps.example.com"},
    "alarms": {},
}
PAIR = {**ALONE, "standby": {"region": "us-west-2"}}


def templates(given: dict[str, Any], out: Path, *, first: bool = False) -> dict[str, Any]:
    """The data stacks of a stage, and nothing that has to be packed; of its first deploy, if so."""
    pytest.importorskip("aws_cdk", reason="what synthesizes is installed by `make synth`")
    import json

    import aws_cdk as cdk

    from infra.data import DataStack, ReplicaStack
    from infra.stacks import new_app

    app, settings = new_app(str(out)), parse(given, "a test")
    settings = settings.for_first_deploy() if first else settings
    for kind, name, region in ((ReplicaStack, "replica", "us-west-2"), (DataStack, "data", settings.region)):
        kind(app, name, settings=settings, env=cdk.Environment(region=region))
    app.synth()
    return {name: json.loads((out / f"{name}.template.json").read_text())["Resources"] for name in ("replica", "data")}


def of_kind(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {id_: each["Properties"] for id_, each in resources.items() if each["Type"] == f"AWS::{kind}"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The data stacks of the pair."""
    return templates(PAIR, tmp_path_factory.mktemp("pair"))


@pytest.mark.slow
def test_tables_of_a_stage_that_gets_a_standby_region_stay_the_same_ones_with_a_replica_more(
    made: dict[str, Any], tmp_path: Path
) -> None:
    before = of_kind(templates(ALONE, tmp_path)["data"], "DynamoDB::GlobalTable")
    after = of_kind(made["data"], "DynamoDB::GlobalTable")

    assert set(before) < set(after)
    for id_, table in before.items():
        grown = dict(after[id_])
        assert grown.pop("StreamSpecification") == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        there, here = sorted(grown["Replicas"], key=lambda each: each["Region"] == "us-east-1")
        assert [here] == table["Replicas"]
        assert {name: value for name, value in grown.items() if name != "Replicas"} == {
            name: value for name, value in table.items() if name != "Replicas"
        }
        assert (there["Region"], there["DeletionProtectionEnabled"]) == ("us-west-2", True)
        assert there["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert "alias/cygni-replica" in str(there["SSESpecification"])


@pytest.mark.slow
def test_what_a_first_deploy_makes_can_be_deleted_and_is_kept_all_the_same(made: dict[str, Any], tmp_path: Path) -> None:
    first = templates(PAIR, tmp_path, first=True)

    assert ["DeletionProtectionEnabled': True" in str(each) for each in (made, first)] == [True, False]
    for stack in ("data", "replica"):
        assert {id_: each.get("DeletionPolicy") for id_, each in first[stack].items()} == {
            id_: each.get("DeletionPolicy") for id_, each in made[stack].items()
        }
    assert '"terminationProtection": true' not in (tmp_path / "manifest.json").read_text()


@pytest.mark.slow
def test_a_pair_has_a_table_of_terms_in_each_region_which_is_copied_nowhere_and_copied_secrets(made: dict[str, Any]) -> None:
    for stack in made.values():
        (terms,) = (each for each in of_kind(stack, "DynamoDB::GlobalTable").values() if each["TableName"] == duty.TABLE)
        assert len(terms["Replicas"]) == 1
    secrets = of_kind(made["data"], "SecretsManager::Secret").values()
    assert [each["ReplicaRegions"] for each in secrets] == [[{"Region": "us-west-2", "KmsKeyId": pairs.REPLICA_KEY}]] * 2


def test_the_stage_with_every_switch_on_is_a_pair_and_no_other_is() -> None:
    assert pairs.pair_of(load("full")) == pairs.Pair("us-east-1", "us-west-2")
    assert [pairs.pair_of(load(each)) for each in ("dev", "staging", "prod")] == [None] * 3


def test_what_synthesis_names_is_what_runs() -> None:
    assert pairs.HANDLER == standby.HANDLER


def test_both_regions_serve_the_homes_teams_and_know_of_each_other() -> None:
    pair = pairs.Pair("us-east-1", "us-west-2")

    here, there = (pairs.environment_of(each, pair) for each in ("us-east-1", "us-west-2"))

    assert here["CYGNI_REGION"] == there["CYGNI_REGION"] == "us-east-1"
    assert (here["CYGNI_OWN_REGION"], here["CYGNI_OTHER_REGION"]) == ("us-east-1", "us-west-2")
    assert (there["CYGNI_OWN_REGION"], there["CYGNI_OTHER_REGION"]) == ("us-west-2", "us-east-1")
    assert (here["CYGNI_OTHER_KEY"], there["CYGNI_OTHER_KEY"]) == (pairs.REPLICA_KEY, pairs.KEY)
    assert pairs.environment_of("us-east-1", None) == {}


def test_a_cluster_admits_the_roles_of_both_regions_by_the_names_that_they_have() -> None:
    settings = load("full")

    names = pairs.role_names("cygni-rollout-shift", settings)

    stacks = [SimpleNamespace(region=each) for each in ("us-east-1", "us-west-2")]
    assert names == tuple(pairs.role_name("cygni-rollout-shift", stack, settings) for stack in stacks)  # type: ignore[arg-type]
    assert pairs.role_names("cygni-rollout-shift", load("prod")) == ("cygni-rollout-shift",)


def test_a_bucket_that_is_copied_elsewhere_than_all_else_is_refused() -> None:
    with pytest.raises(SettingsRefused, match=r"data\.replica_region must be absent or eu-west-1"):
        parse({**PAIR, "standby": {"region": "eu-west-1"}}, "a test")
    assert isinstance(parse(PAIR, "a test"), Settings)
