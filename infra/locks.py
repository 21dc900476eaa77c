"""The lane of the one writer of a collection: a file lock on this machine, and a lock in Redis across machines.

A file lock leaves with its process, so a killed writer blocks nobody. The lock in Redis (where FALDONE_REDIS_URL is set) has a lease that
its holder renews. It can be lost all the same: Redis began anew, or the holder stood still for longer than the lease. So every write to the
lake asks the lane first (`check`), and a writer that lost its lane stops before the next table, with an error that the same job mends when
it is run again. One that stands still between that question and its commit would commit when it wakes. Therefore the next writer fences the
collection's tables (`infra.lanes`) where the one before did not give its lock back, and LanceDB refuses what began before that.

A data folder in an object store can be written from any machine. There a lock on this machine alone protects nothing, and is refused.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from infra.errors import LockLost, TransientError, UsageError
from infra.files import private_folder
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.cache import Lease

log = logging.getLogger("faldone.locks")

RENEWALS = 3  # in the time of a lease


class Lane:
    """The right to write, as long as it lasts. Without a lease it lasts as long as the process."""

    def __init__(self, name: str, lease: Lease | None) -> None:
        self.name = name
        self._lease = lease
        self.orphaned = lease is not None and lease.orphaned
        self.unfenced = False  # whether what the holder before began may still be committed
        self._lost = ""
        self._renewed = _now()
        self._done = threading.Event()
        self._renewer = threading.Thread(target=self._renew, name=f"lane-{name}", daemon=True)
        if lease is not None:
            self._renewer.start()

    def check(self) -> None:
        """Return if the lane is still held.

        Raises:
            LockLost: it is not, or nobody can tell any more.
        """
        if self._lease is None:
            return
        self._look()
        if self._lost:
            raise LockLost(
                f"{self.name}: {self._lost}. What was not yet written is not written: run the same job again"
            )

    def _look(self) -> None:
        from infra.cache import LEASE

        if self._lost or self._lease is None:
            return
        if _now() - self._renewed > LEASE:
            self._lost = f"the lock was not renewed for {LEASE:.0f} s, so another writer may have begun"
            return
        try:
            held = self._lease.renew()
        except TransientError as error:
            # nobody can take it from a Redis that is away, and the lease tells for how long that is sure
            log.warning("the lock %s could not be renewed: %s", self.name, error)
            return
        if held:
            self._renewed = _now()
        else:
            self._lost = "the lock in Redis is gone or another writer's"

    def _renew(self) -> None:
        from infra.cache import LEASE

        while not self._done.wait(LEASE / RENEWALS) and not self._lost:
            self._look()
        if self._lost:
            log.error("%s: %s", self.name, self._lost)

    def leave(self) -> None:
        """Give the lane back."""
        if self._lease is None:
            return
        self._done.set()
        self._renewer.join()
        try:
            self._lease.release(done=not self.unfenced)
        except TransientError as error:
            log.warning("the lock %s could not be released and ends with its lease: %s", self.name, error)


_lanes: ContextVar[tuple[Lane, ...]] = ContextVar("lanes", default=())


def check() -> None:
    """Call before each write: return if the lanes that this thread is in are still held.

    Raises:
        LockLost: one of them is not.
    """
    for lane in _lanes.get():
        lane.check()


def checker() -> Callable[[], None]:
    """Give `check` for the lanes that this thread is in, to be called from another thread."""
    lanes = _lanes.get()

    def check_them() -> None:
        for lane in lanes:
            lane.check()

    return check_them


def _now() -> float:
    """Return seconds that a clock set anew does not move and a machine that sleeps does not stop."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(boot) if boot is not None else time.monotonic()


@contextmanager
def one_at_a_time(settings: Settings, job: str) -> Iterator[Lane]:
    """Hold the right to run a maintenance job over the data folder; nobody waits for it.

    Raises:
        TransientError: the same job is at work already.
        UsageError: the data folder is shared and no lock is.
    """
    with held(settings, f"jobs/{job}.lock", f"job:{job}", 0.0) as lane:
        if lane is None:
            raise TransientError(f"another {job} is at work on {settings.root}: try again when it is done")
        yield lane


@contextmanager
def held(settings: Settings, file: str, name: str, wait: float) -> Iterator[Lane | None]:
    """Hold a lane; give None when it could not be taken within `wait` seconds.

    Raises:
        UsageError: the data folder is shared and no lock is.
    """
    if settings.remote and settings.redis_url is None and not settings.single_writer:
        raise UsageError(
            f"FALDONE_HOME is {settings.root}, which other machines can write too, and no lock is shared with them: set "
            "FALDONE_REDIS_URL, or FALDONE_SINGLE_WRITER=true if no other machine ever writes there"
        )
    path = private_folder(settings.scratch) / "locks" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(path, timeout=wait))
        except Timeout:
            yield None
            return
        lease = None
        if settings.redis_url is not None:
            from infra.cache import Cache

            lease = Cache(settings.redis_url.get_secret_value()).lease(name)
            if not lease.acquire(wait):
                yield None
                return
        lane = Lane(name, lease)
        stack.callback(lane.leave)
        token = _lanes.set((*_lanes.get(), lane))
        stack.callback(_lanes.reset, token)
        yield lane
