"""The order of writing: elements and chunks first, the ledger last; and the order of taking documents out.

Everything is keyed, so doing it twice is doing it once. The caller holds the writer's lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from infra.errors import FaldoneError
from infra.lake import Lake
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS, VECTOR
from tasks.collection.elements import ELEMENTS
from tasks.collection.ledger import LEDGER
from tasks.collection.papers import commit_papers
from tasks.collection.staging import staged
from tasks.collection.tables import delete_documents


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
    """Merge staged batches into the lake and mark them in the ledger.

    Raises:
        StoreError: the lake does not hold what was written.
    """
    if not batches:
        return
    stems = [batch.stem for batch in batches]
    rows = staged(stems, LEDGER)
    kept = {document for batch in batches for document in batch.kept}
    pairs = zip(rows["document_id"].to_pylist(), rows["parent_id"].to_pylist(), strict=True)
    fresh = [(document, parent) for document, parent in pairs if document not in kept]
    documents = [document for document, _ in fresh]
    parents = [document for document, parent in fresh if not parent]
    # attachments that a container no longer has: their rows go with this commit
    family = with_attachments(lake, collection, parents) if parents else []
    affected = documents + sorted(set(family) - set(documents))
    chunks = staged(stems, CHUNKS)
    _check_dimension(lake, collection, chunks)
    ELEMENTS.ensure(lake, collection)
    ELEMENTS.replace(lake, collection, staged(stems, ELEMENTS), affected)
    commit_papers(lake, collection, _with_papers(batches), affected)
    CHUNKS.replace(lake, collection, chunks, affected)
    stored = lake.count(CHUNKS.name(collection), {"document_id": affected})
    if stored != chunks.num_rows:
        raise StoreError(f"collection {collection}: wrote {chunks.num_rows} chunks and read {stored} back")
    ledger.write(lake, collection, rows, family)


def _with_papers(batches: Sequence[Staged]) -> dict[str, list[str]]:
    """The stems of the batches that have rows, by kind of typed table."""
    found: dict[str, list[str]] = {}
    for batch in batches:
        for kind in batch.papers:
            found.setdefault(kind, []).append(batch.stem)
    return found


def _check_dimension(lake: Lake, collection: str, chunks: pa.Table) -> None:
    """Drop the chunks where vectors of another length are coming: they cannot share a table."""
    name = CHUNKS.name(collection)
    if not lake.exists(name):
        return
    if lake.schema(name).field(VECTOR).type.list_size != chunks.schema.field(VECTOR).type.list_size:
        lake.drop(name)


def remove(lake: Lake, collection: str, documents: Sequence[str]) -> int:
    """Take documents and their attachments out of every table, the ledger last. Returns their number."""
    every = with_attachments(lake, collection, documents)
    delete_documents(lake, collection, every)
    LEDGER.delete(lake, collection, every)
    return len(every)


def with_attachments(lake: Lake, collection: str, documents: Sequence[str]) -> list[str]:
    """List documents and, level by level, what is attached to them."""
    every, level = list(documents), list(documents)
    while level:
        level = ledger.read(lake, collection, ["document_id"], {"parent_id": level})["document_id"].to_pylist()
        every += level
    return every
