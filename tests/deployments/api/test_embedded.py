"""The temporary Prefect server: what a killed command leaves behind is swept, and nothing else."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from filelock import FileLock

from deployments.api import embedded


def left(folder: Path, name: str, age: float) -> Path:
    """The folder of a server that was started so many seconds ago."""
    home = folder / f"{embedded.PREFIX}{name}"
    home.mkdir()
    (home / "prefect.db").write_bytes(b"x")
    (home / embedded.ALIVE).touch()
    os.utime(home, (time.time() - age,) * 2)
    return home


def test_folders_of_killed_commands_are_swept_and_those_of_living_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, young, living = left(tmp_path, "dead", 3600), left(tmp_path, "young", 1), left(tmp_path, "living", 3600)
    other = tmp_path / "faldone-other"
    other.mkdir()
    with FileLock(living / embedded.ALIVE):
        os.utime(living, (time.time() - 3600,) * 2)
        assert embedded.sweep() == 1
    assert not dead.exists()
    assert young.exists() and living.exists() and other.exists()
    assert embedded.sweep() == 1
    assert not living.exists()
