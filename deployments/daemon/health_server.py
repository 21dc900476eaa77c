"""An endpoint for load balancers: GET /health answers the JSON of `faldone health`, with 503 when it is failing.

The answer is made anew at most every ten seconds, so that many balancers cost no more than one. GET /live says only
that the process runs.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.prefect_api import Api
from infra.settings import load
from tasks.maintain.health import health

FRESH = 10.0  # s


class Answer:
    """The latest result, made by one thread at a time."""

    def __init__(self, api: Api | None) -> None:
        self._api, self._lock = api, threading.Lock()
        self._made, self._result = 0.0, dict[str, Any]()

    def get(self) -> dict[str, Any]:
        """Return the result, at most FRESH seconds old."""
        with self._lock:
            if not self._result or time.monotonic() - self._made > FRESH:
                self._result, self._made = health(load(), self._api), time.monotonic()
            return self._result


def server(host: str, port: int, api: Api | None) -> ThreadingHTTPServer:
    """Return the server, bound and not yet serving."""
    answer = Answer(api)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/live":
                self._send(200, {"status": "ok"})
            elif self.path == "/health":
                result = answer.get()
                self._send(503 if result["status"] == "failing" else 200, result)
            else:
                self._send(404, {"status": "not found"})

        def _send(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: balancers ask every few seconds."""

    return ThreadingHTTPServer((host, port), Handler)


def serve(host: str, port: int, api: Api | None) -> None:
    """Answer until the process ends."""
    with server(host, port, api) as door:
        door.serve_forever()
