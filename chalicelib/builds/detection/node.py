"""Node: which manager installs, which version runs, what builds and what starts. Pure.

An application whose build makes a folder of files and which has no server of its own (Vite, Create React App, Astro) is
served as a static site.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.builds.detection.found import Found
from chalicelib.builds.detection.start import Start
from chalicelib.builds.detection.static import START as STATIC_START
from chalicelib.builds.detection.static import STATIC_ORIGIN
from chalicelib.builds.detection.versions import NODE, NODE_DEFAULT, choose
from chalicelib.builds.plan import BuildPlan, Kind, Manager
from chalicelib.platform.errors import BuildRefused

_LOCKS = (
    ("pnpm-lock.yaml", Manager.PNPM),
    ("yarn.lock", Manager.YARN),
    ("package-lock.json", Manager.NPM),
    ("npm-shrinkwrap.json", Manager.NPM),
)
_SETTINGS = (".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs")
_VERSION = re.compile(r"\d+(?:\.\d+){0,2}(?:-[0-9A-Za-z.-]+)?")
_BUNDLERS = {"vite": "dist", "astro": "dist", "parcel": "dist", "react-scripts": "build"}
"""Tools that make a folder of files, and the name of that folder."""
_DEVELOPMENT_SERVERS = (
    "vite",
    "astro",
    "parcel",
    "react-scripts",
    "webpack-dev-server",
    "webpack serve",
    "ng serve",
    "nodemon",
)
_CONVENTIONS = (
    "server.js",
    "index.js",
    "app.js",
    "main.js",
    "server.mjs",
    "index.mjs",
    "server.cjs",
    "src/server.js",
    "src/index.js",
)


@dataclass(frozen=True, slots=True)
class _Package:
    """What package.json says, with each part of the type it should be."""

    table: Mapping[str, Any]

    def strings(self, key: str) -> dict[str, str]:
        """An object of strings such as `scripts`; empty when absent."""
        value = self.table.get(key)
        return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}

    @property
    def dependencies(self) -> frozenset[str]:
        return frozenset(self.strings("dependencies")) | frozenset(self.strings("devDependencies"))

    @property
    def scripts(self) -> dict[str, str]:
        return self.strings("scripts")


def detect(found: Found) -> BuildPlan | None:
    """A plan if the context holds a package.json. Raises BuildRefused when it cannot be read, built or started."""
    if "package.json" not in found.files:
        return None
    package = _package(found)
    manager, lock = _manager(found, package)
    runtime, constraint, origin = _runtime(found, package)
    tool = _manager_package(found, package, manager)
    needs_build = bool(found.command or package.scripts.get("build"))
    installs = bool(package.dependencies or package.table.get("workspaces"))
    output = _site_folder(found, package)
    start = Start(STATIC_START, STATIC_ORIGIN) if output else _start(found, package)
    return BuildPlan(
        kind=Kind.STATIC if output else Kind.NODE,
        context=found.context,
        manager=manager,
        manager_package=tool,
        runtime=runtime,
        constraint=constraint,
        runtime_origin=origin,
        base_image=f"node:{runtime}-slim",
        manifests=_manifests(found, package, lock),
        install=_install(manager, lock, tool, everything=needs_build) if installs else (),
        build=_build(manager, found, prune=installs and needs_build and not output) if needs_build else (),
        start=start.command,
        start_origin=start.origin,
        root=output,
        notes=_notes(installs, lock, manager),
    )


def _package(found: Found) -> _Package:
    try:
        table = json.loads(found.text("package.json"))
    except json.JSONDecodeError as error:
        raise BuildRefused(
            f"package.json is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            remedy="Correct that line of package.json and deploy again.",
        ) from None
    if not isinstance(table, dict):
        raise BuildRefused("package.json is not an object.", remedy="`npm init -y` writes a valid one.")
    return _Package(table)


def _manager(found: Found, package: _Package) -> tuple[Manager, str]:
    """The manager and its lock file (empty when there is none): `packageManager` decides, else the lock that is there."""
    locks = [(path, manager) for path, manager in _LOCKS if path in found.files]
    asked = str(package.table.get("packageManager", "")).split("@", 1)[0]
    if asked in {Manager.NPM, Manager.PNPM, Manager.YARN}:
        return Manager(asked), next((path for path, manager in locks if manager == asked), "")
    if asked:
        raise BuildRefused(
            f"package.json asks for the package manager `{asked}`, which Cygni does not run.",
            remedy="Use npm, pnpm or yarn in `packageManager`, or add a Dockerfile.",
        )
    if len({manager for _, manager in locks}) > 1:
        names = " and ".join(path for path, _ in locks)
        raise BuildRefused(
            f"There are lock files of several package managers: {names}.",
            remedy='Delete the ones that are not in use, or name the manager in package.json: "packageManager": "npm@11".',
        )
    return (locks[0][1], locks[0][0]) if locks else (Manager.NPM, "")


def _manager_package(found: Found, package: _Package, manager: Manager) -> str:
    """The manager in the version that package.json names, else in the one its lock file is written for."""
    version = str(package.table.get("packageManager", "")).partition("@")[2].partition("+")[0]
    if not _VERSION.fullmatch(version):
        version = ""
    if manager is Manager.PNPM:
        return f"pnpm@{version or '10'}"
    if manager is Manager.YARN:
        return f"@yarnpkg/cli-dist@{version or '4'}" if _is_berry(found, version) else f"yarn@{version or '1'}"
    return ""


def _is_berry(found: Found, version: str) -> bool:
    """Whether this is Yarn 2 or newer, which is another program with other options."""
    return not version.startswith("1.") if version else ".yarnrc.yml" in found.files


def _manifests(found: Found, package: _Package, lock: str) -> tuple[str, ...]:
    """None when installing needs the source too: workspaces, dependencies by path, and scripts that run at install."""
    hooks = {"preinstall", "install", "postinstall", "prepare"} & set(package.scripts)
    versions = [*package.strings("dependencies").values(), *package.strings("devDependencies").values()]
    by_path = any(version.startswith(("file:", "link:", "portal:", "workspace:", "patch:", ".")) for version in versions)
    if any(path.startswith(".yarn/") for path in found.files):
        return ()
    if hooks or by_path or "workspaces" in package.table or "pnpm-workspace.yaml" in found.files:
        return ()
    return tuple(path for path in ("package.json", lock, *_SETTINGS) if path in found.files)


def _runtime(found: Found, package: _Package) -> tuple[str, str, str]:
    asked = (
        (found.text(".nvmrc").strip(), ".nvmrc"),
        (found.text(".node-version").strip(), ".node-version"),
        (package.strings("engines").get("node", "").strip(), "package.json engines.node"),
    )
    constraint, origin = next(((text, name) for text, name in asked if text), ("", "default"))
    runtime = choose(constraint, NODE, NODE_DEFAULT)
    if runtime is None:
        raise BuildRefused(
            f"No Node that Cygni knows fits {origin} `{constraint}`; it knows {', '.join(NODE)}.",
            remedy=f"Ask for one of those, for example `{NODE_DEFAULT.split('.', maxsplit=1)[0]}.x`.",
        )
    return runtime, constraint, origin


def _install(manager: Manager, lock: str, tool: str, *, everything: bool) -> tuple[str, ...]:
    """With a build everything is installed, tools too; without one only what runs."""
    if manager is Manager.NPM:
        return (("npm ci" if lock else "npm install") + ("" if everything else " --omit=dev"),)
    if manager is Manager.PNPM:
        return ("pnpm install" + (" --frozen-lockfile" if lock else "") + ("" if everything else " --prod"),)
    if tool.startswith("@yarnpkg/"):
        return ("yarn install" + (" --immutable" if lock else " --no-immutable"),)
    return ("yarn install" + (" --frozen-lockfile" if lock else "") + ("" if everything else " --production"),)


def _build(manager: Manager, found: Found, *, prune: bool) -> tuple[str, ...]:
    prunes = {Manager.NPM: ("npm prune --omit=dev",), Manager.PNPM: ("pnpm prune --prod",)}
    return (found.command or f"{manager} run build", *(prunes.get(manager, ()) if prune else ()))


def _site_folder(found: Found, package: _Package) -> str:
    """The folder that the build makes, when there is nothing to run but the files in it; else empty."""
    script = package.scripts.get("start", "")
    if found.start or (script and not script.startswith(_DEVELOPMENT_SERVERS)) or "build" not in package.scripts:
        return ""
    if any(path in found.files for path in ("server.js", "server.mjs")):
        return ""
    return next((folder for tool, folder in _BUNDLERS.items() if tool in package.dependencies), "")


def _start(found: Found, package: _Package) -> Start:
    if found.start:
        return found.start
    script = package.scripts.get("start")
    if script and "prestart" in package.scripts:
        return Start("npm start", "package.json scripts.start")
    if script:
        return Start(script, "package.json scripts.start")
    main = str(package.table.get("main", "")).removeprefix("./")
    if main and main in found.files:
        return Start(f"node {main}", "package.json main")
    conventional = found.first(*_CONVENTIONS)
    if conventional:
        return Start(f"node {conventional}", f"convention: {conventional}")
    raise BuildRefused(
        "This is a Node application, but nothing says how to start it.",
        remedy='Add a script to package.json, for example "start": "node server.js", or a Procfile with `web: node server.js`.',
    )


def _notes(installs: bool, lock: str, manager: Manager) -> tuple[str, ...]:
    if installs and not lock:
        return (
            f"There is no lock file, so versions may differ from build to build: commit the one `{manager} install` writes.",
        )
    return ()
