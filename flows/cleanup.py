"""The flow `cleanup`: what nobody needs any more leaves the cache, the data folder and Prefect's history."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import api, finish
from infra.locks import one_at_a_time
from infra.settings import load
from tasks.maintain import cleanup as steps

Days = Annotated[int, Field(ge=1, description="Days that they are kept.")]

remove = task(name="remove what is not needed", **retry(0))(steps.cleanup)


@flow(name="cleanup", flow_run_name="cleanup", validate_parameters=True)
def cleanup(
    exports_days: Days = 90,
    models_days: Days = 90,
    runs_days: Days | None = None,
    dry_run: Annotated[bool, Field(description="Only count what would go.")] = False,
) -> dict[str, Any]:
    """Remove expired and orphaned cache entries, staging of dead runs, old reports, models and runs, gone quarantine.

    Args:
        exports_days: Reports in the data folder older than this go.
        models_days: Model versions older than this go, but never the current one or the three newest of a name.
        runs_days: Flow runs that ended longer ago go, with their logs and artifacts; by default as limits.yaml says.
        dry_run: Only count what would go.
    """
    settings = load()
    with one_at_a_time(settings, "cleanup"):
        kept = steps.Retention(exports_days, models_days)
        wanted = kept if runs_days is None else replace(kept, runs=runs_days)
        result = remove(settings, wanted, dry_run, api())
    rows = [{"what": name, "removed": count} for name, count in result["removed"].items()]
    table("cleanup", rows, f"{result['bytes_freed']:,} bytes {'would be ' if dry_run else ''}freed")
    return finish(result, "; ".join(result["problems"]))
