"""What a killed runner leaves behind is removed, and nothing else."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.state import Process
from deployments.worker import runner


def left(folder: Path, name: str, process: Process | str) -> Path:
    """The folder of a job."""
    home = folder / f"{runner.FOLDERS}{name}"
    home.mkdir()
    (home / runner.RUNNER).write_text(str(process))
    return home


def test_folders_of_killed_runners_go_and_those_of_living_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    me = Process.of(os.getpid())
    dead = left(tmp_path, "dead", replace(me, start="1"))
    stay = [
        left(tmp_path, "alive", me),
        left(tmp_path, "elsewhere", replace(me, where="another/1", start="1")),
        left(tmp_path, "odd", "nonsense"),
    ]
    assert runner.sweep_folders() == 1
    assert not dead.exists()
    assert all(one.exists() for one in stay)
