"""What a Dask scheduler at an address says of itself and its workers.

TLS material comes from Dask's own settings (`DASK_DISTRIBUTED__COMM__TLS__…`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.errors import TransientError


def page(scheduler: Mapping[str, Any]) -> str:
    """Return Dask's page, from what a scheduler says of itself."""
    port = scheduler["services"].get("dashboard")
    host = scheduler["address"].rpartition("://")[2].rpartition(":")[0]
    return f"http://{host}:{port}/status" if port else ""


def ping(address: str) -> int:
    """Return how many workers the scheduler at an address has.

    Raises:
        TransientError: it does not answer.
    """
    from distributed import Client

    try:
        with Client(address, set_as_default=False, timeout=3) as client:
            return len(client.scheduler_info(n_workers=-1)["workers"])
    except (OSError, TimeoutError) as error:
        raise TransientError(f"the Dask scheduler at {address} does not answer: {error}") from error


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker of a scheduler: its memory in bytes and the seconds since its last heartbeat."""

    address: str
    memory: int
    silent: float


def look(address: str, timeout: float = 3.0) -> list[WorkerState]:
    """Return the workers of a scheduler, without joining it as a client.

    Raises:
        TransientError: no scheduler answers there in time.
    """
    told = identity(address, timeout)
    now = time.time()
    return [
        WorkerState(name, int(about.get("metrics", {}).get("memory", 0)), now - about.get("last_seen", now))
        for name, about in told["workers"].items()
    ]


def dashboard(address: str, timeout: float = 3.0) -> str:
    """Return Dask's page of the scheduler at an address, "" where it has none.

    Raises:
        TransientError: no scheduler answers there in time.
    """
    return page(identity(address, timeout))


def identity(address: str, timeout: float) -> Any:
    import asyncio

    async def ask() -> Any:
        from distributed.core import rpc
        from distributed.security import Security

        async with rpc(address, connection_args=Security().get_connection_args("client")) as scheduler:
            return await scheduler.identity(n_workers=-1)

    try:
        return asyncio.run(asyncio.wait_for(ask(), timeout))
    except (OSError, TimeoutError) as error:
        raise TransientError(f"FALDONE_DASK: no scheduler answers at {address}") from error
