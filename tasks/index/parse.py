"""Parsers in child processes: a deadline and a memory cap for each document, and a death costs only that one.

One thread and one child a lane, joined by a line of their own. No library pool does: their workers share one pipe and
its lock, so a child that dies while it holds the lock stops all the others; they count a fixed time from the start,
while a scan earns more with each page; and `multiprocessing` imports the parent's main module again in each child
(under Prefect that is Prefect itself: two seconds). A child here is a plain subprocess, so it can be started from a
daemonic Dask worker and from any thread; no signal handler is involved.

A child leads a process group, so that tesseract, pandoc or LibreOffice, when it runs one, is killed with it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import Context
from tasks.index.read import parse_file
from tasks.records import Parsed

__all__ = ["Outcome", "ParseJob", "ParserPool", "parse_file", "parser_pool"]

if TYPE_CHECKING:
    from infra.settings import Settings

ENTRY = "tasks.index.read:read"
_START_SECONDS = 90.0  # to import the interpreter and a few modules; a busy machine may need long
_MEMORY_WORDS = ("bad_alloc", "memoryerror", "out of memory", "cannot allocate")


@dataclass(frozen=True, slots=True)
class ParseJob:
    """A document to parse: a local path, or the bytes of an attachment (then `data` counts).

    `name` is its path or URL as the ledger has it; only its last part, with the extension, is looked at.
    """

    name: str
    path: Path | None = None
    data: bytes | None = None

    @property
    def source(self) -> Path | bytes:
        if self.data is not None:
            return self.data
        return self.path if self.path is not None else Path(self.name)


Outcome = Parsed | DocumentError
_Ticket = tuple[ParseJob, "Future[Outcome]"]


class ParserPool:
    """A few lanes, each with a child that parses; children start when there is work for them.

    May be used from several threads at once. Close it when done; otherwise the children end with this process.
    """

    def __init__(self, settings: Settings, workers: int | None = None, entry: str = ENTRY) -> None:
        """
        Args:
            settings: limits, OCR mode and languages; `workers` when the argument is None.
            workers: children at most; 0 or None with no setting: one a core.
            entry: `module:function` that the children call with (source, context).
        """
        self._settings = settings
        self._entry = entry
        self._workers = workers or settings.workers or _cores()
        self._tickets: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._lanes: list[_Lane] = []
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False

    def warm(self, lanes: int = 1) -> None:
        """Start children now, so that their imports run while the caller does something else."""
        with self._lock:
            while len(self._lanes) < min(lanes, self._workers):
                self._add_lane()
        for lane in self._lanes[:lanes]:
            lane.start_early()

    def parse(self, jobs: Sequence[ParseJob]) -> Iterator[tuple[ParseJob, Outcome]]:
        """Parse the jobs; each comes back as soon as it is done, with what was made of it or why not.

        At most two documents a lane are in flight, so results do not pile up when the caller is slow. Leaving the
        iterator early lets go of the jobs that did not begin.
        """
        left = iter(jobs)
        running: dict[Future[Outcome], ParseJob] = {}
        try:
            while True:
                while len(running) < 2 * self._workers and (job := next(left, None)) is not None:
                    running[self._submit(job)] = job
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()

    def close(self) -> None:
        """End all children at once; jobs that were under way count as not done."""
        with self._lock:
            self._closed = True
            lanes = list(self._lanes)
        for lane in lanes:
            self._tickets.put(None)
            lane.kill()

    def __enter__(self) -> ParserPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _submit(self, job: ParseJob) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the parser pool is closed")
            self._waiting += 1
            if len(self._lanes) < self._workers and self._waiting > len(self._lanes):
                self._add_lane()
        future.add_done_callback(self._one_less)
        self._tickets.put((job, future))
        return future

    def _one_less(self, _: object) -> None:
        with self._lock:
            self._waiting -= 1

    def _add_lane(self) -> None:
        lane = _Lane(self._settings, self._entry, self._tickets)
        self._lanes.append(lane)
        threading.Thread(target=lane.serve, name="parser-lane", daemon=True).start()


class _Lane:
    """One child and the thread that talks to it."""

    def __init__(self, settings: Settings, entry: str, tickets: queue.SimpleQueue[_Ticket | None]) -> None:
        self._settings = settings
        self._entry = entry
        self._tickets = tickets
        self._child: _Child | None = None
        self._lock = threading.Lock()
        self._closed = False

    def serve(self) -> None:
        """Answer tickets until a None says that the pool closes."""
        while (ticket := self._tickets.get()) is not None:
            job, future = ticket
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._run(job))
            except BaseException as error:  # noqa: BLE001  the caller's future raises it
                future.set_exception(error)

    def start_early(self) -> None:
        """Start the child, if there is none, without waiting for it."""
        with self._lock:
            if self._child is None and not self._closed:
                self._child = _Child(self._entry)

    def kill(self) -> None:
        """End the child and start no other."""
        with self._lock:
            self._closed = True
            if self._child:
                self._child.kill()

    def _run(self, job: ParseJob) -> Outcome:
        self.start_early()
        child = self._child
        if child is None:
            raise RuntimeError("the parser pool is closed")
        context = Context(Path(job.name).name, self._settings.limits, self._settings.ocr, self._settings.languages)
        outcome, usable = child.ask(job.source, context)
        if not usable:
            with self._lock:
                child.kill()
                self._child = None
        return outcome


class _Child:
    """A parser process and the line to it."""

    def __init__(self, entry: str) -> None:
        ours, theirs = socket.socketpair()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the child)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tasks.index.parser_child", str(theirs.fileno()), entry],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            env=_environment(),
        )
        theirs.close()
        self._line = Connection(ours.detach())
        self._ready = False

    def ask(self, source: Path | bytes, context: Context) -> tuple[Outcome, bool]:
        """The outcome of one document, and whether the child can take another."""
        try:
            if not self._ready and (failed := self._await_ready()):
                return failed, False
            self._line.send((source, context))
            return self._await_answer(context)
        except (EOFError, OSError):
            return self._obituary(), False

    def _await_ready(self) -> DocumentError | None:
        if not self._line.poll(_START_SECONDS):
            return DocumentError(FailureKind.INTERNAL, f"a parser process did not start within {_START_SECONDS:.0f} s")
        self._line.recv()
        self._ready = True
        return None

    def _await_answer(self, context: Context) -> tuple[Outcome, bool]:
        limits = context.limits
        began, granted = time.monotonic(), limits.seconds
        while True:
            left = began + granted - time.monotonic()
            if left <= 0 or not self._line.poll(left):
                message = f"reading took longer than {granted:.0f} s (limits.seconds) and was stopped"
                return DocumentError(FailureKind.TIMEOUT, message), False
            word, value = self._line.recv()
            if word == "extend":
                granted += limits.seconds_per_page
            else:
                return value, word == "done"

    def _obituary(self) -> DocumentError:
        """Why the child died, by its exit status and its last words."""
        try:
            status = self._process.wait(10)
        except subprocess.TimeoutExpired:
            return DocumentError(FailureKind.CRASH, "the parser process closed its line to us and was stopped")
        words = self._last_words()
        if any(word in words.lower() for word in _MEMORY_WORDS):
            return DocumentError(FailureKind.MEMORY, "reading the file needs more memory than limits.memory grants")
        if not self._ready:
            return DocumentError(FailureKind.INTERNAL, f"a parser process could not start: {words or status}")
        if status == -signal.SIGKILL:
            message = "the parser process was killed from outside: most likely the machine ran out of memory"
            return DocumentError(FailureKind.CRASH, message)
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return DocumentError(FailureKind.CRASH, f"the reader crashed ({how}){f': {words}' if words else ''}")

    def _last_words(self) -> str:
        """The last line that the child wrote on standard error."""
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 4096))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""

    def kill(self) -> None:
        """End the child with all that it started. The group lives on as long as any of them does."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._line.close()
        if self._process.stdin:
            self._process.stdin.close()
        self._errors.close()


def _cores() -> int:
    """The cores that this process may use; all of the machine's where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _environment() -> dict[str, str]:
    """The child's environment: it finds the same modules, and no library starts threads of its own."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT"), "1")
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**os.environ, **single, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "2"}


_POOLS: dict[tuple[object, ...], ParserPool] = {}
_POOLS_LOCK = threading.Lock()


def parser_pool(settings: Settings, workers: int | None = None) -> ParserPool:
    """The pool of this process for these settings; made once."""
    key = (os.getpid(), settings.limits, settings.ocr, settings.languages, workers or settings.workers)
    with _POOLS_LOCK:
        if key not in _POOLS or _POOLS[key]._closed:
            _POOLS[key] = ParserPool(settings, workers)
        return _POOLS[key]
