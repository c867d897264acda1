"""Ways to take over, on the embedded cloud: who gets which release, at every moment, through the real gateway."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cygni.local.test_life import Home, home

__all__ = ["home"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def deploy(home: Home, rollout: str) -> str:
    """Version 2 with another `rollout`, under way."""
    home.take("hello-v2")
    file = home.folder / "app" / "cygni.yaml"
    head, _, _ = file.read_text().partition("    rollout:\n")
    file.write_text(head + "    rollout:\n" + "".join(f"      {line}\n" for line in rollout.splitlines()))
    return str(home.json("deploy", "--detach")["id"])


def version(home: Home, **headers: str) -> str:
    status, text = home.get(**headers)
    return text.partition("(version ")[2].partition(")")[0] if status == 200 else str(status)


def rollout_of(home: Home) -> dict[str, Any]:
    return dict(home.json("status")["deployment"]["rollout"] or {})


def test_green_is_previewed_by_those_who_are_pinned_and_switched_when_a_person_agrees(home: Home) -> None:
    assert home.cygni("deploy").returncode == 0
    made = deploy(
        home,
        "strategy: blueGreen\nblueGreen: { previewFor: 1s, approval: true, watchFor: 1s }\n"
        "pin: { header: X-Canary, cookie: canary }\ninterval: 1s\nminRequests: 5",
    )
    home.until(lambda: rollout_of(home).get("phase") == "paused")

    assert {version(home) for _ in range(20)} == {"1"}
    home.until(lambda: version(home, **{"X-Canary": "always"}) == "2")
    assert version(home, Cookie="theme=dark; canary=always") == "2"
    assert version(home, **{"X-Canary": "never"}) == "1"
    assert home.cygni("resume").returncode == 0
    home.until(lambda: version(home) == "2")
    home.until(lambda: version(home) == "2" and home.state(made) == "promoted")


def test_what_is_recreated_is_stopped_first_and_comes_back_when_the_new_one_does_not_start(home: Home) -> None:
    assert home.cygni("deploy").returncode == 0
    made = deploy(home, "strategy: recreate")
    home.until(lambda: home.state(made) == "promoted")
    home.until(lambda: version(home) == "2")

    home.take("hello")
    (home.folder / "app" / "app.py").write_text("raise SystemExit('no')\n")
    file = home.folder / "app" / "cygni.yaml"
    head, _, _ = file.read_text().partition("    rollout:\n")
    file.write_text(head + "    rollout: { strategy: recreate }\n")

    assert home.cygni("deploy").returncode != 0
    home.until(lambda: version(home) == "2")


def test_instances_are_replaced_in_batches_and_every_request_is_answered_meanwhile(home: Home) -> None:
    three = (
        "{ strategy: rolling, maxSurge: 0, maxUnavailable: 1, interval: 1s, minRequests: 3 }\n    scale: { min: 3, max: 3 }\n"
    )
    for example in ("hello", "hello-v2"):
        home.take(example)
        file = home.folder / "app" / "cygni.yaml"
        head, _, _ = file.read_text().partition("    rollout:\n")
        file.write_text(f"{head}    rollout: {three}")
        made = str(home.json("deploy", "--detach")["id"])
        seen: list[str] = []
        home.until(lambda: bool(seen.append(version(home))) or home.state(made) == "promoted")  # noqa: B023

    assert set(seen) == {"1", "2"}
    home.until(lambda: version(home) == "2")
