"""The process in which parsers run: reads jobs from its parent, answers each, and dies alone when one goes wrong.

Started by `parse.py` as `python -m tasks.index.parser_child FD ENTRY`. It shuts itself off (`infra/sandbox.py`) before it looks at the first
document: from the network, from other processes, and from all files but the system's, Python's and its own folder, where it gets documents
that are too long for the line. It never outlives its parent: its standard input is a pipe that only the parent holds, so the end of that pipe
is the end of the parent, however it died. (Linux's PR_SET_PDEATHSIG would do the same but fires when the *thread* that started the child
ends, which in a thread pool is much too soon.)

torch is kept out: a library that imports it merely because it is installed would cost each child two seconds and 200 MB for nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from infra import sandbox
from infra.disk_use import remove_all
from infra.errors import DocumentError
from infra.priority import share_as_nice
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.guard import cap_memory, cap_processor
from tasks.index.read import explained
from tasks.index.wire import Answer, Line, Refusal, Request, Setup
from tasks.records import Parsed

MOST_JOBS = 500
"""Jobs after which a child gives way to a fresh one: native libraries leak a little with each file."""

SPARE = 60.0
"""Seconds of processor time by which the child's own limit lies behind the parent's, which can say more."""

_SET_CHILD_SUBREAPER = 36  # of prctl(2)

Entry = Callable[[Path | bytes, Context], Parsed]


def main() -> None:
    """Answer jobs until the parent closes the line."""
    line = Line(socket.socket(fileno=int(sys.argv[1])))
    module, _, function = sys.argv[2].partition(":")
    sys.modules["torch"] = None  # type: ignore[assignment]
    share_as_nice()
    setup = line.receive(Setup, 1 << 20)
    _adopt()
    protection = sandbox.enter(setup.folder, file_size=int(setup.limits.unpacked))  # before the second thread
    threading.Thread(target=_end_with_parent, args=[setup.folder], daemon=True).start()
    entry: Entry = getattr(importlib.import_module(module), function)
    cap_memory(int(setup.limits.memory))
    line.send(Answer("ready", protection=protection))
    for served in range(1, MOST_JOBS + 1):
        try:
            request = line.receive(Request, sys.maxsize)
        except EOFError:
            return
        parsed, refusal = _outcome(entry, request, setup, line)
        del request
        _bury()
        leaving = served == MOST_JOBS or _memory() > int(setup.limits.memory) // 2
        line.send(Answer("leaving" if leaving else "done", parsed, refusal))
        if leaving:
            return


def _adopt() -> None:
    """Have programs whose parent has ended belong to this process (Linux), so that its own parent still counts what they use."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0)))


def _bury() -> None:
    """Take note of the programs that have ended, which else would count as running."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _outcome(entry: Entry, request: Request, setup: Setup, line: Line) -> tuple[Parsed | None, Refusal | None]:
    """Return what the parser makes of a document, or why nothing."""
    source = Path(setup.folder, request.file) if request.data is None else request.data
    granted = _Granted(setup.limits, line)
    try:
        return entry(source, Context(request.name, setup.limits, request.ocr, request.languages, granted.extend)), None
    except DocumentError as error:
        return None, Refusal.of(error)
    except Exception as error:  # noqa: BLE001  the parent gets its class and words
        return None, Refusal.of(explained(error))


class _Granted:
    """The limit on processor time of one document; each page for text recognition raises it."""

    def __init__(self, limits: Limits, line: Line) -> None:
        self._limits, self._line = limits, line
        cap_processor(limits.seconds + SPARE)

    def extend(self) -> None:
        cap_processor(self._limits.seconds + self._limits.seconds_per_page + SPARE)
        self._line.send(Answer("extend"))


def _memory() -> int:
    """Return private resident bytes of this process; 0 where /proc does not tell."""
    try:
        fields = Path("/proc/self/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def _end_with_parent(folder: str) -> None:
    """Wait for the end of standard input, then empty the folder and end this process and the programs that it started."""
    while os.read(0, 1024):
        pass
    remove_all(folder)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
