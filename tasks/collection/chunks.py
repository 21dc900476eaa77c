"""Passages as the lake keeps them: one row a chunk, with the text, its terms for full-text search and its vector."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from infra.lake import Lake
from tasks.collection import terms
from tasks.collection.table import Table
from tasks.records import ATTACHMENT, Chunk, Parsed

Half = npt.NDArray[np.float16]

SCHEMA = pa.schema(
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
        ("terms", pa.string()),  # what full-text search indexes: see terms.py
        ("hash", pa.string()),
    ]
)

CHUNKS = Table("chunks", SCHEMA, "chunk_id")
VECTOR = "vector"


def schema(dimension: int) -> pa.Schema:
    """Give the columns with `vector`: unit vectors in float16 [dimension]."""
    return SCHEMA.append(pa.field(VECTOR, pa.list_(pa.float16(), dimension)))


def chunk_rows(document_id: str, path: str, parsed: Parsed, chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    """Make rows of CHUNKS without their vectors."""
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
    """Join rows and their vectors, float16 [rows, dimension], into Arrow."""
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1), pa.float16())
    return table.append_column(
        schema(vectors.shape[1]).field(VECTOR), pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    )


def vectors_of(lake: Lake, collection: str, documents: Sequence[str]) -> dict[str, Half]:
    """Read the vectors of documents by the hash of the chunk's text."""
    name = CHUNKS.name(collection)
    if not documents or not lake.exists(name):
        return {}
    rows = lake.read(name, ["hash", VECTOR], {"document_id": list(documents)}).combine_chunks()
    if not rows.num_rows:
        return {}
    flat = np.asarray(rows[VECTOR].combine_chunks().flatten()).reshape(rows.num_rows, -1)
    return dict(zip(rows["hash"].to_pylist(), flat, strict=True))


def heading_of(title: str, path: str) -> str:
    """Name a document for the context line: its title, and the words of its file name that the title lacks."""
    name = path.rsplit(ATTACHMENT, 1)[-1]
    stem = re.sub(r"[_\W]+", " ", PurePosixPath(name.replace("\\", "/")).stem).strip()
    known = set(re.split(r"[_\W]+", title.casefold()))
    if not title or all(word.casefold() in known for word in stem.split()):
        return title or stem
    return f"{stem} · {title}"
