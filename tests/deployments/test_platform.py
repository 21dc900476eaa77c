"""`up` and `down` where something is in the way; as they should be: tests/deployments/test_e2e.py and the drills."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from deployments import platform, state
from deployments.daemon.children import PORT_TAKEN, TAKEN
from deployments.state import Platform, Process
from infra.errors import FaldoneError, TransientError, UsageError
from infra.machine import free_port
from infra.settings import load


@pytest.fixture(autouse=True)
def _no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def note(pid: int, **changes: object) -> Platform:
    place = Platform("http://127.0.0.1:9/api", "http://127.0.0.1:9", "http://127.0.0.1:10", "127.0.0.1", 9)
    return replace(place, **({"state": "ready", "processes": {"daemon": Process.of(pid)}} | changes))  # type: ignore[arg-type]


def program(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this code run in the place of the daemon."""
    file = folder / "program"
    file.write_text(f"#!{sys.executable}\nimport os, sys\nsys.path.insert(0, {os.getcwd()!r})\n{code}\n")
    file.chmod(0o700)
    monkeypatch.setattr(platform, "sys", SimpleNamespace(executable=str(file)))


def test_a_daemon_that_ends_at_once_is_told_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "sys.exit('no room for the database')", monkeypatch)
    with pytest.raises(FaldoneError, match=r"did not start: .*no room for the database"):
        platform.up()


def test_a_daemon_of_which_nothing_is_heard_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, f"sys.exit({TAKEN})", monkeypatch)  # another has the lock, and has written no note yet
    monkeypatch.setattr(platform, "START", 0.03)
    with pytest.raises(TransientError, match="daemon did not start, it"):
        platform.up()


def test_other_ports_are_tried_where_platforms_begin_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = tmp_path / "tried"
    program(
        tmp_path,
        f"open({str(tried)!r}, 'a').write(sys.argv[-1] + '\\n')\nsys.exit('{PORT_TAKEN} this port')",
        monkeypatch,
    )
    with pytest.raises(FaldoneError, match=PORT_TAKEN):
        platform.up()
    assert len(tried.read_text().split()) == platform.TRIES
    with pytest.raises(FaldoneError, match=PORT_TAKEN):
        platform.up(port=free_port())
    assert len(tried.read_text().split()) == platform.TRIES + 1, "a port that was asked for is no other"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(UsageError, match="is in use"):
            platform.up(port=other.getsockname()[1])


def test_a_platform_that_fails_or_never_is_ready_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    state.write(note(os.getpid(), state="failed", message="Redis does not answer"))
    with pytest.raises(FaldoneError, match="did not start: Redis does not answer"):
        platform.up()
    code = "print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None and child.stdout.readline(), "what it does until it waits is not to count"
        monkeypatch.setattr(platform, "START", 0.03)
        state.write(note(child.pid, state="starting"))
        with pytest.raises(TransientError, match="is not ready, its daemon did nothing for"):
            platform.up()
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("deaf", [False, True])
def test_down_waits_for_the_daemon_and_says_when_it_does_not_end(deaf: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import signal, time\nif DEAF: signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code.replace("DEAF", str(deaf))], stdout=subprocess.PIPE)
    threading.Thread(target=child.wait, daemon=True).start()  # else it stays a zombie until somebody asks
    try:
        assert child.stdout is not None and child.stdout.readline()
        state.write(note(child.pid))
        monkeypatch.setattr(platform, "STOP", 0.03)
        if deaf:
            with pytest.raises(TransientError, match="has not stopped, its daemon did nothing for"):
                platform.down()
        else:
            assert platform.down()
            assert not platform.down(), "nothing is left"
    finally:
        child.kill()


def test_what_a_killed_daemon_left_is_stopped_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`down` starts a daemon, which takes over and is told to stop; here it says that it cannot."""
    program(tmp_path, "sys.exit('the server is not ours')", monkeypatch)
    left = {"daemon": Process(os.getpid(), "1", state.here()), "server": Process.of(os.getpid())}
    state.write(note(os.getpid(), processes=left))
    assert platform.chosen_port(state.read(load()), "127.0.0.1", 0) == 9, "the server's, which lives"
    with pytest.raises(FaldoneError, match="the server is not ours"):
        platform.down()
