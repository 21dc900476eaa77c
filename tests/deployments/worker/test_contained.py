"""A worker whose container is told to end: a stand-in for Prefect's worker and for a job's runner, as real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

WORKER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "deployments.worker.runner", sys.argv[1]], cwd=sys.argv[2], env={}, start_new_session=True)
time.sleep(60)
"""
SERVE = """
import sys
from deployments.worker import contained
sys.exit(contained.serve([sys.executable, "-c", *sys.argv[1:]]))
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
    note, other = tmp_path / "note", tmp_path / "other"
    root = Path(__file__).parents[3]
    bystander = subprocess.Popen([sys.executable, "-m", "deployments.worker.runner", str(other)], cwd=tmp_path, env={})
    serving = subprocess.Popen([sys.executable, "-c", SERVE, WORKER, str(note), str(tmp_path)], cwd=root)
    try:
        deadline = time.monotonic() + 60
        while not (note.exists() and other.exists()):
            assert serving.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(60) == 0
        assert note.read_text() == "stopped at a checkpoint"
        assert other.read_text() == "ready", "the job of another worker on this machine is left alone"
        assert bystander.poll() is None
    finally:
        for process in (bystander, serving):
            process.kill()
            process.wait()
