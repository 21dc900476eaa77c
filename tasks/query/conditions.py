"""Conditions as people type them: `COLUMN OP VALUE` with `=`, `!=`, `<`, `<=`, `>`, `>=`, `~` (holds) and ranges `a..b`.

A date may be a year, a month or a day (`2026`, `2026-05`, `2026-05-31`, `31/05/2026`): a shorter one means all of its days. Numbers may be
written as in Italy or England. Values are compared by the column's own type and never become part of a query text.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from infra.errors import UsageError

_CONDITION = re.compile(r"\s*([A-Za-z_]\w*)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_LOCAL = re.compile(r"(?:(\d{1,2})[/.])?(\d{1,2})[/.](\d{4})")
RANGE = ".."

Value = str | float | date | bool | None


@dataclass(frozen=True, slots=True)
class Condition:
    """`low` and `high` are equal but for ranges and for dates that mean several days; None is an open end."""

    column: str
    operator: str
    text: str

    def __str__(self) -> str:
        return f"{self.column}{self.operator}{self.text}"


def conditions(texts: Iterable[str]) -> list[Condition]:
    """Read conditions.

    Raises:
        UsageError: one is not a condition.
    """
    found = []
    for text in texts:
        match = _CONDITION.fullmatch(text)
        if not match:
            raise UsageError(
                f"{text!r} is no condition: write COLUMN=VALUE, COLUMN!=VALUE, COLUMN>VALUE, COLUMN~WORDS or COLUMN=A..B"
            )
        found.append(Condition(*match.groups()))
    return found


def check_columns(wanted: Sequence[Condition], columns: Iterable[str], what: str) -> None:
    """Make sure that every condition is on a column that is there.

    Raises:
        UsageError: one is not; the message lists the columns.
    """
    known = list(columns)
    for condition in wanted:
        if condition.column not in known:
            raise UsageError(f"{what} has no column {condition.column!r}: choose among {', '.join(known)}")


def matches(condition: Condition, kind: str, value: Any) -> bool:
    """Tell whether a value of a row fulfils a condition.

    Args:
        kind: `text`, `number`, `integer`, `date`, `moment` or `flag`.

    Raises:
        UsageError: the condition's value is not one of that kind.
    """
    if condition.text == "" and condition.operator in ("=", "!="):
        return (value is None or value == "") == (condition.operator == "=")
    if condition.operator == "~":
        return condition.text.casefold() in str(value if value is not None else "").casefold()
    low, high = bounds(condition, kind)
    if value is None:
        return condition.operator == "!="
    seen = _comparable(value, kind, condition.column)
    if kind == "text" and condition.operator in ("=", "!=") and low == high:
        return _same_text(str(seen), str(low), condition.column) == (condition.operator == "=")
    inside = (low is None or seen >= low) and (high is None or seen <= high)
    return {
        "=": inside,
        "!=": not inside,
        "<": low is not None and seen < low,
        "<=": high is not None and seen <= high,
        ">": high is not None and seen > high,
        ">=": low is not None and seen >= low,
    }[condition.operator]


def bounds(condition: Condition, kind: str) -> tuple[Any, Any]:
    """Return the first and the last value that the condition's text means.

    Raises:
        UsageError: the text is not a value of that kind, or a range stands behind another sign than `=` or `!=`.
    """
    if RANGE not in condition.text:
        return _pair(condition.text, kind, condition)
    if condition.operator not in ("=", "!="):
        raise UsageError(f"{condition}: a range a..b goes with = or !=")
    first, _, last = condition.text.partition(RANGE)
    low = _pair(first.strip(), kind, condition)[0] if first.strip() else None
    high = _pair(last.strip(), kind, condition)[1] if last.strip() else None
    return low, high


def _pair(text: str, kind: str, condition: Condition) -> tuple[Any, Any]:
    if kind in ("date", "moment"):
        return _days(text, condition)
    if kind in ("number", "integer"):
        number = _number(text, condition)
        whole = int(number) if kind == "integer" and number.is_integer() else number
        return whole, whole
    if kind == "flag":
        words = {"true": True, "yes": True, "si": True, "sì": True, "1": True, "false": False, "no": False, "0": False}
        if text.casefold() not in words:
            raise UsageError(f"{condition}: {condition.column} is yes or no")
        return words[text.casefold()], words[text.casefold()]
    return text.casefold(), text.casefold()


def _days(text: str, condition: Condition) -> tuple[date, date]:
    """Return the first and last day of a year, a month or a day."""
    parts: Sequence[str | None]
    if match := _DAY.fullmatch(text):
        parts = match.groups()
    elif match := _LOCAL.fullmatch(text):
        parts = match.groups()[::-1]
    else:
        raise UsageError(f"{condition}: {text!r} is no date: write 2026, 2026-05, 2026-05-31 or 31/05/2026")
    year, month, number = (int(part) if part else None for part in parts)
    try:
        low = date(year or 0, month or 1, number or 1)
        last_month = month or 12
        high = date(year or 0, last_month, number or calendar.monthrange(year or 0, last_month)[1])
    except (ValueError, calendar.IllegalMonthError):
        raise UsageError(f"{condition}: there is no day {text!r}") from None
    return low, high


def _number(text: str, condition: Condition) -> float:
    plain = text.replace(" ", "").replace("€", "")
    if "," in plain:
        plain = (
            plain.replace(".", "").replace(",", ".") if plain.rfind(",") > plain.rfind(".") else plain.replace(",", "")
        )
    try:
        return float(plain)
    except ValueError:
        raise UsageError(f"{condition}: {text!r} is no number") from None


def _comparable(value: Any, kind: str, column: str) -> Any:
    if kind == "moment" and hasattr(value, "date"):
        return value.date()
    if kind == "number":
        return round(float(value), 6)
    return str(value).casefold() if kind == "text" else value


def _same_text(seen: str, wanted: str, column: str) -> bool:
    """Compare texts without regard to case; an Italian VAT number with or without its country."""
    if column == "vat" or column.endswith("_vat"):
        return seen.removeprefix("it") == wanted.removeprefix("it")
    return seen == wanted


def selected(
    rows: Iterable[Mapping[str, Any]], wanted: Sequence[Condition], kinds: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """Return the rows that fulfil every condition."""
    for condition in wanted:  # so that a wrong value is told even where there is no row
        if condition.text:
            bounds(condition, kinds[condition.column]) if condition.operator != "~" else None
    return [row for row in rows if all(matches(c, kinds[c.column], row[c.column]) for c in wanted)]
