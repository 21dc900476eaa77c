"""Dates in running text: complete ones that exist, with their order of day and month beyond doubt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from tasks.months import WITH_SHORT
from tasks.readings import Entity

_NAMES = "|".join(sorted(WITH_SHORT, key=len, reverse=True))
_DAY_MONTH = re.compile(
    rf"(?<![\d.,/])(\d{{1,2}})(?:°|º|st|nd|rd|th)?[ -](?:of )?({_NAMES})\b\.?,?[ -](\d{{4}})(?!\d)", re.IGNORECASE
)
_MONTH_DAY = re.compile(rf"\b({_NAMES})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?, ?(\d{{4}})(?!\d)", re.IGNORECASE)
_MONTH_YEAR = re.compile(rf"\b({_NAMES})\b\.? (\d{{4}})(?!\d)", re.IGNORECASE)
_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_NUMERIC = re.compile(r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?![\d/-]|[.,]\d)")


def first_of_dates(texts: Iterable[str], language: str) -> str:
    """Tell which of day and month a document's numeric dates put first, by those that can only be one of the two."""
    votes = Counter(order for text in texts for match in _NUMERIC.finditer(text) if (order := _order(match)))
    if votes:
        return "day" if votes["day"] >= votes["month"] else "month"
    return "day" if language == "it" else ""


def _order(match: re.Match[str]) -> str:
    one, two = int(match[1]), int(match[3])
    return "day" if one > 12 >= two else "month" if two > 12 >= one else ""


def find_dates(text: str, first: str) -> Iterator[Entity]:
    """Find the dates of a text."""
    for match in _DAY_MONTH.finditer(text):
        yield from _day(match, match[3], WITH_SHORT[match[2].lower()], match[1])
    for match in _MONTH_DAY.finditer(text):
        yield from _day(match, match[3], WITH_SHORT[match[1].lower()], match[2])
    for match in _ISO.finditer(text):
        yield from _day(match, *match.groups())
    for match in _NUMERIC.finditer(text):
        order = _order(match) or first or ("day" if match[1] == match[3] else "")
        if order:
            day, month = (match[1], match[3]) if order == "day" else (match[3], match[1])
            yield from _day(match, match[4], month, day)


def date_spans(text: str) -> list[tuple[int, int]]:
    """Find where dates stand, whatever their order, and months with a year: numbers in there are nothing else."""
    patterns = (_DAY_MONTH, _MONTH_DAY, _MONTH_YEAR, _ISO, _NUMERIC)
    return [match.span() for pattern in patterns for match in pattern.finditer(text)]


def _day(match: re.Match[str], year: str | int, month: str | int, day: str | int) -> Iterator[Entity]:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return  # there is no such day, so it is not a date
    if 1800 <= found.year <= 2200:
        yield Entity("date", found.isoformat(), match[0], start=match.start())
