"""An analysis run as the flow tells it: begin → plan → shards → finish. Plain functions, no Prefect.

A document whose content, parser and analysis did not change since it was analysed is not analysed again: its stored
result is returned. A failure is a result too; it is tried again in the next run where it may pass by itself, three
times at most.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from infra import stop
from infra.cluster import WorkerDied, Workers, cores, workers
from infra.errors import FailureKind, TransientError, UsageError
from infra.files import remove_tree
from infra.lake import Lake
from infra.locks import writer_lane
from infra.settings import Settings
from tasks.analyse import Context, batch, children, get
from tasks.analyse.batch import Receipt, Request
from tasks.collection import analyses, facts, ledger, lookup
from tasks.collection.analyses import ANALYSES, Work
from tasks.progress import Progress
from tasks.records import ATTACHMENT

log = logging.getLogger("faldone.analyse")

__all__ = [
    "Plan",
    "Receipt",
    "Run",
    "Shard",
    "analyse_shard",
    "begin",
    "finish",
    "plan",
    "stored_results",
    "workers_for",
]

COLUMNS = ("document_id", "path", "content_hash", "parser", "pages", "parent_id")
SHARD_DOCUMENTS = (
    128  # one commit: small enough that a crash costs minutes, large enough that the lake stays in few pieces
)
BATCH_DOCUMENTS = 4  # for each two cores, and so are the pages
BATCH_PAGES = 120
ATTEMPTS = 3  # of a failure that may pass by itself
BYTES_PER_PAGE = (
    128 * 2**10
)  # of work, in the measure of infra/cluster: from 2,000 pages a local cluster pays for its start
CHILD_MEMORY = 1.5 * 2**30  # bytes of a child with torch and a small model
RESULTS_KEPT = 1_000  # in the answer of a run; more stay in the lake
BYTES_KEPT = 64 * 2**20
FAILURES_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Shard:
    """Batches that are committed together."""

    number: int
    batches: tuple[tuple[Work, ...], ...]

    @property
    def documents(self) -> int:
        return sum(len(works) for works in self.batches)


@dataclass(frozen=True, slots=True)
class Plan:
    """`documents` are (id, path) of all that were asked for, in order of path; `shards` what of them is to be done."""

    documents: tuple[tuple[str, str], ...]
    shards: tuple[Shard, ...]
    to_do: int
    pages: int


class Run:
    """One run of an analysis over a collection. A plain class: Prefect walks into dataclasses passed to tasks."""

    def __init__(
        self, settings: Settings, collection: str, type: str, model: str | None, generator: str | None
    ) -> None:
        self.settings = settings
        self.analysis = get(type)
        self.started = time.monotonic()
        self.lake = Lake(settings.root)
        self.progress = Progress()
        ledger.require(self.lake, collection)
        self.fingerprint = self.analysis.fingerprint(Context(settings, model, generator))
        staging = f"{settings.root if settings.remote else settings.scratch}/staging/{uuid.uuid4().hex[:12]}"
        if not settings.remote:
            Path(staging).mkdir(parents=True)
        self.request = Request(settings.without_secrets(), collection, type, model or "", generator or "", staging)
        self.workers: Workers[Work] | None = None
        self.stopped = False  # a shard was left unfinished because the job was asked to stop


def begin(settings: Settings, collection: str, type: str, model: str | None, generator: str | None) -> Run:
    """Open the lake and take note of the analysis as it is now.

    Raises:
        UsageError: there is no such collection, analysis or model.
    """
    return Run(settings, collection, type, model, generator)


# ---- plan ----------------------------------------------------------------------------------------------------------


def plan(run: Run, documents: Sequence[str] | None, force: bool) -> Plan:
    """Decide what is to be analysed: all, or documents named by id, path or file name; `force` does all of it again.

    Raises:
        UsageError: a name fits no document.
    """
    run.progress.stage("plan")
    collection = run.request.collection
    rows = lookup.find(run.lake, collection, None, COLUMNS, {"state": ledger.INDEXED})
    chosen = lookup.choose(rows, documents, collection) if documents else rows
    works = [
        _work(row, run.fingerprint, inside) for row, inside in zip(chosen, _attachments(rows, chosen), strict=True)
    ]
    there = {} if force else analyses.known(run.lake, collection, run.request.type, run.request.key)
    due = [w for work in works if (w := _due(work, there.get(work.document_id))) is not None]
    made = _shards(due, run.settings)
    run.progress.stage("analyse", len(due))
    return Plan(tuple((w.document_id, w.path) for w in works), made, len(due), sum(work.pages for work in due))


def _attachments(rows: Sequence[dict[str, Any]], chosen: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """For each chosen document the rows of its attachments, nested ones included."""
    inside: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        path = str(row["path"])
        at = path.find(ATTACHMENT)
        while at >= 0:
            inside.setdefault(path[:at], []).append(row)
            at = path.find(ATTACHMENT, at + 1)
    for row in chosen:
        yield inside.get(str(row["path"]), [])


def _work(row: dict[str, Any], fingerprint: str, inside: Sequence[dict[str, Any]]) -> Work:
    read_by = [
        str(part["parser"]) for part in (row, *inside)
    ]  # another parser may read other things from the same bytes
    return Work(
        row["document_id"],
        row["path"],
        row["content_hash"],
        row["pages"] or 1,
        ":".join([fingerprint, *dict.fromkeys(read_by)]),
        tuple(part["document_id"] for part in inside),
    )


def _due(work: Work, known: dict[str, Any] | None) -> Work | None:
    """The work if it is to be done, with the attempts that it had; None when the stored result stands."""
    if known is None or (known["content_hash"], known["fingerprint"]) != (work.content_hash, work.fingerprint):
        return work
    if known["status"] == analyses.FAILED and FailureKind(known["kind"]).transient and known["attempts"] < ATTEMPTS:
        return replace(work, attempts=known["attempts"])
    return None


def _shards(works: Sequence[Work], settings: Settings) -> tuple[Shard, ...]:
    """Shards of batches; on threads a batch is large enough that two of them keep every core at work."""
    width = -(-child_count(settings) // 2) if settings.dask in {"auto", "threads"} else 1
    made = []
    for number, start in enumerate(range(0, len(works), SHARD_DOCUMENTS)):
        part = works[start : start + SHARD_DOCUMENTS]
        made.append(Shard(number, tuple(_batches(part, BATCH_DOCUMENTS * width, BATCH_PAGES * width))))
    return tuple(made)


def _batches(works: Sequence[Work], documents: int, pages: int) -> Iterator[tuple[Work, ...]]:
    held: list[Work] = []
    for work in works:
        if held and (len(held) == documents or sum(w.pages for w in held) + work.pages > pages):
            yield tuple(held)
            held = []
        held.append(work)
    if held:
        yield tuple(held)


def child_count(settings: Settings) -> int:
    """Children of this process: one a core, as memory allows."""
    by_memory = int(psutil.virtual_memory().available / CHILD_MEMORY)
    return max(1, min(settings.workers or cores(), by_memory))


# ---- the work ------------------------------------------------------------------------------------------------------


@contextmanager
def workers_for(run: Run, plan: Plan) -> Iterator[None]:
    """Have workers for the plan's batches meanwhile; nothing is started when there is nothing to do.

    Raises:
        StopRequested: the job was asked to stop, and shards were left; what they had done is committed.
    """
    if not plan.to_do:
        yield
        return
    batches = sum(len(shard.batches) for shard in plan.shards)
    try:
        with workers(run.settings, plan.pages * BYTES_PER_PAGE, batches) as pool:
            log.info("%d documents in %d shards on %s", plan.to_do, len(plan.shards), pool.name)
            run.workers = pool
            here = pool.name == "threads"
            count = min(child_count(run.settings), plan.to_do) if here else 1
            run.request = replace(run.request, children=count)
            yield
            if run.stopped:  # only now: other shards may have been at work when the first one stopped
                stop.check()
    finally:
        children.close()
        remove_tree(run.request.staging)


def analyse_shard(run: Run, shard: Shard) -> Receipt:
    """Analyse the shard's batches on the workers and commit them in one go.

    A job that is asked to stop begins no further batch, and commits those that are done (see `workers_for`).

    Raises:
        TransientError: the lake or the cluster was away; the shard can be done again.
        UsageError: the analysis cannot be run at all.
    """
    total = _processed(run, shard)
    if total.staged:
        with writer_lane(run.settings, run.request.collection):
            facts.commit(run.lake, run.request.collection, total.staged, run.request.type)
    if total.successful + total.failed < shard.documents:
        run.stopped = True
    return total.committed()


def _processed(run: Run, shard: Shard) -> Receipt:
    """What the workers made of the shard's batches, or of the first of them when the job is asked to stop."""
    assert run.workers is not None
    total = Receipt()
    waiting = list(shard.batches)
    while waiting and not stop.requested():
        again: list[tuple[Work, ...]] = []
        for works, outcome in run.workers.map(partial(batch.process, request=run.request), waiting):
            if isinstance(outcome, TransientError | UsageError):
                raise outcome
            if isinstance(outcome, BaseException) and len(works) > 1:
                again += [works[: len(works) // 2], works[len(works) // 2 :]]  # the bad document is in one half
                continue
            receipt = outcome if isinstance(outcome, Receipt) else _lost(works[0], outcome, run.request)
            total += receipt
            run.progress.add(len(works), receipt.pages, failed=receipt.failed, current=works[-1].path)
            if stop.requested():
                return total
        waiting = again
    return total


def _lost(work: Work, error: BaseException, request: Request) -> Receipt:
    if not isinstance(error, WorkerDied):
        log.error("%s: %s", work.path, error, exc_info=error)
    return batch.lost(work, error, request)


# ---- the answer ----------------------------------------------------------------------------------------------------


def finish(run: Run, plan: Plan, done: Receipt) -> dict[str, Any]:
    """Say what was done (the contract's JSON of `analyse`).

    `results` is None when there are too many to be held in memory: they are in the lake, see `stored_results`; then
    `failures` names the first thousand that failed.
    """
    run.progress.finish()
    failed = _failed(run, plan)
    kept = _kept(run, plan)
    answer: dict[str, Any] = {
        "status": "completed_with_failures" if failed else "completed",
        "type": run.request.type,
        "collection": run.request.collection,
        "total": len(plan.documents),
        "successful": len(plan.documents) - len(failed),
        "failed": len(failed),
        "analysed": done.successful + done.failed,
        "unchanged": len(plan.documents) - plan.to_do,
        "seconds": round(time.monotonic() - run.started, 3),
        "results": kept,
    }
    return answer if kept is not None else answer | {"failures": failed[:FAILURES_KEPT]}


def _failed(run: Run, plan: Plan) -> list[dict[str, str]]:
    """The documents of the plan whose newest result is a failure, in order of path."""
    where = {"type": run.request.type, "model": run.request.key, "status": analyses.FAILED}
    rows = ANALYSES.read(run.lake, run.request.collection, ["document_id", "error"], where).to_pylist()
    reasons = {row["document_id"]: row["error"] for row in rows}
    return [
        {"document_id": document, "path": path, "error": reasons[document]}
        for document, path in plan.documents
        if document in reasons
    ]


def _kept(run: Run, plan: Plan) -> list[dict[str, Any]] | None:
    """All results in order of path, or None when they are too many or too large."""
    if len(plan.documents) > RESULTS_KEPT:
        return None
    kept: list[dict[str, Any]] = []
    size = 0
    for _, text in _stored(run.lake, run.request, plan.documents):
        size += len(text)
        if size > BYTES_KEPT:
            return None
        kept.append(json.loads(text))
    return kept


def _stored(lake: Lake, request: Request, documents: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if documents:
        yield from analyses.read(lake, request.collection, request.type, request.key, documents)


def stored_results(
    settings: Settings,
    collection: str,
    type: str,
    model: str | None,
    generator: str | None,
    documents: Sequence[str] | None,
) -> Iterator[str]:
    """The JSON of each result that the lake has of the documents asked for, in order of path, a few at a time.

    Raises:
        UsageError: as `plan`.
    """
    lake = Lake(settings.root)
    rows = lookup.indexed(lake, collection, documents)
    chosen = sorted({(row["document_id"], row["path"]) for row in rows}, key=lambda pair: pair[1])
    request = Request(settings, collection, type, model or "", generator or "", "")
    for _, text in _stored(lake, request, chosen):
        yield text
