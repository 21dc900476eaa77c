"""Tables by alignment: consecutive rows whose numbers stand in columns, with their heads above them.

Financial statements have no ruling lines to trust, so the numbers themselves say where the columns are: numbers of
one column overlap each other and never share a row. Text is then sorted into those columns, heads last, since a head
such as "Years ended December 31" spans several of them and its text is repeated in each.
All lengths are in em (multiples of the row's type size) unless said otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from tasks.index.formats.pdf_words import Word

_NUMBER = re.compile(
    r"^[(\[]?[-–—−+]?[$€£¥]?[(]?[-–—−+]?(?:\d(?:[\d.,'’]*\d)?|\.\d+)[)\]]?%?[)\]]?[*†]?$"
    r"|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}$|^\d{4}[/-]\d{2,4}$"
)
_DASH = re.compile(r"^[$€£]?[-–—−]{1,3}[)%]*$|^(?:n/?a|n\.a\.|nm|n/m|n\.m\.)$", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:US|CHF|EUR|USD|GBP)?[$€£¥]?[(]?$|^\($")
_SUFFIX = re.compile(r"^[)%*†]{1,3}$|^(?:pts?|bps|x)$")
_LEADER = re.compile(r"^(?:[.…·_]\s?){2,}$|^[-=_]{3,}$|^\.$")
_LEADER_TAIL = re.compile(r"(?:\s?[.…·_]){3,}$")
_PERIOD = re.compile(
    r"^(?:FY|Q[1-4])?\s?(?:19|20)\d\d(?:\s?[AE])?(?:\s?\(\d\))?$|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}$", re.IGNORECASE
)
_UNIT = re.compile(
    r"\b(?:millions?|thousands?|billions?|milioni|migliaia|euro|dollars|unaudited|importi|valori)\b|^\(.*\)$", re.I
)
_CONNECTOR = re.compile(
    r"\b(?:and|or|of|the|to|for|in|from|by|with|on|at|di|del|della|dei|delle|degli|dello|da|dal|dalla|con|su|al|alla|ai"
    r"|alle|nel|nella)$|,$",
    re.IGNORECASE,
)
_SPANNING = re.compile(r"\d|ended|months|weeks|year|quarter|esercizi|anno|anni|trimestre|semestre", re.IGNORECASE)
_ORDINALS = frozenset({"st", "nd", "rd", "th", "°", "º", "ª"})
_MAX_BRIDGE = 6  # rows without numbers that may stand between two rows with numbers
_MAX_HEAD = 8
_MAX_LABELS = 3  # rows of the first column between the heads and the first figures


class RowLike(Protocol):
    """What this file needs of a row of words."""

    words: list[Word]
    y: float
    size: float


@dataclass(slots=True)
class Cell:
    """Words of a row that stand together; `number` when they are one figure, a dash for none included."""

    text: str
    x0: float
    x1: float
    number: bool
    words: list[Word] = field(default_factory=list)

    @property
    def centre(self) -> float:
        return (self.x0 + self.x1) / 2


@dataclass(frozen=True, slots=True)
class Table:
    """A table that covers the rows first ≤ i < last of its region; all `rows` have equal length."""

    first: int
    last: int
    rows: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class _Line:
    """A row cut into cells."""

    y: float
    size: float
    cells: list[Cell]

    @property
    def data(self) -> bool:
        numbers = sum(cell.number for cell in self.cells)
        return numbers > 1 or (numbers == 1 and len(self.cells) > 1 and not self.cells[0].number)

    @property
    def x0(self) -> float:
        return self.cells[0].x0

    @property
    def x1(self) -> float:
        return max(cell.x1 for cell in self.cells)


@dataclass(slots=True)
class _Column:
    x0: float
    x1: float

    @property
    def centre(self) -> float:
        return (self.x0 + self.x1) / 2

    def overlap(self, x0: float, x1: float) -> float:
        return min(self.x1, x1) - max(self.x0, x0)


@lru_cache(maxsize=65536)
def is_number(text: str) -> bool:
    """Whether a word is a figure: digits with separators, sign, currency, parentheses or percent; `1)` is not."""
    if not _NUMBER.match(text):
        return False
    return text.count(")") <= text.count("(") or text.endswith(")%")


# ---------------------------------------------------------------- cells


def cut_cells(row: RowLike) -> list[Cell]:
    """Cut a row into cells at wide gaps and around figures; signs, currency and per cent join their figure."""
    cells: list[Cell] = []
    forced = False
    for word in row.words:
        text = word.text
        if _LEADER.match(text):
            forced = True
            continue
        tail = _LEADER_TAIL.search(text)
        if tail:
            text = text[: tail.start()]
            forced = forced or not text
            if not text:
                continue
        last = cells[-1] if cells and not forced else None
        if last is None or not _join(last, word, text, row):
            cells.append(Cell(text, word.x0, word.x1, _figure(word, text, last, row.size), [word]))
        forced = bool(tail)
    return [
        replace(cell, number=False) if cell.number and not any(c.isalnum() or c in "-–—−" for c in cell.text) else cell
        for cell in cells
    ]


def _figure(word: Word, text: str, before: Cell | None, size: float) -> bool:
    """Whether a word that begins a cell begins a figure; a dash does only where it stands well apart."""
    if is_number(text) or (text in "$€£¥(" or text in {"$(", "€("}):
        return True
    return bool(_DASH.match(text)) and (before is None or word.x0 - before.x1 > 0.7 * size)


def _join(cell: Cell, word: Word, text: str, row: RowLike) -> bool:
    """Add the word to the cell if it belongs there."""
    size, gap = row.size, word.x0 - cell.x1
    number = is_number(text)
    mark = word.size < 0.87 * size and word.y < row.y - 0.12 * size and gap < 0.5 * size  # a footnote's mark
    if mark:
        return _extend(cell, word, cell.text + ("" if text in _ORDINALS else " ") + text, cell.number)
    if cell.number and _SUFFIX.match(text) and gap < 2.5 * size:
        return _extend(cell, word, cell.text + (f" {text}" if text.isalpha() else text), True)
    if (
        cell.number
        and _PREFIX.match(cell.text)
        and (number or _closes(cell.text, text) or _DASH.match(text) or text == "(")
    ):
        return _extend(cell, word, cell.text + text, True)
    if cell.number and (number or text in {"$", "€", "£", "("} or (_DASH.match(text) and gap > 0.4 * size)):
        return gap < 0.12 * size and _extend(cell, word, cell.text + text, True)
    if number or text in {"$", "€", "£"} or _DASH.match(text):
        return gap < (0.75 if number else 0.9) * size and _extend(cell, word, f"{cell.text} {text}", False)
    return gap < (0.75 if cell.number else 1.0) * size and _extend(cell, word, f"{cell.text} {text}", False)


def _closes(before: str, text: str) -> bool:
    return "(" in before and is_number("(" + text)


def _extend(cell: Cell, word: Word, text: str, number: bool) -> bool:
    cell.text, cell.number, cell.x1 = text, number, max(cell.x1, word.x1)
    cell.words.append(word)
    return True


# ---------------------------------------------------------------- regions


def find_tables(rows: Sequence[RowLike]) -> list[Table]:
    """The tables among the rows of a region, from the top down."""
    lines = [_Line(row.y, row.size, cut_cells(row)) for row in rows]
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


def _run_end(lines: Sequence[_Line], first: int) -> int:
    """One past the last row of the run of table rows that begins at `first`; `first` itself when there is none."""
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


def _number_span(line: _Line) -> tuple[float, float]:
    """Left and right end of a row's figures, a first figure that is the row's label left out."""
    cells = [cell for cell in line.cells if cell.number]
    cells = cells[1:] if len(cells) > 1 and cells[0] is line.cells[0] and not _PERIOD.match(cells[0].text) else cells
    return cells[0].x0, max(cell.x1 for cell in cells)


def _new_table(lines: Sequence[_Line], first: int, end: int, index: int) -> bool:
    """Whether a row of periods after a clear gap begins another table."""
    line = lines[index]
    if not _periods_only(line) or all(_periods_only(before) for before in lines[first:end] if before.cells):
        return False
    steps = [(b.y - a.y) / b.size for a, b in pairwise(lines[end - 1 : index + 1])]
    return max(steps) > 1.9


def _periods_only(line: _Line) -> bool:
    figures = [cell for cell in line.cells if cell.number]
    return bool(figures) and all(_PERIOD.match(cell.text) for cell in figures)


def _bridges(lines: Sequence[_Line], index: int, left: float, right: float) -> bool:
    """Whether a row without figures may stand inside a table: a label, a wrapped label, or heads over the columns."""
    line = lines[index]
    if line.x1 <= left + 0.5 * line.size or line.x0 >= left - 3 * line.size:
        return True
    if len(line.cells) > 1:
        return all(cell.x1 <= left or cell.x0 >= left - 3 * line.size for cell in line.cells)
    follows = index + 1 < len(lines) and lines[index + 1].data
    return follows and line.x1 < left + 0.6 * (right - left)


# ---------------------------------------------------------------- columns


def _build(lines: Sequence[_Line], floor: int, first: int, last: int) -> Table | None:
    """Make the table of the run first ≤ i < last, with heads above it but not above `floor`."""
    body = [line for line in lines[first:last] if line.cells]
    columns = _number_columns(body)
    if not columns:
        return None
    _reclaim(body, columns)
    columns = _text_columns(body, columns)
    left = min(line.x0 for line in body)
    start = _head_start(lines, floor, first, columns, left)
    heads = [line for line in lines[start:first] if line.cells]
    while body and _periods_only(body[0]) and len(body) > 1:
        heads.append(body.pop(0))
    rows = [_head_row(line, columns, index + 1 == len(heads)) for index, line in enumerate(heads)]
    rows += _join_labels(body, [_body_row(line, columns) for line in body])
    return Table(start, last, _drop_empty(rows))


def _number_columns(body: Sequence[_Line]) -> list[_Column]:
    """Columns from the figures: those that overlap and never stand in one row belong together."""
    lines = [line for line in body if not _periods_only(line)] or body  # centred years would widen the columns
    placed = sorted((cell.x1, cell.x0, index) for index, line in enumerate(lines) for cell in line.cells if cell.number)
    left = min(line.x0 for line in body)  # of the labels
    groups: list[tuple[_Column, set[int], int]] = []
    size = max(line.size for line in body)
    for x1, x0, index in placed:
        fit = [
            g for g in groups[-3:] if g[0].overlap(x0, x1) > 0.3 * min(x1 - x0, g[0].x1 - g[0].x0) and index not in g[1]
        ]
        if fit:
            column, rows, count = best = max(fit, key=lambda g: g[0].overlap(x0, x1))
            groups[groups.index(best)] = (_Column(min(column.x0, x0), max(column.x1, x1)), rows | {index}, count + 1)
        else:
            groups.append((_Column(x0, x1), {index}, 1))
    columns = [column for column, _, _ in sorted(groups, key=lambda group: group[0].centre)]
    return [column for column in columns if column.x0 > left + 1.5 * size]


def _reclaim(body: Sequence[_Line], columns: Sequence[_Column]) -> None:
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


def _text_columns(body: Sequence[_Line], columns: list[_Column]) -> list[_Column]:
    """Columns of words beside the figures: text cells, not the row's label, that overlap each other in two rows."""
    groups: list[tuple[_Column, int]] = []
    for line in body:
        for cell in line.cells[1:]:
            if cell.number or any(column.overlap(cell.x0, cell.x1) > 0 for column in columns):
                continue
            hit = next((i for i, (column, _) in enumerate(groups) if column.overlap(cell.x0, cell.x1) > 0), None)
            if hit is None:
                groups.append((_Column(cell.x0, cell.x1), 1))
            else:
                column, count = groups[hit]
                groups[hit] = (_Column(min(column.x0, cell.x0), max(column.x1, cell.x1)), count + 1)
    found = [column for column, count in groups if count > 1 and count * 4 > len(body)]
    return sorted([*columns, *found], key=lambda column: column.x0)


# ---------------------------------------------------------------- heads


def _head_start(lines: Sequence[_Line], floor: int, first: int, columns: Sequence[_Column], left: float) -> int:
    """The first of the rows above the body that are heads of its columns."""
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


def _is_label(line: _Line, columns: Sequence[_Column]) -> bool:
    """Whether a row is a short label of the first column."""
    return len(line.cells) == 1 and line.x1 < columns[0].x0 and not line.cells[0].text.endswith(".")


def _is_head(line: _Line, columns: Sequence[_Column], left: float) -> bool:
    first, right = columns[0].x0, columns[-1].x1
    over = [cell for cell in line.cells if cell.x1 > first]
    if sum(len(cell.text) for cell in line.cells) > 160 or line.cells[-1].text.endswith((".", ";")):
        return False
    if not over:
        return bool(_UNIT.search(line.cells[-1].text)) and len(line.cells[-1].text) < 90
    if len(line.cells) == 1 and not _over_columns(line, columns, left):
        return False
    return all(cell.x0 > first - 0.5 * (cell.x1 - cell.x0) - line.size for cell in over) and over[-1].x0 < right


def _over_columns(line: _Line, columns: Sequence[_Column], left: float) -> bool:
    """Whether a lone text stands over one column or over the middle of several: a title over the whole is no head."""
    cell, right = line.cells[0], columns[-1].x1
    spanning = _SPANNING.search(cell.text) or _UNIT.search(cell.text)
    if not spanning and abs(cell.centre - (left + right) / 2) < line.size:
        return False
    if cell.x0 >= columns[0].x0 - 2 * line.size:
        return bool(spanning) or len(columns) < 4 or cell.x1 - cell.x0 < 0.4 * (right - columns[0].x0)
    return abs(cell.centre - (columns[0].x0 + right) / 2) < 2.5 * line.size and bool(spanning)


def _head_row(line: _Line, columns: Sequence[_Column], lowest: bool) -> list[str]:
    """A head's cells, the text of one that spans several columns repeated in each of them."""
    row = [""] * (len(columns) + 1)
    over = [cell for cell in line.cells if cell.centre > columns[0].x0 or cell.x1 > columns[0].centre]
    row[0] = " ".join(cell.text for cell in line.cells if cell not in over)
    spans = _partition(over, columns, lowest) or _overlaps(over, columns)
    for cell, (first, last) in zip(over, spans, strict=True):
        for index in range(first, last + 1):
            row[index + 1] = f"{row[index + 1]} {cell.text}".strip()
    return row


def _partition(cells: Sequence[Cell], columns: Sequence[_Column], lowest: bool) -> list[tuple[int, int]] | None:
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


def _overlaps(cells: Sequence[Cell], columns: Sequence[_Column]) -> list[tuple[int, int]]:
    """The columns that lie under each cell, or the nearest one."""
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


# ---------------------------------------------------------------- rows


def _body_row(line: _Line, columns: Sequence[_Column]) -> list[str]:
    row = [""] * (len(columns) + 1)
    for position, cell in enumerate(line.cells):
        index = _column_of(cell, columns, position, line.size)
        row[index] = f"{row[index]} {cell.text}".strip()
    return row


def _column_of(cell: Cell, columns: Sequence[_Column], position: int, size: float) -> int:
    """0 for the label, else 1 + the index of the column that the cell overlaps most or is nearest to."""
    if position == 0 and cell.x0 < columns[0].x0 - 0.5 * size and (not cell.number or cell.x1 < columns[0].x0):
        return 0
    best = max(range(len(columns)), key=lambda i: columns[i].overlap(cell.x0, cell.x1))
    if columns[best].overlap(cell.x0, cell.x1) < -2 * size and cell.x1 < columns[0].x0 and not cell.number:
        return 0
    return best + 1


def _join_labels(body: Sequence[_Line], rows: list[list[str]]) -> list[list[str]]:
    """Join a label that runs over two lines with the row that bears its figures."""
    limit = max((line.cells[0].x1 for line, row in zip(body, rows, strict=True) if row[0]), default=0.0)
    joined: list[list[str]] = []
    for index, (line, row) in enumerate(zip(body, rows, strict=True)):
        above = body[index - 1] if index else None
        if above is not None and joined and _wraps(above, line, joined[-1], row, limit):
            cells = [a or b for a, b in zip(joined[-1][1:], row[1:], strict=True)]
            joined[-1] = [f"{joined[-1][0]} {row[0]}", *cells]
        else:
            joined.append(row)
    return joined


def _wraps(above: _Line, line: _Line, before: Sequence[str], row: Sequence[str], limit: float) -> bool:
    """Whether `row` goes on with the label of the row above; figures stand in one of the two only."""
    step = line.y - above.y
    if not row[0] and step < line.size:  # figures set a little lower than their label
        return bool(before[0]) and not any(before[1:])
    if not before[0] or not row[0] or (any(before[1:]) and any(row[1:])) or before[0].endswith((":", ".")):
        return False
    if step > 1.9 * line.size or line.x0 < above.x0 - 0.5 * line.size:
        return False
    first = line.cells[0].words[0]
    full = above.cells[0].x1 + (first.x1 - first.x0) > limit - 2.5 * line.size  # the word had no room above
    connected = _CONNECTOR.search(before[0]) is not None
    goes_on = connected or row[0][:1].islower() or row[0][:1] in "(&$–—0123456789" or before[0].endswith(";")
    return goes_on and full if any(before[1:]) else connected or (goes_on and full)


def _drop_empty(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Without columns that are empty throughout; the first, the labels', always stays."""
    kept = [i for i in range(len(rows[0])) if i == 0 or any(row[i] for row in rows)]
    return tuple(tuple(row[i] for i in kept) for row in rows)
