"""The platform as it is: one real server, worker and keeper for all of these tests, driven through the job service."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from deployments import jobs, platform, state
from deployments.api import rest
from deployments.api.rest import Ask, Talk
from deployments.api.talks import JobFailed, JobNotFinished
from deployments.jobs import JobState
from deployments.kinds import KINDS, Kind
from infra import limits
from infra.errors import UsageError
from infra.settings import load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # s for one job on a busy machine; a quiet one needs 5

KINDS_OF_THE_TEST = {
    "trial": Kind("trial/trial", "indexing"),
    "short": Kind("trial/short", "training"),
    "ticking": Kind("trial/ticking", "maintenance"),
}


def deployments(folder: Path) -> dict[str, Any]:
    """A `prefect.yaml` with the test's flow in several queues, once with a schedule."""
    common = {"entrypoint": "tests.deployments.trial.trial", "parameters": {"name": "tick", "folder": str(folder)}}
    queues = {"trial": "indexing", "short": "training", "ticking": "maintenance"}
    rows = [
        common | {"name": name, "tags": [name], "work_pool": {"name": "faldone", "work_queue_name": queue}}
        for name, queue in queues.items()
    ]
    rows[2]["schedules"] = [{"interval": 60, "slug": "tick", "active": True}]
    rows.append({
        "name": "documents", "entrypoint": "flows.index.index", "tags": ["index"],
        "work_pool": {"name": "faldone", "work_queue_name": "indexing"},
    })  # fmt: skip
    return {"name": "faldone", "prefect-version": "3.8.8", "pull": [], "deployments": rows}


@pytest.fixture(autouse=True)
def _own_home() -> None:
    """Instead of the fixture of this name that gives each test a data folder: these share the platform's."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running platform; the folder in which the test's jobs leave their traces."""
    folder = tmp_path_factory.mktemp("platform")
    numbers = limits.load().model_dump()
    numbers["pool"]["slots"] = 6
    numbers["time"] |= {"heartbeat": 0.5, "lease": 5, "poll": 1, "stop_grace": 5, "cancel_grace": 3}
    numbers["queues"]["training"] |= {"slots": 0, "soft": 4, "hard": 8}
    (folder / "limits.yaml").write_text(yaml.safe_dump(numbers))
    (folder / "prefect.yaml").write_text(yaml.safe_dump(deployments(folder)))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PREFECT_", "FALDONE_"))]:
            patch.delenv(name)
        patch.setenv("FALDONE_HOME", str(folder / "home"))
        patch.setenv("FALDONE_LIMITS_FILE", str(folder / "limits.yaml"))
        patch.setenv("FALDONE_PREFECT_FILE", str(folder / "prefect.yaml"))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("PREFECT_HOME", str(folder / "nobody"))  # the developer's own profile does not count
        for name, kind in KINDS_OF_THE_TEST.items():
            patch.setitem(KINDS, name, kind)
        platform.up(port=0)
        try:
            yield folder
        finally:
            platform.down()
            assert not [one for one in psutil.process_iter() if _ours(one, folder)], "something was left running"


def _ours(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.pid != os.getpid() and process.environ().get("FALDONE_HOME") == str(folder / "home")
    return False


def submit(work: Path, kind: str, name: str, priority: limits.Priority = "normal", **parameters: Any) -> str:
    """Hand in the test's flow; the job's id."""
    return jobs.submit(kind, {"name": name, "folder": str(work)} | parameters, priority).job_id


def until(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first value that counts as true."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.2)
    return value


def begun(work: Path, name: str) -> list[float]:
    """When the attempts of a job began."""
    file = work / f"{name}.attempts"
    return [float(line) for line in file.read_text().splitlines()] if file.is_file() else []


def test_jobs_progress_finish_retry_and_survive_the_death_of_their_process(work: Path) -> None:
    plain = submit(work, "trial", "plain", steps=20, seconds=0.25)
    flaky = submit(work, "trial", "flaky", fail_first=1)
    dying = submit(work, "trial", "dying", steps=3, seconds=0.1, die_first=1)
    with pytest.raises(JobNotFinished):
        jobs.result(plain)

    seen: list[jobs.JobStatus] = []
    until(lambda: seen.append(jobs.status(plain)) or seen[-1].state.final)
    counting = [one for one in seen if one.state is JobState.PROGRESS and one.stage == "count"]
    assert counting, [one.state for one in seen]
    assert [one.progress for one in counting] == sorted(one.progress for one in counting), [
        (one.progress, one.current, one.attempt, one.current_item) for one in counting
    ]
    assert counting[-1].total == 20
    assert any(one.current_item.startswith("step-") for one in counting)
    assert seen[-1].state is JobState.SUCCESS
    assert seen[-1].progress == 100
    assert jobs.result(plain)["attempts"] == 1

    assert jobs.wait(flaky, PATIENCE).state is JobState.SUCCESS
    first, second = begun(work, "flaky")
    assert 4 <= second - first < 40, "the second attempt comes after a pause"
    assert jobs.status(flaky).attempt == 2
    assert any("the service is away" in row["message"] for row in jobs.logs(flaky))

    assert jobs.wait(dying, PATIENCE).state is JobState.SUCCESS
    assert jobs.result(dying)["attempts"] == 2


def test_cancelling_ends_every_process_of_a_job_within_ten_seconds(work: Path) -> None:
    job = submit(work, "trial", "deaf", seconds=600, deaf=True)
    until(lambda: begun(work, "deaf") and _sleepers(work))
    begin = time.monotonic()
    assert jobs.cancel(job).state is JobState.REVOKED
    until(lambda: not _sleepers(work), 10)
    assert time.monotonic() - begin < 10
    assert not jobs.wait(job, 30).cancelling
    assert jobs.cancel(job).state is JobState.REVOKED, "cancelling again changes nothing"
    with pytest.raises(JobFailed, match="REVOKED"):
        jobs.result(job)


def _sleepers(work: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if "time.sleep(600)" in " ".join(process.cmdline()) and _ours(process, work):
                found.append(process)
    return found


def test_time_limits_stop_and_then_kill(work: Path) -> None:
    soft = submit(work, "short", "soft", steps=600, seconds=0.2)
    hard = submit(work, "short", "hard", seconds=600, deaf=True)
    ended = jobs.wait(soft, PATIENCE)
    assert ended.state is JobState.FAILURE
    assert "soft limit of 4 s" in str(ended.error)
    ended = jobs.wait(hard, PATIENCE)
    assert ended.state is JobState.FAILURE
    assert "hard limit of 8 s" in str(ended.error)
    assert begun(work, "hard")[0] - begun(work, "soft")[0] < 60


def test_a_high_job_overtakes_waiting_low_ones_and_purge_takes_only_those_that_wait(work: Path) -> None:
    rest.run(_slots(1))
    try:
        running = submit(work, "trial", "first", steps=40, seconds=0.25)
        until(lambda: begun(work, "first"))
        low = [submit(work, "trial", f"low{number}", "low") for number in range(3)]
        high = submit(work, "trial", "high", "high")
        assert {one.job_id for one in jobs.waiting("indexing-low")} == set(low)
        assert {one.job_id for one in jobs.active()} >= {running}
        assert jobs.wait(running, PATIENCE).state is JobState.SUCCESS
        assert jobs.wait(high, PATIENCE).state is JobState.SUCCESS
        assert jobs.purge("indexing-low") >= 2
        group = jobs.wait_all(low, PATIENCE)
    finally:
        rest.run(_slots(6))
    assert group.revoked >= 2
    assert group.successful + group.revoked == 3
    assert all(begun(work, "high")[0] < began for number in range(3) for began in begun(work, f"low{number}"))
    assert "purged" in next(one.error or "" for one in group.jobs if one.state is JobState.REVOKED)


def _slots(number: int) -> Talk[None]:
    yield Ask("PATCH", "/work_pools/faldone", {"concurrency_limit": number})


def test_a_job_outlives_its_worker_and_a_dead_job_is_found_by_its_lease(work: Path) -> None:
    living = submit(work, "trial", "living", steps=50, seconds=0.2)
    lost = submit(work, "trial", "lost", steps=20, seconds=0.2)
    until(lambda: begun(work, "living") and begun(work, "lost"))
    known = state.read(load())
    assert known is not None
    os.kill(known.processes["worker"].pid, signal.SIGKILL)
    for process in psutil.process_iter():  # the supervisor of one job, too: nobody can tell Prefect
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if (
                "deployments.worker.supervise" in process.cmdline()
                and process.environ()["PREFECT__FLOW_RUN_ID"] == lost
            ):
                process.kill()
    assert jobs.wait(living, PATIENCE).attempt == 1
    assert jobs.result(living)["attempts"] == 1
    assert jobs.wait(lost, PATIENCE).state is JobState.SUCCESS
    assert jobs.result(lost)["attempts"] == 2
    until(lambda: (now := state.read(load())) and now.alive("worker"))


def test_ids_that_never_were_are_no_longer_kept_or_make_no_sense_are_told_apart(work: Path) -> None:
    job = submit(work, "trial", "forgotten")
    assert jobs.wait(job, PATIENCE).state is JobState.SUCCESS
    rest.run(_forget(job))
    with pytest.raises(jobs.ExpiredJob):
        jobs.status(job)
    with pytest.raises(jobs.UnknownJob):
        jobs.status("0" * 8 + "-0000-4000-8000-" + "0" * 12)
    with pytest.raises(jobs.UnknownJob):
        jobs.result("nonsense")


def _forget(job_id: str) -> Talk[None]:
    yield Ask("DELETE", f"/flow_runs/{job_id}")


def test_the_same_key_gives_the_same_job_and_wrong_parameters_are_refused_at_once(work: Path) -> None:
    values = {"name": "keyed", "folder": str(work)}
    assert jobs.submit("trial", values, key="k1").job_id == jobs.submit("trial", values, key="k1").job_id
    with pytest.raises(UsageError, match="steps"):
        jobs.submit("trial", values | {"steps": "many"})
    with pytest.raises(UsageError, match="no kind of job"):
        jobs.submit("nothing")


def test_a_schedule_fires(work: Path) -> None:
    until(lambda: begun(work, "tick"))


def test_up_again_changes_nothing(work: Path) -> None:
    before = state.read(load())
    assert platform.up() == before
    assert platform.status()["status"] == "running"


def test_the_web_application_of_the_manual_takes_an_upload_and_tells_how_it_goes(work: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "docs" / "examples"), "fastapi_upload:app"]
    server = subprocess.Popen([*command, "--port", str(port), "--log-level", "error"], cwd=work)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as web:
            until(lambda: _answers(web))
            answer = web.put(
                "/documents/nota.txt", content="La riunione è lunedì alle nove.".encode(), params={"collection": "web"}
            )
            assert answer.status_code == 202, answer.text
            job = answer.json()
            until(lambda: web.get(job["status"]).json()["state"] == "SUCCESS")
            assert web.get(f"{job['status']}/result").json()["documents"]["indexed"] == 1
            times = []
            for _ in range(10):
                begin = time.perf_counter()
                more = web.put("/documents/nota.txt", content=b"x" * 200_000)
                times.append(time.perf_counter() - begin)
                web.delete(more.json()["status"])
            assert statistics.median(times) < 0.5, times
            assert web.get("/jobs/00000000-0000-4000-8000-000000000000").status_code == 404
            assert web.get(f"{more.json()['status']}/result").status_code == 409
            assert web.put("/documents/nota.txt", content=b"x", params={"collection": "NOT/valid"}).status_code == 422
    finally:
        server.terminate()
        server.wait(20)


def _answers(web: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return web.get("/docs").status_code == 200
    return False
