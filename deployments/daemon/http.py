"""What the daemon answers by HTTP: `/metrics` for Prometheus, `/health` for load balancers, and `/alerts` for Prefect's automations.

On the loopback unless FALDONE_DAEMON_HOST says otherwise; events are taken only with the token that the server's webhook block holds.
"""

from __future__ import annotations

import hmac
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

log = logging.getLogger("faldone.daemon")

LARGEST = 100_000  # bytes of a request
TIMEOUT = 10.0  # s for a request to arrive


@dataclass(frozen=True, slots=True)
class Answers:
    """What is answered: the metrics, the platform's health, and who takes an event."""

    metrics: Callable[[], bytes]
    health: Callable[[], tuple[bool, dict[str, Any]]]
    on_event: Callable[[bytes], None]


def serve(address: tuple[str, int], token: str, answers: Answers) -> ThreadingHTTPServer:
    """Answer from threads of its own, as long as this process lives."""

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self.answer(200, answers.metrics(), "text/plain; version=0.0.4")
            elif self.path == "/health":
                good, body = answers.health()
                self.answer(200 if good else 503, json.dumps(body).encode(), "application/json")
            else:
                self.answer(404)

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            given = self.headers.get("X-Faldone-Token", "").encode(errors="replace")
            size = int(length) if length.isdecimal() else LARGEST + 1
            if self.path != "/alerts" or size > LARGEST or not hmac.compare_digest(given, token.encode()):
                self.answer(404)
                return
            answers.on_event(self.rfile.read(size))
            self.answer(202)  # at once: taking the event needs the server, which is waiting for this answer

        def answer(self, status: int, body: bytes = b"", kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            log.debug(format, *args)

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server
