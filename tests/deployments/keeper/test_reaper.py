"""Who counts as dead: true and false positives of the lease."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

from deployments.keeper.reaper import death
from deployments.worker.leases import Lease
from infra import limits

NOW = time.time()
LIMITS = limits.load()


def run(state: str = "RUNNING", attempts: int = 1, age: float = 10.0) -> dict[str, Any]:
    stamp = datetime.fromtimestamp(NOW - age, UTC).isoformat().replace("+00:00", "Z")
    return {
        "id": "j",
        "state": {"type": state, "timestamp": stamp},
        "run_count": attempts,
        "work_queue_name": "indexing",
    }


@pytest.fixture
def mine() -> Lease:
    """The lease of this very process, which has been silent for a day."""
    began = psutil.Process().create_time()
    return Lease("j", "index", 1, socket.gethostname(), os.getpid(), began, NOW - 86_400)


def elsewhere(lease: Lease, silent: float) -> Lease:
    return replace(lease, host="another-machine", beat=NOW - silent)


def test_a_slow_job_whose_process_lives_is_never_dead(mine: Lease) -> None:
    assert death(run(age=100_000), mine, LIMITS, NOW) is None


def test_a_job_whose_process_is_gone_is_dead_at_once(mine: Lease) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    found = death(run(), replace(mine, pid=ended.pid), LIMITS, NOW)
    assert found is not None
    assert "died without a word" in found.reason


def test_another_process_with_the_same_number_does_not_count(mine: Lease) -> None:
    assert death(run(), replace(mine, started=mine.started - 1_000), LIMITS, NOW) is not None


def test_a_job_of_another_machine_is_judged_by_its_silence_alone(mine: Lease) -> None:
    assert death(run(age=100_000), elsewhere(mine, LIMITS.time.lease - 1), LIMITS, NOW) is None
    assert death(run(), elsewhere(mine, LIMITS.time.lease + 1), LIMITS, NOW) is not None


def test_a_new_attempt_has_time_to_take_its_lease(mine: Lease) -> None:
    assert death(run(attempts=2, age=LIMITS.time.lease - 1), mine, LIMITS, NOW) is None
    assert death(run(attempts=2, age=LIMITS.time.lease + 1), mine, LIMITS, NOW) is not None
    assert death(run("PENDING", attempts=0, age=LIMITS.time.pending - 1), None, LIMITS, NOW) is None
    assert death(run("PENDING", attempts=0, age=LIMITS.time.pending + 1), None, LIMITS, NOW) is not None


def test_a_supervisor_has_time_to_report_an_end(mine: Lease) -> None:
    assert death(run(), replace(mine, beat=NOW - 5, ended=NOW - 5), LIMITS, NOW) is None
    assert death(run(), replace(mine, beat=NOW - 60, ended=NOW - 60), LIMITS, NOW) is not None
