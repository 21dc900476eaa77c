"""Steps 3 to 5 for a batch of documents, on a worker: read → parse → chunk → embed → stage.

A failure stays with its document and becomes a ledger row in quarantine. What leaves this function is a receipt of counts and the
names of three staged files: no document's text ever travels back to the flow.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from infra import files
from infra.cache import Cache
from infra.cluster import check_stop, in_worker, tell
from infra.encoder import Encoder, load_encoder
from infra.errors import DocumentError, FailureKind
from infra.lake import Lake
from infra.settings import Settings, load
from tasks.collection import chunks as chunk_table
from tasks.collection import elements, ledger
from tasks.collection.chunks import CHUNKS
from tasks.collection.commit import Staged
from tasks.collection.elements import ELEMENTS
from tasks.collection.ledger import LEDGER
from tasks.collection.papers import paper_rows
from tasks.collection.staging import stage
from tasks.index.chunk import chunk
from tasks.index.embed import embed
from tasks.index.parse import ParseJob, parser_pool
from tasks.index.pipeline import CHUNK_TOKENS, Pipeline
from tasks.index.plan import Work
from tasks.office.rows import Paper
from tasks.progress import Part, cost
from tasks.records import ATTACHMENT, Attachment, Chunk, Failure, Parsed, document_id

DEPTH = 8  # containers within containers: a signed file in a mail in a certified mail in an archive is four
PARSING = 0.15  # the part of a batch's time before its first chunk is encoded
WORD_EVERY = 0.5  # s

_ENCODING = threading.Lock()
"""One batch of a process encodes, and the other is read or stored meanwhile. Taking turns at each forward pass, both would be encoded at
once and then both be read at once, while the encoder stands still."""


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
    bytes: int = 0
    failures: tuple[Failure, ...] = ()
    staged: tuple[Staged, ...] = ()

    @property
    def documents(self) -> int:
        return self.indexed + self.updated + self.unchanged + self.quarantined

    def committed(self) -> Receipt:
        """The same counts without the staged files, for the flow to keep."""
        return replace(self, staged=())

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(slots=True)
class _Draft:
    """A document on its way through the batch: it gains a part at each step, or an error."""

    work: Work
    parent: str = ""
    content_hash: str = ""
    data: bytes | None = None
    local: Path | None = None
    parsed: Parsed | None = None
    chunks: list[Chunk] = field(default_factory=list)
    error: DocumentError | None = None
    same: bool = False
    known: Mapping[str, str] = field(default_factory=dict)  # what its container says of it


def process(batch: Sequence[Work], pipeline: Pipeline) -> Receipt:
    """Process a batch of documents and stage the result.

    Returns:
        Counts of what was done, failures, and where it is staged. `documents` counts attachments too.
    """
    started = time.monotonic()
    lake = Lake(pipeline.settings.root)
    word = _Word(batch)
    with tempfile.TemporaryDirectory(prefix="faldone-", dir=pipeline.scratch) as scratch:
        drafts = _read(batch, Path(scratch), pipeline)
        _rechunk(drafts, lake, pipeline)
        drafts += _parse(drafts, pipeline, word)
    encoder = load_encoder(pipeline.settings)
    _chunk(drafts, encoder)
    good = [d for d in drafts if d.parsed is not None and d.error is None]
    pieces = [piece for draft in good for piece in draft.chunks]
    known = chunk_table.vectors_of(
        lake, pipeline.collection, [d.work.document_id for d in good if _reusable(d, encoder)]
    )
    with _ENCODING:
        embedded = embed(pieces, encoder, known, _cache(), word.encoded)
    rows = [
        row
        for d in good
        if d.parsed
        for row in chunk_table.chunk_rows(d.work.document_id, d.work.path, d.parsed, d.chunks)
    ]
    seconds = time.monotonic() - started
    entries = [
        *_restamped(drafts, lake, pipeline),
        *(_row(d, pipeline, seconds / len(drafts)) for d in drafts if _judged(d)),
    ]
    parts = {
        ELEMENTS: ELEMENTS.rows([_parsed_row(d) for d in good]),
        CHUNKS: chunk_table.chunk_table(rows, embedded.vectors),
        LEDGER: LEDGER.rows(entries),
    }
    papers = paper_rows(
        (Paper(d.work.document_id, d.work.path, d.content_hash), d.parsed) for d in good if d.parsed is not None
    )
    stem = stage(pipeline.staging, name(batch), {**parts, **papers})
    kept = tuple(d.work.document_id for d in drafts if d.same)
    staged = Staged(stem, len(entries), kept, tuple(table.kind for table in papers))
    return _receipt(drafts, embedded.encoded, staged)


def name(batch: Sequence[Work]) -> str:
    """The batch's name: equal for equal documents, so that doing it twice stages it once."""
    ids = "".join(work.document_id for work in batch)
    return hashlib.blake2b(ids.encode(), digest_size=8).hexdigest()


class _Word:
    """What a batch tells its job while it is at work: how far it is, at most twice a second."""

    def __init__(self, batch: Sequence[Work]) -> None:
        self._batch, self._name = batch, name(batch)
        self._weight = weight(batch)
        self._told = time.monotonic()
        self._read, self._pages = 0.0, 0

    def parsed(self, draft: _Draft) -> None:
        """A document of the batch is read, or could not be."""
        self._read += PARSING * cost(draft.work.size) / self._weight
        self._pages += draft.parsed.pages if draft.parsed else 0
        self._tell(self._read, 0, draft.work.path)

    def encoded(self, share: float, chunks: int) -> None:
        """This share of the batch's chunks is encoded."""
        check_stop()
        self._tell(PARSING + (1 - PARSING) * share, chunks, self._batch[0].path)

    def _tell(self, share: float, chunks: int, current: str) -> None:
        if time.monotonic() - self._told >= WORD_EVERY:
            self._told = time.monotonic()
            tell(Part(self._name, share, self._pages, chunks, current))


def weight(batch: Sequence[Work]) -> float:
    """What the batch weighs in the work of its run."""
    return sum(cost(work.size) for work in batch)


# ---- read ------------------------------------------------------------------------------------------------------------


def _read(batch: Sequence[Work], scratch: Path, pipeline: Pipeline) -> list[_Draft]:
    drafts = []
    for work in batch:
        draft = _Draft(work)
        try:
            _read_one(draft, scratch, pipeline.settings.limits.file_size)
        except DocumentError as error:
            draft.error = error
        drafts.append(draft)
    return drafts


def _read_one(draft: _Draft, scratch: Path, most: int) -> None:
    work = draft.work
    if work.size > most:
        raise DocumentError(
            FailureKind.TOO_LARGE,
            f"{work.size:,} bytes, and the limit FALDONE_LIMITS__FILE_SIZE is {most:,}",
            "discover",
        )
    draft.local = files.fetch(work.path, scratch, most)
    try:
        with draft.local.open("rb") as file:
            draft.content_hash = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except FileNotFoundError:
        raise DocumentError(FailureKind.NOT_FOUND, "the file went away before it was read", "discover") from None
    except OSError as error:
        raise DocumentError(FailureKind.PERMISSION, f"cannot be read: {error.strerror}", "discover") from error
    draft.same = work.action == "check" and draft.content_hash == work.known_hash


def _rechunk(drafts: Iterable[_Draft], lake: Lake, pipeline: Pipeline) -> None:
    """Take the elements from the lake where file and parser did not change; a document that is not there is parsed again."""
    wanted = [
        d for d in drafts if d.work.action == "rechunk" and d.error is None and d.content_hash == d.work.known_hash
    ]
    if not wanted or not ELEMENTS.exists(lake, pipeline.collection):
        return
    found = elements.parsed_by_id(lake, pipeline.collection, [d.work.document_id for d in wanted])
    for draft in wanted:
        draft.parsed = found.get(draft.work.document_id)


# ---- parse -----------------------------------------------------------------------------------------------------------


def _parse(drafts: Sequence[_Draft], pipeline: Pipeline, word: _Word) -> list[_Draft]:
    """Parse what is not parsed yet; the attachments found on the way are new drafts, and are returned."""
    found: list[_Draft] = []
    level = [d for d in drafts if d.parsed is None and d.error is None and not d.same]
    room: Counter[str] = Counter()  # documents within each outermost one so far
    for depth in range(DEPTH + 1):
        _parse_level(level, pipeline.settings, None if found else word)
        most = pipeline.settings.limits.members if depth < DEPTH else 0
        level = [a for d in level if d.parsed for a in _attachments(d, pipeline.collection, room, most)]
        found += level
        if not level:
            break
    return found


def _parse_level(drafts: Sequence[_Draft], settings: Settings, word: _Word | None) -> None:
    jobs = [ParseJob(_file_name(d.work.path), d.local, d.data) for d in drafts]
    by_job = {id(job): draft for job, draft in zip(jobs, drafts, strict=True)}  # equal files are documents each
    pool = parser_pool(settings, workers=1 if in_worker() else None)
    for job, outcome in pool.parse(jobs):
        check_stop()
        draft = by_job[id(job)]
        draft.data = None
        if isinstance(outcome, DocumentError):
            draft.error = outcome
        else:
            draft.parsed = replace(outcome, metadata={**draft.known, **outcome.metadata})
        if word is not None:
            word.parsed(draft)


def _file_name(path: str) -> str:
    return path.rsplit(ATTACHMENT, 1)[-1].rsplit("/", 1)[-1]


def _attachments(container: _Draft, collection: str, room: Counter[str], most: int) -> list[_Draft]:
    """Drafts of the files within a document; what is too many or too deep is left out with a warning."""
    parsed = container.parsed
    assert parsed is not None
    top = container.work.path.split(ATTACHMENT, 1)[0]
    kept = parsed.attachments[: max(0, most - room[top])]
    room[top] += len(kept)
    if cut := len(parsed.attachments) - len(kept):
        reason = f"more than {most:,} within {top} (limits.members)" if most else f"nested deeper than {DEPTH}"
        words = f"{cut:,} of {len(parsed.attachments):,} files within were left out: {reason}"
        container.parsed = replace(parsed, warnings=(*parsed.warnings, words))
    names: dict[str, int] = {}
    return [_attachment(container, item, names, collection) for item in kept]


def _attachment(container: _Draft, item: Attachment, names: dict[str, int], collection: str) -> _Draft:
    pieces = item.name.replace("\\", "/").split("/")
    name = "/".join(piece for piece in pieces if piece not in {"", ".", ".."}) or "attachment"
    names[name] = names.get(name, 0) + 1
    if names[name] > 1:  # two attachments of one name are two documents
        name = f"{names[name]}-{name}"
    path = f"{container.work.path}{ATTACHMENT}{name}"
    work = Work(document_id(collection, path), path, len(item.data), container.work.stamp, "parse")
    digest = hashlib.blake2b(item.data, digest_size=16).hexdigest()
    return _Draft(work, container.work.document_id, digest, item.data, known=item.metadata)


# ---- chunk and embed ---------------------------------------------------------------------------------------------------


def _chunk(drafts: Iterable[_Draft], encoder: Encoder) -> None:
    for draft in drafts:
        if draft.parsed is None or draft.error is not None:
            continue
        draft.chunks = chunk(
            draft.parsed,
            draft.work.path,
            encoder.count_tokens,
            min(encoder.max_tokens, CHUNK_TOKENS) - encoder.prefix_tokens,
        )
        if not draft.chunks and not draft.parsed.attachments:
            draft.error = DocumentError(FailureKind.NO_TEXT, "no text was found in it", "chunk")


def _reusable(draft: _Draft, encoder: Encoder) -> bool:
    return bool(draft.work.known_hash) and draft.work.known_encoder == encoder.fingerprint


@lru_cache(maxsize=2)
def _cache_at(url: str) -> Cache:
    return Cache(url)


def _cache() -> Cache | None:
    """The shared cache, by this process's own environment: its address is a secret that does not travel with the batch."""
    url = load().redis_url
    return _cache_at(url.get_secret_value()) if url is not None else None


# ---- rows --------------------------------------------------------------------------------------------------------------


def _parsed_row(draft: _Draft) -> dict[str, Any]:
    assert draft.parsed is not None
    return elements.parsed_row(draft.work.document_id, draft.content_hash, draft.parsed)


def _judged(draft: _Draft) -> bool:
    """Whether the ledger is to say something new: not for a known document that only cannot be reached at present."""
    if draft.same:
        return False
    passing = draft.error is not None and draft.error.kind.transient
    return not (passing and draft.work.known_hash)


def _row(draft: _Draft, pipeline: Pipeline, seconds: float) -> dict[str, Any]:
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
        "attempts": work.attempts + 1,
        "size": work.size,
        "stamp": work.stamp,
        "content_hash": draft.content_hash,
        "parser": prints.parsers.get(parsed.format if parsed else "", ""),
        "chunker": prints.chunker,
        "encoder": prints.encoder,
        "pages": parsed.pages if parsed and not error else 0,
        "chunks": 0 if error else len(draft.chunks),
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
    return datetime.fromtimestamp(int(stamp) / 1e9, UTC) if stamp.isdigit() and len(stamp) >= 16 else None


def _restamped(drafts: Iterable[_Draft], lake: Lake, pipeline: Pipeline) -> list[dict[str, Any]]:
    """The rows of documents that were touched and not changed, with their new stamp."""
    same = {d.work.document_id: d.work for d in drafts if d.same}
    if not same:
        return []
    rows = ledger.read(lake, pipeline.collection, where={"document_id": list(same)}).to_pylist()
    return [row | {"stamp": same[row["document_id"]].stamp, "size": same[row["document_id"]].size} for row in rows]


def _receipt(drafts: Sequence[_Draft], encoded: int, staged: Staged) -> Receipt:
    good = [d for d in drafts if d.error is None and not d.same]
    bad = [(d, d.error) for d in drafts if d.error is not None]
    kept = sum(not _judged(d) and not d.same for d in drafts)  # cannot be reached at present: as it was in the index
    return Receipt(
        indexed=sum(not d.work.known_hash for d in good),
        updated=sum(bool(d.work.known_hash) for d in good),
        unchanged=sum(d.same for d in drafts) + kept,
        quarantined=len(bad) - kept,
        attachments=sum(bool(d.parent) for d in drafts),
        pages=sum(d.parsed.pages for d in good if d.parsed),
        chunks=sum(len(d.chunks) for d in good),
        encoded=encoded,
        bytes=sum(d.work.size for d in drafts if not d.parent),
        failures=tuple(Failure(d.work.path, e.stage, e.kind.value, e.message) for d, e in bad),
        staged=(staged,),
    )


def lost(work: Work, error: BaseException, pipeline: Pipeline) -> Receipt:
    """The receipt of one document that no worker survived, staged like any other failure."""
    cause = error if isinstance(error, DocumentError) else DocumentError(
        FailureKind.CRASH, "every worker process that took it died: most likely it needs more memory than they have", "parse"
    )  # fmt: skip
    draft = _Draft(work, error=cause)
    rows = LEDGER.rows([_row(draft, pipeline, 0.0)] if _judged(draft) else [])
    empty = chunk_table.schema(load_encoder(pipeline.settings).dimension).empty_table()
    parts = {ELEMENTS: ELEMENTS.rows([]), CHUNKS: empty, LEDGER: rows}
    return _receipt([draft], 0, Staged(stage(pipeline.staging, name([work]), parts), rows.num_rows))
