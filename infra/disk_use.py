"""What a process and all that it started hold on the disk and in shared memory, for a limit that the kernel knows only for each single file.

The folder of a process that reads files of strangers may hold anything: a million empty files, folders in folders without end, closed ones.
Nothing here calls itself or makes long paths, so that such a folder is counted, and removed, like any other.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from infra.processor import processes_of

BLOCK = 512  # bytes in which st_blocks counts, whatever the file system's own are
LEAST = 4_096  # bytes that a file counts for: an empty one takes a place too
DEEPEST = 100  # folders in one another; beyond some thousand no path reaches them


def excess(folder: str, most: int, pid: int | None = None) -> str:
    """Say what is beyond a limit in a folder and, with a process, in what it and its programs hold without a name; "" where nothing is.

    Each file counts once, with what it takes on the disk: one with holes takes less than its size. Without /proc what has no name is unknown.
    """
    found: dict[tuple[int, int], int] = {}
    shared = sum(map(_shared, processes_of(pid))) if pid else 0
    for depth, status in chain(_in(folder), _nameless(pid) if pid else ()):
        if depth > DEEPEST:
            return f"makes folders within folders, more than {DEEPEST} deep"
        found[status.st_dev, status.st_ino] = max(LEAST, status.st_blocks * BLOCK)
    taken = sum(found.values()) + shared
    return f"takes {taken:,} bytes on the disk" if taken > most else ""


def _in(folder: str) -> Iterator[tuple[int, os.stat_result]]:
    """Yield what is in a folder, with the number of folders that it is in."""
    waiting = [(1, folder)]
    while waiting:
        depth, place = waiting.pop()
        with suppress(OSError), os.scandir(place) as entries:  # it may have just gone
            for entry in entries:
                with suppress(OSError):
                    yield depth, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False) and depth <= DEEPEST:
                    waiting.append((depth + 1, entry.path))


def _nameless(pid: int) -> Iterator[tuple[int, os.stat_result]]:
    """Yield the files that a process and its programs hold open after their name is gone, and those that never had one (memfd)."""
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
                yield 0, status


def _shared(pid: int) -> int:
    """Return the bytes of shared memory that a process has mapped, which no limit of the kernel counts."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines():
            if line.startswith("RssShmem:"):
                return int(line.split()[1]) * 1024
    return 0


def remove_all(folder: str) -> None:
    """Remove a folder with all that is in it, however deep and closed; what cannot be removed is left, and nothing is raised.

    Folders are moved up to the top before they are emptied. Nobody else may write there meanwhile.
    """
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        with suppress(OSError):
            os.chmod(place, 0o700)
            for entry in list(os.scandir(place)):
                with suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                        continue
                    os.chmod(entry.path, 0o700)  # its entry `..` changes with the move
                    moved = os.path.join(folder, secrets.token_hex(8))
                    os.rename(entry.path, moved)
                    waiting.append(moved)
            if place != folder:
                os.rmdir(place)
    with suppress(OSError):
        os.rmdir(folder)
