"""What the tests of builds share: plans from a few files, and archives of any shape."""

from __future__ import annotations

import io
import tarfile
from typing import Any

from chalicelib.builds import rules
from chalicelib.builds.plan import BuildPlan
from chalicelib.projects.spec import ServiceSpec


def spec(**fields: Any) -> ServiceSpec:
    """A service of which only what matters is said."""
    return ServiceSpec.model_validate(fields)


def planned(files: dict[str, str | None], service: str = "web", **fields: Any) -> BuildPlan:
    """The plan for these files."""
    return rules.plan(files, spec(**fields), service)


def member(name: str, data: bytes = b"", **facts: Any) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of an archive; `facts` are TarInfo's attributes."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info, data


def tar_gz(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    """An archive of these entries, whatever they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    buffer.seek(0)
    return buffer


def source(files: dict[str, str]) -> io.BytesIO:
    """An archive of plain files."""
    return tar_gz(*(member(path, text.encode()) for path, text in files.items()))
