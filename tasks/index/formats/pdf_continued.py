"""Tables that go on on the next page: whether they do, and the rows that they go on with.

A page that ends among figures and a next one that begins among figures in the same columns are one table, unless the
next page says otherwise first: by a title, by heads of other periods, by a sentence. Heads that are repeated there go.
What is told apart is where rows stand, never what they say, but for the mark "continued". Lengths are in em.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from tasks.index.formats.pdf_cells import Cell, Column, Line
from tasks.index.formats.pdf_layout import Row, moved
from tasks.index.formats.pdf_tables import periods_only

_MARK = re.compile(r"\(?\b(?:segue|continua(?:zione)?|continued|cont[’'.]?d?)\b[.:)]*", re.IGNORECASE)
_MOST_HEADS = 8  # rows of the next page before its first figures
_MOST_LABELS = 3  # rows at the foot of a page after its last figures
_LINES = 40  # of the page above that say where its columns are


def continued(
    rows: Sequence[Row], lines: Sequence[Line], next_rows: Sequence[Row], next_lines: Sequence[Line]
) -> tuple[int, list[Row]] | None:
    """Return how many rows at the top of the next page repeat heads, and the others placed below the last region of this one.

    None when no table goes on there.

    Args:
        rows: of the page above, or of the pages that were joined so far; `lines` are the same cut into cells.
    """
    tail = _tail(lines)
    if not tail:
        return None
    repeated = _repeated(lines, next_lines)
    head = _head(next_lines[repeated:])
    if not head or not _alike(tail[-1], head[-1]):
        return None
    shift = _shift(_columns(tail), head, _left(lines[-_LINES:]) - _left(next_lines[repeated : repeated + _LINES]))
    if shift is None:
        return None
    first = next_rows[repeated]
    return repeated, moved(next_rows[repeated:], shift, rows[-1].y + _pitch(tail) * first.size - first.y)


def _tail(lines: Sequence[Line]) -> list[Line]:
    """Return the rows with figures at the end of a page; none when something else follows them than a few labels."""
    last = next((index for index in range(len(lines) - 1, -1, -1) if lines[index].data), -1)
    if last < 0 or len(lines) - 1 - last > _MOST_LABELS:
        return []
    edge = min(cell.x1 for cell in lines[last].cells if cell.number)
    if not all(_is_label(line, edge, lines[last].size) for line in lines[last + 1 :] if line.cells):
        return []
    found = [lines[last]]
    for below, line in pairwise(reversed(lines[max(0, last - _LINES) : last + 1])):
        if not line.cells or below.y - line.y > 4.5 * line.size:
            break
        if line.data:
            found.append(line)
    return found[::-1]


def _is_label(line: Line, edge: float, size: float) -> bool:
    """Tell whether a row is a label as those of a table: one text, in the same type, that no sentence is."""
    text = line.cells[0].text
    return (
        len(line.cells) == 1
        and line.x0 < edge
        and abs(line.size - size) < 0.07 * size
        and not text.endswith((".", ";"))
        and len(text) < (60 if text.endswith(":") else 120)
    )


def _repeated(lines: Sequence[Line], following: Sequence[Line]) -> int:
    """Return how many rows of the next page repeat the heads of the table above, and its title."""
    known = {_words(line) for line in _heads(lines)}
    count = 0
    while count < min(len(following), _MOST_HEADS) and _words(following[count]) in known:
        count += 1
    return count if count < len(following) else 0


def _heads(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the rows above the first figures of the table that ends the page: its heads and what stands over them."""
    start = len(lines) - 1
    while start > 0 and not _apart(lines[start - 1], lines[start]):
        start -= 1
    first = next((i for i in range(start, len(lines)) if _figures(lines[i])), len(lines))
    return lines[max(start, first - _MOST_HEADS) : first]


def _apart(above: Line, line: Line) -> bool:
    """Tell whether no table goes on from one row to the next: a wide gap, or a sentence's end."""
    prose = len(above.cells) == 1 and (above.cells[0].text.endswith(".") or len(above.cells[0].text) > 120)
    return prose or line.y - above.y > 4.5 * max(line.size, above.size)


def _figures(line: Line) -> bool:
    return line.data and not periods_only(line)


def _words(line: Line) -> str:
    return " ".join(_MARK.sub("", " ".join(cell.text for cell in line.cells)).lower().split())


def _head(lines: Sequence[Line]) -> list[Line]:
    """Return the first rows with figures of the next page; none when other rows than labels stand before them."""
    first = next((index for index, line in enumerate(lines[:_MOST_HEADS]) if line.data), -1)
    if first < 0 or periods_only(lines[first]):
        return []
    edge, size = min(cell.x1 for cell in lines[first].cells if cell.number), lines[first].size
    if not all(_is_label(line, edge, size) for line in lines[:first] if line.cells):
        return []
    if any(below.y - above.y > 4.5 * below.size for above, below in pairwise(lines[: first + 1])):
        return []
    found: list[Line] = []
    for above, line in pairwise([lines[first], *lines[first:]]):
        if line.y - above.y > 4.5 * line.size or len(found) == _MOST_HEADS:
            break
        if line.data and not periods_only(line):
            found.append(line)
    return found


def _alike(above: Line, below: Line) -> bool:
    return abs(above.size - below.size) < 0.07 * above.size


def _numbers(line: Line) -> list[Cell]:
    """Return the figures of a row but for one that is its label."""
    return [cell for index, cell in enumerate(line.cells) if cell.number and (index or len(line.cells) < 3)]


def _columns(tail: Sequence[Line]) -> list[Column]:
    """Return where the figures of the page above stand."""
    columns: list[Column] = []
    for cell in sorted((cell for line in tail for cell in _numbers(line)), key=lambda cell: cell.x1):
        if columns and columns[-1].overlap(cell.x0, cell.x1) > 0:
            columns[-1] = Column(min(columns[-1].x0, cell.x0), max(columns[-1].x1, cell.x1))
        else:
            columns.append(Column(cell.x0, cell.x1))
    return columns


def _left(lines: Sequence[Line]) -> float:
    return min((line.x0 for line in lines if line.cells), default=0.0)


def _shift(columns: Sequence[Column], head: Sequence[Line], margin: float) -> float | None:
    """Return by how much the next page must be moved to the right for its figures to stand in the columns; None when by nothing.

    Pages of a bound book have other margins at the left than at the right: `margin` is how far their labels differ.
    """
    fitting = []
    for shift in (0.0, margin):
        places = [_fits(columns, line, shift) for line in head]
        if all(places) and 2 * len(set().union(*places)) >= len(columns):
            fitting.append((sum(_beside(columns, line, shift) for line in head), abs(shift), shift))
    return min(fitting)[2] if fitting else None


def _beside(columns: Sequence[Column], line: Line, shift: float) -> float:
    """Return how far the figures of a row end from where those of their columns do."""
    return sum(min(abs(column.x1 - cell.x1 - shift) for column in columns) for cell in _numbers(line))


def _fits(columns: Sequence[Column], line: Line, shift: float) -> set[int]:
    """Return the columns in which the figures of a row stand; none when one stands beside them, or two in one."""
    places = []
    for cell in _numbers(line):
        x0, x1 = cell.x0 + shift, cell.x1 + shift
        place = max(range(len(columns)), key=lambda i: columns[i].overlap(x0, x1))
        if columns[place].overlap(x0, x1) < 0.3 * (x1 - x0) and abs(columns[place].x1 - x1) > 1.2 * line.size:
            return set()
        places.append(place)
    return set(places) if len(set(places)) == len(places) else set()


def _pitch(tail: Sequence[Line]) -> float:
    """Return the usual distance of the table's rows."""
    steps = [(after.y - before.y) / after.size for before, after in pairwise(tail)]
    return min(max(median(steps), 1.0), 1.8) if steps else 1.25
