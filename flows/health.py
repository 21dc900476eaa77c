"""The flow `health`: every check as a table; a failing one fails the run, so that an alert goes out."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import api, finish
from infra.settings import load
from tasks.maintain import health as steps

check = task(name="check", **retry(0))(steps.health)


@flow(name="health", flow_run_name="health", validate_parameters=True)
def health(
    recycle: Annotated[bool, Field(description="Restart Dask workers above 2 GB.")] = True,
) -> dict[str, Any]:
    """Check the API, workers, Dask, Redis, the lake, the encoder, disk, queues, schedules and backups.

    Args:
        recycle: Restart Dask workers that hold more than 2 GB.
    """
    result = check(load(), api(), recycle)
    table("health", result["checks"], f"{result['status']} in {result['seconds']:.1f} s")
    bad = [f"{one['name']}: {one['message']}" for one in result["checks"] if one["status"] == "failing"]
    return finish(result, "; ".join(bad))
