"""The jobs of benchmarks/hosts.py as somebody outside sees them: handed in, waited for however often the platform is away, what they said."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psutil

from deployments import jobs
from deployments.api import address
from infra.errors import TransientError

PATIENCE = 900.0  # s for the jobs of a round
LOOK = 0.5  # s
ENGINE = "deployments.worker.engine"


@dataclass
class Watch:
    """Sees whether one job has two engines at once."""

    twice: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        before: set[str] = set()
        while not self.ended.wait(1.0):
            engines = Counter(_job_of(process) for process in psutil.process_iter(["cmdline"]) if _engine(process))
            now = {job for job, count in engines.items() if job and count > 1}
            self.twice |= now & before  # at two looks: the first process may just have been ending
            before = now


def _engine(process: psutil.Process) -> bool:
    return ENGINE in (process.info["cmdline"] or []) and process.status() != psutil.STATUS_ZOMBIE


def _job_of(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("PREFECT__FLOW_RUN_ID", ""))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


@contextmanager
def watched() -> Iterator[Watch]:
    watch = Watch()
    thread = threading.Thread(target=watch.look, daemon=True)
    thread.start()
    yield watch
    watch.ended.set()
    thread.join()


def asked(call: Callable[[], Any]) -> Any:
    """Ask the platform until it answers, however often it is away."""
    while True:
        try:
            return call()
        except TransientError:
            time.sleep(LOOK)


def ended(ids: Sequence[str]) -> list[jobs.JobStatus]:
    """Wait for jobs; those that do not end in their time are returned as they are."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [asked(partial(jobs.status, one)) for one in ids]
        if all(one.state.final for one in found) or time.monotonic() > deadline:
            return found
        time.sleep(LOOK)


def seconds_of(statuses: Sequence[jobs.JobStatus]) -> float:
    """Return the seconds from the first start of some jobs to the last end, by the server's clock; to now where one has not ended."""
    starts = [datetime.fromisoformat(one.started_at) for one in statuses if one.started_at]
    ends = [datetime.fromisoformat(one.finished_at) if one.finished_at else datetime.now(UTC) for one in statuses]
    return (max(ends) - min(starts)).total_seconds()


def begun(job: str) -> None:
    """Return when a job's flow runs."""
    while asked(lambda: jobs.status(job)).state in (jobs.JobState.PENDING,):
        time.sleep(0.2)


def done(kind: str, **parameters: Any) -> tuple[float, dict[str, Any]]:
    """Run a job to its end; seconds from start to end by the server's clock, and its result.

    Raises:
        SystemExit: it did not succeed.
    """
    job = jobs.submit(kind, parameters).job_id
    (status,) = ended([job])
    if status.state is not jobs.JobState.SUCCESS:
        raise SystemExit(f"{kind}: {status.state}: {status.error}\n" + "\n".join(said_by(job)))
    run = asked(lambda: address.connect().ask("GET", f"/flow_runs/{job}"))
    return float(run["total_run_time"]), jobs.result(job)


def said_by(job: str) -> list[str]:
    """What a person sees of a job: its states' messages and its log from warnings on."""
    api = address.connect()
    states = asked(lambda: api.ask("GET", f"/flow_run_states/?flow_run_id={job}"))
    lines = asked(lambda: jobs.logs(job))
    return [state["message"] for state in states if state["message"]] + [
        line["message"] for line in lines if line["level"] in ("WARNING", "ERROR", "CRITICAL")
    ]
