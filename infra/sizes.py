"""How large what a function is made of may be, unpacked, as Lambda loads it. Pure, but for reading zips."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

MIB = 1024 * 1024
"""What Lambda calls a megabyte."""
LIMIT = 25 * MIB
"""Bytes that the API's code and its layer may have beside botocore, which any function that calls AWS needs."""


def entries(*zips: Path) -> list[tuple[str, int]]:
    """Names and unpacked bytes of all that is in these."""
    found: list[tuple[str, int]] = []
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            found += [(each.filename, each.file_size) for each in archive.infolist()]
    return found


def size_of(listed: Iterable[tuple[str, int]]) -> int:
    """Bytes beside botocore."""
    return sum(size for name, size in listed if not name.startswith(("python/botocore/", "python/botocore-")))


def too_large(sizes: Mapping[str, int]) -> list[str]:
    """What is over the limit, by architecture."""
    return [
        f"the API's code and layer for {name} are {size / MIB:.1f} MB unpacked beside botocore, more than {LIMIT // MIB} MB"
        for name, size in sizes.items()
        if size > LIMIT
    ]
