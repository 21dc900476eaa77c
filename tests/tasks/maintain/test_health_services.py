"""Health of the services around: a Dask scheduler, Prefect's API, Redis and the backup store, each as it answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from dask_here import cluster_here
from infra.cache import Cache
from infra.prefect_api import Api
from infra.settings import Settings
from prefect_rows import Server, api_of, serve_rows
from tasks.maintain import health
from tasks.vitals import State

server = pytest.fixture(scope="module")(serve_rows)
api = pytest.fixture(api_of)


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


@pytest.mark.parametrize(
    ("pools", "state", "words"),
    [
        ({}, "ok", "no work pool"),
        ({"a": ["ONLINE"], "b": ["OFFLINE", "ONLINE"]}, "ok", "2 work pools with workers online"),
        ({"a": ["ONLINE"], "b": ["OFFLINE"]}, "degraded", "no worker is online for b"),
        ({"a": [], "b": ["OFFLINE"]}, "failing", "no worker is online for a, b"),
    ],
)
def test_each_pool_has_a_worker(
    server: Server, api: Api, pools: dict[str, list[str]], state: State, words: str
) -> None:
    server.rows["/work_pools/filter"] = [{"name": name} for name in pools] + [{"name": "paused", "is_paused": True}]
    for name, states in pools.items():
        server.rows[f"/work_pools/{name}/workers/filter"] = [{"status": one} for one in states]
    assert health.workers(api) == (state, words)


@pytest.mark.parametrize(
    ("run", "state"),
    [
        ({"expected_start_time": ago(minutes=1)}, "ok"),
        ({"expected_start_time": ago(days=3), "next_scheduled_start_time": ago(minutes=1)}, "ok"),
        ({"expected_start_time": ago(days=3)}, "failing"),
    ],
)
def test_the_age_of_the_oldest_waiting_run_decides(server: Server, api: Api, run: dict[str, Any], state: State) -> None:
    assert health.queues(api) == ("ok", "nothing waits")
    server.rows["/flow_runs/filter"] = [{"name": "index-7", **run}]
    found, words = health.queues(api)
    assert (found, "index-7" in words) == (state, True)
    assert server.asked[-1][2]["sort"] == "EXPECTED_START_TIME_ASC"


def test_an_api_that_is_away_is_the_finding_of_each_check_that_asks_it(settings: Settings) -> None:
    away = Api("http://127.0.0.1:1/api", timeout=1)
    assert health.prefect(None)[0] == "ok"
    [check] = health.run({"prefect": lambda: health.prefect(away)})
    assert (check.status, "does not answer" in check.message) == ("failing", True)
    [check] = health.run({"odd": lambda: 1 / 0})  # type: ignore[dict-item, return-value]
    assert (check.status, check.message) == ("failing", "ZeroDivisionError: division by zero")


def test_an_api_that_answers_is_named(server: Server, api: Api) -> None:
    assert health.prefect(api) == ("ok", f"{server.url} answers")


def test_redis_tells_how_often_it_helps(settings: Settings, redis_server: str) -> None:
    with_redis = settings.model_copy(update={"redis_url": SecretStr(redis_server)})
    cache = Cache(redis_server)
    cache.put_many("health", {"a": b"1"})
    cache.get_many("health", ["a", "b"])
    state, words = health.redis(with_redis)
    assert (state, words.endswith("% hits")) == ("ok", True)


@pytest.mark.slow
def test_the_workers_of_a_scheduler_by_memory_and_heartbeat(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert health.dask(settings.model_copy(update={"dask": "local"})) == ("ok", "local: no scheduler is set")
    with cluster_here(2) as cluster:
        remote = settings.model_copy(update={"dask": cluster.scheduler_address})
        monkeypatch.setattr(health, "MEMORY_WARN", 10**12)  # this process has the memory of all tests before
        monkeypatch.setattr(health, "MEMORY_RECYCLE", 10**12)
        state, words = health.dask(remote)
        assert (state, words.startswith("2 workers, the largest ")) == ("ok", True)
        monkeypatch.setattr(health, "MEMORY_WARN", 1)
        state, words = health.dask(remote)
        assert (state, words.count("tcp://127.0.0.1"), "begin anew" in words) == ("degraded", 2, False)
        monkeypatch.setattr(health, "MEMORY_RECYCLE", 1)
        assert "to be restarted by the scheduled health: tcp://" in health.dask(remote)[1]
        monkeypatch.setattr(health, "SILENT", -1.0)
        assert "; 2 without a heartbeat" in health.dask(remote)[1]
        cluster.scale(0)
        cluster.sync(cluster._correct_state)
        assert health.dask(remote) == ("failing", f"{cluster.scheduler_address} has no worker")
