"""Drops the ticks of a schedule that came due while nobody could run them, but for the newest: a machine that was off over the weekend makes one
backup on Monday, not three, and one look at its health instead of hundreds.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from deployments.api.rest import Ask, Talk
from deployments.worker.supervise import set_state

log = logging.getLogger("faldone.ticks")

PAGE = 200
WAITING = {"Scheduled", "Late"}  # not a job that waits for its next try
DROPPED = {
    "type": "CANCELLED",
    "name": "Cancelled",
    "message": "missed while the platform was away; a later tick was due too",
}


def drop_missed(pool: str, now: float) -> Talk[int]:
    """Cancel every due tick of each schedule but the newest; how many."""
    body = {
        "flow_runs": {
            "state": {"name": {"any_": sorted(WAITING)}},
            "expected_start_time": {"before_": datetime.fromtimestamp(now, UTC).isoformat()},
        },
        "work_pools": {"name": {"any_": [pool]}}, "sort": "EXPECTED_START_TIME_ASC", "limit": PAGE,
    }  # fmt: skip
    due: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for offset in range(0, 5_000, PAGE):
        runs = yield Ask("POST", "/flow_runs/filter", body | {"offset": offset})
        for run in runs:
            if run["auto_scheduled"]:
                due[run["deployment_id"]].append(run)
        if len(runs) < PAGE:
            break
    missed = [run for ticks in due.values() for run in ticks[:-1]]
    for run in missed:
        yield from set_state(run["id"], DROPPED)
    if missed:
        log.warning(
            "%d ticks were missed while the platform was away; the latest of each schedule runs now", len(missed)
        )
    return len(missed)
