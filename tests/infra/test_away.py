"""What is away is named while a job waits for it: at once, not more than once a minute, and again when it is back."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra import away
from infra.errors import TransientError
from infra.machine import free_port
from infra.settings import Settings


class Answers(BaseHTTPRequestHandler):
    status = 403

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "faldone.away"]


def test_an_object_store_is_named_when_it_is_away_in_trouble_and_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    (name, probe), *none = away.probes(Settings(home="s3://office/home", _env_file=None)).items()
    assert name == "s3://office/home" and not none
    watched = away.Watched(name, probe)
    watched.look(0.0)
    with ThreadingHTTPServer(("127.0.0.1", port), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(Answers, "status", 503)
        watched.look(5.0)
        watched.look(61.0)
        monkeypatch.setattr(Answers, "status", 403)  # it refuses strangers: it is there
        watched.look(70.0)
        watched.look(75.0)
        server.shutdown()
    first, second, back = said(caplog)
    assert first.startswith("s3://office/home: the object store does not answer: ") and "refused" in first
    assert second == "s3://office/home: the object store answers with 503; what needs it waits (61 s so far)"
    assert back == "s3://office/home answers again, after 70 s"


def test_what_hangs_is_named_and_asked_no_second_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(away, "DEADLINE", 0.01)
    hang, asked = threading.Event(), []

    def probe() -> None:
        asked.append(1)
        hang.wait(30)

    watched = away.Watched("the thing", probe)
    watched.look(0.0)
    watched.look(60.0)
    assert len(asked) == 1
    assert [line.split(" within")[0] for line in said(caplog)] == ["the thing does not answer"] * 2
    hang.set()
    monkeypatch.setattr(away, "DEADLINE", 10.0)
    watched.look(65.0)
    assert said(caplog)[-1] == "the thing answers again, after 65 s"


def test_a_short_absence_within_a_minute_of_a_message_is_not_told_again(caplog: pytest.LogCaptureFixture) -> None:
    here = [False]

    def probe() -> None:
        if not here[0]:
            raise TransientError("the thing is away")

    watched = away.Watched("the thing", probe)
    for second in range(0, 120, 5):  # away and back by turns
        here[0] = second % 10 != 0
        watched.look(float(second))
    assert [line.split(";")[0].split(",")[0] for line in said(caplog)] == [
        *["the thing is away", "the thing answers again"] * 2
    ]


def test_each_need_of_a_job_is_watched_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
        port = taken.getsockname()[1]
        url, api = f"redis://127.0.0.1:{port}/0", f"http://127.0.0.1:{port}/api"
        found = away.probes(Settings(home="/srv/office", redis_url=url, _env_file=None), api)  # type: ignore[arg-type]
        assert list(found) == ["FALDONE_REDIS_URL: Redis", f"the Prefect API at {api}"]
        with caplog.at_level(logging.WARNING), away.named(found, every=0.01):
            _until(lambda: len(said(caplog)) == 2)
    redis, prefect = sorted(said(caplog))
    assert redis.startswith("FALDONE_REDIS_URL: Redis does not answer")
    assert prefect.startswith(f"the Prefect API at {api} does not answer")
    assert not away.probes(Settings(home="/srv/office", _env_file=None))


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)
