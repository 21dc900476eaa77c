"""A worker in a container: Prefect's worker of a pool, and an end that loses no work.

Elsewhere jobs outlive their worker; a container takes them along. So when this process is told to stop (SIGTERM), the worker takes no more
jobs, those at work are asked to stop at their next checkpoint, where they are queued again without using up a try, and they are waited for.
Give the container so much time to end (`terminationGracePeriodSeconds`, `stop_grace_period`): what is killed before is queued again when its
lease has run out.

    python -m deployments.worker.contained --pool faldone
"""

from __future__ import annotations

import argparse
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import psutil

from deployments.worker.launch import RUNNER
from infra.processes import adopt_orphans, descendants

log = logging.getLogger("faldone.worker")

WORKER_END = 15.0  # s for Prefect's worker to end
LOOK = 0.5  # s
WORD = 30.0  # s between two messages about jobs that are waited for


def command(pool: str) -> list[str]:
    """Return the command of Prefect's worker, with its health at port 8080."""
    worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    return [*worker, "--no-create-pool-if-not-found", "--with-healthcheck"]


def runners() -> list[psutil.Process]:
    """Return the runners of the jobs that this worker has started; those whose launcher has ended are children of this process."""
    found = []
    for process in descendants():
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and process.cmdline()[1:3] == ["-m", RUNNER]:
                found.append(process)
    return found


def drain() -> None:
    """Ask every job here to stop at its next checkpoint, and return when all have ended."""
    asked: set[int] = set()
    word = 0.0
    while found := runners():
        for process in found:
            if process.pid not in asked:
                asked.add(process.pid)
                process.send_signal(signal.SIGUSR1)
        if time.monotonic() - word > WORD:
            log.warning("%d jobs are on their way to their next checkpoint", len(found))
            word = time.monotonic()
        time.sleep(LOOK)


def serve(worker_command: Sequence[str]) -> int:
    """Run a worker until it ends or this process is told to stop; returns its exit status, or 0 after an end that was asked for."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    adopt_orphans()
    worker = subprocess.Popen(worker_command)
    while worker.poll() is None and not stopping.wait(LOOK):
        pass
    if not stopping.is_set():
        return worker.returncode
    worker.terminate()
    try:
        worker.wait(WORKER_END)
    except subprocess.TimeoutExpired:
        worker.kill()
    drain()
    return 0


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pool", required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(serve(command(given.pool)))


if __name__ == "__main__":
    main()
