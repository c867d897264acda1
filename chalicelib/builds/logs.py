"""Reading a build's log a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.builds.runs import Build, log_key
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.opaque import decode_cursor, encode_cursor
from chalicelib.platform.storage import Storage


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Whole lines since a place, the cursor of the next place, and whether the build has ended with all of it read."""

    lines: tuple[str, ...]
    cursor: str
    complete: bool


def read_log(build: Build, *, cursor: str | None, storage: Storage, builders: Builders) -> LogPiece:
    """The lines of a build's log since `cursor`.

    The log is an object in the bucket where the builder writes one there, else the build job's stream.
    """
    place = decode_cursor(cursor) if cursor else {}
    if place.get("token") is None:  # nothing of the stream was read yet: the object may have come meanwhile
        offset = place.get("offset", 0)
        text = storage.read_from(log_key(build.team, build.id), offset if isinstance(offset, int) and offset >= 0 else 0)
        if text is not None or build.job is None:
            whole = (text or b"") if build.ended else (text or b"")[: (text or b"").rfind(b"\n") + 1]
            after = encode_cursor({"offset": (offset if isinstance(offset, int) else 0) + len(whole)})
            return LogPiece(tuple(whole.decode("utf-8", "replace").splitlines()), after, build.ended and not whole)
    lines, token = builders.log(build.job or "", place.get("token") if isinstance(place.get("token"), str) else None)
    return LogPiece(tuple(lines), encode_cursor({"token": token}), build.ended and not lines)
