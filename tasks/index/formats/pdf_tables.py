"""Tables by alignment: consecutive rows whose numbers stand in columns, with their heads above them.

Financial statements have no ruling lines to trust, so the numbers themselves say where the columns are: numbers of
one column overlap each other and never share a row. Text is then sorted into those columns, heads last (`pdf_heads`).
All lengths are in em (multiples of the row's type size) unless said otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.index.formats.pdf_cells import PERIOD, Cell, Column, Line, Row, RowLike, cut, is_number, place, said
from tasks.index.formats.pdf_heads import head_row, head_start, is_inner_head
from tasks.index.formats.pdf_places import row_box

_CONNECTOR = re.compile(
    r"\b(?:and|or|of|the|to|for|in|from|by|with|on|at|di|del|della|dei|delle|degli|dello|da|dal|dalla|con|su|al|alla|ai"
    r"|alle|nel|nella)$|,$",
    re.IGNORECASE,
)
_OWN_ROW = re.compile(
    r"^(?:\(?[A-Za-z0-9]{1,3}(?:[- ]?(?:bis|ter|quater|quinquies|sexies|septies))?[).](?:\s|$)|[IVXL]+\s?[-–—.]\s"
    r"|total[ei]?\b|esigibil|di cui\b|of which\b)",
    re.IGNORECASE,
)
"""Labels that begin a row of their own whatever stands above: numbered items, totals, and the due dates that
civil-code statements list under a heading."""
_MAX_BRIDGE = 6  # rows without numbers that may stand between two rows with numbers


@dataclass(frozen=True, slots=True)
class Table:
    """A table that covers the rows first ≤ i < last of its region; all `rows` have equal length.

    `boxes` are the places of the rows as `Element.boxes` has them.
    """

    first: int
    last: int
    rows: tuple[tuple[str, ...], ...]
    boxes: tuple[tuple[int, ...], ...] = ()


def find_tables(rows: Sequence[RowLike], lines: Sequence[Line] | None = None) -> list[Table]:
    """Return the tables among the rows of a region, from the top down; `lines` are the rows cut, if that is done already."""
    lines = cut(rows) if lines is None else lines
    tables: list[Table] = []
    index = done = 0
    while index < len(lines):
        last = _run_end(lines, index) if lines[index].cells and lines[index].data else index
        if last <= index:
            index += 1
            continue
        table = _build(lines, done, index, last)
        if table:
            tables.append(table)
            done = table.last
        index = max(last, done)
    return tables


def _run_end(lines: Sequence[Line], first: int) -> int:
    """Return one past the last row of the run of table rows that begins at `first`; `first` itself when there is none."""
    left, right = _number_span(lines[first])
    end, count, index = first + 1, 1, first + 1
    while index < len(lines) and index - end < _MAX_BRIDGE:
        line, above = lines[index], lines[index - 1]
        if not line.cells:
            index += 1
            continue
        step = (line.y - above.y) / max(line.size, above.size)
        if step > 4.5 or (line.data and _new_table(lines, first, end, index)):
            break
        if line.data:
            x0, x1 = _number_span(line)
            left, right, end, count = min(left, x0), max(right, x1), index + 1, count + 1
        elif not _bridges(lines, index, left, right):
            break
        index += 1
    enough = count > 1 or sum(cell.number for cell in lines[first].cells) > 2
    return end if enough else first


def _number_span(line: Line) -> tuple[float, float]:
    """Return left and right end of a row's figures, a first figure that is the row's label left out."""
    cells = [cell for cell in line.cells if cell.number]
    cells = cells[1:] if len(cells) > 1 and cells[0] is line.cells[0] and not PERIOD.match(cells[0].text) else cells
    return cells[0].x0, max(cell.x1 for cell in cells)


def _new_table(lines: Sequence[Line], first: int, end: int, index: int) -> bool:
    """Tell whether a row of periods after a clear gap begins another table."""
    line = lines[index]
    if not periods_only(line) or all(periods_only(before) for before in lines[first:end] if before.cells):
        return False
    steps = [(b.y - a.y) / b.size for a, b in pairwise(lines[end - 1 : index + 1])]
    return max(steps) > 1.9


def periods_only(line: Line) -> bool:
    figures = [cell for cell in line.cells if cell.number]
    return bool(figures) and all(PERIOD.match(cell.text) for cell in figures)


def _bridges(lines: Sequence[Line], index: int, left: float, right: float) -> bool:
    """Tell whether a row without figures may stand inside a table: a label, a wrapped label, or heads over the columns."""
    line = lines[index]
    if line.x1 <= left + 0.5 * line.size or line.x0 >= left - 3 * line.size:
        return True
    if len(line.cells) > 1:
        return all(cell.x1 <= left or cell.x0 >= left - 3 * line.size for cell in line.cells)
    follows = index + 1 < len(lines) and lines[index + 1].data
    return follows and line.x1 < left + 0.6 * (right - left)


# ---------------------------------------------------------------- columns


def _build(lines: Sequence[Line], floor: int, first: int, last: int) -> Table | None:
    """Make the table of the run first ≤ i < last, with heads above it but not above `floor`."""
    body = [line for line in lines[first:last] if line.cells]
    columns = _number_columns(body)
    if not columns:
        return None
    _reclaim(body, columns)
    columns = _text_columns(body, columns)
    left = min(line.x0 for line in body)
    start = head_start(lines, floor, first, columns, left)
    heads = [line for line in lines[start:first] if line.cells]
    while body and periods_only(body[0]) and len(body) > 1:
        heads.append(body.pop(0))
    fullest = next((line for line in reversed(heads) if len(line.cells) > 2), None)
    columns = _with_empty(columns, fullest) if fullest else columns
    rows = [(line, head_row(line, columns, line is heads[-1], left)) for line in heads]
    rows += _join_labels([(line, _body_row(line, columns)) for line in body])
    kept = _drop_empty([row for _, row in rows])
    texts = tuple(tuple(map(said, row)) for row in kept)
    sources = (line for line, _ in rows)
    boxes = (row_box([*map(place, row)], line.page, line.frame) for line, row in zip(sources, kept, strict=True))
    return Table(start, last, texts, tuple(boxes))


def _with_empty(columns: list[Column], head: Line) -> list[Column]:
    """Return the columns and those without a figure: heads of the lowest row that stand beside all columns, not over two."""
    over = [cell for cell in head.cells if cell.x1 > columns[0].x0]
    alone = [cell for cell in over if all(column.overlap(cell.x0, cell.x1) <= 0 for column in columns)]
    if not alone or len(over) < 3 or len(over) <= len(columns):
        return columns
    return sorted([*columns, *(Column(cell.x0, cell.x1) for cell in alone)], key=lambda column: column.x0)


def _number_columns(body: Sequence[Line]) -> list[Column]:
    """Return columns from the figures: those that overlap and never stand in one row belong together."""
    lines = [line for line in body if not periods_only(line)] or body  # centred years would widen the columns
    placed = sorted((cell.x1, cell.x0, index) for index, line in enumerate(lines) for cell in line.cells if cell.number)
    left = min(line.x0 for line in body)  # of the labels
    groups: list[tuple[Column, set[int], int]] = []
    size = max(line.size for line in body)
    for x1, x0, index in placed:
        fit = [
            g for g in groups[-3:] if g[0].overlap(x0, x1) > 0.3 * min(x1 - x0, g[0].x1 - g[0].x0) and index not in g[1]
        ]
        if fit:
            column, rows, count = best = max(fit, key=lambda g: g[0].overlap(x0, x1))
            groups[groups.index(best)] = (Column(min(column.x0, x0), max(column.x1, x1)), rows | {index}, count + 1)
        else:
            groups.append((Column(x0, x1), {index}, 1))
    columns = [column for column, _, _ in sorted(groups, key=lambda group: group[0].centre)]
    counts = {id(column): count for column, _, count in groups}
    return [c for c in columns if c.x0 > left + 1.5 * size and _crossed(body, c) < max(2, 2 * counts[id(c)])]


def _crossed(body: Sequence[Line], column: Column) -> int:
    """Return how many rows have a label that runs on over the column: a figure there belongs to a label too."""
    firsts = (line.cells[0] for line in body)
    return sum(not cell.number and cell.x0 < column.x0 and cell.x1 > column.x1 for cell in firsts)


def _reclaim(body: Sequence[Line], columns: Sequence[Column]) -> None:
    """Give figures back to their column that a long label had swallowed for want of a gap."""
    for line in body:
        for position, cell in enumerate(line.cells):
            if cell.number or len(cell.words) < 2:
                continue
            word = cell.words[-1]
            inside = any(column.overlap(word.x0, word.x1) > 0.5 * (word.x1 - word.x0) for column in columns)
            if inside and is_number(word.text) and cell.words[0].x0 < columns[0].x0:
                cell.words.pop()
                cell.text = " ".join(part.text for part in cell.words)
                cell.x1 = cell.words[-1].x1
                line.cells.insert(position + 1, Cell(word.text, word.x0, word.x1, True, [word]))
                break


def _text_columns(body: Sequence[Line], columns: list[Column]) -> list[Column]:
    """Return columns of words beside the figures: text cells, not the row's label, that overlap each other in two rows."""
    groups: list[tuple[Column, int]] = []
    for line in body:
        for cell in line.cells[1:]:
            if cell.number or any(column.overlap(cell.x0, cell.x1) > 0 for column in columns):
                continue
            hit = next((i for i, (column, _) in enumerate(groups) if column.overlap(cell.x0, cell.x1) > 0), None)
            if hit is None:
                groups.append((Column(cell.x0, cell.x1), 1))
            else:
                column, count = groups[hit]
                groups[hit] = (Column(min(column.x0, cell.x0), max(column.x1, cell.x1)), count + 1)
    found = [column for column, count in groups if count > 1 and count * 4 > len(body)]
    return sorted([*columns, *found], key=lambda column: column.x0)


def _body_row(line: Line, columns: Sequence[Column]) -> Row:
    if is_inner_head(line, columns):
        return head_row(line, columns, lowest=False)
    row: Row = [[] for _ in range(len(columns) + 1)]
    for position, cell in enumerate(line.cells):
        index = _column_of(cell, columns, position, line.size)
        row[index].append(cell)
    return row


def _column_of(cell: Cell, columns: Sequence[Column], position: int, size: float) -> int:
    """Return 0 for the label, else 1 + the index of the column that the cell overlaps most or is nearest to."""
    if position == 0 and cell.x0 < columns[0].x0 - 0.5 * size and (not cell.number or cell.x1 < columns[0].x0):
        return 0
    best = max(range(len(columns)), key=lambda i: columns[i].overlap(cell.x0, cell.x1))
    if columns[best].overlap(cell.x0, cell.x1) < -2 * size and cell.x1 < columns[0].x0 and not cell.number:
        return 0
    return best + 1


def _join_labels(rows: Sequence[tuple[Line, Row]]) -> list[tuple[Line, Row]]:
    """Join a label that runs over two lines with the row that bears its figures, which says where the row stands."""
    limit = max((line.cells[0].x1 for line, row in rows if row[0]), default=0.0)
    joined: list[tuple[Line, Row]] = []
    above: Line | None = None
    for line, row in rows:
        if above is not None and joined and _wraps(above, line, joined[-1][1], row, limit):
            source, before = joined[-1]
            cells = [a or b for a, b in zip(before[1:], row[1:], strict=True)]
            joined[-1] = (line if any(row[1:]) else source, [before[0] + row[0], *cells])
        else:
            joined.append((line, row))
        above = line
    return joined


def _wraps(above: Line, line: Line, before: Row, row: Row, limit: float) -> bool:
    """Tell whether `row` goes on with the label of the row above; figures stand in one of the two only."""
    label, words = said(before[0]), said(row[0])
    step = line.y - above.y
    if not row[0] and step < line.size:  # figures set a little lower than their label
        return bool(before[0]) and not any(before[1:])
    if not label or not words or (any(before[1:]) and any(row[1:])) or label.endswith((":", ".")):
        return False
    if _OWN_ROW.match(words):
        return False
    if step > 1.9 * line.size or line.x0 < above.x0 - 0.5 * line.size:
        return False
    first = line.cells[0].words[0]
    full = above.cells[0].x1 + (first.x1 - first.x0) > limit - 2.5 * line.size  # the word had no room above
    connected = _CONNECTOR.search(label) is not None
    goes_on = connected or words[:1].islower() or words[:1] in "(&$–—0123456789" or label.endswith(";")
    return goes_on and full if any(before[1:]) else connected or (goes_on and full)


def _drop_empty(rows: Sequence[Row]) -> list[Row]:
    """Drop columns that are empty throughout; the first, the labels', always stays."""
    kept = [i for i in range(len(rows[0])) if i == 0 or any(row[i] for row in rows)]
    return [[row[i] for i in kept] for row in rows]
