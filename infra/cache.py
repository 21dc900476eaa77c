"""The door to Redis: vectors and small results shared by every worker, and a lock across machines.

The cache is never needed: any failure of Redis is logged once and treated as an empty cache, so a job goes on, slower. Every key has a
time to live. Keys are `faldone:KIND:…`; values are bytes that we wrote ourselves (never pickles).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from infra.errors import TransientError

log = logging.getLogger("faldone.cache")

PREFIX = "faldone"
LIFETIME = 30 * 24 * 3600  # s
PIPELINE = 512  # keys of one round trip: no command holds Redis for long
LEASE = 60.0  # s: a dead holder's lock is free after this


class Cache:
    """Byte values by key in Redis at `url`."""

    def __init__(self, url: str, lifetime: int = LIFETIME) -> None:
        import redis

        self._redis: Any = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
        self._errors = (redis.RedisError, OSError)
        self._lifetime = lifetime
        self._down = False
        self.hits = 0
        self.misses = 0

    def get_many(self, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
        """The values that are there, by key."""
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), PIPELINE):
            part = keys[start : start + PIPELINE]
            values = self._try(self._redis.mget, [f"{PREFIX}:{kind}:{key}" for key in part]) or [None] * len(part)
            found.update({key: value for key, value in zip(part, values, strict=True) if value is not None})
        self.hits += len(found)
        self.misses += len(keys) - len(found)
        return found

    def put_many(self, kind: str, values: Mapping[str, bytes]) -> None:
        """Store values, each with the cache's time to live."""
        items = list(values.items())
        for start in range(0, len(items), PIPELINE):
            pipe = self._redis.pipeline(transaction=False)
            for key, value in items[start : start + PIPELINE]:
                pipe.set(f"{PREFIX}:{kind}:{key}", value, ex=self._lifetime)
            if self._try(pipe.execute) is None:
                return

    def _try(self, call: Any, *args: Any) -> Any:
        if self._down:
            return None
        try:
            return call(*args)
        except self._errors as error:
            self._down = True  # for this object's life: a job does not wait for a dead Redis at every batch
            log.warning("Redis is away, going on without the cache: %s", error)
            return None

    @contextmanager
    def lock(self, name: str, wait: float) -> Iterator[None]:
        """Hold a lock across machines; its lease is renewed until the block ends.

        Raises:
            TransientError: Redis is away, or somebody else held the lock for `wait` seconds.
        """
        lock = self._redis.lock(f"{PREFIX}:lock:{name}", timeout=LEASE, blocking_timeout=wait, thread_local=False)
        try:
            if not lock.acquire():
                raise TransientError(f"{name}: somebody else has held the lock for {wait:.0f} s")
        except self._errors as error:
            raise TransientError(f"FALDONE_REDIS_URL: {error}") from error
        done = threading.Event()
        renewer = threading.Thread(target=self._renew, args=(lock, done), daemon=True)
        renewer.start()
        try:
            yield
        finally:
            done.set()
            renewer.join()
            try:
                lock.release()
            except self._errors as error:
                log.warning("the lock %s could not be released and ends with its lease: %s", name, error)

    def _renew(self, lock: Any, done: threading.Event) -> None:
        while not done.wait(LEASE / 3):
            try:
                lock.reacquire()
            except self._errors as error:
                log.warning("a lock could not be renewed: %s", error)
