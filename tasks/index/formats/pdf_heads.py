"""The heads of a table: which rows above the figures they are, and which columns each of their texts stands over.

A head such as "Years ended December 31" spans several columns; its text is repeated in each of them, so that every
figure can be matched to its period. All lengths are in em (multiples of the row's type size) unless said otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tasks.index.formats.pdf_cells import Cell, Column, Line, Row

_UNIT = re.compile(
    r"\b(?:millions?|thousands?|billions?|milioni|migliaia|euro|dollars|unaudited|importi|valori)\b|^\(.*\)$", re.I
)
_SPANNING = re.compile(r"\d|ended|months|weeks|year|quarter|esercizi|anno|anni|trimestre|semestre", re.IGNORECASE)
_MAX_HEAD = 8
_MAX_LABELS = 3  # rows of the first column between the heads and the first figures


def head_start(lines: Sequence[Line], floor: int, first: int, columns: Sequence[Column], left: float) -> int:
    """Return the first of the rows above the body that are heads of its columns."""
    start = index = first
    while index > floor and start - index < _MAX_LABELS and first - index < _MAX_HEAD:
        line, below = lines[index - 1], lines[index]
        size = max(line.size, below.size)
        if line.cells and (
            below.y - line.y > 3.2 * size or not (_is_head(line, columns, left) or _is_label(line, columns))
        ):
            break
        index -= 1
        if line.cells and _is_head(line, columns, left):
            start = index  # a label ("Assets") counts only when there is a head above it
    return start


def _is_label(line: Line, columns: Sequence[Column]) -> bool:
    """Tell whether a row is a short label of the first column."""
    return len(line.cells) == 1 and line.x1 < columns[0].x0 and not line.cells[0].text.endswith(".")


def _is_head(line: Line, columns: Sequence[Column], left: float) -> bool:
    first, right = columns[0].x0, columns[-1].x1
    over = [cell for cell in line.cells if cell.x1 > first]
    if sum(len(cell.text) for cell in line.cells) > 160 or line.cells[-1].text.endswith((".", ";")):
        return False
    if not over:
        return bool(_UNIT.search(line.cells[-1].text)) and len(line.cells[-1].text) < 90
    if len(line.cells) == 1 and not _over_columns(line, columns, left):
        return False
    return all(_stands_over(cell, first, left, line.size) for cell in over) and over[0].x0 < right


def _stands_over(cell: Cell, first: float, left: float, size: float) -> bool:
    """Tell whether a text stands over the figures that begin at `first`, and does not reach them from the labels' side."""
    return cell.x1 > first and cell.x0 > max(left + 2 * size, first - 0.8 * (cell.x1 - cell.x0) - size)


def is_inner_head(line: Line, columns: Sequence[Column]) -> bool:
    """Tell whether a row in the middle of a table, without figures, is heads again: short texts, all over the columns."""
    if line.x0 < columns[0].x0 - 3 * line.size or any(cell.number for cell in line.cells):
        return False
    short = all(len(cell.text) < 40 for cell in line.cells)
    return short and (len(line.cells) > 1 or _SPANNING.search(line.cells[0].text) is not None)


def _over_columns(line: Line, columns: Sequence[Column], left: float) -> bool:
    """Tell whether a lone text stands over one column or over the middle of several: a title over the whole is not a head."""
    cell, right = line.cells[0], columns[-1].x1
    spanning = _SPANNING.search(cell.text) or _UNIT.search(cell.text)
    if not spanning and abs(cell.centre - (left + right) / 2) < line.size:
        return False
    if cell.x0 >= columns[0].x0 - 2 * line.size:
        return bool(spanning) or len(columns) < 4 or cell.x1 - cell.x0 < 0.4 * (right - columns[0].x0)
    return abs(cell.centre - (columns[0].x0 + right) / 2) < 2.5 * line.size and bool(spanning)


def head_row(line: Line, columns: Sequence[Column], lowest: bool, left: float = float("-inf")) -> Row:
    """Return a head's cells, the text of one that spans several columns repeated in each of them; labels begin at `left`."""
    row: Row = [[] for _ in range(len(columns) + 1)]
    edge = columns[0].x0
    over = [cell for cell in line.cells if cell.centre > edge or _stands_over(cell, edge, left, line.size)]
    row[0] = [cell for cell in line.cells if cell not in over]
    spans = _partition(over, columns, lowest) or _overlaps(over, columns)
    for cell, (first, last) in zip(over, spans, strict=True):
        for index in range(first, last + 1):
            row[index + 1].append(cell)
    return row


def _partition(cells: Sequence[Cell], columns: Sequence[Column], lowest: bool) -> list[tuple[int, int]] | None:
    """Share all columns out among the cells so that each cell stands over the middle of its columns."""
    count = len(columns)
    if not cells or len(cells) > count or count > 24:
        return None
    pitch = (columns[-1].centre - columns[0].centre) / max(count - 1, 1)
    wide = cells[0].x1 - cells[0].x0 > pitch or (
        not lowest and bool(re.search(r"\d|ended|months|esercizi", cells[0].text))
    )
    if len(cells) == 1 and count > 1 and not wide:
        return None
    spans: list[tuple[int, int]] = []
    begin = 0
    for position, cell in enumerate(cells):
        last_start = count - (len(cells) - position - 1)
        ends = [count - 1] if position + 1 == len(cells) else list(range(begin, last_start))
        end = min(ends, key=lambda e: abs((columns[begin].x0 + columns[e].x1) / 2 - cell.centre))
        if abs((columns[begin].x0 + columns[end].x1) / 2 - cell.centre) > 0.45 * max(pitch, 2.0):
            return None
        spans.append((begin, end))
        begin = end + 1
    return spans


def _overlaps(cells: Sequence[Cell], columns: Sequence[Column]) -> list[tuple[int, int]]:
    """Return the columns that lie under each cell, or the nearest one."""
    spans: list[tuple[int, int]] = []
    for cell in cells:
        under = [
            i for i, column in enumerate(columns) if column.overlap(cell.x0, cell.x1) > 0.3 * (column.x1 - column.x0)
        ]
        nearest = min(range(len(columns)), key=lambda i: abs(columns[i].centre - cell.centre))
        spans.append((under[0], under[-1]) if under else (nearest, nearest))
    for position in range(len(spans) - 1):  # a column under two heads goes to the one whose centre is nearer
        (a, b), (c, d) = spans[position], spans[position + 1]
        if b >= c:
            near = abs(columns[c].centre - cells[position].centre) < abs(columns[c].centre - cells[position + 1].centre)
            spans[position], spans[position + 1] = (
                ((a, c), (min(c + 1, d), d)) if near else ((a, max(c - 1, a)), (c, d))
            )
    return spans
