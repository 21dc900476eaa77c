"""The process that a worker starts for a job: it starts the job's runner in a session of its own, and waits for it.

A worker that is stopped, or dies, takes this process along and not the runner, so a job does not depend on the worker that started it. It
always exits with 0: a worker that sees another status calls the job crashed, and what became of the job is the runner's to say, or the
daemon's when the runner was killed. Whatever a killed runner leaves running becomes a child of this process and is ended here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

RUNNER = "deployments.worker.runner"


def main() -> None:
    """Start the runner of the flow run that PREFECT__FLOW_RUN_ID names."""
    if folder := os.environ.get("FALDONE_PLATFORM_CWD"):
        os.chdir(folder)  # relative settings and the .env file mean here what they meant to `faldone up`
    from infra.processes import adopt_orphans, kill_descendants

    adopt_orphans()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT__CONTROL_")}
    runner = subprocess.Popen([sys.executable, "-m", RUNNER], env=environment, start_new_session=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: runner.send_signal(signal.SIGTERM))
    runner.wait()
    kill_descendants()


if __name__ == "__main__":
    main()
