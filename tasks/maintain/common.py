"""What the maintenance jobs share: a collection's tables, sizes in words, memory, and times that sort."""

from __future__ import annotations

import resource
import sys
from datetime import UTC, datetime
from typing import Any

from infra.errors import FaldoneError, TransientError


class MaintenanceFailed(FaldoneError):
    """A maintenance job that could not do all of its work; `result` is its receipt all the same."""

    def __init__(self, message: str, result: dict[str, Any]) -> None:
        super().__init__(message, result)  # both, so that it survives pickling
        self.message = message
        self.result = result

    def __str__(self) -> str:
        return self.message


class MaintenanceInterrupted(MaintenanceFailed, TransientError):
    """A maintenance job that could not do all of its work because something was away or busy: the same job may do the rest later."""


def peak_memory() -> int:
    """Return the most resident bytes of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes on Linux


def stamp() -> str:
    """Return the time now as a name that sorts: 20261120-020000."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


def size(number: float) -> str:
    """Return bytes for a person: 1.5 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
