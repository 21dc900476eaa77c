"""A worker whose container is told to end: a stand-in for Prefect's worker and for a job's runner, as real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

WORKER = "import time; time.sleep(60)"
SERVE = f"""
import sys
from deployments.worker import contained
sys.exit(contained.serve([sys.executable, "-c", {WORKER!r}]))
"""
RUNNER = """
import signal, sys, time
from pathlib import Path
asked = []
signal.signal(signal.SIGUSR1, lambda *_: asked.append(time.monotonic()))
Path(sys.argv[1]).write_text("ready")
while not asked:
    time.sleep(0.05)
time.sleep(1.5)  # on its way to its checkpoint
Path(sys.argv[1]).write_text("stopped at a checkpoint")
"""


def test_jobs_reach_their_checkpoint_before_the_container_ends(tmp_path: Path) -> None:
    module = tmp_path / "deployments" / "worker" / "runner.py"  # a module of the runner's name, in a folder of its own
    module.parent.mkdir(parents=True)
    module.write_text(RUNNER)
    for folder in (module.parent, module.parent.parent):
        (folder / "__init__.py").touch()
    note = tmp_path / "note"
    job = subprocess.Popen([sys.executable, "-m", "deployments.worker.runner", str(note)], cwd=tmp_path, env={})
    serving = subprocess.Popen([sys.executable, "-c", SERVE], cwd=Path(__file__).parents[3])
    try:
        deadline = time.monotonic() + 60
        while not note.exists():
            assert job.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        while len(_children(serving.pid)) < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(60) == 0
        assert note.read_text() == "stopped at a checkpoint"
        assert job.wait(10) == 0
    finally:
        for process in (job, serving):
            process.kill()
            process.wait()


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
