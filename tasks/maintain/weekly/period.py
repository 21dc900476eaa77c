"""The seven days of a weekly report, and the remarks that it gathers on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from tasks.export.words import Words

ZONE = "Europe/Rome"


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `first` to `last`, both included, and the instants where they begin and end."""

    first: date
    last: date
    begin: datetime
    end: datetime


def span(ending: date | None = None, zone: str = ZONE) -> Span:
    """Return the seven days that end with `ending`; by default with today, and on a Monday with Sunday: a whole week."""
    where = ZoneInfo(zone)
    today = datetime.now(where).date()
    last = ending or (today - timedelta(days=1) if today.weekday() == 0 else today)
    first = last - timedelta(days=6)
    begin = datetime.combine(first, time(), where)
    return Span(first, last, begin, datetime.combine(last + timedelta(days=1), time(), where))


@dataclass(slots=True)
class Notes:
    """What the report says beside its numbers, in the reader's language."""

    words: Words = field(default_factory=lambda: Words("en"))
    notes: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)

    def note(self, key: str, **values: str) -> None:
        """Add a remark."""
        self.notes.append(self.words(key, **values))

    def need(self, key: str, **values: str) -> None:
        """Add something that a person is to do."""
        self.needs.append(self.words(key, **values))


def within(entries: pl.DataFrame, begin: datetime, end: datetime) -> pl.DataFrame:
    """Return the entries that were written from `begin` on and before `end`."""
    return entries.filter(pl.col("indexed_at").is_between(begin.astimezone(UTC), end.astimezone(UTC), closed="left"))
