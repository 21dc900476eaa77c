"""A line chart as an SVG picture, for model cards and the UI: small, readable as text, without a plotting library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, MARGIN = 560, 280, 48
COLOURS = ("#1b5e9e", "#c2501e", "#2e7d4f", "#7a3e9d")

Points = Sequence[tuple[float, float]]


def line_chart(series: Mapping[str, Points], x_title: str) -> str:
    """Return the SVG of one or more lines over a common x axis; the y axis begins at 0 and ends above the highest value."""
    xs = [x for points in series.values() for x, _ in points]
    top = max((y for points in series.values() for _, y in points), default=1.0) * 1.05 or 1.0
    low, high = min(xs, default=0.0), max(xs, default=1.0)
    span = (high - low) or 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        return MARGIN + (x - low) / span * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - y / top * (HEIGHT - 2 * MARGIN)

    parts = [_axes(top, sorted(set(xs)), at, x_title)]
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [at(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(
            f'<text x="{MARGIN + 150 * number}" y="22" fill="{colour}" font-weight="bold">{escape(name)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _axes(top: float, xs: Sequence[float], at: object, x_title: str) -> str:
    assert callable(at)
    out = []
    for step in range(5):
        y = top * step / 4
        _, level = at(0, y)
        out.append(f'<line x1="{MARGIN}" y1="{level:.1f}" x2="{WIDTH - MARGIN}" y2="{level:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{MARGIN - 6}" y="{level + 4:.1f}" text-anchor="end" fill="#555">{y:.2f}</text>')
    for x in xs:
        place, _ = at(x, 0)
        out.append(f'<text x="{place:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle" fill="#555">{x:g}</text>')
    out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle" fill="#555">{escape(x_title)}</text>')
    return "".join(out)
