"""Ask a job to stop at its next checkpoint: a file that whoever supervises the job makes, and that the job's loops look at.

A file, because the job's other processes must see it too, and because a signal does not reach a thread. Where nobody supervises the job
(a command in a terminal), the variable is not set and nothing is ever requested.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import FaldoneError
from infra.machine import replace_file

FOLDER = "FALDONE_JOB_FOLDER"
BEGUN = "begun.json"  # the file in it that the job leaves when its work begins


class StopRequested(FaldoneError):
    """The job was asked to stop and has kept what it had done; the same job goes on from there."""


def requested() -> bool:
    """Say whether the job should keep what it has and stop (costs 2 µs)."""
    folder = os.environ.get(FOLDER)
    return folder is not None and os.path.exists(f"{folder}/stop")


def check() -> None:
    """Stop here if that was asked for; call it where everything done so far is safe.

    Raises:
        StopRequested: the job was asked to stop.
    """
    if requested():
        raise StopRequested((Path(os.environ[FOLDER]) / "stop").read_text() or "the job was asked to stop")


def request(folder: Path, reason: str) -> None:
    """Ask the job whose folder this is to stop."""
    replace_file(folder / "stop", reason)


_untidy: list[Callable[[], None]] = []


@contextmanager
def tidied(tidy: Callable[[], None]) -> Iterator[None]:
    """Call `tidy` when the block ends, and also when the process leaves at once meanwhile (see `leave_tidy`)."""
    _untidy.append(tidy)
    try:
        yield
    finally:
        _untidy.remove(tidy)
        tidy()


def leave_tidy() -> None:
    """Clear up what open `tidied` blocks have to, last first: for a process about to end without Python's own exit."""
    for tidy in reversed(_untidy):
        tidy()
