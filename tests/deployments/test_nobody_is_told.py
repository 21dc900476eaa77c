"""Nobody outside learns that Faldone is used: every name that any of its processes looks up is written down, and must be this machine's."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# in every Python of the command, also in what it forks: the host of each connection and each name that is looked up
WATCH = """
import os, sys
def watch(event, given):
    if event == "socket.getaddrinfo":
        host = given[0]
    elif event == "socket.connect" and isinstance(given[1], tuple):
        host = given[1][0]
    else:
        return
    with open(os.environ["ASKED"], "a") as file:
        file.write(f"{host} {sys.argv[:2]}\\n")
sys.addaudithook(watch)
"""
HERE = {"127.0.0.1", "localhost", "::1", "0.0.0.0", "None", ""}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of all hosts that were asked for; the environment is that of a person's first day."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    for name in ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "DO_NOT_TRACK", "SCARF_NO_ANALYTICS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "watch"))
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.setenv("HOME", str(tmp_path))  # Prefect asks a new user only
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    return tmp_path / "asked"


def on_a_terminal(*line: str) -> tuple[int, str]:
    """Run a command on a terminal of its own; its exit status and what it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(line, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(os.environ)) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # the terminal is gone with the last process that had it
            pass
        finally:
            os.close(ours)
    return process.returncode, shown.decode(errors="replace")


def test_no_command_asks_for_anybody_outside(asked: Path, tmp_path: Path) -> None:
    (tmp_path / "canone.txt").write_text("Il canone del magazzino di Rovigo è di 1.200 euro.")
    faldone = str(Path(sys.executable).parent / "faldone")
    for line in (("index", str(tmp_path / "canone.txt")), ("search", "canone"), ("health",)):
        status, shown = on_a_terminal(faldone, *line)
        assert status in {0, 1}, shown  # health may find this machine wanting
        assert "telemetry" not in shown.lower(), shown
    hosts = {line.split()[0] for line in asked.read_text().splitlines() if line.strip()}
    assert "127.0.0.1" in hosts, "it watches: the command asked its own server"
    assert hosts <= HERE, asked.read_text()
