"""Have the Dask worker of this container hand its results to the others before it goes: `python -m infra.retire` as its pod's last deed.

The scheduler is that of FALDONE_DASK; the worker is known by this host's addresses. A batch that is at work is done again elsewhere.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Collection

from infra.cluster import connected
from infra.errors import FaldoneError
from infra.settings import load


def hand_over(address: str, hosts: Collection[str]) -> list[str]:
    """Retire the workers on some hosts: their results go to the others, and they end. Returns their addresses.

    Raises:
        TransientError: the scheduler does not answer.
    """
    with connected(address) as client:
        there = client.scheduler_info(n_workers=-1)["workers"]
        leaving = [name for name, about in there.items() if about["host"] in hosts]
        if leaving:
            client.retire_workers(leaving, close_workers=True)
    return leaving


def main() -> None:
    """Run the command."""
    here = {str(address[4][0]) for address in socket.getaddrinfo(socket.gethostname(), None)}
    try:
        hand_over(load().dask, here)
    except FaldoneError as error:
        sys.exit(f"faldone: {error}")  # it goes all the same


if __name__ == "__main__":
    main()
