"""The temporary Prefect server: what a killed command leaves behind is swept, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from filelock import FileLock

from deployments.api import embedded
from infra.errors import TransientError
from infra.machine import free_port


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


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("while True: pass", "it took more than"),
        ("import time; time.sleep(60)", "it did nothing for"),
        ("raise SystemExit('no room')", "exit status 1. no room"),
    ],
)
def test_a_server_is_given_up_by_its_processor_time_and_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    """Not by the clock: on a machine where thirty others work, a start of four seconds of work took longer than the limit."""
    monkeypatch.setattr(embedded, "START", 0.3)
    server = object.__new__(embedded.EmbeddedApi)
    server._home, server.url = tmp_path, f"http://127.0.0.1:{free_port()}/api"
    with (tmp_path / "server.log").open("wb") as log, subprocess.Popen([sys.executable, "-c", code], stderr=log) as it:
        server._process = it
        try:
            with pytest.raises(TransientError, match=f"did not start: {reason}"):
                server.wait()
        finally:
            it.kill()
