"""Redis as it is, and as it is when it goes away; the writer's lane between threads and through Redis."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from filelock import FileLock
from pydantic import SecretStr

from infra import cache as cache_module
from infra import locks
from infra.cache import LEASE, Cache, ping
from infra.errors import LockLost, TransientError, UsageError
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.locks import one_at_a_time
from infra.machine import free_port
from infra.settings import Settings, load


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


def test_a_cache_that_was_away_is_used_again_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache_module, "PAUSE", 0.2)
    port = free_port()
    cache = Cache(f"redis://127.0.0.1:{port}/0")
    cache.put_many("test", {"a": b"1"})  # nobody is there
    cache.put_many("test", {"a": b"1"})
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not cache.get_many("test", ["b"]) and time.monotonic() < deadline:
            cache.put_many("test", {"b": b"2"})
            time.sleep(0.05)
        assert cache.get_many("test", ["a", "b"]) == {"b": b"2"}
    finally:
        server.terminate()
        server.wait(10)
    assert [record.getMessage().split(",")[0] for record in caplog.records] == ["Redis is away", "Redis is back"]


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


# ---- locks in a Redis that is also the cache -----------------------------------------------------------------------------


@pytest.fixture
def small_redis(tmp_path: Path) -> Iterator[str]:
    """A Redis as the platform runs it, with little memory."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    process = subprocess.Popen(
        [*command, "--maxmemory", "6mb", "--maxmemory-policy", "volatile-lru"], stdout=subprocess.DEVNULL
    )
    url = f"redis://127.0.0.1:{port}/0"
    try:
        for _ in range(200):
            with suppress(TransientError):
                ping(url)
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def shared(settings: Settings, small_redis: str) -> Settings:
    return settings.model_copy(update={"redis_url": SecretStr(small_redis)})


def elsewhere(settings: Settings) -> Settings:
    """The same as another machine has them: the same Redis, other lock files."""
    return settings.model_copy(update={"home": settings.home + "-elsewhere"})


def test_a_lock_outlives_the_cache_around_it(shared: Settings, small_redis: str) -> None:
    cache = Cache(small_redis)
    with writer_lane(shared, "documents") as lane:
        for start in range(0, 20_000, 500):
            cache.put_many("vector", {str(start + i): bytes(384) for i in range(500)})
        import redis

        assert redis.Redis.from_url(small_redis).info("stats")["evicted_keys"] > 1000  # type: ignore[index]
        lane.check()
        with pytest.raises(TransientError, match="another job"), writer_lane(elsewhere(shared), "documents", wait=0.3):
            pass


def test_a_writer_that_lost_its_lock_stops_before_the_next_table(shared: Settings, small_redis: str) -> None:
    import redis

    lake = Lake(shared.root)
    rows = pa.table({"document_id": ["a"]})
    with writer_lane(shared, "documents"):
        lake.upsert("documents.test", rows, "document_id")
        redis.Redis.from_url(small_redis).flushall()  # it began anew, without what it had
        with writer_lane(elsewhere(shared), "documents", wait=1):
            with pytest.raises(LockLost, match="another writer's"):
                lake.upsert("documents.test", pa.table({"document_id": ["b"]}), "document_id")
            for write in (
                lambda: lake.delete("documents.test", {"document_id": "a"}),
                lambda: lake.drop("documents.test"),
                lambda: lake.ensure("documents.more", rows.schema, "document_id"),
            ):
                with pytest.raises(LockLost):
                    write()
    assert lake.count("documents.test") == 1


def test_a_commit_of_a_writer_that_stood_still_is_refused_once_another_has_begun(
    shared: Settings, small_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it began before: a merge, an append, a delete. The next writer, after one that gave its lock back, fences nothing."""
    import lance
    import redis

    key, lake = "faldone:lock:writer:documents", Lake(shared.root)
    rows = pa.table({"document_id": ["a", "b"], "text": ["old", "old"]})
    with writer_lane(shared, "documents") as lane:
        assert lane.orphaned  # nothing is known of who wrote before
        lake.upsert("documents.test", rows, "document_id")
        lake.upsert("others.test", rows, "document_id")
        for _ in range(2):
            lake.upsert("documents.lost", rows, "document_id")
        shutil.rmtree(
            Path(lake.location) / "documents.lost.lance" / "_versions"
        )  # keeps no fence from the tables after it
        still = lance.dataset(f"{lake.location}/documents.test.lance")
        late = pa.table({"document_id": ["b", "c"], "text": ["late", "late"]}, schema=still.schema)
        merge = still.merge_insert("document_id").when_matched_update_all().when_not_matched_insert_all()
        transaction, _ = merge.execute_uncommitted(late)
        fragments = lance.fragment.write_fragments(late, still.uri, mode="append")
    assert redis.Redis.from_url(small_redis).get(key) == b"free:0"
    with writer_lane(shared, "documents") as lane:
        assert not lane.orphaned
        assert lake.version("documents.test") == still.version
        redis.Redis.from_url(small_redis).set(key, "another:1")  # its lease is over, and nobody gave it back
        monkeypatch.setattr(locks, "FileLock", lambda path, **more: FileLock(f"{path}.elsewhere", **more))
        with ThreadPoolExecutor(1) as another:
            others = lake.version("others.test")
            another.submit(_write_anew, shared, lake).result()
            assert lake.version("others.test") == others
        for commit in (
            lambda: lance.LanceDataset.commit(still.uri, transaction),
            lambda: lance.LanceDataset.commit(
                still.uri, lance.LanceOperation.Append(fragments), read_version=still.version
            ),
        ):
            with pytest.raises(Exception, match="incompatible with concurrent transaction Restore"):
                commit()
        with pytest.raises(LockLost):
            lake.append("documents.test", late, "document_id")
    assert lake.read("documents.test").sort_by("document_id").to_pydict() == {
        "document_id": ["a", "b"],
        "text": ["new", "old"],
    }


def test_a_fence_that_failed_is_made_by_the_next_writer(
    shared: Settings, small_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given back like any other lane, it let the commit of a writer that stood still come on top."""
    fences = []

    def fence(_: Lake, name: str) -> None:
        fences.append(name)
        if len(fences) == 1:
            raise TransientError("the object store does not answer")

    Lake(shared.root).upsert("documents.test", pa.table({"document_id": ["a"]}), "document_id")
    monkeypatch.setattr(Lake, "fence", fence)
    with pytest.raises(TransientError), writer_lane(shared, "documents"):
        pytest.fail("nobody writes before the fence")
    for orphaned in (True, False):
        with writer_lane(shared, "documents", wait=1) as lane:
            assert lane.orphaned is orphaned, "at once: nobody waits for the lease to end"
    assert fences == ["documents.test"] * 2


def test_trouble_of_the_system_is_no_damage(shared: Settings) -> None:
    lake = Lake(shared.root)
    lake.upsert("documents.test", pa.table({"document_id": ["a"]}), "document_id")
    versions = Path(lake.location) / "documents.test.lance" / "_versions"
    versions.rename(versions.with_name("away"))
    versions.symlink_to("_versions")  # too many levels of symbolic links
    with pytest.raises(TransientError, match="os error"):
        lake.broken("documents.test")


def _write_anew(settings: Settings, lake: Lake) -> None:
    with writer_lane(settings, "documents", wait=1) as lane:
        assert lane.orphaned
        lake.upsert("documents.test", pa.table({"document_id": ["a"], "text": ["new"]}), "document_id")


def test_a_failed_commit_says_that_the_lane_is_lost_where_it_is(
    shared: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As LanceDB's refusal of a fenced writer, which would say nothing to a person."""
    lake = Lake(shared.root)
    lake.upsert("documents.test", pa.table({"document_id": ["a"]}), "document_id")
    with writer_lane(shared, "documents"):
        real = Lake._open

        def fenced(self: Lake, name: str) -> object:
            table = real(self, name)
            now = locks._now()

            def add(*_: object) -> None:
                monkeypatch.setattr(locks, "_now", lambda: now + LEASE + 1)
                raise OSError("lance error: Incompatible transaction")

            monkeypatch.setattr(type(table), "add", add)
            return table

        monkeypatch.setattr(Lake, "_open", fenced)
        with pytest.raises(LockLost, match="not renewed for 60 s"):
            lake.append("documents.test", pa.table({"document_id": ["b"]}), "document_id")


def test_a_writer_that_stood_still_for_too_long_stops(shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with writer_lane(shared, "documents") as lane:
        lane.check()
        now = locks._now()
        monkeypatch.setattr(locks, "_now", lambda: now + LEASE + 1)  # the machine slept
        with pytest.raises(LockLost, match="not renewed for 60 s"):
            lane.check()


def test_a_redis_that_is_away_for_a_moment_stops_nobody(shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with writer_lane(shared, "documents") as lane:
        monkeypatch.setattr(lane._lease._redis, "eval", _away)  # type: ignore[union-attr]
        lane.check()


def _away(*_: object) -> None:
    import redis

    raise redis.ConnectionError("Redis is away")


def test_a_dead_writers_lock_ends(shared: Settings, small_redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.cache.LEASE", 0.3)
    dead = Cache(small_redis).lease("writer:documents")
    assert dead.acquire(0)
    with writer_lane(shared, "documents", wait=5) as lane:
        lane.check()
        assert not dead.renew()
        assert not dead.release()  # nor does it take the lock from its new holder
        lane.check()


def test_a_redis_that_evicts_any_key_is_refused(shared: Settings, small_redis: str) -> None:
    import redis

    redis.Redis.from_url(small_redis).config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(UsageError, match="evicts any key"), writer_lane(shared, "documents"):
        pass


def test_an_object_store_is_not_written_without_a_shared_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = Settings(home="s3://papers/lake")
    with pytest.raises(UsageError, match="FALDONE_SINGLE_WRITER"), writer_lane(settings, "documents"):
        pass
    with pytest.raises(UsageError, match="FALDONE_REDIS_URL"), one_at_a_time(settings, "backup"):
        pass
    alone = settings.model_copy(update={"single_writer": True})
    before = alone.scratch
    monkeypatch.chdir(tmp_path)
    assert alone.scratch == before  # the working directory does not count, so both hold the same lock
    with writer_lane(alone, "documents"), pytest.raises(TransientError), writer_lane(alone, "documents", wait=0):
        pass
    assert Settings(home="s3://papers/other").scratch != before


def test_what_is_dropped_is_gone_and_the_counters_say_how_often_it_helped(small_redis: str) -> None:
    cache = Cache(small_redis)
    cache.put_many("kind", {f"k{number}": b"x" * 100 for number in range(600)})
    cache.drop_many("kind", [f"k{number}" for number in range(0, 600, 2)])
    assert sorted(cache.get_many("kind", ["k0", "k1", "k598", "k599"])) == ["k1", "k599"]
    counts = cache.counts()
    assert (counts["keyspace_hits"], counts["keyspace_misses"]) == cache_module.statistics(small_redis) == (2, 2)
    assert counts["used_memory"] > 0
    assert cache_module.statistics("") is None
    assert cache_module.statistics(f"redis://127.0.0.1:{free_port()}/0") is None


@pytest.mark.parametrize("dry", [True, False])
def test_a_sweep_removes_what_nobody_wants_and_what_would_never_expire(small_redis: str, dry: bool) -> None:
    import redis

    plain = redis.Redis.from_url(small_redis)
    Cache(small_redis).put_many("vector", {f"k{number}": b"x" * 100 for number in range(1200)})
    plain.set("faldone:vector:immortal", b"x")
    plain.set("faldone:lock:writer", b"x")
    plain.set("other:program", b"x")
    swept = Cache(small_redis).sweep(lambda name: not name.endswith("7"), dry)
    assert (swept.seen, swept.unwanted, swept.immortal) == (1202, 120, 1)
    assert swept.bytes > 120 * 100
    assert plain.dbsize() == (1203 if dry else 1203 - 121)
    assert plain.exists("faldone:lock:writer", "other:program") == 2


def test_upkeep_of_a_redis_that_is_away_is_an_error_that_passes() -> None:
    cache = Cache(f"redis://127.0.0.1:{free_port()}/0")
    for call in (cache.counts, lambda: cache.sweep(lambda name: True), lambda: cache.lease("x")):
        with pytest.raises(TransientError, match="FALDONE_REDIS_URL"):
            call()
