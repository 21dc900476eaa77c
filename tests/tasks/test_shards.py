"""The engine of index and analyse: what is in flight, what a failure costs, what is committed, what a second try does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra import stop
from infra.cluster import WINDOW, WorkerDied, Workers
from infra.errors import DocumentError, TransientError
from tasks.progress import Progress
from tasks.shards import AHEAD, Engine

Batch = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    done: tuple[int, ...] = ()
    failed: int = 0
    pages: int = 0
    chunks: int = 0

    @property
    def documents(self) -> int:
        return len(self.done)

    def committed(self) -> Receipt:
        return self

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(self.done + other.done, self.failed + other.failed)


class Cluster(Workers[int]):
    """So many workers that end their batches in an order of their own; `most` is how many were in flight."""

    def __init__(self, count: int = 3) -> None:
        self.name, self.count, self.most = "simulated", count, 0

    def stream(self, function: Callable[[Batch], Any], take: Callable[[], Batch | None]) -> Iterator[tuple[Batch, Any]]:
        running: list[Batch] = []
        while True:
            while len(running) < WINDOW * self.count and (batch := take()) is not None:
                running.append(batch)
            self.most = max(self.most, len(running))
            if not running:
                return
            batch = running.pop(len(running) // 2)
            try:
                yield batch, function(batch)
            except Exception as error:  # noqa: BLE001 - as the workers do
                yield batch, error


class Job:
    """Documents are numbers; `broken` maps some of them to the error that their batch meets."""

    def __init__(self, broken: dict[int, Exception] | None = None, full: int = 20) -> None:
        self.broken, self.full = broken or {}, full
        self.processed: Counter[int] = Counter()
        self.lake: list[int] = []
        self.commits: list[int] = []
        self.away = 0  # how many commits fail

    def process(self) -> Callable[[Batch], Receipt]:
        return self._process

    def _process(self, batch: Batch) -> Receipt:
        for number in batch:
            if number in self.broken:
                raise self.broken[number]
        self.processed.update(batch)
        return Receipt(batch)

    def lost(self, work: int, error: DocumentError) -> Receipt:
        return Receipt((work,), 1)

    def commit(self, receipts: Sequence[Receipt]) -> None:
        if self.away:
            self.away -= 1
            raise TransientError("the lake is away")
        self.commits.append(len(receipts))
        self.lake += [number for receipt in receipts for number in receipt.done]

    def fullness(self, receipts: Sequence[Receipt]) -> float:
        return sum(receipt.documents for receipt in receipts) / self.full

    def name(self, batch: Batch) -> str:
        return repr(batch)

    def weight(self, batch: Batch) -> float:
        return float(len(batch))

    def current(self, batch: Batch) -> str:
        return str(batch[-1])


def batches(documents: int, size: int = 4) -> list[Batch]:
    return [tuple(range(start, min(start + size, documents))) for start in range(0, documents, size)]


def engine(job: Job, documents: int, progress: Progress | None = None) -> Engine[int, Receipt]:
    return Engine(job, iter(batches(documents)), progress or Progress("x", documents), Receipt())


def test_a_hundred_workers_have_hundreds_of_batches_in_flight_and_the_plan_is_drawn_no_faster() -> None:
    job, cluster, drawn = Job(full=500), Cluster(100), 0

    def draw() -> Iterator[Batch]:
        nonlocal drawn
        for batch in batches(100_000, 64):
            drawn += 1
            assert drawn <= WINDOW * 100 + sum(job.processed.values()) / 64 + 2
            yield batch

    Engine(job, draw(), Progress(), Receipt()).run(cluster)
    assert cluster.most >= 200
    assert sorted(job.lake) == list(range(100_000))
    assert len(job.commits) >= 100_000 // (500 * AHEAD)


def test_while_a_slow_commit_is_at_work_the_stream_goes_on_and_the_next_one_is_larger_and_bounded() -> None:
    """A committer whose commits end when `AHEAD` times the usual is staged, and not before: the engine must then wait."""
    job, waits = Job(full=20), []

    class Slow(Executor):
        def submit(self, work: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
            work(*arguments)
            future: Future[Any] = Future()
            future.result = lambda timeout=None: waits.append(future)  # type: ignore[method-assign]
            return future  # never done, until somebody waits for it

    progress, total = Progress("x", 2_000), 2_000
    Engine(job, iter(batches(total)), progress, Receipt(), committer=Slow).run(Cluster())
    assert sorted(job.lake) == list(range(total))
    sizes = [4 * receipts for receipts in job.commits]
    assert sizes[0] == 20
    assert set(sizes[1:-1]) == {20 * AHEAD}
    assert len(waits) == len(sizes)


def test_a_batch_that_fails_is_halved_until_the_document_to_blame_stands_alone() -> None:
    job = Job({5: ValueError("a bug"), 17: WorkerDied("killed")})
    progress = Progress("x", 40)
    total = engine(job, 40, progress).run(Cluster())
    assert (total.documents, total.failed) == (40, 2)
    assert sorted(job.lake) == list(range(40))
    assert set(job.processed.values()) == {1}
    assert (progress.status().done, progress.status().failed) == (40, 2)


@given(st.integers(1, 60), st.integers(0, 3), st.integers(0, 3), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_after_errors_that_pass_every_document_is_committed_once_and_none_is_processed_for_nothing(
    documents: int, away: int, broken: int, full: int
) -> None:
    job = Job({n * 7: TransientError("no answer") for n in range(broken)}, full)
    job.away = away
    made = engine(job, documents)
    for _ in range(away + broken + 1):
        try:
            total = made.run(Cluster())
            break
        except TransientError:
            if job.broken:
                job.broken.pop(next(iter(job.broken)))
    assert sorted(job.lake) == sorted(total.done) == list(range(documents))
    assert max(job.processed.values()) == 1


def test_a_setting_that_cannot_be_blames_no_document() -> None:
    job = Job({5: OSError("no space left")})
    with pytest.raises(OSError, match="no space left"):
        engine(job, 40).run(Cluster())
    assert 5 not in job.lake


def test_a_job_that_is_asked_to_stop_commits_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(stop.FOLDER, str(tmp_path))

    class Stopping(Job):
        def _process(self, batch: Batch) -> Receipt:
            if 20 in batch:
                stop.request(tmp_path, "time is up")
            return super()._process(batch)

    job = Stopping()
    made = engine(job, 400)
    with pytest.raises(stop.StopRequested, match="time is up"):
        made.run(Cluster())
    assert 0 < len(job.lake) < 400
    (tmp_path / "stop").unlink()
    assert made.run(Cluster()).documents == 400
    assert sorted(job.lake) == list(range(400))
