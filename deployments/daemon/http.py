"""A small HTTP server: the daemon's `/metrics`, `/health` and `/alerts`, and what `faldone health --serve` answers to load balancers.

Events of Prefect's automations are taken only with the token that the server's webhook block holds.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

log = logging.getLogger("faldone.daemon")

LARGEST = 100_000  # bytes of a request
TIMEOUT = 10.0  # s for a request to arrive
METRICS = "text/plain; version=0.0.4"

Answer = tuple[int, bytes | dict[str, Any]]


def server(
    address: tuple[str, int],
    answers: Mapping[str, Callable[[], Answer]],
    on_event: Callable[[bytes], None] | None = None,
    token: str = "",
) -> ThreadingHTTPServer:
    """Return a server, bound and not yet serving.

    Args:
        answers: status and content by path; bytes are metrics, anything else is JSON.
        on_event: takes what is sent to `/alerts` with the token.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT

        def do_GET(self) -> None:
            self.answer(*answers.get(self.path, lambda: (404, {}))())

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            given = self.headers.get("X-Faldone-Token", "").encode(errors="replace")
            size = int(length) if length.isdecimal() else LARGEST + 1
            known = self.path == "/alerts" and hmac.compare_digest(given, token.encode())
            if on_event is None or not known or size > LARGEST:
                self.answer(404, {})
                return
            on_event(self.rfile.read(size))
            self.answer(202, {})  # at once: taking the event needs the server, which is waiting for this answer

        def answer(self, status: int, content: bytes | dict[str, Any]) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", METRICS if body is content else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            log.debug(format, *args)

    return ThreadingHTTPServer(address, Handler)
