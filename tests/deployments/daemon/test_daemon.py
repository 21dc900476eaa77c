"""The daemon by itself: a data folder that is removed, a child that cannot be started, a stop while it starts."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from deployments import state
from deployments.daemon import __main__ as daemon
from deployments.daemon import children, overview
from deployments.daemon.children import PORT_TAKEN, TAKEN, Child
from deployments.daemon.overview import Overview
from deployments.state import Process
from infra.errors import FaldoneError, TransientError
from infra.prefect_api import Api
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
            stored = state.folder() / "prefect" / "storage"  # as Prefect in a job that stores a result
            stored.mkdir(parents=True)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == state.LOST, "systemd does not start another, which would make it anew"
    assert list(state.folder().iterdir()) == [stored.parent]
    last = [line for line in errors.splitlines() if "ERROR" in line]
    assert len(last) == 1 and f"{home}/platform has been gone" in last[0], errors
    assert "Traceback" not in errors


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> daemon.Daemon:
    """A daemon of a server that is not there, with no process of its own."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    state.folder().mkdir(parents=True)
    (state.folder() / state.LOCK).touch()
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


def test_a_watcher_without_a_server_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["daemon", "--watch"])
    before = os.umask(0o077)
    try:
        with pytest.raises(SystemExit, match="--watch: set PREFECT_API_URL"):
            daemon.main()
        with FileLock(state.folder() / "daemon.lock"), pytest.raises(SystemExit) as second:
            daemon.main()
    finally:
        os.umask(before)
    assert second.value.code == TAKEN


def test_its_health_and_metrics_are_those_of_its_parts(watching: daemon.Daemon, tmp_path: Path) -> None:
    assert watching.health()[0] == 503, "it has not begun"
    watching.note("ready")
    assert watching.health() == (200, {"state": "ready", "parts": {"takes_events": True}})
    watching.children = {"lost": Child("lost", [], {}, tmp_path / "lost.log")}
    assert watching.health()[0] == 503
    status, shown = watching.metrics()
    assert status == 200 and b"faldone_problems 0.0" in bytes(shown)  # type: ignore[arg-type]


@pytest.mark.parametrize("wait", [True, False])
def test_a_signal_says_whether_jobs_may_finish(watching: daemon.Daemon, wait: bool) -> None:
    watching.told_to_stop(signal.SIGUSR1 if wait else signal.SIGTERM)
    assert (watching.ending.is_set(), watching.wait_for_jobs) == (True, wait)


def test_a_server_that_ends_or_never_answers_or_is_another_s_is_told(
    watching: daemon.Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "START", 0.03)
    with pytest.raises(TransientError, match="no answer from the Prefect server at"):
        watching._await_server()
    ended = Child("server", [], {}, tmp_path / "server.log")
    ended.log_file.write_text("no such table")
    watching.children = {"server": ended}
    with pytest.raises(TransientError, match="did not start: no such table"):
        watching._await_server()
    with rows_server() as server:
        watching.platform = replace(watching.platform, api=server.url)
        watching.api = Api(server.url)
        server.answers["/admin/version"] = (401, b"{}")
        with pytest.raises(FaldoneError, match=PORT_TAKEN):
            watching._await_server()


def test_a_redis_that_ends_or_refuses_the_password_is_told(
    watching: daemon.Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_server: str
) -> None:
    monkeypatch.setattr(daemon, "START", 0.03)
    child = Child("redis", [], {}, tmp_path / "redis.log", known=Process.of(os.getpid()))
    watching.children = {"redis": child}
    watching.platform = replace(watching.platform, redis_url=redis_server)
    watching._await_redis()
    watching.platform = replace(watching.platform, redis_url="redis://:no@127.0.0.1:9/0")
    with pytest.raises(TransientError, match="starting it"):
        watching._await_redis()
    child.known = None
    with pytest.raises(FaldoneError, match=f"{PORT_TAKEN} Redis' port"):
        watching._await_redis()


def test_a_redis_that_a_killed_daemon_left_is_found_again(watching: daemon.Daemon) -> None:
    here = replace(watching.platform, redis_url="redis://:secret@127.0.0.1:6399/0")
    assert daemon._redis_place(replace(here, processes={"redis": Process.of(os.getpid())})) == ("secret", 6399)
    assert daemon._redis_place(here) != ("secret", 6399), "it has ended"


def test_prefect_s_database_is_copied_before_another_release_of_it_starts(tmp_path: Path) -> None:
    database = tmp_path / "prefect.db"
    with closing(sqlite3.connect(database)) as made:
        made.execute("CREATE TABLE t (n)")
    for _ in range(2):
        daemon.keep_copy(database)
    assert len(list(tmp_path.glob("prefect-before-*"))) == 0
    (tmp_path / "release").write_text("3.0.0")
    daemon.keep_copy(database)
    (copy,) = tmp_path.glob("prefect-before-*")
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]


def test_a_part_that_keeps_ending_is_started_ever_more_rarely_and_its_log_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "LOG_SIZE", 3)
    part = Child("part", [sys.executable, "-c", "print('begun', flush=True)"], {}, tmp_path / "part.log")
    assert part.tail() == ""
    for starts in (1, 2, 2):
        part.ensure()
        assert part.popen is not None and part.popen.wait(20) == 0
        assert part.starts == starts
    assert part.tail() == "begun\n"
    assert (tmp_path / "part.log.1").read_text() == "begun\n"
    part.stop(signal.SIGTERM, 1)  # it has ended


def test_a_part_that_does_not_end_is_killed(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    part = Child("part", [sys.executable, "-c", code], {}, tmp_path / "part.log")
    part.ensure()
    assert not part.ensure(), "it runs"
    until(part.tail)
    part.stop(signal.SIGTERM, 0.2)
    assert not part.alive()


def test_the_server_answers_to_the_names_that_it_is_reached_by(watching: daemon.Daemon) -> None:
    own = children.hosts(replace(watching.platform, ui="https://faldone.example"))
    assert "faldone.example" in own and socket.gethostname() not in own
    everywhere = children.hosts(replace(watching.platform, host="0.0.0.0"))
    assert {"127.0.0.1", socket.gethostname()} <= set(everywhere)


def test_collections_that_cannot_be_counted_are_told_and_counted_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Overview()
    ran: list[str] = []

    def stands_in(code: str) -> None:
        monkeypatch.setattr(overview, "sys", SimpleNamespace(executable="/usr/bin/env"))
        monkeypatch.setattr(
            overview,
            "subprocess",
            SimpleNamespace(
                run=lambda command, **more: ran.append(code) or subprocess.run([sys.executable, "-c", code], **more),
                TimeoutExpired=subprocess.TimeoutExpired,
            ),
        )

    stands_in("raise SystemExit('the disk is away')")
    with pytest.raises(TransientError, match="could not be counted: the disk is away"):
        seen.count_collections(os.environ, 60)
    stands_in("print('[]')")
    seen.count_collections(os.environ, 60)
    assert len(ran) == 1, "it was looked at just now"
    seen.count_collections(os.environ, 0)
    assert seen.collections == []
    monkeypatch.setattr(overview, "COUNTING", 0.1)
    stands_in("import time; time.sleep(9)")
    with pytest.raises(TransientError, match="could not be counted within"):
        seen.count_collections(os.environ, 0)


def test_one_look_that_fails_keeps_none_of_the_others_from_being_taken(
    watching: daemon.Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Overview, "count_collections", lambda *_: None)
    cron = {"active": True, "schedule": {"cron": "0 2 * * *"}}
    with rows_server() as server:
        watching.watch.api = Api(server.url)
        server.rows["/deployments/filter"] = [{"id": "1", "name": "daily", "flow_id": "f", "schedules": [cron]}]
        server.rows["/flows/filter"] = [{"id": "f", "name": "backup"}]
        waits = {"work_queue_name": "indexing", "expected_start_time": "2026-03-28T00:00:00Z", "labels": {}, "tags": []}
        ended = {"name": "x", "state": {"type": "SCHEDULED", "name": "Scheduled"}, "id": "r", "deployment_id": "1"}
        server.rows["/flow_runs/filter"] = [waits | ended | {"end_time": "2026-03-28T00:00:00Z"}]
        server.answers["/work_pools/filter"] = (500, b"{}")
        watching.watch.look()
    assert set(watching.watch.store.open) >= {"age:indexing"}
    assert watching.watch.seen.deployments[0]["name"] == "backup/daily"
