"""Whole trees of processes end together, also those whose parents have gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from infra.processes import resident

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]

FAMILY = """
import subprocess, sys, time
from infra import processes
processes.adopt_orphans()
code = "import subprocess, sys; print(subprocess.Popen({sleeper!r}, start_new_session=True).pid, flush=True)"
middle = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
grandchild = int(middle.stdout.readline())
middle.wait()  # the sleeper is an orphan now, in a session of its own
assert [one.pid for one in processes.descendants()] == [grandchild]
processes.kill_descendants()
print(grandchild, [one.status() for one in processes.descendants()])
"""

CHILD = """
import os, sys, time
from infra.processes import end_with
end_with(int(sys.argv[1]))
print(os.getpid(), flush=True)
time.sleep(60)
"""

PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}, str(os.getpid())])
time.sleep(60)
"""


def gone(pid: int, seconds: float = 20.0) -> bool:
    """Wait for the end of a process; one that nobody has waited for yet has ended too."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_orphans_in_sessions_of_their_own_are_found_and_killed() -> None:
    code = FAMILY.format(sleeper=SLEEPER)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert gone(int(done.stdout.split()[0])), done.stdout


def test_a_child_ends_with_its_parent_however_that_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(child=CHILD)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert gone(child)


def test_a_child_whose_parent_has_ended_already_does_not_begin() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, "1"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has ended" in done.stderr


def test_resident_bytes_are_summed_and_the_dead_count_nothing() -> None:
    with subprocess.Popen(SLEEPER) as sleeper:
        dead = psutil.Process(sleeper.pid)
        sleeper.kill()
        sleeper.wait()
    here = psutil.Process(os.getpid())
    assert resident([]) == 0
    assert resident([here, dead]) > 1 << 20
