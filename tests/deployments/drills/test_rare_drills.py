"""Drills that take long or a whole disk, and so run only when asked for: FALDONE_TEST_LONG=1 pytest tests/deployments/drills.

A disk that is full, a machine that slept, a server that hangs, five hundred submits at once: docs/platform.md has the outcomes.
"""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deployments import jobs, platform
from deployments.api import address
from deployments.jobs import JobState
from infra.errors import FaldoneError
from tests.deployments.drills.test_drills import LONG, at_work, finished, known, launcher, let_finish, nothing_open
from tests.deployments.running import PATIENCE, ours, running, submit, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(3_000),
    pytest.mark.skipif(not os.environ.get("FALDONE_TEST_LONG"), reason="takes minutes and a disk: FALDONE_TEST_LONG=1"),
]

DISK = 256 * 2**20  # B: Prefect's database, its start's logs and Redis take about 20 MB
LONGER_THAN_A_LEASE = 25  # s; a lease is 10 s here
SUBMITS = 500
AT_ONCE = 20


@pytest.fixture(autouse=True)
def _own_home() -> None:
    """Instead of the fixture of this name that gives each test a data folder: these share the platform's."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running platform whose data folder is all there is on a small disk."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this account may not mount a file system")
    try:
        with running(folder, {}) as work:
            yield work
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the jobs' traces that is on another disk."""
    return tmp_path_factory.mktemp("traces")


def fill(file: Path) -> int:
    """Write until the disk is full; how many bytes went in."""
    written = 0
    with file.open("wb", buffering=0) as out:
        for size in (2**20, 2**12, 1):
            try:
                while True:
                    written += out.write(b"x" * size)
            except OSError:
                continue
    return written


def steps_of(traces: Path, name: str) -> int:
    """How many steps a job has taken."""
    file = traces / f"{name}.done"
    return int(file.read_text()) if file.is_file() else 0


def test_a_full_disk_ends_no_job_and_what_cannot_be_taken_is_refused(disk: Path, traces: Path) -> None:
    job = at_work(traces, "trial", "full", **LONG)
    until(lambda: steps_of(traces, "full"), "a step is done")
    assert fill(disk / "ballast") > 2**20
    before, begin = steps_of(traces, "full"), time.monotonic()
    refused = []
    while time.monotonic() - begin < LONGER_THAN_A_LEASE:
        try:
            submit(traces, "trial", "refused", steps=1)
        except FaldoneError as error:
            refused.append(str(error))
        time.sleep(2)
    assert steps_of(traces, "full") > before, "the job went on"
    (disk / "ballast").unlink()
    until(lambda: platform.status()["status"] == "running", "the platform is well again")
    until(lambda: not submit_fails(traces), "jobs are taken again")
    assert jobs.status(job).attempt == 1
    let_finish(traces, "full")
    assert jobs.wait(job, PATIENCE).state is JobState.SUCCESS
    assert finished(traces, "full") == ["1"]
    nothing_open([job])
    assert all("Traceback" not in one for one in refused), refused


def submit_fails(traces: Path) -> bool:
    """Whether a job is refused; one that was taken must end well."""
    try:
        job = submit(traces, "alone", "after", steps=1)
    except FaldoneError:
        return True
    return jobs.wait(job, PATIENCE).state is not JobState.SUCCESS


def test_a_machine_that_slept_and_a_server_that_hung_lose_no_job(disk: Path, traces: Path) -> None:
    job = at_work(traces, "trial", "sleeper", **LONG)
    everybody = [one for one in psutil.process_iter() if ours(one, disk)]
    for one in everybody:
        one.suspend()
    time.sleep(LONGER_THAN_A_LEASE)
    for one in everybody:
        one.resume()
    server = known().processes["server"]
    os.kill(server.pid, signal.SIGSTOP)
    time.sleep(LONGER_THAN_A_LEASE)
    os.kill(server.pid, signal.SIGCONT)
    until(lambda: platform.status()["status"] == "running", "the platform is well again")
    before = steps_of(traces, "sleeper")
    until(lambda: steps_of(traces, "sleeper") > before, "the job goes on")
    time.sleep(LONGER_THAN_A_LEASE)  # for whoever would now take it for dead
    assert (jobs.status(job).attempt, jobs.status(job).state) == (1, JobState.PROGRESS)
    let_finish(traces, "sleeper")
    assert jobs.wait(job, PATIENCE).state is JobState.SUCCESS
    assert finished(traces, "sleeper") == ["1"]
    nothing_open([job])


def test_five_hundred_submits_at_once_are_five_hundred_jobs(disk: Path, traces: Path) -> None:
    api = address.connect()
    queue = "/work_pools/faldone/queues/indexing"
    api.ask("PATCH", queue, {"is_paused": True})
    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as clients:
            ids = list(clients.map(lambda number: submit(traces, "trial", f"many{number}"), range(SUBMITS)))
        assert len(set(ids)) == SUBMITS
        assert {one.job_id for one in jobs.waiting("indexing")} >= set(ids)
        kept = ids[::100]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as clients:
            gone = list(clients.map(lambda job: jobs.cancel(job).state, [one for one in ids if one not in kept]))
    finally:
        api.ask("PATCH", queue, {"is_paused": False})
    assert set(gone) == {JobState.REVOKED}
    assert jobs.wait_all(kept, PATIENCE).successful == len(kept)
    assert [finished(traces, f"many{ids.index(job)}") for job in kept] == [["1"]] * len(kept)
    assert not [one for one in ids if one not in kept and (traces / f"many{ids.index(one)}.attempts").exists()]
    nothing_open(ids[:200])
    slots = {"alone": 1, "trial": 6}
    assert jobs.wait_all(
        [submit(traces, kind, f"slot-{kind}-{number}") for kind in slots for number in range(slots[kind])], PATIENCE
    ).successful == sum(slots.values()), "no slot has leaked"


def test_a_launcher_may_be_killed_at_any_moment_of_a_job_s_beginning(disk: Path, traces: Path) -> None:
    """Before its runner is there, while that takes the job up, while the engine loads: the job runs to its end once."""
    moments = [0.0, 0.3, 0.6, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0]  # s
    for start in range(0, len(moments), 4):
        batch = {f"killed-after-{moment}": moment for moment in moments[start : start + 4]}
        ids = {name: submit(traces, "trial", name, steps=2) for name in batch}
        begin: dict[str, float] = {}
        left = dict(batch)
        while left:
            for name in list(left):
                if process := launcher(ids[name]):
                    if time.monotonic() - begin.setdefault(name, time.monotonic()) >= left[name]:
                        process.kill()
                        del left[name]
                elif name in begin:
                    del left[name]  # it has ended already
            time.sleep(0.05)
        for name, job in ids.items():
            until(lambda job=job: jobs.status(job).state is JobState.SUCCESS, f"{name}: {jobs.status(job)}")
            assert len(finished(traces, name)) == 1, name
        nothing_open(list(ids.values()))
