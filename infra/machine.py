"""Small rules about this machine that everybody needs once: its cores, a free port, waits between tries, files and folders that stay."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from infra.errors import UsageError

T = TypeVar("T")


def cores() -> int:
    """Count the cores that this process may use; all of the machine's where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def crowding() -> float:
    """Tell how many times as long as alone a process takes now: the last minute's load for each core, at least 1."""
    return max(1.0, os.getloadavg()[0] / cores()) if hasattr(os, "getloadavg") else 1.0


def free_port(wanted: int = 0, host: str = "127.0.0.1") -> int:
    """Give the port asked for, or another near it where it is taken; any free one for 0.

    Raises:
        UsageError: `host` is not an address of this machine.
    """
    for port in (wanted, *(range(wanted + 10, wanted + 60, 10) if wanted else ()), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UsageError(f"{host} is not an address of this machine")


def in_thread(call: Callable[[], T]) -> Future[T]:
    """Call on a thread that the end of the process does not wait for, as it does for an executor's: the call may hang."""
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed on to whoever reads the answer
            answer.set_exception(error)

    threading.Thread(target=ask, name="call", daemon=True).start()
    return answer


FIRST_WAIT, LONGEST_WAIT, JITTER = 5.0, 300.0, 0.2  # s, s, share


def wait_before(attempt: int) -> float:
    """Give the seconds before the next try after `attempt` failures, 1 or more: min(300, 5·2ⁿ⁻¹), without jitter."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1)))


def with_jitter(seconds: float) -> float:
    """Spread waits by a fifth, so that what failed together does not come again together."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - a spread, not a secret


def sync_path(path: Path) -> None:
    """Have a file, or a folder's entries, on the disk, so that a power cut undoes no rename and leaves no empty file.

    Raises:
        OSError: it is not there, or the disk refused.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a file beside and put it in the place of the former in one step: a reader sees the old or the new one, whole.

    The content is on the disk before the step, so a power cut leaves one of the two. Writers at the
    same time do not meet. Only this user may read it.

    Raises:
        OSError: the disk is full or may not be written; the former file stays.
    """
    data = content.encode() if isinstance(content, str) else content
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; at the end the file takes the place of `path`, and after an error it goes.

    For what a person asked for: readable as the umask says, and not forced onto the disk, as `replace_file` does.
    Missing folders are made. Writers at the same time do not meet.

    Raises:
        OSError: the folder may not be written to; the former file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem[:80]}.{secrets.token_hex(4)}.tmp")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
