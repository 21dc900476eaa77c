"""The flow `restore`: verify a whole backup beside the data, then swap it in."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import api
from infra.errors import FaldoneError, first_line
from infra.locks import one_at_a_time
from infra.settings import load
from tasks.collection.recover import LANE
from tasks.maintain import prefect_objects
from tasks.maintain import restore as job
from tasks.maintain import stored_backups as backups


@flow(name="restore", flow_run_name="restore-{backup}", validate_parameters=True)
def restore(
    backup: Annotated[str, Field(description="Id or path of a backup, or latest.")] = "latest",
    source: Annotated[str, Field(description="Where backups lie; empty means FALDONE_BACKUPS.")] = "",
    collection: Annotated[str | None, Field(description="Only this collection.")] = None,
) -> dict[str, Any]:
    """Restore a backup, whole or one collection; nothing is touched before every checksum has been verified.

    Args:
        backup: Id or path of a backup, or latest.
        source: Folder or URL where backups lie; empty means FALDONE_BACKUPS, else `backups` in the data folder.
        collection: Only this collection; the others, the models and Prefect's variables stay as they are.
    """
    with one_at_a_time(load(), LANE):
        result = bring_back(backup, source, collection)
        result["prefect"] = None if collection else bring_back_prefect(result["path"])
    table("restore", [{"what": name, "value": value} for name, value in result.items()], f"Restore of {result['id']}")
    return result


@task(name="restore", **retry(0))
def bring_back(backup: str, source: str, collection: str | None) -> dict[str, Any]:
    """Lay out, verify, swap."""
    return job.restore(load(), backup, source, collection)


@task(name="bring back Prefect's variables", **retry(0))
def bring_back_prefect(path: str) -> dict[str, Any] | None:
    """Variables that the server lacks and schedules that were paused; None where backup or server tell nothing.

    The data are restored by now: what goes wrong here is in the result and does not undo that.
    """
    door, (store, name) = api(), job.locate(load(), path)
    try:
        told = prefect_objects.told(store, backups.read(store, name))
        return prefect_objects.bring_back(door, told) if door is not None and told is not None else None
    except FaldoneError as error:
        return {"variables": [], "paused": [], "by_hand": [], "note": first_line(error)}
