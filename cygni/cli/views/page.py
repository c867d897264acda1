"""Why a rollout went as it did, as one page of HTML: nothing is fetched from elsewhere, and it is read in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from cygni.cli.shapes import Deployment, Explanation
from cygni.cli.views.course import Course, Curves, Decided, Mark, course_of
from cygni.cli.views.explain import headline, unseen
from cygni.cli.views.words import NOTHING, clock_time, release_name

_WIDTH, _HEIGHT, _LEFT, _FOOT = 900, 190, 76, 22
_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#59636e;--paper:#fff;--rule:#d0d7de}
:root{--canary:#9a6700;--stable:#0969da;--bad:#cf222e}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--paper:#0d1117;--rule:#3d444d}
:root{--canary:#e3b341;--stable:#58a6ff;--bad:#ff7b72}}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
body{color:var(--ink);background:var(--paper)}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:var(--dim)}
.axis{stroke:var(--rule)}.limit{fill:none;stroke:var(--bad);stroke-dasharray:4 4}.decided{stroke:var(--bad);stroke-width:2}
.line{fill:none;stroke-width:2}.line.canary{stroke:var(--canary)}.line.stable{stroke:var(--stable)}
.band{stroke:none;opacity:.18}.band.canary{fill:var(--canary)}.band.stable{fill:var(--stable)}
b.canary{color:var(--canary)}b.stable{color:var(--stable)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--rule)}
td.n{text-align:right;font-variant-numeric:tabular-nums}.fail{color:var(--bad);font-weight:600}
figure{margin:0}figcaption{margin-top:1rem}.note{color:var(--dim)}
"""
_STEP_HEADS = ("Step", "From", "To", "Weight", "Canary failed", "Stable failed", "Verdict")


def page(deployment: Deployment, explanation: Explanation) -> str:
    """The page. All that comes from the API is escaped."""
    place = f"{deployment['project']}/{deployment['environment']}/{deployment['service']}"
    title = f"{release_name(deployment['release'])} of {place}: {deployment['state'].replace('_', ' ')}"
    whole = course_of(explanation)
    drawn = _body(explanation, whole) if whole is not None else (f"<p>{escape(line)}</p>" for line in unseen(explanation))
    body = "".join(drawn)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f'<p class="note">Deployment {escape(deployment["id"])}</p>{body}</main></body></html>\n'
    )


def _body(explanation: Explanation, whole: Course) -> Iterator[str]:
    last = explanation["items"][-1]
    decided = whole.decided
    yield f"<p><strong>{escape(headline(explanation, decided))}</strong></p>"
    yield f"<p>{escape(last['verdict']['decision'])}: {escape(last['verdict']['reason'])}</p>"
    for curves in (_weights(whole), *whole.curves):
        yield _figure(curves, whole.seconds, decided)
    yield (
        '<p class="note">Shaded: the bands that hold each version\'s true figure with 99 % confidence, at all samples at once. '
        "Dashed: the gates' limits; one that compares follows the stable version. Upright: the sample that decided.</p>"
    )
    yield "<h2>Gates</h2>" + _table(("Gate", "Outcome", "Why"), _gates(explanation))
    yield "<h2>Steps</h2>" + _table(_STEP_HEADS, _steps(explanation))


def _weights(whole: Course) -> Curves:
    marks = tuple(Mark(at, float(weight), float(weight), float(weight)) for at, weight in whole.weights)
    return Curves("Weight of the canary", "%", marks, (), None, 100.0)


def _figure(curves: Curves, seconds: float, decided: Decided | None) -> str:
    drawn = "".join(_band(curves, arm, seconds) for arm in ("stable", "canary"))
    drawn += "".join(_curve(curves, arm, seconds) for arm in ("stable", "canary"))
    if curves.limit is not None:
        height = _y(curves.limit, curves.top)
        drawn += _rule("limit", _LEFT, height, _WIDTH, height)
        drawn += f'<text x="{_LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{curves.limit:g} {curves.unit}</text>'
    if curves.allowed:
        drawn += _polyline("limit", curves.allowed, curves.top, seconds)
    if decided is not None:
        at = _x(decided.at, seconds)
        drawn += _rule("decided", at, 0, at, _HEIGHT)
    axis = _rule("axis", _LEFT, _HEIGHT, _WIDTH, _HEIGHT) + _rule("axis", _LEFT, 0, _LEFT, _HEIGHT)
    words = (
        f'<text x="{_LEFT - 6}" y="12" text-anchor="end">{curves.top:.3g} {curves.unit}</text>'
        f'<text x="{_LEFT - 6}" y="{_HEIGHT}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT + 16}">0 s</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 16}" text-anchor="end">{seconds:.1f} s</text>'
    )
    label = f"{curves.title} over {seconds:.0f} seconds. {_told(curves)}"
    return (
        f"<figure><figcaption><strong>{escape(curves.title)}</strong> "
        '<b class="canary">canary</b> <b class="stable">stable</b></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" role="img" aria-label="{escape(label, quote=True)}">'
        f"{axis}{drawn}{words}</svg></figure>"
    )


def _told(curves: Curves) -> str:
    """The newest values, for whoever does not see the picture."""
    told = []
    for arm, marks in (("Canary", curves.canary), ("stable", curves.stable)):
        values = [mark.value for mark in marks if mark.value is not None]
        if values:
            told.append(f"{arm} at the end: {values[-1]:.3g} {curves.unit}")
    return ", ".join(told) + "."


def _band(curves: Curves, arm: str, seconds: float) -> str:
    marks: Sequence[Mark] = getattr(curves, arm)
    upper = [(mark.at, curves.top if mark.high is None else min(mark.high, curves.top)) for mark in marks]
    lower = [(mark.at, min(mark.low, curves.top)) for mark in reversed(marks)]
    points = " ".join(f"{_x(at, seconds):.1f},{_y(value, curves.top):.1f}" for at, value in (*upper, *lower))
    return f'<polygon class="band {arm}" points="{points}"/>' if marks else ""


def _curve(curves: Curves, arm: str, seconds: float) -> str:
    marks: Sequence[Mark] = getattr(curves, arm)
    known = [(mark.at, mark.value) for mark in marks if mark.value is not None]
    return _polyline(f"line {arm}", known, curves.top, seconds) if known else ""


def _polyline(kind: str, known: Sequence[tuple[float, float]], top: float, seconds: float) -> str:
    points = " ".join(f"{_x(at, seconds):.1f},{_y(value, top):.1f}" for at, value in known)
    return f'<polyline class="{kind}" points="{points}"/>'


def _rule(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _x(at: float, seconds: float) -> float:
    return _LEFT + (at / seconds if seconds > 0 else 0.0) * (_WIDTH - _LEFT)


def _y(value: float, top: float) -> float:
    return _HEIGHT * (1 - min(max(value / top, 0.0), 1.0))


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _gates(explanation: Explanation) -> list[str]:
    rows = []
    for gate in explanation["items"][-1]["gates"]:
        name = gate["name"] + (" (advisory)" if gate["weight"] == "advisory" else "")
        outcome = f'<td class="{escape(gate["outcome"], quote=True)}">{escape(gate["outcome"])}</td>'
        rows.append(f"<tr><td>{escape(name)}</td>{outcome}<td>{escape(gate['sentence'])}</td></tr>")
    return rows


def _steps(explanation: Explanation) -> list[str]:
    rows = []
    for step in explanation["items"]:
        last = step["points"][-1] if step["points"] else None
        arms = (last["canary"], last["stable"]) if last else (None, None)
        served = [f"{arm['errors']:,} of {arm['requests']:,}" if arm else NOTHING for arm in arms]
        cells = [str(step["step"] + 1), clock_time(step["started_at"]), clock_time(step["at"])]
        cells += [f"{last['weight']} %" if last else NOTHING, *served]
        numbers = "".join(f'<td class="n">{escape(each)}</td>' for each in cells)
        rows.append(f"<tr>{numbers}<td>{escape(step['verdict']['decision'])}</td></tr>")
    return rows
