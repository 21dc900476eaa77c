"""The flow `restore`: verify a whole backup beside the data, then swap it in."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import api
from infra.locks import one_at_a_time
from infra.settings import load
from tasks.collection.recover import LANE
from tasks.maintain import restore as steps

bring_back = task(name="restore", **retry(0))(steps.restore)
bring_back_prefect = task(name="bring back Prefect's variables", **retry(0))(steps.restore_prefect)


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
    settings = load()
    with one_at_a_time(settings, LANE):
        result = bring_back(settings, backup, source, collection)
        result["prefect"] = None if collection else bring_back_prefect(settings, result["path"], api())
    table("restore", [{"what": name, "value": value} for name, value in result.items()], f"Restore of {result['id']}")
    return result
