from __future__ import annotations

from typing import Any

from cygni.cli.follow import Follower, pause

EVENT = {"seq": 1, "at": "2026-01-02T03:04:05Z", "kind": "shifted", "message": "20 %", "by": None}


class Watched:
    """An API with one rollout: what each look at its timeline finds."""

    def __init__(self, looks: list[list[Any]]) -> None:
        self.looks = looks

    def timeline(self, _place: Any, _id: str, *, cursor: str | None) -> dict[str, Any]:
        items = self.looks.pop(0) if self.looks else []
        ended = not self.looks
        return {"items": items, "next_cursor": cursor, "ended": ended, "state": "promoted" if ended else "rolling_out"}

    def deployment(self, _place: Any, _id: str) -> dict[str, Any]:
        return {"id": "dep_1", "kind": "rollback", "state": "rolling_out"}

    def traffic(self, _place: Any, _id: str) -> dict[str, Any]:
        return {"arms": []}


def test_pauses_grow_when_nothing_has_happened_for_ten_looks() -> None:
    assert [pause(1.0, quiet) for quiet in range(16)] == [1.0] * 11 + [2.0, 3.0, 4.0, 5.0, 5.0]


def test_whoever_follows_looks_often_again_as_soon_as_something_happens() -> None:
    pauses: list[float] = []
    api = Watched([[], *[[]] * 12, [EVENT], [], []])
    rollout = api.deployment(None, "dep_1")

    list(Follower(api, None, rollout, sleep=pauses.append, poll=1.0).items())  # type: ignore[arg-type]

    assert pauses == [1.0] * 10 + [2.0, 3.0, 4.0, 1.0, 1.0]
