"""The flow `backup`: a consistent snapshot into a store of checksummed files, and a drill that restores it."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import api, finish
from infra.locks import one_at_a_time
from infra.settings import load
from tasks.collection.recover import LANE, recover
from tasks.maintain import backup as steps
from tasks.maintain.stored_backups import preview

make_backup = task(name="back up", **retry(2))(steps.backup)


@flow(name="backup", flow_run_name="backup", validate_parameters=True)
def backup(
    to: Annotated[str, Field(description="A folder or s3://…; empty means FALDONE_BACKUPS.")] = "",
    drill: Annotated[bool, Field(description="Restore it into a temporary place and compare.")] = True,
    dry_run: Annotated[bool, Field(description="Only say which old backups would go.")] = False,
) -> dict[str, Any]:
    """Back up collections, models and what Prefect knows; only what changed is copied; then try a restore.

    Args:
        to: A folder or URL; empty means FALDONE_BACKUPS, else `backups` in the data folder.
        drill: Restore the backup into a temporary place and compare counts and rows.
        dry_run: Make none, and only say which old backups would go.
    """
    settings = load()
    if dry_run:
        result = preview(settings, to)
        table("backup", [{"what": name, "value": value} for name, value in result.items()], "Backups that would go")
        return result
    with one_at_a_time(settings, LANE):
        recover(settings)
        result = make_backup(settings, to, drill, api())
    trial = result["drill"] or {"problem": ""}
    shown = {name: value for name, value in result.items() if name not in {"drill", "removed"}}
    outcome = trial["problem"] or ("as the lake" if result["drill"] else "not tried")
    table(
        "backup",
        [{"what": name, "value": value} for name, value in (shown | {"restore drill": outcome}).items()],
        f"Backup {result['id']}",
    )
    return finish(result, f"the restore drill of backup {result['id']} failed: {trial['problem']}")
