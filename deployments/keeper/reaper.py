"""Finds jobs whose process died without a word, by their leases, and queues them again; after their last try it calls them crashed.

It judges by three things, surest first: a process of this machine lives or does not; a lease was ended; a lease of another machine has been
silent for longer than `time.lease`. How long a job takes, or whether it makes progress, it never asks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments.api.rest import Ask, Talk
from deployments.worker import leases
from deployments.worker.leases import Lease
from deployments.worker.supervise import again, set_state
from infra.limits import PlatformLimits, split_queue

log = logging.getLogger("faldone.reaper")

SETTLING = 30.0  # s that a supervisor has for reporting an end


@dataclass(frozen=True, slots=True)
class Death:
    """A job that nobody works at any more, and how that was found."""

    job_id: str
    state: str  # Prefect's type: RUNNING, PENDING or CANCELLING
    attempt: int
    queue: str
    reason: str


def death(run: Mapping[str, Any], lease: Lease | None, limits: PlatformLimits, now: float) -> Death | None:
    """Whether nobody works at a flow run any more; None while somebody does, or may."""
    state = run["state"]["type"]
    attempt = int(run.get("run_count") or 0)
    reason = _silence(state, attempt, _age(run, now), lease, limits, now)
    queue, _ = split_queue(run.get("work_queue_name") or "")
    return Death(run["id"], state, attempt, queue, reason) if reason else None


def _silence(state: str, attempt: int, age: float, lease: Lease | None, limits: PlatformLimits, now: float) -> str:
    if lease is None or lease.attempt < attempt or (state == "PENDING" and lease.attempt <= attempt):
        wait = limits.time.pending if state == "PENDING" else limits.time.lease
        return f"nobody took it up within {age:.0f} s" if age > wait else ""
    silent = now - lease.beat
    if lease.ended is not None:
        return f"its supervisor ended ({lease.outcome}) without reporting" if silent > SETTLING else ""
    alive = lease.alive_here()
    if alive is False:
        return f"its process {lease.pid} on {lease.host} died without a word" if silent > 1 else ""
    if alive is None and silent > limits.time.lease:
        return f"no sign of life from {lease.host} for {silent:.0f} s"
    return ""


def _age(run: Mapping[str, Any], now: float) -> float:
    return now - datetime.fromisoformat(run["state"]["timestamp"].replace("Z", "+00:00")).timestamp()


def candidates(pool: str) -> Talk[list[dict[str, Any]]]:
    """The flow runs that somebody should be working at."""
    found: list[dict[str, Any]] = yield Ask("POST", "/flow_runs/filter", {
        "flow_runs": {
            "state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}},
        },
        "work_pools": {"name": {"any_": [pool]}}, "limit": 200,
    })  # fmt: skip
    return found


def sweep(limits: PlatformLimits, now: float) -> Talk[list[Death]]:
    """Find the dead and give their jobs on; what was found."""
    dead = [
        one
        for run in (yield from candidates(limits.pool.name))
        if (one := death(run, leases.read(run["id"]), limits, now)) is not None
    ]
    for one in dead:
        log.warning("job %s: %s", one.job_id, one.reason)
        yield from bury(one, limits)
    return dead


def bury(dead: Death, limits: PlatformLimits) -> Talk[None]:
    """The state that a dead job gets."""
    queue = limits.queues.get(dead.queue)
    tries = queue.tries if queue else 1
    if dead.state == "CANCELLING":
        state = {"type": "CANCELLED", "name": "Cancelled", "message": f"cancelled; {dead.reason}"}
        yield from set_state(dead.job_id, state, force=True)
    elif dead.attempt < tries:
        yield from again(dead.job_id, f"{dead.reason}; it goes on (try {dead.attempt} of {tries})", 0)
    else:
        text = f"{dead.reason} (try {dead.attempt} of {tries}, the last)"
        yield from set_state(dead.job_id, {"type": "CRASHED", "name": "Crashed", "message": text}, force=True)
