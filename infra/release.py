"""Work that travels to another process carries the release that made it, and a process of another release refuses it by name.

While a site is brought to a new release, jobs of the old one meet workers of the new. What they send each other is made of the release's own
classes: read by another, a field that is not there would be an error of every document. So it is packed, and opened only where the mark fits.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from infra.errors import TransientError


@dataclass(frozen=True, slots=True)
class Sent:
    """Packed work. These fields are the same in every release."""

    release: str
    content: bytes


def release() -> str:
    """Return the release that this process runs."""
    return version("faldone")


def pack(work: Any) -> Sent:
    """Pack work for a process of this release."""
    from distributed.protocol import pickle

    return Sent(release(), pickle.dumps(work))


def opened(sent: Sent) -> Any:
    """Open packed work.

    Raises:
        TransientError: it was packed by another release.
    """
    from distributed.protocol import pickle

    if sent.release != release():
        raise TransientError(
            f"the Dask worker on {socket.gethostname()} runs Faldone {release()}, this job {sent.release}: the job goes on when all "
            "are of one release"
        )
    return pickle.loads(sent.content)
