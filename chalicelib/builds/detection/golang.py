"""Go: which package is the command, and which toolchain builds it. Pure.

The newest Go builds every older module with that module's own semantics, so an older `go` directive does not mean an old
compiler with the faults that were fixed since.
"""

from __future__ import annotations

import re

from chalicelib.builds.detection.found import Found
from chalicelib.builds.detection.versions import GO, GO_DEFAULT, choose
from chalicelib.builds.plan import BuildPlan, Kind, Manager
from chalicelib.platform.errors import BuildRefused

BINARY = "bin/server"
"""Where the built command is put, relative to the context."""

_DIRECTIVE = re.compile(r"^\s*go\s+(\d+\.\d+)\S*\s*$", re.MULTILINE)
_REQUIRES = re.compile(r"^\s*require\b", re.MULTILINE)
_COMMAND = re.compile(r"^cmd/([^/]+)/[^/]+\.go$")


def detect(found: Found) -> BuildPlan | None:
    """A plan if the context holds a go.mod. Raises BuildRefused when it is not clear which package is the command."""
    if "go.mod" not in found.files:
        return None
    module = found.text("go.mod")
    directive = _DIRECTIVE.search(module)
    constraint = f">={directive.group(1)}" if directive else ""
    runtime = choose(constraint, GO, GO_DEFAULT) or (directive.group(1) if directive else GO_DEFAULT)
    vendored = "vendor/modules.txt" in found.files
    compile_ = f'go build -trimpath -ldflags="-s -w" -o {BINARY} {_package(found)}'
    start, origin = (
        (found.start.command, found.start.origin) if found.start else (f"./{BINARY}", "convention: the built command")
    )
    return BuildPlan(
        kind=Kind.GO,
        context=found.context,
        manager=Manager.GO,
        runtime=runtime,
        constraint=constraint,
        runtime_origin="go.mod" if directive else "default",
        base_image=f"golang:{runtime}-bookworm",
        manifests=tuple(path for path in ("go.mod", "go.sum") if path in found.files),
        install=("go mod download",) if _REQUIRES.search(module) and not vendored else (),
        build=((found.command,) if found.command else ()) + (compile_,),
        start=start,
        start_origin=origin,
    )


def _package(found: Found) -> str:
    """The command's package: the module's root, `cmd/<service>`, or the only one under `cmd`."""
    if "main.go" in found.files:
        return "."
    commands = sorted({match.group(1) for path in found.files if (match := _COMMAND.match(path))})
    if found.service in commands:
        return f"./cmd/{found.service}"
    if len(commands) == 1:
        return f"./cmd/{commands[0]}"
    if len(commands) > 1:
        raise BuildRefused(
            f"There are several Go commands under cmd/, none named `{found.service}` like the service: {', '.join(commands)}.",
            remedy=f"Name the service in cygni.yaml as one of them, for example `{commands[0]}`.",
        )
    if any("/" not in path and path.endswith(".go") and not path.endswith("_test.go") for path in found.files):
        return "."
    raise BuildRefused(
        "There is a go.mod, but no Go command: neither main.go nor a package under cmd/.",
        remedy="Put `package main` into main.go or cmd/<name>/, or set `build.context` to the folder that holds it.",
    )
