"""How much processor time a process and all that it started have had, and whether any of them still works.

A deadline in processor time is fair on a busy machine: a second there is a second of work, however long it was waited for.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# states of a thread that waits for something which never need come; D (the disk) and R (its turn) pass
STILL = frozenset("SI")


@dataclass(frozen=True, slots=True)
class Use:
    """Resources that a process and its descendants have used.

    Attributes:
        seconds: processor time, that of ended programs included.
        processes: how many live.
        waiting: all of them wait for something else than a processor.
        ready: one of them works or waits for a processor.
    """

    seconds: float
    processes: int
    waiting: bool
    ready: bool = False


def use_of(pid: int) -> Use:
    """Return what a process and its programs have used; nothing once it is gone.

    Without /proc (macOS) psutil tells, and there programs that have ended do not count.
    """
    if not Path("/proc/self/stat").exists():
        return _use_by_psutil(pid)
    ticks, count, states = 0, 0, set[str]()
    for process in processes_of(pid):
        fields = _stat(process)
        if fields is None:
            continue
        count += 1
        # utime, stime and those of the children that were waited for
        ticks += sum(int(field) for field in fields[11:15])
        states.update(_states(process))
    return Use(ticks / os.sysconf("SC_CLK_TCK"), count, count > 0 and states <= STILL, "R" in states)


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on; the name before them may hold blanks and parentheses."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None  # it has just ended


def processes_of(pid: int) -> Iterator[int]:
    """Yield a process and its descendants; without /proc only itself."""
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        yield process
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                waiting += map(int, Path(f"/proc/{process}/task/{thread}/children").read_text().split())
        except OSError:
            continue  # it has just ended, or the kernel was built without this list


def _states(pid: int) -> Iterator[str]:
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            yield Path(f"/proc/{pid}/task/{thread}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return


def _use_by_psutil(pid: int) -> Use:
    import psutil

    seconds, count, states = 0.0, 0, set[str]()
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            times = one.cpu_times()
            seconds += times.user + times.system
            count += 1
            states.add(one.status())
    except psutil.NoSuchProcess:
        pass
    still = states <= {psutil.STATUS_SLEEPING, psutil.STATUS_IDLE}
    return Use(seconds, count, count > 0 and still, psutil.STATUS_RUNNING in states)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why work is to be stopped, and whether for its time (else for what it did)."""

    reason: str
    slow: bool = True


class Deadline:
    """A limit of processor time for one piece of a process's work, with two lines behind it in time of the clock.

    The clock counts only for what does not work: a process that for as long as its limit did nothing but wait hangs. And
    nothing may take `FAR` times its limit, not counting the time in which others had the processors.
    """

    FAR = 30.0

    def __init__(self, pid: int, seconds: float, most_processes: int = 0) -> None:
        self._pid, self._most = pid, most_processes
        self.granted = seconds
        self._began = self._seen = time.monotonic()
        self._start = self._last = use_of(pid).seconds
        self._idle = self._queued = 0.0
        self._pause = 0.1

    def extend(self, seconds: float) -> None:
        """Grant more."""
        self.granted += seconds

    @property
    def used(self) -> float:
        """Processor seconds so far."""
        return max(0.0, self._last - self._start)

    def pause(self) -> float:
        """Return after how many seconds to look again: soon at first, then as the time that is left allows."""
        self._pause = min(2 * self._pause, 5.0, max(0.1, self.granted / 10))
        return self._pause

    def passed(self) -> Stop | None:
        """Look now; return why the work is to be stopped, or None."""
        now, use = time.monotonic(), use_of(self._pid)
        still = use.waiting and use.seconds - self._last < 0.02
        self._idle = self._idle + now - self._seen if still else 0.0
        if use.ready:  # what it did not get of this time, others had
            self._queued += max(0.0, now - self._seen - (use.seconds - self._last))
        self._seen, self._last = now, max(self._last, use.seconds)
        if self._most and use.processes > self._most:
            return Stop(f"started {use.processes} programs at once; {self._most} are allowed", slow=False)
        if self.used >= self.granted:
            return Stop(f"took more than {self.granted:.0f} s of processor time")
        if self._idle >= self.granted:
            return Stop(f"did nothing for {self._idle:.0f} s, after {self.used:.1f} s of processor time")
        if now - self._began - self._queued >= self.FAR * self.granted:
            far = self.FAR * self.granted
            return Stop(f"took longer than {far:.0f} s by the clock, with {self.used:.1f} s of processor time")
        return None


def run(command: Sequence[str], data: bytes, seconds: float, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program with `data` on its standard input and a deadline of processor time.

    Args:
        environment: variables besides those of this process.

    Raises:
        TimeoutError: it was stopped; the message says why.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    ) as process:
        # by a thread: communicate() does not go on writing when it is called again after a timeout
        pipe, process.stdin = process.stdin, None
        threading.Thread(target=_feed, args=[pipe, data], daemon=True).start()
        deadline = Deadline(process.pid, seconds)
        while True:
            try:
                out, errors = process.communicate(timeout=deadline.pause())
            except subprocess.TimeoutExpired:
                if stop := deadline.passed():
                    process.kill()
                    raise TimeoutError(stop.reason) from None
            else:
                return subprocess.CompletedProcess(command, process.returncode, out, errors)


def _feed(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is not None:
        with contextlib.suppress(BrokenPipeError), pipe:  # who reads no further has its reasons
            pipe.write(data)
