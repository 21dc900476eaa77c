"""The week by the ledgers: documents a day, failures by kind, and what waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import polars as pl

from infra.backup_store import BackupStore
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.export.records import Day, FailureGroup
from tasks.export.text import name as file_name
from tasks.export.words import Words
from tasks.maintain import stored_backups as backups
from tasks.maintain.weekly.period import Span, within

EXAMPLES = 3  # of each kind of failure
PERSON = ("encrypted", "missing_program", "permission", "too_large", "memory", "timeout", "crash")
"""Failures that pass only when a person does something."""


def entries(lake: Lake) -> pl.DataFrame:
    """Return the rows of every ledger, with the collection's name."""
    columns = ["path", "state", "kind", "message", "pages", "seconds", "indexed_at"]
    frames = [
        pl.DataFrame(ledger.read(lake, name, columns)).with_columns(collection=pl.lit(name))
        for name in ledger.collections(lake)
    ]
    empty = pl.DataFrame(ledger.SCHEMA.empty_table().select(columns)).with_columns(collection=pl.lit(""))
    return pl.concat([empty, *frames])


def indexed(entries: pl.DataFrame, begin: datetime, end: datetime) -> int:
    """Count the documents that were indexed from `begin` on and before `end`."""
    return within(entries, begin, end).filter(pl.col("state") == ledger.INDEXED).height


def days(entries: pl.DataFrame, week: Span) -> tuple[Day, ...]:
    """Count what was done on each day."""
    found = []
    for number in range(7):
        day = week.first + timedelta(days=number)
        begin = datetime.combine(day, time(), week.begin.tzinfo)
        part = within(entries, begin, datetime.combine(day + timedelta(days=1), time(), week.begin.tzinfo))
        done = part.filter(pl.col("state") == ledger.INDEXED)
        found.append(
            Day(
                day,
                done.height,
                part.height - done.height,
                int(part["pages"].sum()),
                float(part["seconds"].sum()),
            )
        )
    return tuple(found)


def failures(entries: pl.DataFrame, week: Span) -> tuple[FailureGroup, ...]:
    """Group the documents that could not be read by kind of failure, the most frequent first."""
    failed = within(entries, week.begin, week.end).filter(pl.col("state") == ledger.QUARANTINED)
    groups = (
        failed.group_by("kind")
        .agg(pl.len(), pl.col("message").first(), pl.col("path").sort().head(EXAMPLES))
        .sort("len", "kind", descending=[True, False])
    )
    return tuple(FailureGroup(kind, count, message, tuple(paths)) for kind, count, message, paths in groups.iter_rows())


def open_needs(settings: Settings, entries: pl.DataFrame, words: Words) -> list[str]:
    """List what lies in quarantine until somebody acts, and a backup that is missing."""
    stuck = entries.filter((pl.col("state") == ledger.QUARANTINED) & pl.col("kind").is_in(PERSON))
    groups = stuck.group_by("kind", "message").agg(pl.len(), pl.col("path").sort().head(EXAMPLES))
    needs = [
        words("need_document", count=f"{count}", kind=words.kind(kind), names=_names(count, paths), message=message)
        for kind, message, count, paths in groups.sort("len", "path", descending=[True, False]).head(6).iter_rows()
    ]
    there = BackupStore(backups.destination(settings)).backups()
    if entries.height and not there:
        needs.append(words("need_backup"))
    elif there and datetime.now(UTC) - backups.when(there[-1]) > timedelta(days=2):
        needs.append(words("need_new_backup", date=words.format.date(backups.when(there[-1]))))
    return needs


def _names(count: int, paths: Sequence[str]) -> str:
    """Name some documents by their files."""
    return ", ".join(file_name(path) for path in paths) + (" …" if count > len(paths) else "")
