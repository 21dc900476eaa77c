"""Have the Dask worker of this container hand its results to the others before it goes: `python -m infra.retire` as its pod's last deed.

The scheduler is that of FALDONE_DASK; the worker is known by this host's addresses. A batch that is at work is done again elsewhere.
"""

from __future__ import annotations

import socket
import sys

from infra.cluster import hand_over
from infra.errors import FaldoneError
from infra.settings import load


def main() -> None:
    """Run the command."""
    here = {str(address[4][0]) for address in socket.getaddrinfo(socket.gethostname(), None)}
    try:
        hand_over(load().dask, here)
    except FaldoneError as error:
        sys.exit(f"faldone: {error}")  # it goes all the same


if __name__ == "__main__":
    main()
