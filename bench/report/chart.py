"""Charts as SVG, written by hand: readable on light and dark backgrounds, without scripts and fonts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

STYLE: Final = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px }
.quiet { fill: #57606a }
.bar { fill: #8c959f } .ours { fill: #0969da }
.axis { stroke: #d0d7de } .line { fill: none; stroke: #0969da; stroke-width: 2 } .point { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 }
  .bar { fill: #656c76 } .ours { fill: #4493f8 }
  .axis { stroke: #3d444d } .line { stroke: #4493f8 } .point { fill: #4493f8 }
}
</style>"""
WIDTH: Final = 760
LABELS: Final = 300
VALUES: Final = 110
ROW: Final = 24
HEAD: Final = 34
PLOT_HEIGHT: Final = 150
PLOT_GAP: Final = 96
MARGIN: Final = 60


@dataclass(frozen=True)
class Bars:
    """One group of bars: a title, and the score of each contender."""

    title: str
    scores: Mapping[str, float]
    unit: str


@dataclass(frozen=True)
class Curve:
    """One small plot: y over x, x on a logarithmic axis."""

    title: str
    x: str
    points: Sequence[tuple[float, float]]


def bars(groups: Sequence[Bars], ours: str) -> str:
    """Return a chart of horizontal bars. The axis of each group is logarithmic, because scores lie far apart."""
    parts: list[str] = []
    top = 0
    for group in groups:
        parts.append(f'<text class="title" x="0" y="{top + 20}">{escape(group.title)}</text>')
        top += HEAD
        least, most = min(group.scores.values()) / 2, max(group.scores.values())
        for name, score in group.scores.items():
            width = (WIDTH - LABELS - VALUES) * math.log(score / least) / math.log(most / least)
            kind, middle = "ours" if name.startswith(ours) else "bar", top + ROW * 0.7
            parts += [
                f'<text x="{LABELS - 10}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>',
                f'<rect class="{kind}" x="{LABELS}" y="{top + 3}" width="{width:.1f}" height="{ROW - 6}" rx="2"/>',
                f'<text class="quiet" x="{LABELS + width + 6:.1f}" y="{middle:.0f}">{short(score)} {group.unit}</text>',
            ]
            top += ROW
        top += 12
    return _svg(top, parts)


def curves(plots: Sequence[Curve]) -> str:
    """Return a chart of small plots, two in each row."""
    parts: list[str] = []
    width = WIDTH / 2
    for number, plot in enumerate(plots):
        left, top = (number % 2) * width, (number // 2) * (PLOT_HEIGHT + PLOT_GAP)
        parts += _curve(plot, left, top + HEAD, width)
    rows = (len(plots) + 1) // 2
    return _svg(rows * (PLOT_HEIGHT + PLOT_GAP), parts)


def _curve(plot: Curve, edge: float, top: float, room: float) -> list[str]:
    left, width, bottom = edge + MARGIN, room - MARGIN - 30, top + PLOT_HEIGHT
    xs = [math.log(x) for x, _y in plot.points]
    span, most = (max(xs) - min(xs)) or 1, max(y for _x, y in plot.points) * 1.1
    places = [
        (left + width * (x - min(xs)) / span, bottom - PLOT_HEIGHT * y / most)
        for x, (_x, y) in zip(xs, plot.points, strict=True)
    ]
    middle = left + width / 2
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [
        f'<text class="title" x="{edge:.0f}" y="{top - 14:.0f}">{escape(plot.title)}</text>',
        f'<path class="axis" fill="none" d="M{left:.0f} {top:.0f}V{bottom:.0f}H{left + width:.0f}"/>',
        f'<polyline class="line" points="{path}"/>',
        f'<text class="quiet" x="{left - 6:.0f}" y="{top + 10:.0f}" text-anchor="end">{short(most)}</text>',
        f'<text class="quiet" x="{left - 6:.0f}" y="{bottom:.0f}" text-anchor="end">0</text>',
        f'<text class="quiet" x="{middle:.0f}" y="{bottom + 38:.0f}" text-anchor="middle">{escape(plot.x)}</text>',
    ]
    for (x, y), (value, _y) in zip(places, plot.points, strict=True):
        parts += [
            f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
            f'<text class="quiet" x="{x:.1f}" y="{bottom + 17:.0f}" text-anchor="middle">{short(value)}</text>',
        ]
    return parts


def short(value: float) -> str:
    """Return a number with its significant digits only."""
    if value >= 1e6:  # noqa: PLR2004
        return f"{value / 1e6:.3g}M"
    if value >= 1e4:  # noqa: PLR2004
        return f"{value / 1e3:.3g}k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004


def _svg(height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}"'
        f' height="{height:.0f}">\n{STYLE}\n{body}\n</svg>\n'
    )
