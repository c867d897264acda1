"""How each kind of plan is carried out on this machine. A recipe fills the image's `app` and `deps`, and says how it runs.

The commands are the plan's own, the same that its Dockerfile has; a recipe prepares what stands where the base image would.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.builds import static_server
from chalicelib.builds.plan import Kind
from chalicelib.platform.errors import BuildFailed
from cygni.local.builder import store, venv
from cygni.local.builder.bench import Bench
from cygni.local.builder.environment import Interpreter

_PATH = "${IMAGE}/deps/bin:/usr/local/bin:/usr/bin:/bin"
_COMMON = {"LANG": "C.UTF-8", "PATH": _PATH}


@dataclass(frozen=True, slots=True)
class Made:
    """What a recipe left: the image's variables, and the digests of its parts where they are known already."""

    env: Mapping[str, str]
    digests: Mapping[str, str]


def python(bench: Bench) -> Made:
    """A virtual environment in `deps` that can be moved, and the source in `app`."""
    interpreter = bench.tools.python(bench.plan)
    deps = bench.image / "deps"
    digests = {}
    if bench.plan.install:

        def install(result: Path, source: Path) -> None:
            venv.create(result, interpreter)
            bench.run(bench.plan.install, source, _activated(bench, result))
            venv.make_movable(result)

        cached = bench.installed(f"{interpreter.version} {interpreter.path}", install)
        _take(bench, cached.folder, deps)
        digests = {} if bench.plan.build else {"deps": cached.digest}
    else:
        venv.create(deps, interpreter)
    if bench.plan.build:
        bench.run(bench.plan.build, bench.app, _activated(bench, deps))
        venv.make_movable(deps)
    shutil.move(bench.app, bench.image / "app")
    return Made({**_COMMON, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}, digests)


def _activated(bench: Bench, deps: Path) -> dict[str, str]:
    python = str(deps / "bin" / "python")
    return bench.with_path(deps / "bin", VIRTUAL_ENV=str(deps), UV_PROJECT_ENVIRONMENT=str(deps), UV_PYTHON=python)


def node(bench: Bench) -> Made:
    """The source in `app` with its node_modules, and the machine's Node linked in `deps`."""
    bench.link_tool("node", _node_build(bench).path)
    npm = bench.tools.which("npm")
    if npm:
        bench.link_tool("npm", Path(npm))
    shutil.move(bench.app, bench.image / "app")
    path = _PATH.replace(":", ":${IMAGE}/app/node_modules/.bin:", 1)
    return Made({**_COMMON, "PATH": path, "NODE_ENV": "production"}, {})


def _node_build(bench: Bench) -> Interpreter:
    """Installs into the context and builds there, with the Node that is returned."""
    environment = bench.with_path(bench.app / "node_modules" / ".bin")
    interpreter = bench.tools.node(bench.plan)
    if bench.plan.install:

        def install(result: Path, source: Path) -> None:
            bench.run(bench.plan.install, source, bench.with_path())
            if not bench.plan.manifests:  # the source was needed; what is kept is what it did not hold
                _remove_what_is_in(bench.app, source)
            for path in bench.plan.manifests:
                (source / path).unlink()
            shutil.copytree(source, result, symlinks=True, dirs_exist_ok=True)

        cached = bench.installed(f"node {interpreter.version}", install)
        _take(bench, cached.folder, bench.app)
    bench.run(bench.plan.build, bench.app, environment)
    return interpreter


def _remove_what_is_in(original: Path, copy: Path) -> None:
    for path in sorted(original.rglob("*"), reverse=True):
        twin = copy / path.relative_to(original)
        if path.is_dir() and not path.is_symlink():
            if twin.is_dir() and not any(twin.iterdir()):
                twin.rmdir()
        else:
            twin.unlink(missing_ok=True)


def golang(bench: Bench) -> Made:
    """The source in `app` with the command built into it. Modules and compiled packages are kept in Go's own caches."""
    environment = bench.with_path()
    bench.run(bench.plan.install + bench.plan.build, bench.app, environment)
    shutil.move(bench.app, bench.image / "app")
    return Made(_COMMON, {})


def static(bench: Bench) -> Made:
    """The site's folder as `app`, built first if the plan says so, and the file server in `deps`."""
    if bench.plan.base_image.startswith("node:"):
        _node_build(bench)
    else:
        bench.run(bench.plan.build, bench.app, bench.with_path())
    site = bench.app / bench.plan.root
    if not (site / "index.html").is_file():
        raise BuildFailed(
            f"The build made no {bench.plan.root}/index.html.",
            remedy="Check where the build writes its files; `start` in cygni.yaml can serve another folder.",
        )
    shutil.move(site, bench.image / "app")
    bench.link_tool("python3", bench.tools.own_python().path)
    shutil.copyfile(static_server.__file__, bench.image / "deps" / "static_server.py")
    return Made({**_COMMON, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}, {})


def _take(bench: Bench, cached: Path, target: Path) -> None:
    """Cached files are linked, unless a build command follows: that might write into them."""
    if bench.plan.build:
        shutil.copytree(cached, target, symlinks=True, dirs_exist_ok=True)
    else:
        store.link_tree(cached, target)


RECIPES: Mapping[Kind, Callable[[Bench], Made]] = {
    Kind.PYTHON: python,
    Kind.NODE: node,
    Kind.GO: golang,
    Kind.STATIC: static,
}
