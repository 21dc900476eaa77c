"""A Dask scheduler by address, with workers in this process: results and errors as values, words, whole hosts that leave."""

from __future__ import annotations

import re
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import deadly
import pytest

from dask_here import cluster_here
from infra import cluster as cluster_module
from infra import release, retire
from infra.cluster import Stopped, check_seen, tell, workers
from infra.errors import TransientError, UsageError
from infra.scheduler import dashboard, look, ping
from infra.settings import Settings
from tasks.shards import concerns_all

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with cluster_here(2) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def remote(settings: Settings, address: str) -> Settings:
    return settings.model_copy(update={"dask": address})


def double_and_say(batch: tuple[int, ...]) -> list[int]:
    tell(["at", *batch])
    return deadly.double(batch)


def test_each_batch_comes_back_once_with_its_result_or_its_error(remote: Settings, address: str) -> None:
    words: list[Any] = []
    batches = [(7, 8), *((number, number + 1) for number in range(20, 58, 2))]  # 13 would end this process
    with workers(remote, 0, len(batches), words.append) as pool:
        assert (pool.name, pool.count, pool.dashboard) == (address, 2, dashboard(address))
        done = list(pool.map(double_and_say, batches))
    assert sorted(batch for batch, _ in done) == batches
    for batch, outcome in done:
        if 7 in batch:
            assert isinstance(outcome, ValueError)
        else:
            assert outcome == [2 * number for number in batch]
    assert {tuple(word) for word in words} <= {("at", *batch) for batch in batches}
    with workers(remote, 0, 1) as pool:  # nobody listens
        assert dict(pool.map(double_and_say, [(1,)])) == {(1,): [2]}


def test_more_batches_are_taken_as_there_is_room_and_no_sooner(remote: Settings) -> None:
    left, most = list(range(30)), 0
    out = 0

    def take() -> tuple[int, ...] | None:
        nonlocal out, most
        out += bool(left)
        most = max(most, out)
        return (100 + left.pop(),) if left else None

    with workers(remote, 0, 30) as pool:
        for _ in pool.stream(deadly.double, take):
            out -= 1
    assert (left, out) == ([], 0)
    assert most <= cluster_module.WINDOW * 2


def test_work_of_another_release_is_refused_by_name_and_blames_no_batch(
    remote: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job of the old release beside workers of the new one: it waits for a worker of its own, and no document is to blame."""
    packed = release.Sent("0.0.9", b"what this release cannot read")
    monkeypatch.setattr(cluster_module, "pack", lambda _: packed)
    with workers(remote, 0, 1) as pool:
        ((_, outcome),) = pool.map(double_and_say, [(1,)])
    assert isinstance(outcome, TransientError) and concerns_all(outcome)
    assert re.search(rf"worker on \S+ runs Faldone {version('faldone')}, this job 0\.0\.9", str(outcome))


def test_what_the_workers_do_not_see_is_refused_by_host_and_name(remote: Settings, tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    with workers(remote, 0, 1) as pool:
        check_seen(pool, [str(tmp_path / "here")], "the sources")
        with pytest.raises(UsageError, match=rf"the sources: .* on {socket.gethostname()} do not see /not/here"):
            check_seen(pool, [str(tmp_path / "here"), "/not/here"], "the sources")


def test_a_scheduler_tells_of_its_workers(address: str) -> None:
    assert ping(address) == 2
    with urllib.request.urlopen(dashboard(address), timeout=20) as page:
        assert b"Dask" in page.read()
    states = look(address)
    assert len(states) == 2
    assert all(0 <= state.silent < 60 and state.memory > 0 for state in states)


def test_a_stopped_job_takes_no_further_batch(settings: Settings) -> None:
    begun = []
    with suppress(Stopped), workers(settings, 0, 9) as pool:
        for batch, _ in pool.map(deadly.double, [(number,) for number in range(9)]):
            begun.append(batch)
            pool.stop.set()  # type: ignore[attr-defined]
    assert 1 <= len(begun) <= 1 + cluster_module.THREADS


def test_the_workers_of_a_host_that_goes_are_retired(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with cluster_here(1) as cluster:
        address = cluster.scheduler_address
        assert retire.hand_over(address, {"10.0.0.9"}) == []
        assert ping(address) == 1
        monkeypatch.setenv("FALDONE_DASK", address)
        monkeypatch.setattr(socket, "gethostname", lambda: "127.0.0.1")
        retire.main()
        assert ping(address) == 0
    monkeypatch.setenv("FALDONE_DASK", "tcp://127.0.0.1:1")
    with pytest.raises(SystemExit, match=r"faldone: FALDONE_DASK: no worker answers at tcp://127\.0\.0\.1:1"):
        retire.main()
