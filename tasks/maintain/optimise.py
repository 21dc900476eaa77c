"""Optimise: few large fragments, indexes that hold every row, and no version that nobody needs.

Each step is one commit under the writer's lane, and between two steps a waiting writer gets in. Whatever step a kill
interrupts, the table is as the step before left it. A table that cannot be optimised is reported and does not stop
the others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, TypeVar

from infra import lake_upkeep as upkeep
from infra import stop
from infra.errors import PASSING, first_line
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.settings import Settings
from tasks.collection import indexes, tables
from tasks.collection.chunks import CHUNKS
from tasks.collection.recover import recover_if_free
from tasks.maintain.common import peak_memory

log = logging.getLogger("faldone.maintain")

T = TypeVar("T")

KEEP = timedelta(hours=1)  # how long a reader may go on with the version that it opened


@dataclass(frozen=True, slots=True)
class TableResult:
    """A table before and after; bytes are of its current version, disk of its whole folder. `may_pass` is of the error."""

    table: str
    fragments_before: int
    fragments_after: int
    bytes_before: int
    bytes_after: int
    disk_before: int
    disk_after: int
    versions_before: int
    versions_after: int
    indexed_rows: int
    unindexed_rows: int
    vector_index: str = ""
    error: str = ""
    may_pass: bool = False


def open_lake(settings: Settings) -> Lake:
    """Open the lake for upkeep: its connection caches little, so that memory does not follow the size of the tables."""
    return upkeep.FrugalLake(settings.root)


def optimise(
    settings: Settings, collection: str | None = None, keep: timedelta = KEEP, dry_run: bool = False
) -> dict[str, Any]:
    """Optimise one collection or all; return what `faldone optimise --json` prints.

    Args:
        keep: versions younger than this stay for readers that opened them.
        dry_run: only look.
    """
    started = time.monotonic()
    results = {name: optimise_collection(settings, name, keep, dry_run) for name in collections(settings, collection)}
    return summary(results, time.monotonic() - started, dry_run)


def collections(settings: Settings, collection: str | None = None) -> list[str]:
    """List the collections to optimise; a restore that was interrupted is finished first."""
    recover_if_free(settings)
    return [collection] if collection else tables.collections(open_lake(settings))


def optimise_collection(
    settings: Settings, collection: str, keep: timedelta = KEEP, dry_run: bool = False
) -> list[TableResult]:
    """Optimise every table of a collection."""
    lake = open_lake(settings)
    return [optimise_table(settings, lake, name, keep, dry_run) for name in tables.names(lake, collection)]


def optimise_table(settings: Settings, lake: Lake, name: str, keep: timedelta, dry_run: bool = False) -> TableResult:
    """Optimise one table; an error is part of the result.

    Raises:
        StopRequested: the job was asked to stop; the steps done are committed.
    """
    try:
        before = upkeep.state(lake, name)
        note = "" if dry_run else _steps(settings, lake, name, keep)
        return _result(name, before, before if dry_run else upkeep.state(lake, name), note)
    except stop.StopRequested:
        raise
    except Exception as error:  # noqa: BLE001 - Lance raises many unrelated classes
        log.error("%s could not be optimised: %s", name, error)
        return TableResult(
            name, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, error=first_line(error), may_pass=isinstance(error, PASSING)
        )


def _result(name: str, before: upkeep.TableState, after: upkeep.TableState, note: str) -> TableResult:
    return TableResult(
        name,
        before.fragments,
        after.fragments,
        before.bytes,
        after.bytes,
        before.disk,
        after.disk,
        before.versions,
        after.versions,
        after.indexed,
        after.unindexed,
        note,
    )


def _steps(settings: Settings, lake: Lake, name: str, keep: timedelta) -> str:
    collection, kind = tables.collection_of(name), tables.kind_of(name)

    def step(work: Callable[..., T], *more: Any) -> T:
        stop.check()
        with writer_lane(settings, collection):
            return work(lake, name, *more)

    while step(upkeep.compact_step):
        log.info("%s: a compaction step done", name)
    step(upkeep.refresh_indexes)
    note = "; ".join(filter(None, [step(work) for work in indexes.WANTED])) if kind == CHUNKS.kind else ""
    step(upkeep.remove_versions, keep)
    return note


# ---- the result ----------------------------------------------------------------------------------------------------


def summary(results: dict[str, list[TableResult]], seconds: float, dry_run: bool = False) -> dict[str, Any]:
    """Return what `faldone optimise --json` prints."""
    rows = [table for part in results.values() for table in part]
    return {
        "status": "failed" if any(table.error for table in rows) else "completed",
        "may_pass": any(table.may_pass for table in rows),
        "dry_run": dry_run,
        "collections": [_collection(name, part) for name, part in results.items()],
        "peak_memory_bytes": peak_memory(),
        "seconds": round(seconds, 3),
    }


def _collection(name: str, part: list[TableResult]) -> dict[str, Any]:
    summed = ("fragments", "bytes", "disk", "versions")
    totals = {
        f"{what}_{when}": sum(getattr(table, f"{what}_{when}") for table in part)
        for what in summed
        for when in ("before", "after")
    }
    chunks = next((table for table in part if table.table == CHUNKS.name(name)), None)
    return {
        "collection": name,
        **totals,
        "indexed_rows": chunks.indexed_rows if chunks else 0,
        "unindexed_rows": chunks.unindexed_rows if chunks else 0,
        "tables": [asdict(table) for table in part],
    }
