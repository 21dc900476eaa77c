"""Amounts and dates in the cells of a table whose habits are not known beforehand: Italian or English signs, day or month first.

How a column writes is decided by all its cells together; a single `1.234` says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from tasks import months

Mark = Literal[",", "."]

CURRENCIES = tuple("EUR USD GBP CHF SEK NOK DKK PLN CZK HUF RON BGN SGD AUD CAD JPY".split())
_MONEY = rf"(?:[€$£¥]|{'|'.join(CURRENCIES)}|kr|zł|Kč|Ft|Fr)"
_AMOUNT = re.compile(
    rf"[-−+(]?\s*{_MONEY}?\.?\s*[-−+]?\s*(\d[\d.,'’\s]*\d|\d)\s*{_MONEY}?\.?\s*(?:\)|[-−]|\b(?:D|A|C|DR|CR)\b)?",
    re.IGNORECASE,
)
_COMMA = re.compile(r"\d,\d{1,2}(?!\d)|\d\.\d{3},")
_POINT = re.compile(r"\d\.\d{1,2}(?!\d)|\d,\d{3}\.")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ].*)?")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})\.?(?:\s.*)?|((?:19|20)\d\d)(\d\d)(\d\d)")
_DATE = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})(?:[,\s]\s*(?!\d{5}).*)?")
_NAMED = re.compile(
    r"(\d{1,2})[.\s\-/]+([^\W\d_]{3,9})[.,\s\-/]+(\d{4}|\d{2})(?:\s.*)?|([^\W\d_]{3,9})\.? (\d{1,2}),? (\d{4})"
)
_MONTHS = months.numbers("en", "it", "de", "fr", "nl", "es")
_SHORT = {name[:length]: number for name, number in _MONTHS.items() for length in (3, 4)} | {"mrt": 3, "sept": 9}


def decimal_mark(cells: Iterable[str]) -> Mark:
    """Return the decimal sign of some cells: a comma where any cell shows one as such, else a point."""
    texts = [cell for cell in cells if cell]
    commas = sum(bool(_COMMA.search(text)) for text in texts)
    points = sum(bool(_POINT.search(text)) for text in texts)
    return "," if commas > points else "."


def amount(cell: str, mark: Mark) -> Decimal | None:
    """Return the amount that a cell is, with its sign; None for a cell that is not one."""
    text = cell.strip().lstrip("'")  # Excel's mark of a number kept as text
    match = _AMOUNT.fullmatch(text)
    if not match:
        return None
    digits = re.sub(r"[\s'’]", "", match.group(1))
    digits = digits.replace(".", "").replace(",", ".") if mark == "," else digits.replace(",", "")
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return None
    negative = text.startswith(("-", "−", "(")) or text.endswith(("-", "−")) or bool(re.match(r"\D*[-−]", text))
    return -value if negative else value


def month_first(cells: Sequence[str]) -> bool:
    """Tell whether dates put the month first: only where one is impossible the other way round and none is this way."""
    pairs = [(int(m.group(1)), int(m.group(2))) for cell in cells if (m := _DATE.fullmatch(cell.strip()))]
    return any(second > 12 for _, second in pairs) and not any(first > 12 for first, _ in pairs)


def day(cell: str, american: bool = False) -> date | None:
    """Return the date that a cell is; years of two digits are of this century."""
    text = cell.strip()
    if match := _ISO.fullmatch(text):
        year, month, number = (int(part) for part in match.groups()[:3])
    elif match := _YEAR_FIRST.fullmatch(text):
        year, month, number = (int(part) for part in match.groups() if part)
    elif match := _DATE.fullmatch(text):
        number, month, year = (int(part) for part in match.groups()[:3])
        number, month = (month, number) if american else (number, month)
    elif (match := _NAMED.fullmatch(text)) and (named := _month(match.group(2) or match.group(4))):
        month, number, year = named, int(match.group(1) or match.group(5)), int(match.group(3) or match.group(6))
    else:
        return None
    year += 2000 if year < 100 else 0
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _month(name: str) -> int:
    """Return the month of a name, whole or cut to its first three or four letters; 0 for any other word."""
    small = name.casefold()
    return _MONTHS.get(small) or _SHORT.get(small, 0)
