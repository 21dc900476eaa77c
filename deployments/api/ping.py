"""Whether each part that jobs need answers, and in how many milliseconds: the checks of `faldone health` that ask somebody."""

from __future__ import annotations

from typing import Any

from deployments.api import address
from infra.settings import load
from tasks.maintain import health


def ping() -> dict[str, Any]:
    """Return `{"status": "ok"|"failing", "parts": [{"name", "status", "milliseconds", "message"}]}`: server, worker, scheduler, Redis."""
    if found := address.find():
        address.use(found)
    settings = load()
    checks = health.run(
        {
            "server": lambda: health.prefect(address.connect()),
            "worker": lambda: health.workers(address.connect()),
            "scheduler": lambda: health.dask(settings),
            "redis": lambda: health.redis(settings),
        }
    )
    parts = [
        {"name": one.name, "status": one.status, "milliseconds": one.milliseconds, "message": one.message}
        for one in checks
    ]
    return {"status": "failing" if health.worst(checks) != "ok" else "ok", "parts": parts}
