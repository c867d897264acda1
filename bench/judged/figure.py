"""The comparison as a picture: SVG of our own, for light and for dark pages, readable without colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from bench.judged.corpus import BAD
from bench.judged.tally import Judged, Row, Share

WIDTH, HEIGHT = 860, 590
_LIGHT = {"text": "#1f2328", "muted": "#59636e", "page": "#ffffff", "grid": "#d1d9e0"}
_DARK = {"text": "#f0f6fc", "muted": "#9198a1", "page": "#0d1117", "grid": "#3d444d"}
_JUDGES_LIGHT = ("#1a7f37", "#bc4c00", "#bc4c00", "#8250df", "#8250df", "#0969da")
_JUDGES_DARK = ("#3fb950", "#f0883e", "#f0883e", "#ab7df8", "#ab7df8", "#58a6ff")
_SHAPES = """
  svg { font: 13px system-ui, sans-serif; } .title, .ours { font-weight: 600; } .pale { opacity: .4; }
  .curve { fill: none; stroke-width: 2; } .curve.c0 { stroke-width: 3.5; } .curve.c1, .curve.c3 { stroke-dasharray: 5 4; }
"""
_LEFT, _BARS, _TOP, _LINE = 200, 290, 64, 34
_CURVES = (60, 348, 560, 190)  # x, y, width, height of the curves
_SOONEST, _LATEST = 5.0, 1800.0


def draw(results: Mapping[str, Sequence[Judged]], rows: Sequence[Row]) -> str:
    """The picture: bars of false alarms and of misses, and how soon bad releases were caught."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(_told(rows))}</title><style>{_style()}</style>',
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        *_bars(rows),
        *_curves(results),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _style() -> str:
    dark = _colours(_DARK, _JUDGES_DARK)
    return f"{_SHAPES}{_colours(_LIGHT, _JUDGES_LIGHT)}@media (prefers-color-scheme: dark) {{ {dark} }}"


def _colours(page: Mapping[str, str], judges: Sequence[str]) -> str:
    rules = [
        f"text {{ fill: {page['text']}; }} .muted {{ fill: {page['muted']}; }} .page {{ fill: {page['page']}; }}",
        f".grid {{ stroke: {page['grid']}; }} .whisker {{ stroke: {page['text']}; }}",
        *(
            f"rect.c{place} {{ fill: {colour}; }} .curve.c{place} {{ stroke: {colour}; }}"
            for place, colour in enumerate(judges)
        ),
    ]
    return " ".join(rules)


def _told(rows: Sequence[Row]) -> str:
    """The picture in words, for who cannot see it."""
    return "; ".join(f"{each.judge}: {each.false_aborts} false aborts, {each.missed} missed" for each in rows)


def _bars(rows: Sequence[Row]) -> list[str]:
    right = _LEFT + _BARS + 60
    parts = [
        _text(_LEFT, 26, "Sound releases rolled back", "title"),
        _text(_LEFT, 44, "pale: the canary alone varies more than by chance", "muted"),
        _text(right, 26, "Bad releases missed", "title"),
        _text(right, 44, "lines: confidence intervals of 95 %", "muted"),
    ]
    for place, each in enumerate(rows):
        y = _TOP + place * _LINE
        parts.append(_text(_LEFT - 12, y + 16, each.judge, "ours" if place == 0 else "", anchor="end"))
        parts += _bar(_LEFT, y, 11, each.false_aborts, f"c{place}")
        parts += _bar(_LEFT, y + 13, 11, each.noisy_aborts, f"c{place} pale")
        parts += _bar(right, y + 4, 16, each.missed, f"c{place}")
    return parts


def _bar(x: float, y: float, height: float, share: Share, style: str) -> list[str]:
    scale = _BARS - 70
    low, high = share.interval
    middle = y + height / 2
    length = max(1.5, share.value * scale)
    return [
        f'<rect class="{style}" x="{x}" y="{y}" width="{length:.1f}" height="{height}"/>',
        f'<line class="whisker" x1="{x + low * scale:.1f}" x2="{x + high * scale:.1f}" y1="{middle}" y2="{middle}"/>',
        _text(x + max(length, high * scale) + 6, middle + 4.5, f"{share.value * 100:.1f} %", "muted"),
    ]


def _curves(results: Mapping[str, Sequence[Judged]]) -> list[str]:
    x, y, width, height = _CURVES
    parts = [_text(x, y - 36, "Bad releases caught, by the time since their fault began", "title")]
    for percent in (0, 25, 50, 75, 100):
        line = y + height * (1 - percent / 100)
        parts.append(f'<line class="grid" x1="{x}" x2="{x + width}" y1="{line}" y2="{line}"/>')
        parts.append(_text(x - 8, line + 4.5, f"{percent} %", "muted", anchor="end"))
    for seconds, name in ((5, "5 s"), (10, "10 s"), (30, "30 s"), (60, "1 min"), (300, "5 min"), (1800, "30 min")):
        parts.append(_text(_across(seconds), y + height + 20, name, "muted", anchor="middle"))
    for place, (name, judged) in enumerate(results.items()):
        parts.append(_curve([each for each in judged if each.case.kind.label == BAD], f"curve c{place}"))
        key = y + 14 + place * 26
        parts.append(
            f'<line class="curve c{place}" x1="{x + width + 20}" x2="{x + width + 50}" y1="{key - 4}" y2="{key - 4}"/>'
        )
        parts.append(_text(x + width + 58, key, name, "ours" if place == 0 else ""))
    return parts


def _curve(bad: Sequence[Judged], style: str) -> str:
    _, y, _, height = _CURVES
    points = [(_SOONEST, 0.0)]
    for number, delay in enumerate(sorted(each.delay for each in bad if each.delay is not None), start=1):
        points += [(delay, points[-1][1]), (delay, number / len(bad))]
    points.append((_LATEST, points[-1][1]))
    path = " ".join(f"{_across(seconds):.1f},{y + height * (1 - share):.1f}" for seconds, share in points)
    return f'<polyline class="{style}" points="{path}"/>'


def _across(seconds: float) -> float:
    x, _, width, _ = _CURVES
    part = math.log(max(seconds, _SOONEST) / _SOONEST) / math.log(_LATEST / _SOONEST)
    return x + width * min(1.0, part)


def _text(x: float, y: float, text: str, style: str = "", *, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
