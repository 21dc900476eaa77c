"""Parsers in child processes: a deadline and a memory cap for each document, and a death costs only that one.

One thread and one child a lane, joined by a line of their own. No library pool does: their workers share one pipe and
its lock, so a child that dies while it holds the lock stops all the others; they count a fixed time from the start,
while a scan earns more with each page; and `multiprocessing` imports the parent's main module again in each child
(under Prefect that is Prefect itself: two seconds). A child here is a plain subprocess, so it can be started from a
daemonic Dask worker and from any thread; no signal handler is involved.

The child itself, from its start to its last words, is in `parser_process.py`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.machine import cores
from tasks.index.parser_process import Outcome, ParserProcess, sweep
from tasks.index.read import parse_file

__all__ = ["Outcome", "ParseRequest", "ParserPool", "parse_file", "parser_pool"]

if TYPE_CHECKING:
    from infra.settings import Settings

ENTRY = "tasks.index.read:read"


@dataclass(frozen=True, slots=True)
class ParseRequest:
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


_Ticket = tuple[ParseRequest, "Future[Outcome]"]


class ParserPool:
    """A few lanes, each with a child that parses; children start when there is work for them.

    May be used from several threads at once. Close it when done; otherwise the children end with this process.
    """

    def __init__(self, settings: Settings, workers: int | None = None, entry: str = ENTRY) -> None:
        """Make a pool; its children start when there is work.

        Args:
            settings: limits, OCR mode and languages; `workers` when the argument is None.
            workers: children at most; 0 or None with no setting: one a core.
            entry: `module:function` that the children call with (source, context).
        """
        self._settings = settings
        self._entry = entry
        self._workers = workers or settings.workers or cores()
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

    def parse(self, requests: Sequence[ParseRequest]) -> Iterator[tuple[ParseRequest, Outcome]]:
        """Parse the jobs; each comes back as soon as it is done, with what was made of it or why not.

        At most two documents a lane are in flight, so results do not pile up when the caller is slow. Leaving the
        iterator early lets go of the jobs that did not begin.
        """
        left = iter(requests)
        running: dict[Future[Outcome], ParseRequest] = {}
        try:
            while True:
                while len(running) < 2 * self._workers and (request := next(left, None)) is not None:
                    running[self._submit(request)] = request
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()

    def close(self) -> None:
        """End all children at once; requests that were under way count as not done."""
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

    def _submit(self, request: ParseRequest) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the parser pool is closed")
            self._waiting += 1
            if len(self._lanes) < self._workers and self._waiting > len(self._lanes):
                self._add_lane()
        future.add_done_callback(self._one_less)
        self._tickets.put((request, future))
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
        self._child: ParserProcess | None = None
        self._lock = threading.Lock()
        self._closed = False

    def serve(self) -> None:
        """Answer tickets until a None says that the pool closes."""
        while (ticket := self._tickets.get()) is not None:
            request, future = ticket
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._run(request))
            except BaseException as error:  # noqa: BLE001  the caller's future raises it
                future.set_exception(error)

    def start_early(self) -> None:
        """Start the child, if there is none, without waiting for it."""
        with self._lock:
            if self._child is None and not self._closed:
                self._child = ParserProcess(self._entry, self._settings.limits)
                with contextlib.suppress(OSError):  # whoever asks it learns why it died
                    self._child.say_hello()

    def kill(self) -> None:
        """End the child and start no other."""
        with self._lock:
            self._closed = True
            if self._child:
                self._child.kill()

    def _run(self, request: ParseRequest) -> Outcome:
        self.start_early()
        child = self._child
        if child is None:
            raise RuntimeError("the parser pool is closed")
        outcome, usable = child.ask(request.source, Path(request.name).name, self._settings)
        if not usable:
            with self._lock:
                child.kill()
                self._child = None
        return outcome


_POOLS: dict[tuple[object, ...], ParserPool] = {}
_POOLS_LOCK = threading.Lock()


def parser_pool(settings: Settings, workers: int | None = None) -> ParserPool:
    """Return the pool of this process for these settings; made once."""
    key = (os.getpid(), settings.limits, settings.ocr, settings.languages, workers or settings.workers)
    with _POOLS_LOCK:
        if key not in _POOLS or _POOLS[key]._closed:
            sweep()
            _POOLS[key] = ParserPool(settings, workers)
        return _POOLS[key]
