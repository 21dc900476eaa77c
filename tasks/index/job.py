"""An index run as the flow tells it: begin → discover → plan → shards → prune → finish. Plain functions, no Prefect.

`Run` holds what the steps share. It is a plain class on purpose: Prefect walks into dataclasses that are passed to tasks.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from filelock import FileLock

from infra import stop
from infra.cache import ping
from infra.cluster import WorkerDied, Workers, workers
from infra.encoder import Encoder, load_encoder
from infra.errors import DocumentError, FailureKind, FaldoneError, TransientError, UsageError
from infra.files import remove_tree
from infra.lake import Lake, check_collection
from infra.lake_upkeep import refresh_indexes
from infra.locks import writer_lane
from infra.settings import Settings
from infra.stop import tidied
from tasks.collection import commit, ledger
from tasks.collection.chunks import CHUNKS
from tasks.collection.ledger import LEDGER
from tasks.collection.recover import recover_if_free
from tasks.index import batch
from tasks.index import discover as discovery
from tasks.index import plan as planning
from tasks.index.batch import Receipt
from tasks.index.discover import Listing
from tasks.index.parse import parser_pool
from tasks.index.pipeline import Pipeline, fingerprints
from tasks.index.plan import Plan, Shard, Work
from tasks.progress import Part, Progress

log = logging.getLogger("faldone.index")

__all__ = [
    "Listing", "Plan", "Run", "begin", "discover", "finish", "index_shard", "opened", "plan", "prepare", "prune",
    "workers_for",
]  # fmt: skip

FAILURES_KEPT = 1_000  # in the result of a run; the ledger has them all


class Run:
    """One run over one collection."""

    def __init__(self, settings: Settings, collection: str) -> None:
        self.settings = settings
        self.collection = check_collection(collection)
        self.id = uuid.uuid4().hex[:12]
        self.started = time.monotonic()
        self.lake = Lake(settings.root)
        self.progress = Progress()
        self.folder = settings.scratch / "staging" / self.id
        self.folder.mkdir(parents=True)
        # held as long as this process lives: a staging folder whose lock is free belongs to a dead run
        self.alive = FileLock(self.folder / "alive.lock")
        self.alive.acquire()
        self.staging = f"{settings.root}/staging/{self.id}" if settings.remote else str(self.folder)
        self.pipeline = Pipeline(settings.without_secrets(), self.collection, self.staging, fingerprints(settings))
        self.workers: Workers[Work] | None = None
        self.processed: dict[
            int, Receipt
        ] = {}  # by shard: a commit that is tried again does not read its documents again

    def close(self) -> None:
        """Leave nothing of the run behind but its result; may be called twice."""
        self.alive.release()
        try:
            remove_tree(self.staging)
        except TransientError as error:
            log.warning("what was staged is left to `faldone cleanup`: %s", error)
            return  # the folder here tells it what to remove there
        remove_tree(str(self.folder))


def prepare(settings: Settings) -> None:
    """Load what the run needs, for a caller who waits for something else meanwhile: 2 s of processor time.

    Raises:
        UsageError: the encoder cannot be loaded, or a setting that cannot be.
    """
    fingerprints(settings)
    encoder = load_encoder(settings)
    encoder.count_tokens([""])
    Lake(settings.root)
    if settings.dask in {"auto", "threads"}:  # else the workers have their own
        parser_pool(settings).warm()
        threading.Thread(target=_warm, args=(encoder,), name="encoder", daemon=True).start()


def _warm(encoder: Encoder) -> None:
    with suppress(UsageError):  # the first batch meets it again, and the run ends with it
        encoder.warm()


def begin(settings: Settings, collection: str) -> Run:
    """Open the lake and take note of the pipeline as it is now.

    Raises:
        UsageError: a bad collection name or a setting that cannot be.
    """
    recover_if_free(settings)  # else what is indexed now would leave with the half of an interrupted restore
    if settings.redis_url is not None:
        ping(settings.redis_url.get_secret_value())  # now, not after an hour's work when the lane is asked for
    return Run(settings, collection)


@contextmanager
def opened(settings: Settings, collection: str) -> Iterator[Run]:
    """As `begin`, and clear up however the run ends."""
    run = begin(settings, collection)
    with tidied(run.close):
        yield run


def discover(run: Run, sources: Sequence[str]) -> Listing:
    """List the sources.

    Raises:
        UsageError: a source is not there.
    """
    run.progress.stage("discover")
    listing = discovery.discover(sources, run.collection, run.folder, lambda n: run.progress.add(n))
    for failure in listing.unreadable:
        log.warning("%s cannot be listed: %s", failure.path, failure.message)
    return listing


def plan(run: Run, listing: Listing, prune: bool, force: bool) -> Plan:
    """Decide what is to be done.

    Raises:
        UsageError: pruning would remove most of the collection, and `force` is not set.
    """
    known = ledger.read(run.lake, run.collection, planning.LEDGER_COLUMNS)
    # what lies under a folder that could not be listed is not gone
    hidden = tuple(failure.path for failure in listing.unreadable if failure.kind != FailureKind.NOT_FOUND)
    made = planning.plan(listing.manifest, known, listing.roots, run.pipeline.fingerprints, run.folder, force, hidden)
    if prune:
        planning.check_prune(made, run.collection, force)
    run.progress.stage("index", made.to_do, made.weight)
    return made


@contextmanager
def workers_for(run: Run, plan: Plan) -> Iterator[None]:
    """Have workers for the plan's batches meanwhile; nothing is started when there is nothing to do."""
    if not plan.to_do:
        yield
        return
    size = sum(shard.bytes for shard in plan.shards)
    batches = plan.to_do // planning.BATCH_DOCUMENTS + size // planning.BATCH_BYTES
    with workers(run.settings, size, batches, lambda word: run.progress.part(Part(*word))) as pool:
        log.info("%d documents in %d shards on %s", plan.to_do, len(plan.shards), pool.name)
        run.workers = pool
        yield


def index_shard(run: Run, shard: Shard) -> Receipt:
    """Process the shard's batches on the workers and commit them in one go.

    Raises:
        TransientError, StoreError: the lake or the cluster was away; the shard can be done again.
        StopRequested: the job was asked to stop; the batches done so far are committed.
    """
    stop.check()
    with _reached(run):
        total = run.processed.get(shard.number) or _processed(run, shard)
        run.processed[shard.number] = total
        with writer_lane(run.settings, run.collection):
            commit.commit(run.lake, run.collection, total.staged)
    stop.check()
    return total.committed()


def _processed(run: Run, shard: Shard) -> Receipt:
    """What the workers made of the shard; when they could not, the progress is as it was before."""
    total, done, weight = Receipt(), 0, 0.0
    try:
        for works, outcome in _outcomes(run, shard):
            receipt = outcome if isinstance(outcome, Receipt) else _lost(works, outcome, run.pipeline)
            total += receipt
            done += len(works)
            weight += batch.weight(works)
            run.progress.add(
                len(works), receipt.pages, receipt.chunks, receipt.quarantined, works[-1].path, batch.weight(works),
                batch.name(works),
            )  # fmt: skip
            if stop.requested():
                break
    except BaseException:
        if done:
            run.progress.add(-done, -total.pages, -total.chunks, -total.quarantined, weight=-weight)
        raise
    return total


def _outcomes(run: Run, shard: Shard) -> Iterator[tuple[tuple[Work, ...], Any]]:
    """Each batch with its receipt, or a single document with the error that no division of its batch avoided."""
    assert run.workers is not None
    process = partial(batch.process, pipeline=run.pipeline)
    waiting = planning.batches(shard)
    _begin(run, waiting)
    suspects: list[tuple[Work, ...]] = []
    while waiting:
        again: list[tuple[Work, ...]] = []
        for works, outcome in run.workers.map(process, waiting):
            if isinstance(outcome, BaseException) and len(works) > 1 and not _concerns_all(outcome):
                halves = [works[: len(works) // 2], works[len(works) // 2 :]]  # the bad document is in one of them
                run.progress.add(0, batch=batch.name(works))
                _begin(run, halves)
                again += halves
            elif isinstance(outcome, WorkerDied):
                suspects.append(works)
            else:
                yield works, outcome
        waiting = again
    for suspect in suspects:  # each by itself: it may only have waited behind the one that kills
        yield from run.workers.map(process, [suspect])


def _begin(run: Run, batches: Iterable[tuple[Work, ...]]) -> None:
    for works in batches:
        run.progress.begin(batch.name(works), batch.weight(works))


def _concerns_all(error: BaseException) -> bool:
    """Whether the batch's documents are not to blame: the lake, the disk or a setting is."""
    return (isinstance(error, FaldoneError) and not isinstance(error, DocumentError)) or _of_the_lake(error)


def _of_the_lake(error: BaseException) -> bool:
    """Whether the lake's disk or object store raised this: what a document can do is caught where it is read."""
    return isinstance(error, OSError) or (isinstance(error, RuntimeError) and "lance error" in str(error)[:40])


@contextmanager
def _reached(run: Run) -> Iterator[None]:
    """Say of an object store that failed that it may pass; a disk that failed does not mend itself.

    Raises:
        TransientError: the object store is away.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not run.settings.remote or not _of_the_lake(error):
            raise
        line = str(error).strip().split("\n", 1)[0][:200]
        raise TransientError(f"{run.settings.root} cannot be reached: {line}") from error


def _lost(works: Sequence[Work], error: BaseException, pipeline: Pipeline) -> Receipt:
    if _concerns_all(error):
        raise error
    if isinstance(error, WorkerDied):
        return batch.lost(works[0], error, pipeline)
    log.error("%s: %s", works[0].path, error, exc_info=error)
    message = f"{type(error).__name__}: {error}".split("\n", 1)[0]
    return batch.lost(works[0], DocumentError(FailureKind.INTERNAL, message, "index"), pipeline)


def prune(run: Run, plan: Plan) -> int:
    """Remove what is gone from the sources; the number of documents, attachments included."""
    if not plan.gone:
        return 0
    run.progress.stage("prune")
    with _reached(run), writer_lane(run.settings, run.collection):
        return commit.remove(run.lake, run.collection, plan.gone)


def finish(run: Run, plan: Plan, listing: Listing, done: Receipt, removed: int) -> dict[str, Any]:
    """Bring the full-text index up to date, clear up, and say what was done (the contract's JSON of `index`)."""
    name = CHUNKS.name(run.collection)
    if plan.to_do and run.lake.exists(name) and run.lake.count(name):
        run.progress.stage("text index")
        with _reached(run), writer_lane(run.settings, run.collection):
            if run.lake.index_text(name):
                refresh_indexes(run.lake, name)
    if plan.found:
        LEDGER.ensure(run.lake, run.collection)
    run.close()
    run.progress.finish()
    failures = [*listing.unreadable, *done.failures]
    return {
        "status": "completed_with_failures" if failures else "completed",
        "collection": run.collection,
        "seconds": round(time.monotonic() - run.started, 3),
        "documents": {
            "found": plan.found,
            "attachments": done.attachments,
            "indexed": done.indexed,
            "updated": done.updated,
            "unchanged": plan.unchanged + done.unchanged,
            "removed": removed,
            "quarantined": done.quarantined,
        },
        "chunks": done.chunks,
        "pages": done.pages,
        "encoded": done.encoded,
        "failures": [_failure(failure) for failure in failures[:FAILURES_KEPT]],
    }


def _failure(failure: Any) -> dict[str, str]:
    return {"path": failure.path, "stage": failure.stage, "kind": failure.kind, "message": failure.message}
