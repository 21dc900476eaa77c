"""Tables of HTML as rows of cells that stand under their heads.

Statements in filings are laid out for the eye: "$", "1,234" and ")" have a column each, a head spans three, and spacer
columns stand between. What comes out has one column a figure:

1. spans are laid out on a grid; a figure that spans columns stands in the last of them (figures are set right), a label
   in the first, and a head (a row above the first figure) in all of them;
2. signs are joined to their figure: "$" | "1,234" → "$1,234"; "(1,234" | ")" → "(1,234)"; "4.5" | "%" → "4.5%";
3. columns in which no row below the head has anything go.

A table that only arranges the page (nested tables, a single cell, long texts) is not one: its cells are read as blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tasks.index.formats.base import clean, table
from tasks.records import Element

HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
FIGURE = re.compile(r"^[\s$€£¥(+\-–—−]*(?:EUR|USD|US\$|GBP|CHF)?[\s$€£¥(+\-–−]*\d[\d.,'’\s]*[)%‰*\s]*$|^[-–—−]+$")
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_OPENING = frozenset({"$", "€", "£", "¥", "US$", "(", "$(", "€(", "£(", "-", "−"})
_CLOSING = frozenset({")", "%", ")%", "%)", "€", "‰"})
_MOST_SPANNED = 200
_LONG_CELL = 1_500
_SHORT_NESTED = 300

Cell = tuple[str, int]
"""Text and the number of the source cell that it comes from (0: none)."""


def read_table(node: Any, page: int) -> Iterator[Element]:
    """Yield the caption, if there is one, and the table; a table of a single row is prose or an item of a list."""
    caption = node.find("./caption")
    if caption is not None and (text := clean(inline_text(caption))):
        yield Element("caption", " ".join(text.split()), page)
    rows = rows_of_table(node)
    if len(rows) == 1 and not any(FIGURE.match(cell) for cell in rows[0][1:]):
        text = " ".join(cell for cell in rows[0] if cell)
        if text:
            first = next(cell for cell in rows[0] if cell)
            yield Element("list" if len(first) <= 4 and len(text) > len(first) else "text", text, page)
    elif found := table(rows, page):
        yield found


def rows_of_table(node: Any) -> list[list[str]]:
    """Return the cells of a table on a grid, head rows first as they stand, all rows equally long."""
    grid = _grid(list(_rows(node)))
    heads = _head_rows(grid)
    joined = [_spread(row, index < heads) for index, row in enumerate(grid)]
    signed = [_join_signs(row) if index >= heads else row for index, row in enumerate(joined)]
    return _without_idle_columns(signed, heads)


def is_layout(node: Any) -> bool:
    """Tell whether a table only arranges the page.

    A small table within a cell of a table of data (a breakdown of one figure) does not make layout of the outer one.
    """
    if node.get("role") == "presentation":
        return True
    if node.find(".//table") is not None:
        return not _is_data_around_tables(node)
    cells = list(node.iter("td", "th"))
    return len(cells) <= 1 or any(len(cell.text_content()) > _LONG_CELL for cell in cells)


def _is_data_around_tables(node: Any) -> bool:
    """Tell a table of data with tables in few of its cells: rows of several short cells, most of them plain."""
    rows = [[cell for cell in row if cell.tag in {"td", "th"}] for row in _own_rows(node)]
    cells = [cell for row in rows for cell in row]
    nested = [cell for cell in cells if cell.find(".//table") is not None]
    several = sum(len(row) >= 2 for row in rows)
    short = all(len(cell.text_content()) <= _SHORT_NESTED for cell in nested)
    return several >= 2 and 2 * len(nested) < len(cells) and short and len(nested) < several


def _own_rows(node: Any) -> Iterator[Any]:
    """Yield the rows of a table without those of tables in its cells."""
    for child in node:
        if child.tag == "tr":
            yield child
        elif child.tag in {"thead", "tbody", "tfoot"}:
            yield from _own_rows(child)


def inline_text(node: Any) -> str:
    """Return the text in a node, without what is hidden or script; line breaks and blocks become blanks."""
    pieces: list[str] = []
    _collect(node, pieces)
    return " ".join("".join(pieces).split())


def _collect(node: Any, pieces: list[str]) -> None:
    pieces.append(node.text or "")
    for child in node:
        if isinstance(child.tag, str):
            if child.tag in {"br", "p", "div", "li", "tr", "td"}:
                pieces.append(" ")
            if child.tag not in {"script", "style"} and not HIDDEN.search(child.get("style") or ""):
                _collect(child, pieces)
        pieces.append(child.tail or "")


def _rows(node: Any) -> Iterator[list[tuple[str, int, int]]]:
    """Yield each row as (text, columns, rows that it spans)."""
    for row in _own_rows(node):
        cells = [cell for cell in row if cell.tag in {"td", "th"}]
        yield [(inline_text(cell), _span(cell, "colspan"), _span(cell, "rowspan")) for cell in cells]


def _span(cell: Any, name: str) -> int:
    text = (cell.get(name) or "1").strip()
    return max(1, min(int(text), _MOST_SPANNED)) if text.isdigit() and len(text) < 9 else 1


def _grid(rows: list[list[tuple[str, int, int]]]) -> list[list[Cell]]:
    """Return the spans laid out: every place that a cell covers holds its text and its number."""
    grid: list[list[Cell]] = []
    hanging: dict[int, tuple[int, Cell]] = {}  # column → rows that it still covers, and what is repeated there
    number = 0
    for row in rows:
        line: list[Cell] = []

        def fill(line: list[Cell]) -> None:
            while (above := hanging.get(len(line))) is not None:
                left, cell = above
                if left <= 1:
                    del hanging[len(line)]
                else:
                    hanging[len(line)] = (left - 1, cell)
                line.append(cell)

        for text, columns, height in row:
            fill(line)
            number += 1
            for _ in range(columns):
                if height > 1:
                    repeated = "" if FIGURE.match(text) else text
                    hanging[len(line)] = (min(height - 1, len(rows)), (repeated, number))
                line.append((text, number))
        while any(column >= len(line) for column in hanging):  # a row may end before what hangs into it
            fill(line)
            if any(column >= len(line) for column in hanging):
                line.append(("", 0))
        grid.append(line)
    width = max((len(line) for line in grid), default=0)
    return [line + [("", 0)] * (width - len(line)) for line in grid]


def _head_rows(grid: list[list[Cell]]) -> int:
    """Return how many rows stand above the first that has a figure (a year is a head) right of its label."""
    for index, row in enumerate(grid):
        if any(FIGURE.match(text) and not _YEAR.match(text) and text not in _OPENING for text, _ in row[1:]):
            return index if index < len(grid) else 0
    return min(1, len(grid))


def _spread(row: list[Cell], head: bool) -> list[Cell]:
    """Return a spanning cell's text in all its columns (heads), in its last (figures) or in its first (labels)."""
    if head:
        return row
    line: list[Cell] = []
    for index, (text, number) in enumerate(row):
        before = index > 0 and row[index - 1][1] == number and number
        after = index + 1 < len(row) and row[index + 1][1] == number and number
        kept = not after if FIGURE.match(text) or text in _OPENING else not before
        line.append((text if kept else "", number))
    return line


def _join_signs(row: list[Cell]) -> list[Cell]:
    """Return currency signs, brackets and per cents joined to the figure beside them."""
    texts = [text for text, _ in row]
    for index, text in enumerate(texts):
        if text in _OPENING:
            follower = next((i for i in range(index + 1, min(index + 4, len(texts))) if texts[i]), None)
            if follower is not None and FIGURE.match(texts[follower]):
                texts[follower] = text + texts[follower]
                texts[index] = ""
    for index in range(len(texts) - 1, 0, -1):
        if texts[index] in _CLOSING:
            leader = next((i for i in range(index - 1, max(-1, index - 4), -1) if texts[i]), None)
            if leader is not None and (FIGURE.match(texts[leader]) or "(" in texts[leader]):
                texts[leader] += texts[index]
                texts[index] = ""
    return [(text, number) for text, (_, number) in zip(texts, row, strict=True)]


def _without_idle_columns(grid: list[list[Cell]], heads: int) -> list[list[str]]:
    """Drop columns that are empty below the head, unless a head would lose its only place."""
    width = len(grid[0]) if grid else 0
    body = grid[heads:] or grid
    kept = {column for column in range(width) if any(row[column][0] for row in body)}
    for row in grid[:heads]:
        placed = {row[column][1] for column in kept}
        for column, (text, number) in enumerate(row):
            if text and number not in placed:
                kept.add(column)
                placed.add(number)
    return [[row[column][0] for column in sorted(kept)] for row in grid]
