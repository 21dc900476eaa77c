"""Whether each part that jobs need answers, and in how many milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from deployments.api import address
from infra import limits
from infra.errors import FaldoneError, TransientError
from infra.prefect_api import moment
from infra.settings import Settings, load

SILENT = 90.0  # s without a heartbeat after which a worker does not count as there


def ping() -> dict[str, Any]:
    """Return `{"status": "ok"|"failing", "parts": [{"name", "status", "milliseconds", "message"}]}`: server, worker, scheduler, Redis."""
    settings = load()
    parts = [_timed(name, probe) for name, probe in _probes(settings)]
    good = all(part["status"] in {"ok", "unused"} for part in parts)
    return {"status": "ok" if good else "failing", "parts": parts}


def _probes(settings: Settings) -> list[tuple[str, Callable[[], str | None]]]:
    return [
        ("server", _server),
        ("worker", _worker),
        ("scheduler", lambda: _scheduler(settings)),
        ("redis", lambda: _redis(settings)),
    ]


def _timed(name: str, probe: Callable[[], str | None]) -> dict[str, Any]:
    begin = time.perf_counter()
    try:
        message = probe()
        status = "unused" if message is None else "ok"
    except FaldoneError as error:
        status, message = "failing", str(error)
    spent = round(1000 * (time.perf_counter() - begin), 1)
    return {"name": name, "status": status, "milliseconds": spent, "message": message or "not used here"}


def _server() -> str:
    api = address.connect()
    api.ask("GET", "/health")
    return f"Prefect {api.ask('GET', '/admin/version')}"


def _worker() -> str:
    api, counts = address.connect(), []
    for pool in limits.load().pools:
        found = api.ask("POST", f"/work_pools/{pool}/workers/filter", {"limit": 50})
        times = [at for one in found if (at := moment(one["last_heartbeat_time"]))]
        fresh = [age for at in times if (age := (api.now() - at).total_seconds()) < SILENT]
        if not fresh:
            raise TransientError(f"no worker of the pool {pool} has been seen for {SILENT:.0f} s")
        counts.append(f"{pool}: {len(fresh)} online, last seen {max(0.0, min(fresh)):.0f} s ago")
    return "; ".join(counts)


def _scheduler(settings: Settings) -> str | None:
    if "://" not in settings.dask:
        return None
    from infra.scheduler import ping as ask

    return f"{ask(settings.dask)} workers"


def _redis(settings: Settings) -> str | None:
    found = address.find()
    url = settings.redis_url.get_secret_value() if settings.redis_url else (found.redis_url if found else "")
    if not url:
        return None
    from infra.cache import ping as ask

    ask(url)
    return "answers"
