"""How far a job is: counters that workers' receipts add to, and that a terminal bar and a Prefect artifact read.

Counted in finished documents, never estimated by a worker. The rate is over the last half minute, so that the time left follows a change of
pace. Listeners are called from whatever thread counts; they must be quick.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

WINDOW = 30.0  # s


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

    @property
    def percent(self) -> float:
        return min(100.0, 100.0 * self.done / self.total) if self.total else (100.0 if self.finished else 0.0)

    def line(self) -> str:
        """One line for a log: `index 120/400 documents · 31.4/s · ETA 0:09 · contract.pdf`."""
        parts = [f"{self.stage} {self.done}/{self.total} {self.unit}"]
        parts += [
            f"{n:,} {name}"
            for n, name in ((self.pages, "pages"), (self.chunks, "chunks"), (self.failed, "failed"))
            if n
        ]
        parts += [f"{self.rate:.1f}/s"] if self.rate else []
        parts += [f"ETA {clock(self.eta_seconds)}"] if self.eta_seconds else []
        parts += [self.current.rsplit("/", 1)[-1]] if self.current else []
        return " · ".join(parts)


def clock(seconds: float) -> str:
    """h:mm:ss or m:ss."""
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
        self._stage, self._total = stage, total
        self._done = self._pages = self._chunks = self._failed = 0
        self._current = ""
        self._recent: deque[tuple[float, int]] = deque()
        self._finished = False

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage; a new total begins the count anew."""
        with self._lock:
            self._stage = name
            if total is not None:
                self._total, self._done = total, 0
                self._recent = deque([(time.monotonic(), 0)])
        self._tell()

    def add(self, done: int = 1, pages: int = 0, chunks: int = 0, failed: int = 0, current: str = "") -> None:
        """Count finished work."""
        with self._lock:
            self._done += done
            self._pages += pages
            self._chunks += chunks
            self._failed += failed
            self._current = current or self._current
            now = time.monotonic()
            self._recent.append((now, self._done))
            while len(self._recent) > 2 and now - self._recent[0][0] > WINDOW:
                self._recent.popleft()
        self._tell()

    def finish(self) -> None:
        """No more is to come."""
        with self._lock:
            self._finished = True
            self._current = ""
        self._tell()

    def status(self) -> Status:
        """The counters now."""
        with self._lock:
            rate = self._rate()
            left = self._total - self._done
            eta = left / rate if rate and left > 0 else None
            return Status(
                self._stage, self._done, self._total, self._pages, self._chunks, self._failed, rate, eta, self._current, self._finished,
                self._unit,
            )  # fmt: skip

    def _rate(self) -> float:
        if len(self._recent) < 2:
            return 0.0
        (first, before), (last, after) = self._recent[0], self._recent[-1]
        return (after - before) / (last - first) if last > first else 0.0

    def _tell(self) -> None:
        status = self.status()
        for listener in _listeners:
            listener(status)
