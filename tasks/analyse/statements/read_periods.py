"""Which period a column of a statement is about, and what the document calls it.

A head says `December 31, 2018`, `Year ended June 3, 2017`, `31-12-2019`, `Fiscal 2017`, `2016/17`, `Three months ended …`
or only `2018`. The name of a fiscal year is the document's own: one company calls the year to 2 February 2019 `fiscal 2019`,
its neighbour `fiscal 2018`, so the text is asked (`FiscalCalendar`) before any rule of thumb.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tasks.months import WITH_SHORT

_MONTH = r"\b(" + "|".join(sorted(WITH_SHORT, key=len, reverse=True)) + r")\b\.?"
_YEAR = r"((?:19|20)\d\d)"
_ENGLISH = re.compile(rf"{_MONTH}\s*(\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,|\s)\s*{_YEAR}\b", re.IGNORECASE)
_ITALIAN = re.compile(rf"\b(\d{{1,2}})°?\s+{_MONTH}\s*,?\s*{_YEAR}\b", re.IGNORECASE)
_ISO = re.compile(rf"\b{_YEAR}-(\d\d)-(\d\d)\b")
_NUMERIC = re.compile(rf"\b(\d{{1,2}})([./-])(\d{{1,2}})\2({_YEAR[1:-1]}|\d\d)\b")
_DAY = re.compile(
    rf"{_MONTH}\s*(\d{{1,2}})\b(?!\d)(?!\s*,?\s*(?:19|20)\d\d)|"
    rf"\b(\d{{1,2}})°?\s+{_MONTH}(?!\s*,?\s*(?:19|20)\d\d)",
    re.IGNORECASE,
)
_MONTH_YEAR = re.compile(rf"{_MONTH}\s*,?\s*{_YEAR}\b", re.IGNORECASE)
_FISCAL = re.compile(rf"\b(?:fiscal(?: year)?s?|FY|esercizio)\s*['’]?{_YEAR}\b", re.IGNORECASE)
_FISCAL_SHORT = re.compile(r"\bFY\s*['’]?(\d\d)\b")
_SPLIT_YEAR = re.compile(rf"(?<![\d/.-]){_YEAR}\s?[/–-]\s?((?:19|20)?\d\d)(?![\d/]|[.–-]\d)")
_LONE_YEAR = re.compile(rf"(?<![\d.,]){_YEAR}(?![\d,]|\.\d)")
_DURATIONS = (
    (
        3,
        re.compile(
            r"\b(three|3)[ -]months?\b|\bquarters?\b|\b1[34][ -]weeks?\b|\b(thirteen|fourteen)[ -]weeks?\b|trimestr",
            re.I,
        ),
    ),
    (
        6,
        re.compile(
            r"\b(six|6)[ -]months?\b|\b2[67][ -]weeks?\b|\btwenty[ -]?(six|seven)[ -]weeks?\b|semestr|\bhalf[ -]year",
            re.I,
        ),
    ),
    (9, re.compile(r"\b(nine|9)[ -]months?\b|\b(39|40)[ -]weeks?\b|\bthirty[ -]?nine[ -]weeks?\b|nove mesi", re.I)),
    (
        12,
        re.compile(
            r"\b(twelve|12)[ -]months?\b|\b5[23][ -]weeks?\b|\bfifty[ -]?(two|three)[ -]weeks?\b|"
            r"\byears?\b|\besercizi|\bannual",
            re.I,
        ),
    ),
)
_QUARTER = re.compile(
    rf"\b(?:Q([1-4])|([1-4])Q|(first|second|third|fourth) quarter)(?: of)?(?: fiscal)?(?: year)?\s*['’]?{_YEAR}", re.I
)
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4}


@dataclass(frozen=True, slots=True)
class Period:
    """A column's period as its head states it; what the head does not say is None.

    `end` is the closing date, `year` the year that is printed, `fiscal` a year that the head itself calls fiscal,
    `months` the length (0 is not used: an instant has None), `quarter` when the head names it.
    """

    end: date | None = None
    year: int | None = None
    fiscal: int | None = None
    months: int | None = None
    quarter: int | None = None


def parse_dates(text: str) -> list[date]:
    """Return every complete date of a text, in order of appearance; impossible ones (31 February) are left out."""
    found: list[tuple[int, date]] = []
    for match in _ENGLISH.finditer(text):
        _add(found, match.start(), int(match[3]), WITH_SHORT[match[1].lower()], int(match[2]))
    for match in _ITALIAN.finditer(text):
        _add(found, match.start(), int(match[3]), WITH_SHORT[match[2].lower()], int(match[1]))
    for match in _ISO.finditer(text):
        _add(found, match.start(), int(match[1]), int(match[2]), int(match[3]))
    for match in _NUMERIC.finditer(text):
        year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
        day, month = int(match[1]), int(match[3])
        if month > 12 or (match[2] == "/" and (month, day) in {(day, 31), (31, 12)}):  # 12/31/2018 is American
            day, month = month, day
        _add(found, match.start(), year, month, day)
    unique: dict[int, date] = {}
    for start, day_found in sorted(found):
        unique.setdefault(start, day_found)
    return list(unique.values())


def _add(found: list[tuple[int, date]], start: int, year: int, month: int, day: int) -> None:
    try:
        found.append((start, date(year, month, day)))
    except ValueError:
        return  # not a date


def parse_period(head: str, around: str = "") -> Period | None:
    """Return the period of one column.

    Args:
        head: the head cells above the column, joined from top to bottom.
        around: the words over the whole table (`Years ended December 31,`), used for what the head leaves open.

    Returns:
        None when the head names no year at all.
    """
    head = closing_years(head)
    dates = parse_dates(head)
    fiscal = _fiscal_year(head)
    lone = _LONE_YEAR.search(head)
    year = dates[-1].year if dates else int(lone[1]) if lone else fiscal
    if year is None:
        return None
    end = dates[-1] if dates else _assembled(head, year) or _assembled(around, year)
    quarter = _QUARTER.search(head)
    months = duration(head) or duration(around)
    number = int(quarter[1] or quarter[2] or _ORDINALS[quarter[3].lower()]) if quarter else None
    return Period(end, year, fiscal, 3 if number else months, number)


def closing_years(text: str) -> str:
    """Return a text with the year in which it closes in place of a year over two: `2023/2024`, `2023-24`."""

    def closing(match: re.Match[str]) -> str:
        second = int(match[2]) if len(match[2]) == 4 else int(match[1][:2] + match[2])
        return str(second) if second == int(match[1]) + 1 else match[0]

    return _SPLIT_YEAR.sub(closing, text)


def _fiscal_year(head: str) -> int | None:
    match = _FISCAL.search(head)
    if match:
        return int(match[1])
    short = _FISCAL_SHORT.search(head)
    return 2000 + int(short[1]) if short else None


def _assembled(text: str, year: int) -> date | None:
    """Assemble a date: `December 31,` over the table and `2018` over the column; `June 2018` is its last day."""
    day = _DAY.search(text)
    if day:
        name, number = (day[1], day[2]) if day[1] else (day[4], day[3])
        if 1 <= int(number) <= 31:
            found: list[tuple[int, date]] = []
            _add(found, 0, year, WITH_SHORT[name.lower()], int(number))
            return found[0][1] if found else None
    month = _MONTH_YEAR.search(text)
    if month and int(month[2]) == year:
        number_of = WITH_SHORT[month[1].lower()]
        return date(year, number_of, 28 if number_of == 2 else 30)
    return None


def duration(text: str) -> int | None:
    """Return length in months that a head names, the longest when it names several; None when it names none."""
    found = [months for months, pattern in _DURATIONS if pattern.search(text)]
    return found[0] if found else None


def years_in(text: str) -> list[int]:
    """Return the years printed in a text, in order, each once."""
    return list(dict.fromkeys(int(match[1]) for match in _LONE_YEAR.finditer(closing_years(text))))


class FiscalCalendar:
    """How a document names its years: learnt from its own sentences, used for every column.

    `offset` is the fiscal year's name minus the calendar year of its end: 0 for most, −1 for a year to
    2 February 2019 that the document calls fiscal 2018. `end_month` is the month in which the year closes.
    """

    def __init__(self, texts: Iterable[str], year_ends: Iterable[date] = ()) -> None:
        self.votes: Counter[int] = Counter()
        self.months: Counter[int] = Counter(day.month for day in year_ends)
        self.mentions: Counter[int] = Counter()
        for text in texts:
            self._learn(text)
        self.end_month = self.months.most_common(1)[0][0] if self.months else 12

    def _learn(self, text: str) -> None:
        for match in _YEAR_END.finditer(text):
            self.months[WITH_SHORT[match[1].lower()]] += 1
        if "iscal" not in text:
            return
        for match in _FISCAL.finditer(text):
            self.mentions[int(match[1])] += 1
        for pattern, year_group in _NAMING:
            for match in pattern.finditer(text):
                for end in parse_dates(match[0])[:1]:
                    if abs(int(match[year_group]) - end.year) <= 1:
                        self.votes[int(match[year_group]) - end.year] += 1
                        self.months[end.month] += 1

    def fiscal_year(self, end: date) -> int:
        """Return the document's name of the year that ends on this date."""
        if end.month == 1 and end.day <= 10 and not self.votes.get(0, 0) > self.votes.get(-1, 0):
            return end.year - 1  # a 52/53-week year that spills over New Year
        if end.month > 6 or not self.votes:
            return end.year
        return end.year + self.votes.most_common(1)[0][0]

    def name(self, period: Period) -> str:
        """Return `FY2018`, `2018Q2`, or `2018H1` / `2018M9` for the first six or nine months of a year."""
        months = period.months
        if period.quarter and period.year and months == 3:
            return f"{period.fiscal or period.year}Q{period.quarter}"
        if period.end is None:
            year = period.fiscal or period.year
            return f"FY{year}" if months in (None, 12) else f"{year}M{months}"
        quarter = (period.end.month - self.end_month - 1) % 12 // 3 + 1 if self._interim(period) else 4
        year = period.fiscal or self._containing(period.end)
        if months == 12 or (months is None and quarter == 4):
            return f"FY{year}"
        if months in (3, None):
            return f"{year}Q{quarter}"
        return f"{year}{'H1' if months == 6 and quarter == 2 else f'M{months}'}"

    def _interim(self, period: Period) -> bool:
        assert period.end is not None
        gap = (period.end.month - self.end_month) % 12
        near = gap in (0, 1, 11) and period.end.day in range(1, 32) and self._near(period.end)
        return not near

    def _near(self, end: date) -> bool:
        """Tell whether the date is a year end, give or take the week by which a 52/53-week year moves."""
        if end.month == self.end_month:
            return True
        following = self.end_month % 12 + 1
        return (end.month == following and end.day <= 7) or (end.month % 12 + 1 == self.end_month and end.day >= 24)

    def _containing(self, end: date) -> int:
        """Return the fiscal year in which a date lies."""
        if self._near(end):
            return self.fiscal_year(end)
        closing = date(end.year + (1 if end.month > self.end_month else 0), self.end_month, 28)
        return self.fiscal_year(closing)


_DATE_TEXT = rf"(?:{_MONTH}\s*\d{{1,2}},?\s*(?:19|20)\d\d|\d{{1,2}}\s+{_MONTH}\s+(?:19|20)\d\d)"
_YEAR_END = re.compile(rf"\byears? (?:ended|ending|ends)(?: on)? {_MONTH}", re.IGNORECASE)
_NAMING = (
    (
        re.compile(
            rf"fiscal(?: year)?s? {_YEAR}[^.;]{{0,90}}?(?:ended|ending|ends|\(|began|to)[^.;]{{0,20}}?{_DATE_TEXT}",
            re.I,
        ),
        1,
    ),
    (
        re.compile(
            rf"(?:years?|months|weeks) end(?:ed|"
            rf"ing)(?: on)? {_DATE_TEXT}[^.;]{{0,30}}?[(“\"'‘ ]fiscal(?: year)? {_YEAR}",
            re.I,
        ),
        3,
    ),
)
