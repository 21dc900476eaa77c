"""What a batch leaves: rows for the lake, and a receipt of counts and failures for the job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from infra.encoders import load_encoders
from infra.errors import DocumentError
from infra.roots import modified_at
from tasks.collection import chunks, elements, ledger
from tasks.collection.chunks import CHUNKS, EncoderMark
from tasks.collection.commit import Staged
from tasks.collection.elements import ELEMENTS
from tasks.collection.ledger import LEDGER
from tasks.collection.staging import stage
from tasks.index import plan as planning
from tasks.index.drafts import Draft
from tasks.index.fingerprints import Pipeline
from tasks.index.plan import Work
from tasks.index.reporter import batch_name
from tasks.records import Failure

FAILURES_KEPT = 1_000  # of a run; the ledger has them all
COMMIT_CHUNKS = 10_000  # in one commit: some 50 MB in memory
STAMPED = 20_000  # documents whose stamps are noted in one commit


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of some documents; receipts add up."""

    indexed: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    attachments: int = 0  # of the documents counted above, those within others
    pages: int = 0
    chunks: int = 0
    encoded: int = 0
    bytes: int = 0  # of files that were read
    failures: tuple[Failure, ...] = ()
    staged: tuple[Staged, ...] = ()

    @property
    def failed(self) -> int:
        return self.quarantined

    @property
    def documents(self) -> int:
        return self.indexed + self.updated + self.unchanged + self.quarantined

    def committed(self) -> Receipt:
        """Return the same counts without the staged files, for the flow to keep."""
        return replace(self, staged=())

    def __add__(self, other: Receipt) -> Receipt:
        """Add up; of the failures the first are kept, so that a run of any length costs the same memory: the ledger has them all."""
        total = Receipt(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))
        return replace(total, failures=total.failures[:FAILURES_KEPT]) if len(total.failures) > FAILURES_KEPT else total


def fullness(receipts: Sequence[Receipt]) -> float:
    """Give how many commits that are worth their while these would make: some hundred documents in memory at a time, or many that were only
    touched.
    """
    unchanged, size, made = (
        sum(r.unchanged for r in receipts),
        sum(r.bytes for r in receipts),
        sum(r.chunks for r in receipts),
    )
    written = sum(r.documents for r in receipts) - unchanged
    return max(
        written / planning.GROUP_DOCUMENTS, size / planning.GROUP_BYTES, made / COMMIT_CHUNKS, unchanged / STAMPED
    )


def element_row(draft: Draft) -> dict[str, Any]:
    assert draft.parsed is not None
    return elements.parsed_row(draft.work.document_id, draft.content_hash, draft.parsed)


def judged(draft: Draft) -> bool:
    """Say whether the ledger gets a new row: not for a known document that merely could not be reached, or that a limit stopped although
    the same bytes were read before."""
    unreachable = (
        draft.error is not None and draft.error.kind.transient and bool(draft.work.known_hash) and not draft.parent
    )
    return not (stays(draft) or unreachable)


def _stopped(draft: Draft) -> bool:
    """Say whether a document cannot be read anew whose bytes are those that are indexed: its text there is right, and stays.

    A file that cannot be reached keeps its row as it is; an attachment was reached, so its row says what went wrong.
    """
    error, same = draft.error, draft.content_hash == draft.work.known_hash
    return error is not None and same and (error.kind.costly or (bool(draft.parent) and error.kind.transient))


def ledger_row(draft: Draft, pipeline: Pipeline, seconds: float, attachments: int = 0) -> dict[str, Any]:
    error, parsed, work = draft.error, draft.parsed, draft.work
    prints = pipeline.fingerprints
    row: dict[str, Any] = {
        "document_id": work.document_id,
        "path": work.path,
        "parent_id": draft.parent,
        "state": ledger.QUARANTINED if error else ledger.INDEXED,
        "stage": error.stage if error else "",
        "kind": error.kind.value if error else "",
        "message": error.message if error else "",
        "attempts": work.attempts + 1 if error else 1,
        "size": work.size,
        "stamp": work.stamp,
        "content_hash": draft.content_hash,
        "parser": prints.parsers.get(parsed.format if parsed else "", ""),
        "chunker": prints.chunker,
        "encoder": prints.encoder,
        "pages": parsed.pages if parsed and not error else 0,
        "chunks": 0 if error else len(draft.chunks),
        "attachments": attachments,
        "bytes": sum(len(c.text.encode()) for c in draft.chunks),
        "seconds": seconds,
        "warnings": list(parsed.warnings) if parsed else [],
        "modified_at": _modified(work.stamp),
        "indexed_at": ledger.now(),
    }
    if parsed:
        row |= {"format": parsed.format, "language": parsed.language, "title": parsed.title}
    return row


def _modified(stamp: str) -> datetime | None:
    date = modified_at(stamp)
    return None if date is None else datetime.fromtimestamp(date / 1e9, UTC)


def restamped(drafts: Iterable[Draft]) -> list[dict[str, Any]]:
    """Return what changes of the rows of documents whose text stays as it is, for the commit to join with the ledger's.

    They were touched and not changed (with the new stamp), or stopped by a limit as they were read anew (with the reason, so that they are
    tried again, and nobody takes them for all right).
    """
    return [
        {"document_id": d.work.document_id, "content_hash": d.work.known_hash} | _changes(d) for d in drafts if stays(d)
    ]


def stays(draft: Draft) -> bool:
    """Say whether a document's ledger row changes and its text does not."""
    return draft.same or (bool(draft.work.known_hash) and _stopped(draft))


def _changes(draft: Draft) -> dict[str, Any]:
    work, error = draft.work, draft.error
    if error is None:
        return {"stamp": work.stamp, "size": work.size, "modified_at": _modified(work.stamp)}
    return {"stage": error.stage, "kind": error.kind.value, "message": error.message, "attempts": work.attempts + 1}


def receipt_of(drafts: Sequence[Draft], encoded: int, staged: Staged) -> Receipt:
    good = [d for d in drafts if d.error is None and not d.same]
    bad = [(d, d.error) for d in drafts if d.error is not None]
    kept = sum(d.error is not None and not judged(d) for d in drafts)  # as they were in the index
    return Receipt(
        indexed=sum(not d.work.known_hash for d in good),
        updated=sum(bool(d.work.known_hash) for d in good),
        unchanged=sum(d.same for d in drafts) + kept,
        quarantined=len(bad) - kept,
        attachments=sum(bool(d.parent) for d in drafts),
        pages=sum(d.parsed.pages for d in good if d.parsed),
        chunks=sum(len(d.chunks) for d in good),
        encoded=encoded,
        bytes=sum(d.work.size for d in drafts if not d.parent and not d.same),
        failures=tuple(Failure(d.work.path, e.stage, e.kind.value, e.message) for d, e in bad),
        staged=(staged,),
    )


def lost(work: Work, error: DocumentError, pipeline: Pipeline) -> Receipt:
    """Stage one document that no worker could process, like any other failure. Returns its receipt."""
    draft = Draft(work, error=error)
    rows = LEDGER.rows([ledger_row(draft, pipeline, 0.0)] if judged(draft) else [])
    empty = chunks.schema(EncoderMark.of(load_encoders(pipeline.settings))).empty_table()
    parts = {ELEMENTS: ELEMENTS.rows([]), CHUNKS: empty, LEDGER: rows}
    return receipt_of([draft], 0, Staged(stage(pipeline.staging, batch_name([work]), parts), rows.num_rows))
