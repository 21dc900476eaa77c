"""What the keeper answers by HTTP: `/metrics` for Prometheus, `/health` for load balancers, and `/alerts` for Prefect's automations.

On the loopback unless FALDONE_KEEPER_HOST says otherwise; news are taken only with the token that the server's webhook block holds.
"""

from __future__ import annotations

import hmac
import json
import logging
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from deployments.api import rest
from deployments.keeper import alerts, metrics
from infra.errors import FaldoneError

if TYPE_CHECKING:
    from deployments.keeper.__main__ import Keeper

log = logging.getLogger("faldone.keeper")

LARGEST = 100_000  # bytes of a request


def listen(keeper: Keeper) -> None:
    """Answer from a thread of its own, as long as this process lives."""

    news: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                hits = cache_hits(keeper)
                body = metrics.text(keeper.seen, keeper.totals, hits, len(keeper.desk.open))
                self.answer(200, body, "text/plain; version=0.0.4")
            elif self.path == "/health":
                good = keeper.platform.state == "ready" and all(one.alive() for one in keeper.children.values())
                self.answer(
                    200 if good else 503, json.dumps({"state": keeper.platform.state}).encode(), "application/json"
                )
            else:
                self.answer(404, b"", "text/plain")

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            token = self.headers.get("X-Faldone-Token", "")
            if self.path != "/alerts" or size > LARGEST or not hmac.compare_digest(token, keeper.token):
                self.answer(404, b"", "text/plain")
                return
            news.put(self.rfile.read(size))
            self.answer(202, b"", "text/plain")  # at once: taking the news needs the server, which is waiting for us

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            log.debug(format, *args)

    server = ThreadingHTTPServer(keeper.address, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=hear, args=(keeper, news), daemon=True).start()


def hear(keeper: Keeper, news: queue.SimpleQueue[bytes]) -> None:
    """Take the news one after another, for ever."""
    while True:
        take(keeper, news.get())


def take(keeper: Keeper, body: bytes) -> None:
    """Hear one piece of news."""
    try:
        news = json.loads(body)
        told = {"event": str(news["event"]), "resource": str(news["resource"])}
        with keeper.lock:
            rest.run(alerts.hear(keeper.desk, told), keeper.platform.api)
    except (ValueError, KeyError, TypeError) as error:
        log.warning("news that make no sense: %s: %s", error, body[:200])
    except FaldoneError as error:
        log.warning("news could not be taken: %s", error)


def cache_hits(keeper: Keeper) -> tuple[int, int] | None:
    """Hits and misses of the shared cache, None where there is none."""
    from infra.cache import statistics

    url = keeper.settings.redis_url
    return statistics(url.get_secret_value() if url else keeper.platform.redis_url)
