"""Three rounds of benchmarks/chaos.py: processes that are killed, paused or without room leave nothing lost, double or wrongly unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_three_rounds_of_trouble_leave_each_document_once_and_as_it_is(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "chaos.py"
    command = [sys.executable, str(script), str(tmp_path), "--rounds", "3", "--documents", "20", "--seed", "355"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=170)
    assert "wrong in 3 rounds: nothing" in done.stdout, done.stdout + done.stderr[-2000:]
