"""A document by its id, its path or the end of its path: the one rule of `analyse`, `export` and `documents`.

An id or a whole path names one document. Anything shorter (`report.txt`, `2019/report.txt`) names the one document whose path ends
so; where several do, it names none, and the error lists them. A name that ends in `/` stands for every document below that folder.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.errors import UsageError
from infra.lake import Lake
from infra.lake_filters import Filter
from tasks.collection import ledger

Row = dict[str, Any]

LISTED = 5  # candidates that an error names
COLUMNS = ("document_id", "path", "content_hash")


def indexed(lake: Lake, collection: str, names: Sequence[str] | None = None) -> list[Row]:
    """Read the ledger rows (`COLUMNS`) of indexed documents in order of path: all, or those named.

    Raises:
        UsageError: there is no such collection, or a name fits none or several of its documents.
    """
    return find(lake, collection, names, COLUMNS, {"state": ledger.INDEXED})


def find(
    lake: Lake,
    collection: str,
    names: Sequence[str] | None,
    columns: Sequence[str] = COLUMNS,
    where: Filter | None = None,
) -> list[Row]:
    """Read ledger rows in order of path: all, or those named, each once.

    Args:
        columns: what to read; `document_id` and `path` among them.

    Raises:
        UsageError: there is no such collection, or a name fits none or several of its documents.
    """
    ledger.require(lake, collection)
    rows: list[Row] = ledger.read(lake, collection, columns, where).to_pylist()
    rows.sort(key=lambda row: str(row["path"]))
    return choose(rows, names, collection) if names else rows


def choose(rows: Sequence[Row], names: Sequence[str], collection: str) -> list[Row]:
    """Pick the named ones among rows, each once, in the order of the names.

    Raises:
        UsageError: a name fits none or several of the rows.
    """
    chosen = {row["document_id"]: row for name in names for row in named(rows, name, collection)}
    return list(chosen.values())


def one(rows: Sequence[Row], name: str, collection: str) -> Row:
    """Pick the one row that a name stands for.

    Raises:
        UsageError: it fits none or several of the rows.
    """
    found = named(rows, name, collection)
    if len(found) > 1:
        raise UsageError(_several(name, found, collection))
    return found[0]


def named(rows: Sequence[Row], name: str, collection: str) -> list[Row]:
    """Pick the rows that a name stands for: one, or with a closing `/` all below a folder.

    Raises:
        UsageError: it fits none of the rows, or several without being a folder.
    """
    asked = unicodedata.normalize("NFC", name)
    places = [(unicodedata.normalize("NFC", str(row["path"])), row) for row in rows]
    if asked.endswith("/"):
        folders = tuple(f"{folder.rstrip('/')}/" for folder in _absolute(asked))
        found = [row for path, row in places if path.startswith(folders)]
    else:
        whole = set(_absolute(asked))
        found = [row for path, row in places if row["document_id"] == name or path in whole]
        ending = "/" + asked.removeprefix("./")
        found = found or [row for path, row in places if path.endswith(ending)]
    if not found:
        raise UsageError(f"collection {collection} has no document {name}: see `faldone documents list`")
    if len(found) > 1 and not asked.endswith("/"):
        raise UsageError(_several(name, found, collection))
    return found


def _absolute(name: str) -> Iterator[str]:
    yield name
    if "://" not in name:
        path = Path(name).expanduser()
        yield str(path.absolute())
        yield str(path.resolve())


def _several(name: str, found: Sequence[Row], collection: str) -> str:
    shown = ", ".join(str(row["path"]) for row in found[:LISTED])
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return f"{name} fits {len(found)} documents of collection {collection}: give the whole path of one: {shown}{more}"


def outermost(lake: Lake, collection: str, documents: Sequence[str]) -> dict[str, str]:
    """Give the path of the file in which each document lies: its own, or for an attachment that of its outermost container.

    Containers are followed by `parent_id`: a path may hold anything. A document that the ledger does not know is left out.
    """
    columns = ["document_id", "path", "parent_id"]
    found: dict[str, Row] = {}
    asked = set(documents)
    while asked:
        rows = ledger.read(lake, collection, columns, {"document_id": sorted(asked)}).to_pylist()
        found |= {row["document_id"]: row for row in rows}
        asked = {row["parent_id"] for row in rows if row["parent_id"]} - set(found)
    return {document: _file(found[document], found) for document in documents if document in found}


def _file(row: Row, known: Mapping[str, Row]) -> str:
    while row["parent_id"] and row["parent_id"] in known:
        row = known[row["parent_id"]]
    return str(row["path"])
