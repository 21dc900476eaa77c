"""What the maintenance flows share: the Prefect API as plain HTTP, and how a job that did not do all its work ends."""

from __future__ import annotations

from typing import Any

from prefect.settings import get_current_settings

from infra.prefect_api import Api
from tasks.maintain.common import MaintenanceFailed, MaintenanceInterrupted


def api() -> Api | None:
    """Return the API that this flow runs against."""
    url = get_current_settings().api.url
    return Api(str(url)) if url else None


def finish(result: dict[str, Any], problem: str) -> dict[str, Any]:
    """Return the result, after the artifacts are made.

    Raises:
        MaintenanceFailed: a part of it failed, so that the run shows as failed and alerts go out; the result is in it.
        MaintenanceInterrupted: what a part needed was away, so that a job is tried again.
    """
    if result["status"] in {"failed", "inconsistent", "failing"}:
        kind = MaintenanceInterrupted if result.get("may_pass") else MaintenanceFailed
        raise kind(problem or result["status"], result)
    return result
