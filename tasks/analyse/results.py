"""What analyses leave in the lake: one row an analysis, and the figures and metrics as typed tables of their own.

`COLLECTION.analyses` holds each RESULT as JSON with what it was made of: the document's content hash and the
fingerprint of analysis, models and parser. `COLLECTION.figures` and `COLLECTION.metrics` hold the same figures as
columns, for polars and any SQL tool. Workers stage rows as Arrow files; the one writer commits figures and metrics
first and the analyses last, so that a crash in between is only work done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from infra.files import read_bytes, write_bytes
from infra.lake import Lake, check_collection

ANALYSES = pa.schema(
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
FIGURES = pa.schema(
    [
        pa.field("figure_id", pa.string(), nullable=False),
        ("document_id", pa.string()),
        ("path", pa.string()),
        ("item", pa.string()),
        ("period", pa.string()),
        ("value", pa.float64()),  # in whole units of the currency
        ("label", pa.string()),
        ("page", pa.int32()),
        ("statement", pa.string()),
        ("currency", pa.string()),
        ("content_hash", pa.string()),
    ]
)
METRICS = pa.schema(
    [
        pa.field("metric_id", pa.string(), nullable=False),
        ("document_id", pa.string()),
        ("path", pa.string()),
        ("metric", pa.string()),
        ("period", pa.string()),
        ("value", pa.float64()),
        ("unit", pa.string()),  # ratio | percent | days | currency
        ("formula", pa.string()),
        ("inputs", pa.string()),  # JSON object: item → value
        ("content_hash", pa.string()),
    ]
)
OK, FAILED = "ok", "failed"
KEYS = {"figures": "figure_id", "metrics": "metric_id"}
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


def table_name(collection: str, kind: str) -> str:
    """`analyses`, `figures` or `metrics` of a collection."""
    return f"{check_collection(collection)}.{kind}"


def analysis_id(document_id: str, type: str, model: str) -> str:
    """One row a document, type and model; the newest result takes the place of the one before it."""
    return hashlib.blake2b(f"{document_id}\0{type}\0{model}".encode(), digest_size=16).hexdigest()


def tables(outcomes: Sequence[Outcome], type: str, model: str) -> dict[str, pa.Table]:
    """The rows of some documents as Arrow, by table."""
    parts = [(outcome.work, part) for outcome in outcomes if (part := financial_of(outcome.result)) is not None]
    figures = [row for work, part in parts for row in _figures(work, part)]
    metrics = [row for work, part in parts for row in _metrics(work, part)]
    return {
        "analyses": pa.Table.from_pylist([_analysis(outcome, type, model) for outcome in outcomes], schema=ANALYSES),
        "figures": pa.Table.from_pylist(figures, schema=FIGURES),
        "metrics": pa.Table.from_pylist(metrics, schema=METRICS),
    }


def financial_of(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """The part of a RESULT that has figures: the whole, its `financial` part, or None."""
    if result is None:
        return None
    part = result if "figures" in result else result.get("financial")
    return part if isinstance(part, dict) else None


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


def _figures(work: Work, part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for number, figure in enumerate(part["figures"]):
        yield {
            **{name: figure.get(name) for name in ("item", "period", "label", "page", "statement")},
            "figure_id": f"{work.document_id}-{number:04d}",
            "document_id": work.document_id,
            "path": work.path,
            "value": float(figure["value"]),
            "currency": part.get("currency"),
            "content_hash": work.content_hash,
        }


def _metrics(work: Work, part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for number, metric in enumerate(part["metrics"]):
        yield {
            **{name: metric.get(name) for name in ("metric", "period", "unit", "formula")},
            "metric_id": f"{work.document_id}-{number:04d}",
            "document_id": work.document_id,
            "path": work.path,
            "value": float(metric["value"]),
            "inputs": json.dumps(metric.get("inputs") or {}, ensure_ascii=False),
            "content_hash": work.content_hash,
        }


# ---- staging and committing ----------------------------------------------------------------------------------------


def stage(folder: str, name: str, rows: dict[str, pa.Table]) -> str:
    """Write a batch's tables under `folder` (a path or a URL that the writer reads too); the stem of their names."""
    for kind, table in rows.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        write_bytes(f"{folder}/{name}.{kind}.arrow", memoryview(sink.getvalue()))
    return f"{folder}/{name}"


def commit(lake: Lake, collection: str, stems: Sequence[str], with_figures: bool) -> None:
    """Merge staged batches into the lake. The caller holds the writer's lane.

    Args:
        with_figures: whether this kind of analysis finds figures, so that older ones of these documents leave the
        tables.
    """
    if not stems:
        return
    analyses = _staged(stems, "analyses")
    documents = analyses["document_id"].to_pylist()
    for kind, key in KEYS.items() if with_figures else ():
        lake.upsert(table_name(collection, kind), _staged(stems, kind), key, ("document_id", documents))
    name = table_name(collection, "analyses")
    lake.ensure(name, ANALYSES, "analysis_id")
    lake.upsert(name, analyses, "analysis_id")


def _staged(stems: Sequence[str], kind: str) -> pa.Table:
    parts = [read_bytes(f"{stem}.{kind}.arrow") for stem in stems]
    return pa.concat_tables([pa.ipc.open_file(pa.BufferReader(part)).read_all() for part in parts])


# ---- reading back --------------------------------------------------------------------------------------------------

KNOWN = ("analysis_id", "document_id", "content_hash", "fingerprint", "status", "kind", "attempts")


def known(lake: Lake, collection: str, type: str, model: str) -> dict[str, dict[str, Any]]:
    """What the lake has of an analysis, by document, without the results."""
    name = table_name(collection, "analyses")
    if not lake.exists(name):
        return {}
    rows = lake.read(name, KNOWN, {"type": type, "model": model}).to_pylist()
    return {row["document_id"]: row for row in rows}


def read(
    lake: Lake, collection: str, type: str, model: str, documents: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """The results of documents in the order given, a few in memory at a time.

    Args:
        documents: (document_id, path) of each.

    Yields:
        (status, JSON of the RESULT, or of the failure: document_id, path and error).
    """
    name = table_name(collection, "analyses")
    for start in range(0, len(documents), READ_AT_ONCE):
        part = documents[start : start + READ_AT_ONCE]
        ids = {analysis_id(document, type, model): document for document, _ in part}
        columns = ["document_id", "status", "error", "result"]
        rows = {row["document_id"]: row for row in lake.read(name, columns, {"analysis_id": list(ids)}).to_pylist()}
        for document, path in part:
            if document in rows:
                yield _as_result(rows[document], path)


def _as_result(row: dict[str, Any], path: str) -> tuple[str, str]:
    if row["status"] == OK:
        return OK, row["result"]
    failure = {"document_id": row["document_id"], "path": path, "error": row["error"]}
    return FAILED, json.dumps(failure, ensure_ascii=False)
