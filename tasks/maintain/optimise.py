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
from infra.errors import first_line
from infra.lake import Lake
from infra.locks import writer_lane
from infra.settings import Settings
from tasks.collection import tables
from tasks.collection.chunks import CHUNKS
from tasks.maintain.common import peak_memory

log = logging.getLogger("faldone.maintain")

T = TypeVar("T")

KEEP = timedelta(hours=1)  # how long a reader may go on with the version that it opened
SCALAR_ROWS = 50_000  # below, a scan finds a document's rows as quickly
SCALARS = (("document_id", False), ("language", True), ("format", True))
GROWTH = 2  # a vector index is trained anew when it should have so many times its partitions


@dataclass(frozen=True, slots=True)
class TableResult:
    """A table before and after; bytes are of its current version, disk of its whole folder."""

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


def open_lake(settings: Settings) -> Lake:
    """The lake for upkeep: its connection caches little, so that memory does not follow the size of the tables."""
    return upkeep.FrugalLake(settings.root)


def optimise(
    settings: Settings, collection: str | None = None, keep: timedelta = KEEP, dry_run: bool = False
) -> dict[str, Any]:
    """Optimise one collection or all; the contract's JSON of `optimise`.

    Args:
        keep: versions younger than this stay for readers that opened them.
        dry_run: only look.
    """
    started = time.monotonic()
    lake = open_lake(settings)
    names = [collection] if collection else tables.collections(lake)
    results = {name: optimise_collection(settings, lake, name, keep, dry_run) for name in names}
    return summary(results, time.monotonic() - started, dry_run)


def optimise_collection(
    settings: Settings, lake: Lake, collection: str, keep: timedelta = KEEP, dry_run: bool = False
) -> list[TableResult]:
    """Optimise every table of a collection."""
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
        return TableResult(name, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, error=first_line(error))


def _result(name: str, before: upkeep.TableState, after: upkeep.TableState, note: str) -> TableResult:
    return TableResult(
        name, before.fragments, after.fragments, before.bytes, after.bytes, before.disk, after.disk,
        before.versions, after.versions, after.indexed, after.unindexed, note,
    )  # fmt: skip


def _steps(settings: Settings, lake: Lake, name: str, keep: timedelta) -> str:
    collection, kind = tables.collection_of(name), tables.kind_of(name)

    def step(work: Callable[..., T], *more: Any) -> T:
        stop.check()
        with writer_lane(settings, collection):
            return work(lake, name, *more)

    while step(upkeep.compact_step):
        log.info("%s: a compaction step done", name)
    step(upkeep.refresh_indexes)
    note = ""
    if kind == CHUNKS.kind:
        note = step(_vector_index)
        if lake.count(name) >= SCALAR_ROWS:
            for column, few_values in SCALARS:
                step(upkeep.index_column, column, few_values)
    step(upkeep.remove_versions, keep)
    return note


def _vector_index(lake: Lake, name: str) -> str:
    """Have a vector index where it gains and finds what a flat scan finds; what was done, in words."""
    now = upkeep.vector_partitions(lake, name)
    rows = lake.count(name)
    if rows < upkeep.FLAT_ROWS:
        if now is not None and rows < upkeep.FLAT_ROWS // 2:
            upkeep.drop_vector_index(lake, name)
            return "dropped: the collection is small enough for the exact scan"
        return "" if now is None else f"kept: {now} partitions"
    if now is not None and upkeep.partitions(rows) < GROWTH * now:
        recall = upkeep.vector_recall(lake, name)
        if recall >= upkeep.RECALL:
            return f"kept: {now} partitions, recall@10 {recall:.3f}"
    return _train(lake, name)


def _train(lake: Lake, name: str) -> str:
    recall = upkeep.train_vectors(lake, name)
    if recall >= upkeep.RECALL:
        return f"trained: {upkeep.vector_partitions(lake, name)} partitions, recall@10 {recall:.3f}"
    kept = upkeep.vector_partitions(lake, name)
    if kept is None:
        return f"none: recall@10 {recall:.3f} is below {upkeep.RECALL}, the exact scan stays"
    former = upkeep.vector_recall(lake, name)
    if former >= upkeep.RECALL:
        return f"kept the old: a new one has recall@10 {recall:.3f}, the old {former:.3f}"
    upkeep.drop_vector_index(lake, name)
    return f"dropped: recall@10 {former:.3f}, and a new one {recall:.3f}, are below {upkeep.RECALL}"


# ---- the result ----------------------------------------------------------------------------------------------------


def summary(results: dict[str, list[TableResult]], seconds: float, dry_run: bool = False) -> dict[str, Any]:
    """The contract's JSON of `optimise`."""
    failed = any(table.error for part in results.values() for table in part)
    return {
        "status": "failed" if failed else "completed",
        "dry_run": dry_run,
        "collections": [_collection(name, part) for name, part in results.items()],
        "peak_memory_bytes": peak_memory(),
        "seconds": round(seconds, 3),
    }


def _collection(name: str, part: list[TableResult]) -> dict[str, Any]:
    summed = ("fragments", "bytes", "disk", "versions")
    totals = {
        f"{what}_{when}": sum(getattr(table, f"{what}_{when}") for table in part)
        for what in summed for when in ("before", "after")
    }  # fmt: skip
    chunks = next((table for table in part if table.table == CHUNKS.name(name)), None)
    return {
        "collection": name,
        **totals,
        "indexed_rows": chunks.indexed_rows if chunks else 0,
        "unindexed_rows": chunks.unindexed_rows if chunks else 0,
        "tables": [asdict(table) for table in part],
    }
