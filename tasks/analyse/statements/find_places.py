"""Where a number stands on its page: the box of the cell that an amount of a line was read from."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.analyse.statements.read_grids import Line
from tasks.analyse.statements.read_numbers import Mark, parse_number
from tasks.figures import Box
from tasks.records import Element, Place


def box_of(elements: Sequence[Element], line: Line, column: int, mark: Mark) -> Box | None:
    """Return the box of a line's amount in a column; None where the reader of the file knows no places.

    Columns of a line are periods and those of a table are cells, which pieces of several pages may have in other
    places, so the cell is found by its number: of equal ones the one in the same order.
    """
    source = line.source
    if source is None or line.values[column] is None:
        return None
    element = elements[source.element]
    if source.row is None or not element.rows:
        return _box(element.place())
    cells = [parse_number(cell, mark) for cell in element.rows[source.row]]
    wanted = line.values[column]
    places = [index for index, number in enumerate(cells) if number and number.value == wanted and not number.percent]
    before = sum(value == wanted for value in line.values[:column])
    return _box(element.place(source.row, places[min(before, len(places) - 1)])) if places else None


def _box(place: Place | None) -> Box | None:
    return (place.left, place.top, place.right, place.bottom) if place else None
