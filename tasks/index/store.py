"""Step 6: the rows of documents, staged by workers and committed by the one writer.

A worker turns its documents into three Arrow tables (elements, chunks, ledger rows) and stages them as files. The writer merges a
shard's files into the lake, reads the counts back, and only then writes the ledger. Everything is keyed: doing it
twice is doing it once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from infra.errors import FaldoneError, UsageError
from infra.files import read_bytes, write_bytes
from infra.lake import Lake, check_collection
from tasks.index import ledger, terms
from tasks.index.embed import Half
from tasks.records import Chunk, Document, Element, Parsed

ELEMENT = pa.struct(
    [
        ("kind", pa.string()),
        ("text", pa.string()),
        ("page", pa.int32()),
        ("level", pa.int32()),
        ("rows", pa.list_(pa.list_(pa.string()))),
        ("section", pa.string()),
    ]
)

PARSED = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        ("content_hash", pa.string()),
        ("format", pa.string()),
        ("title", pa.string()),
        ("language", pa.string()),
        ("pages", pa.int32()),
        ("metadata", pa.string()),  # JSON object of strings
        ("warnings", pa.list_(pa.string())),
        ("elements", pa.list_(ELEMENT)),
    ]
)


def chunks_schema(dimension: int) -> pa.Schema:
    """Rows of `COLLECTION.chunks`; vectors are unit vectors in float16."""
    return pa.schema(
        [
            pa.field("chunk_id", pa.string(), nullable=False),  # document_id-ordinal
            ("document_id", pa.string()),
            ("path", pa.string()),
            ("ordinal", pa.int32()),
            ("title", pa.string()),
            ("section", pa.string()),
            ("kind", pa.string()),  # text | table
            ("page_first", pa.int32()),
            ("page_last", pa.int32()),
            ("language", pa.string()),
            ("format", pa.string()),
            ("tokens", pa.int32()),
            ("context", pa.string()),
            ("text", pa.string()),
            ("terms", pa.string()),  # what full-text search indexes: see tasks/index/terms.py
            ("hash", pa.string()),
            ("vector", pa.list_(pa.float16(), dimension)),
        ]
    )


def chunks_name(collection: str) -> str:
    return f"{check_collection(collection)}.chunks"


def parsed_name(collection: str) -> str:
    return f"{check_collection(collection)}.parsed"


def parsed_row(document_id: str, content_hash: str, parsed: Parsed) -> dict[str, Any]:
    """A row of PARSED."""
    return {
        "document_id": document_id,
        "content_hash": content_hash,
        "format": parsed.format,
        "title": parsed.title,
        "language": parsed.language,
        "pages": parsed.pages,
        "metadata": json.dumps(dict(parsed.metadata), ensure_ascii=False),
        "warnings": list(parsed.warnings),
        "elements": [asdict(element) for element in parsed.elements],
    }


def chunk_rows(document_id: str, path: str, parsed: Parsed, chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    """Rows of the chunks table, without their vectors."""
    return [
        {
            "chunk_id": f"{document_id}-{chunk.ordinal:06d}",
            "document_id": document_id,
            "path": path,
            "ordinal": chunk.ordinal,
            "title": parsed.title,
            "section": chunk.section,
            "kind": chunk.kind,
            "page_first": chunk.page_first,
            "page_last": chunk.page_last,
            "language": parsed.language,
            "format": parsed.format,
            "tokens": chunk.tokens,
            "context": chunk.context,
            "text": chunk.text,
            "terms": terms.analyse(chunk.indexed, parsed.language),
            "hash": chunk.hash,
        }
        for chunk in chunks
    ]


def chunk_table(rows: Sequence[dict[str, Any]], vectors: Half) -> pa.Table:
    """Rows and their vectors, float16 [rows, dimension], as Arrow."""
    schema = chunks_schema(vectors.shape[1])
    table = pa.Table.from_pylist(list(rows), schema=schema.remove(schema.get_field_index("vector")))
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1), pa.float16())
    return table.append_column(schema.field("vector"), pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]))


@dataclass(frozen=True, slots=True)
class Staged:
    """Where a batch lies: an Arrow file each for elements, chunks and ledger rows.

    `kept` are documents whose ledger row changes and whose chunks stay (a file that was touched and not changed).
    """

    parsed: str
    chunks: str
    ledger: str
    documents: int
    kept: tuple[str, ...] = ()


def stage(
    folder: str, name: str, parsed: pa.Table, chunks: pa.Table, rows: pa.Table, kept: Sequence[str] = ()
) -> Staged:
    """Write a batch under `folder` (a path or a URL that the writer reads too)."""
    paths = []
    for kind, table in (("parsed", parsed), ("chunks", chunks), ("ledger", rows)):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        paths.append(f"{folder}/{name}.{kind}.arrow")
        # no folder is made here: a run that was stopped has removed it, and nothing may be left behind
        write_bytes(paths[-1], memoryview(sink.getvalue()), parents=False)
    return Staged(paths[0], paths[1], paths[2], rows.num_rows, tuple(kept))


class StoreError(FaldoneError):
    """What was read back from the lake is not what was written; the shard is done again."""


def commit(lake: Lake, collection: str, batches: Sequence[Staged]) -> None:
    """Merge staged batches into the lake and mark them in the ledger. The caller holds the writer's lane.

    Raises:
        StoreError: the lake does not hold what was written.
    """
    if not batches:
        return
    rows = _staged(batch.ledger for batch in batches)
    kept = {document for batch in batches for document in batch.kept}
    pairs = zip(rows["document_id"].to_pylist(), rows["parent_id"].to_pylist(), strict=True)
    fresh = [(document, parent) for document, parent in pairs if document not in kept]
    documents = [document for document, _ in fresh]
    parents = [document for document, parent in fresh if not parent]
    # attachments that a container no longer has: their rows go with this commit
    family = _with_attachments(lake, collection, parents) if parents else []
    orphans = sorted(set(family) - set(documents))
    chunks = _staged(batch.chunks for batch in batches)
    _check_dimension(lake, collection, chunks)
    lake.upsert(
        parsed_name(collection), _staged(b.parsed for b in batches), "document_id", ("document_id", documents + orphans)
    )
    lake.upsert(chunks_name(collection), chunks, "chunk_id", ("document_id", documents + orphans))
    stored = lake.count(chunks_name(collection), {"document_id": documents + orphans})
    if stored != chunks.num_rows:
        raise StoreError(f"collection {collection}: wrote {chunks.num_rows} chunks and read {stored} back")
    ledger.write(lake, collection, rows, family)


def _staged(paths: Iterator[str] | Any) -> pa.Table:
    return pa.concat_tables([pa.ipc.open_file(pa.BufferReader(read_bytes(path))).read_all() for path in paths])


def _check_dimension(lake: Lake, collection: str, chunks: pa.Table) -> None:
    """Another encoder with vectors of another length cannot share a table: the old table leaves, every document is redone anyway."""
    name = chunks_name(collection)
    if not lake.exists(name):
        return
    if lake.schema(name).field("vector").type.list_size != chunks.schema.field("vector").type.list_size:
        lake.drop(name)


def remove(lake: Lake, collection: str, documents: Sequence[str]) -> int:
    """Take documents and their attachments out of the lake; the ledger last. The caller holds the writer's lane."""
    every = _with_attachments(lake, collection, documents)
    for name in (chunks_name(collection), parsed_name(collection), f"{collection}.analyses", f"{collection}.figures",
                 f"{collection}.metrics"):  # fmt: skip
        lake.delete(name, {"document_id": every})
    lake.delete(ledger.name(collection), {"document_id": every})
    return len(every)


def _with_attachments(lake: Lake, collection: str, documents: Sequence[str]) -> list[str]:
    every, level = list(documents), list(documents)
    while level:
        level = ledger.read(lake, collection, ["document_id"], {"parent_id": level})["document_id"].to_pylist()
        every += level
    return every


def documents_where(lake: Lake, collection: str, wanted: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Ledger rows (document_id, path, content_hash) of indexed documents, all or those named by id, absolute path or file name.

    Raises:
        UsageError: there is no such collection, or a name fits no document.
    """
    ledger.require(lake, collection)
    rows: list[dict[str, Any]] = ledger.read(
        lake, collection, ["document_id", "path", "content_hash"], {"state": ledger.INDEXED}
    ).to_pylist()
    rows.sort(key=lambda row: str(row["path"]))
    if not wanted:
        return rows
    return [row for name in wanted for row in named(rows, name, collection)]


def named(rows: Sequence[dict[str, Any]], name: str, collection: str) -> list[dict[str, Any]]:
    ending = "/" + name.lstrip("./")
    found = [row for row in rows if name in (row["document_id"], row["path"]) or str(row["path"]).endswith(ending)]
    if not found:
        raise UsageError(f"collection {collection} has no document {name}")
    return found


def read_documents(
    lake: Lake, collection: str, wanted: Sequence[str] | None = None, batch: int = 16
) -> Iterator[Document]:
    """Indexed documents with their elements, in order of path, `batch` of them in memory at a time.

    Raises:
        UsageError: as `documents_where`.
    """
    rows = documents_where(lake, collection, wanted)
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        parsed = parsed_by_id(lake, collection, [row["document_id"] for row in part])
        for row in part:
            if row["document_id"] in parsed:
                yield Document(
                    row["document_id"], collection, row["path"], row["content_hash"], parsed[row["document_id"]]
                )


def parsed_by_id(lake: Lake, collection: str, documents: Sequence[str]) -> dict[str, Parsed]:
    """What the lake holds of documents, by id; an id that it does not hold is left out."""
    found = lake.read(parsed_name(collection), where={"document_id": list(documents)})
    return {row["document_id"]: _parsed(row) for row in found.to_pylist()}


def _parsed(row: dict[str, Any]) -> Parsed:
    return Parsed(
        row["format"],
        row["title"],
        row["language"],
        row["pages"],
        tuple(_element(element) for element in row["elements"]),
        json.loads(row["metadata"]),
        warnings=tuple(row["warnings"]),
    )


def _element(row: dict[str, Any]) -> Element:
    cells = row["rows"]
    return Element(
        row["kind"],
        row["text"],
        row["page"],
        row["level"],
        tuple(map(tuple, cells)) if cells is not None else None,
        row["section"],
    )
