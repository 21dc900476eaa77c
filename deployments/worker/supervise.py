"""The process that a worker starts for a job: it runs the engine as its child and answers for it until the end.

Why beside the engine and not in it: native code that holds the interpreter, a killed process, a full memory cannot be dealt with from
inside. So here, in a process that does nothing else, are the lease (a sign of life every few seconds), the time limits (soft: the job is asked
to stop at a checkpoint; hard: its processes are killed), cancelling (with every descendant, within seconds, also when the worker that
started the job is gone), and the next try after a failure that may pass by itself: min(300, 5·2ⁿ) s later, as a waiting job.

Signals: SIGTERM cancels (Prefect's worker sends it), SIGUSR1 asks the job to stop and to be queued again (`faldone down` sends it).
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from deployments.api import rest
from deployments.api.rest import Ask, NotFound, Talk
from deployments.api.states import FINAL_TYPES
from deployments.kinds import kind_of_run
from deployments.worker import leases
from infra import limits, stop
from infra.errors import TransientError

log = logging.getLogger("faldone.supervisor")

TICK = 0.2  # s
LOOK = 3.0  # s between two looks at the job's state: cancelled by somebody, deleted, taken over?
APART = 3.0  # s at least between two attempts: the worker must have noticed the end of the first (it breaks otherwise)
RESUME = "the platform goes down; the job goes on when it is up again"


@dataclass(frozen=True, slots=True)
class Job:
    """What the supervisor knows of its job from the start."""

    job_id: str
    kind: str
    attempt: int
    queue: limits.Queue
    times: limits.Times


def backoff(attempt: int) -> float:
    """Seconds before the next try: min(300, 5·2ⁿ) with a fifth of jitter, n counting from 0."""
    jitter: float = random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    return min(300.0, 5.0 * 2.0 ** (attempt - 1)) * jitter


def lookup(job_id: str) -> Talk[dict[str, Any]]:
    """The flow run."""
    run: dict[str, Any] = yield Ask("GET", f"/flow_runs/{job_id}")
    return run


def set_state(job_id: str, state: dict[str, Any], force: bool = False) -> Talk[str]:
    """Propose a state; whether it was accepted (ACCEPT, REJECT, …)."""
    answer = yield Ask("POST", f"/flow_runs/{job_id}/set_state", {"state": state, "force": force})
    return str(answer["status"])


def again(job_id: str, message: str, seconds: float) -> Talk[str]:
    """Queue the job again, to begin in so many seconds."""
    seconds = max(APART, seconds)
    due = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    details = {"scheduled_time": due}
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": message, "state_details": details}
    return (yield from set_state(job_id, state, force=True))


class Supervisor:
    """One job's supervisor."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.folder = Path(tempfile.mkdtemp(prefix="faldone-job-"))
        now = time.time()
        self.lease = leases.Lease(job.job_id, job.kind, job.attempt, socket.gethostname(), os.getpid(), now, now)
        self.begun = time.monotonic()
        self.beaten = self.looked = self.begun
        self.terminated: float | None = None  # when the engine was told to end
        self.stopping: float | None = None  # when the job was asked to stop
        self.reason = ""  # why this supervisor ended it: cancel, hard, resume, lost
        self.engine = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        leases.write(self.lease)
        environment = os.environ | {stop.FOLDER: str(self.folder)}
        return subprocess.Popen(
            [sys.executable, "-m", "deployments.worker.engine", str(os.getpid())], env=environment, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self) -> None:
        """Return when the job's processes have ended and its state says how."""
        threading.Thread(target=self.hand_on, daemon=True).start()
        signal.signal(signal.SIGTERM, lambda *_: self.told_to_end())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker's terminal is not the job's
        signal.signal(signal.SIGUSR1, lambda *_: self.ask_to_stop("resume", RESUME))
        while self.engine.poll() is None:
            self.tick()
            with suppress(subprocess.TimeoutExpired):
                self.engine.wait(TICK)
        self.kill()
        outcome = self.outcome()
        shutil.rmtree(self.folder, ignore_errors=True)
        ending, _ = self.ending(outcome)
        leases.close(self.lease, time.time(), ending, outcome.get("stages", {}), outcome.get("counts", {}))
        self.settle(outcome)  # last: a worker that sees the job due again while it still counts this process breaks

    def hand_on(self) -> None:
        """Print what the job prints. Who reads it may be gone, the worker for one, and then it is dropped: Prefect has the job's log.

        The job itself must not write there: a broken pipe under Prefect's console ends its process.
        """
        assert self.engine.stdout is not None
        for line in self.engine.stdout:
            with suppress(BrokenPipeError):
                os.write(sys.stdout.fileno(), line)

    def tick(self) -> None:
        """Renew the lease, look at the state, keep the limits."""
        now = time.monotonic()
        if now - self.beaten >= self.job.times.heartbeat:
            self.beaten = now
            self.beat()
        if now - self.looked >= LOOK:
            self.looked = now
            self.look()
        if now - self.begun > self.job.queue.hard:
            self.terminate("hard")
        elif now - self.begun > self.job.queue.soft:
            self.ask_to_stop("soft", f"stopped at the soft limit of {self.job.queue.soft:g} s; what is done is kept")
        if self.stopping and self.reason == "resume" and now - self.stopping > self.job.times.stop_grace:
            self.terminate("resume")
        grace = 0.0 if self.reason in {"hard", "lost", "resume"} else self.job.times.cancel_grace
        if self.terminated is not None and now - self.terminated >= grace:
            self.kill()

    def beat(self) -> None:
        """A sign of life; one whose lease was given to another attempt ends its job."""
        kept = leases.read(self.job.job_id)
        if kept is not None and kept.attempt > self.job.attempt:
            self.terminate("lost")
            return
        peak = max(self.lease.memory_peak, sum(_memory(process) for process in self.processes()))
        self.lease = replace(self.lease, beat=time.time(), memory_peak=peak)
        leases.write(self.lease)

    def look(self) -> None:
        """Cancelled by somebody while no worker was there to say so? Deleted?"""
        try:
            state = rest.run(lookup(self.job.job_id)).get("state") or {}
        except NotFound:
            self.terminate("lost")
            return
        except TransientError as error:
            log.warning("%s", error)
            return
        if state.get("type") in {"CANCELLING", "CANCELLED"}:
            self.terminate("cancel")

    def told_to_end(self) -> None:
        """SIGTERM: the worker has been told to cancel the job, or this machine shuts down and the job goes on elsewhere."""
        self.look()
        if self.terminated is None:
            self.ask_to_stop("resume", RESUME)

    def ask_to_stop(self, reason: str, message: str) -> None:
        """Ask the job to stop at its next checkpoint."""
        if self.stopping is None:
            self.stopping, self.reason = time.monotonic(), self.reason or reason
            stop.request(self.folder, message)

    def terminate(self, reason: str) -> None:
        """Tell the engine to end; its processes are killed some seconds later."""
        if self.terminated is None:
            self.terminated, self.reason = time.monotonic(), reason
            if reason == "cancel":
                with suppress(ProcessLookupError):
                    self.engine.send_signal(signal.SIGTERM)

    def processes(self) -> list[psutil.Process]:
        """Every living descendant: this process adopts those whose parents have ended."""
        found: list[psutil.Process] = psutil.Process().children(recursive=True)
        return found

    def kill(self) -> None:
        """End every process of the job."""
        left = self.processes()
        if self.engine.poll() is None:
            self.engine.kill()
            self.engine.wait()  # not psutil: it would take the exit status away from us
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=5)

    def outcome(self) -> dict[str, Any]:
        """What the engine left as its last word; empty when it died without one."""
        note = self.folder / "outcome.json"
        content: dict[str, Any] = json.loads(note.read_text()) if note.is_file() else {}
        return content

    def settle(self, outcome: dict[str, Any]) -> None:
        """Give the flow run the state that its end deserves, however long the server is away."""
        ending, talk = self.ending(outcome)
        for tries in range(30):
            try:
                if talk is not None and (ending == "retry" or not self.final()):
                    rest.run(talk)
                return
            except NotFound:  # somebody deleted the run
                return
            except TransientError as error:  # the server restarts: the state must not be lost
                log.warning("try %d: %s", tries + 1, error)
                time.sleep(min(10, 1 + tries))
                ending, talk = self.ending(outcome)

    def final(self) -> bool:
        """Whether the flow run has a final state already."""
        return (rest.run(lookup(self.job.job_id)).get("state") or {}).get("type") in FINAL_TYPES

    def ending(self, outcome: dict[str, Any]) -> tuple[str, Talk[str] | None]:
        """How the job ended, and what to tell Prefect about it."""
        status, job = self.engine.returncode, self.job
        what, message = outcome.get("outcome", ""), outcome.get("message", "")
        if self.reason == "lost":
            return "taken over", None
        if self.reason == "cancel":
            state = {"type": "CANCELLED", "name": "Cancelled", "message": "cancelled; what was committed is kept"}
            return "cancelled", set_state(job.job_id, state, force=True)
        if status == 0 or what in {"done", "failed"}:  # the engine has told Prefect itself
            return what or "ended", None
        if self.reason == "hard":
            text = f"killed at the hard limit of {job.queue.hard:g} s; what was committed is kept"
            return "hard limit", set_state(job.job_id, _failed(text, "TimedOut"), force=True)
        if self.reason == "resume":
            return "retry", again(job.job_id, RESUME, 1)
        if what == "stopped":
            return "soft limit", set_state(job.job_id, _failed(message, "TimedOut"), force=True)
        if what == "transient":
            return self.next_try(message, backoff(job.attempt))
        return self.next_try(self.death(status), 1.0)

    def next_try(self, message: str, seconds: float) -> tuple[str, Talk[str]]:
        """Queue the job again, unless it has had its tries."""
        job = self.job
        if job.attempt >= job.queue.tries:
            text = f"{message} (try {job.attempt} of {job.queue.tries}, the last)"
            return "failed", set_state(job.job_id, _failed(text, "Failed"), force=True)
        text = f"{message} (try {job.attempt} of {job.queue.tries}; the next in {seconds:.0f} s)"
        return "retry", again(job.job_id, text, seconds)

    def death(self, status: int) -> str:
        """Why the engine's process ended without a word."""
        if status >= 0:
            return f"the job's process ended with status {status} before its flow began; see the worker's log"
        name = signal.Signals(-status).name
        memory = f"; its processes had used up to {self.lease.memory_peak / 2**30:.1f} GiB" if status == -9 else ""
        return f"the job's process was killed by {name}{memory}"


def _failed(message: str, name: str) -> dict[str, Any]:
    return {"type": "FAILED", "name": name, "message": message}


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _adopt_orphans() -> None:
    """Have descendants whose parents end become children of this process (Linux: PR_SET_CHILD_SUBREAPER)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def main() -> None:
    """Supervise the flow run that PREFECT__FLOW_RUN_ID names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if folder := os.environ.get("FALDONE_PLATFORM_CWD"):
        os.chdir(folder)  # relative settings and the .env file mean here what they meant to `faldone up`
    _adopt_orphans()
    job_id = os.environ["PREFECT__FLOW_RUN_ID"]
    run = rest.run(lookup(job_id))
    numbers = limits.load()
    queue, _ = limits.split_queue(run.get("work_queue_name") or "")
    own = numbers.queues.get(queue) or next(iter(numbers.queues.values()))
    Supervisor(Job(job_id, kind_of_run(run), int(run.get("run_count") or 0) + 1, own, numbers.time)).run()


if __name__ == "__main__":
    main()
