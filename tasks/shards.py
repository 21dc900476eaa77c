"""One stream of batches over the workers: halved on failure, staged by them, committed in one lane. The engine of `index` and `analyse`.

Batches are drawn only as fast as the workers take them, so a plan of any length costs the memory of those in flight. What is done is
committed every so many documents or seconds, by a thread of its own, while the workers go on: also past the next commit that is due, so that
commits become larger where the lake is slower than the workers. A batch that fails is halved until the document to blame stands alone. An engine
outlives an error that may pass: run again, it does only what was not committed.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, Protocol, Self, TypeVar

from infra import stop
from infra.cluster import WorkerDied, Workers
from infra.errors import DocumentError, FailureKind, FaldoneError, TransientError, first_line
from infra.settings import Settings
from tasks.progress import Progress

log = logging.getLogger("faldone.shards")

COMMIT_SECONDS = 60.0  # of work that a kill may cost at most, once batches end
AHEAD = 8  # commits' worth that may be staged while a slow one is at work, before the stream waits for it


class Receipt(Protocol):
    """What became of some documents; receipts add up."""

    @property
    def documents(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def pages(self) -> int: ...
    @property
    def chunks(self) -> int: ...

    def __add__(self, other: Self) -> Self: ...

    def committed(self) -> Self:
        """Give the counts without the names of staged files."""
        ...


W = TypeVar("W")
V = TypeVar("V", contravariant=True)
R = TypeVar("R", bound=Receipt)
Batch = tuple[W, ...]


class Workload(Protocol[V, R]):
    """What the engine needs to know of the work on many documents."""

    def process(self) -> Callable[[tuple[V, ...]], R]:
        """Give the function that a worker calls: it stages a batch."""
        ...

    def lost(self, work: V, error: DocumentError) -> R:
        """Stage one document as failed."""
        ...

    def commit(self, receipts: Sequence[R]) -> None:
        """Write staged batches into the lake, under the writer's lane."""
        ...

    def fullness(self, receipts: Sequence[R]) -> float:
        """Give how much is staged, in commits that are worth their while: from 1 on it is to be committed."""
        ...

    def name(self, batch: tuple[V, ...]) -> str: ...
    def weight(self, batch: tuple[V, ...]) -> float: ...
    def current(self, batch: tuple[V, ...]) -> str: ...


class HasDocuments(Protocol):
    """A receipt, as far as it says how many documents it is for."""

    @property
    def documents(self) -> int: ...


class HasPath(Protocol):
    """A piece of work on one document, as far as it says on which."""

    @property
    def path(self) -> str: ...


class ByDocument:
    """The half of a `Workload` that is the same wherever every document weighs the same."""

    commit_documents: int  # staged documents from which a commit is worth its while

    def fullness(self, receipts: Sequence[HasDocuments]) -> float:
        """Give how many commits that are worth their while these would make."""
        return sum(receipt.documents for receipt in receipts) / self.commit_documents

    def weight(self, batch: tuple[HasPath, ...]) -> float:
        """Weigh a batch in the work of its run."""
        return float(len(batch))

    def current(self, batch: tuple[HasPath, ...]) -> str:
        """Name what is shown as at work."""
        return batch[-1].path


_one_thread = partial(ThreadPoolExecutor, 1, "commit")


class Engine(Generic[W, R]):
    """The batches of a run, from the plan to the lake.

    `committer` makes the one thread that commits; it and `clock` are others where time is simulated.
    """

    def __init__(
        self,
        workload: Workload[W, R],
        batches: Iterator[Batch[W]],
        progress: Progress,
        nothing: R,
        committer: Callable[[], Executor] = _one_thread,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workload, self._batches, self._progress = workload, batches, progress
        self._committer, self._clock = committer, clock
        self._again: deque[Batch[W]] = deque()
        self._suspects: list[Batch[W]] = []
        self._at_work: dict[str, Batch[W]] = {}
        self._staged: list[R] = []
        self._committed = nothing
        self._since = clock()
        self._pending: tuple[Future[None], list[R]] | None = None

    def run(self, workers: Workers[W]) -> R:
        """Process and commit every batch that is not yet committed; the sum of their receipts.

        When the job is asked to stop, no further batch begins and what is done is committed.

        Raises:
            TransientError, StoreError: the lake or the cluster was away; call `run` again.
            StopRequested: the job was asked to stop; what was done is committed.
        """
        self._take_back()
        with self._committer() as committer:
            try:
                self._stream(workers, committer)
            finally:
                self._settle()
            while self._staged:
                self._begin_commit(committer)
                self._settle()
        stop.check()
        return self._committed

    def _stream(self, workers: Workers[W], committer: Executor) -> None:
        process = self._workload.process()
        for batch, outcome in workers.stream(process, self._next):
            self._ended(batch, outcome)
            if self._is_due():
                self._settle()
                self._begin_commit(committer)
            if stop.requested():
                return
        while self._suspects:  # each by itself: it may only have waited behind the one that kills
            suspect = self._suspects.pop()
            self._started(suspect)
            for batch, outcome in workers.map(process, [suspect]):
                self._finished(batch, self._receipt(batch, outcome))

    def _next(self) -> Batch[W] | None:
        if stop.requested():
            return None
        batch = self._again.popleft() if self._again else next(self._batches, None)
        if batch is not None:
            self._started(batch)
        return batch

    def _started(self, batch: Batch[W]) -> None:
        self._at_work[self._workload.name(batch)] = batch
        self._progress.begin(self._workload.name(batch), self._workload.weight(batch))

    def _ended(self, batch: Batch[W], outcome: Any) -> None:
        if isinstance(outcome, BaseException) and concerns_all(outcome):
            raise outcome
        if isinstance(outcome, BaseException) and len(batch) > 1:  # the document to blame is in one half
            self._again += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
            self._left(batch)
        elif isinstance(outcome, WorkerDied):
            self._suspects.append(batch)
            self._left(batch)
        else:
            self._finished(batch, self._receipt(batch, outcome))

    def _receipt(self, batch: Batch[W], outcome: Any) -> R:
        """Give the receipt of a batch, or of its one document that failed.

        Raises:
            FaldoneError: the error concerns every document.
        """
        if not isinstance(outcome, BaseException):
            receipt: R = outcome
            return receipt
        if concerns_all(outcome):
            raise outcome
        return self._workload.lost(batch[0], _blamed(outcome, self._workload.current(batch)))

    def _finished(self, batch: Batch[W], receipt: R) -> None:
        self._at_work.pop(self._workload.name(batch), None)
        self._staged.append(receipt)
        self._progress.add(
            len(batch),
            pages=receipt.pages,
            chunks=receipt.chunks,
            failed=receipt.failed,
            current=self._workload.current(batch),
            weight=self._workload.weight(batch),
            batch=self._workload.name(batch),
        )

    def _left(self, batch: Batch[W]) -> None:
        self._at_work.pop(self._workload.name(batch), None)
        self._progress.add(0, batch=self._workload.name(batch))

    def _take_back(self) -> None:
        """Put batches that an error left at work back into the stream."""
        for batch in list(self._at_work.values()):
            self._left(batch)
            self._again.append(batch)

    # ---- committing --------------------------------------------------------------------------------------------------

    def _is_due(self) -> bool:
        if not self._staged:
            return False
        full = self._workload.fullness(self._staged)
        if self._pending is not None and not self._pending[0].done():
            return full >= AHEAD
        return full >= 1 or self._clock() - self._since > COMMIT_SECONDS

    def _begin_commit(self, committer: Executor) -> None:
        receipts, self._staged = self._staged, []
        self._since = self._clock()
        self._pending = committer.submit(self._workload.commit, receipts), receipts

    def _settle(self) -> None:
        """Wait for the commit that is at work, if any; one that failed is staged as before.

        Raises:
            TransientError, StoreError: it failed.
        """
        if self._pending is None:
            return
        (future, receipts), self._pending = self._pending, None
        try:
            future.result()
        except BaseException:
            self._staged = receipts + self._staged
            raise
        for receipt in receipts:
            self._committed = self._committed + receipt.committed()


# ---- whose fault an error is -----------------------------------------------------------------------------------------


def concerns_all(error: BaseException) -> bool:
    """Tell whether the lake, the disk or a setting is to blame, and not a document: then no halving helps."""
    ours = isinstance(error, FaldoneError) and not isinstance(error, DocumentError)
    return ours or _of_the_lake(error) or not isinstance(error, Exception)  # an interrupt, an exit


def _of_the_lake(error: BaseException) -> bool:
    """Tell whether the lake's disk or object store raised this: what a document can do is caught where it is read."""
    return isinstance(error, OSError) or (isinstance(error, RuntimeError) and "lance error" in str(error)[:40])


@contextmanager
def reaching(settings: Settings) -> Iterator[None]:
    """Turn errors of an object store into TransientError, which is retried; a local disk does not mend itself.

    Raises:
        TransientError: the object store is away.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not settings.remote or not _of_the_lake(error):
            raise
        raise TransientError(f"{settings.root} cannot be reached: {first_line(error)}") from error


def _blamed(error: BaseException, path: str) -> DocumentError:
    """Turn what a document did to its worker into the reason that stays with it."""
    if isinstance(error, DocumentError):
        return error
    if isinstance(error, WorkerDied):
        message = "every worker process that took it died: most likely it needs more memory than they have"
        return DocumentError(FailureKind.CRASH, message, "worker")
    log.error("%s: %s", path, error, exc_info=error)
    return DocumentError(FailureKind.INTERNAL, f"{type(error).__name__}: {first_line(error)}", "worker")
