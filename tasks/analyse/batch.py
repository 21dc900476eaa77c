"""A batch of documents on a worker: read from the lake → analyse in the children → stage. Receipts come back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from infra.errors import DocumentError, FailureKind
from infra.lake import Lake
from infra.settings import Settings
from tasks.analyse import Context, get
from tasks.analyse.children import Assignment, run_all
from tasks.collection import facts
from tasks.collection.analyses import Outcome, Work
from tasks.collection.elements import contents
from tasks.records import Document, Parsed

SECONDS_PER_PAGE = 1.0  # added to limits.seconds: a long document may take longer
SECONDS_GENERATED = 600.0  # added where a model writes a summary: minutes on a processor


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of every document of a run. Secrets do not travel with it."""

    settings: Settings
    collection: str
    type: str
    model: str
    generator: str
    staging: str
    children: int = 1

    @property
    def key(self) -> str:
        """What the rows of `analyses` call the model."""
        return "+".join(name for name in (self.model, self.generator) if name)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of some documents; receipts add up."""

    successful: int = 0
    failed: int = 0
    pages: int = 0
    staged: tuple[str, ...] = ()

    @property
    def documents(self) -> int:
        return self.successful + self.failed

    @property
    def chunks(self) -> int:
        return 0

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def committed(self) -> Receipt:
        """Return the same counts without the staged files, for the flow to keep."""
        return replace(self, staged=())


def batch_name(batch: Sequence[Work]) -> str:
    """Name a batch: equal for equal documents, so that doing it twice stages it once."""
    return hashlib.blake2b("".join(work.document_id for work in batch).encode(), digest_size=8).hexdigest()


def process(batch: Sequence[Work], request: Request) -> Receipt:
    """Analyse a batch of documents and stage the results.

    Raises:
        UsageError: the analysis cannot be run at all.
        TransientError: the lake was away.
    """
    lake = Lake(request.settings.root)
    wanted = [document for work in batch for document in (work.document_id, *work.companions)]
    found = contents(lake, request.collection, wanted)
    parsed = {document: content for document, (_, content) in found.items()}
    there = [work for work in batch if found.get(work.document_id, (None,))[0] in {work.content_hash, ""}]
    gone = [work for work in batch if work not in there]
    done = run_all([_assignment(work, parsed, request) for work in there], request.children)
    outcomes = [_outcome(work, *pair) for work, pair in zip(there, done, strict=True)]
    outcomes += [
        _outcome(
            work,
            DocumentError(
                FailureKind.NOT_FOUND, "the document was changed or dropped after this run had begun: run analyse again"
            ),
            0.0,
        )
        for work in gone
    ]
    return stage(outcomes, request)


def _assignment(work: Work, parsed: dict[str, Parsed], request: Request) -> Assignment:
    companions = tuple(
        Document(name, request.collection, work.path, work.content_hash, parsed[name])
        for name in work.companions
        if name in parsed
    )
    document = Document(work.document_id, request.collection, work.path, work.content_hash, parsed[work.document_id])
    context = Context(request.settings, request.model or None, request.generator or None, companions)
    seconds = request.settings.limits.seconds + SECONDS_PER_PAGE * work.pages
    return Assignment(get(request.type), document, context, seconds + (SECONDS_GENERATED if request.generator else 0))


def _outcome(work: Work, done: dict[str, object] | DocumentError, seconds: float) -> Outcome:
    if isinstance(done, DocumentError):
        return Outcome(work, None, done.kind.value, done.message, seconds)
    return Outcome(work, done, seconds=seconds)


def stage(outcomes: Sequence[Outcome], request: Request) -> Receipt:
    """Stage outcomes; a result that is no JSON is a failure like any other."""
    name = batch_name([outcome.work for outcome in outcomes])
    good = sum(outcome.result is not None for outcome in outcomes)
    stem = facts.stage(request.staging, name, outcomes, request.type, request.key)
    return Receipt(good, len(outcomes) - good, sum(o.work.pages for o in outcomes), (stem,))


def lost(work: Work, error: DocumentError, request: Request) -> Receipt:
    """Stage one document that no worker could analyse, like any other failure. Returns its receipt."""
    return stage([_outcome(work, error, 0.0)], request)
