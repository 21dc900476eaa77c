"""Ruled tables: cells that lines on the page bound, whatever stands in them.

Figures tell their columns by themselves (`pdf_tables`), words do not: a cell of three lines beside one of one line is
only told by the rules around it. A grid counts when its cells hold no stacked figures: statements are often set in
boxes that bound whole columns, and there the figures know better. Rules are joined where pieces of one line meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.index.formats.pdf_cells import is_number
from tasks.index.formats.pdf_places import Frame, Rect, row_box
from tasks.index.formats.pdf_words import Word

_NEAR = 3.0  # points within which lines are taken for one, or for touching
_SHORT = 6.0  # points: a shorter line bounds no cell
_MOST_CELLS = 4_000


@dataclass(frozen=True, slots=True)
class Grid:
    """A ruled table: its room in the space of its words, the edges of its columns, rows of cells with their places."""

    room: Rect
    columns: tuple[float, ...]
    rows: tuple[tuple[str, ...], ...]
    boxes: tuple[tuple[int, ...], ...]
    size: float
    words: frozenset[Word]


@dataclass(slots=True)
class _Rule:
    """A line along one axis: its place across, and from where to where it runs."""

    at: float
    start: float
    end: float

    def covers(self, place: float) -> bool:
        return self.start - _NEAR <= place <= self.end + _NEAR


def find_grids(
    rules: Sequence[Rect], words: Sequence[Word], page: int, frame: Frame, above: Grid | None = None
) -> list[Grid]:
    """Return the ruled tables of a page, from the top down; `rules` and `words` in the space of the words.

    Args:
        above: the last one of the page before: it may go on with a single row, which alone is no table.
    """
    across, down = _lines(rules, across=True), _lines(rules, across=False)
    if len(across) < (2 if above else 3) or len(down) < 3:
        return []
    found = [_grid(rows, columns, words, page, frame) for rows, columns in _components(across, down)]
    if above and not any(found):
        found = [_last_row(rows, columns, words, page, frame, above) for rows, columns in _components(across, down, 2)]
    return sorted((grid for grid in found if grid), key=lambda grid: grid.room.top)


def joined(above: Grid, below: Grid) -> Grid | None:
    """Return a ruled table that goes on on the next page as one; its first row, where it is repeated there, goes."""
    if not _alike(above.columns, below.columns) or len(above.rows[0]) != len(below.rows[0]):
        return None
    skip = 1 if below.rows[0] == above.rows[0] and len(below.rows) > 1 else 0
    return replace(above, rows=above.rows + below.rows[skip:], boxes=above.boxes + below.boxes[skip:])


def _alike(above: Sequence[float], below: Sequence[float]) -> bool:
    """Tell whether the edges of two tables' columns are as far from each other."""
    if len(above) != len(below):
        return False
    return all(abs(a - above[0] - (b - below[0])) <= 2 * _NEAR for a, b in zip(above, below, strict=True))


def _lines(rules: Iterable[Rect], across: bool) -> list[_Rule]:
    """Return rules that run across the page, or down it, pieces of one line joined."""
    pieces = []
    for rule in rules:
        width, height = rule.x1 - rule.x0, rule.bottom - rule.top
        if across and width >= max(height, _SHORT):
            pieces.append(_Rule((rule.top + rule.bottom) / 2, rule.x0, rule.x1))
        elif not across and height > max(width, _SHORT):
            pieces.append(_Rule((rule.x0 + rule.x1) / 2, rule.top, rule.bottom))
    joined: list[_Rule] = []
    for piece in sorted(pieces, key=lambda piece: (round(piece.at / _NEAR), piece.start)):
        last = joined[-1] if joined else None
        if last and abs(piece.at - last.at) <= _NEAR and piece.start <= last.end + _NEAR:
            last.end = max(last.end, piece.end)
        else:
            joined.append(piece)
    return joined


def _components(
    across: Sequence[_Rule], down: Sequence[_Rule], least: int = 3
) -> list[tuple[list[_Rule], list[_Rule]]]:
    """Return rules that hang together by crossing or touching: those across (`least` of them) and those down of each table."""
    groups: list[tuple[list[_Rule], list[_Rule]]] = []
    open_rules = list(across)
    free = list(down)
    while open_rules:
        rows, columns = [open_rules.pop()], []
        new_rows: list[_Rule] = rows
        while new_rows:
            new_columns, free = _parted(free, new_rows)
            columns += new_columns
            new_rows, open_rules = _parted(open_rules, new_columns)
            rows = [*rows, *new_rows]
        if len(rows) >= least and len(columns) > 2:
            groups.append((rows, columns))
    return groups


def _parted(rules: Sequence[_Rule], others: Sequence[_Rule]) -> tuple[list[_Rule], list[_Rule]]:
    """Return the rules that meet one of the others, which run the other way, and those that do not."""
    meeting: list[_Rule] = []
    rest: list[_Rule] = []
    for rule in rules:
        at, start, end = rule.at, rule.start - _NEAR, rule.end + _NEAR
        for other in others:
            if start <= other.at <= end and other.start - _NEAR <= at <= other.end + _NEAR:
                meeting.append(rule)
                break
        else:
            rest.append(rule)
    return meeting, rest


def _edges(rules: Sequence[_Rule]) -> list[float]:
    """Return the distinct places of parallel rules."""
    edges: list[float] = []
    for rule in sorted(rules, key=lambda rule: rule.at):
        if not edges or rule.at - edges[-1] > _NEAR:
            edges.append(rule.at)
    return edges


def _grid(
    across: Sequence[_Rule], down: Sequence[_Rule], words: Sequence[Word], page: int, frame: Frame
) -> Grid | None:
    ys, xs = _edges(across), _edges(down)
    if len(ys) < 3 or len(xs) < 3 or len(ys) * len(xs) > _MOST_CELLS:
        return None
    room = Rect(xs[0], ys[0], xs[-1], ys[-1])
    cells = _filled(xs, ys, _spans(xs, ys, across, down), words)
    inside = [word for held in cells.values() for word in held]
    if not inside or _stacked(cells) or not _is_table(cells):
        return None
    rows, boxes = _rows(xs, ys, cells, _spans(xs, ys, across, down), page, frame)
    size = max(word.size for word in inside)
    return Grid(room, tuple(xs), rows, boxes, size, frozenset(inside))


def _last_row(
    across: Sequence[_Rule], down: Sequence[_Rule], words: Sequence[Word], page: int, frame: Frame, above: Grid
) -> Grid | None:
    """Return a single ruled row that stands in the columns of the table above; None where it does not."""
    ys, xs = _edges(across), _edges(down)
    if len(ys) != 2 or not _alike(above.columns, xs) or len(xs) - 1 != len(above.rows[0]):
        return None
    cells = _filled(xs, ys, _spans(xs, ys, across, down), words)
    inside = [word for held in cells.values() for word in held]
    if not inside or len(cells) != len(xs) - 1:
        return None
    texts, rooms = zip(*((_text(cells[0, i]), _room(cells[0, i])) for i in range(len(cells))), strict=True)
    size = max(word.size for word in inside)
    room = Rect(xs[0], ys[0], xs[-1], ys[-1])
    return Grid(room, tuple(xs), (texts,), (row_box(list(rooms), page, frame),), size, frozenset(inside))


Cells = dict[tuple[int, int], list[Word]]
Spans = dict[tuple[int, int], tuple[int, int]]


def _spans(xs: Sequence[float], ys: Sequence[float], across: Sequence[_Rule], down: Sequence[_Rule]) -> Spans:
    """Return for each cell of the finest grid the first cell (row, column) of the one that it is part of: no line between."""
    spans: Spans = {}
    for row, (top, bottom) in enumerate(pairwise(ys)):
        for column, (left, right) in enumerate(pairwise(xs)):
            spans[row, column] = (row, column)
            middle, centre = (top + bottom) / 2, (left + right) / 2
            if column and not any(abs(rule.at - left) <= _NEAR and rule.covers(middle) for rule in down):
                spans[row, column] = spans[row, column - 1]
            elif row and not any(abs(rule.at - top) <= _NEAR and rule.covers(centre) for rule in across):
                spans[row, column] = spans[row - 1, column]
    return spans


def _filled(xs: Sequence[float], ys: Sequence[float], spans: Spans, words: Sequence[Word]) -> Cells:
    """Return the words of each cell, by its first cell of the finest grid."""
    cells: Cells = {first: [] for first in spans.values()}
    for word in words:
        x, y = (word.x0 + word.x1) / 2, word.y - 0.3 * word.size
        row, column = _between(ys, y), _between(xs, x)
        if row is not None and column is not None:
            cells[spans[row, column]].append(word)
    return cells


def _between(edges: Sequence[float], place: float) -> int | None:
    return next((index for index, (low, high) in enumerate(pairwise(edges)) if low <= place < high), None)


def _text_lines(words: Sequence[Word]) -> list[list[Word]]:
    """Return the lines of a cell, from the top down."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.y):
        if lines and word.y - lines[-1][-1].y <= 0.35 * word.size:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.x0) for line in lines]


def _stacked(cells: Cells) -> bool:
    """Tell whether a cell has figures one below the other: then it holds a column, not a cell."""
    for words in cells.values():
        figures = [line for line in _text_lines(words) if is_number(line[-1].text) and len(line) < 4]
        if len(figures) > 1 and 2 * len(figures) >= len(_text_lines(words)):
            return True
    return False


def _is_table(cells: Cells) -> bool:
    """Tell whether two rows and two columns have text, and no cell is a page of it."""
    filled = [first for first, words in cells.items() if words]
    longest = max(len(_text_lines(words)) for words in cells.values())
    return len({row for row, _ in filled}) > 1 and len({column for _, column in filled}) > 1 and longest < 25


def _rows(
    xs: Sequence[float], ys: Sequence[float], cells: Cells, spans: Spans, page: int, frame: Frame
) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[int, ...], ...]]:
    """Return the rows with text, and their places; what spans columns above the first figures stands over each of them."""
    texts = {first: _text(words) for first, words in cells.items()}
    figures = [row for (row, column), words in cells.items() if column and len(words) == 1 and is_number(words[0].text)]
    heads = min(figures, default=1)
    rows, places = [], []
    for row in range(len(ys) - 1):
        firsts = [spans[row, column] for column in range(len(xs) - 1)]
        shown = [
            first if first == (row, column) or (first[0] == row < heads) else None
            for column, first in enumerate(firsts)
        ]
        rows.append(tuple(texts[first] if first else "" for first in shown))
        places.append([_room(cells[first]) if first else None for first in shown])
    kept = [column for column in range(len(xs) - 1) if any(row[column] for row in rows)]
    full = [index for index, row in enumerate(rows) if any(row)]
    return (
        tuple(tuple(rows[index][column] for column in kept) for index in full),
        tuple(row_box([places[index][column] for column in kept], page, frame) for index in full),
    )


def _text(words: Sequence[Word]) -> str:
    text = ""
    for line in _text_lines(words):
        words_of = " ".join(word.text for word in line)
        broken = text[-1:] in {"-", "‐"} and text[-2:-1].islower() and words_of[:1].islower()
        text = text[:-1] + words_of if broken else f"{text} {words_of}"
    return text.strip()


def _room(words: Sequence[Word]) -> Rect | None:
    if not words:
        return None
    edges = [word.rect for word in words]
    return Rect(
        min(edge.x0 for edge in edges),
        min(edge.top for edge in edges),
        max(edge.x1 for edge in edges),
        max(edge.bottom for edge in edges),
    )
