"""A Dask scheduler by address in the test's own process."""

from __future__ import annotations

from typing import Any


def cluster_here(workers: int) -> Any:
    """Start a scheduler with so many workers of one thread; a context manager, whose `scheduler_address` is on the loopback."""
    from distributed import LocalCluster

    options: dict[str, Any] = {
        "processes": False,
        "protocol": "tcp",
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
    }
    return LocalCluster(n_workers=workers, threads_per_worker=1, **options)
