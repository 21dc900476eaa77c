"""Cells that are merged, in tables of Word, slides and OpenDocument, as plain rows.

A table arrives as a grid in which every place that a cell covers holds that cell's text and number. What goes out is one
text a place, so that each value stands under its head: a head is repeated over the columns that it spans, a label
down the rows that it spans, a figure stands once.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.index.formats.base import table
from tasks.index.formats.html_tables import FIGURE
from tasks.records import YEAR, Element

Place = tuple[str, int]
"""Text and number of the cell that covers a place; places of one cell share the number, 0 is not a cell."""

MOST_COLUMNS = 200
"""A span beyond this is damage: Word has 63 columns at most."""


def table_of_grid(grid: Sequence[Sequence[Place]], page: int) -> Element | None:
    """Return the table of a grid, None when it is empty."""
    return table(settled(grid), page)


def settled(grid: Sequence[Sequence[Place]]) -> list[list[str]]:
    """Return one text a place."""
    heads = _head_rows(grid)
    return [[_text(grid, row, column, row < heads) for column in range(len(grid[row]))] for row in range(len(grid))]


def _text(grid: Sequence[Sequence[Place]], row: int, column: int, head: bool) -> str:
    text, number = grid[row][column]
    if not number:
        return text
    left = column > 0 and grid[row][column - 1][1] == number
    above = row > 0 and column < len(grid[row - 1]) and grid[row - 1][column][1] == number
    if left:
        return text if head and len({place[1] for place in grid[row]}) > 1 else ""
    return text if not above or is_label(text) else ""


def is_label(text: str) -> bool:
    """Tell whether a text may be repeated beside others: it names them, it is not an amount."""
    return not FIGURE.match(text) or bool(YEAR.fullmatch(text))


def _head_rows(grid: Sequence[Sequence[Place]]) -> int:
    """Return how many rows stand above the first that has an amount right of its label."""
    for index, row in enumerate(grid):
        if any(text and not is_label(text) for text, _ in row[1:]):
            return index
    return min(1, len(grid))
