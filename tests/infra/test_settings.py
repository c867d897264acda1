"""The settings of an installation: what is missing or wrong is named, with what it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.settings import SettingsRefused, load, parse, stages


def given(**more: Any) -> dict[str, Any]:
    """The least that a stage must say, and more."""
    least: dict[str, Any] = {
        "region": "us-east-1",
        "data": {"protect": True},
        "cluster": {"mode": "none", "apps_domain": "apps.example.com"},
        "alarms": {},
    }
    return least | more


@pytest.mark.parametrize("stage", stages())
def test_every_stage_that_is_shipped_can_be_used(stage: str) -> None:
    assert load(stage).region


@pytest.mark.parametrize("name", ["region", "data", "cluster", "alarms"])
def test_a_missing_setting_is_named(name: str) -> None:
    values = {key: value for key, value in given().items() if key != name}

    with pytest.raises(SettingsRefused, match=rf"(?m)^  {name} is missing\."):
        parse(values, "prod.toml")


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("region", given(region="Virginia")),
        ("account", given(account="12")),
        ("architecture", given(architecture="mips")),
        ("log_days", given(log_days=8)),
        ("admin_key_sha256", given(admin_key_sha256="secret")),
        ("data.protect", given(data={"protect": "yes"})),
        ("data.protect", given(data={})),
        ("data.replica_region", given(data={"protect": True, "replica_region": "us-east-1"})),
        ("api.site.domain", given(api={"site": {"domain": "-", "zone": "Z00000EXAMPLE", "zone_name": "example.com"}})),
        ("api.burst", given(api={"burst": 0})),
        ("api.firewall_rate", given(api={"firewall_rate": 5})),
        ("builds.size", given(builds={"size": "HUGE"})),
        ("cluster.apps_domain", given(cluster={"mode": "none"})),
        ("cluster.metrics_url", given(cluster={"mode": "none", "apps_domain": "a.example.com", "metrics_url": "here"})),
        ("alarms.email", given(alarms={"email": "nobody"})),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(path: str, values: dict[str, Any]) -> None:
    with pytest.raises(SettingsRefused) as refused:
        parse(values, "prod.toml")

    first, *lines = str(refused.value).splitlines()
    assert first == "prod.toml cannot be used:"
    assert any(path in line for line in lines)


def test_a_misspelt_setting_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(SettingsRefused, match=r"api\.burts is no setting\. Did you mean burst\?"):
        parse(given(api={"burts": 5}), "prod.toml")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsRefused) as refused:
        parse(given(region="x", log_days="x", alarms={"email": 5}), "prod.toml")

    assert len(str(refused.value).splitlines()) == 4


def test_a_stage_without_a_file_is_answered_with_those_that_have_one() -> None:
    with pytest.raises(SettingsRefused, match=r"no stage 'production'.* dev, prod, staging"):
        load("production")


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "prod.toml").write_text("region = ")

    with pytest.raises(SettingsRefused, match=r"prod\.toml is not TOML"):
        load("prod", tmp_path)
