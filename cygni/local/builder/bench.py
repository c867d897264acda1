"""The workbench of one build: its folders, its environment, its tools, and dependencies that are installed only once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.builds.plan import BuildPlan
from cygni.local.builder import store
from cygni.local.builder.environment import Tools
from cygni.local.builder.process import Runner

FORMAT = "1"
"""Of the caches' contents; raise it when a recipe begins to do something else, so that nothing old is taken for new."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Installed dependencies in the cache: a folder nobody changes any more, and the digest of its listing."""

    folder: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Bench:
    """What a recipe works with. `app` is the unpacked context, `image` the folder that becomes the image."""

    plan: BuildPlan
    app: Path
    image: Path
    scratch: Path
    cache: Path
    environment: Mapping[str, str]
    tools: Tools
    runner: Runner

    def run(self, commands: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> None:
        """Runs shell commands one after another. Raises BuildFailed at the first that fails."""
        for command in commands:
            self.runner.run(command, folder, environment)

    def with_path(self, *folders: Path, **more: str) -> dict[str, str]:
        """The build's environment with these folders, and the tools', before the rest of the PATH."""
        path = ":".join([*(str(folder) for folder in folders), str(self.tools.folder), self.environment["PATH"]])
        return {**self.environment, "PATH": path, **more}

    def link_tool(self, name: str, target: Path) -> None:
        """Puts a tool of this machine into the image's `deps/bin`, so that its PATH need not know this machine."""
        folder = self.image / "deps" / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    def installed(self, runtime: str, install: Callable[[Path, Path], None]) -> Dependencies:
        """The dependencies of the plan, from the cache when nothing that decides them has changed.

        `install(result, source)` fills `result` in the folder `source`, which holds the manifests alone, or the whole
        context when the plan names none. `runtime` is what they are installed for: a version and a path.
        """
        folder = self.cache / "deps" / self._key(runtime)
        if not (folder / "digest").is_file():
            temporary = store.temporary_sibling(folder)
            try:
                (temporary / "result").mkdir()
                install(temporary / "result", self._source())
                (temporary / "digest").write_text(store.listing_digest(temporary / "result"))
                store.settle(temporary, folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        else:
            self.runner.log("Dependencies are unchanged: taken from the cache.")
        return Dependencies(folder / "result", (folder / "digest").read_text())

    def _key(self, runtime: str) -> str:
        plan = self.plan
        if plan.manifests:
            inputs = [f"{path} {store.file_digest(self.app / path)}" for path in plan.manifests]
        else:
            inputs = [store.listing_digest(self.app)]
        return store.text_digest(FORMAT, plan.kind, plan.manager, runtime, *plan.install, *inputs)

    def _source(self) -> Path:
        source = self.scratch / "manifests"
        if not self.plan.manifests:
            shutil.copytree(self.app, source, symlinks=True)
            return source
        for path in self.plan.manifests:
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.app / path, source / path)
        return source
