"""What the ledger says about documents and collections, and taking them out: the work behind `documents` and `collections`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from infra.errors import UsageError
from infra.lake import Filter, Lake
from infra.locks import writer_lane
from infra.settings import Settings
from tasks.index import ledger, store
from tasks.records import ATTACHMENT

LISTED = (
    "document_id", "path", "state", "stage", "kind", "message", "attempts", "format", "language", "title", "pages", "chunks", "indexed_at",
)  # fmt: skip


def documents(lake: Lake, collection: str, state: str | None = None) -> list[dict[str, Any]]:
    """Ledger rows in the contract's shape, by path.

    Raises:
        UsageError: there is no such collection.
    """
    ledger.require(lake, collection)
    where: Filter | None = {"state": state} if state else None
    rows = ledger.read(lake, collection, LISTED, where).to_pylist()
    return [_shown(row, collection) for row in sorted(rows, key=lambda row: str(row["path"]))]


def _shown(row: dict[str, Any], collection: str) -> dict[str, Any]:
    stamp = row.pop("indexed_at")
    return row | {"collection": collection, "indexed_at": stamp.isoformat() if stamp else None}


def one_document(lake: Lake, collection: str, name: str) -> dict[str, Any]:
    """The whole ledger row of one document.

    Raises:
        UsageError: no document, or several, have this id, path or file name.
    """
    rows = _named(lake, collection, [name])
    if len(rows) > 1:
        raise UsageError(f"{name} fits {len(rows)} documents: give the whole path, e.g. {rows[0]['path']}")
    whole = ledger.read(lake, collection, where={"document_id": rows[0]["document_id"]}).to_pylist()[0]
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in whole.items()}


def _named(lake: Lake, collection: str, names: Sequence[str]) -> list[dict[str, Any]]:
    ledger.require(lake, collection)
    rows = ledger.read(lake, collection, ["document_id", "path", "parent_id", "state"]).to_pylist()
    return [row for name in names for row in store.named(rows, name, collection)]


def quarantined_sources(lake: Lake, collection: str, names: Sequence[str] | None) -> list[str]:
    """Paths to index again: of the named documents, or of all in quarantine; for an attachment its container's.

    Raises:
        UsageError: there is no such collection or document.
    """
    ledger.require(lake, collection)
    if names:
        rows = _named(lake, collection, names)
    else:
        rows = ledger.read(lake, collection, ["path", "parent_id"], {"state": ledger.QUARANTINED}).to_pylist()
    return sorted({row["path"].split(ATTACHMENT)[0] for row in rows})


def drop_documents(
    settings: Settings, lake: Lake, collection: str, names: Sequence[str], dry_run: bool = False
) -> list[str]:
    """Take documents out of the collection; their paths.

    Raises:
        UsageError: a name fits no document.
    """
    rows = _named(lake, collection, names)
    if not dry_run:
        with writer_lane(settings, collection):
            store.remove(lake, collection, [row["document_id"] for row in rows])
    return [row["path"] for row in rows]


def collections(lake: Lake) -> list[dict[str, Any]]:
    """Every collection with counts, and bytes of its tables."""
    return [_counts(lake, name) for name in ledger.collections(lake)]


def _counts(lake: Lake, collection: str) -> dict[str, Any]:
    tables = [name for name in lake.names() if name.startswith(f"{collection}.")]
    return {
        "collection": collection,
        "documents": lake.count(ledger.name(collection), {"state": ledger.INDEXED}),
        "chunks": lake.count(store.chunks_name(collection)),
        "bytes": sum(lake.bytes(name) for name in tables),
    }


def collection_details(lake: Lake, collection: str) -> dict[str, Any]:
    """One collection's counts with its documents by state, format and language.

    Raises:
        UsageError: there is no such collection.
    """
    ledger.require(lake, collection)
    rows = ledger.read(lake, collection, ["state", "format", "language", "pages"]).to_pylist()
    indexed = [row for row in rows if row["state"] == ledger.INDEXED]
    return _counts(lake, collection) | {
        "quarantined": len(rows) - len(indexed),
        "pages": sum(row["pages"] or 0 for row in indexed),
        "formats": dict(Counter(row["format"] or "" for row in indexed)),
        "languages": dict(Counter(row["language"] or "" for row in indexed)),
    }


def drop_collection(settings: Settings, lake: Lake, collection: str) -> None:
    """Drop every table of a collection, the ledger first, so that a crash leaves no document that seems indexed."""
    with writer_lane(settings, collection):
        lake.drop(ledger.name(collection))
        for name in lake.names():
            if name.startswith(f"{collection}."):
                lake.drop(name)
