"""How a process shares the processor with others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

OWN = os.nice(0)  # of whoever runs the tests
SAY = "from infra.priority import SESSION, share_as_nice; share_as_nice(); print(SESSION.read_text())"


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="the kernel does not group by session")
@pytest.mark.parametrize("niceness", [0, 10])
def test_a_session_is_as_nice_as_its_process(niceness: int) -> None:
    command = ["nice", "-n", str(niceness), sys.executable, "-c", SAY]
    done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True)
    assert done.stdout.strip().endswith(f"nice {min(19, OWN + niceness)}")


@pytest.mark.parametrize(("niceness", "expected"), [(0, 10), (10, 10), (15, 15)])
def test_a_job_is_at_least_so_nice_and_niceness_does_not_add_up(niceness: int, expected: int) -> None:
    code = "import os; from infra.priority import be_nice; be_nice(); be_nice(); print(os.nice(0))"
    command = ["nice", "-n", str(niceness), sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True)
    assert done.stdout.strip() == str(max(expected, min(19, OWN + niceness)))
