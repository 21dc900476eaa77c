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

from deployments.api.bootstrap import pause_pools
from deployments.daemon.children import Child
from deployments.state import Process
from deployments.worker import life
from infra.errors import FaldoneError
from infra.limits import PlatformLimits
from infra.prefect_api import Api

log = logging.getLogger("faldone.daemon")

SUBMITTED = 20.0  # s for a job that a worker is just starting to be taken up
MARGIN = 15.0  # s beyond `stop_grace` for a job to say how it ended
LOOK = 0.5  # s
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
    asked: set[str] = set()
    while True:
        try:
            running, starting = jobs_here(api, limits)
        except FaldoneError as error:
            log.warning("%s", error)
            running, starting = {}, time.monotonic() - begin < SUBMITTED
        waited = time.monotonic() - begin
        if not running and not (starting and waited < SUBMITTED):
            return
        if not wait:
            for owner, process in running.items():
                if owner not in asked:
                    asked.add(owner)
                    with suppress(ProcessLookupError):
                        os.kill(process.pid, signal.SIGUSR1)
            if waited > SUBMITTED + limits.time.stop_grace + MARGIN:
                log.warning("%d jobs did not stop in time and are left running", len(running))
                return
        meanwhile()
        time.sleep(LOOK)


def jobs_here(api: Api, limits: PlatformLimits) -> tuple[dict[str, Process], bool]:
    """Return the runners of this machine that live, by owner, and whether a worker is just starting a job."""
    query = {
        "flow_runs": {"state": {"type": {"any_": life.UNFINISHED}}},
        "work_pools": {"name": {"any_": list(limits.pools)}},
    }
    running, starting = {}, False
    for run in api.pages("/flow_runs/filter", query):
        claim = life.claim(run)
        if claim.process is not None and claim.owner:
            if claim.process.alive():
                running[claim.owner] = claim.process
        else:
            starting |= run["state"]["type"] == "PENDING"
    return running, starting


def stop(children: Mapping[str, Child]) -> None:
    """Stop exactly what was started: workers, then the server, then Redis."""
    for name in sorted(children, key=lambda name: ("redis" in name, "server" in name)):
        children[name].stop(*STOPS.get(name, (signal.SIGTERM, 15.0)))
