"""What the readers of spreadsheets and delimited files share: values as text, and a sheet's rows as blocks.

A value is written so that it can be read again: 1234567.89 with a point and no thousands, ISO dates, percentages as
shown (12.5%), TRUE and FALSE. A sheet is a page with its name as title; its rows fall into blocks at empty rows. A
block is a table, lines with a single text are prose or the title of the block below.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from tasks.index.formats.base import clean, table, too_large
from tasks.index.formats.grid import is_label
from tasks.records import Element

Row = Sequence[str]
_NUMBER = re.compile(r"^[-+(]?[\d.,]*\d[%)]?$")
_NO_NAME = re.compile(r"^(?:sheet|foglio|tabelle|feuil|hoja|worksheet|table)\s*_?\d*$", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_PLACE = re.compile(r"""0|\#|"[^"]*"|\\.|[ ()/:-]""")
_WIDEST_TITLE = 150
_WIDEST_MERGE = 100


def number_text(value: float, number_format: str = "") -> str:
    """Return a number as plain text; a percentage and a code with leading zeros as their format shows them.

    Args:
        value: as stored. Fifteen significant digits are kept, as Excel shows them: 0.1 + 0.2 is 0.3.
        number_format: the cell's format code, e.g. `0.0%`, `00000` or `#,##0.00 "€"`.
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    first = number_format.split(";")[0]
    section = _QUOTED.sub("", first)
    if "%" in section:
        decimals = len(match.group(1)) if (match := re.search(r"\.([0#?]+)", section)) else 0
        return f"{value * 100:.{decimals}f}%"
    if isinstance(value, int):
        return _padded(value, first) or str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    plain = f"{Decimal(f'{value:.15g}'):f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _padded(value: int, section: str) -> str:
    """Return a code as shown: format `00000` makes 184 `00184`, `000\\-00` makes 1234 `012-34`; "" for any other format."""
    places = _PLACE.findall(re.sub(r"\[[^\]]*\]", "", section))
    digits = [place for place in places if place in "0#"]
    if value < 0 or digits.count("0") < 2 or "".join(places) != re.sub(r"\[[^\]]*\]", "", section):
        return ""
    left = list(str(value).rjust(digits.count("0"), "0"))
    shown: list[str] = []
    for place in reversed(places):
        if place in "0#":
            shown.append(left.pop() if left else "")
            digits.pop()
            if not digits:  # the first place takes all that is left
                shown += reversed(left)
                left = []
        else:
            shown.append(place[1:] if place.startswith("\\") else place.strip('"'))
    return "".join(reversed(shown))


def duration_text(value: dt.timedelta, number_format: str = "") -> str:
    """Return a duration as hours and minutes, `26:30`; with seconds where there are any or the format shows them."""
    seconds = round(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    hours, minutes = f"{sign}{seconds // 3600}", f"{seconds // 60 % 60:02d}"
    return (
        f"{hours}:{minutes}:{seconds % 60:02d}"
        if seconds % 60 or "s" in number_format.lower()
        else f"{hours}:{minutes}"
    )


def value_text(value: object, number_format: str = "") -> str:
    """Return any cell value as text; "" for an empty cell."""
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return number_text(value, number_format)
    if isinstance(value, dt.datetime):
        whole_day = value.time() == dt.time()
        return value.date().isoformat() if whole_day else value.isoformat(sep=" ", timespec="seconds")
    if value == dt.time() and number_format and not re.search("[hs]", _QUOTED.sub("", number_format), re.IGNORECASE):
        return "0"  # no midnight, but an empty cell that another one refers to, in the format of a date
    if isinstance(value, dt.time):
        return value.isoformat(timespec="seconds" if value.second else "minutes")
    if isinstance(value, dt.timedelta):
        return duration_text(value, number_format)
    return value.isoformat() if isinstance(value, dt.date) else clean(str(value))


def spread(row: list[str], first: int, last: int) -> None:
    """Repeat a head over the columns that it is merged over (0-based, inclusive).

    An amount stands once, and so does a title, which begins in the first column.
    """
    if (
        not 0 < first < last
        or first >= len(row)
        or last - first > _WIDEST_MERGE
        or not row[first]
        or not is_label(row[first])
    ):
        return
    row += [""] * (last + 1 - len(row))
    row[first : last + 1] = [row[first]] * (last + 1 - first)


class CellCount:
    """Counts the cells of a workbook against the limit.

    Raises:
        DocumentError: TOO_LARGE, from `add`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0

    def add(self, cells: int) -> None:
        self._count += cells
        if self._count > self._most:
            raise too_large(f"the spreadsheet has more than {self._most:,} cells (limits.cells)")


def sheet_elements(name: str, rows: Iterable[Row], page: int, count: CellCount) -> Iterator[Element]:
    """Yield the title and the blocks of one sheet.

    Args:
        name: the sheet's name, "" for none; names that programs give (Sheet1, Foglio1) are not titles.
        rows: in order, empty ones included; they may be of unequal length.
        page: 1-based number of the sheet.
    """
    named = bool(name) and not _NO_NAME.match(name)
    began = False
    for block in _blocks(rows, count):
        if named and not began:
            yield Element("title", clean(name), page, 1)
        began = True
        yield from _block_elements(block, page)


def _blocks(rows: Iterable[Row], count: CellCount) -> Iterator[list[Row]]:
    """Yield rows between gaps: two empty rows always end a block, one does when a new head follows figures."""
    block: list[Row] = []
    empty = 0
    for row in rows:
        filled = sum(1 for cell in row if cell)
        if not filled:
            empty += 1
            continue
        count.add(filled)
        if block and (empty >= 2 or (empty == 1 and _starts_anew(block, row))):
            yield block
            block = []
        empty = 0
        block.append(row)
    if block:
        yield block


def _starts_anew(block: list[Row], row: Row) -> bool:
    """Tell whether a row after one empty row begins another table: the block before was a mere title, or this is a head."""
    if all(_single(line) for line in block):
        return True
    texts = [cell for cell in row if cell]
    is_head = len(texts) >= 2 and not any(_NUMBER.match(cell) for cell in texts)
    return is_head and any(_NUMBER.match(cell) for line in block for cell in line[1:] if cell)


def _block_elements(block: list[Row], page: int) -> Iterator[Element]:
    """Yield the lines above a table, its title first, then the table; or the lines of a block that is not one."""
    edge = min(_first_column(row) for row in block)
    lines = next((i for i, row in enumerate(block) if not _single(row) or _first_column(row) > edge), len(block))
    if 0 < lines < len(block) and (lines > 3 or not _wordy(block[0])):
        lines = 0  # a first column that goes on below: a list of labels, not a title
    for index, row in enumerate(block[:lines]):
        text = next(cell for cell in row if cell)
        is_title = index == 0 and _wordy(row) and len(text) <= _WIDEST_TITLE and (lines <= 2 or lines < len(block))
        yield Element("title" if is_title else "text", text, page, 2 if is_title else 0)
    if found := table(block[lines:], page):
        yield found


def _wordy(row: Row) -> bool:
    return any(map(str.isalpha, "".join(row)))


def _first_column(row: Row) -> int:
    return next(index for index, cell in enumerate(row) if cell)


def _single(row: Row) -> bool:
    return sum(1 for cell in row if cell) == 1
