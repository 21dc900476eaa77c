"""Batches on threads and on a local cluster: results, errors as values, deaths of workers, and stopping."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deadly
import psutil
import pytest

from infra import cluster as cluster_module
from infra.cluster import Stopped, WorkerDied, check_seen, check_stop, in_worker, workers
from infra.errors import TransientError, UsageError
from infra.scheduler import ping
from infra.settings import Settings

BATCHES = [(1, 2), (7,), (3,)]


def test_threads_give_back_each_batch_with_its_result_or_error(settings: Settings) -> None:
    with workers(settings, 0, 3) as pool:
        done = dict(pool.map(deadly.double, BATCHES))
    assert (pool.name, done[(1, 2)], done[(3,)]) == ("threads", [2, 4], [6])
    assert isinstance(done[(7,)], ValueError)


def test_batches_tell_their_job_how_far_they_are(settings: Settings) -> None:
    words: list[list[object]] = []
    with workers(settings, 0, 2, words.append) as pool:
        list(pool.map(deadly.slow, [(1,), (2,)]))
    assert sorted(words) == [["begun", 1], ["begun", 2]]
    with workers(settings, 0, 1) as pool:  # nobody listens
        assert len(list(pool.map(deadly.slow, [(1,)]))) == 1


def test_a_job_that_fails_stops_its_threads_between_two_steps(settings: Settings) -> None:
    started, ended = threading.Event(), threading.Event()

    def endless(batch: tuple[int, ...]) -> None:
        started.set()
        try:
            while True:
                check_stop()
                time.sleep(0.01)
        except Stopped:
            ended.set()
            raise

    def consume() -> None:
        with pytest.raises(Stopped):
            list(pool.map(endless, [(1,)]))

    with pytest.raises(KeyError), workers(settings, 0, 1) as pool:
        threading.Thread(target=consume, daemon=True).start()
        assert started.wait(10)
        raise KeyError
    assert ended.wait(10)


@pytest.mark.slow
def test_nobody_at_the_address_is_an_error_that_may_pass() -> None:
    with pytest.raises(TransientError, match="does not answer"):
        ping("tcp://127.0.0.1:1")
    assert not in_worker()


@pytest.mark.e2e
def test_results_that_died_with_their_workers_are_computed_again(settings: Settings) -> None:
    local = settings.model_copy(update={"dask": "local", "workers": 2})
    with workers(local, 0, 4) as pool:
        results = pool.map(deadly.slow, [(n,) for n in range(4)])
        first, process = next(results)
        time.sleep(1)  # the others are done, and nobody has asked for them yet
        for worker in psutil.Process(process).parent().children():
            if worker.is_running() and "spawn_main" in " ".join(worker.cmdline()):
                worker.kill()
        time.sleep(0.3)  # the scheduler has noticed, and the new processes are not there yet
        done = dict(results)
    assert sorted([first, *done]) == [(0,), (1,), (2,), (3,)]
    assert all(isinstance(outcome, int) for outcome in done.values()), done


@pytest.mark.e2e
def test_a_batch_that_kills_its_workers_costs_only_itself(settings: Settings) -> None:
    local = settings.model_copy(update={"dask": "local", "workers": 2})
    words: list[list[object]] = []
    with workers(local, 0, 8, words.append) as pool:
        assert pool.count == 2
        assert pool.dashboard.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(pool.dashboard, timeout=20) as page:
            assert b"Dask" in page.read()
        done = dict(pool.map(deadly.double, [(n,) for n in (1, 2, 13, 7, 3)]))
        died = {batch for batch, outcome in done.items() if isinstance(outcome, WorkerDied)}
        assert (13,) in died
        # what waited behind it on both workers may have died with them: by itself it goes through
        done |= dict(pool.map(deadly.double, sorted(died - {(13,)})))
        assert [done[(n,)] for n in (1, 2, 3)] == [[2], [4], [6]]
        assert isinstance(done[(7,)], ValueError)
        assert len(dict(pool.map(deadly.slow, [(n,) for n in range(8)]))) == 8  # the workers are back
    assert {tuple(word) for word in words} == {("begun", n) for n in range(8)}


@pytest.fixture
def scheduler() -> Iterator[Any]:
    """A scheduler by address in this process, with one worker that may be taken away."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.mark.e2e
def test_a_scheduler_without_workers_is_said_and_waited_for_no_longer_than_that(
    settings: Settings, scheduler: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cluster_module, "LOOK", 0.3)
    monkeypatch.setattr(cluster_module, "PATIENCE", 8.0)
    address = scheduler.scheduler_address
    with workers(settings.model_copy(update={"dask": address}), 0, 3) as pool:
        scheduler.scale(0)
        scheduler.sync(scheduler._correct_state)
        threading.Timer(2.0, scheduler.scale, [1]).start()
        assert dict(pool.map(deadly.double, [(1, 2)])) == {(1, 2): [2, 4]}
        assert f"the scheduler at {address} has no workers: batches wait" in caplog.text
        monkeypatch.setattr(cluster_module, "PATIENCE", 1.0)
        scheduler.scale(0)
        scheduler.sync(scheduler._correct_state)
        with pytest.raises(TransientError, match=f"{address} has no workers for 1 s: start workers"):
            list(pool.map(deadly.double, [(1, 2)]))


@pytest.mark.e2e
def test_a_worker_that_stands_still_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A frozen worker is still in the scheduler's list, which alone was asked."""
    monkeypatch.setattr(cluster_module, "LOOK", 0.3)
    monkeypatch.setattr(cluster_module, "SILENT", 3.0)
    monkeypatch.setattr(cluster_module, "ANSWER", 4.0)
    with workers(settings.model_copy(update={"dask": "local", "workers": 1}), 0, 3) as pool:
        ((_, pid),) = pool.map(deadly.slow, [(1,)])
        worker = psutil.Process(pid)
        worker.suspend()
        threading.Timer(12.0, worker.resume).start()
        assert pool.blind([]) == {}  # with nothing to ask nobody is waited for
        with pytest.raises(TransientError, match=r"nothing is heard of the workers tcp://.*whether they see /not/here"):
            pool.blind(["/not/here"])
        assert dict(pool.map(deadly.double, [(1, 2)])) == {(1, 2): [2, 4]}
    assert "FALDONE_DASK: nothing is heard of the workers tcp://127.0.0.1:" in caplog.text


@pytest.mark.e2e
def test_what_workers_do_not_see_is_refused_by_name(settings: Settings, scheduler: Any, tmp_path: Path) -> None:
    here = tmp_path / "here.txt"
    here.touch()
    with workers(settings.model_copy(update={"dask": scheduler.scheduler_address}), 0, 3) as pool:
        check_seen(pool, [str(here)], "the sources")
        with pytest.raises(
            UsageError, match=rf"the sources: .* on {socket.gethostname()} do not see /not/here; .*s3://"
        ):
            check_seen(pool, [str(here), "/not/here"], "the sources")
    with workers(settings, 0, 3) as pool:
        check_seen(pool, ["/not/here"], "the sources")  # on this machine whoever reads it will say so
