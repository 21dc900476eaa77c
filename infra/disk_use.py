"""How many bytes a process and all that it started have on the disk: for a limit that the kernel knows only for each single file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from infra.processor import processes_of

BLOCK = 512  # bytes in which st_blocks counts, whatever the file system's own are


def on_disk_of(pid: int, folder: str) -> int:
    """Return the bytes of the files in a folder, and of those that the process and its programs hold open after their name is gone.

    Each file counts once, with what it takes on the disk: one with holes takes less than its size. Without /proc the second part is unknown.
    """
    found = {(status.st_dev, status.st_ino): status.st_blocks * BLOCK for status in (*_in(folder), *_nameless(pid))}
    return sum(found.values())


def _in(folder: str) -> Iterator[os.stat_result]:
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                yield os.lstat(os.path.join(place, name))
            except OSError:
                continue  # it has just gone


def _nameless(pid: int) -> Iterator[os.stat_result]:
    for process in processes_of(pid):
        place = f"/proc/{process}/fd"
        try:
            numbers = os.listdir(place)
        except OSError:
            continue  # it has just ended
        for number in numbers:
            try:
                status = os.stat(f"{place}/{number}")
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                yield status
