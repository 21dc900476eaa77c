"""The end of a platform and its door: jobs are asked, waited for or left, and who sends no token is not heard."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from deployments.daemon import http, stopping
from deployments.state import Process
from infra import limits
from infra.limits import PlatformLimits
from infra.prefect_api import Api
from tests.prefect_rows import Server, serve_rows

RUNNER = """
import signal, sys, time
signal.signal(signal.SIGUSR1, (lambda *_: sys.exit(7)) if sys.argv[1] == "good" else signal.SIG_IGN)
print("ready", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server whose pools can be paused."""
    for running in serve_rows():
        for pool in limits.load().pools:
            running.answers[f"/work_pools/{pool}"] = (200, b'{"is_paused": false, "description": ""}')
        yield running


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> PlatformLimits:
    """Limits of moments."""
    for name, value in {"SUBMITTED": 1.5, "MARGIN": 0.2, "LOOK": 0.02}.items():
        monkeypatch.setattr(stopping, name, value)
    found = limits.load()
    return found.model_copy(update={"time": found.time.model_copy(update={"stop_grace": 0.2})})


def runner(kind: str, seconds: float = 60) -> subprocess.Popen[str]:
    """A process that stands for a job's runner."""
    command = [sys.executable, "-c", RUNNER, kind, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    threading.Thread(target=process.wait, daemon=True).start()  # else it stays a zombie until somebody asks
    return process


def has(server: Server, *processes: subprocess.Popen[str], state: str = "RUNNING") -> None:
    """Have the server know a job of each process."""
    labels = [{"faldone.owner": "o", "faldone.process": str(Process.of(one.pid))} for one in processes] or [{}]
    server.rows["/flow_runs/filter"] = [{"id": "j", "state": {"type": state}, "labels": one} for one in labels]


def end(server: Server, numbers: PlatformLimits, wait: bool = False) -> int:
    """End the jobs; how often the rest of the platform was seen to meanwhile."""
    looks: list[int] = []
    stopping.end_jobs(Api(server.url, timeout=5), numbers, wait, lambda: looks.append(1))
    return len(looks)


def test_jobs_are_asked_to_stop_and_waited_for(server: Server, numbers: PlatformLimits) -> None:
    processes = [runner("good"), runner("good")]
    has(server, *processes)
    assert end(server, numbers)
    assert [one.wait(5) for one in processes] == [7, 7]
    paused = [body for method, path, body in server.asked if method == "PATCH"]
    assert [one["is_paused"] for one in paused] == [True] * len(numbers.pools)


def test_jobs_that_are_to_finish_are_not_asked(server: Server, numbers: PlatformLimits) -> None:
    process = runner("good", 1.5)
    has(server, process)
    end(server, numbers, wait=True)
    assert process.wait(5) == 0


def test_a_job_that_does_not_stop_is_left_running(server: Server, numbers: PlatformLimits) -> None:
    process = runner("deaf")
    has(server, process)
    try:
        end(server, numbers)
        assert process.poll() is None
    finally:
        process.kill()


def test_a_job_that_is_just_starting_has_some_time(server: Server, numbers: PlatformLimits) -> None:
    has(server, state="PENDING")
    assert end(server, numbers) >= 1
    has(server, state="RUNNING")  # of another machine
    assert end(server, numbers) == 0


def test_of_a_server_that_does_not_answer_nothing_is_asked(server: Server, numbers: PlatformLimits) -> None:
    server.answers[f"/work_pools/{numbers.pool.name}"] = (500, b"{}")
    assert end(server, numbers) == 0


def test_a_server_that_fails_meanwhile_ends_no_waiting(server: Server, numbers: PlatformLimits) -> None:
    server.answers["/flow_runs/filter"] = (500, b"{}")
    assert end(server, numbers) >= 1


def test_a_pool_that_a_person_has_paused_stays_his(server: Server, numbers: PlatformLimits) -> None:
    server.answers[f"/work_pools/{numbers.pool.name}"] = (200, b'{"is_paused": true, "description": "closed"}')
    has(server, state="COMPLETED")
    end(server, numbers)
    assert [path for method, path, _ in server.asked if method == "PATCH"] == [
        f"/work_pools/{numbers.maintenance_pool}"
    ]


@pytest.fixture(scope="module")
def door() -> Iterator[tuple[httpx.Client, list[bytes]]]:
    """The daemon's HTTP server, asked by somebody, and the events that it took."""
    events: list[bytes] = []
    answers: dict[str, Any] = {"/metrics": lambda: (200, b"one 1\n"), "/health": lambda: (503, {"state": "failed"})}
    running = http.server(("127.0.0.1", 0), answers, events.append, "secret")
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    with httpx.Client(base_url=f"http://127.0.0.1:{running.server_address[1]}", trust_env=False) as client:
        yield client, events
    running.shutdown()
    running.server_close()


def test_metrics_health_and_nothing_else_are_shown(door: tuple[httpx.Client, list[bytes]]) -> None:
    client, _ = door
    metrics, health = client.get("/metrics"), client.get("/health")
    assert (metrics.status_code, metrics.text, metrics.headers["Content-Type"]) == (200, "one 1\n", http.METRICS)
    assert (health.status_code, health.json()) == (503, {"state": "failed"})
    assert client.get("/alerts").status_code == 404


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/alerts", {"X-Faldone-Token": "secret"}, 202),
        ("/alerts", {"X-Faldone-Token": "guess"}, 404),
        ("/alerts", {}, 404),
        ("/metrics", {"X-Faldone-Token": "secret"}, 404),
    ],
)
def test_an_event_is_taken_with_the_token_alone(
    door: tuple[httpx.Client, list[bytes]], path: str, headers: dict[str, str], status: int
) -> None:
    client, events = door
    events.clear()
    body = json.dumps({"event": "x"}).encode()
    assert client.post(path, content=body, headers=headers).status_code == status
    assert events == ([body] if status == 202 else [])


@pytest.mark.parametrize("length", ["nonsense", str(http.LARGEST + 1)])
def test_a_body_that_is_too_long_is_not_read(door: tuple[httpx.Client, list[bytes]], length: str) -> None:
    client, events = door
    events.clear()
    connection = HTTPConnection(str(client.base_url.host), client.base_url.port)
    connection.putrequest("POST", "/alerts")
    for name, value in {"X-Faldone-Token": "secret", "Content-Length": length}.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 404
    assert events == []
    connection.close()
