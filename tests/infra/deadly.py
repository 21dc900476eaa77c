"""What the tests have Dask workers do; importable in the workers too."""

import os
import signal
import time

from infra.cluster import tell


def double(batch: tuple[int, ...]) -> list[int]:
    """Twice each number; 13 kills the process, 7 raises."""
    if 13 in batch:
        os.kill(os.getpid(), signal.SIGKILL)
    if 7 in batch:
        raise ValueError("seven")
    return [2 * number for number in batch]


def slow(batch: tuple[int, ...]) -> int:
    tell(["begun", batch[0]])
    time.sleep(0.2)
    return os.getpid()
