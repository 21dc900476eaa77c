"""Processes: whose end they share, and the end of a whole tree of them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # Linux, prctl(2)


def adopt_orphans() -> None:
    """Have descendants whose parents end become children of this process (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends (Linux).

    Called by the child itself and not between fork and exec, where code of the parent would run in a copy of its threads.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that wanted this one has ended")


def descendants() -> list[psutil.Process]:
    """Return every living descendant of this process."""
    import psutil

    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


def kill_descendants(seconds: float = 5.0) -> None:
    """Kill every descendant of this process and wait for their end."""
    import psutil

    left = descendants()
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=seconds)


def resident(processes: list[psutil.Process]) -> int:
    """Return the sum of the processes' resident bytes."""
    import psutil

    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += int(process.memory_info().rss)
    return total
