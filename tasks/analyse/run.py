"""An analysis run: begin → plan → process → finish. Plain functions, no Prefect; `analyse` is all of it.

A document whose content, parser and analysis did not change since it was analysed is not analysed again: its stored
result is returned. A failure is a result too; it is tried again in the next run where it may pass by itself, three
times at most.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import psutil

from infra.cluster import Workers, workers
from infra.errors import DocumentError, FailureKind
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.machine import cores
from infra.settings import Settings
from infra.stop import tidied
from tasks import shards
from tasks.analyse import Context, batch, children, get
from tasks.analyse.batch import Receipt, Request
from tasks.collection import analyses, facts, ledger, lookup
from tasks.collection.analyses import ANALYSES, Work
from tasks.collection.staging import Staging
from tasks.progress import Progress

log = logging.getLogger("faldone.analyse")

COLUMNS = ("document_id", "path", "content_hash", "parser", "pages", "bytes", "parent_id")
COMMIT_DOCUMENTS = 128  # small enough that a crash costs minutes, large enough that the lake stays in few pieces
BATCH_DOCUMENTS = 32  # for each two cores, and so are the pages
PAGE_BYTES = 4_096  # of text: a sheet counts as many pages as its text would fill
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
class Plan:
    """`documents` are (id, path) of all that were asked for, in order of path; `batches` what of them is to be done."""

    documents: tuple[tuple[str, str], ...]
    batches: tuple[tuple[Work, ...], ...]
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
        self.staging = Staging(settings)
        self.request = Request(
            settings.without_secrets(), collection, type, model or "", generator or "", self.staging.location
        )
        self.watch: Callable[[Workers[Work]], None] = lambda _: None  # called with the workers once they are there
        self.engine: shards.Engine[Work, Receipt] | None = None  # kept: a step that is tried again goes on from there

    def close(self) -> None:
        """End the children and remove what was staged; may be called twice."""
        children.close()
        self.staging.close()


def begin(settings: Settings, collection: str, type: str, model: str | None, generator: str | None) -> Run:
    """Open the lake and take note of the analysis as it is now.

    Raises:
        UsageError: there is no such collection, analysis or model.
    """
    return Run(settings, collection, type, model, generator)


@contextmanager
def opened(
    settings: Settings, collection: str, type: str, model: str | None = None, generator: str | None = None
) -> Iterator[Run]:
    """Begin a run, and clear up however it ends.

    Raises:
        UsageError: as `begin`.
    """
    run = begin(settings, collection, type, model, generator)
    with tidied(run.close):
        yield run


# ---- plan ----------------------------------------------------------------------------------------------------------


def make_plan(run: Run, documents: Sequence[str] | None = None, force: bool = False) -> Plan:
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
    # on threads a batch is large enough that two of them keep every core at work
    width = -(-child_count(run.settings) // 2) if run.settings.dask in {"auto", "threads"} else 1
    made = tuple(_batches(due, BATCH_DOCUMENTS * width, BATCH_PAGES * width))
    run.progress.stage("analyse", len(due))
    return Plan(tuple((w.document_id, w.path) for w in works), made, len(due), sum(work.pages for work in due))


def _attachments(rows: Sequence[dict[str, Any]], chosen: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield for each chosen document the rows of its attachments, nested ones included, in order of path."""
    children: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["parent_id"]:
            children.setdefault(row["parent_id"], []).append(row)
    for row in chosen:
        inside, level = [], children.get(row["document_id"], [])
        while level:
            inside += level
            level = [child for part in level for child in children.get(part["document_id"], [])]
        yield sorted(inside, key=lambda part: str(part["path"]))


def _work(row: dict[str, Any], fingerprint: str, inside: Sequence[dict[str, Any]]) -> Work:
    read_by = [
        str(part["parser"]) for part in (row, *inside)
    ]  # another parser may read other things from the same bytes
    return Work(
        row["document_id"],
        row["path"],
        row["content_hash"],
        max(row["pages"] or 1, (row["bytes"] or 0) // PAGE_BYTES),
        ":".join([fingerprint, *dict.fromkeys(read_by)]),
        tuple(part["document_id"] for part in inside),
    )


def _due(work: Work, known: dict[str, Any] | None) -> Work | None:
    """Return the work if it is to be done, with the attempts that it had; None when the stored result stands."""
    if known is None or (known["content_hash"], known["fingerprint"]) != (work.content_hash, work.fingerprint):
        return work
    if known["status"] == analyses.FAILED and FailureKind(known["kind"]).transient and known["attempts"] < ATTEMPTS:
        return replace(work, attempts=known["attempts"])
    return None


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
    """Return children of this process: one a core, as memory allows."""
    by_memory = int(psutil.virtual_memory().available / CHILD_MEMORY)
    return max(1, min(settings.workers or cores(), by_memory))


# ---- the work ------------------------------------------------------------------------------------------------------


def process(run: Run, plan: Plan) -> Receipt:
    """Analyse the plan's batches on the workers and commit them; nothing is started when there is nothing to do.

    Raises:
        TransientError: the lake or the cluster was away; the step can be done again.
        UsageError: the analysis cannot be run at all.
        StopRequested: the job was asked to stop; what was done is committed.
    """
    if not plan.to_do:
        return Receipt()
    if run.engine is None:
        run.engine = shards.Engine(_Workload(run), iter(plan.batches), run.progress, Receipt())
    with (
        shards.reaching(run.settings),
        workers(run.settings, plan.pages * BYTES_PER_PAGE, len(plan.batches)) as pool,
    ):
        log.info("%d documents on %s", plan.to_do, pool.name)
        run.watch(pool)
        count = min(child_count(run.settings), plan.to_do) if pool.name == "threads" else 1
        run.request = replace(run.request, children=count)
        return run.engine.run(pool)


class _Workload(shards.ByDocument):
    """An analysis run as the engine of tasks/shards.py sees it."""

    name = staticmethod(batch.batch_name)
    commit_documents = COMMIT_DOCUMENTS

    def __init__(self, run: Run) -> None:
        self._run = run

    def process(self) -> Callable[[tuple[Work, ...]], Receipt]:
        """Give the function that a worker calls."""
        return partial(batch.process, request=self._run.request)

    def lost(self, work: Work, error: DocumentError) -> Receipt:
        """Stage a document that no worker survived, or that met a bug, as failed."""
        return batch.lost(work, error, self._run.request)

    def commit(self, receipts: Sequence[Receipt]) -> None:
        """Write staged batches into the lake under the writer's lane."""
        run, request = self._run, self._run.request
        with shards.reaching(run.settings), writer_lane(run.settings, request.collection):
            stems = [stem for receipt in receipts for stem in receipt.staged]
            facts.commit(run.lake, request.collection, stems, request.type)


# ---- the answer ----------------------------------------------------------------------------------------------------


def finish(run: Run, plan: Plan, done: Receipt) -> dict[str, Any]:
    """Say what was done, as `analyse --json` prints it.

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
    """Return the documents of the plan whose newest result is a failure, in order of path."""
    where = {"type": run.request.type, "model": run.request.key, "status": analyses.FAILED}
    rows = ANALYSES.read(run.lake, run.request.collection, ["document_id", "error"], where).to_pylist()
    reasons = {row["document_id"]: row["error"] for row in rows}
    return [
        {"document_id": document, "path": path, "error": reasons[document]}
        for document, path in plan.documents
        if document in reasons
    ]


def _kept(run: Run, plan: Plan) -> list[dict[str, Any]] | None:
    """Return all results in order of path, or None when they are too many or too large."""
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
    """Yield the JSON of each result that the lake has of the documents asked for, in order of path, a few at a time.

    Raises:
        UsageError: as `plan`.
    """
    lake = Lake(settings.root)
    rows = lookup.indexed(lake, collection, documents)
    chosen = sorted({(row["document_id"], row["path"]) for row in rows}, key=lambda pair: pair[1])
    request = Request(settings, collection, type, model or "", generator or "", "")
    for _, text in _stored(lake, request, chosen):
        yield text


# ---- the whole -------------------------------------------------------------------------------------------------------


class Steps(NamedTuple):
    """The steps of a run; a flow wraps each in its orchestrator's policy."""

    plan: Callable[[Run, Sequence[str] | None, bool], Plan] = make_plan
    process: Callable[[Run, Plan], Receipt] = process


PLAIN = Steps()


def carry_out(
    run: Run, documents: Sequence[str] | None = None, force: bool = False, steps: Steps = PLAIN
) -> dict[str, Any]:
    """Take an opened run through its steps. Returns what was done, as `analyse --json` prints it."""
    plan = steps.plan(run, documents, force)
    done = steps.process(run, plan)
    return finish(run, plan, done)


def analyse(
    settings: Settings,
    collection: str = "documents",
    type: str = "comprehensive",
    documents: Sequence[str] | None = None,
    model: str | None = None,
    generator: str | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Analyse indexed documents; each result is kept in the lake.

    Args:
        documents: ids, paths or ends of paths; none means the whole collection.
        model: a classifier by name, folder or Hugging Face id.
        generator: a text-generation model by folder or id, for a summary in its own words.
        force: analyse documents again even if nothing changed.

    Raises:
        UsageError: there is no such collection, analysis, document or model.
    """
    with opened(settings, collection, type, model, generator) as run:
        return carry_out(run, documents, force)
