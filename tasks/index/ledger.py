"""The ledger: one row a document, and the truth about what is indexed.

A document's content hash is written here last, after its chunks were read back from the lake. So whatever happens in between, a document
is either as the ledger says, or the next run does it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from infra.errors import UsageError
from infra.lake import Filter, Lake, check_collection

SCHEMA = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        ("path", pa.string()),
        ("parent_id", pa.string()),  # of an attachment: the document that contains it; else ""
        ("state", pa.string()),  # indexed | quarantined
        ("stage", pa.string()),  # where a quarantined document failed
        ("kind", pa.string()),  # infra.errors.FailureKind
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("format", pa.string()),
        ("language", pa.string()),
        ("title", pa.string()),
        ("size", pa.int64()),  # bytes of the file
        ("stamp", pa.string()),  # mtime in ns or etag when it was read
        ("content_hash", pa.string()),  # BLAKE2b of the bytes
        ("parser", pa.string()),  # fingerprint of what read it
        ("chunker", pa.string()),
        ("encoder", pa.string()),
        ("pages", pa.int32()),
        ("chunks", pa.int32()),
        ("bytes", pa.int64()),  # of the text
        ("seconds", pa.float64()),
        ("warnings", pa.list_(pa.string())),
        ("modified_at", pa.timestamp("us", "UTC")),
        ("indexed_at", pa.timestamp("us", "UTC")),
    ]
)

INDEXED = "indexed"
QUARANTINED = "quarantined"


def name(collection: str) -> str:
    """The ledger's table."""
    return f"{check_collection(collection)}.documents"


def rows(values: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Ledger rows as Arrow; a column that a row leaves out is null."""
    return pa.Table.from_pylist([dict(value) for value in values], schema=SCHEMA)


def read(
    lake: Lake,
    collection: str,
    columns: Sequence[str] | None = None,
    where: Filter | None = None,
    limit: int | None = None,
) -> pa.Table:
    """Rows of the ledger; none for a collection that is not there."""
    if not lake.exists(name(collection)):
        table = SCHEMA.empty_table()
        return table.select(list(columns)) if columns else table
    return lake.read(name(collection), columns, where, limit)


def write(lake: Lake, collection: str, table: pa.Table, parents: Sequence[str] = ()) -> None:
    """Put rows into the ledger; attachments of `parents` that are not among the rows leave it in the same commit."""
    lake.upsert(name(collection), table, "document_id", ("parent_id", parents) if parents else None)


def exists(lake: Lake, collection: str) -> bool:
    """Whether the collection is there."""
    return lake.exists(name(collection))


def require(lake: Lake, collection: str) -> None:
    """Nothing, when the collection is there.

    Raises:
        UsageError: it is not; the message names those that are.
    """
    if not exists(lake, collection):
        known = ", ".join(collections(lake)) or "none yet"
        raise UsageError(f"there is no collection {collection} (there are: {known}): index something into it first")


def collections(lake: Lake) -> list[str]:
    """Every collection, sorted."""
    return [table.removesuffix(".documents") for table in lake.names() if table.endswith(".documents")]


def now() -> datetime:
    """The time that rows carry."""
    return datetime.now(UTC)
