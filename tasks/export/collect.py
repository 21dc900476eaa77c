"""From the lake's tables to the records that templates read: the ledger, and the latest analysis of each kind.

An analysis is shown only while its document is as it was when it was analysed (same content hash), and the latest wins
where there are several of a kind. Where no financial or sentiment analysis was made on its own, that part of the
comprehensive one is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.errors import UsageError
from infra.lake import Filter, Lake, check_collection
from tasks.export import results
from tasks.export.records import Analysed, Classes, Entry, Financial, Material, Reading, Sentiment

Progress = Callable[[str, int, int], None]

_LEDGER = (
    "document_id", "path", "title", "format", "language", "state", "stage", "kind", "message", "attempts", "pages",
    "chunks", "bytes", "size", "seconds", "indexed_at", "modified_at", "content_hash",
)  # fmt: skip
_ANALYSES = ("document_id", "type", "content_hash", "status", "error", "result", "created_at")


def collect(lake: Lake, collection: str, documents: Sequence[str], progress: Progress) -> Material:
    """Everything that is known of a collection, or of some of its documents (by id or path).

    Raises:
        UsageError: the collection's name is not one, or a document that was asked for is not in it.
    """
    check_collection(collection)
    progress("collect", 0, 2)
    rows = _ledger(lake, collection)
    if documents:
        rows = _chosen(rows, documents, collection)
    progress("collect", 1, 2)
    analysed = _analysed(lake, collection, rows, bool(documents))
    progress("collect", 2, 2)
    return Material(collection, datetime.now(UTC).astimezone(), tuple(_entry(row) for row in rows), tuple(analysed))


def _ledger(lake: Lake, collection: str) -> list[dict[str, Any]]:
    name = f"{collection}.documents"
    if not lake.exists(name):
        return []
    known = set(lake.schema(name).names)
    table = lake.read(name, [column for column in _LEDGER if column in known])
    rows: list[dict[str, Any]] = table.to_pylist()
    return sorted(rows, key=lambda row: row["path"] or "")


def _chosen(rows: list[dict[str, Any]], documents: Sequence[str], collection: str) -> list[dict[str, Any]]:
    """The rows asked for; a path matches as given, made absolute, or as a file name that only one document has."""
    chosen: dict[str, dict[str, Any]] = {}
    for wanted in documents:
        names = {wanted, str(Path(wanted).expanduser().resolve())} if "://" not in wanted else {wanted}
        found = [row for row in rows if row["document_id"] == wanted or row["path"] in names]
        # the command line makes a name absolute before it comes here
        found = found or [row for row in rows if (row["path"] or "").rsplit("/", 1)[-1] == Path(wanted).name]
        if len(found) != 1:
            problem = "is not in" if not found else "names several documents of"
            raise UsageError(f"{wanted} {problem} the collection {collection!r}: see `faldone documents list`")
        chosen[found[0]["document_id"]] = found[0]
    return list(chosen.values())


def _entry(row: dict[str, Any]) -> Entry:
    """A row of the ledger; a null is the field's default."""
    values = {name: row.get(name) for name in Entry.__dataclass_fields__}
    values["bytes"] = row.get("size") or row.get("bytes")  # of the file; `bytes` counts its text
    return Entry(**{name: value for name, value in values.items() if value is not None})


@dataclass(slots=True)
class _Gathered:
    """Analyses of one document as they come in, oldest first: a later one takes the place of an earlier one."""

    financial: Financial | None = None
    sentiment: Sentiment | None = None
    classes: Classes | None = None
    reading: Reading | None = None
    inner_financial: Financial | None = None
    inner_sentiment: Sentiment | None = None
    failures: dict[str, str] = field(default_factory=dict)

    def take(self, kind: str, row: dict[str, Any]) -> None:
        """One row of the analyses table."""
        try:
            result = results.parse(row["result"]) if row["status"] == "ok" else None
        except ValueError as error:
            self.failures[kind] = f"the stored result cannot be read: {error}"
            return
        if result is None:
            self.failures[kind] = row["error"] or ""
            return
        self.failures.pop(kind, None)
        self._keep(kind, result)

    def _keep(self, kind: str, result: results.Json) -> None:
        if kind == "financial":
            self.financial = results.financial(result)
        elif kind == "sentiment":
            self.sentiment = results.sentiment(result)
        elif kind == "classify":
            self.classes = results.classes(result)
        elif kind == "comprehensive":
            self.reading = results.reading(result)
            inner = result.get("financial")
            self.inner_financial = results.financial(inner) if isinstance(inner, dict) else None
            tone = result.get("sentiment")
            self.inner_sentiment = results.sentiment(tone) if isinstance(tone, dict) else None

    def finish(self, entry: Entry) -> Analysed:
        """The record; parts of the comprehensive analysis stand in for those that were not made on their own."""
        return Analysed(
            entry,
            self.financial or self.inner_financial,
            self.sentiment or self.inner_sentiment,
            self.classes,
            self.reading,
            tuple(sorted(self.failures.items())),
        )


def _analysed(lake: Lake, collection: str, rows: list[dict[str, Any]], chosen: bool) -> Iterable[Analysed]:
    name = f"{collection}.analyses"
    if not rows or not lake.exists(name):
        return []
    wanted: Filter | None = {"document_id": [row["document_id"] for row in rows]} if chosen else None
    hashes = {row["document_id"]: row["content_hash"] for row in rows}
    gathered: dict[str, _Gathered] = {}
    for analysis in sorted(lake.read(name, _ANALYSES, wanted).to_pylist(), key=_made):
        document = analysis["document_id"]
        if document in hashes and analysis["content_hash"] == hashes[document]:
            gathered.setdefault(document, _Gathered()).take(analysis["type"], analysis)
    return [gathered[row["document_id"]].finish(_entry(row)) for row in rows if row["document_id"] in gathered]


def _made(row: dict[str, Any]) -> str:
    return str(row["created_at"] or "")  # a timestamp or its ISO form: both sort as text
