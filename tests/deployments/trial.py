"""The flow of the end-to-end test: counts slowly, and fails, waits or dies as told. Deployed by the test beside the real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task

from infra import stop
from infra.errors import TransientError
from tasks.progress import Progress


def written_whole(file: Path, text: str) -> None:
    """Replace a file in one move: whoever reads it, or goes on after a kill, never finds it empty."""
    beside = file.with_suffix(".half")
    beside.write_text(text)
    beside.replace(file)


@task
def sleep_in_a_task(seconds: float) -> None:
    """Be open when the job is killed."""
    time.sleep(seconds)


def compute(seconds: float) -> None:
    """Keep a core busy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(10_000))


@flow(name="trial", flow_run_name="trial-{name}")
def trial(
    name: str,
    folder: str,
    steps: int = 1,
    seconds: float = 0.0,
    fail_first: int = 0,
    die_first: int = 0,
    deaf: bool = False,
    remember: bool = False,
    wait_first: bool = False,
    in_task: bool = False,
    busy: bool = False,
) -> dict[str, Any]:
    """Take `steps` of `seconds` each, or fewer once `NAME.enough` exists.

    Args:
        fail_first: so many attempts fail for a reason that may pass.
        die_first: so many attempts are killed.
        deaf: no checkpoint, and a child process in a session of its own.
        remember: a later attempt goes on where one stopped.
        wait_first: the first attempt waits to be killed.
        in_task: it does so in a task run.
        busy: a step computes all the time, and does not sleep.
    """
    attempts = Path(folder) / f"{name}.attempts"
    with attempts.open("a") as file:
        file.write(f"{time.time()}\n")
    number = len(attempts.read_text().splitlines())
    if number <= fail_first:
        raise TransientError("the service is away")
    if wait_first and number == 1:
        (sleep_in_a_task if in_task else time.sleep)(600)
    progress = Progress("count", steps)
    if deaf:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    done = Path(folder) / f"{name}.done"
    for step in range(int(done.read_text()) if remember and done.exists() else 0, steps):
        if number <= die_first and step == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if (Path(folder) / f"{name}.enough").exists():
            break
        (compute if busy else time.sleep)(seconds)
        progress.add(current=f"/somewhere/step-{step}")
        get_run_logger().info("step %d", step)  # a job that prints must outlive who reads it
        written_whole(done, str(step + 1))
        if not deaf:
            stop.check()
    progress.finish()
    with (Path(folder) / f"{name}.finished").open("a") as file:
        file.write(f"{number}\n")
    return {"name": name, "attempts": number, "pid": os.getpid(), "environment": os.environ.get("EVIL", "")}
