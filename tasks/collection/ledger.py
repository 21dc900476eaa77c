"""The ledger: one row a document, and what is claimed of it.

A claim («indexed, with this content hash») is withdrawn before any row of the document changes and made again after all of them were
read back. So whatever happens in between, a document is as the ledger says, or the next run does it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from infra.errors import UsageError
from infra.lake import Lake
from tasks.collection.table import Table

SCHEMA = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        ("path", pa.string()),
        ("parent_id", pa.string()),  # of an attachment: the document that contains it; else ""
        ("state", pa.string()),  # indexed | quarantined | writing
        ("stage", pa.string()),  # where a quarantined document failed
        ("kind", pa.string()),  # infra.errors.FailureKind
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("format", pa.string()),
        ("language", pa.string()),
        ("title", pa.string()),
        ("size", pa.int64()),  # bytes of the file
        ("stamp", pa.string()),  # infra.roots.file_stamp or etag when it was read
        ("content_hash", pa.string()),  # BLAKE2b of the bytes
        ("parser", pa.string()),  # fingerprint of what read it
        ("chunker", pa.string()),
        ("encoder", pa.string()),
        ("pages", pa.int32()),
        ("chunks", pa.int32()),
        (
            "attachments",
            pa.int32(),
        ),  # directly within it, a row each; null in rows of a release that did not count them
        ("bytes", pa.int64()),  # of the text
        ("seconds", pa.float64()),
        ("warnings", pa.list_(pa.string())),
        ("modified_at", pa.timestamp("us", "UTC")),
        ("indexed_at", pa.timestamp("us", "UTC")),
    ]
)

INDEXED = "indexed"
QUARANTINED = "quarantined"
WRITING = "writing"  # its rows in other tables are about to change: nothing is claimed, and the next run reads it again


LEDGER = Table("documents", SCHEMA, "document_id")
read = LEDGER.read


def rows(values: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Turn ledger rows into Arrow; a column that a row leaves out is null."""
    return LEDGER.rows([dict(value) for value in values])


def write(lake: Lake, collection: str, table: pa.Table, parents: Sequence[str] = ()) -> None:
    """Write rows; attachments of `parents` that are not among the rows leave the ledger in the same commit."""
    lake.upsert(LEDGER.name(collection), table, LEDGER.key, ("parent_id", parents) if parents else None)


def with_content(lake: Lake, collection: str, hashes: Sequence[str]) -> list[str]:
    """Ids of indexed documents that have one of these content hashes."""
    if not hashes:
        return []
    found: list[str] = read(lake, collection, ["document_id"], {"state": INDEXED, "content_hash": hashes})[
        "document_id"
    ].to_pylist()
    return found


def require(lake: Lake, collection: str) -> None:
    """Raise UsageError unless the collection exists; the message names those that do.

    Raises:
        UsageError: there is no such collection.
    """
    if not LEDGER.exists(lake, collection):
        known = ", ".join(collections(lake)) or "none yet"
        raise UsageError(f"there is no collection {collection} (there are: {known}): index something into it first")


def collections(lake: Lake) -> list[str]:
    """Name every collection that has a ledger, sorted."""
    ending = f".{LEDGER.kind}"
    return [table.removesuffix(ending) for table in lake.names(f"*{ending}")]


def now() -> datetime:
    """Give the time that rows carry."""
    return datetime.now(UTC)
