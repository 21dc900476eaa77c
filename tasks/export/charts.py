"""Charts as vectors, drawn from reportlab's shapes: columns, lines, stacked columns and bars.

Reportlab's ready charts place labels without measuring them, and clip or overlap them. Here every label is measured
first: the value axis is as wide as its widest label, names that do not fit are thinned or shortened, the legend wraps.
A value that is None leaves a gap; a chart without any value is not made (None), so a report never shows an empty frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reportlab.graphics.shapes import Circle, Drawing, Group, Line, PolyLine, Rect, String
from reportlab.lib.colors import HexColor

from tasks.export import fonts, style
from tasks.export.text import clean, wrap

Values = Sequence[float | None]
Shown = Callable[[float], str]
SIZE = 7.5
HEIGHT = 150.0


@dataclass(frozen=True, slots=True)
class Series:
    """Values under one name, one for each category."""

    name: str
    values: Values
    colour: str = ""


@dataclass(frozen=True, slots=True)
class _Plot:
    """The plotting area inside a drawing, and the scale of its value axis."""

    x: float
    y: float
    width: float
    height: float
    low: float
    high: float

    def at(self, value: float) -> float:
        return self.y + (value - self.low) / (self.high - self.low) * self.height


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart over categories shows, whatever its form: sizes in points, `shown` writes a value on the axis."""

    title: str
    categories: Sequence[str]
    series: Sequence[Series]
    width: float
    shown: Shown
    height: float = HEIGHT


def columns(chart: Chart, stacked: bool = False) -> Drawing | None:
    """Draw columns side by side, or one on the other when `stacked` (then all values must be at least 0).

    Returns:
        None where there is no value.
    """
    categories, series = chart.categories, _kept(chart.series)
    if not series or not categories:
        return None
    tops = _sums(series) if stacked else [value for one in series for value in one.values if value is not None]
    drawing, plot = _frame(chart, series, min(tops), max(tops), zero=True)
    slot = plot.width / len(categories)
    breadth = min(34.0, slot * 0.72) if stacked else min(26.0, slot * 0.76 / len(series))
    for index in range(len(categories)):
        base, left = 0.0, plot.x + slot * (index + 0.5) - (breadth if stacked else breadth * len(series)) / 2
        for number, one in enumerate(series):
            value = one.values[index]
            if value is None:
                continue
            start, stop = plot.at(base), plot.at(base + value)
            x = left if stacked else left + number * breadth
            drawing.add(_rect(x, min(start, stop), breadth - (0 if stacked else 1.5), abs(stop - start), one.colour))
            base += value if stacked else 0.0
    _zero(drawing, plot)
    return drawing


def lines(chart: Chart, zero: bool = False) -> Drawing | None:
    """Draw lines with a dot at each value and a gap where a value is None; with `zero` the axis begins there.

    Returns:
        None where there is no value.
    """
    categories, series = chart.categories, _kept(chart.series)
    if not series or not categories:
        return None
    values = [value for one in series for value in one.values if value is not None]
    drawing, plot = _frame(chart, series, min(values), max(values), zero)
    slot = plot.width / len(categories)
    dots = len(categories) <= 40
    for one in series:
        run: list[float] = []
        for index, value in enumerate([*one.values, None]):
            if value is not None:
                x, y = plot.x + slot * (index + 0.5), plot.at(value)
                run += [x, y]
                if dots:
                    drawing.add(Circle(x, y, 1.9, fillColor=HexColor(one.colour), strokeColor=None))
                continue
            if len(run) > 2:
                drawing.add(PolyLine(run, strokeColor=HexColor(one.colour), strokeWidth=1.4, strokeLineJoin=1))
            run = []
    if plot.low < 0 < plot.high:
        _zero(drawing, plot)
    return drawing


def bars(
    title: str,
    items: Sequence[tuple[str, float]],
    width: float,
    shown: Shown,
    most: int = 10,
    other: str = "",
    ranking: bool = True,
) -> Drawing | None:
    """Draw horizontal bars, the largest first, each with its value; what is past `most` is summed under `other`.

    Without `ranking` they stay in the order given, for categories that have one.
    """
    ranked = [(clean(name), value) for name, value in items if value > 0]
    ranked = sorted(ranked, key=lambda pair: -pair[1]) if ranking else ranked
    if not ranked:
        return None
    if len(ranked) > most:
        ranked = [*ranked[: most - 1], (other, sum(value for _, value in ranked[most - 1 :]))]
    line, top = 15.0, 18.0
    drawing = Drawing(width, top + line * len(ranked) + 4)
    _string(drawing, 0, drawing.height - 9, title, fonts.STRONG, 8.5, style.INK)
    names = [wrap(name or "–", fonts.TEXT, SIZE, width * 0.36, 1)[0] for name, _ in ranked]
    labels = [shown(value) for _, value in ranked]
    start = max(fonts.width(name, fonts.TEXT, SIZE) for name in names) + 8
    room = width - start - max(fonts.width(label, fonts.TEXT, SIZE) for label in labels) - 8
    y = drawing.height - top - line + 4
    for name, label, (_, value) in zip(names, labels, ranked, strict=True):
        length = max(0.8, room * value / ranked_top(ranked))
        _string(drawing, start - 8, y, name, fonts.TEXT, SIZE, style.INK, right=True)
        drawing.add(_rect(start, y - 2, length, 9, style.ACCENT))
        _string(drawing, start + length + 4, y, label, fonts.TEXT, SIZE, style.MUTED)
        y -= line
    return drawing


def ranked_top(ranked: Sequence[tuple[str, float]]) -> float:
    """Return the largest value of a ranking, never 0."""
    return max(value for _, value in ranked) or 1.0


def ribbon(
    title: str,
    values: Sequence[tuple[float, str]],
    width: float,
    ends: tuple[str, str],
    legend: Sequence[tuple[str, str]],
    height: float = 74.0,
) -> Drawing | None:
    """Draw a strip of small columns in reading order, from −1 to 1, each in its tone: sentiment through a document."""
    if not values:
        return None
    if len(values) > 240:  # more than that are thinner than a printed line
        step = len(values) / 240
        values = [values[int(number * step)] for number in range(240)]
    drawing = Drawing(width, height)
    _string(drawing, 0, height - 9, title, fonts.STRONG, 8.5, style.INK)
    x = width
    for name, tone in reversed(legend):
        x -= fonts.width(clean(name), fonts.TEXT, SIZE)
        _string(drawing, x, height - 9, name, fonts.TEXT, SIZE, style.MUTED)
        x -= 10
        drawing.add(_rect(x, height - 9, 6, 6, style.TONES[tone]))
        x -= 10
    middle, half, slot = 14 + (height - 32) / 2, (height - 32) / 2, width / len(values)
    for index, (value, tone) in enumerate(values):
        stop = middle + max(-1.0, min(1.0, value)) * half
        low, high = min(middle, stop), max(middle + 0.6, stop)
        drawing.add(_rect(index * slot, low, max(0.5, min(12.0, slot - 0.4)), high - low, style.TONES[tone]))
    drawing.add(Line(0, middle, width, middle, strokeColor=HexColor(style.FAINT), strokeWidth=0.5))
    _string(drawing, 0, 2, ends[0], fonts.TEXT, SIZE, style.MUTED)
    _string(drawing, width, 2, ends[1], fonts.TEXT, SIZE, style.MUTED, right=True)
    return drawing


def beside(left: Drawing | None, right: Drawing | None, width: float) -> Drawing | None:
    """Return two charts in a row, top-aligned, or the one that there is."""
    present = [drawing for drawing in (left, right) if drawing is not None]
    if len(present) < 2:
        return present[0] if present else None
    height = max(drawing.height for drawing in present)
    both = Drawing(width, height)
    for drawing, x in ((left, 0.0), (right, width - present[1].width)):
        group = Group(*(drawing.contents if drawing else ()))
        group.translate(x, height - (drawing.height if drawing else 0))
        both.add(group)
    return both


def half(width: float) -> float:
    """Return width of each of two charts in a row."""
    return (width - 20) / 2


# -- parts ------------------------------------------------------------------------------------------------------------
def _kept(series: Sequence[Series]) -> list[Series]:
    """Return the series that have a value, each with its colour."""
    present = [one for one in series if any(value is not None for value in one.values)]
    return [
        Series(clean(one.name), one.values, one.colour or style.SERIES[number % len(style.SERIES)])
        for number, one in enumerate(present)
    ]


def _sums(series: Sequence[Series]) -> list[float]:
    return [sum(value or 0.0 for value in slice_) for slice_ in zip(*(one.values for one in series), strict=True)]


def _frame(chart: Chart, series: Sequence[Series], least: float, most: float, zero: bool) -> tuple[Drawing, _Plot]:
    """Draw title, legend, grid and both axes; return the drawing and where its values go."""
    title, categories, width, height, shown = chart.title, chart.categories, chart.width, chart.height, chart.shown
    if zero:
        least, most = min(0.0, least), max(0.0, most)
    ticks = _ticks(least, most)
    labels = [shown(tick) for tick in ticks]
    left = max(fonts.width(label, fonts.TEXT, SIZE) for label in labels) + 8
    rows = _legend_rows([one.name for one in series], width) if len(series) > 1 else []
    drawing = Drawing(width, height + 12 * len(rows))
    _string(
        drawing, 0, drawing.height - 9, wrap(clean(title), fonts.STRONG, 8.5, width, 1)[0], fonts.STRONG, 8.5, style.INK
    )
    _legend(drawing, rows, {one.name: one.colour for one in series})
    top = drawing.height - 22 - 12 * len(rows)
    plot = _Plot(left, 20, width - left - 2, top - 20, ticks[0], ticks[-1])
    for tick, label in zip(ticks, labels, strict=True):
        y = plot.at(tick)
        drawing.add(Line(plot.x, y, plot.x + plot.width, y, strokeColor=HexColor(style.HAIR), strokeWidth=0.4))
        _string(drawing, left - 6, y - 2.6, label, fonts.TEXT, SIZE, style.MUTED, right=True)
    _names(drawing, plot, categories)
    return drawing, plot


def _names(drawing: Drawing, plot: _Plot, categories: Sequence[str]) -> None:
    """Write the names under the category axis; every second, third … one when they would touch."""
    slot = plot.width / len(categories)
    names = [clean(name) for name in categories]
    widest = min(max(fonts.width(name, fonts.TEXT, SIZE) for name in names), 80.0)
    step = max(1, math.ceil((widest + 5) / slot))
    taken = drawing.width + 4
    for index in range(len(names) - 1, -1, -step):  # from the right, so that the last one is always named
        text = wrap(names[index], fonts.TEXT, SIZE, 80.0, 1)[0]
        breadth = fonts.width(text, fonts.TEXT, SIZE)
        x = max(0.0, min(plot.x + slot * (index + 0.5) - breadth / 2, drawing.width - breadth))
        if x + breadth + 4 <= taken:
            _string(drawing, x, 7, text, fonts.TEXT, SIZE, style.MUTED)
            taken = x


def _legend_rows(names: Sequence[str], width: float) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    used = 0.0
    for name in names:
        need = fonts.width(_legend_name(name), fonts.TEXT, SIZE) + 24
        if rows[-1] and used + need > width:
            rows.append([])
            used = 0.0
        rows[-1].append(name)
        used += need
    return rows


def _legend_name(name: str) -> str:
    return wrap(name, fonts.TEXT, SIZE, 130.0, 1)[0]


def _legend(drawing: Drawing, rows: Sequence[Sequence[str]], colours: dict[str, str]) -> None:
    y = drawing.height - 22.0
    for row in rows:
        x = 0.0
        for name in row:
            drawing.add(_rect(x, y, 6, 6, colours[name]))
            _string(drawing, x + 10, y, _legend_name(name), fonts.TEXT, SIZE, style.MUTED)
            x += fonts.width(_legend_name(name), fonts.TEXT, SIZE) + 24
        y -= 12


def _ticks(low: float, high: float) -> list[float]:
    """Return four to seven round values that span both ends."""
    if high - low < 1e-9 * max(1.0, abs(high), abs(low)):
        low, high = (low * 0.9, high * 1.1) if low > 0 else ((low * 1.1, high * 0.9) if low < 0 else (0.0, 1.0))
    if high - low < 1e-300:  # a value so small that a tenth of it is nothing: an axis as for zero
        low, high = 0.0, 1.0
    raw = (high - low) / 4
    scale = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * scale for factor in (1, 2, 2.5, 5, 10) if factor * scale >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _zero(drawing: Drawing, plot: _Plot) -> None:
    y = plot.at(max(plot.low, min(0.0, plot.high)))
    drawing.add(Line(plot.x, y, plot.x + plot.width, y, strokeColor=HexColor(style.FAINT), strokeWidth=0.7))


def _rect(x: float, y: float, width: float, height: float, colour: str) -> Rect:
    return Rect(x, y, width, height, fillColor=HexColor(colour), strokeColor=None, strokeWidth=0)


def _string(
    drawing: Drawing, x: float, y: float, text: str, font: str, size: float, colour: str, right: bool = False
) -> None:
    fonts.register()
    text = clean(text)
    start = x - fonts.width(text, font, size) if right else x
    drawing.add(String(start, y, text, fontName=font, fontSize=size, fillColor=HexColor(colour)))
