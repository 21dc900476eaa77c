"""The flow `optimise`: few large fragments, indexes that hold every row, no version that nobody needs."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import finish
from infra.locks import one_at_a_time
from infra.settings import load
from tasks.maintain import optimise as steps
from tasks.maintain.common import size

COLUMNS = ("table", "fragments_before", "fragments_after", "versions_before", "versions_after", "vector_index", "error")

optimise_collection = task(task_run_name="optimise-{collection}", **retry(0))(steps.optimise_collection)


@flow(name="optimise", flow_run_name="optimise", validate_parameters=True)
def optimise(
    collection: Annotated[str | None, Field(description="One collection; none means all.")] = None,
    keep_minutes: Annotated[int, Field(ge=0, description="Younger versions stay for readers at work.")] = 60,
    dry_run: Annotated[bool, Field(description="Only look.")] = False,
) -> dict[str, Any]:
    """Compact tables, bring indexes up to date, train a vector index where it gains, drop old versions.

    Args:
        collection: One collection; none means all.
        keep_minutes: Versions younger than this stay for readers that opened them.
        dry_run: Only look.
    """
    started, settings = time.monotonic(), load()
    with one_at_a_time(settings, "optimise"):
        keep, names = timedelta(minutes=keep_minutes), steps.collections(settings, collection)
        results = {name: optimise_collection(settings, name, keep, dry_run) for name in names}
    result = steps.summary(results, time.monotonic() - started, dry_run)
    rows = [row for part in result["collections"] for row in part["tables"]]
    table("optimise", [_shown(row) for row in rows], f"peak memory {size(result['peak_memory_bytes'])}")
    return finish(result, "; ".join(f"{row['table']}: {row['error']}" for row in rows if row["error"]))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in COLUMNS}
    return shown | {name: size(row[name]) for name in ("bytes_before", "bytes_after", "disk_before", "disk_after")}
