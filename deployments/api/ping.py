"""Whether each part that jobs need answers, and in how many milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from deployments.api import rest
from deployments.api.rest import Ask, Talk
from infra import limits
from infra.errors import FaldoneError, TransientError
from infra.settings import Settings, load

SILENT = 90.0  # s without a heartbeat after which a worker does not count as there


def ping() -> dict[str, Any]:
    """`{"status": "ok"|"failing", "parts": [{"name", "status", "milliseconds", "message"}]}`: server, worker, scheduler, Redis."""
    settings = load()
    parts = [_timed(name, look) for name, look in _looks(settings)]
    good = all(part["status"] in {"ok", "unused"} for part in parts)
    return {"status": "ok" if good else "failing", "parts": parts}


def _looks(settings: Settings) -> list[tuple[str, Callable[[], str | None]]]:
    return [
        ("server", lambda: rest.run(_server())),
        ("worker", lambda: rest.run(_worker())),
        ("scheduler", lambda: _scheduler(settings)),
        ("redis", lambda: _redis(settings)),
    ]


def _timed(name: str, look: Callable[[], str | None]) -> dict[str, Any]:
    begin = time.perf_counter()
    try:
        message = look()
        status = "unused" if message is None else "ok"
    except FaldoneError as error:
        status, message = "failing", str(error)
    return {
        "name": name, "status": status, "milliseconds": round(1000 * (time.perf_counter() - begin), 1),
        "message": message or "not used here",
    }  # fmt: skip


def _server() -> Talk[str]:
    yield Ask("GET", "/health")
    return "Prefect " + str((yield Ask("GET", "/admin/version")))


def _worker() -> Talk[str]:
    pool = limits.load().pool.name
    found = yield Ask("POST", f"/work_pools/{pool}/workers/filter", {"limit": 50})
    now = datetime.now(UTC)
    times = [datetime.fromisoformat(one["last_heartbeat_time"].replace("Z", "+00:00")) for one in found]
    fresh = [(now - at).total_seconds() for at in times if (now - at).total_seconds() < SILENT]
    if not fresh:
        raise TransientError(f"no worker of the pool {pool} has been seen for {SILENT:.0f} s")
    return f"{len(fresh)} online, last seen {min(fresh):.0f} s ago"


def _scheduler(settings: Settings) -> str | None:
    if "://" not in settings.dask:
        return None
    from infra.cluster import ping as ask

    return f"{ask(settings.dask)} workers"


def _redis(settings: Settings) -> str | None:
    from deployments import state

    known = state.read(settings)
    url = settings.redis_url.get_secret_value() if settings.redis_url else (known.redis_url if known else "")
    if not url:
        return None
    from infra.cache import ping as ask

    ask(url)
    return "answers"
