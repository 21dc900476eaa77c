"""The client of Prefect's API against a real HTTP server that counts, refuses, breaks and is slow as told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.errors import TransientError, UsageError
from infra.prefect_api import Api, NotFound, in_thread


class Fake:
    """What the server does to requests, and which it has seen."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.script: list[
            int | str
        ] = []  # statuses in order; "break" closes the connection, "slow" says nothing for long
        self.token = ""
        self.token_status = 200


@contextmanager
def served(fake: Fake) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer("GET")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.answer("POST")

        def answer(self, method: str) -> None:
            if self.path.startswith("/api/csrf-token"):
                self.send(fake.token_status, {"token": fake.token} if fake.token_status == 200 else {"detail": "no"})
                return
            fake.seen.append((method, self.path, dict(self.headers)))
            step = fake.script.pop(0) if fake.script else 200
            if fake.token and method == "POST" and self.headers.get("Prefect-Csrf-Token") != fake.token:
                self.send(403, {"detail": "Missing CSRF token."})
            elif step == "break":
                self.close_connection = True
                self.connection.close()
            elif step == "slow":
                time.sleep(1.5)
                self.send(200, {})
            else:
                self.send(int(step), {"detail": f"status {step}"})

        def send(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test reads `seen`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def fake() -> Iterator[tuple[Fake, Api]]:
    one = Fake()
    with served(one) as url:
        yield one, Api(url, timeout=0.5)


@pytest.mark.parametrize("path", ["/flow_runs/filter", "/deployments/1/create_flow_run"])
@pytest.mark.parametrize("trouble", [503, 429, "break", "slow", 502])
def test_a_write_is_resent_only_when_nothing_was_done(fake: tuple[Fake, Api], path: str, trouble: int | str) -> None:
    server, api = fake
    server.script = [trouble]
    safe = path.endswith("/filter") or trouble in {503, 429}
    if safe:
        api.ask("POST", path, {})
    else:
        with pytest.raises(TransientError):
            api.ask("POST", path, {})
    assert len(server.seen) == (2 if safe else 1), "sent again exactly when it is safe"


def test_a_write_that_names_its_result_is_resent(fake: tuple[Fake, Api]) -> None:
    server, api = fake
    server.script = ["break"]
    api.ask("POST", "/deployments/1/create_flow_run", {"idempotency_key": "k"}, again=True)
    assert len(server.seen) == 2


def test_a_server_that_cannot_give_a_csrf_token_now_refuses_nobody(fake: tuple[Fake, Api]) -> None:
    """Its database is away for a moment: a job that took that for a refusal failed for good."""
    server, api = fake
    server.token, server.token_status = "one", 500
    with pytest.raises(TransientError, match="answered 500"):
        api.ask("POST", "/flow_runs/filter", {})
    server.token_status = 200
    api.ask("POST", "/flow_runs/filter", {})
    server.token, server.token_status = "two", 404
    with pytest.raises(TransientError, match="no CSRF token to give"):
        api.ask("POST", "/flow_runs/filter", {})
    server.token_status = 401
    with pytest.raises(UsageError, match="PREFECT_API_AUTH_STRING"):
        api.ask("POST", "/flow_runs/filter", {})


def test_csrf_tokens_are_fetched_when_asked_for_and_when_they_expire(fake: tuple[Fake, Api]) -> None:
    server, api = fake
    server.token = "first"
    api.ask("POST", "/x")
    server.token = "second"
    api.ask("POST", "/x")
    api.ask("POST", "/x")
    assert [headers.get("Prefect-Csrf-Token") for _, _, headers in server.seen] == [
        None,
        "first",
        "first",
        "second",
        "second",
    ]


def test_answers_become_errors_of_our_tree(fake: tuple[Fake, Api]) -> None:
    server, api = fake
    server.script = [404, 401, 422, 500]
    for error in (NotFound, UsageError, UsageError, TransientError):
        with pytest.raises(error, match="status"):
            api.ask("GET", "/x")


def test_headers_and_credentials_come_from_prefect_s_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_CLIENT_CUSTOM_HEADERS", '{"X-Tenant": "a"}')
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "me:pass:word")
    one = Fake()
    with served(one) as url:
        Api(url).ask("GET", "/x")
    headers = one.seen[0][2]
    assert headers["X-Tenant"] == "a"
    assert headers["Authorization"].startswith("Basic ")
    monkeypatch.setenv("PREFECT_CLIENT_CUSTOM_HEADERS", "[1]")
    with pytest.raises(UsageError, match="PREFECT_CLIENT_CUSTOM_HEADERS"):
        Api("http://127.0.0.1:1/api")
    monkeypatch.setenv("PREFECT_CLIENT_CUSTOM_HEADERS", "")
    monkeypatch.setenv("PREFECT_API_SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(UsageError, match="PREFECT_API_SSL_CERT_FILE"):
        Api("https://prefect.example/api")


def test_the_event_loop_goes_on_during_a_request(fake: tuple[Fake, Api]) -> None:
    server, _ = fake
    server.script = ["slow"]
    api = Api(fake[1].url, timeout=5)

    async def both() -> int:
        request = asyncio.create_task(in_thread(api.ask)("GET", "/x"))
        beats = 0
        while not request.done():
            await asyncio.sleep(0.01)
            beats += 1
        return beats

    assert asyncio.run(both()) > 20


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, infra.prefect_api; print([n for n in ('prefect', 'httpx', 'pydantic', 'psutil') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
