"""Redis as it is, and as it is when it goes away; the writer's lane between threads and through Redis."""

from __future__ import annotations

import threading
import time

import pytest

from infra.cache import Cache
from infra.errors import TransientError
from infra.locks import writer_lane
from infra.settings import Settings, load
from ports import free_port


def test_values_come_back_and_expire(redis_server: str) -> None:
    cache = Cache(redis_server, lifetime=100)
    cache.put_many("test", {f"k{i}": bytes([i % 256]) for i in range(1500)})
    found = cache.get_many("test", ["k1", "k1499", "absent"])
    assert found == {"k1": b"\x01", "k1499": bytes([1499 % 256])}
    assert (cache.hits, cache.misses) == (2, 1)
    import redis

    assert 0 < redis.Redis.from_url(redis_server).ttl("faldone:test:k1") <= 100


def test_an_absent_redis_is_an_empty_cache_and_is_not_waited_for_twice() -> None:
    cache = Cache(f"redis://127.0.0.1:{free_port()}/0")
    assert cache.get_many("test", ["a"]) == {}
    started = time.monotonic()
    for _ in range(50):
        cache.put_many("test", {"a": b"1"})
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("through_redis", [False, True])
def test_one_writer_at_a_time(
    settings: Settings, redis_server: str, monkeypatch: pytest.MonkeyPatch, through_redis: bool
) -> None:
    if through_redis:
        monkeypatch.setenv("FALDONE_REDIS_URL", redis_server)
        settings = load()
    inside: list[int] = []
    most: list[int] = []

    def write() -> None:
        with writer_lane(settings, "documents"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    writers = [threading.Thread(target=write) for _ in range(5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert most == [1] * 5


def test_a_lane_that_stays_taken_is_said(settings: Settings) -> None:
    with writer_lane(settings, "documents"):
        failed: list[Exception] = []

        def write() -> None:
            try:
                with writer_lane(settings, "documents", wait=0.2):
                    pass
            except TransientError as error:
                failed.append(error)

        other = threading.Thread(target=write)
        other.start()
        other.join(30)
    assert "another job has been writing it" in str(failed[0])
