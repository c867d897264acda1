"""The image store of the embedded cloud, read: a folder that stands in for a registry.

An image is the folder `sha256-<hex>/`; it is complete once it holds `image.json`, since the builder writes a temporary
sibling and renames it. The manifest says what to run: `{"digest", "command", "env", "workdir"}`. Beside it are `app/` (the
source) and, if the application has any, `deps/` (what was installed for it). Values of `env` may hold `${IMAGE}`, the
absolute path of the image as the reader sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")
MANIFEST = "image.json"


class ImageError(Exception):
    """An image cannot be used; the message says why and what to do."""


class BadReference(ImageError):
    """The reference names no digest, so that it does not say which image is meant."""


class ImageAbsent(ImageError):
    """The store holds no complete image of that digest. It may come later."""


class ImageBroken(ImageError):
    """The image is there, but its manifest is not what the builder writes."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image: `root` is its folder, `command` the default argument vector, `workdir` a path relative to `root`."""

    digest: str
    root: Path
    command: tuple[str, ...]
    env: Mapping[str, str]
    workdir: str

    def environment(self, root: Path) -> dict[str, str]:
        """The image's variables, with `${IMAGE}` standing for `root`: the image itself, or a working copy laid out like it."""
        return {name: value.replace("${IMAGE}", str(root)) for name, value in self.env.items()}


def digest_of(reference: str) -> str:
    """The `sha256:…` of an image reference such as `registry/web@sha256:…`. Raises BadReference without one."""
    found = _DIGEST.search(reference)
    if found is None:
        raise BadReference(f'image "{reference}" is not named by digest: this node runs only name@sha256:<64 hex digits>')
    return found[1]


def folder_of(digest: str) -> str:
    """The name of the folder that holds the image of this digest."""
    return digest.replace(":", "-", 1)


class ImageStore:
    """Finds images by digest under one directory, which need not exist yet."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()

    def find(self, reference: str) -> Image:
        """The image that a reference means. Raises BadReference, ImageAbsent or ImageBroken."""
        digest = digest_of(reference)
        root = self.directory / folder_of(digest)
        try:
            text = (root / MANIFEST).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise ImageAbsent(f"{digest} is not in the image store: build it again") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ImageBroken(f"{digest} cannot be read: {error}") from error
        return _parse(text, digest, root)


def _parse(text: str, digest: str, root: Path) -> Image:
    try:
        manifest: Any = json.loads(text)
    except ValueError as error:
        raise ImageBroken(f"{digest}: {MANIFEST} is not JSON ({error}): build it again") from error
    fault = _fault(manifest, digest)
    if fault:
        raise ImageBroken(f"{digest}: {MANIFEST} {fault}: build it again")
    return Image(digest, root, tuple(manifest["command"]), dict(manifest.get("env", {})), manifest.get("workdir", "app"))


def _fault(manifest: Any, digest: str) -> str:
    """What is wrong with a manifest, or an empty string."""
    if not isinstance(manifest, dict):
        return "is not an object"
    if manifest.get("digest", digest) != digest:
        return f"says digest {manifest['digest']}"
    command = manifest.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        return "has no command (a list of words)"
    env = manifest.get("env", {})
    if not isinstance(env, dict) or not all(isinstance(value, str) for value in env.values()):
        return "has an env that is not text by name"
    workdir = manifest.get("workdir", "app")
    if not isinstance(workdir, str) or PurePosixPath(workdir).is_absolute() or ".." in PurePosixPath(workdir).parts:
        return "has a workdir outside the image"
    return ""
