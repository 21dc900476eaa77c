"""Stops a platform in the order that loses nothing: no new jobs, then the jobs, then the processes.

Jobs do not depend on the worker that started them, so they end by themselves: at their next checkpoint, to be queued again, or as they would
have ended anyway.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from deployments.api.bootstrap import pause_pools
from deployments.daemon.children import Child
from deployments.state import Process
from deployments.worker import life
from infra.errors import FaldoneError
from infra.limits import PlatformLimits
from infra.prefect_api import ENDED, Api

log = logging.getLogger("faldone.daemon")

SUBMITTED = 20.0  # s for a job that a worker is just starting to be taken up
MARGIN = 15.0  # s beyond `stop_grace` for a job to say how it ended
LOOK = 0.5  # s
SETTLING = timedelta(minutes=1)  # for which a runner may be at work after its run has ended
STOPS = {"server": (signal.SIGINT, 15.0)}  # any other process: SIGTERM, 15 s


def end_jobs(api: Api, limits: PlatformLimits, wait: bool, meanwhile: Callable[[], None]) -> None:
    """Have no job begin any more, and return when those of this machine have ended.

    Args:
        wait: let them finish; else they are asked to stop at their next checkpoint, and go on at the next start.
        meanwhile: called between two looks.
    """
    try:
        pause_pools(api, limits)
    except FaldoneError as error:
        log.warning("the pools could not be paused, and running jobs are left to themselves: %s", error)
        return
    begin = time.monotonic()
    seen: set[Process] = set()
    asked: set[Process] = set()
    while True:
        try:
            found, starting = jobs_here(api, limits)
            seen |= found
        except FaldoneError as error:  # the server is busy, or started again: the jobs seen before still run
            log.warning("%s", error)
            starting = True
        running = {process for process in seen if process.alive()}
        waited = time.monotonic() - begin
        if not running and not (starting and waited < SUBMITTED):
            return
        if not wait:
            for process in running - asked:
                asked.add(process)
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGUSR1)
            if waited > SUBMITTED + limits.time.stop_grace + MARGIN:
                log.warning("%d jobs did not stop in time and are left running", len(running))
                return
        meanwhile()
        time.sleep(LOOK)


def jobs_here(api: Api, limits: PlatformLimits) -> tuple[set[Process], bool]:
    """Return the runners of this machine that live, and whether a worker is just starting a job.

    A runner counts until its process has ended, whatever the state of its run: it gives up the run, has it queued again or sees it ended, and
    says more after that. A server that stops in between leaves the run Running without an owner, or the runner asking for an hour.
    """
    lately = {"after_": (api.now() - SETTLING).isoformat()}
    queries: list[dict[str, Any]] = [
        {"state": {"type": {"any_": life.UNFINISHED}}},
        {"state": {"name": {"any_": ["AwaitingRetry"]}}},
        {"state": {"type": {"any_": list(ENDED)}}, "end_time": lately},
    ]
    pools = {"work_pools": {"name": {"any_": list(limits.pools)}}}
    running, starting = set(), False
    for query in queries:
        for run in api.pages("/flow_runs/filter", {"flow_runs": query} | pools):
            claim = life.claim(run)
            if claim.process is not None and claim.process.alive():
                running.add(claim.process)
            elif claim.process is None or not claim.owner:
                starting |= run["state"]["type"] == "PENDING"
    return running, starting


def stop(children: Mapping[str, Child]) -> None:
    """Stop exactly what was started: workers, then the server, then Redis."""
    for name in sorted(children, key=lambda name: ("redis" in name, "server" in name)):
        children[name].stop(*STOPS.get(name, (signal.SIGTERM, 15.0)))
