"""The lane of the one writer of a collection: a file lock on this machine, and a lock in Redis across machines.

A file lock leaves with its process, so a killed writer blocks nobody. The lock in Redis has a lease that its holder
renews; it is taken only where FALDONE_REDIS_URL is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from filelock import FileLock, Timeout

from infra.errors import TransientError
from infra.settings import Settings

WAIT = 3600.0  # s: how long a writer waits for the one before it


@contextmanager
def writer_lane(settings: Settings, collection: str, wait: float = WAIT) -> Iterator[None]:
    """Hold the right to write a collection's tables.

    Raises:
        TransientError: another writer has held it for longer than `wait` seconds.
    """
    folder = settings.scratch / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(folder / f"{collection}.lock", timeout=wait))
        except Timeout:
            raise TransientError(f"collection {collection}: another job has been writing it for {wait:.0f} s") from None
        if settings.redis_url is not None:
            from infra.cache import Cache

            stack.enter_context(Cache(settings.redis_url.get_secret_value()).lock(f"writer:{collection}", wait))
        yield


@contextmanager
def one_at_a_time(settings: Settings, job: str) -> Iterator[None]:
    """Hold the right to run a maintenance job over the data folder; nobody waits for it.

    Raises:
        TransientError: the same job is at work already.
    """
    folder = settings.scratch / "locks" / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(folder / f"{job}.lock", timeout=0))
        except Timeout:
            raise TransientError(f"another {job} is at work on {settings.root}: try again when it is done") from None
        if settings.redis_url is not None:
            from infra.cache import Cache

            stack.enter_context(Cache(settings.redis_url.get_secret_value()).lock(f"job:{job}", 1.0))
        yield
