"""The order of writing, and of taking documents out: withdraw the claim, change the rows, claim anew.

The claim is the document's ledger row. One commit withdraws it (`state` is `writing`) for everything that is about to change, new
documents included, so that no moment of a kill leaves rows that nobody knows of or a claim that does not hold. Everything is keyed:
doing it twice is doing it once. The caller holds the writer's lane.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from infra import lake_upkeep as upkeep
from infra.errors import FaldoneError
from infra.lake import Lake
from tasks.collection import ledger
from tasks.collection.analyses import ANALYSES
from tasks.collection.chunks import ABOUT, BESIDE, CHUNKS, EncoderMark, require_encoder
from tasks.collection.elements import ELEMENTS
from tasks.collection.facts import FACTS
from tasks.collection.ledger import LEDGER
from tasks.collection.papers import commit_papers
from tasks.collection.staging import staged
from tasks.collection.tables import TABLES, delete_documents

DERIVED = (*(fact.table for fact in FACTS), ANALYSES)  # made from a document's content: gone when it changes


KEPT = ("stamp", "size", "modified_at", "kind", "message", "stage", "attempts")  # what changes of a document that stays


class StoreError(FaldoneError):
    """What was read back from the lake is not what was written; the commit is done again."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A batch that waits for its commit: the stem of its files.

    `kept` are documents whose ledger row changes and whose chunks stay (a file that was touched and not changed); `papers` are the
    kinds of typed tables that the batch has rows for.
    """

    stem: str
    documents: int
    kept: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()


def commit(lake: Lake, collection: str, batches: Sequence[Staged]) -> None:
    """Merge staged batches into the lake: withdraw the claims, write elements, papers and chunks, then claim anew.

    Raises:
        StoreError: the lake does not hold what was written.
        UsageError: the collection's vectors are from another encoder.
    """
    if not batches:
        return
    finish_drop(lake, collection)
    stems = [batch.stem for batch in batches]
    rows = staged(stems, LEDGER)
    kept = {document for batch in batches for document in batch.kept}
    touched = pc.is_in(rows["document_id"], pa.array(sorted(kept), pa.string()))
    fresh = rows.filter(pc.invert(touched))
    stamped = _stamped(lake, collection, rows.filter(touched))
    if fresh.num_rows:
        _write(lake, collection, batches, fresh, stamped)
    elif stamped.num_rows:
        ledger.write(lake, collection, stamped)


def compact(lake: Lake, collection: str) -> None:
    """Merge the fragments that commits have left in the tables of every document: each one makes every later commit slower."""
    for table in (LEDGER, ELEMENTS, CHUNKS):
        while table.exists(lake, collection) and upkeep.compact_step(lake, table.name(collection)):
            pass


def _write(lake: Lake, collection: str, batches: Sequence[Staged], rows: pa.Table, stamped: pa.Table) -> None:
    stems = [batch.stem for batch in batches]
    chunks = staged(stems, CHUNKS)
    require_encoder(lake, collection, EncoderMark(**json.loads(chunks.schema.metadata[ABOUT])))
    documents = rows["document_id"].to_pylist()
    parents = rows.filter(pc.equal(pc.fill_null(rows["parent_id"], ""), ""))["document_id"].to_pylist()
    # attachments that a container no longer has: their rows go with this commit
    family = with_attachments(lake, collection, parents)
    orphans = sorted(set(family) - set(documents) - set(stamped["document_id"].to_pylist()))
    affected = documents + orphans
    stale = orphans + _changed(lake, collection, rows)
    withdraw(lake, collection, rows, orphans)
    ELEMENTS.ensure(lake, collection)
    ELEMENTS.replace(lake, collection, staged(stems, ELEMENTS), affected)
    commit_papers(lake, collection, _with_papers(batches), affected)
    if CHUNKS.exists(lake, collection):
        CHUNKS.ensure(lake, collection)  # columns that an older release did not have
    CHUNKS.replace(lake, collection, chunks, affected)
    stored = lake.count(CHUNKS.name(collection), {"document_id": affected})
    if stored != chunks.num_rows:
        CHUNKS.delete(lake, collection, affected)  # so that doing it again begins without them; nothing claims them
        raise StoreError(f"collection {collection}: wrote {chunks.num_rows} chunks and read {stored} back")
    for table in DERIVED:
        table.delete(lake, collection, stale)
    ledger.write(lake, collection, pa.concat_tables([rows, stamped]), family if orphans else ())


def note_stamps(lake: Lake, collection: str, stamps: Iterable[tuple[str, str, str]]) -> None:
    """Write other stamps of documents that nobody wrote meanwhile: (document_id, stamp that the ledger had, stamp)."""
    asked = {document: (known, stamp) for document, known, stamp in stamps}
    now = ledger.read(lake, collection, where={"document_id": list(asked)}) if asked else ledger.rows([])
    known = pa.array([asked[document][0] for document in now["document_id"].to_pylist()], pa.string())
    rows = now.filter(pc.and_(pc.equal(now["stamp"], known), pc.not_equal(now["state"], ledger.WRITING)))
    stamped = pa.array([asked[document][1] for document in rows["document_id"].to_pylist()], pa.string())
    at = rows.schema.get_field_index("stamp")
    if rows.num_rows:
        ledger.write(lake, collection, rows.set_column(at, rows.schema.field(at), stamped))


def withdraw(
    lake: Lake, collection: str, rows: pa.Table, others: Sequence[str] = (), beside: Sequence[pa.Table] = ()
) -> None:
    """Withdraw the claims of documents in one commit: those of `rows`, known or new, and `others` that are known.

    Rows of `beside`, which belong to other documents, change with it as they are.

    From here until the claim is made again, a kill leaves documents that the next run reads again, or removes.
    """
    LEDGER.ensure(lake, collection)
    known = ledger.read(lake, collection, where={"document_id": list(others)}) if others else rows.slice(0, 0)
    every = pa.concat_tables([rows, known.select(rows.schema.names).cast(rows.schema)])
    for column, value in (("state", ledger.WRITING), ("content_hash", "")):
        constant = pa.array([value] * every.num_rows, pa.string())
        every = every.set_column(every.schema.get_field_index(column), every.schema.field(column), constant)
    ledger.write(lake, collection, pa.concat_tables([every, *beside]))


def _changed(lake: Lake, collection: str, rows: pa.Table) -> list[str]:
    """List known documents whose content is no longer what was analysed."""
    now = dict(zip(rows["document_id"].to_pylist(), _claims(rows), strict=True))
    before = ledger.read(lake, collection, ["document_id", "state", "content_hash"], {"document_id": list(now)})
    claims = zip(before["document_id"].to_pylist(), _claims(before), strict=True)
    return sorted(document for document, claim in claims if claim != now[document])


def _claims(rows: pa.Table) -> list[tuple[str, str]]:
    return list(zip(rows["state"].to_pylist(), rows["content_hash"].to_pylist(), strict=True))


def _stamped(lake: Lake, collection: str, rows: pa.Table) -> pa.Table:
    """Make the rows of documents whose content stays: as the ledger has them now, with what is new where it still claims the same.

    What a row leaves out (null) is as it was.
    """
    wanted = {row["document_id"]: row for row in rows.to_pylist()}
    now = ledger.read(lake, collection, where={"document_id": list(wanted)}).to_pylist() if wanted else []
    return ledger.rows([row | _news(row, wanted[row["document_id"]]) for row in now])


def _news(row: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    """Return what changes of a row: nothing when another run has written the document meanwhile."""
    return {name: other[name] for name in KEPT if other[name] is not None} if _same_claim(row, other) else {}


def _same_claim(row: Mapping[str, object], other: Mapping[str, object]) -> bool:
    return row["state"] == ledger.INDEXED and row["content_hash"] == other["content_hash"]


def _with_papers(batches: Sequence[Staged]) -> dict[str, list[str]]:
    """Return the stems of the batches that have rows, by kind of typed table."""
    found: dict[str, list[str]] = {}
    for batch in batches:
        for kind in batch.papers:
            found.setdefault(kind, []).append(batch.stem)
    return found


def remove(lake: Lake, collection: str, documents: Sequence[str]) -> int:
    """Take documents and their attachments out of every table: the claims first, their ledger rows last. Returns their number."""
    every = with_attachments(lake, collection, documents)
    if not every:
        return 0
    withdraw(lake, collection, ledger.rows([]), every, [_without(lake, collection, every)])
    delete_documents(lake, collection, every)
    LEDGER.delete(lake, collection, every)
    return len(every)


def _without(lake: Lake, collection: str, removed: Sequence[str]) -> pa.Table:
    """Return the rows of containers that stay, counting the attachments that are not removed: what somebody dropped, no audit misses."""
    rows = ledger.read(lake, collection, ["parent_id"], {"document_id": list(removed)})
    lost = Counter(parent for parent in rows["parent_id"].to_pylist() if parent)
    staying = sorted(set(lost) - set(removed))
    kept = ledger.read(lake, collection, where={"document_id": staying}).to_pylist() if staying else []
    for row in kept:
        if row.get("attachments") is not None:  # no such column in a ledger of an older release
            row["attachments"] = max(0, row["attachments"] - lost[row["document_id"]])
    return ledger.rows(kept)


def finish_drop(lake: Lake, collection: str) -> None:
    """Drop what an interrupted `drop_collection` left: it begins with the ledger, without which no row is anybody's."""
    if LEDGER.exists(lake, collection):
        return
    there = set(lake.folders(f"{collection}.*"))
    for table in (*TABLES, BESIDE):
        if table.name(collection) in there:
            lake.drop(table.name(collection))


def with_attachments(lake: Lake, collection: str, documents: Sequence[str]) -> list[str]:
    """List documents and, level by level, what is attached to them."""
    every, level = list(dict.fromkeys(documents)), list(documents)
    while level:
        level = ledger.read(lake, collection, ["document_id"], {"parent_id": level})["document_id"].to_pylist()
        every += level
    return every
