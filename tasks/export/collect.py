"""From the lake's tables to the records that templates read: the ledger, and the latest analysis of each kind.

An analysis is shown only while its document is as it was when it was analysed (same content hash), and the latest wins
where there are several of a kind. Where no financial or sentiment analysis was made on its own, that part of the
comprehensive one is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from sys import intern
from typing import Any

from infra.lake import Lake
from tasks.collection import ledger, lookup
from tasks.collection.analyses import ANALYSES, OK
from tasks.export.records import ALL, Analysed, Entry, Intake, Material
from tasks.figures import Financial, Json
from tasks.readings import Classes, Reading, Sentiment

Progress = Callable[[str, int, int], None]

_LEDGER = (
    "document_id",
    "path",
    "title",
    "format",
    "language",
    "state",
    "stage",
    "kind",
    "message",
    "attempts",
    "pages",
    "chunks",
    "bytes",
    "size",
    "seconds",
    "indexed_at",
    "modified_at",
    "content_hash",
)
READ_AT_ONCE = 5_000  # rows of the ledger
DOCUMENTS = 500  # whose stored results are in memory at a time
_ANALYSES = ("document_id", "type", "content_hash", "status", "error", "result", "created_at")


def collect(
    lake: Lake, collection: str, documents: Sequence[str], progress: Progress, intake: Intake = ALL
) -> Material:
    """Collect what a template takes in of a collection, or of some of its documents (by id or path).

    Raises:
        UsageError: there is no such collection, or a name fits none or several of its documents.
    """
    progress("collect", 0, 2)
    entries: dict[str, Entry] = {}
    content: dict[str, str] = {}
    for row in _ledger_rows(lake, collection, documents):
        entries[row["document_id"]] = _entry(row)
        content[row["document_id"]] = row["content_hash"]
    progress("collect", 1, 2)
    with_analyses = _with_analyses(lake, collection, content) if intake.most != 0 else []
    chosen = with_analyses[: intake.most]
    analysed = tuple(map(intake.lean, _analysed(lake, collection, chosen, entries, content)))
    progress("collect", 2, 2)
    left_out = len(with_analyses) - len(chosen)
    made_at = datetime.now(UTC).astimezone()
    return Material(collection, made_at, tuple(entries.values()), analysed, left_out=left_out)


def _ledger_rows(lake: Lake, collection: str, documents: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the ledger's rows in order of path, or of the names given; as Python objects only a few at a time."""
    ledger.require(lake, collection)
    if documents:
        yield from lookup.find(lake, collection, documents, _LEDGER)
        return
    rows = ledger.read(lake, collection, _LEDGER).sort_by("path")
    for start in range(0, rows.num_rows, READ_AT_ONCE):
        yield from rows.slice(start, READ_AT_ONCE).to_pylist()


def _entry(row: dict[str, Any]) -> Entry:
    """Return a row of the ledger; a null is the field's default."""
    values = {name: row.get(name) for name in Entry.__dataclass_fields__}
    values |= {name: intern(values[name] or "") for name in ("format", "language", "state", "stage", "kind")}
    values["bytes"] = row.get("size") or row.get("bytes")  # of the file; `bytes` counts its text
    return Entry(**{name: value for name, value in values.items() if value is not None})


def _parsed(stored: str | None) -> Json:
    """Return the object that a result's JSON holds.

    Raises:
        ValueError: it holds none.
    """
    value = json.loads(stored or "")
    if not isinstance(value, dict):
        raise ValueError("the result is not a JSON object")
    return value


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
        """Take one row of the analyses table."""
        try:
            result = _parsed(row["result"]) if row["status"] == OK else None
        except ValueError as error:
            self.failures[kind] = f"the stored result cannot be read: {error}"
            return
        if result is None:
            self.failures[kind] = row["error"] or ""
            return
        self.failures.pop(kind, None)
        self._keep(kind, result)

    def _keep(self, kind: str, result: Json) -> None:
        if kind == "financial":
            self.financial = Financial.from_json(result)
        elif kind == "sentiment":
            self.sentiment = Sentiment.from_json(result)
        elif kind == "classify":
            self.classes = Classes.from_json(result)
        elif kind == "comprehensive":
            self.reading = Reading.from_json(result)
            inner = result.get("financial")
            self.inner_financial = Financial.from_json(inner) if isinstance(inner, dict) else None
            tone = result.get("sentiment")
            self.inner_sentiment = Sentiment.from_json(tone) if isinstance(tone, dict) else None

    def finish(self, entry: Entry) -> Analysed:
        """Return the record; parts of the comprehensive analysis stand in for those that were not made on their own."""
        return Analysed(
            entry,
            self.financial or self.inner_financial,
            self.sentiment or self.inner_sentiment,
            self.classes,
            self.reading,
            tuple(sorted(self.failures.items())),
        )


def _with_analyses(lake: Lake, collection: str, content: Mapping[str, str]) -> list[str]:
    """Return the ids of the documents that have analyses of their present content, in order of path."""
    found = ANALYSES.read(lake, collection, ["document_id", "content_hash"])
    pairs = zip(found["document_id"].to_pylist(), found["content_hash"].to_pylist(), strict=True)
    have = {document for document, digest in pairs if content.get(document) == digest}
    return [document for document in content if document in have]


def _analysed(
    lake: Lake, collection: str, documents: Sequence[str], entries: Mapping[str, Entry], content: Mapping[str, str]
) -> Iterator[Analysed]:
    """Yield the analyses of documents in their order, with the JSON of only so many documents in memory at a time."""
    for start in range(0, len(documents), DOCUMENTS):
        part = documents[start : start + DOCUMENTS]
        stored = ANALYSES.read(lake, collection, _ANALYSES, {"document_id": list(part)}).to_pylist()
        gathered: dict[str, _Gathered] = {}
        for analysis in sorted(stored, key=_made):
            document = analysis["document_id"]
            if analysis["content_hash"] == content[document]:
                gathered.setdefault(document, _Gathered()).take(analysis["type"], analysis)
        yield from (gathered[name].finish(entries[name]) for name in part if name in gathered)


def _made(row: dict[str, Any]) -> str:
    return str(row["created_at"] or "")  # a timestamp or its ISO form: both sort as text
