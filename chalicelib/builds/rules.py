"""How a service is built, decided from a listing of its source alone. Pure.

1. What the author says comes first: `build.dockerfile`, then a Dockerfile, then detection (Go, Python, Node, static site).
2. A start command is never guessed over one that is declared: `start`, then the Procfile, then the language's own ways.
3. The same listing, spec and name always give an equal plan.
4. There is a plan, or a BuildRefused that says what was looked for and what to add; never a plan that cannot be carried out.
"""

from __future__ import annotations

from posixpath import normpath

from chalicelib.builds.detection import golang, node, python, static
from chalicelib.builds.detection.found import Found
from chalicelib.builds.detection.start import declared
from chalicelib.builds.listing import MARKERS, Listing, folders, within
from chalicelib.builds.plan import BuildPlan, Kind
from chalicelib.platform.errors import BuildRefused
from chalicelib.projects.spec import ServiceSpec

__all__ = ["MARKERS", "BuildPlan", "Kind", "Listing", "plan"]

_DETECTORS = (golang.detect, python.detect, node.detect, static.detect)
"""In order of precedence: a package.json beside Python often only builds its style sheets."""

_UNSUPPORTED = {
    "Gemfile": "Ruby", "pom.xml": "Java", "build.gradle": "Java", "build.gradle.kts": "Kotlin", "Cargo.toml": "Rust",
    "composer.json": "PHP", "index.php": "PHP", "mix.exs": "Elixir", "deno.json": "Deno", "Package.swift": "Swift",
}  # fmt: skip

_LANGUAGE_FILES = ("package.json", "requirements.txt", "pyproject.toml", "go.mod", "Dockerfile", "index.html")


def plan(listing: Listing, spec: ServiceSpec, service: str) -> BuildPlan:
    """The plan for one service of a source. Raises BuildRefused, which says what was looked for and what to add."""
    context = _context(spec.build.context)
    files = within(listing, context)
    if not files:
        raise _no_context(listing, context)
    if spec.build.dockerfile or "Dockerfile" in files:
        return _from_dockerfile(files, context, spec)
    start = declared(spec.start, files.get("Procfile"), service)
    found = Found(files=files, context=context, service=service, start=start, command=(spec.build.command or "").strip())
    for detect in _DETECTORS:
        detected = detect(found)
        if detected is not None:
            return detected
    raise _nothing_detected(found)


def _context(given: str) -> str:
    context = normpath(given.strip() or ".")
    if context.startswith(("/", "..")) or "\\" in context:
        raise BuildRefused(
            f"`build.context` is `{given}`, which is outside of the source.",
            remedy="Give a folder relative to cygni.yaml, for example `services/api`.",
        )
    return context


def _no_context(listing: Listing, context: str) -> BuildRefused:
    if context == ".":
        return BuildRefused(
            "The source holds no files.",
            remedy="Check .gitignore and .cygniignore, then deploy from the folder that holds cygni.yaml.",
        )
    there = ", ".join(folders(listing)) or "no folder"
    return BuildRefused(
        f"`build.context` is `{context}`, but the source has no file under it; it has {there}.",
        remedy="Correct `build.context` in cygni.yaml; a folder that .gitignore or .cygniignore names is not uploaded.",
    )


def _from_dockerfile(files: Listing, context: str, spec: ServiceSpec) -> BuildPlan:
    dockerfile = normpath(spec.build.dockerfile or "Dockerfile")
    if dockerfile not in files:
        there = sorted(path for path in files if "dockerfile" in path.lower())
        raise BuildRefused(
            f"`build.dockerfile` is `{spec.build.dockerfile}`, but there is no such file under `{context}`.",
            remedy=f"Correct it; there is {', '.join(there)}."
            if there
            else "Correct it, or leave it out so that Cygni detects the language.",
        )
    ignored = spec.build.command is not None
    return BuildPlan(
        kind=Kind.DOCKERFILE,
        context=context,
        dockerfile=dockerfile,
        start=(spec.start or "").strip(),
        start_origin="cygni.yaml start" if spec.start else f"{dockerfile} CMD",
        notes=("`build.command` is not run, since the Dockerfile says how to build.",) if ignored else (),
    )


def _nothing_detected(found: Found) -> BuildRefused:
    language = next((name for path, name in _UNSUPPORTED.items() if path in found.files), None)
    if language:
        return BuildRefused(
            f"This looks like {language}, which Cygni builds from a Dockerfile only.",
            remedy="Add a Dockerfile; its service must listen on $PORT on all interfaces.",
        )
    below = sorted(
        {
            path.rpartition("/")[0]
            for path in found.files
            if path.count("/") in {1, 2} and path.endswith(tuple(f"/{name}" for name in _LANGUAGE_FILES))
        }
    )
    if below:
        return BuildRefused(
            f"No application was found in `{found.context}`, but there may be one in {', '.join(below[:5])}.",
            remedy=f"Set `build.context` in cygni.yaml to the folder to build, for example `{below[0]}`.",
        )
    return BuildRefused(
        f"Nothing in `{found.context}` says what this application is: there is no Dockerfile, go.mod, requirements.txt, "
        "pyproject.toml, main.py, app.py, package.json or index.html.",
        remedy="Add the file that belongs to the language, or a Dockerfile, or set `build.context` to another folder.",
    )
