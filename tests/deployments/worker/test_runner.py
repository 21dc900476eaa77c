"""The runner of a job: taking it up; a data folder or a server that is away."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments import state
from deployments.api.status import SLOT_LOST
from deployments.worker import runner
from infra import limits, stop
from infra.errors import TransientError
from infra.prefect_api import Api
from tests.prefect_rows import Server, serve_rows

ID = "0b5e0f4e-0000-4000-8000-000000000000"


class Sleeper(runner.Runner):
    """A runner whose engine is a process that sleeps."""

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that knows the job of these tests, and says of none who works at it."""
    yield from serve_rows()


def says(server: Server, state_type: str = "RUNNING", **labels: object) -> None:
    """Have the server know the job in a state, with these labels."""
    known = {f"faldone.{name}": value for name, value in labels.items()}
    said = {"type": state_type}
    if state_type == "LOST":
        said = {"type": "CANCELLED", "message": f"{SLOT_LOST} during provisioning"}
    run = {"id": ID, "state": said, "work_queue_name": "indexing", "tags": ["index"], "labels": known}
    server.answers[f"/flow_runs/{ID}"] = (200, json.dumps(run | {"name": "index"}).encode())


def away(server: Server) -> None:
    """Have the server answer as one that is starting, or whose database is gone."""
    for path in (f"/flow_runs/{ID}", f"/flow_runs/{ID}/labels"):
        server.answers[path] = (500, b"{}")


@pytest.fixture
def at_work(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[runner.Runner]:
    """A job that works, in a platform with a folder, whose absence is noticed at once."""
    for name, value in {"LOOK": 0.05, "PROGRESS": 0.05}.items():
        monkeypatch.setattr(runner, name, value)
    monkeypatch.setattr(state, "GONE", 0.2)
    monkeypatch.setattr(
        runner, "kill_descendants", lambda: None
    )  # those of this process are other tests' parsers and Redis
    state.folder().mkdir(parents=True)
    (state.folder() / state.LOCK).touch()
    numbers = limits.load()
    job = runner.Job(ID, "index", 0, numbers.queues["indexing"], numbers.time)
    says(server, owner=job.owner)
    found = Sleeper(Api(server.url, timeout=1), job)
    try:
        yield found
    finally:
        found.engine.kill()
        found.engine.wait()


def work(it: runner.Runner, seconds: float) -> None:
    """Have the runner look for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and it.terminated is None:
        it.step()
        time.sleep(0.02)


def test_a_runner_without_its_folder_and_its_server_ends_with_one_line(
    at_work: runner.Runner, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    (state.folder() / state.LOCK).unlink()  # and Prefect may have made the folder anew, to store a result
    away(server)
    thread = threading.Thread(target=at_work.run, daemon=True)
    thread.start()
    thread.join(40)
    assert not thread.is_alive(), "it outlives its platform"
    assert at_work.engine.poll() is not None
    said = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert said == [f"job {ID}: the platform's folder is gone and no server answers: it ends untold"]


def test_a_folder_that_is_away_ends_no_job_of_a_server_that_answers(at_work: runner.Runner) -> None:
    aside = state.folder().rename(state.folder().with_name("aside"))
    work(at_work, 0.6)
    assert at_work.terminated is None
    aside.rename(state.folder())
    work(at_work, 0.2)
    assert at_work.terminated is None


def test_a_server_that_is_away_ends_no_job_whose_folder_is_there(at_work: runner.Runner, server: Server) -> None:
    away(server)
    work(at_work, 0.6)
    assert at_work.terminated is None


def test_a_job_waits_for_limits_that_can_be_read_and_loses_no_try(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("queues: {indexing: {slots: many}}")
    monkeypatch.setenv("FALDONE_LIMITS_FILE", str(file))
    says(server, "PENDING", failures=1)
    server.answers[f"/flow_runs/{ID}/set_state"] = (200, b'{"status": "ACCEPT"}')
    assert runner.taken_up(Api(server.url), ID) is None
    asked = {path.rpartition("/")[2]: body for method, path, body in server.asked if method != "GET"}
    state_ = asked["set_state"]["state"]
    assert state_["name"] == "AwaitingRetry"
    assert str(file) in state_["message"]
    assert asked["labels"]["faldone.failures"] == 1


def test_a_server_that_restarts_as_a_job_begins_costs_no_try(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "AGAIN", 0.01)
    says(server, "COMPLETED")
    answer = server.answers.pop(f"/flow_runs/{ID}")
    away(server)
    threading.Timer(0.3, lambda: server.answers.update({f"/flow_runs/{ID}": answer})).start()
    assert runner.taken_up(Api(server.url), ID) is None, "it has ended meanwhile"


def test_a_temporary_folder_that_is_swept_or_full_ends_no_runner(at_work: runner.Runner) -> None:
    """`systemd-tmpfiles` removes what was not touched for ten days."""
    shutil.rmtree(at_work.folder)
    at_work.signals.append(signal.SIGUSR1)
    at_work.step()
    assert at_work.reason == "resume"
    at_work.terminate("cancel")
    at_work.step()
    assert at_work.read("outcome.json") == {}


SECONDS = {"soft": 60.0, "hard": 60.0, "stop_grace": 60.0, "cancel_grace": 60.0}


def limited(it: runner.Runner, **seconds: float) -> None:
    """Give a job these limits; it has begun."""
    given = SECONDS | seconds
    queue = it.job.queue.model_copy(update={name: given[name] for name in ("soft", "hard")})
    times = it.job.times.model_copy(update={name: given[name] for name in ("stop_grace", "cancel_grace")})
    it.job = dataclasses.replace(it.job, queue=queue, times=times)
    (it.folder / stop.BEGUN).write_text("{}")


@pytest.mark.parametrize(
    ("seconds", "signals", "state_type", "reason", "killed"),
    [
        ({"soft": 0.05}, [], "RUNNING", "soft", False),
        ({"soft": 0.05, "hard": 0.1}, [], "RUNNING", "hard", True),
        ({}, [signal.SIGUSR1], "RUNNING", "resume", False),
        ({"stop_grace": 0.05}, [signal.SIGUSR1, signal.SIGUSR1], "RUNNING", "resume", True),
        ({}, [signal.SIGTERM], "RUNNING", "resume", False),
        ({"cancel_grace": 0.05}, [signal.SIGTERM], "CANCELLING", "cancel", True),
        ({}, [], "CANCELLED", "cancel", False),
    ],
)
def test_a_job_is_asked_to_stop_and_killed_when_it_does_not(
    at_work: runner.Runner,
    server: Server,
    seconds: dict[str, float],
    signals: list[int],
    state_type: str,
    reason: str,
    killed: bool,
) -> None:
    limited(at_work, **seconds)
    says(server, state_type, owner=at_work.job.owner)
    at_work.signals.extend(signals)
    for _ in range(15):
        at_work.step()
        time.sleep(0.03)
    assert at_work.reason == reason
    assert (at_work.folder / "stop").exists()
    assert (at_work.engine.poll() is not None) is killed


@pytest.mark.parametrize("deleted", [True, False])
def test_a_job_that_is_deleted_or_another_s_is_ended_without_a_word(
    at_work: runner.Runner, server: Server, deleted: bool
) -> None:
    says(server, owner="another")
    if deleted:
        server.answers[f"/flow_runs/{ID}"] = (404, b"{}")
    server.asked.clear()
    at_work.run()
    assert at_work.reason == "lost"
    assert not [path for _, path, _ in server.asked if path.endswith("/set_state")]
    assert not at_work.folder.exists()


def test_a_job_that_its_worker_lost_sight_of_runs_on_and_says_so(at_work: runner.Runner, server: Server) -> None:
    says(server, "CRASHED", owner=at_work.job.owner)
    server.answers[f"/flow_runs/{ID}/set_state"] = (200, b'{"status": "ACCEPT"}')
    (at_work.folder / "progress.json").write_text('{"stage": "index", "done": 3}')
    work(at_work, 0.3)
    assert at_work.terminated is None
    states = [body["state"]["type"] for _, path, body in server.asked if path.endswith("/set_state")]
    assert states and set(states) == {"RUNNING"}
    labels = [body for _, path, body in server.asked if path.endswith("/labels")]
    assert (labels[-1]["faldone.done"], labels[-1]["faldone.beat"]) == (3, 1), "told once, and then a beat now and then"


def test_a_server_that_stays_away_is_given_up(
    at_work: runner.Runner, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BEGINNING", "PATIENCE"):
        monkeypatch.setattr(runner, name, 0.0)
    away(server)
    with pytest.raises(TransientError):
        runner.taken_up(Api(server.url), ID)
    with pytest.raises(TransientError):
        at_work.settle({})


STOPPED = {"outcome": "stopped", "message": "soft", "counts": {"done": 3}}
PASSES = {"outcome": "transient", "message": "the service is away"}


@pytest.mark.parametrize(
    ("kind", "state_type", "reason", "outcome", "status", "failures", "then", "says_"),
    [
        ("index", "RUNNING", "", {"outcome": "done"}, 0, 0, "Completed", ""),
        ("index", "COMPLETED", "", {"outcome": "done", "counts": {"done": 1}}, 0, 0, "", ""),
        ("index", "FAILED", "", {"outcome": "failed"}, 1, 0, "", ""),
        ("index", "CANCELLING", "cancel", {}, -9, 0, "Cancelled", "what was committed is kept"),
        ("index", "CANCELLING", "", {"outcome": "done"}, 0, 0, "Cancelled", "what was committed is kept"),
        ("index", "RUNNING", "hard", {}, -9, 0, "TimedOut", "killed at the hard limit of 3600 s"),
        ("index", "RUNNING", "resume", STOPPED, 75, 1, "AwaitingRetry", "the platform goes down"),
        ("index", "RUNNING", "soft", STOPPED, 75, 1, "AwaitingRetry", "soft; it goes on"),
        ("index", "RUNNING", "soft", STOPPED | {"counts": {}}, 75, 0, "TimedOut", "soft"),
        ("export", "RUNNING", "soft", STOPPED, 75, 0, "TimedOut", "soft"),
        ("index", "RUNNING", "", PASSES, 75, 0, "AwaitingRetry", "the service is away (try 1 of 3; the next in"),
        ("index", "RUNNING", "", PASSES, 75, 2, "Failed", "the service is away (try 3 of 3, the last)"),
        ("index", "RUNNING", "", {"outcome": "failed", "message": "a bug"}, 1, 0, "Failed", "a bug"),
        ("index", "RUNNING", "", {}, -9, 0, "AwaitingRetry", "killed by SIGKILL; its processes had used up to 2.0 GiB"),
        ("index", "RUNNING", "", {}, 1, 0, "AwaitingRetry", "ended with status 1 before its flow began"),
        ("index", "LOST", "cancel", {}, 0, 1, "AwaitingRetry", "had lost its slot"),
    ],
)
def test_the_end_of_an_attempt_has_the_state_that_it_deserves(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    state_type: str,
    reason: str,
    outcome: dict[str, object],
    status: int,
    failures: int,
    then: str,
    says_: str,
) -> None:
    numbers = limits.load()
    it = object.__new__(runner.Runner)
    it.api, it.home = Api(server.url), state.Presence(state.folder())
    it.job = runner.Job(ID, kind, failures, numbers.queues["indexing"], numbers.time)
    it.reason, it.memory_peak = reason, 2 * 2**30
    it.engine = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    it.engine.wait()
    it.engine.returncode = status
    says(server, state_type, owner=it.job.owner)
    server.answers[f"/flow_runs/{ID}/set_state"] = (200, b'{"status": "ACCEPT"}')
    it.settle(outcome)
    states = [body["state"] for _, path, body in server.asked if path.endswith(f"/{ID}/set_state")]
    labels = {name: value for _, path, body in server.asked if path.endswith("/labels") for name, value in body.items()}
    assert labels["faldone.owner"] == ""
    assert [one["name"] for one in states] == ([then] if then else [])
    assert all(says_ in one["message"] for one in states)
    if then == "AwaitingRetry":
        assert labels["faldone.failures"] == failures + (not reason)
        assert not labels["faldone.ended"]
    else:
        assert labels["faldone.ended"]
