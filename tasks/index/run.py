"""An index run: begin → discover → plan → process → prune → finish. Plain functions, no Prefect; `index` is all of it.

`Run` holds what the steps share. It is a plain class on purpose: Prefect walks into dataclasses that are passed to tasks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import polars as pl

from infra.cache import ping
from infra.cluster import Workers, check_seen, workers
from infra.encoder import Encoder
from infra.encoders import load_encoders
from infra.errors import DocumentError, FailureKind, UsageError
from infra.lake import Lake, check_collection
from infra.lake_filters import Filter
from infra.lanes import writer_lane
from infra.roots import Root
from infra.settings import Settings
from infra.sources import former_root
from infra.stop import tidied
from tasks import shards
from tasks.collection import commit, indexes, ledger
from tasks.collection.chunks import EncoderMark, require_encoder
from tasks.collection.ledger import LEDGER
from tasks.collection.lookup import outermost
from tasks.collection.recover import recover_if_free
from tasks.collection.staging import Staging
from tasks.index import batch, rows
from tasks.index import discover as discovery
from tasks.index import plan as planning
from tasks.index.discover import Listing
from tasks.index.fingerprints import Pipeline, fingerprints
from tasks.index.gone import under
from tasks.index.parse import parser_pool
from tasks.index.partition import Known
from tasks.index.plan import Plan, Work
from tasks.index.reencode import reencode
from tasks.index.reporter import batch_name, weight
from tasks.index.rows import FAILURES_KEPT, STAMPED, Receipt, fullness
from tasks.index.spool import stream
from tasks.progress import Part, Progress
from tasks.records import Failure

log = logging.getLogger("faldone.index")

COMPACT_EVERY = 50  # commits of a run
SEEN = 20  # files that the workers must see before they begin


class Run:
    """One run over one collection."""

    def __init__(self, settings: Settings, collection: str, reencode: bool = False) -> None:
        self.settings = settings
        self.reencode = reencode
        self.collection = check_collection(collection)
        self.started = time.monotonic()
        self.lake = Lake(settings.root)
        self.progress = Progress()
        self.staging = Staging(settings)
        if not reencode:
            require_encoder(self.lake, self.collection, EncoderMark.of(load_encoders(settings)))
        self.pipeline = Pipeline(
            settings.without_secrets(), self.collection, self.staging.location, fingerprints(settings)
        )
        self.watch: Callable[[Workers[Work]], None] = lambda _: None  # called with the workers once they are there
        self.settle = 0.0  # s without a write after which a file counts as whole
        self.forgotten: tuple[Root, ...] = ()  # roots that moved: what is known under them goes
        self.engine: shards.Engine[Work, Receipt] | None = None  # kept: a step that is tried again goes on from there

    def close(self) -> None:
        """Leave nothing of the run behind but its result; may be called twice."""
        self.staging.close()


def prepare(settings: Settings) -> None:
    """Load what the run needs, for a caller who waits for something else meanwhile: 2 s of processor time.

    Raises:
        UsageError: the encoder cannot be loaded, or a setting that cannot be.
    """
    fingerprints(settings)
    encoder = load_encoders(settings).first  # of two, the other is loaded when a document needs it
    encoder.count_tokens([""])
    Lake(settings.root)
    if settings.dask in {"auto", "threads"}:  # else the workers have their own
        parser_pool(settings).warm()
        # no daemon: a thread that the end of Python meets in OpenVINO's code aborts the process, whatever its exit status was to be
        threading.Thread(target=_warm, args=(encoder,), name="encoder").start()


def _warm(encoder: Encoder) -> None:
    with suppress(UsageError):  # the first batch meets it again, and the run ends with it
        encoder.warm()


def begin(settings: Settings, collection: str, reencode: bool = False) -> Run:
    """Open the lake and take note of the pipeline as it is now.

    Raises:
        UsageError: a bad collection name, a setting that cannot be, or without `reencode` another encoder than the collection's.
    """
    if settings.redis_url is not None:
        ping(settings.redis_url.get_secret_value())  # now, not after an hour's work when the lane is asked for
    with shards.reaching(settings):
        recover_if_free(settings)  # else what is indexed now would leave with the half of an interrupted restore
        return Run(settings, collection, reencode)


@contextmanager
def opened(settings: Settings, collection: str, reencode: bool = False) -> Iterator[Run]:
    """Begin a run, and clear up however it ends.

    Raises:
        UsageError: as `begin`.
    """
    run = begin(settings, collection, reencode)
    with tidied(run.close):
        yield run


def encode_anew(run: Run) -> int:
    """Encode what is in the collection with the encoder of the settings. Returns the number of chunks made; see tasks/index/reencode.py.

    Raises:
        TransientError, StoreError: the lake or the cluster was away; the step can be done again.
        StopRequested: the job was asked to stop; what is done is kept.
    """
    if not run.reencode or not LEDGER.exists(run.lake, run.collection):
        return 0
    return reencode(run.settings, run.collection, run.pipeline.fingerprints, run.progress).chunks


def discover(run: Run, sources: Sequence[str]) -> Listing:
    """List the sources into the run's manifest.

    Raises:
        UsageError: a source is not there.
    """
    run.progress.stage("discover")
    # what a mailbox gave lies in the data folder, which nobody need name among the places where sources may lie
    allowed = (*run.settings.sources, str(run.settings.scratch / "sources")) if run.settings.sources else ()
    listing = discovery.discover(
        sources, run.collection, run.staging.folder, lambda n: run.progress.add(n), allowed, run.settle
    )
    for failure in listing.unreadable:
        log.warning("%s cannot be listed: %s", failure.path, failure.message)
    for place in (*listing.skipped, *listing.waiting):
        log.warning("%s is left out: %s", place.path, place.reason)
    return listing


def make_plan(run: Run, listing: Listing, prune: bool = True, force: bool = False) -> Plan:
    """Decide what is to be done.

    Raises:
        UsageError: pruning would remove most of the collection, and `force` is not set.
        TransientError: the lake's object store does not answer.
    """
    # what lies under a folder that could not be listed is not gone
    hidden = tuple(failure.path for failure in listing.unreadable if failure.kind != FailureKind.NOT_FOUND)
    hidden += tuple(place.path for place in listing.waiting)
    with shards.reaching(run.settings):
        made = planning.plan(
            listing.manifest,
            Known(
                LEDGER.count(run.lake, run.collection),
                LEDGER.batches(run.lake, run.collection, planning.LEDGER_COLUMNS),
            ),
            listing.roots,
            run.pipeline.fingerprints,
            run.staging.folder,
            force=force,
            hidden=hidden,
            prune=prune,
            forgotten=run.forgotten,
        )
    for root in made.emptied:
        log.warning("%s", root.message)
    if prune:
        planning.check_prune(made, run.collection, force)
    run.progress.stage("index", made.to_do, made.weight)
    return made


def process(run: Run, plan: Plan) -> Receipt:
    """Process the plan's batches on the workers and commit them; nothing is started when there is nothing to do.

    Raises:
        TransientError, StoreError: the lake or the cluster was away; the step can be done again.
        UsageError: workers on other hosts do not see the sources or the data folder.
        StopRequested: the job was asked to stop; what was done is committed.
    """
    _note_stamps(run, plan)
    if not plan.to_do:
        return Receipt()
    if run.engine is None:
        run.engine = shards.Engine(_Workload(run), planning.batches(plan), run.progress, Receipt())
    batches = plan.to_do // planning.BATCH_DOCUMENTS + plan.bytes // planning.BATCH_BYTES
    with (
        shards.reaching(run.settings),
        workers(run.settings, plan.bytes, batches, lambda word: run.progress.part(Part(*word))) as pool,
    ):
        log.info("%d documents on %s", plan.to_do, pool.name)
        check_seen(pool, planning.local_files(plan, SEEN), "the sources")
        run.watch(pool)
        return run.engine.run(pool)


def _note_stamps(run: Run, plan: Plan) -> None:
    """Give what an older release stamped, and what is unchanged by that stamp, the stamp of today; done twice it is done once."""
    if not plan.stamps:
        return
    log.info("%d documents have the stamp of an older release: theirs of today is noted, none is read", plan.restamped)
    with shards.reaching(run.settings), writer_lane(run.settings, run.collection):
        for rows in stream(plan.stamps, rows=STAMPED):
            commit.note_stamps(run.lake, run.collection, rows.iter_rows())


class _Workload:
    """An index run as the engine of tasks/shards.py sees it."""

    name = staticmethod(batch_name)
    weight = staticmethod(weight)

    def __init__(self, run: Run) -> None:
        self._run = run
        self._commits = 0

    def process(self) -> Callable[[tuple[Work, ...]], Receipt]:
        """Give the function that a worker calls."""
        return partial(batch.process, pipeline=self._run.pipeline)

    def lost(self, work: Work, error: DocumentError) -> Receipt:
        """Stage a document that no worker survived, or that met a bug, as failed."""
        return rows.lost(work, error, self._run.pipeline)

    def commit(self, receipts: Sequence[Receipt]) -> None:
        """Write staged batches into the lake under the writer's lane."""
        run = self._run
        with shards.reaching(run.settings), writer_lane(run.settings, run.collection):
            commit.commit(run.lake, run.collection, [staged for receipt in receipts for staged in receipt.staged])
            self._commits += 1
            if self._commits % COMPACT_EVERY == 0:
                commit.compact(run.lake, run.collection)

    fullness = staticmethod(fullness)

    def current(self, batch: tuple[Work, ...]) -> str:
        """Name what is shown as at work."""
        return batch[-1].path


def prune(run: Run, plan: Plan) -> int:
    """Remove what is gone from the sources. Returns the number of documents, attachments included."""
    if not plan.gone:
        return 0
    run.progress.stage("prune")
    with shards.reaching(run.settings), writer_lane(run.settings, run.collection):
        return commit.remove(run.lake, run.collection, plan.gone)


def finish(run: Run, plan: Plan, listing: Listing, done: Receipt, removed: int, reencoded: int = 0) -> dict[str, Any]:
    """Bring the full-text index up to date and clear up. Returns what was done, as `index --json` prints it."""
    _index_chunks(run, bool(plan.to_do))
    if plan.found and not LEDGER.exists(run.lake, run.collection):
        with shards.reaching(run.settings), writer_lane(run.settings, run.collection):
            LEDGER.ensure(run.lake, run.collection)
    run.close()
    run.progress.finish()
    emptied = [Failure(root.location, "discover", FailureKind.NOT_FOUND.value, root.message) for root in plan.emptied]
    quarantined = _in_quarantine(run, listing)
    failures = [*listing.unreadable, *emptied, *done.failures]
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
            "in_quarantine": quarantined,
            "waiting": len(listing.waiting),
        },
        "chunks": done.chunks,
        "pages": done.pages,
        "encoded": done.encoded,
        "reencoded": reencoded,
        "failures": [_failure(failure) for failure in failures[:FAILURES_KEPT]],
        "skipped": [
            {"path": place.path, "reason": place.reason}
            for place in (*listing.skipped, *listing.waiting)[:FAILURES_KEPT]
        ],
    }


def _in_quarantine(run: Run, listing: Listing) -> int:
    """Count what stands in quarantine under the sources, whether or not this run touched it."""
    where: Filter = {"state": ledger.QUARANTINED}
    there = 0
    for found in LEDGER.batches(run.lake, run.collection, ["document_id"], where):
        files = sorted(outermost(run.lake, run.collection, found["document_id"].to_pylist()).values())
        there += int(under(pl.Series(files, dtype=pl.String), listing.roots).sum())
    return there


def _index_chunks(run: Run, changed: bool) -> None:
    """Make the indexes that the chunks lack, also those that a run killed before its end left out."""
    for work in indexes.missing(run.lake, run.collection):
        run.progress.stage("indexes")
        with shards.reaching(run.settings), writer_lane(run.settings, run.collection):
            work()
    if changed:
        run.progress.stage("text index")
        with shards.reaching(run.settings), writer_lane(run.settings, run.collection):
            indexes.refresh_text(run.lake, run.collection)


def _failure(failure: Failure) -> dict[str, str]:
    return {"path": failure.path, "stage": failure.stage, "kind": failure.kind, "message": failure.message}


# ---- the whole -------------------------------------------------------------------------------------------------------


class Steps(NamedTuple):
    """The steps of a run; a flow wraps each in its orchestrator's policy."""

    encode_anew: Callable[[Run], int] = encode_anew
    discover: Callable[[Run, Sequence[str]], Listing] = discover
    plan: Callable[[Run, Listing, bool, bool], Plan] = make_plan
    process: Callable[[Run, Plan], Receipt] = process
    prune: Callable[[Run, Plan], int] = prune


PLAIN = Steps()


def carry_out(
    run: Run,
    sources: Sequence[str],
    prune: bool = True,
    force: bool = False,
    prune_root: Sequence[str] = (),
    steps: Steps = PLAIN,
) -> dict[str, Any]:
    """Take an opened run through its steps. Returns what was done, as `index --json` prints it."""
    run.forgotten = tuple(former_root(source) for source in prune_root)
    encoded = steps.encode_anew(run) if run.reencode else 0
    listing = steps.discover(run, sources)
    plan = steps.plan(run, listing, prune, force)
    done = steps.process(run, plan)
    removed = steps.prune(run, plan) if prune or run.forgotten else 0
    return finish(run, plan, listing, done, removed, encoded)


def index(
    settings: Settings,
    sources: Sequence[str],
    collection: str = "documents",
    prune: bool = True,
    force: bool = False,
    prune_root: Sequence[str] = (),
    reencode: bool = False,
) -> dict[str, Any]:
    """Index documents: read what is new or changed, embed it, store it, and remove what is gone.

    Args:
        sources: files, folders (with all below them), globs, or URLs.
        prune: remove documents that are no longer under the sources.
        force: read every document again, and prune without the guard.
        prune_root: files, folders, globs or URLs that moved or are gone for good: what is known under them is removed, unless it
            is listed under the sources too.
        reencode: first encode what is in the collection with the encoder of the settings.

    Raises:
        UsageError: a source that does not exist, a bad name or setting, or a prune of most of the collection.
    """
    with opened(settings, collection, reencode) as run:
        return carry_out(run, sources, prune, force, prune_root)
