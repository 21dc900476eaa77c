"""The runner of one job: it starts Prefect's engine as its child and answers for the job until the end.

Why beside the engine and not in it: native code that holds the interpreter, a killed process, a full memory cannot be dealt with from
inside. So here, in a process that does nothing else, are the signs of life, the time limits (soft: the job is asked to stop at a checkpoint;
hard: its processes are killed), cancelling (with every descendant, within seconds, also when the worker is gone), and the next attempt after
a failure that may pass: min(300, 5·2ⁿ) s later, as a waiting job. When neither the platform's folder nor its server is there any more, it ends.

Signals: SIGTERM (the worker, or a machine that shuts down) cancels a job that is being cancelled and else asks it to stop; SIGUSR1 asks it to
stop, to be queued again (`faldone down` sends it).
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deployments import state
from deployments.api import address
from deployments.api.status import slot_lost
from deployments.kinds import KINDS, kind_of_run
from deployments.state import Presence, Process
from deployments.worker import life
from infra import limits, stop
from infra.errors import FaldoneError, TransientError, UsageError
from infra.machine import wait_before, with_jitter
from infra.prefect_api import Api, NotFound
from infra.priority import be_nice
from infra.processes import adopt_orphans, descendants, kill_descendants, resident

log = logging.getLogger("faldone.runner")

T = TypeVar("T")

INTERVAL = 0.2  # s
LOOK = 3.0  # s between two looks at the job's state: cancelled by somebody, deleted, taken over?
PROGRESS = 1.0  # s between two reports of progress
PATIENCE = 3600.0  # s for which the end of a job is told again to a server that is away
BEGINNING = (
    60.0  # s for which a server that is away is asked for the job; and between two looks at limits that cannot be read
)
AGAIN = 2.0  # s between two tries to reach it
FOLDERS = "faldone-job-"  # prefix of the jobs' folders in the system's temporary folder
BEGUN_WITHOUT = "Prefect had lost its slot as it was to begin: it waits for one"
RESUME = "the platform goes down; the job goes on when it is up again"


@dataclass(frozen=True, slots=True)
class Job:
    """What the runner knows of its job from the start."""

    job_id: str
    kind: str
    failures: int
    queue: limits.Queue
    times: limits.Times
    owner: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @property
    def resumable(self) -> bool:
        """Whether a later attempt goes on where this one stopped."""
        return self.kind in KINDS and KINDS[self.kind].resumable


class Runner:
    """One job at work. `reason` says why the runner ended it: cancel, hard, soft, resume, lost, gone; "" when it ended by itself."""

    def __init__(self, api: Api, job: Job) -> None:
        self.api, self.job, self.home = api, job, Presence(state.folder())
        me = Process.of(os.getpid())
        life.begin(api, job.job_id, job.owner, me)
        self.folder = state.temporary_folder(FOLDERS)
        self.begun = time.monotonic()
        self.beaten = self.looked = self.told = self.begun
        self.terminated: float | None = None  # when the job was to end
        self.stopping: float | None = None  # when the job was asked to stop
        self.reason = ""
        self.working = False  # whether the flow itself has begun
        self.signals: list[int] = []  # received and not yet dealt with
        self.beats = 0
        self.progress: dict[str, Any] = {}
        self.memory_peak = 0
        self.engine = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "deployments.worker.engine", str(os.getpid())],
            env=os.environ | {stop.FOLDER: str(self.folder)},
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self) -> None:
        """Return when the job's processes have ended and its state says how."""
        threading.Thread(target=self.pass_output_on, daemon=True).start()
        while self.engine.poll() is None:
            self.step()
            with suppress(subprocess.TimeoutExpired):
                self.engine.wait(INTERVAL)
        self.kill()
        outcome = self.read("outcome.json")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.settle(outcome)  # last: a worker that sees the job due again while it still counts this process breaks

    def pass_output_on(self) -> None:
        """Print what the job prints. When its reader is gone, the worker for one, it is dropped: Prefect has the job's log.

        The job itself must not write there: a broken pipe under Prefect's console ends its process.
        """
        assert self.engine.stdout is not None
        for line in self.engine.stdout:
            with suppress(BrokenPipeError):
                os.write(1, line)

    def step(self) -> None:
        """Give a sign of life, look at the state, keep the limits."""
        now = time.monotonic()
        if self.signals:
            self.told_to_end(self.signals.pop(0))
        self.keep_limits(now)
        try:
            if now - self.looked >= LOOK:
                self.looked = now
                self.look()
                self.home.forgive()  # with a server that answers a job goes on, wherever its folder is
            if now - self.told >= PROGRESS:
                self.told = now
                self.beat(now)
        except FaldoneError as error:  # the server restarts, its disk is full: no reason to end a job
            log.warning("%s", error)
            if self.home.gone():
                self.terminate("gone")

    def keep_limits(self, now: float) -> None:
        """Ask the job to stop at its soft limit, end it at the hard one, and kill what did not end in its time.

        The limits count from where the job's work begins: on a busy machine its libraries may take a minute to load.
        """
        if not self.working and (self.folder / stop.BEGUN).exists():
            self.working, self.begun = True, now
        spent, queue = now - self.begun, self.job.queue
        if spent > (queue.hard if self.working else max(queue.hard, self.job.times.pending)):
            self.terminate("hard")
        elif self.working and spent > queue.soft:
            self.ask_to_stop("soft", f"stopped at the soft limit of {self.job.queue.soft:g} s; what is done is kept")
        if self.stopping and self.reason == "resume" and now - self.stopping > self.job.times.stop_grace:
            self.terminate("resume")
        grace = self.job.times.cancel_grace if self.reason == "cancel" else 0.0
        if self.terminated is not None and now - self.terminated >= grace:
            self.kill()

    def beat(self, now: float) -> None:
        """Report new progress, and every few seconds a sign of life."""
        progress = self.read("progress.json")
        if progress == self.progress and now - self.beaten < self.job.times.heartbeat:
            return
        self.beaten, self.progress = now, progress
        self.memory_peak = max(self.memory_peak, resident(descendants()))
        self.beats += 1
        life.say(self.api, self.job.job_id, **progress | {"beat": self.beats})

    def look(self) -> None:
        """See whether somebody has cancelled the job, deleted it, or given it to another runner."""
        try:
            run = life.lookup(self.api, self.job.job_id)
        except NotFound:
            self.terminate("lost")
            return
        kind = (run.get("state") or {}).get("type")
        if life.claim(run).owner != self.job.owner:
            self.terminate("lost")
        elif kind in {"CANCELLING", "CANCELLED"} and not slot_lost(run):
            self.terminate("cancel")
        elif kind == "CRASHED" and self.engine.poll() is None:  # said by a worker that lost sight of this process
            state = {"type": "RUNNING", "name": "Running", "message": "the worker lost sight of it; it runs on"}
            life.set_state(self.api, self.job.job_id, state)

    def told_to_end(self, number: int) -> None:
        """Deal with a signal."""
        if number == signal.SIGTERM:
            with suppress(FaldoneError):
                self.look()
        if self.terminated is None:
            self.ask_to_stop("resume", RESUME)

    def ask_to_stop(self, reason: str, message: str) -> None:
        """Ask the job to stop at its next checkpoint."""
        if self.stopping is None:
            self.stopping, self.reason = time.monotonic(), self.reason or reason
            self.request(message)

    def terminate(self, reason: str) -> None:
        """End the job: a cancelled one has some seconds for its next checkpoint, any other none."""
        if self.terminated is None:
            self.terminated, self.reason = time.monotonic(), reason
            self.request(reason)

    def request(self, message: str) -> None:
        """Have the job see that it should stop; where the disk does not take it, it is killed in its time."""
        try:
            stop.request(self.folder, message)
        except OSError as error:
            log.warning("the job could not be asked to stop: %s", error)

    def kill(self) -> None:
        """End every process of the job."""
        if self.engine.poll() is None:
            self.engine.kill()
            self.engine.wait()  # before psutil, which would take the exit status away from us
        kill_descendants()

    def read(self, name: str) -> dict[str, Any]:
        """Return a file that the engine has written into the job's folder; empty when there is none."""
        try:
            content: dict[str, Any] = json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return {}
        return content

    def settle(self, outcome: dict[str, Any]) -> None:
        """Give the job the state that its end deserves, however long the server is away."""
        deadline = time.monotonic() + PATIENCE
        while not (self.reason == "gone" or self.home.gone()):
            try:
                run = life.lookup(self.api, self.job.job_id)
                if life.claim(run).owner == self.job.owner:
                    self.conclude(run, outcome)
                return
            except NotFound:  # somebody deleted the run
                return
            except TransientError as error:  # the server restarts: the end must not be lost
                if time.monotonic() > deadline:
                    raise
                log.warning("the job's end could not be told yet: %s", error)
                time.sleep(AGAIN)
        log.error("job %s: the platform's folder is gone and no server answers: it ends untold", self.job.job_id)

    def conclude(self, run: dict[str, Any], outcome: dict[str, Any]) -> None:
        """Tell the server how the job ended."""
        what, message = outcome.get("outcome", ""), outcome.get("message", "")
        api, job = self.api, self.job
        totals = {name: json.dumps(outcome[name]) for name in ("stages", "counts") if outcome.get(name)}
        cancelled = (run.get("state") or {}).get("type") in {"CANCELLING", "CANCELLED"}
        if slot_lost(run):
            life.queue_again(api, job.job_id, BEGUN_WITHOUT, 1, job.failures)
        elif life.final(run) and (what in {"done", "failed"} or self.engine.returncode == 0):
            life.say(api, job.job_id, owner="", ended=1, **totals)  # the engine has told Prefect itself
        elif self.reason == "cancel" or cancelled:
            life.finish(api, job.job_id, "CANCELLED", "Cancelled", life.CANCELLED)
        elif what == "done":  # its result is kept, and only Prefect's last word was lost
            life.finish(api, job.job_id, "COMPLETED", "Completed", "")
        elif self.reason == "hard":
            text = f"killed at the hard limit of {job.queue.hard:g} s; what was committed is kept"
            life.finish(api, job.job_id, "FAILED", "TimedOut", text)
        elif self.reason == "resume":
            life.queue_again(api, job.job_id, RESUME, 1, job.failures)
        elif what == "stopped" and job.resumable and outcome.get("counts", {}).get("done"):
            life.queue_again(api, job.job_id, f"{message}; it goes on", 1, job.failures)
        elif what == "stopped":
            life.finish(api, job.job_id, "FAILED", "TimedOut", message)
        elif what == "transient":
            self.next_attempt(message, with_jitter(wait_before(job.failures + 1)))
        elif what == "failed":
            life.finish(api, job.job_id, "FAILED", "Failed", message)
        else:
            self.next_attempt(self.cause_of_death(), 1.0)

    def next_attempt(self, message: str, seconds: float) -> None:
        """Queue the job again, unless it has had its tries."""
        job, failed = self.job, self.job.failures + 1
        if failed >= job.queue.tries:
            text = f"{message} (try {failed} of {job.queue.tries}, the last)"
            life.finish(self.api, job.job_id, "FAILED", "Failed", text)
            return
        text = f"{message} (try {failed} of {job.queue.tries}; the next in {seconds:.0f} s)"
        life.queue_again(self.api, job.job_id, text, seconds, failed)

    def cause_of_death(self) -> str:
        """Say why the engine's process ended without leaving an outcome."""
        status = self.engine.returncode
        if status >= 0:
            return f"the job's process ended with status {status} before its flow began; see the worker's log"
        memory = f"; its processes had used up to {self.memory_peak / 2**30:.1f} GiB" if status == -9 else ""
        return f"the job's process was killed by {signal.Signals(-status).name}{memory}"


def job_of(run: dict[str, Any]) -> Job:
    """Return the job of a flow run."""
    numbers = limits.load()
    queue, _ = limits.split_queue(run.get("work_queue_name") or "")
    own = numbers.queues.get(queue) or next(iter(numbers.queues.values()))
    return Job(run["id"], kind_of_run(run), life.claim(run).failures, own, numbers.time)


def taken_up(api: Api, job_id: str) -> Runner | None:
    """Take a job up, and return its runner; None when it has ended, or the limits cannot be read: then it waits for those."""
    run = patiently(lambda: life.lookup(api, job_id))
    if life.final(run):
        return None
    try:
        job = job_of(run)
    except UsageError as error:
        life.queue_again(api, job_id, f"it waits until this is mended: {error}", BEGINNING, life.claim(run).failures)
        return None
    return patiently(lambda: Runner(api, job))


def patiently(step: Callable[[], T]) -> T:
    """Take a step again for a while where the server restarts just as a worker was handed the job."""
    deadline = time.monotonic() + BEGINNING
    while True:
        try:
            return step()
        except TransientError as error:
            if time.monotonic() > deadline:
                raise
            log.warning("the job could not be taken up yet: %s", error)
            time.sleep(AGAIN)


def main() -> None:
    """Run the job whose flow run PREFECT__FLOW_RUN_ID names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    be_nice()
    adopt_orphans()
    received: list[int] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker's terminal is not the job's
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda number, _: received.append(number))
    if (runner := taken_up(address.connect(), os.environ["PREFECT__FLOW_RUN_ID"])) is not None:
        runner.signals = received
        runner.run()


if __name__ == "__main__":
    main()
