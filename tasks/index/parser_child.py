"""The process in which parsers run: reads jobs from its parent, answers each, and dies alone when one goes wrong.

Started by `parse.py` as `python -m tasks.index.parser_child FD ENTRY`. It never outlives its parent: its standard
input is a pipe that only the parent holds, so the end of that pipe is the end of the parent, however it died. (Linux's
PR_SET_PDEATHSIG would do the same but fires when the *thread* that started the child ends, which in a thread pool
is much too soon.)

torch is kept out: spaCy, under Unstructured, imports it whenever it is installed, and that costs two seconds and
200 MB in each child that reads a Word file, for nothing.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from infra.errors import DocumentError
from infra.priority import share_as_nice
from tasks.index.formats.base import Context
from tasks.index.guard import cap_memory, forbid_network
from tasks.index.read import explained
from tasks.records import Parsed

MOST_JOBS = 500
"""Jobs after which a child gives way to a fresh one: native libraries leak a little with each file."""

Entry = Callable[[Path | bytes, Context], Parsed]


def main() -> None:
    """Answer jobs until the parent closes the line."""
    line = Connection(int(sys.argv[1]))
    module, _, function = sys.argv[2].partition(":")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.modules["torch"] = None  # type: ignore[assignment]
    forbid_network()
    share_as_nice()
    entry: Entry = getattr(importlib.import_module(module), function)
    line.send(("ready", None))
    for served in range(1, MOST_JOBS + 1):
        try:
            source, context = line.recv()
        except EOFError:
            return
        if served == 1:
            cap_memory(int(context.limits.memory))
        answer = _answer(entry, source, replace(context, extend=lambda: line.send(("extend", None))))
        leaving = served == MOST_JOBS or _memory() > int(context.limits.memory) // 2
        line.send(("leaving" if leaving else "done", answer))
        if leaving:
            return


def _answer(entry: Entry, source: Path | bytes, context: Context) -> Parsed | DocumentError:
    """What the parser makes of a job, its error as a value."""
    try:
        return entry(source, context)
    except DocumentError as error:
        return _portable(error)
    except Exception as error:  # noqa: BLE001  the parent gets its class and words
        return _portable(explained(error))


def _portable(error: DocumentError) -> DocumentError:
    """The error without traceback and cause, which could hold the whole document."""
    return DocumentError(error.kind, error.message, error.stage)


def _memory() -> int:
    """Private resident bytes of this process; 0 where /proc does not tell."""
    try:
        fields = Path("/proc/self/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def _end_with_parent() -> None:
    """Wait for the end of standard input, then end this process and the programs that it started."""
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
