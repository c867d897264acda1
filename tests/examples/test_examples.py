"""Each example is planned as its comments say, and really builds, starts and answers where its tool is installed."""

from __future__ import annotations

import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from chalicelib.builds import rules
from chalicelib.builds.plan import BuildPlan, Kind, Manager
from chalicelib.projects.spec import AppFile
from tests.cygni.local.builder.support import Builder, fetch, files_of, running

EXAMPLES = Path(__file__).parents[2] / "examples"
VERSIONS = ("hello", "hello-v2", "hello-broken", "hello-slow")


def app_file(name: str) -> AppFile:
    return AppFile.model_validate(yaml.safe_load((EXAMPLES / name / "cygni.yaml").read_text()))


def plan_of(name: str) -> BuildPlan:
    return rules.plan(dict(files_of(EXAMPLES / name)), app_file(name).services["web"], "web")


def statuses(address: str, count: int) -> list[int]:
    """The status of each of some requests, one after another."""
    seen = []
    for _ in range(count):
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                seen.append(answer.status)
        except urllib.error.HTTPError as error:
            seen.append(error.code)
    return seen


@pytest.mark.parametrize(
    ("name", "kind", "manager", "start"),
    [
        *((version, Kind.PYTHON, Manager.NONE, "python app.py") for version in VERSIONS),
        ("flask", Kind.PYTHON, Manager.PIP, "gunicorn --bind 0.0.0.0:$PORT app:app"),
        ("node", Kind.NODE, Manager.NPM, "node server.js"),
        ("go", Kind.GO, Manager.GO, "./bin/server"),
        ("static", Kind.STATIC, Manager.NONE, "python3 ../deps/static_server.py ."),
    ],
)
def test_an_example_is_planned_right(name: str, kind: Kind, manager: Manager, start: str) -> None:
    plan = plan_of(name)

    assert (plan.kind, plan.manager, plan.start) == (kind, manager, start)


def test_every_folder_is_an_example_with_an_app_file() -> None:
    names = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}

    assert names == {*VERSIONS, "flask", "node", "go", "static"}
    assert all("web" in app_file(name).services for name in names)


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_the_versions_of_hello_differ_in_their_release_only(version: str) -> None:
    first, other = files_of(EXAMPLES / "hello"), files_of(EXAMPLES / version)

    assert first.keys() == other.keys()
    assert {path for path in first if first[path] != other[path]} == {"release.py"}


def test_hello_rolls_out_briskly() -> None:
    web = app_file("hello").services["web"]

    assert [(step.weight, step.for_) for step in web.rollout.steps] == [(20, "6s"), (50, "6s")]
    assert (web.rollout.interval, web.rollout.min_requests) == ("1s", 30)
    assert (web.rollout.gates.error_rate, web.rollout.gates.latency_p95, web.health.path) == (5, 400, "/healthz")


def test_no_lock_says_where_packages_were_fetched() -> None:
    assert "resolved" not in (EXAMPLES / "node/package-lock.json").read_text()


@pytest.mark.parametrize(
    ("version", "told"), [("hello", "Hello from Cygni (version 1)\n"), ("hello-v2", "Hello again from Cygni (version 2)\n")]
)
def test_a_sound_hello_greets_without_fail(builder: Builder, port: int, version: str, told: str) -> None:
    with running(builder.image(builder.build(files_of(EXAMPLES / version))), port) as address:
        assert fetch(address) == told
        assert statuses(address, 50) == [200] * 50


def test_the_broken_hello_fails_one_request_in_five_and_its_health_never(builder: Builder, port: int) -> None:
    with running(builder.image(builder.build(files_of(EXAMPLES / "hello-broken"))), port) as address:
        assert statuses(address, 50).count(500) == 10
        assert statuses(address + "healthz", 10) == [200] * 10


def test_the_slow_hello_takes_its_time_and_its_health_does_not(builder: Builder, port: int) -> None:
    with running(builder.image(builder.build(files_of(EXAMPLES / "hello-slow"))), port) as address:
        started = time.monotonic()
        assert statuses(address, 2) == [200] * 2
        slow = (time.monotonic() - started) / 2
        quick = []
        for _ in range(5):
            started = time.monotonic()
            assert statuses(address + "healthz", 1) == [200]
            quick.append(time.monotonic() - started)
        assert min(quick) < 0.55 < slow


@pytest.mark.slow
@pytest.mark.timeout(1800)  # Go compiles its standard library first
@pytest.mark.parametrize(
    ("name", "tool", "told"),
    [
        ("flask", "python3", '{"message":"Hello from Flask"}\n'),
        ("node", "npm", "Hello from Node\n"),
        ("go", "go", "Hello from Go\n"),
    ],
)
def test_an_example_with_dependencies_builds_starts_and_answers(
    builder: Builder, port: int, name: str, tool: str, told: str
) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    files = files_of(EXAMPLES / name)

    digest = builder.build(files, timeout=1500)

    with running(builder.image(digest), port) as address:
        assert fetch(address) == told


@pytest.mark.slow
def test_unchanged_requirements_are_not_installed_again(builder: Builder) -> None:
    files = files_of(EXAMPLES / "flask")
    builder.build(files)
    builder.lines.clear()

    builder.build({**files, "app.py": files["app.py"] + "# changed\n"})

    assert "Dependencies are unchanged: taken from the cache." in builder.lines
    assert not any(line.startswith("$ ") for line in builder.lines)


def test_the_static_example_is_served(builder: Builder, port: int) -> None:
    with running(builder.image(builder.build(files_of(EXAMPLES / "static"))), port) as address:
        assert "Hello from a static site" in fetch(address)
        assert statuses(address + "nowhere", 1) == [404]
