"""A server that answers as Prefect's API does: rows by path, paged, with the server's own time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.prefect_api import PAGE, Api

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


class Server(ThreadingHTTPServer):
    """Rows by path; `answers` stand for what a path says instead of them."""

    rows: dict[str, list[dict[str, Any]]]
    answers: dict[str, tuple[int, bytes]]
    asked: list[tuple[str, str, dict[str, Any]]]
    url: str

    def clear(self) -> None:
        """Forget all rows, answers and what was asked."""
        self.rows, self.answers, self.asked = {}, {}, []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        path = self.path.removeprefix("/api")
        self.server.asked.append((self.command, path, body))
        rows = self.server.rows.get(path, [])
        start = body.get("offset", 0)
        found = rows[start : start + min(body.get("limit", PAGE), PAGE)]
        status, content = self.server.answers.get(path, (200, json.dumps(found).encode()))
        self.send_response_only(status)
        if self.path != "/api/timeless":
            self.send_header("Date", NOW.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_DELETE = do_PATCH = do_PUT = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        return


def serve_rows() -> Iterator[Server]:
    """A running server, its address as `url`; a fixture of whoever asks it more than once."""
    running = Server(("127.0.0.1", 0), Handler)
    running.clear()
    running.url = f"http://127.0.0.1:{running.server_address[1]}/api"
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()


rows_server = contextmanager(serve_rows)


def api_of(server: Server) -> Api:
    """A client of that server, which has forgotten all before."""
    server.clear()
    return Api(server.url, timeout=5)
