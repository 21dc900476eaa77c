"""Drills: what happens to running jobs when parts of the platform end, in every way in which they may.

Each ends with every job in the right state exactly once, no open task run, no taken slot. docs/platform.md has the table of outcomes.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deployments import jobs, platform, state
from deployments.api import address
from deployments.daemon import stopping
from deployments.jobs import JobState
from deployments.state import Platform
from deployments.worker import life
from infra import limits
from infra.settings import load
from tests.deployments.running import PATIENCE, begun, ours, running, submit, until
from tests.deployments.running import runner as runner_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1_200)]

LONG = {"steps": 2_000, "seconds": 0.1, "remember": True}  # longer than any drill; ends when told


@pytest.fixture(autouse=True)
def _own_home() -> None:
    """Instead of the fixture of this name that gives each test a data folder: these share the platform's."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running platform; the folder in which the test's jobs leave their traces."""
    with running(tmp_path_factory.mktemp("drills"), {"training": {"slots": 0, "soft": 600, "hard": 3}}) as folder:
        yield folder


def known() -> Platform:
    """The note of the platform that runs."""
    found = state.read(load())
    assert found is not None
    return found


def at_work(work: Path, kind: str, name: str, **parameters: object) -> str:
    """A job that has begun; its id."""
    job = submit(work, kind, name, **parameters)
    until(lambda: begun(work, name), f"{name} has begun")
    return job


def let_finish(work: Path, name: str) -> None:
    """Have a long job end at its next step."""
    (work / f"{name}.enough").touch()


def replaced(name: str, number: int) -> None:
    """End a part of the platform and wait for another in its place."""
    before = known().processes[name]
    os.kill(before.pid, number)
    until(lambda: known().alive(name) and known().processes[name] != before, f"another {name}")


def finished(work: Path, name: str) -> list[str]:
    """The attempts of a job that came to its end."""
    file = work / f"{name}.finished"
    return file.read_text().split() if file.is_file() else []


def nothing_open(job_ids: list[str]) -> None:
    """No task run of ended jobs is open."""
    open_ = {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}
    query = {"task_runs": open_, "flow_runs": {"id": {"any_": job_ids}}}
    until(lambda: not address.connect().ask("POST", "/task_runs/filter", query), "no open task run")


def launcher(job_id: str) -> psutil.Process | None:
    """The process that a worker has started for a job."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            of_job = process.environ().get("PREFECT__FLOW_RUN_ID") == job_id
            if of_job and process.cmdline()[1:] == ["-m", "deployments.worker.launch"]:
                return process
    return None


def test_a_job_whose_launcher_is_killed_before_it_is_taken_up_runs_once(work: Path) -> None:
    """Its worker calls it crashed for good."""
    job = submit(work, "trial", "no-launcher", steps=2)
    until(lambda: launcher(job), "its launcher").kill()
    ended = jobs.wait_all([job], PATIENCE).jobs[0]
    until(lambda: jobs.status(job).state is JobState.SUCCESS, f"another attempt after {ended.error}")
    assert len(finished(work, "no-launcher")) == 1
    nothing_open([job])


def test_whatever_part_ends_no_job_is_lost_or_runs_twice(work: Path) -> None:
    survivor = submit(work, "trial", "survivor", **LONG)
    no_runner = submit(work, "alone", "no-runner", steps=2, seconds=0.2, in_task=True, wait_first=True)
    no_engine = submit(work, "trial", "no-engine", steps=2, seconds=0.2, wait_first=True)
    usurped = submit(work, "trial", "usurped", steps=2, seconds=0.2, wait_first=True)
    hung = submit(work, "short", "hung", seconds=600, deaf=True)
    names = ("survivor", "no-runner", "no-engine", "usurped")
    until(lambda: all(begun(work, name) for name in names), "all are at work")
    runner_of(no_runner).kill()  # its worker lives, and must not call the job crashed
    engine = next(one for one in runner_of(no_engine).children() if "deployments.worker.engine" in one.cmdline())
    engine.kill()
    loser = runner_of(usurped)
    life.say(address.connect(), usurped, owner="another")  # as a second runner of the same job would
    loser.wait(PATIENCE)  # the first one sees it and ends, and says nothing
    for number in (signal.SIGTERM, signal.SIGKILL):
        replaced("worker", number)
    replaced("server", signal.SIGKILL)
    if "redis" in known().processes:
        replaced("redis", signal.SIGKILL)

    os.kill(known().processes["daemon"].pid, signal.SIGKILL)
    until(lambda: not known().alive("daemon"), "the daemon has ended")
    for file in ("platform.json", "alerts.json", "totals.json", "quarantine.json"):
        (state.folder(load()) / file).write_text('{"half a')
    with concurrent.futures.ThreadPoolExecutor(2) as both:  # two `up` at once, that know nothing of what runs
        ups = [both.submit(platform.up, "127.0.0.1", 0) for _ in range(2)]
        assert ups[0].result() == ups[1].result()

    ended = jobs.wait_all([no_runner, no_engine, usurped], PATIENCE)
    assert [(one.state, one.attempt) for one in ended.jobs] == [(JobState.SUCCESS, 2)] * 3
    assert finished(work, "no-runner") == finished(work, "no-engine") == finished(work, "usurped") == ["2"]
    killed = jobs.wait(hung, PATIENCE)
    assert killed.state is JobState.FAILURE
    assert "hard limit" in str(killed.error)
    assert jobs.status(survivor).state is JobState.PROGRESS, "it was touched by nothing"
    let_finish(work, "survivor")
    assert jobs.wait(survivor, PATIENCE).attempt == 1
    assert finished(work, "survivor") == ["1"]
    nothing_open([no_runner, no_engine, usurped, hung, survivor])
    assert jobs.wait(submit(work, "alone", "next"), PATIENCE).state is JobState.SUCCESS, "no slot has leaked"
    assert not [
        one for one in psutil.process_iter() if "time.sleep(600)" in " ".join(_cmdline(one)) and ours(one, work)
    ]


def _cmdline(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.cmdline()
    return []


def test_a_daemon_of_another_machine_takes_no_healthy_job_away_and_finds_a_dead_one(work: Path) -> None:
    """Another data folder, host name and process namespace at the same server: nothing can be told by process numbers there."""
    unshare = ["unshare", "--uts", "--pid", "--fork", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("this machine allows no other namespaces")
    healthy = at_work(work, "trial", "healthy", **LONG)
    place, other = known(), work / "other"
    environment = os.environ | {"FALDONE_HOME": str(other), "PREFECT_API_URL": place.api, "FALDONE_DAEMON_PORT": "0"}
    environment |= {"PREFECT_API_AUTH_STRING": place.auth}
    command = [*unshare, "bash", "-c", 'hostname elsewhere; exec "$0" -m deployments.daemon --watch', sys.executable]
    daemon = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        until(lambda: (found := state.read_file(other / "platform" / "platform.json")) and found.state == "ready")
        doomed = at_work(work, "trial", "doomed", steps=2, seconds=0.1, wait_first=True)
        os.kill(place.processes["daemon"].pid, signal.SIGSTOP)  # so that only the other one can find it
        runner_of(doomed).kill()
        ended = jobs.wait(doomed, PATIENCE)
    finally:
        os.kill(place.processes["daemon"].pid, signal.SIGCONT)
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()
    assert (ended.state, ended.attempt) == (JobState.SUCCESS, 2)
    assert finished(work, "doomed") == ["2"]
    assert jobs.status(healthy).attempt == 1
    let_finish(work, "healthy")
    assert jobs.wait(healthy, PATIENCE).state is JobState.SUCCESS
    assert finished(work, "healthy") == ["1"]


def test_down_loses_no_job_and_uses_up_no_try(work: Path) -> None:
    stopped = at_work(work, "trial", "stopped", **LONG)
    waiting = [submit(work, "trial", f"waiting{number}", "low", steps=1) for number in range(3)]
    done = work / "stopped.done"
    steps = int(until(lambda: done.is_file() and done.read_text(), "a step is done"))
    platform.down()
    rows = _states([stopped, *waiting])
    assert rows[stopped] == ("SCHEDULED", "AwaitingRetry")
    assert {kind for kind, _ in rows.values()} <= {"SCHEDULED", "COMPLETED"}, "nothing is left running"
    platform.up()
    until(lambda: len(begun(work, "stopped")) == 2, "the job goes on")
    assert life.claim(life.lookup(address.connect(), stopped)).failures == 0
    assert int((work / "stopped.done").read_text()) >= steps
    assert jobs.wait_all(waiting, PATIENCE).successful == 3

    let_finish(work, "stopped")
    let_go = at_work(work, "trial", "let-go", **LONG)
    slow = runner_of(let_go)
    slow.suspend()  # its job ends, and it has not yet said so
    let_finish(work, "let-go")
    try:
        until(lambda: jobs.status(let_go).state is JobState.SUCCESS, "the job has ended")
        running_here, _ = stopping.jobs_here(address.connect(), limits.load())
    finally:
        slow.resume()
    assert slow.pid in {one.pid for one in running_here}, "`down` waits for the runner, not for the state alone"
    last = at_work(work, "trial", "last", steps=20, seconds=0.2)
    begin = time.monotonic()
    platform.down(wait=True)
    rows = _states([stopped, let_go, last])
    assert set(rows.values()) == {("COMPLETED", "Completed")}, f"after {time.monotonic() - begin:.0f} s"
    assert finished(work, "let-go") == ["1"]
    assert finished(work, "last") == ["1"]
    assert finished(work, "stopped") == ["2"]
    until(lambda: not [one for one in psutil.process_iter() if ours(one, work)], "every process has ended", seconds=30)


def _states(job_ids: list[str]) -> dict[str, tuple[str, str]]:
    """State type and name of jobs in the database of a platform that is down; no task run may be open."""
    file = state.folder(load()) / "prefect" / "prefect.db"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT id, state_type, state_name FROM flow_run").fetchall()
        open_ = database.execute("SELECT count(*) FROM task_run WHERE state_type IN ('RUNNING', 'PENDING')").fetchone()
    assert open_ == (0,)
    return {row[0]: (row[1], row[2]) for row in rows if row[0] in job_ids}
