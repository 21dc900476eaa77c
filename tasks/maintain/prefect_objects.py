"""What a backup tells about Prefect and a restore can bring back: variables, and that a schedule was paused.

Deployments, limits and automations of Faldone are declared in files, and `faldone up` makes them; the history of runs is for a person to
read. What the server has now wins: a variable that it holds keeps its value, a schedule that is paused stays so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra import limits
from infra.backup_store import BackupStore
from infra.prefect_api import Api
from tasks.maintain.manifest import Manifest

FILE = "about/prefect.json"
OWN = "faldone-"  # variables in which the platform keeps its own state
Row = Mapping[str, Any]


def known(api: Api) -> dict[str, Any]:
    """Ask the server for what a backup keeps: deployments, variables, automations, and the runs of as long as runs are kept.

    Raises:
        TransientError: the API is away.
    """
    now = datetime.now(UTC)
    return api.everything(now - timedelta(days=limits.load().retention.runs_days), now)


def stored(store: BackupStore, manifest: Manifest) -> dict[str, Any] | None:
    """Return what a backup tells about Prefect; None where no server answered when it was made.

    Raises:
        Damaged: the file is missing or differs from its checksum.
    """
    for file in manifest.files:
        if file.path == FILE:
            with TemporaryDirectory() as scratch:
                store.fetch(file.sha256, file.size, Path(scratch) / "prefect.json")
                found: dict[str, Any] = json.loads((Path(scratch) / "prefect.json").read_text())
                return found
    return None


def bring_back(api: Api, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Make what the server lacks: `variables` and `paused` are the names of what was made, `by_hand` those of
    variables whose values a backup does not keep, `note` why nothing was done.

    Raises:
        TransientError: the API is away.
        UsageError: it refused.
    """
    there = {_name(row): row for row in api.deployments()}
    if not there:
        note = "this Prefect server has no deployments: faldone up, then restore again for its variables and pauses"
        return {"variables": [], "paused": [], "by_hand": [], "note": note}
    held = {row["name"] for row in api.pages("/variables/filter", {})}
    lost = [row for row in wanted["variables"] if row["name"] not in held and not row["name"].startswith(OWN)]
    known = [row for row in lost if row["value"] is not None]
    for row in known:
        api.ask("POST", "/variables/", {"name": row["name"], "value": row["value"], "tags": row.get("tags") or []})
    paused = [label for row in wanted["deployments"] for label in _pause(api, row, there.get(_name(row)))]
    by_hand = [row["name"] for row in lost if row["value"] is None]
    return {"variables": [row["name"] for row in known], "paused": paused, "by_hand": by_hand, "note": ""}


def _name(deployment: Row) -> str:
    return f"{deployment['flow_name']}/{deployment['name']}"


def _pause(api: Api, former: Row, now: Row | None) -> Iterator[str]:
    """Pause a deployment or its schedules as they were in the backup; the names of what was paused."""
    if now is None:
        return
    if former.get("paused") and not now.get("paused"):
        api.ask("POST", f"/deployments/{now['id']}/pause_deployment")
        yield _name(former)
    idle = [_identity(schedule) for schedule in former.get("schedules") or [] if not schedule["active"]]
    for schedule in now.get("schedules") or []:
        if schedule["active"] and _identity(schedule) in idle:
            api.ask("PATCH", f"/deployments/{now['id']}/schedules/{schedule['id']}", {"active": False})
            yield f"{_name(former)} ({_identity(schedule)})"


def _identity(schedule: Row) -> str:
    """Return what a schedule is called or, without a name, when it runs."""
    when = {name: value for name, value in schedule["schedule"].items() if name != "anchor_date"}
    return schedule.get("slug") or json.dumps(when, sort_keys=True)
