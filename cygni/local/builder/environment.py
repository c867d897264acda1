"""What a build may see of this machine: a clean environment, and the tools it needs under the names its plan uses."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.builds.detection.versions import satisfies
from chalicelib.builds.plan import BuildPlan, Kind, Manager
from chalicelib.platform.errors import BuildFailed
from cygni.local.builder.process import Log

_HANDED_ON = frozenset(
    """
    LANG LC_ALL TZ HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy
    SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE PIP_CERT NODE_EXTRA_CA_CERTS
    PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CONFIG_FILE UV_DEFAULT_INDEX UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL
    UV_FIND_LINKS UV_CONFIG_FILE NPM_CONFIG_REGISTRY npm_config_registry
    GOPROXY GONOSUMDB GONOSUMCHECK GOSUMDB GOFLAGS
    """.split()  # noqa: SIM905 - a list of eighty quotes says no more
)
"""Where packages come from, and how to trust it. Everything else (keys, tokens, what the cloud itself runs on) stays here."""

_SECRET = re.compile(r"://[^/\s]*@")

_POETRY = "poetry>=2,<3"

_PYTHON_FACTS = ("-I", "-c", "import sys; print(sys._base_executable); print('%d.%d' % sys.version_info[:2])")
_NODE_FACTS = ("-p", "process.execPath + '\\n' + process.versions.node.split('.').slice(0, 2).join('.')")
"""Questions to an interpreter, answered in two lines: its own path, and its `major.minor`."""


def clean_environment(given: Mapping[str, str], home: Path, cache: Path) -> dict[str, str]:
    """The variables a build starts from. An address that holds a password is a credential, and is not handed on."""
    passed = {name: value for name, value in given.items() if name in _HANDED_ON and not _SECRET.search(value)}
    bundle = ssl.get_default_verify_paths().cafile
    trust = {"NODE_EXTRA_CA_CERTS": bundle} if bundle else {}
    return {
        **trust,
        **passed,
        "PATH": _path_without_ours(given.get("PATH", os.defpath)),
        "HOME": str(home),
        "TMPDIR": str(home),
        "CI": "true",
        "UV_CACHE_DIR": str(cache / "uv"),
        "UV_COMPILE_BYTECODE": "1",
        "UV_LINK_MODE": "copy",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "true",
        "UV_TOOL_DIR": str(cache / "uv-tools"),
        "PIP_CACHE_DIR": str(cache / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "npm_config_cache": str(cache / "npm"),
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "YARN_NODE_LINKER": "node-modules",
        "GOCACHE": str(cache / "go-build"),
        "GOMODCACHE": str(cache / "go-mod"),
        "GOFLAGS": (passed.get("GOFLAGS", "") + " -buildvcs=false -modcacherw").strip(),
        "CGO_ENABLED": "0",
    }


def _path_without_ours(path: str) -> str:
    """PATH without the virtual environment that Cygni itself runs in: a build must not find Cygni's own libraries."""
    ours = os.path.join(sys.prefix, "bin")
    if sys.prefix == sys.base_prefix:
        return path
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if os.path.abspath(folder) != ours)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python on this machine, and its `major.minor`."""

    path: Path
    version: str


class Tools:
    """The tools on this machine, and a folder of small scripts that give them the names which plans use."""

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Log) -> None:
        self.folder = folder
        self._search = environment["PATH"]
        self._log = log
        folder.mkdir(parents=True, exist_ok=True)

    def provide(self, plan: BuildPlan) -> None:
        """Makes the plan's commands runnable. Raises BuildFailed naming the tool that is not there."""
        provide: dict[Manager, Callable[[], None]] = {
            Manager.PIP: self._pip,
            Manager.UV: self._uv,
            Manager.POETRY: self._poetry,
            Manager.PNPM: lambda: self._node_manager(plan),
            Manager.YARN: lambda: self._node_manager(plan),
            Manager.NPM: lambda: self._require("npm", "npm", "https://nodejs.org"),
            Manager.GO: lambda: self._require("go", "Go", "https://go.dev/dl"),
        }
        if plan.kind is Kind.NODE or plan.base_image.startswith("node:"):
            self._require("node", "Node", "https://nodejs.org")
        if plan.manager in provide:
            provide[plan.manager]()

    def which(self, name: str) -> str | None:
        """Where a tool is, outside of Cygni's own environment."""
        return shutil.which(name, path=self._search)

    def python(self, plan: BuildPlan) -> Interpreter:
        """The interpreter that runs the application: the version it asks for, else ours if that is good enough."""
        ours = self.own_python()
        exact = (
            self._asked(f"python{plan.runtime}", _PYTHON_FACTS) if plan.constraint and plan.runtime != ours.version else None
        )
        if exact is not None and exact.version == plan.runtime:
            return exact
        self._stand_in(plan, "Python", ours.version, f"`python{plan.runtime}`")
        return ours

    def node(self, plan: BuildPlan) -> Interpreter:
        """The machine's Node, which must fit what package.json demands."""
        found = self._asked("node", _NODE_FACTS)
        if found is None:
            raise BuildFailed(
                "The `node` on this machine does not run.", remedy="Check that `node --version` works in a terminal."
            )
        self._stand_in(plan, "Node", found.version, "`node`")
        return found

    def _asked(self, name: str, question: tuple[str, ...]) -> Interpreter | None:
        """What an interpreter says it really is; None when there is none that runs.

        What is on the PATH may be a version manager's shim, which starts one interpreter or another by the name that it is
        called by: linked under another name it would be another interpreter, outside of the image's environment.
        """
        path = self.which(name)
        if path is None:
            return None
        environment = {"PATH": self._search, "HOME": str(Path.home())}
        try:
            said = subprocess.run([path, *question], capture_output=True, text=True, timeout=30, check=False, env=environment)
        except (OSError, subprocess.TimeoutExpired):
            return None
        real, _, version = said.stdout.strip().partition("\n")
        return Interpreter(Path(real).resolve(), version) if said.returncode == 0 and version else None

    def _stand_in(self, plan: BuildPlan, language: str, version: str, name: str) -> None:
        """Says which version stands in for the plan's. Raises BuildFailed when the source rules it out.

        A file that pins a version for one machine (`.nvmrc`) is not taken for a demand.
        """
        demanded = plan.runtime_origin not in {".python-version", "runtime.txt", ".nvmrc", ".node-version"}
        if plan.constraint and demanded and not satisfies(version, plan.constraint):
            raise BuildFailed(
                f"{plan.runtime_origin} asks for {language} {plan.constraint}, but this machine has {version}.",
                remedy=f"Put {language} {plan.runtime} on the PATH as {name}, or widen {plan.runtime_origin}.",
            )
        if version != plan.runtime:
            self._log(f"This machine's {language} {version} stands in for {plan.runtime}.")

    def own_python(self) -> Interpreter:
        """The interpreter that Cygni runs on, outside of its virtual environment."""
        path = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
        return Interpreter(path, f"{sys.version_info.major}.{sys.version_info.minor}")

    def _require(self, name: str, title: str, where: str) -> None:
        if self.which(name) is None:
            raise BuildFailed(
                f"This build needs {title}, but there is no `{name}` on this machine.",
                remedy=f"Install {title} ({where}) so that `{name}` is on the PATH, then deploy again.",
            )

    def _uv_path(self) -> str | None:
        beside = Path(sys.prefix, "bin", "uv")
        return str(beside) if beside.exists() else self.which("uv")

    def _uv(self) -> None:
        path = self._uv_path()
        if path is None:
            raise BuildFailed(
                "This build needs uv, but there is no `uv` on this machine.",
                remedy="Install it into Cygni's own environment with `pip install uv`, then deploy again.",
            )
        self._script("uv", f'exec {shlex.quote(path)} "$@"')

    def _pip(self) -> None:
        path = self._uv_path()
        if path:
            self._script("pip", f'exec {shlex.quote(path)} pip "$@"')
        else:
            self._script("pip", f'exec {shlex.quote(sys.executable)} -m pip --python "$VIRTUAL_ENV/bin/python" "$@"')

    def _poetry(self) -> None:
        self._pip()
        path = self.which("poetry")
        if path is None:
            self._uv()
            path = f"{self.folder / 'uv'}"
            self._script("poetry", f'exec {shlex.quote(path)} tool run --from "{_POETRY}" poetry "$@"')

    def _node_manager(self, plan: BuildPlan) -> None:
        """The one on this machine, else npm fetches the plan's: a Node's own corepack may be too old to know today's keys."""
        path = None if self.which(plan.manager) else self.which("npx")
        if path:
            package = shlex.quote(plan.manager_package)
            self._script(plan.manager, f'exec {shlex.quote(path)} --yes --package={package} -- {plan.manager} "$@"')
        else:
            self._require(plan.manager, plan.manager, f"npm install --global {plan.manager_package}")

    def _script(self, name: str, text: str) -> None:
        script = self.folder / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
