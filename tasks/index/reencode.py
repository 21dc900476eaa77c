"""Encode a collection anew with another encoder: new chunks beside the old from the kept elements, and one swap when all are there.

Searches and index runs with the former encoder go on meanwhile; what such a run changes is encoded last, under the writer's lane. The swap
is one commit: whoever reads has all of the old vectors or all of the new. A run that was killed goes on from what is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import polars as pl

from infra.cluster import workers
from infra.encoder import Encoder
from infra.encoders import load_encoders
from infra.errors import DocumentError
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.locks import one_at_a_time
from infra.settings import Settings
from tasks import shards
from tasks.collection import ledger
from tasks.collection.chunks import (
    BESIDE,
    CHUNKS,
    EncoderMark,
    beside_mark,
    chunk_rows,
    chunk_table,
    encoder_of,
    schema,
    vectors_of,
)
from tasks.collection.commit import withdraw
from tasks.collection.elements import contents
from tasks.collection.staging import Staging, stage, staged
from tasks.index.batch import shared_cache
from tasks.index.drafts import cut
from tasks.index.embed import embed
from tasks.index.plan import Fingerprints
from tasks.progress import Progress
from tasks.records import Chunk

BATCH_DOCUMENTS = 32
COMMIT_DOCUMENTS = 500
FEW = 64  # documents that are encoded under the lane: some seconds


@dataclass(frozen=True, slots=True)
class Work:
    """A document to be encoded anew, as the ledger claims it."""

    document_id: str
    path: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of some documents; receipts add up."""

    documents: int = 0
    chunks: int = 0
    failed: int = 0
    pages: int = 0
    staged: tuple[tuple[str, tuple[str, ...]], ...] = ()  # stem, and the documents in it

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def committed(self) -> Receipt:
        """Give the counts without the names of staged files."""
        return replace(self, staged=())


def reencode(settings: Settings, collection: str, prints: Fingerprints, progress: Progress) -> Receipt:
    """Encode every indexed document of a collection with the encoder of the settings, unless its vectors are from it already.

    Args:
        prints: what the pipeline is now: the ledger says it of each document afterwards.

    Raises:
        UsageError: there is no such collection.
        TransientError: another one is at work on it, or the lake was away; what is done is kept.
        StopRequested: the job was asked to stop; what is done is kept.
    """
    lake, mark = Lake(settings.root), EncoderMark.of(load_encoders(settings))
    ledger.require(lake, collection)
    with one_at_a_time(settings, f"reencode-{collection}"):
        done = Receipt()
        there = encoder_of(lake, collection)
        if CHUNKS.exists(lake, collection) and (there is None or there.fingerprint != mark.fingerprint):
            done = _encode(settings, lake, collection, mark, progress)
            with shards.reaching(settings), writer_lane(settings, collection):
                done += _rest(settings, lake, collection, mark)
                _swap(lake, collection, mark)
        with shards.reaching(settings), writer_lane(settings, collection):
            _claim(lake, collection, prints)
            lake.drop(BESIDE.name(collection))
    return done


def _encode(settings: Settings, lake: Lake, collection: str, mark: EncoderMark, progress: Progress) -> Receipt:
    """Encode what is not beside yet, round after round, until only a few documents are left."""

    def left() -> list[Work]:
        with shards.reaching(settings), writer_lane(settings, collection):
            return _due(lake, collection)

    with shards.reaching(settings), writer_lane(settings, collection):
        _begin(lake, collection, mark)
    total, staging = Receipt(), Staging(settings)
    try:
        due, before = left(), 0
        while (
            len(due) > FEW and len(due) != before
        ):  # what stays due has other elements than the ledger says: see `_rest`
            progress.stage("reencode", len(due))
            job = _Workload(settings, lake, collection, staging.location)
            engine = shards.Engine(job, _batches(due), progress, Receipt())
            with shards.reaching(settings), workers(settings, 0, len(due) // BATCH_DOCUMENTS) as pool:
                total += engine.run(pool)
            due, before = left(), len(due)
        return total
    finally:
        staging.close()


def _begin(lake: Lake, collection: str, mark: EncoderMark) -> None:
    """Make the table beside, unless one of this encoder is there."""
    there = beside_mark(lake, collection)
    if there is not None and there.fingerprint != mark.fingerprint:
        lake.drop(BESIDE.name(collection))
    lake.ensure(BESIDE.name(collection), schema(mark), BESIDE.key)


def _due(lake: Lake, collection: str) -> list[Work]:
    """Return the indexed documents whose present content is not beside; what is beside of others leaves."""
    columns = ["document_id", "path", "content_hash", "chunks"]
    rows = ledger.read(lake, collection, columns, {"state": ledger.INDEXED}).to_pylist()
    claimed = {row["document_id"]: row["content_hash"] for row in rows if row["chunks"]}
    beside = BESIDE.read(lake, collection, ["document_id", "content_hash"])
    held = dict(zip(beside["document_id"].to_pylist(), beside["content_hash"].to_pylist(), strict=True))
    BESIDE.delete(
        lake, collection, [document for document, content in held.items() if claimed.get(document) != content]
    )
    paths = {row["document_id"]: row["path"] for row in rows}
    return [
        Work(document, paths[document], content)
        for document, content in claimed.items()
        if held.get(document) != content
    ]


def _batches(works: Sequence[Work]) -> Iterator[tuple[Work, ...]]:
    for start in range(0, len(works), BATCH_DOCUMENTS):
        yield tuple(works[start : start + BATCH_DOCUMENTS])


def _rest(settings: Settings, lake: Lake, collection: str, mark: EncoderMark) -> Receipt:
    """Encode the last few documents; the caller holds the lane, so that nothing changes any more."""
    _begin(lake, collection, mark)
    staging, total = Staging(settings), Receipt()
    try:
        for batch in _batches(_due(lake, collection)):
            receipt = process(batch, settings, collection, staging.location)
            _commit(lake, collection, [receipt])
            total += receipt.committed()
        lost = [work.document_id for work in _due(lake, collection)]
        if lost:  # without elements of what the ledger claims: the next run reads them again
            withdraw(lake, collection, ledger.rows([]), lost)
        return total
    finally:
        staging.close()


# ---- a batch ---------------------------------------------------------------------------------------------------------


def process(batch: Sequence[Work], settings: Settings, collection: str, staging: str) -> Receipt:
    """Chunk and encode documents from their kept elements, and stage the rows.

    A document whose elements are not those of the ledger's content is left out: a run is just writing it, or audit will say so.
    """
    encoders, lake = load_encoders(settings), Lake(settings.root)
    found = contents(lake, collection, [work.document_id for work in batch])
    rows: list[dict[str, Any]] = []
    pieces: list[Chunk] = []
    readers: list[Encoder] = []
    for work in batch:
        content, parsed = found.get(work.document_id, ("", None))
        if parsed is None or content != work.content_hash:
            continue
        encoder = encoders.of(parsed.language)
        parts = cut(parsed, work.path, encoder)
        rows += chunk_rows(work.document_id, work.path, work.content_hash, parsed, parts, encoder.fingerprint)
        pieces += parts
        readers += [encoder] * len(parts)
    # one of two encoders may be the former: what it reads need not be encoded anew
    known = vectors_of(lake, collection, [work.document_id for work in batch])
    embedded = embed(pieces, readers, known, shared_cache())
    table = chunk_table(rows, embedded.vectors, EncoderMark.of(encoders))
    ids = tuple(work.document_id for work in batch)
    return Receipt(len(batch), len(rows), staged=((stage(staging, _name(batch), {BESIDE: table}), ids),))


def _name(batch: Sequence[Work]) -> str:
    return hashlib.blake2b("".join(work.document_id for work in batch).encode(), digest_size=8).hexdigest()


def _commit(lake: Lake, collection: str, receipts: Sequence[Receipt]) -> None:
    parts = [part for receipt in receipts for part in receipt.staged]
    documents = [document for _, ids in parts for document in ids]
    BESIDE.replace(lake, collection, staged([stem for stem, _ in parts], BESIDE), documents)


class _Workload(shards.ByDocument):
    """A re-encoding as the engine of tasks/shards.py sees it."""

    name = staticmethod(_name)
    commit_documents = COMMIT_DOCUMENTS

    def __init__(self, settings: Settings, lake: Lake, collection: str, staging: str) -> None:
        self._settings, self._lake = settings, lake
        self._collection, self._staging = collection, staging

    def process(self) -> Callable[[tuple[Work, ...]], Receipt]:
        """Give the function that a worker calls."""
        settings = self._settings.without_secrets()
        return partial(process, settings=settings, collection=self._collection, staging=self._staging)

    def lost(self, work: Work, error: DocumentError) -> Receipt:
        """Stop at a document that cannot be encoded: an incomplete collection is never swapped in.

        Raises:
            DocumentError: always.
        """
        raise error

    def commit(self, receipts: Sequence[Receipt]) -> None:
        """Write staged batches beside, under the writer's lane: the thread that commits is in no other."""
        with shards.reaching(self._settings), writer_lane(self._settings, self._collection):
            _commit(self._lake, self._collection, receipts)


# ---- the swap --------------------------------------------------------------------------------------------------------


def _swap(lake: Lake, collection: str, mark: EncoderMark) -> None:
    """Put the chunks beside in the place of the old ones, in one commit."""
    whole = schema(mark)
    rows = (batch.select(whole.names) for batch in lake.batches(BESIDE.name(collection), whole.names))
    lake.overwrite(CHUNKS.name(collection), whole, rows, CHUNKS.key)


def _claim(lake: Lake, collection: str, prints: Fingerprints) -> None:
    """Have the ledger say of each document what it was encoded with, and its number of chunks."""
    rows = ledger.read(lake, collection, where={"state": [ledger.INDEXED, ledger.QUARANTINED]})
    old = pl.DataFrame(rows)
    stale = old.filter((pl.col("encoder") != prints.encoder) | (pl.col("chunker") != prints.chunker))
    if stale.is_empty():
        return
    seen = pl.DataFrame(CHUNKS.read(lake, collection, ["document_id"])).group_by("document_id").len("now")
    made = stale.join(seen, on="document_id", how="left", maintain_order="left").with_columns(
        encoder=pl.lit(prints.encoder), chunker=pl.lit(prints.chunker), chunks=pl.col("now").fill_null(0).cast(pl.Int32)
    )
    ledger.write(lake, collection, made.select(old.columns).to_arrow())
