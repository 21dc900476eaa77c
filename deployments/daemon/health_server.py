"""An endpoint for load balancers: GET /health answers the JSON of `faldone health`, with 503 when it is failing.

The answer is made anew at most every ten seconds, so that many balancers cost no more than one. GET /live says only
that the process runs.
"""

from __future__ import annotations

import threading
import time
from http.server import ThreadingHTTPServer
from typing import Any

from deployments.daemon import http
from infra.prefect_api import Api
from infra.settings import load
from tasks.maintain.health import health

FRESH = 10.0  # s


def server(host: str, port: int, api: Api | None) -> ThreadingHTTPServer:
    """Return the server, bound and not yet serving."""
    lock = threading.Lock()
    made, latest = float("-inf"), dict[str, Any]()

    def look() -> http.Answer:
        nonlocal made, latest
        with lock:
            if time.monotonic() - made > FRESH:
                made, latest = time.monotonic(), health(load(), api)
            return 503 if latest["status"] == "failing" else 200, latest

    return http.server((host, port), {"/live": lambda: (200, {"status": "ok"}), "/health": look})


def serve(host: str, port: int, api: Api | None) -> None:
    """Answer until the process ends."""
    with server(host, port, api) as door:
        door.serve_forever()
