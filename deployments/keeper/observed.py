"""What the keeper sees at each look: jobs and queues from Prefect's API, documents from the data folder. Read by alerts and by metrics."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deployments.api.rest import Ask, Talk
from deployments.kinds import full_name
from infra.errors import TransientError

PAGE = 200


@dataclass
class Seen:
    """The latest look. Ages in seconds."""

    at: float = 0.0
    depth: dict[str, int] = field(default_factory=dict)  # due and waiting, by work queue
    running: dict[str, int] = field(default_factory=dict)
    age: dict[str, float] = field(default_factory=dict)  # of the oldest waiting job, by work queue
    deployments: list[dict[str, Any]] = field(default_factory=list)
    last_success: dict[str, float] = field(default_factory=dict)  # by deployment id
    collections: list[dict[str, Any]] = field(default_factory=list)
    census_at: float = 0.0


def look(seen: Seen, pool: str, now: float) -> Talk[None]:
    """Look at jobs, queues and schedules."""
    found = yield Ask("POST", "/deployments/filter", {"limit": PAGE})
    seen.deployments = [one | {"name": full_name(one)} for one in found]
    yield from _queues(seen, pool, now)
    for one in seen.deployments:
        if one["schedules"]:
            runs = yield Ask("POST", "/flow_runs/filter", {
                "flow_runs": {"deployment_id": {"any_": [one["id"]]}, "state": {"type": {"any_": ["COMPLETED"]}}},
                "sort": "END_TIME_DESC", "limit": 1,
            })  # fmt: skip
            if runs and runs[0]["end_time"]:
                seen.last_success[one["id"]] = _seconds(runs[0]["end_time"])
    seen.at = now


def _queues(seen: Seen, pool: str, now: float) -> Talk[None]:
    due = datetime.fromtimestamp(now, UTC).isoformat()
    waiting, running = Counter[str](), Counter[str]()
    oldest: dict[str, float] = {}
    for offset in range(0, 5_000, PAGE):
        runs = yield Ask("POST", "/flow_runs/filter", {
            "flow_runs": {
                "state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}, "expected_start_time": {"before_": due},
            },
            "work_pools": {"name": {"any_": [pool]}}, "limit": PAGE, "offset": offset, "sort": "EXPECTED_START_TIME_ASC",
        })  # fmt: skip
        for run in runs:
            name = run.get("work_queue_name") or ""
            if run["state"]["type"] == "RUNNING":
                running[name] += 1
            else:
                waiting[name] += 1
                start = _seconds(run.get("next_scheduled_start_time") or run["expected_start_time"])
                oldest[name] = max(oldest.get(name, 0.0), now - start)
        if len(runs) < PAGE:
            break
    seen.depth, seen.running, seen.age = dict(waiting), dict(running), oldest


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def census(seen: Seen, environment: Mapping[str, str], every: float) -> None:
    """Count documents and chunks of every collection, in a process of its own: LanceDB's memory is not the keeper's.

    Args:
        every: seconds; nothing happens when the last count is younger.
    """
    if time.monotonic() - seen.census_at < every and seen.census_at:
        return
    seen.census_at = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "deployments.keeper.census"], env=dict(environment), capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    if done.returncode:
        raise TransientError(f"the documents could not be counted: {done.stderr.strip()[-400:]}")
    seen.collections = json.loads(done.stdout)
