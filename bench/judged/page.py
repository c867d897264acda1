"""The comparison as a section of a page of Markdown, between two marks; `bench.judge --write` puts it there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.judged.tally import Aim, Judged, Row, by_kind

BEGIN = "<!-- written by `python -m bench.judge --write`: begin -->"
END = "<!-- written by `python -m bench.judge --write`: end -->"
COMPARED = ("judge", "false aborts", "noisy canary aborted", "bad missed", "median s", "p95 s", "failed requests", "no traffic")
KINDS = ("traffic", "label", "rolled back", "median s", "p95 s")


def section(rows: Sequence[Row], ours: Sequence[Judged], aims: Iterable[Aim]) -> str:
    """All of it: the judges, our own by kind of traffic, and the aims."""
    return "\n\n".join(
        (
            f"Of {len(ours):,} rollouts:",
            table(rows),
            "Cygni by kind of traffic:",
            kinds(ours),
            "The aims, with confidence intervals of 95 %:",
            "\n".join(f"- {aim}" for aim in aims),
        )
    )


def table(rows: Iterable[Row]) -> str:
    """The judges."""
    return _table(COMPARED, (_cells(each) for each in rows))


def kinds(ours: Sequence[Judged]) -> str:
    """Ours by kind of traffic."""
    told = ((name, label, f"{share.found} of {share.total}", median, p95) for name, label, share, median, p95 in by_kind(ours))
    return _table(KINDS, told)


def written(page: str, text: str) -> str:
    """The page with the text between the marks, which it must have."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        message = f"the page has no marks: put {BEGIN} and {END} where the tables belong"
        raise ValueError(message)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def _cells(row: Row) -> tuple[object, ...]:
    nothing = f"{row.empty_aborted.found} aborted, {row.empty_promoted.found} promoted, of {row.empty_aborted.total}"
    return row.judge, row.false_aborts, row.noisy_aborts, row.missed, row.median, row.p95, row.failed, nothing


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])
