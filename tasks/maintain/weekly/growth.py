"""The week by the lake and the registry: how collections grew, which analyses and models were made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from infra import limits
from infra.backup_store import BackupStore
from infra.errors import FaldoneError
from infra.lake import Lake
from infra.settings import Settings
from tasks.classifiers import registry
from tasks.collection import catalogue, tables
from tasks.collection.analyses import ANALYSES, OK
from tasks.collection.chunks import CHUNKS
from tasks.export.records import CollectionSize, Count
from tasks.maintain import stored_backups as backups
from tasks.maintain import verification
from tasks.maintain.manifest import Manifest
from tasks.maintain.weekly.period import Notes, Span


def collections(settings: Settings, lake: Lake, week: Span, said: Notes) -> tuple[CollectionSize, ...]:
    """Return each collection's size now and before the week."""
    before = _backup_before(settings, week.begin)
    rows = catalogue.collections(lake)
    if before is None and rows:
        said.note("note_growth")
    chunks, sizes = _sizes(before) if before else ({}, {})
    return tuple(
        CollectionSize(
            row["collection"],
            row["documents"],
            row["chunks"],
            row["bytes"],
            chunks.get(row["collection"]),
            sizes.get(row["collection"]),
        )
        for row in rows
    )


def drills(settings: Settings, said: Notes) -> None:
    """Say what the drills of the backups verified, and what a person is to do about it; nothing where there is no backup."""
    store = BackupStore(backups.destination(settings))
    if not store.backups():
        return
    record = verification.read(store)
    whole = said.words.format.date(record.whole) if record.whole else said.words("drill_never")
    if record.problem:
        said.need("need_drill", problem=record.problem)
    elif record.late(limits.load().drill):
        said.need("need_whole_drill", whole=whole)
    if record.last_at:
        share = said.words.format.percent(100 * record.share)
        said.note("note_drill", share=share, files=said.words.format.integer(record.files), whole=whole)


def _backup_before(settings: Settings, begin: datetime) -> Manifest | None:
    """Return the manifest of the last backup from before the week."""
    store = BackupStore(backups.destination(settings))
    for name in reversed(store.backups()):
        if backups.when(name) < begin:
            try:
                return backups.read(store, name)
            except FaldoneError:
                continue  # a damaged backup is the drill's and restore's to tell
    return None


def _sizes(manifest: Manifest) -> tuple[dict[str, int], dict[str, int]]:
    """Return chunks and bytes by collection as a backup has them."""
    pins = [pin for pin in manifest.tables if tables.kind_of(pin.name) == CHUNKS.kind]
    chunks = {tables.collection_of(pin.name): pin.rows for pin in pins}
    sizes: dict[str, int] = defaultdict(int)
    for file in manifest.files:
        if file.path.startswith("lake/"):
            sizes[file.path.split("/")[1].split(".")[0]] += file.size
    return chunks, dict(sizes)


def analyses(lake: Lake, week: Span, said: Notes) -> tuple[Count, ...]:
    """Count the analyses that were made in the week, by type."""
    counts: dict[str, int] = defaultdict(int)
    failed: dict[str, int] = defaultdict(int)
    for name in tables.collections(lake):
        rows = pl.DataFrame(ANALYSES.read(lake, name, ["type", "status", "created_at"]))
        made = rows.filter(
            pl.col("created_at").is_between(week.begin.astimezone(UTC), week.end.astimezone(UTC), closed="left")
        )
        for kind, status in made.select("type", "status").iter_rows():
            counts[kind] += 1
            failed[kind] += status != OK
    return tuple(
        Count(kind, counts[kind], said.words("some_failed", count=f"{failed[kind]}") if failed[kind] else "")
        for kind in sorted(counts)
    )


def models(settings: Settings, week: Span) -> tuple[Count, ...]:
    """Count the model versions that were made in the week, by name, with the best score."""
    made: dict[str, list[registry.ModelVersion]] = defaultdict(list)
    for version in registry.versions(settings):
        created = datetime.fromisoformat(version.created_at)
        created = created if created.tzinfo else created.replace(tzinfo=UTC)
        if week.begin <= created < week.end:
            made[version.name].append(version)
    return tuple(Count(name, len(versions), _best(versions)) for name, versions in sorted(made.items()))


def _best(versions: Sequence[registry.ModelVersion]) -> str:
    scores = [version.metrics["f1_macro"] for version in versions if "f1_macro" in version.metrics]
    return f"F1 {max(scores):.3f}" if scores else ""
