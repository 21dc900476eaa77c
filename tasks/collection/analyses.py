"""Analyses as the lake keeps them: one row a document, type and model, with the RESULT as JSON and what it was made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from infra.lake import Lake
from tasks.collection.table import Table

SCHEMA = pa.schema(
    [
        pa.field("analysis_id", pa.string(), nullable=False),
        ("document_id", pa.string()),
        ("path", pa.string()),
        ("type", pa.string()),
        ("model", pa.string()),  # as it was asked for; "" for the analysis' own
        ("content_hash", pa.string()),  # of the document when it was analysed
        ("fingerprint", pa.string()),
        ("status", pa.string()),  # ok | failed
        ("kind", pa.string()),  # of a failure: infra.errors.FailureKind
        ("error", pa.string()),
        ("attempts", pa.int32()),
        ("result", pa.string()),  # JSON
        ("created_at", pa.timestamp("us", "UTC")),
        ("seconds", pa.float64()),
    ]
)
ANALYSES = Table("analyses", SCHEMA, "analysis_id")
OK, FAILED = "ok", "failed"
READ_AT_ONCE = 16  # results in memory while they are read back one after another


@dataclass(frozen=True, slots=True)
class Work:
    """A document to be analysed: its ledger row, the fingerprint of its result, its attachments, failed attempts."""

    document_id: str
    path: str
    content_hash: str
    pages: int
    fingerprint: str
    companions: tuple[str, ...] = ()
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a document: a RESULT, or the kind and reason of the failure."""

    work: Work
    result: dict[str, Any] | None
    kind: str = ""
    error: str = ""
    seconds: float = 0.0


def analysis_id(document_id: str, type: str, model: str) -> str:
    """Return one row a document, type and model; the newest result takes the place of the one before it."""
    return hashlib.blake2b(f"{document_id}\0{type}\0{model}".encode(), digest_size=16).hexdigest()


def rows(outcomes: Sequence[Outcome], type: str, model: str) -> pa.Table:
    """Turn what became of some documents into Arrow.

    Raises:
        ValueError: a result holds what JSON cannot.
    """
    return ANALYSES.rows([_analysis(outcome, type, model) for outcome in outcomes])


def _analysis(outcome: Outcome, type: str, model: str) -> dict[str, Any]:
    work = outcome.work
    good = outcome.result is not None
    return {
        "analysis_id": analysis_id(work.document_id, type, model),
        "document_id": work.document_id,
        "path": work.path,
        "type": type,
        "model": model,
        "content_hash": work.content_hash,
        "fingerprint": work.fingerprint,
        "status": OK if good else FAILED,
        "kind": outcome.kind,
        "error": outcome.error,
        "attempts": 0 if good else work.attempts + 1,
        "result": json.dumps(outcome.result, ensure_ascii=False, allow_nan=False) if good else None,
        "created_at": datetime.now(UTC),
        "seconds": outcome.seconds,
    }


# ---- reading back --------------------------------------------------------------------------------------------------

KNOWN = ("analysis_id", "document_id", "content_hash", "fingerprint", "status", "kind", "attempts")


def known(lake: Lake, collection: str, type: str, model: str) -> dict[str, dict[str, Any]]:
    """Read what the lake has of an analysis, by document, without the results."""
    found = ANALYSES.read(lake, collection, KNOWN, {"type": type, "model": model}).to_pylist()
    return {row["document_id"]: row for row in found}


def read(
    lake: Lake, collection: str, type: str, model: str, documents: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Read the results of documents in the order given, a few in memory at a time.

    Args:
        documents: (document_id, path) of each.

    Yields:
        (status, JSON of the RESULT, or of the failure: document_id, path and error).
    """
    for start in range(0, len(documents), READ_AT_ONCE):
        part = documents[start : start + READ_AT_ONCE]
        ids = {analysis_id(document, type, model): document for document, _ in part}
        columns = ["document_id", "status", "error", "result"]
        stored = ANALYSES.read(lake, collection, columns, {"analysis_id": list(ids)}).to_pylist()
        by_document = {row["document_id"]: row for row in stored}
        for document, path in part:
            if document in by_document:
                yield _as_result(by_document[document], path)


def _as_result(row: dict[str, Any], path: str) -> tuple[str, str]:
    if row["status"] == OK:
        return OK, row["result"]
    failure = {"document_id": row["document_id"], "path": path, "error": row["error"]}
    return FAILED, json.dumps(failure, ensure_ascii=False)
