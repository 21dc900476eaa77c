"""Passages as the lake keeps them: one row a chunk, with the text, its terms for full-text search and its vector."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from infra.encoders import Encoders
from infra.errors import UsageError
from infra.lake import Lake
from tasks.collection import ledger, terms
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
        ("content_hash", pa.string()),  # of the document that it was cut from
        ("encoder", pa.string()),  # fingerprint of the one that made the vector; null: the collection's only one
    ]
)

CHUNKS = Table("chunks", SCHEMA, "chunk_id")
BESIDE = Table("rechunks", SCHEMA, "chunk_id")
"""The chunks of another encoder while they are made: see tasks/index/reencode.py."""
VECTOR = "vector"


ABOUT = b"faldone.encoder"  # of the table's metadata


@dataclass(frozen=True, slots=True)
class EncoderMark:
    """The encoders of a collection's vectors: written once, when the table of chunks is made, and changed only as a whole."""

    fingerprint: str
    name: str
    dimension: int

    @classmethod
    def of(cls, encoders: Encoders) -> EncoderMark:
        """Describe encoders."""
        return cls(encoders.fingerprint, encoders.name, encoders.dimension)


def schema(mark: EncoderMark) -> pa.Schema:
    """Give the columns with `vector`, unit vectors in float16 [dimension], and the encoder that they are from."""
    whole = SCHEMA.append(pa.field(VECTOR, pa.list_(pa.float16(), mark.dimension)))
    return whole.with_metadata({ABOUT: json.dumps(asdict(mark)).encode()})


def encoder_of(lake: Lake, collection: str) -> EncoderMark | None:
    """Read the encoder of a collection; None when it has no vectors yet, or was made before this was kept."""
    return _mark(lake, CHUNKS.name(collection))


def beside_mark(lake: Lake, collection: str) -> EncoderMark | None:
    """Read the encoder with which a collection is being encoded anew; None when it is not."""
    return _mark(lake, BESIDE.name(collection))


def _mark(lake: Lake, name: str) -> EncoderMark | None:
    if not lake.exists(name):
        return None
    about = (lake.schema(name).metadata or {}).get(ABOUT)
    return EncoderMark(**json.loads(about)) if about else None


def require_encoder(lake: Lake, collection: str, wanted: EncoderMark) -> None:
    """Raise UsageError unless a collection's vectors, if it has any, are from this encoder.

    Raises:
        UsageError: they are from another one; the message names both and says what to do.
    """
    there = encoder_of(lake, collection)
    if there is None and lake.count(CHUNKS.name(collection)):
        there = _from_ledger(lake, collection, wanted)
    if there is not None and there.fingerprint != wanted.fingerprint:
        raise UsageError(
            f"collection {collection} was encoded by another encoder, {there.name} ({there.fingerprint}), than "
            f"FALDONE_EMBEDDING_MODEL={wanted.name} ({wanted.fingerprint}): set the former again, or encode the collection "
            f"anew with faldone index SOURCE… --reencode --collection {collection}"
        )


def _from_ledger(lake: Lake, collection: str, wanted: EncoderMark) -> EncoderMark:
    """Find the encoder of a collection of an older release, which its ledger has in each row."""
    rows = ledger.read(lake, collection, ["encoder", "chunks"], {"state": ledger.INDEXED}).to_pylist()
    others = {row["encoder"] or "" for row in rows if row["chunks"]} - {wanted.fingerprint}
    return EncoderMark(others.pop(), "another encoder", 0) if others else wanted


def chunk_rows(
    document_id: str, path: str, content_hash: str, parsed: Parsed, chunks: Sequence[Chunk], encoder: str = ""
) -> list[dict[str, Any]]:
    """Make rows of CHUNKS without their vectors; `encoder` is the fingerprint of the one that makes these."""
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
            "content_hash": content_hash,
            "encoder": encoder or None,
        }
        for chunk in chunks
    ]


def chunk_table(rows: Sequence[dict[str, Any]], vectors: Half, mark: EncoderMark) -> pa.Table:
    """Join rows and their vectors, float16 [rows, dimension], into Arrow."""
    whole = schema(mark)
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1), pa.float16())
    column = pa.FixedSizeListArray.from_arrays(flat, mark.dimension)
    return pa.Table.from_arrays([*table.columns, column], schema=whole)


def vectors_of(lake: Lake, collection: str, documents: Sequence[str]) -> dict[tuple[str, str], Half]:
    """Read the vectors of documents by the fingerprint of their encoder and the hash of the chunk's text."""
    name = CHUNKS.name(collection)
    if not documents or not lake.exists(name):
        return {}
    there = lake.schema(name).names
    columns = [column for column in ("encoder", "hash", VECTOR) if column in there]
    rows = lake.read(name, columns, {"document_id": list(documents)}).combine_chunks()
    if not rows.num_rows:
        return {}
    mark = encoder_of(lake, collection)
    only = mark.fingerprint if mark else ""  # of rows that an older release wrote
    made_by = rows["encoder"].to_pylist() if "encoder" in there else [None] * rows.num_rows
    keys = [(encoder or only, text) for encoder, text in zip(made_by, rows["hash"].to_pylist(), strict=True)]
    flat = np.asarray(rows[VECTOR].combine_chunks().flatten()).reshape(rows.num_rows, -1)
    return dict(zip(keys, flat, strict=True))


def heading_of(title: str, path: str) -> str:
    """Name a document for the context line: its title, and the words of its file name that the title lacks."""
    name = path.rsplit(ATTACHMENT, 1)[-1]
    stem = re.sub(r"[_\W]+", " ", PurePosixPath(name.replace("\\", "/")).stem).strip()
    known = set(re.split(r"[_\W]+", title.casefold()))
    if not title or all(word.casefold() in known for word in stem.split()):
        return title or stem
    return f"{stem} · {title}"
