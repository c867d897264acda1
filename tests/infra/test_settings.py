"""What an operator decides: a setting that is missing, unknown or wrong is named, and nothing is synthesized."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from chalicelib.platform.settings import Settings as FunctionSettings
from chalicelib.platform.settings import from_env
from infra.settings import Settings, SettingsRefused, load, parse, stages

SOUND: dict[str, Any] = {
    "region": "eu-central-1",
    "data": {"protect": True},
    "cluster": {"apps_domain": "apps.example.com"},
    "alarms": {},
}


def changed(path: str, value: Any = None) -> dict[str, Any]:
    """The sound settings with one of another value, or without it."""
    given: dict[str, Any] = {**SOUND, **{name: dict(part) for name, part in SOUND.items() if isinstance(part, dict)}}
    *parents, name = path.split(".")
    inner = given
    for each in parents:
        inner = inner.setdefault(each, {})
    if value is None:
        inner.pop(name)
    else:
        inner[name] = value
    return given


@pytest.mark.parametrize("stage", stages())
def test_each_stage_that_is_shipped_can_be_used(stage: str) -> None:
    assert isinstance(load(stage), Settings)


def test_no_cluster_is_made_or_opened_unless_a_stage_says_so() -> None:
    assert [parse(SOUND, "prod.toml").eks, load("dev").eks, load("prod").eks] == [None] * 3


def test_a_first_deploy_keeps_what_is_protected_and_refuses_no_deletion() -> None:
    prod, dev = load("prod"), load("dev")

    assert (prod.data.guarded, prod.for_first_deploy().data.guarded) == (True, False)
    assert prod.for_first_deploy().data.protect
    assert prod.data.guarded
    assert not dev.data.guarded


def test_a_limit_is_told_to_functions_under_the_name_that_they_read() -> None:
    limits = parse(changed("limits.quota_services", 25_000), "prod.toml").limits

    assert limits.told() == {"CYGNI_QUOTA_SERVICES": "25000"}
    assert from_env(limits.told()).quota_services == 25_000
    assert set(type(limits).model_fields) <= {each.name for each in fields(FunctionSettings)}


def test_builds_run_the_executor_that_the_stage_names_and_else_one_version_of_it() -> None:
    named = "registry.example.com/kaniko:v1.28.5@sha256:" + "0" * 64

    builds = parse(changed("builds.executor", named), "prod.toml").builds

    assert from_env(builds.told()).kaniko_image == named
    assert "CYGNI_KANIKO_IMAGE" not in parse(SOUND, "prod.toml").builds.told()
    assert parse(changed("builds.executor", FunctionSettings().kaniko_image), "prod.toml").builds.executor


@pytest.mark.parametrize("image", ["ghcr.io/x/kaniko", "ghcr.io/x/kaniko:latest", "localhost:5000/kaniko"])
def test_an_executor_that_may_be_another_tomorrow_is_refused(image: str) -> None:
    with pytest.raises(SettingsRefused, match=r"builds\.executor: .* name a version"):
        parse(changed("builds.executor", image), "prod.toml")


@pytest.mark.parametrize("path", ["region", "data", "data.protect", "cluster", "cluster.apps_domain", "alarms"])
def test_a_setting_that_is_missing_is_named(path: str) -> None:
    with pytest.raises(SettingsRefused, match=rf"prod.toml cannot be used:\n  {path} is missing"):
        parse(changed(path), "prod.toml")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("region", "Frankfurt", "region: "),
        ("data.protect", "yes", "data.protect: "),
        ("api.requests_per_second", 0, "api.requests_per_second: "),
        ("api.firewal", True, "api.firewal is no setting. Did you mean firewall?"),
        ("log_days", 31, "log_days must be one of 1, 3, 5"),
        ("data.replica_region", "eu-central-1", "data.replica_region must be another region"),
        ("cluster.mode", "create", "cluster.mode is no setting."),
        ("release.shift", "SLOWLY", "release.shift: "),
        ("alarms.email", "nobody", "alarms.email: "),
        ("standby", {"region": "eu-central-1"}, "standby.region must be another region than region"),
        ("standby", {"region": "eu-west-1"}, "standby needs api.site"),
        ("standby", {"region": "eu-west-1", "probe_seconds": 20}, "standby.probe_seconds: "),
        ("standby", {"probe_seconds": 10}, "standby.region is missing. Region that stands by."),
        ("eks", {"make": False}, "eks.name is missing. Its name."),
        ("eks", {"name": "a b"}, "eks.name: "),
        ("eks", {"name": "apps", "make": True}, "eks: operators must name a role"),
        ("eks", {"name": "apps", "version": "latest"}, "eks.version: "),
        ("eks", {"name": "apps", "operators": ["me"]}, "eks.operators.0: "),
        ("eks", {"name": "apps", "admits": ["anybody"]}, "eks.admits.0: "),
        ("eks", {"name": "apps", "nodes": 3}, "eks.nodes is no setting."),
        ("admin_key_sha256", "secret", "admin_key_sha256: "),
        (
            "console.site",
            {"domain": "c.example.com", "zone": "Z0000", "zone_name": "example.com"},
            "site and certificate go together",
        ),
        (
            "console",
            {
                "site": {"domain": "c.example.com", "zone": "Z0000", "zone_name": "example.com"},
                "certificate": "arn:aws:acm:us-east-1:111111111111:certificate/x",
            },
            "site is of no use while make is false",
        ),
        ("api.site", {"domain": "api.other.com", "zone": "Z0000", "zone_name": "example.com"}, "domain must be example.com"),
    ],
)
def test_a_setting_that_is_wrong_is_named_with_what_it_should_be(path: str, value: Any, said: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        parse(changed(path, value), "prod.toml")

    assert said in str(refused.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsRefused) as refused:
        parse({**SOUND, "region": "x", "cluster": {}}, "prod.toml")

    assert "region: " in str(refused.value)
    assert "cluster.apps_domain is missing" in str(refused.value)


def test_a_stage_that_is_not_there_and_a_file_that_is_no_toml_are_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text("region = ")

    with pytest.raises(SettingsRefused, match="There is no stage 'prodd'"):
        load("prodd")
    with pytest.raises(SettingsRefused, match="is not TOML"):
        load("odd", tmp_path)
