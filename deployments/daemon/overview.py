"""What the platform looks like at a moment: jobs and queues from Prefect's API, collections from the data folder."""

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

from infra.errors import TransientError
from infra.prefect_api import PAGE, Api
from tasks import vitals

COUNTING = 120.0  # s that counting the collections may take


@dataclass
class Overview:
    """The latest look, by the server's clock; ages in seconds."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    depth: dict[str, int] = field(default_factory=dict)  # due and waiting, by work queue
    running: dict[str, int] = field(default_factory=dict)
    age: dict[str, float] = field(default_factory=dict)  # of the oldest waiting job, by work queue
    deployments: list[dict[str, Any]] = field(default_factory=list)
    last_success: dict[str, datetime] = field(default_factory=dict)  # by deployment id
    collections: list[dict[str, Any]] = field(default_factory=list)
    counted_at: float | None = None  # monotonic

    def look(self, api: Api, pools: list[str]) -> None:
        """Look at queues, deployments and their latest successes."""
        self.deployments = [one | {"name": vitals.full_name(one)} for one in api.deployments()]
        self._queues(api, pools)
        for one in self.deployments:
            if one["schedules"] and (success := api.last_success(one["id"])):
                self.last_success[one["id"]] = success

    def _queues(self, api: Api, pools: list[str]) -> None:
        at = self.now = api.now()
        waiting, running = Counter[str](), Counter[str]()
        oldest: dict[str, float] = {}
        unfinished = {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}
        query = {
            "flow_runs": unfinished | {"expected_start_time": {"before_": at.isoformat()}},
            "work_pools": {"name": {"any_": pools}},
            "sort": "EXPECTED_START_TIME_ASC",
        }
        for run in api.pages("/flow_runs/filter", query, 25 * PAGE):
            name = run.get("work_queue_name") or ""
            if run["state"]["type"] == "RUNNING":
                running[name] += 1
                continue
            waiting[name] += 1
            oldest[name] = max(oldest.get(name, 0.0), vitals.waited(run, at))
        self.depth, self.running, self.age = dict(waiting), dict(running), oldest

    def count_collections(self, environment: Mapping[str, str], every: float) -> None:
        """Count documents and chunks of every collection, in a process of its own: LanceDB's memory is not the daemon's.

        Args:
            every: seconds; nothing happens when the last count is younger.

        Raises:
            TransientError: they could not be counted.
        """
        now = time.monotonic()
        if self.counted_at is not None and now - self.counted_at < every:
            return
        self.counted_at = now
        command = [sys.executable, "-m", "deployments.daemon.collection_stats"]
        try:
            done = subprocess.run(
                command, env=dict(environment), capture_output=True, text=True, check=False, timeout=COUNTING
            )
        except subprocess.TimeoutExpired:
            raise TransientError(f"the documents could not be counted within {COUNTING:.0f} s") from None
        if done.returncode:
            raise TransientError(f"the documents could not be counted: {done.stderr.strip()[-400:]}")
        self.collections = json.loads(done.stdout)
