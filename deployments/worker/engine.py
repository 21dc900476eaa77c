"""The process that runs one job: Prefect's engine around the flow, and around the flow what makes it a job.

While the flow runs, its progress goes to the job's folder once a second, from where the runner (deployments/worker/runner.py) reports it. What
the flow returns is kept before Prefect hears that it has finished. When it fails for a reason that may pass, or has stopped because it was
asked to, the outcome is left for the runner, which queues the job again: a job that waits for its next attempt holds no process and no slot.

Needs Prefect 3.8's `prefect.flow_engine` (`load_flow_run`, `load_flow`, `run_flow`), as `python -m prefect.engine` itself does.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_type_hints
from uuid import UUID

from deployments.api import address, results
from deployments.kinds import KINDS
from infra import away
from infra.errors import PASSING, TransientError, first_line
from infra.priority import be_nice
from infra.processes import end_with
from infra.settings import load
from infra.stop import BEGUN, FOLDER, StopRequested
from tasks.progress import Status, listening, repeated

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun

log = logging.getLogger("faldone.job")

EVERY = 1.0  # s between two notes of progress
AGAIN = 75  # exit status of a process that leaves its outcome to the runner (EX_TEMPFAIL)
TOO_MANY, INTERNAL = 429, 500  # statuses of HTTP
LOST_SLOT = "the Prefect server, or the Redis that it keeps slots in, was away or began anew: this job's slot was lost"


@dataclass
class Journal:
    """How far the job is, from the progress of whatever flow runs in it."""

    parts: int = 1
    finished: int = 0
    status: Status | None = None
    stages: Counter[str] = field(default_factory=Counter)
    since: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: Status) -> None:
        """Take note; called from whatever thread counts."""
        with self.lock:
            now = time.monotonic()
            if self.status is not None:
                self.stages[self.status.stage] += now - self.since  # type: ignore[assignment]
                self.finished += status.finished and not self.status.finished
            self.status, self.since = status, now

    def progress(self) -> dict[str, Any]:
        """Return what callers are told; empty before the flow has counted anything."""
        with self.lock:
            status = self.status
            done = min(self.finished, self.parts - 1) if status and not status.finished else self.finished
        if status is None:
            return {}
        share = 0.0 if status.finished else status.percent / 100
        return {
            "stage": status.stage or "working",
            "done": status.done,
            "total": status.total,
            "item": status.current.rsplit("/", 1)[-1][:200],
            "eta": -1 if status.eta_seconds is None else round(status.eta_seconds, 1),
            "percent": round(100 * min(1.0, (done + share) / self.parts), 2),
        }

    def counts(self) -> dict[str, int]:
        """Return what was counted in this attempt."""
        status = self.status
        return {name: getattr(status, name) for name in ("done", "pages", "chunks", "failed")} if status else {}


def main() -> None:
    """Run the flow run that PREFECT__FLOW_RUN_ID names; the argument is the process id of its runner."""
    end_with(int(sys.argv[1]))
    be_nice()
    from prefect.engine import handle_engine_signals

    job_id = UUID(os.environ["PREFECT__FLOW_RUN_ID"])
    with handle_engine_signals(job_id):
        from prefect.flow_engine import load_flow, load_flow_run, run_flow
        from prefect.logging.loggers import flow_run_logger

        run = load_flow_run(flow_run_id=job_id)
        logger = flow_run_logger(flow_run=run)
        try:
            flow = as_job(load_flow(run), run)
        except Exception:
            logger.exception("the flow cannot be loaded")
            raise
        run_flow(flow, flow_run=run, error_logger=logger)  # type: ignore[arg-type]


def as_job(flow: Flow[..., Any], run: FlowRun) -> Flow[..., Any]:
    """Return the flow with a job's duties around its function."""
    inner = flow.fn
    journal = Journal(KINDS[flow.name].parts if flow.name in KINDS else 1)

    @functools.wraps(inner)
    def job(*args: Any, **kwargs: Any) -> Any:
        attempt = run.run_count + 1  # Prefect counts it when the run becomes Running
        with published(journal), outcomes(journal), needs_named():
            wait_for_turn(run)
            leave(BEGUN, {"attempt": attempt})
            value = inner(*args, **kwargs)
            results.store(address.connect(), str(run.id), attempt, value)
            return value

    # Prefect reads the types of parameters off the function, and would look their names up in this module
    job.__signature__ = inspect.signature(inner, eval_str=True)  # type: ignore[attr-defined]
    job.__annotations__ = get_type_hints(inner, include_extras=True)
    flow.fn = job
    return flow


def wait_for_turn(run: FlowRun) -> None:
    """Wait until another job of this kind may start, where limits.yaml has a rate for it."""
    from prefect.concurrency.sync import rate_limit

    from infra import limits

    name = f"starts-{limits.split_queue(run.work_queue_name or '')[0]}"
    if name in limits.load().rates:
        rate_limit(name)


@contextmanager
def published(journal: Journal) -> Iterator[None]:
    """Leave the progress in the job's folder about once a second meanwhile."""
    with listening(journal.add), repeated(lambda: leave("progress.json", journal.progress()), EVERY):
        yield


def needs_named() -> AbstractContextManager[None]:
    """Say in the job's log meanwhile which store or server does not answer."""
    place = address.find()
    return away.named(away.probes(load(), place.url if place else ""))


def leave(name: str, content: dict[str, Any]) -> None:
    """Leave a file for the runner in the job's folder, where there is one; a full disk ends no job that needs none."""
    if content and (folder := os.environ.get(FOLDER)):
        beside = Path(folder) / f"{name}.new"
        try:
            beside.write_text(json.dumps(content))
            beside.replace(Path(folder) / name)
        except OSError as error:
            log.warning("%s could not be left for the job's runner: %s", name, error)


@contextmanager
def outcomes(journal: Journal) -> Iterator[None]:
    """Leave how the attempt ended, and end the process where the runner is to queue the job again."""
    try:
        yield
    except StopRequested as error:
        _end("stopped", str(error), journal)
    except BaseException as error:
        if reason := passing(error):
            _end("transient", reason, journal)
        note("failed", str(error), journal)
        raise
    else:
        note("done", "", journal)


def passing(error: BaseException) -> str:
    """Say what was away when an error may pass by itself, "" for all others."""
    import httpx

    # Prefect throws it into the flow where it could not renew the slot of a `concurrency_limit`
    if isinstance(error, asyncio.CancelledError):
        return LOST_SLOT
    status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else 0
    if isinstance(error, httpx.TransportError) or status == TOO_MANY or status >= INTERNAL:
        asked = getattr(error, "_request", None)  # `request` raises where there is none
        return f"{asked.url if asked else 'a server'} does not answer as it should: {first_line(error)}"
    return f"{type(error).__name__}: {first_line(error)}" if isinstance(error, PASSING) else ""


def note(outcome: str, message: str, journal: Journal) -> None:
    """Leave the outcome; the runner can do without it."""
    record = {"outcome": outcome, "message": message, "counts": journal.counts(), "stages": dict(journal.stages)}
    leave("outcome.json", record)


def _end(outcome: str, message: str, journal: Journal) -> NoReturn:
    """End this process at once: Prefect would call the job failed, and the runner knows better."""
    if FOLDER not in os.environ:
        raise TransientError(message)
    from prefect.logging.handlers import APILogHandler

    note(outcome, message, journal)
    log.warning("%s: %s", outcome, message)
    flush: Callable[[], None] = APILogHandler().flush
    flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(AGAIN)


if __name__ == "__main__":
    main()
