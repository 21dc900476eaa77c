"""List, show and drop documents and collections: the work behind the verbs `documents` and `collections`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from infra import lake_upkeep as upkeep
from infra.files import is_there, is_url
from infra.lake import Lake
from infra.lake_filters import Filter
from infra.lanes import writer_lane
from infra.settings import Settings
from tasks.collection import commit, ledger, lookup, tables
from tasks.collection.chunks import CHUNKS
from tasks.collection.ledger import LEDGER

LISTED = tuple(
    "document_id path state stage kind message attempts format language title pages chunks indexed_at".split()
)


def documents(lake: Lake, collection: str, state: str | None = None) -> list[dict[str, Any]]:
    """List ledger rows in order of path, as `documents list --json` prints them.

    Raises:
        UsageError: there is no such collection.
    """
    where: Filter | None = {"state": state} if state else None
    return [_shown(row, collection) for row in lookup.find(lake, collection, None, LISTED, where)]


def _shown(row: dict[str, Any], collection: str) -> dict[str, Any]:
    stamp = row.pop("indexed_at")
    return row | {"collection": collection, "indexed_at": stamp.isoformat() if stamp else None}


def one_document(lake: Lake, collection: str, name: str) -> dict[str, Any]:
    """Read the whole ledger row of one document.

    Raises:
        UsageError: no document, or several, have this id, path or file name.
    """
    found = lookup.one(lookup.find(lake, collection, None), name, collection)
    whole = ledger.read(lake, collection, where={"document_id": found["document_id"]}).to_pylist()[0]
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in whole.items()}


def quarantined_sources(lake: Lake, collection: str, names: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """List the files to index again, of the named documents or of all in quarantine, and those of them that are gone.

    For an attachment that is its outermost container.

    Raises:
        UsageError: there is no such collection, or a name fits none or several of its documents.
    """
    where: Filter | None = None if names else {"state": ledger.QUARANTINED}
    rows = lookup.find(lake, collection, names, ("document_id", "path"), where)
    files = sorted(set(lookup.outermost(lake, collection, [row["document_id"] for row in rows]).values()))
    gone = [file for file in files if not is_url(file) and not is_there(file)]
    return [file for file in files if file not in gone], gone


def drop_documents(
    settings: Settings, lake: Lake, collection: str, names: Sequence[str], dry_run: bool = False
) -> list[str]:
    """Take documents out of the collection. Returns their paths.

    Raises:
        UsageError: a name fits none or several of the documents.
    """
    rows = lookup.find(lake, collection, names, ("document_id", "path"))
    if not dry_run:
        with writer_lane(settings, collection):
            commit.remove(lake, collection, [row["document_id"] for row in rows])
    return [row["path"] for row in rows]


def collections(lake: Lake) -> list[dict[str, Any]]:
    """List every collection with counts, and bytes of its tables."""
    return [_counts(lake, name) for name in ledger.collections(lake)]


def _counts(lake: Lake, collection: str) -> dict[str, Any]:
    return {
        "collection": collection,
        "documents": lake.count(LEDGER.name(collection), {"state": ledger.INDEXED}),
        "chunks": lake.count(CHUNKS.name(collection)),
        "bytes": sum(lake.bytes(name) for name in tables.names(lake, collection)),
    }


def collection_details(lake: Lake, collection: str) -> dict[str, Any]:
    """Count one collection's documents by state, format and language.

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


def dropped(lake: Lake, collection: str) -> str:
    """Say what of a collection would be dropped: its documents, or what a damage or a drop that was killed has left.

    Raises:
        UsageError: nothing of it is there.
    """
    name = LEDGER.name(collection)
    if not lake.exists(name):
        if lake.folders(f"{collection}.*"):
            return "tables that no ledger knows"
    elif problem := upkeep.unreadable(lake, name):
        return f"a ledger that cannot be read ({problem})"
    return f"{collection_details(lake, collection)['documents']} documents"


def drop_collection(settings: Settings, lake: Lake, collection: str) -> None:
    """Drop every table of a collection, the ledger first, so that a crash leaves no document that seems indexed."""
    with writer_lane(settings, collection):
        for name in tables.ledger_first(collection, lake.folders(f"{collection}.*")):
            lake.drop(name)
