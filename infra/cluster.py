"""The door to Dask: the same function over many batches on threads, on a local cluster, or on a scheduler given by address.

Dask futures are batches: a Prefect task sent through Prefect's Dask runner costs over 100 ms and hangs when its worker dies; a plain future
costs 2 ms, and a dead worker is an exception that the caller can act upon.

Workers are spawned, not forked (LanceDB and torch do not survive a fork), not daemonic (they start parser children of
their own), one thread each, and their numeric libraries get one thread too, so that processes times threads is cores.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, TypeVar

from infra.errors import TransientError, UsageError
from infra.files import private_folder
from infra.machine import cores, in_thread
from infra.release import Sent, opened, pack
from infra.scheduler import identity, page
from infra.settings import Settings

log = logging.getLogger("faldone.cluster")

T = TypeVar("T")
R = TypeVar("R")

THREADS = 2  # batches at a time in one process: one in the parser children, one in the encoder
RECOMPUTED = {"pending", "lost"}  # states of a future whose worker died with its result: it is computed once more
WINDOW = 4  # batches in flight for each worker: enough to keep it busy, few enough to keep the flow's memory flat
LARGE = 256 * 2**20  # bytes of input from which a local cluster pays for its start
MANY_CORES = 4
LOOK = 10.0  # s without a result after which the scheduler is asked for its workers
ANSWER = 40.0  # s for all workers to answer: longer than SILENT, so that the silent one is named
SILENT = 25.0  # s without a new heartbeat after which a worker is named
PATIENCE = 300.0  # s that a job waits for a scheduler to have workers again
WORD = 60.0  # s between two messages about it


class Stopped(Exception):
    """The job was asked to stop while this batch was at work. Not of the tree: the engine catches it, and nobody sees it."""


TOPIC = "faldone"  # of Dask's events: what batches tell their jobs

Listener = Callable[[Sequence[Any]], None]


class _Local(threading.local):
    stop: threading.Event | None = None
    tell: Listener | None = None


_local_state = _Local()


def check_stop(*_: object) -> None:
    """Return at once, or end this batch when its job was asked to stop. Called between the small steps of a batch.

    Raises:
        Stopped: on a thread of a job that is stopping. On a Dask worker the worker's own end is the stop.
    """
    if _local_state.stop is not None and _local_state.stop.is_set():
        raise Stopped("the job was asked to stop")


def tell(word: Sequence[Any]) -> None:
    """Send word from a batch at work to the `listen` of its job's `workers`; nothing happens where nobody listens.

    Args:
        word: plain values. Over Dask a word takes 0.1 ms and arrives some milliseconds later, or not at all when the worker dies.
    """
    if _local_state.tell is not None:
        _local_state.tell(word)


class WorkerDied(Exception):
    """The process that held this batch ended without an answer (killed, out of memory, a crash). Not of the tree: the engine catches it."""


class Workers(Generic[T]):
    """Where batches run; made by `workers`. `dashboard` is the address of Dask's own page, "" where there is none."""

    name: str
    count: int
    dashboard: str = ""

    def blind(self, paths: Sequence[str]) -> dict[str, list[str]]:
        """Return the hosts whose workers do not see some of the local paths, with those paths; on this machine all do.

        Raises:
            TransientError: a worker does not answer.
        """
        return {}

    def map(
        self, function: Callable[[tuple[T, ...]], R], batches: Iterable[tuple[T, ...]]
    ) -> Iterator[tuple[tuple[T, ...], R | BaseException]]:
        """Yield each batch with its result or the exception that it ended with, in the order of ending."""
        return self.stream(function, partial(next, iter(batches), None))

    def stream(
        self, function: Callable[[tuple[T, ...]], R], take: Callable[[], tuple[T, ...] | None]
    ) -> Iterator[tuple[tuple[T, ...], R | BaseException]]:
        """Do as `map` does, over batches that may still be coming: as many are taken as the workers keep in flight.

        Args:
            take: gives the next batch, or None when none is waiting now. It is asked again after each result; the stream ends when
                it gives None and no batch is at work.
        """
        raise NotImplementedError


class _Threads(Workers[T]):
    def __init__(self, listen: Listener | None = None) -> None:
        self.name, self.count = "threads", THREADS
        self.stop = threading.Event()
        self._listen = listen
        self.executor = ThreadPoolExecutor(THREADS, "batch", initializer=self._enter)

    def _enter(self) -> None:
        _local_state.stop, _local_state.tell = self.stop, self._listen

    def stream(
        self, function: Callable[[tuple[T, ...]], R], take: Callable[[], tuple[T, ...] | None]
    ) -> Iterator[tuple[tuple[T, ...], R | BaseException]]:
        running: dict[Future[R], tuple[T, ...]] = {}
        while True:
            while len(running) < THREADS and not self.stop.is_set() and (batch := take()) is not None:
                running[self.executor.submit(function, batch)] = batch
            if not running:
                if self.stop.is_set():
                    raise Stopped("the job was asked to stop")
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                batch = running.pop(future)
                error = future.exception()
                if isinstance(error, Stopped):
                    raise error
                yield batch, error or future.result()


class _Dask(Workers[T]):
    def __init__(self, client: Any, name: str, listen: Listener | None = None) -> None:
        self._client = client
        self.name = name
        self._line = uuid.uuid4().hex if listen else ""
        if listen:
            client.subscribe_topic(TOPIC, partial(_heard, self._line, listen))
        told = client.scheduler_info(n_workers=-1)
        self._address = str(client.scheduler.address)
        self.count = max(1, len(told["workers"]))
        self.dashboard = page(told)
        self._beats: dict[str, tuple[Any, float]] = {}  # of each worker: its last heartbeat, and since when it is that

    def stream(
        self, function: Callable[[tuple[T, ...]], R], take: Callable[[], tuple[T, ...] | None]
    ) -> Iterator[tuple[tuple[T, ...], R | BaseException]]:
        from distributed import as_completed

        running: dict[Any, tuple[T, ...]] = {}
        done = as_completed(loop=self._client.loop)
        while True:
            while len(running) < WINDOW * self.count and (batch := take()) is not None:
                future = self._client.submit(_on_line, self._line, pack((function, batch)), pure=False)
                running[future.key] = batch
                done.add(future)
            if not running:
                return
            future = self._next_of(done)
            if future.status in RECOMPUTED:
                done.add(future)
                continue
            yield running.pop(future.key), self._outcome(future)

    def blind(self, paths: Sequence[str]) -> dict[str, list[str]]:
        if not paths:
            return {}
        self._trouble()  # notes the heartbeats of now
        answer = in_thread(partial(self._client.run, _unseen, list(paths), on_error="ignore"))
        try:
            found: dict[str, tuple[str, list[str]]] = answer.result(ANSWER)
        except TimeoutError:
            silent = self._trouble()[0] or f"FALDONE_DASK: not all workers of {self._address} answer"
            raise TransientError(f"{silent}; whether they see {paths[0]} is not known after {ANSWER:.0f} s") from None
        return {host: missing for host, missing in found.values() if missing}

    def _next_of(self, done: Any) -> Any:
        """Wait for the next batch that ends, and say so when there is nobody who could end one.

        Raises:
            TransientError: for `PATIENCE` seconds the scheduler did not answer, or had no worker.
        """
        alone, word = 0.0, 0.0
        while True:
            with done.thread_condition:
                ready = done.thread_condition.wait_for(done.has_ready, LOOK)
            if ready:
                return next(done)
            trouble, hopeless = self._trouble()
            now = time.monotonic()
            alone = (alone or now - LOOK) if hopeless else 0.0
            if hopeless and now - alone > PATIENCE:
                raise TransientError(
                    f"{trouble} for {PATIENCE:.0f} s: start workers there, then run the same job again"
                )
            if trouble and now - word > WORD:
                left, word = f", for {PATIENCE - (now - alone):.0f} s more at most" if hopeless else "", now
                log.warning("%s: batches wait%s", trouble, left)

    def _trouble(self) -> tuple[str, bool]:
        """Say why batches cannot end now, "" when all workers are well; second, whether that is so of all batches."""
        try:
            there = identity(self._address, LOOK / 2)["workers"]
        except TransientError as error:
            return str(error), True
        if not there:
            return f"FALDONE_DASK: the scheduler at {self._address} has no workers", True
        now = time.monotonic()  # the scheduler's own clock may be another
        beats = {name: (about.get("last_seen"), now) for name, about in there.items()}
        self._beats = {n: old if (old := self._beats.get(n, beat))[0] == beat[0] else beat for n, beat in beats.items()}
        silent = [name for name, (_, since) in self._beats.items() if now - since > SILENT]
        return (f"FALDONE_DASK: nothing is heard of the workers {', '.join(silent)}" if silent else ""), False

    def _outcome(self, future: Any) -> Any:
        from distributed import KilledWorker

        error = future.exception() if future.status == "error" else None
        lost = TransientError(f"FALDONE_DASK: the scheduler at {self._address} went away with the batches it had")
        outcome = error or (future.result() if future.status == "finished" else lost)
        future.release()  # else the scheduler would compute it again when its worker dies later
        return WorkerDied(str(error)) if isinstance(error, KilledWorker) else outcome


def _unseen(paths: Sequence[str]) -> tuple[str, list[str]]:
    """Return this host's name, and which of the paths are not here."""
    import os
    import socket

    return socket.gethostname(), [path for path in paths if not os.path.lexists(path)]


def _on_line(line: str, sent: Sent) -> Any:
    """Do a batch on a Dask worker; its words go to the job of that line."""
    from distributed import get_worker

    function, batch = opened(sent)
    log_event = get_worker().log_event
    _local_state.tell = (lambda word: log_event(TOPIC, [line, *word])) if line else None
    return function(batch)


def _heard(line: str, listen: Listener, event: tuple[float, Sequence[Any]]) -> None:
    """Pass on what is said on this job's line; all jobs of a scheduler share the topic, so that it forgets old words by itself."""
    said, *word = event[1]
    if said == line:
        listen(word)


@contextmanager
def workers(settings: Settings, size: int, batches: int, listen: Listener | None = None) -> Iterator[Workers[Any]]:
    """Open the place where a job of `size` input bytes in so many batches runs, by `FALDONE_DASK`.

    Args:
        listen: called, from any thread, with what batches `tell`.

    Raises:
        TransientError: no worker answers at the scheduler's address.
    """
    kind = settings.dask
    if kind == "auto":
        large = size >= LARGE and batches >= MANY_CORES and cores() >= MANY_CORES
        kind = "local" if large else "threads"
    if kind == "threads":
        threads: _Threads[Any] = _Threads(listen)
        try:
            yield threads
        except BaseException:
            threads.stop.set()
            raise
        finally:
            threads.executor.shutdown(wait=False, cancel_futures=True)
    elif kind == "local":
        with _local(settings) as client:
            yield _Dask(client, "local cluster", listen)
    else:
        with connected(kind) as client:
            remote: _Dask[Any] = _Dask(client, kind, listen)
            _check_data_folder(settings, remote)
            yield remote


def _check_data_folder(settings: Settings, pool: Workers[Any]) -> None:
    """Refuse workers elsewhere with another data folder under the same name, or none: what they stage would never be found (UsageError)."""
    if settings.remote:
        return
    with tempfile.NamedTemporaryFile(prefix=".seen-", dir=private_folder(settings.scratch)) as token:
        check_seen(pool, [token.name], f"the data folder {settings.root} (FALDONE_HOME)")


def check_seen(pool: Workers[Any], paths: Sequence[str], what: str) -> None:
    """Refuse local paths that workers on other hosts do not see.

    Args:
        what: how the paths are called in the message.

    Raises:
        UsageError: some worker's host does not see all of them.
    """
    for host, missing in sorted(pool.blind(paths).items()):
        raise UsageError(
            f"{what}: the Dask workers on {host} do not see {missing[0]}; put it into an object store (s3://…), or on a disk that "
            "all hosts mount under the same name"
        )


@contextmanager
def _local(settings: Settings) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    count = settings.workers or max(1, cores())
    threads = str(max(1, cores() // count))
    with (
        dask.config.set(CONFIG),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            env=dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Give a client of the scheduler at an address.

    Raises:
        TransientError: no worker answers there.
    """
    from distributed import Client

    try:
        client = Client(address, set_as_default=False, timeout=15)
        client.wait_for_workers(1, timeout=60)
    except (OSError, TimeoutError) as error:
        raise TransientError(f"FALDONE_DASK: no worker answers at {address}: {error}") from error
    with client:
        yield client


CONFIG = {
    "distributed.worker.daemon": False,
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.scheduler.allowed-failures": 1,
    "distributed.comm.timeouts.connect": "30s",
    "distributed.admin.large-graph-warning-threshold": "100MB",
}


def in_worker() -> bool:
    """Tell whether this is a Dask worker, whose neighbours have the other cores."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def recycle(address: str, workers_: Sequence[str]) -> None:
    """Ask worker processes to begin anew, which gives their memory back; returns at once.

    Each hands its results to the others and is started again by its nanny; what it was at is done again elsewhere and
    not counted as a failure. `Client.restart_workers` counts one for every batch that the worker had.
    """
    with connected(address) as client:
        client.run(_begin_anew, workers=list(workers_), wait=False)


async def _begin_anew(dask_worker: Any) -> None:
    await dask_worker.close_gracefully(restart=True, reason="faldone health: too much memory")
