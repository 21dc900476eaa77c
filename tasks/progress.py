"""How far a job is: counters that workers' receipts add to, and that a terminal bar and a Prefect artifact read.

Documents are counted when they are finished. The bar and the time left go by work done instead, in which documents have weights (see
`cost`) and a batch that is still at work counts for the share that it told: so they move while one long document is being read. The rate is
over the last half minute, so that the time left follows a change of pace. Listeners are called from whatever thread counts; they must be quick.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

WINDOW = 30.0  # s
PLAIN_BYTES = 2**20  # what a file has beyond this is mostly pictures
PICTURES = 4  # bytes of pictures that cost as much as a byte of text
FILE_BYTES = 2**11  # what opening a file costs, in bytes of text


@contextmanager
def repeated(work: Callable[[], None], every: float) -> Iterator[None]:
    """Call `work` in a thread of its own every so many seconds while the block runs, and once more when it has ended."""
    done = threading.Event()

    def loop() -> None:
        while True:
            ended = done.wait(every)
            work()
            if ended:
                return

    context = contextvars.copy_context()  # what a log line or a Prefect client takes from the caller
    thread = threading.Thread(target=lambda: context.run(loop), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=10)


def cost(size: int) -> float:
    """Return what a document of so many bytes weighs in the work of a run, in bytes of text."""
    return FILE_BYTES + min(size, PLAIN_BYTES) + max(0, size - PLAIN_BYTES) / PICTURES


class Part(NamedTuple):
    """How far a batch is that is still at work: the share of its weight (0 … 1), the pages read and the chunks encoded so far."""

    batch: str
    share: float
    pages: int
    chunks: int
    current: str


@dataclass(frozen=True, slots=True)
class Status:
    """A job at one moment. `eta_seconds` is None before anything is known."""

    stage: str
    done: int
    total: int
    pages: int
    chunks: int
    failed: int
    rate: float  # documents a second
    eta_seconds: float | None
    current: str
    finished: bool = False
    unit: str = "documents"
    share: float = 0.0  # of the stage's work, 0 … 1
    pages_rate: float = 0.0  # pages a second

    @property
    def percent(self) -> float:
        return 100.0 * self.share if self.total else (100.0 if self.finished else 0.0)

    @property
    def pace(self) -> str:
        """The rate in words, in pages where documents are long; "" before anything is known."""
        if self.rate < 1 and self.pages_rate > self.rate:
            return f"{self.pages_rate:.1f} pages/s"
        return f"{self.rate:.1f}/s" if self.rate else ""

    def line(self) -> str:
        """Return one line for a log: `index 120/400 documents · 31.4/s · ETA 0:09 · contract.pdf`."""
        parts = [f"{self.stage} {self.done}/{self.total} {self.unit}"]
        parts += [
            f"{n:,} {name}"
            for n, name in ((self.pages, "pages"), (self.chunks, "chunks"), (self.failed, "failed"))
            if n
        ]
        parts += [self.pace] if self.pace else []
        parts += [f"ETA {clock(self.eta_seconds)}"] if self.eta_seconds else []
        parts += [self.current.rsplit("/", 1)[-1]] if self.current else []
        return " · ".join(parts)


def clock(seconds: float) -> str:
    """Return h:mm:ss or m:ss."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


Listener = Callable[[Status], None]
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have every job of this process report to `listener` meanwhile."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class Progress:
    """The counters of one job; safe to use from several threads."""

    def __init__(self, stage: str = "", total: int = 0, unit: str = "documents") -> None:
        self._unit = unit
        self._lock = threading.Lock()
        self._stage, self._total, self._weight = stage, total, float(total)
        self._done = self._pages = self._chunks = self._failed = 0
        self._done_weight = 0.0
        self._parts: dict[str, tuple[float, Part]] = {}  # batches at work, with their weight
        self._current = ""
        self._recent: deque[tuple[float, int, float, int]] = deque()  # time, documents, weight, pages
        self._finished = False

    def stage(self, name: str, total: int | None = None, weight: float | None = None) -> None:
        """Begin a stage; a new total begins the count anew. `weight` is that of all its documents, one each when left out."""
        with self._lock:
            self._stage = name
            if total is not None:
                self._total, self._done = total, 0
                self._weight, self._done_weight = float(total) if weight is None else weight, 0.0
                self._recent = deque([self._moment()])
        self._tell()

    def reach(self, stage: str, done: int, total: int, current: str = "") -> None:
        """Stand at `done` of `total` in a stage, which begins where it is another than the one before."""
        if self.status().stage != stage:
            self.stage(stage, total)
        self.add(done - self.status().done, current=current)

    def begin(self, batch: str, weight: float) -> None:
        """Count a batch of this weight while it is at work, by `part`."""
        with self._lock:
            self._parts[batch] = (weight, Part(batch, 0.0, 0, 0, ""))

    def part(self, part: Part) -> None:
        """Take note of how far a batch is; of one that did not begin or has ended nothing is noted."""
        with self._lock:
            if part.batch not in self._parts:
                return
            self._parts[part.batch] = (self._parts[part.batch][0], part)
            self._current = part.current or self._current
            self._note()
        self._tell()

    def add(
        self,
        done: int = 1,
        pages: int = 0,
        chunks: int = 0,
        failed: int = 0,
        current: str = "",
        weight: float | None = None,
        batch: str = "",
    ) -> None:
        """Count finished work; `batch` is then no longer at work. `weight` is one for each document when left out."""
        with self._lock:
            self._parts.pop(batch, None)
            self._done += done
            self._done_weight += done if weight is None else weight
            self._pages += pages
            self._chunks += chunks
            self._failed += failed
            self._current = current or self._current
            self._note()
        self._tell()

    def finish(self) -> None:
        """Say that no more is to come."""
        with self._lock:
            self._finished = True
            self._current = ""
            self._parts.clear()
        self._tell()

    def status(self) -> Status:
        """Return the counters now."""
        with self._lock:
            _, _, weight, pages = self._moment()
            documents_rate, weight_rate, pages_rate = self._rates()
            left = self._weight - weight
            return Status(
                self._stage,
                self._done,
                self._total,
                pages,
                self._chunks + sum(p.chunks for _, p in self._parts.values()),
                self._failed,
                documents_rate,
                left / weight_rate if weight_rate > 0 and left > 0 else None,
                self._current,
                self._finished,
                self._unit,
                min(1.0, weight / self._weight) if self._weight else 0.0,
                pages_rate,
            )

    def _moment(self) -> tuple[float, int, float, int]:
        parts = self._parts.values()
        return (
            time.monotonic(),
            self._done,
            self._done_weight + sum(weight * part.share for weight, part in parts),
            self._pages + sum(part.pages for _, part in parts),
        )

    def _note(self) -> None:
        self._recent.append(self._moment())
        while len(self._recent) > 2 and self._recent[-1][0] - self._recent[0][0] > WINDOW:
            self._recent.popleft()

    def _rates(self) -> tuple[float, float, float]:
        """Return documents, weight and pages a second."""
        if len(self._recent) < 2 or self._recent[-1][0] <= self._recent[0][0]:
            return 0.0, 0.0, 0.0
        first, last = self._recent[0], self._recent[-1]
        seconds = last[0] - first[0]
        return (last[1] - first[1]) / seconds, (last[2] - first[2]) / seconds, (last[3] - first[3]) / seconds

    def _tell(self) -> None:
        status = self.status()
        for listener in _listeners:
            listener(status)
