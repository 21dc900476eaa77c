"""The daemon by itself: a data folder that is removed, a child that cannot be started, a stop while it starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployments import state
from deployments.daemon import __main__ as daemon
from deployments.daemon.children import Child
from deployments.state import Process
from infra.errors import FaldoneError
from infra.settings import load
from tests.prefect_rows import rows_server

ROOT = Path(__file__).resolve().parents[3]
CODE = """
from deployments import state
from deployments.daemon import __main__ as daemon
from deployments.daemon.overview import Overview
state.GONE = daemon.TEND = 0.5
Overview.count_collections = lambda *_: None  # a process that makes the lake, and may just have been started
daemon.main()
"""


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_daemon_whose_data_folder_is_removed_ends_with_one_line_and_makes_no_other() -> None:
    home = Path(load().root)
    with rows_server() as server:
        environment = os.environ | {"FALDONE_HOME": str(home), "PREFECT_API_URL": server.url}
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, "--watch"], env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        try:
            until(lambda: (now := state.read()) and now.state == "ready")
            shutil.rmtree(home)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == state.LOST, "systemd does not start another, which would make it anew"
    assert not home.exists()
    last = [line for line in errors.splitlines() if "ERROR" in line]
    assert len(last) == 1 and f"{home}/platform has been gone" in last[0], errors
    assert "Traceback" not in errors


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> daemon.Daemon:
    """A daemon of a server that is not there, with no process of its own."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    state.folder().mkdir(parents=True)
    platform, _ = daemon.planned(load(), "127.0.0.1", 9, watch_only=True)
    return daemon.Daemon(load(), platform, watch_only=True)


def test_a_folder_that_is_away_for_a_moment_ends_no_platform(
    watching: daemon.Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "GONE", 0.2)
    aside = state.folder().rename(state.folder().with_name("aside"))
    assert not watching.home.gone()
    watching.note("ready")
    assert not state.folder().exists(), "a note makes no other folder"
    aside.rename(state.folder())
    assert not watching.home.gone()
    time.sleep(0.3)
    state.folder().rename(aside)
    assert not watching.home.gone(), "it is counted anew"
    time.sleep(0.3)
    assert watching.home.gone()


def test_a_daemon_gives_way_to_that_of_another_folder_in_its_place(
    watching: daemon.Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("sweep", "call_back"):
        monkeypatch.setattr(watching.tender, step, lambda: None)
    watching.note("ready")
    watching.tend()
    assert not watching.replaced
    shutil.rmtree(state.folder())
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        younger = replace(watching.platform, processes={"daemon": Process.of(other.pid)})
        state.write(younger)
        watching.tend()
        with pytest.raises(FaldoneError, match="another daemon keeps a new one"):
            watching.keep()
        watching.note("failed")
        assert state.read() == younger, "its note stays"
    finally:
        other.kill()
        other.wait()


def test_a_part_that_cannot_be_started_ends_no_platform(
    watching: daemon.Daemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As when a machine has no memory or no process number left for a moment."""
    monkeypatch.setattr(daemon, "INTERVAL", 0.01)
    lost = Child("lost", [str(tmp_path / "nothing")], {}, tmp_path / "lost.log")
    looks: list[int] = []

    def alive() -> bool:
        looks.append(1)
        if len(looks) > 3:
            watching.ending.set()
        return False

    watching.children = {"lost": lost}
    monkeypatch.setattr(lost, "alive", alive)
    for step in ("tend", "housekeeping"):
        monkeypatch.setattr(watching, step, lambda: None)
    monkeypatch.setattr(watching.watch, "look", lambda: None)
    watching.keep()
    assert len(looks) > 3


def test_a_stop_while_it_starts_is_told_as_what_it_is(watching: daemon.Daemon) -> None:
    watching.ending.set()
    with pytest.raises(FaldoneError, match="told to stop while it was starting"):
        watching.start()
