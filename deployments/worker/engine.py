"""The process that runs one job: Prefect's engine around the flow, and around the flow what makes it a job.

While the flow runs, its progress goes to the labels of its flow run once a second, so that asking for a job's status is one request. What it
returns is kept before Prefect hears that it has finished. When it fails for a reason that may pass by itself, or has stopped because it was
asked to, the outcome is left for the supervisor (deployments/worker/supervise.py), which queues the job again: a job that waits for its next try
holds neither a process nor a slot.

Needs Prefect 3.8's engine (`prefect.flow_engine.run_flow`); Prefect's own `python -m prefect.engine` does the same without the job.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import json
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_type_hints
from uuid import UUID

from deployments.api import rest, results
from deployments.api.rest import Ask, Talk
from deployments.kinds import KINDS
from infra.errors import FaldoneError, TransientError
from infra.priority import share_as_nice
from infra.stop import FOLDER, StopRequested
from tasks.progress import Status, listening

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun

log = logging.getLogger("faldone.job")

EVERY = 1.0  # s between two notes of how far the job is
AGAIN = 75  # exit status that tells the supervisor to read the outcome (EX_TEMPFAIL)
PASSING = (TransientError, ConnectionError, TimeoutError)


@dataclass
class Journal:
    """How far the job is, from the progress of whatever flow runs in it."""

    parts: int = 1
    finished: int = 0
    status: Status | None = None
    stages: Counter[str] = field(default_factory=Counter)
    since: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, status: Status) -> None:
        """Take note; called from whatever thread counts."""
        with self.lock:
            now = time.monotonic()
            if self.status is not None:
                self.stages[self.status.stage] += now - self.since  # type: ignore[assignment]
                self.finished += status.finished and not self.status.finished
            self.status, self.since = status, now

    def labels(self, attempt: int) -> dict[str, Any]:
        """The labels of the flow run; nothing before the first news."""
        with self.lock:
            status = self.status
            done = min(self.finished, self.parts - 1) if status and not status.finished else self.finished
        if status is None:
            return {}
        share = 0.0 if status.finished else status.percent / 100
        return {
            "faldone.attempt": attempt, "faldone.stage": status.stage or "working", "faldone.done": status.done,
            "faldone.total": status.total, "faldone.item": status.current.rsplit("/", 1)[-1][:200],
            "faldone.eta": -1 if status.eta_seconds is None else round(status.eta_seconds, 1),
            "faldone.percent": round(100 * min(1.0, (done + share) / self.parts), 2),
        }  # fmt: skip

    def counts(self) -> dict[str, int]:
        """What was counted, for the lease."""
        status = self.status
        return {name: getattr(status, name) for name in ("pages", "chunks", "failed")} if status else {}


def serve(supervisor: int) -> None:
    """Have the kernel end this process with its supervisor (Linux: prctl PR_SET_PDEATHSIG).

    Set here and not between fork and exec, where code of the supervisor would run in a copy of its threads.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != supervisor:
        sys.exit("the supervisor of this job has ended")
    share_as_nice()


def main() -> None:
    """Run the flow run that PREFECT__FLOW_RUN_ID names; the argument is the process id of its supervisor."""
    serve(int(sys.argv[1]))
    from prefect._internal.control_listener import configure_from_env
    from prefect.engine import handle_engine_signals

    job_id = UUID(os.environ["PREFECT__FLOW_RUN_ID"])
    configure_from_env()  # before any code of a flow is loaded: cancelling begins with a word over this channel
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
    """The flow with a job's duties around its function."""
    inner = flow.fn
    journal = Journal(KINDS[flow.name].parts if flow.name in KINDS else 1)

    @functools.wraps(inner)
    def job(*args: Any, **kwargs: Any) -> Any:
        attempt = run.run_count + 1  # Prefect counts it when the run becomes Running
        with published(str(run.id), attempt, journal), outcomes(journal):
            start_rate(run)
            value = inner(*args, **kwargs)
            rest.run(results.store(str(run.id), attempt, value))
            return value

    # Prefect reads the types of parameters off the function, and would look their names up in this module
    job.__signature__ = inspect.signature(inner, eval_str=True)  # type: ignore[attr-defined]
    job.__annotations__ = get_type_hints(inner, include_extras=True)
    flow.fn = job
    return flow


def start_rate(run: FlowRun) -> None:
    """Wait for this kind's turn, where limits.yaml has a rate for it."""
    from prefect.concurrency.sync import rate_limit

    from infra.limits import load, split_queue

    name = f"starts-{split_queue(run.work_queue_name or '')[0]}"
    if name in load().rates:
        rate_limit(name)


@contextmanager
def published(job_id: str, attempt: int, journal: Journal) -> Iterator[None]:
    """Write the labels about once a second meanwhile."""
    done = threading.Event()
    thread = threading.Thread(target=_publish, args=(job_id, attempt, journal, done), daemon=True)
    with listening(journal.hear):
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(timeout=10)


def _publish(job_id: str, attempt: int, journal: Journal, done: threading.Event) -> None:
    last: dict[str, Any] = {}
    while True:
        ended = done.wait(EVERY)
        labels = journal.labels(attempt)
        if labels and labels != last:
            last = labels
            try:
                rest.run(_label(job_id, labels))
            except FaldoneError as error:
                log.warning("the job's progress could not be noted: %s", error)
        if ended:
            return


def _label(job_id: str, labels: dict[str, Any]) -> Talk[None]:
    yield Ask("PATCH", f"/flow_runs/{job_id}/labels", labels)


@contextmanager
def outcomes(journal: Journal) -> Iterator[None]:
    """Leave a note for the supervisor; end the process where it is to queue the job again."""
    try:
        yield
    except StopRequested as error:
        _leave("stopped", str(error), journal)
    except PASSING as error:
        _leave("transient", f"{type(error).__name__}: {error}".split("\n", 1)[0], journal)
    except BaseException as error:
        note("failed", str(error), journal)
        raise
    else:
        note("done", "", journal)


def note(outcome: str, message: str, journal: Journal) -> None:
    """Write how the attempt ended into the job's folder."""
    if folder := os.environ.get(FOLDER):
        record = {"outcome": outcome, "message": message, "stages": dict(journal.stages), "counts": journal.counts()}
        (Path(folder) / "outcome.json").write_text(json.dumps(record))


def _leave(outcome: str, message: str, journal: Journal) -> NoReturn:
    """End this process at once: Prefect would call the job failed, and the supervisor knows better."""
    from prefect.logging.handlers import APILogHandler

    if FOLDER not in os.environ:
        raise TransientError(message)
    note(outcome, message, journal)
    log.warning("%s: %s", outcome, message)
    flush: Callable[[], None] = APILogHandler().flush
    flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(AGAIN)


if __name__ == "__main__":
    main()
