"""A table of a document as lines with a label and one value a period.

The cells come from PDF layout, HTML, spreadsheets or CSV, so a grid mends what these have in common: currency signs and
parentheses in cells of their own, labels over several cells, spacer columns, a column of note numbers, columns of
percentages and changes, heads that stand in the table or in the words above it, section heads and unlabelled totals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tasks.analyse.statements.assign_periods import assign_periods, own_columns, spare_columns
from tasks.analyse.statements.match_labels import canonical, mark_of, plain
from tasks.analyse.statements.read_numbers import Mark, Number, parse_number
from tasks.analyse.statements.read_periods import Period, parse_dates, years_in

Rows = Sequence[Sequence[str]]
_GLUE_RIGHT = re.compile(r"^(?:US\$|[$€£¥(]|\(\s*[$€£]|[$€£]\s*\(|EUR|USD|-|−)$")
_GLUE_LEFT = re.compile(r"^(?:\)|%|\)\s*%|%\s*\))$")
_NOTE_HEAD = re.compile(r"^(?:notes?|nota|note n\.?|rif\.?|ref\.?)\W*$", re.IGNORECASE)
_YEAR_CELL = re.compile(r"^(?:FY\s?)?(?:19|20)\d\d\s*(?:\(\w+\)|\*|[A-E])?$")
_UNFINISHED = re.compile(
    r"(?:,|\b(?:of|and|by|to|in|from|for|the|before|on|di|del|della|e|da|per|a))\s*$", re.IGNORECASE
)
_LETTERS = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a row was read: the index of its element, and of the row in it (None for a line of text)."""

    element: int
    row: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a statement.

    `norm` is the canonical label, `joined` the same with the line above when that one breaks off; `section` the last
    head without values, `mark` the civil-code numbering; `values` one number a period, None where the cell is blank.
    """

    label: str
    norm: str
    joined: str
    section: str
    mark: str
    page: int
    values: tuple[Decimal | None, ...]
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with its periods (in the order of the columns), its lines and the words around it."""

    page: int
    order: int
    periods: tuple[Period, ...]
    lines: tuple[Line, ...]
    head: str
    context: str
    section: str = ""
    norms: frozenset[str] = field(default_factory=frozenset)

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages of its lines, in order."""
        return tuple(dict.fromkeys(line.page for line in self.lines))


def build_grid(
    rows: Rows,
    mark: Mark,
    *,
    pages: Sequence[int] = (),
    sources: Sequence[Source] = (),
    order: int = 0,
    context: str = "",
    section: str = "",
    known: Sequence[Period] = (),
    opened: str = "",
) -> Grid | None:
    """Read a table.

    Args:
        rows: its cells, head rows included.
        mark: the document's decimal sign.
        pages, sources: the page and the place of each row; none for a table that stands alone on page 1.
        context: the words just above the table: title, scale, sometimes the years.
        known: the periods of the table before, for a continuation without head.
        opened: the section that the table before opened with its last row.

    Returns:
        None when the table has no numbers under any period.
    """
    cells = [mend_cells(row) for row in rows]
    start = body_start(cells, mark)
    head_rows, body = cells[:start], cells[start:]
    places: list[tuple[int, Source | None]] = [*zip(pages, sources, strict=True)]
    places = places or [(1, None)] * len(cells)
    numbers = [[parse_number(cell, mark) for cell in row] for row in body]
    width = max((len(row) for row in cells), default=0)
    columns = _value_columns(head_rows, body, numbers, width)
    if not columns:
        return None
    own = own_columns(head_rows, columns)
    head = " ".join(cell for row in head_rows for cell in row if cell)
    assigned = assign_periods(head_rows, own, f"{context} {head}", known)
    if not assigned:
        return None
    spares = spare_columns(head_rows, own, assigned)
    merged = [_fill(row, spares) for row in numbers]
    foreign = set(columns) - set(own)
    merged = [[None if column in foreign else number for column, number in enumerate(row)] for row in merged]
    lines = _lines(body, merged, assigned, columns, places[start:], _last_head(head_rows) or opened)
    if not lines:
        return None
    periods = tuple(period for _, period in assigned)
    return Grid(
        lines[0].page, order, periods, tuple(lines), head, context, section, frozenset(line.norm for line in lines)
    )


def mend_cells(row: Sequence[str]) -> list[str]:
    """Join `$`, `(` with the cell to their right and `)`, `%` with the one to their left; widths stay."""
    cells = [" ".join(cell.split()) for cell in row]
    for index in range(len(cells) - 2, -1, -1):
        if cells[index] and _GLUE_RIGHT.match(cells[index]):
            for after in range(index + 1, min(index + 3, len(cells))):
                if cells[after] and cells[after][0] in "0123456789.,($€£—-–":
                    cells[after], cells[index] = cells[index] + cells[after], ""
                    break
                if cells[after]:
                    break
    for index in range(1, len(cells)):
        if cells[index] and _GLUE_LEFT.match(cells[index]):
            before = next((b for b in range(index - 1, max(index - 3, -1), -1) if cells[b]), None)
            if before is not None and cells[before][-1] in "0123456789)":
                cells[before], cells[index] = cells[before] + cells[index], ""
    return cells


def table_columns(rows: Rows, mark: Mark) -> list[int]:
    """Return the columns of amounts of a table."""
    cells = [mend_cells(row) for row in rows]
    start = body_start(cells, mark)
    numbers = [[parse_number(cell, mark) for cell in row] for row in cells[start:]]
    return _value_columns(cells[:start], cells[start:], numbers, max((len(row) for row in cells), default=0))


def head_dates(rows: Rows, mark: Mark) -> tuple[object, ...]:
    """Return the dates that stand over the amounts of a table, or the years where there are no whole dates."""
    text = " ".join(cell for row in rows[: body_start(rows, mark)] for cell in row if cell)
    return tuple(dict.fromkeys(parse_dates(text))) or tuple(years_in(text))


def is_year_cell(cell: str) -> bool:
    """Tell whether a cell is a head (a year or a date) although it parses as a number."""
    return bool(_YEAR_CELL.match(cell)) or bool(parse_dates(cell))


def body_start(cells: Rows, mark: Mark) -> int:
    """Index of the first row with a label and an amount; rows of years, dates and words before it are the head."""
    for index, row in enumerate(cells):
        label = row[0] if row else ""
        amounts = [cell for cell in row[1:] if parse_number(cell, mark) and not is_year_cell(cell)]
        if amounts and (
            _LETTERS.search(label)
            or any(_LETTERS.search(cell) for cell in row[1:3])
            or _rest_is_body(cells, index, mark)
        ):
            years = [cell for cell in row[1:] if is_year_cell(cell)]
            if not years or len(amounts) > len(years):
                return index
    return len(cells)


def _rest_is_body(cells: Rows, index: int, mark: Mark) -> bool:
    """Tell whether an unlabelled row of amounts is body: when no row of years follows within three rows."""
    return not any(sum(is_year_cell(cell) for cell in row) >= 2 for row in cells[index + 1 : index + 4])


def _value_columns(
    head_rows: list[list[str]], body: list[list[str]], numbers: list[list[Number | None]], width: int
) -> list[int]:
    """Return columns of amounts: not the labels, the notes, the percentages, nor columns headed as changes."""
    columns = []
    for column in range(width):
        cells = [row[column] for row in body if column < len(row) and row[column]]
        found = [row[column] for row in numbers if column < len(row) and row[column] is not None]
        if len(found) < max(1, 0.5 * len(cells)) or (column == 0 and len(cells) > len(found)):
            continue
        heads = [row[column] for row in head_rows if column < len(row) and row[column]]
        percents = sum(1 for number in found if number and number.percent)
        if any(_NOTE_HEAD.match(head) for head in heads) or percents > 0.5 * len(found):
            continue
        columns.append(column)
    return [column for column in columns if not _notes_without_head(column, columns, numbers)]


def _notes_without_head(column: int, columns: list[int], numbers: list[list[Number | None]]) -> bool:
    """Return the first of several columns, with small whole numbers only, beside columns of larger ones."""
    if len(columns) < 2 or column != columns[0]:
        return False
    own = [row[column] for row in numbers if column < len(row)]
    values = [number.value for number in own if number and not number.nil]
    others = [row[columns[-1]] for row in numbers if columns[-1] < len(row)]
    larger = [number.value for number in others if number and abs(number.value) > 100]
    return bool(values) and len(larger) > 2 and all(0 < value < 60 and value == int(value) for value in values)


def _fill(row: list[Number | None], spares: list[tuple[int, int]]) -> list[Number | None]:
    """Return the row with blank cells filled from the spare column of the same period."""
    if not spares:
        return row
    filled = list(row)
    for column, spare in spares:
        if spare < len(row) and filled[column] is None:
            filled[column] = row[spare]
    return filled


def _lines(
    body: list[list[str]],
    numbers: list[list[Number | None]],
    assigned: list[tuple[int, Period]],
    columns: list[int],
    places: Sequence[tuple[int, Source | None]],
    section: str,
) -> list[Line]:
    lines: list[Line] = []
    above = ""
    first_value = min(columns)
    for row, parsed, (page, source) in zip(body, numbers, places, strict=True):
        label = _label(row, parsed, first_value)
        values = _values(parsed, assigned, columns)
        if not any(value is not None for value in values):
            if label:
                section, above = label, f"{above} {label}" if _breaks_off(above, label) else label
            continue
        joined = f"{above} {label}".strip() if _breaks_off(above, label) else ""
        norm = canonical(label)
        whole = canonical(joined) if joined else norm
        lines.append(Line(label, norm, whole, section, mark_of(label), page, values, source))
        above = ""
    return lines


def _last_head(head_rows: list[list[str]]) -> str:
    """Return the section that begins just before the first amounts (`Current liabilities:`): words alone in a head row."""
    last = head_rows[-1] if head_rows else []
    alone = bool(last) and bool(last[0]) and not any(last[1:]) and not years_in(last[0])
    return last[0] if alone and not last[0].startswith("(") else ""


def _breaks_off(above: str, label: str) -> bool:
    """Tell whether a label goes on in the line below: `Net income attributable to` / `common shareholders`."""
    if not above or mark_of(above) or above.rstrip().endswith(":"):
        return False
    return label[:1].islower() or bool(_UNFINISHED.search(above))


def _label(row: list[str], parsed: list[Number | None], first_value: int) -> str:
    """Return the words at the left of the amounts; the civil-code number may have a cell of its own."""
    words: list[str] = []
    for column, cell in enumerate(row):
        if not cell:
            continue
        if column >= first_value:
            break
        if parsed[column] is not None and words and _LETTERS.search(words[-1]):
            break  # a note number
        words.append(cell)
    return " ".join(words).strip()


def _values(
    parsed: list[Number | None], assigned: list[tuple[int, Period]], columns: list[int]
) -> tuple[Decimal | None, ...]:
    """Return the amounts under the periods; in order, when they slid into other columns but are as many as the periods."""
    cells = [parsed[column] if column < len(parsed) else None for column, _ in assigned]
    if not any(cells):
        slid = [
            number for column, number in enumerate(parsed) if number and column >= min(columns) and not number.percent
        ]
        if len(slid) == len(assigned):
            cells = list(slid)
    return tuple(number.value if number and not number.percent else None for number in cells)


def table_text(rows: Iterable[Sequence[str]]) -> str:
    """Return all words of a table in plain lower case, for a first cheap look."""
    return plain(" ".join(cell for row in rows for cell in row if cell))
