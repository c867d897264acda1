"""A container's private folder: its copy of the application, a home and a place for temporary files.

`image/` is laid out like the image: `app/` is copied, so that no pod alters what another starts from; everything else
(installed dependencies, which may be large) is linked. Each run gets a fresh copy, as it would get a fresh file system.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from cygni.local.images import Image

APP = "app"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where one container lives on disk."""

    root: Path

    @property
    def image(self) -> Path:
        """The folder that stands for the image."""
        return self.root / "image"

    @property
    def home(self) -> Path:
        """The home directory of the container's processes."""
        return self.root / "home"

    @property
    def temporary(self) -> Path:
        """The folder of their temporary files."""
        return self.root / "tmp"

    def fill(self, image: Image) -> None:
        """Makes the folder afresh from an image. Raises OSError."""
        self.clear()
        for folder in (self.image, self.home, self.temporary):
            folder.mkdir(parents=True)
        for entry in os.scandir(image.root):
            if entry.name == APP and entry.is_dir():
                shutil.copytree(entry.path, self.image / APP, symlinks=True)
            else:
                (self.image / entry.name).symlink_to(Path(entry.path))

    def clear(self) -> None:
        """Removes the folder and all in it."""
        shutil.rmtree(self.root, ignore_errors=True)

    def workdir(self, image: Image, wanted: str) -> Path:
        """Where the process starts: in the pod's directory, if it gives one (`/` is the image), or in the image's."""
        return self.image / (wanted.lstrip("/") or image.workdir)

    def minimum(self, path: str, hostname: str) -> dict[str, str]:
        """The variables every process has, unless the image or the pod says otherwise."""
        return {
            "PATH": path,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "HOSTNAME": hostname,
            "LANG": "C.UTF-8",
        }
