from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.builds.plan import BuildPlan, Kind, Manager
from chalicelib.platform.errors import BuildRefused
from tests.chalicelib.builds.support import planned


def node(package: dict[str, Any] | None = None, *paths: str, **fields: Any) -> BuildPlan:
    whole = {"scripts": {"start": "node server.js"}, "dependencies": {"a": "1"}} | (package or {})
    return planned({"package.json": json.dumps(whole), **dict.fromkeys(paths)}, **fields)


@pytest.mark.parametrize(
    ("package", "paths", "manager", "install"),
    [
        ({}, (), Manager.NPM, "npm install --omit=dev"),
        ({}, ("package-lock.json",), Manager.NPM, "npm ci --omit=dev"),
        ({}, ("pnpm-lock.yaml",), Manager.PNPM, "pnpm install --frozen-lockfile --prod"),
        ({}, ("yarn.lock",), Manager.YARN, "yarn install --frozen-lockfile --production"),
        ({}, ("yarn.lock", ".yarnrc.yml"), Manager.YARN, "yarn install --immutable"),
        ({"packageManager": "pnpm@9.1.0+sha512.abc"}, ("package-lock.json",), Manager.PNPM, "pnpm install --prod"),
        ({"packageManager": "yarn@4.9.1"}, (), Manager.YARN, "yarn install --no-immutable"),
    ],
)
def test_the_manager_is_the_one_named_else_the_one_of_the_lock(
    package: dict[str, Any], paths: tuple[str, ...], manager: Manager, install: str
) -> None:
    plan = node(package, *paths)

    assert (plan.manager, plan.install) == (manager, (install,))


@pytest.mark.parametrize(
    ("package", "paths", "tool"),
    [
        ({"packageManager": "pnpm@9.1.0+sha512.abc"}, (), "pnpm@9.1.0"),
        ({"packageManager": "pnpm@$(id)"}, (), "pnpm@10"),
        ({"packageManager": "yarn@4.9.1"}, (), "@yarnpkg/cli-dist@4.9.1"),
        ({}, ("yarn.lock",), "yarn@1"),
        ({}, ("package-lock.json",), ""),
    ],
)
def test_a_manager_that_node_does_not_bring_is_fetched_in_the_version_asked_for(
    package: dict[str, Any], paths: tuple[str, ...], tool: str
) -> None:
    assert node(package, *paths).manager_package == tool


def test_two_lock_files_are_refused_with_both_names() -> None:
    with pytest.raises(BuildRefused, match=r"yarn\.lock and package-lock\.json"):
        node({}, "yarn.lock", "package-lock.json")


def test_an_unknown_manager_is_refused() -> None:
    with pytest.raises(BuildRefused, match="`bun`"):
        node({"packageManager": "bun@1.2"})


def test_a_build_installs_its_tools_and_removes_them_after_it() -> None:
    plan = node({"scripts": {"start": "node dist", "build": "tsc"}}, "package-lock.json")

    assert (plan.install, plan.build) == (("npm ci",), ("npm run build", "npm prune --omit=dev"))


def test_a_build_command_takes_the_place_of_the_script() -> None:
    assert node({"scripts": {"start": "x", "build": "tsc"}}, build={"command": "make"}).build[0] == "make"


def test_nothing_is_installed_when_there_are_no_dependencies() -> None:
    assert node({"dependencies": {}}).install == ()


@pytest.mark.parametrize(
    "package",
    [{"workspaces": ["a"]}, {"dependencies": {"a": "file:./a"}}, {"scripts": {"start": "x", "postinstall": "node make.js"}}],
)
def test_an_install_that_reads_the_source_waits_for_all_of_it(package: dict[str, Any]) -> None:
    assert node(package).manifests == ()


@pytest.mark.parametrize(
    ("package", "paths", "start", "origin"),
    [
        ({}, (), "node server.js", "package.json scripts.start"),
        ({"scripts": {"start": "next start", "prestart": "x"}}, (), "npm start", "package.json scripts.start"),
        ({"scripts": {}, "main": "./lib/app.js"}, ("lib/app.js",), "node lib/app.js", "package.json main"),
        ({"scripts": {}, "main": "gone.js"}, ("index.js",), "node index.js", "convention: index.js"),
    ],
)
def test_the_start_command_is_the_script_then_main_then_convention(
    package: dict[str, Any], paths: tuple[str, ...], start: str, origin: str
) -> None:
    plan = node(package, *paths)

    assert (plan.start, plan.start_origin) == (start, origin)


def test_a_node_application_that_nothing_starts_is_refused_with_a_script_to_write() -> None:
    with pytest.raises(BuildRefused, match="how to start") as refused:
        node({"scripts": {}})

    assert '"start"' in refused.value.remedy


@pytest.mark.parametrize(
    ("tool", "script", "root"), [("vite", "vite", "dist"), ("react-scripts", "react-scripts start", "build")]
)
def test_a_site_that_a_bundler_makes_is_served_as_files(tool: str, script: str, root: str) -> None:
    plan = node({"scripts": {"start": script, "build": "x"}, "devDependencies": {tool: "1"}})

    assert (plan.kind, plan.root, plan.build) == (Kind.STATIC, root, ("npm run build",))


def test_a_bundler_beside_a_server_is_no_site() -> None:
    assert (
        node({"scripts": {"start": "node server.js", "build": "vite build"}, "devDependencies": {"vite": "1"}}).kind
        is Kind.NODE
    )


@pytest.mark.parametrize(
    ("files", "runtime", "origin"),
    [
        ({".nvmrc": "v20.11.1\n"}, "20.11", ".nvmrc"),
        ({".node-version": "24"}, "24.11", ".node-version"),
        ({}, "22.21", "default"),
    ],
)
def test_the_version_is_the_one_the_source_asks_for(files: dict[str, str | None], runtime: str, origin: str) -> None:
    plan = planned({"package.json": '{"main":"a.js"}', "a.js": None, **files})

    assert (plan.runtime, plan.runtime_origin, plan.base_image) == (runtime, origin, f"node:{runtime}-slim")


def test_engines_that_no_node_fits_are_refused() -> None:
    with pytest.raises(BuildRefused, match=r"engines\.node `>=99`"):
        node({"engines": {"node": ">=99"}})


@pytest.mark.parametrize(("text", "told"), [('{"a": 1,}', "line 1"), ("[]", "not an object")])
def test_a_broken_package_json_is_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(BuildRefused, match=told):
        planned({"package.json": text})


@pytest.mark.parametrize("package", ['{"scripts": 3, "main": []}', '{"dependencies": "x", "main": "a.js"}', '{"engines": []}'])
def test_fields_of_the_wrong_type_count_as_absent(package: str) -> None:
    assert planned({"package.json": package, "a.js": None, "index.js": None}).kind is Kind.NODE
