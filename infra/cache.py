"""The door to Redis: vectors and small results shared by every worker, and a lock across machines.

The cache is never needed: any failure of Redis is logged and treated as an empty cache, so a job goes on, slower;
after a pause Redis is asked again. Every key has a time to live. Keys are `faldone:KIND:…`; values are bytes that we wrote ourselves (never
pickles).
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.errors import TransientError, UsageError

log = logging.getLogger("faldone.cache")

PREFIX = "faldone"
LIFETIME = 30 * 24 * 3600  # s
PIPELINE = 512  # keys of one round trip: no command holds Redis for long
LEASE = 60.0  # s: a dead holder's lock is free after this
PAUSE = 15.0  # s without the cache after Redis failed: a job does not wait for a dead Redis at every batch


class Cache:
    """Byte values by key in Redis at `url`."""

    def __init__(self, url: str, lifetime: int = LIFETIME) -> None:
        import redis

        self._redis: Any = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
        self._errors = (redis.RedisError, OSError)
        self._lifetime = lifetime
        self._away_until: float | None = None  # monotonic; None while Redis answers
        self.hits = 0
        self.misses = 0

    def get_many(self, kind: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the values that are there, by key."""
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

    def drop_many(self, kind: str, keys: Sequence[str]) -> None:
        """Forget values."""
        for start in range(0, len(keys), PIPELINE):
            names = [f"{PREFIX}:{kind}:{key}" for key in keys[start : start + PIPELINE]]
            self._try(self._redis.unlink, *names)

    def _try(self, call: Any, *args: Any) -> Any:
        if self._away_until is not None and time.monotonic() < self._away_until:
            return None
        try:
            answer = call(*args)
        except self._errors as error:
            if self._away_until is None:
                log.warning("Redis is away, going on without the cache: %s", error)
            self._away_until = time.monotonic() + PAUSE
            return None
        if self._away_until is not None:
            log.warning("Redis is back, and the cache is used again")
            self._away_until = None
        return answer

    def lease(self, name: str) -> Lease:
        """Return the lock of a name, not yet taken.

        Raises:
            UsageError: this Redis may evict locks.
            TransientError: Redis is away.
        """
        self._refuse_eviction()
        return Lease(self._redis, self._errors, name)

    def _refuse_eviction(self) -> None:
        try:
            memory = self._redis.info("memory")
        except self._errors as error:
            raise TransientError(f"FALDONE_REDIS_URL: {error}") from error
        policy = str(memory.get("maxmemory_policy", ""))
        if int(memory.get("maxmemory", 0)) and policy.startswith("allkeys"):
            raise UsageError(
                f"FALDONE_REDIS_URL: this Redis evicts any key when it is full (maxmemory-policy {policy}), locks too: set it to "
                "volatile-lru or noeviction"
            )

    # ---- upkeep ----------------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Return Redis's own counters: hits and misses since it started, expired keys, bytes in use.

        Raises:
            TransientError: Redis is away.
        """
        try:
            told = self._redis.info("all")
        except self._errors as error:
            raise TransientError(f"FALDONE_REDIS_URL: {error}") from error
        names = ("keyspace_hits", "keyspace_misses", "expired_keys", "used_memory")
        return {name: int(told.get(name, 0)) for name in names}

    def sweep(self, wanted: Callable[[str], bool], dry_run: bool = False) -> Swept:
        """Remove entries that nobody wants and those without a time to live.

        Keys are scanned in small steps (never KEYS), removed in small lots in the background (UNLINK), so no other
        client waits. Expired entries that Redis has not met yet leave by being looked at.

        Args:
            wanted: is told a key without the prefix, `KIND:…`, and says whether it is of use.

        Raises:
            TransientError: Redis is away.
        """
        try:
            before = int(self._redis.info("stats").get("expired_keys", 0))
            swept = Swept()
            for keys in self._lots():
                swept += self._sweep_lot(keys, wanted, dry_run)
            expired = int(self._redis.info("stats").get("expired_keys", 0)) - before
            return swept + Swept(expired=max(0, expired))
        except self._errors as error:
            raise TransientError(f"FALDONE_REDIS_URL: {error}") from error

    def _lots(self) -> Iterator[list[bytes]]:
        lot: list[bytes] = []
        for key in self._redis.scan_iter(match=f"{PREFIX}:*", count=PIPELINE):
            lot.append(key)
            if len(lot) >= PIPELINE:
                yield lot
                lot = []
        if lot:
            yield lot

    def _sweep_lot(self, keys: Sequence[bytes], wanted: Callable[[str], bool], dry_run: bool) -> Swept:
        pipe = self._redis.pipeline(transaction=False)
        for key in keys:
            pipe.ttl(key)  # s; -1 without one, -2 when it has just gone
        lives = dict(zip(keys, pipe.execute(), strict=True))
        names = {key: key.decode(errors="replace").removeprefix(f"{PREFIX}:") for key in keys}
        entries = [key for key in keys if not names[key].startswith("lock:") and lives[key] != -2]
        unwanted = [key for key in entries if not wanted(names[key])]
        immortal = [key for key in entries if lives[key] == -1 and key not in set(unwanted)]
        freed = self._remove([*unwanted, *immortal], dry_run)
        return Swept(len(keys), len(unwanted), len(immortal), 0, freed)

    def _remove(self, keys: Sequence[bytes], dry_run: bool) -> int:
        """Remove keys; the bytes that they held."""
        if not keys:
            return 0
        pipe = self._redis.pipeline(transaction=False)
        for key in keys:
            pipe.memory_usage(key)
        freed = sum(size or 0 for size in pipe.execute())
        if not dry_run:
            self._redis.unlink(*keys)
        return int(freed)


ORPHANED = 2  # the script's answer


class Lease:
    """A lock in Redis that ends by itself when its holder has not renewed it for `LEASE` seconds.

    The key has no time to live, because a Redis that serves as a cache evicts exactly the keys that have one: the end stands in the value,
    in Redis's own time, and scripts compare it there. Who gives the lock back leaves `FREE` in it. So whoever takes it knows whether the
    one before is done: a key that holds something else, or that is not there, may be of a writer that only stood still (`orphaned`).
    """

    FREE, UNFENCED = "free:0", "unfenced:0"
    _TAKE = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local held = redis.call('GET', KEYS[1])
        local answer = (held == ARGV[4] or ARGV[3] == 'renew') and 1 or 2
        if held then
            local token, ends = string.match(held, '^(.*):(%d+)$')
            if not ends or (token ~= ARGV[1] and tonumber(ends) > now) or (ARGV[3] == 'renew' and token ~= ARGV[1]) then return 0 end
        elseif ARGV[3] == 'renew' then
            return 0
        end
        redis.call('SET', KEYS[1], ARGV[1] .. ':' .. string.format('%.0f', now + ARGV[2]))
        return answer
    """
    _GIVE = """
        local held = redis.call('GET', KEYS[1])
        if held and string.match(held, '^(.*):%d+$') == ARGV[1] then
            redis.call('SET', KEYS[1], ARGV[2])
            return 1
        end
        return 0
    """

    def __init__(self, redis: Any, errors: tuple[type[Exception], ...], name: str) -> None:
        self.name = name
        self._redis, self._errors = redis, errors
        self._key, self._token = f"{PREFIX}:lock:{name}", uuid.uuid4().hex
        self.orphaned = False
        """Nobody knows whether the holder before this one is done."""

    def acquire(self, wait: float) -> bool:
        """Take the lock, trying again for `wait` seconds; say whether it was had.

        Raises:
            TransientError: Redis is away.
        """
        until = time.monotonic() + wait
        while not (answer := self._run(self._TAKE, int(LEASE * 1000), "take", self.FREE)):
            if time.monotonic() >= until:
                return False
            time.sleep(min(0.1, max(0.0, until - time.monotonic())))
        self.orphaned = answer == ORPHANED
        return True

    def renew(self) -> bool:
        """Say whether the lock is still this holder's, and let it run anew from now.

        Raises:
            TransientError: Redis is away.
        """
        return bool(self._run(self._TAKE, int(LEASE * 1000), "renew", self.FREE))

    def release(self, done: bool = True) -> bool:
        """Give the lock back; False when it was somebody else's already.

        Args:
            done: nothing that was begun under it is still to come, by holders before this one either; else the next one is `orphaned`.

        Raises:
            TransientError: Redis is away.
        """
        return bool(self._run(self._GIVE, self.FREE if done else self.UNFENCED))

    def _run(self, script: str, *arguments: object) -> int:
        try:
            return int(self._redis.eval(script, 1, self._key, self._token, *arguments))
        except self._errors as error:
            raise TransientError(f"FALDONE_REDIS_URL: {error}") from error


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep saw and removed: entries of no use, entries without a time to live, expired ones, and bytes."""

    seen: int = 0
    unwanted: int = 0
    immortal: int = 0
    expired: int = 0
    bytes: int = 0

    def __add__(self, other: Swept) -> Swept:
        return Swept(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def statistics(url: str) -> tuple[int, int] | None:
    """Return hits and misses since Redis started; None where there is none, or it is away."""
    if not url:
        return None
    import redis

    try:
        info: Any = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1).info("stats")
    except (redis.RedisError, OSError):
        return None
    return int(info["keyspace_hits"]), int(info["keyspace_misses"])


def ping(url: str) -> None:
    """Return if Redis answers.

    Raises:
        TransientError: it does not.
    """
    import redis

    try:
        redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2).ping()
    except (redis.RedisError, OSError) as error:
        raise TransientError(f"FALDONE_REDIS_URL: Redis does not answer: {error}") from error
