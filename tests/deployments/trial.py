"""The flow of the end-to-end test: counts slowly, and fails, waits or dies as told. Deployed by the test beside the real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

from infra import stop
from infra.errors import TransientError
from tasks.progress import Progress


@flow(name="trial", flow_run_name="trial-{name}")
def trial(
    name: str,
    folder: str,
    steps: int = 1,
    seconds: float = 0.0,
    fail_first: int = 0,
    die_first: int = 0,
    deaf: bool = False,
) -> dict[str, Any]:
    """Take `steps` of `seconds` each; the first attempts fail or die."""
    attempts = Path(folder) / f"{name}.attempts"
    with attempts.open("a") as file:
        file.write(f"{time.time()}\n")
    number = len(attempts.read_text().splitlines())
    if number <= fail_first:
        raise TransientError("the service is away")
    progress = Progress("count", steps)
    if deaf:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    for step in range(steps):
        if number <= die_first and step == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(seconds)
        progress.add(current=f"/somewhere/step-{step}")
        get_run_logger().info("step %d", step)  # a job that prints must outlive who reads it
        if not deaf:
            stop.check()
    progress.finish()
    return {"name": name, "attempts": number, "pid": os.getpid()}
