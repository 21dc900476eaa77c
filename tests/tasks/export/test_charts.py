"""Charts keep their labels inside, leave gaps for what is not known, and are not made without values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reportlab.graphics.shapes import Drawing, Group, PolyLine, Rect, String

from tasks.export import charts, fonts
from tasks.export.charts import Chart, Series, bars, beside, columns, lines, ribbon

VALUES = st.lists(st.one_of(st.none(), st.floats(-1e13, 1e13, allow_nan=False)), min_size=1, max_size=14)


def shapes(drawing: Drawing | Group, dx: float = 0.0, dy: float = 0.0) -> Iterator[tuple[Any, float, float]]:
    for shape in drawing.contents:
        if isinstance(shape, Group):
            yield from shapes(shape, dx + shape.transform[4], dy + shape.transform[5])
        else:
            yield shape, dx, dy


def assert_inside(drawing: Drawing) -> None:
    for shape, dx, dy in shapes(drawing):
        if isinstance(shape, String):
            width = fonts.width(shape.text, shape.fontName, shape.fontSize)
            assert shape.x + dx >= -0.5 and shape.x + dx + width <= drawing.width + 0.5, shape.text
            assert 0 <= shape.y + dy <= drawing.height, shape.text
        if isinstance(shape, Rect):
            assert shape.x + dx >= -0.5 and shape.x + dx + shape.width <= drawing.width + 0.5
            assert shape.y + dy >= -0.5 and shape.y + dy + shape.height <= drawing.height + 0.5


@example([None], [5e-324], "")
@given(VALUES, VALUES, st.text(max_size=60))
@settings(max_examples=25, deadline=None)
def test_nothing_leaves_the_drawing(first: list[float | None], second: list[float | None], name: str) -> None:
    size = min(len(first), len(second))
    series = [Series(name or "a", first[:size]), Series("second", second[:size])]
    categories = [f"{name[:20]}{index}" for index in range(size)]
    for make in (columns, lines):
        drawing = make(Chart(name, categories, series, 230, lambda value: f"{value:,.0f}"))
        if drawing is not None:
            assert_inside(drawing)


@given(st.lists(st.tuples(st.text(max_size=50), st.floats(0, 1e9)), max_size=30))
@settings(max_examples=40, deadline=None)
def test_bars_stay_inside(items: list[tuple[str, float]]) -> None:
    drawing = bars("Title", items, 230, lambda value: f"{value:,.0f}", other="Other")
    assert (drawing is None) == (not any(value > 0 for _, value in items))
    if drawing is not None:
        assert_inside(drawing)


def test_a_gap_breaks_the_line() -> None:
    drawing = lines(Chart("t", list("abcde"), [Series("s", [1, 2, None, 4, 5])], 200, str))
    assert drawing is not None
    assert sum(isinstance(shape, PolyLine) for shape, _, _ in shapes(drawing)) == 2


def test_without_values_there_is_no_chart() -> None:
    assert columns(Chart("t", ["a"], [Series("s", [None])], 200, str)) is None
    assert lines(Chart("t", [], [], 200, str)) is None
    assert bars("t", [("a", 0.0)], 200, str) is None
    assert ribbon("t", [], 200, ("", ""), []) is None
    assert beside(None, None, 400) is None


def test_bars_beyond_the_most_are_summed() -> None:
    drawing = bars("t", [(f"n{n}", 10.0 - n) for n in range(8)], 230, lambda v: f"{v:.0f}", most=4, other="Other")
    assert drawing is not None
    texts = [shape.text for shape, _, _ in shapes(drawing) if isinstance(shape, String)]
    assert texts[-2:] == ["Other", "25"]


@pytest.mark.parametrize(("low", "high"), [(0, 7), (-3, 12), (0.001, 0.002), (-5e12, -1e12), (5, 5), (0, 0)])
def test_ticks_are_few_round_and_span_the_values(low: float, high: float) -> None:
    ticks = charts._ticks(low, high)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] <= low + 1e-9 and ticks[-1] >= high - 1e-9
