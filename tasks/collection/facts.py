"""Typed rows that the results of analyses fill: the same figures as in the JSON, as columns for polars and any SQL tool.

A fact is a table, the analyses that fill it, and the function that makes its rows from a RESULT. Facts of a document are replaced
whole whenever one of those analyses is made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from infra.lake import Lake
from infra.lake_filters import Filter
from tasks.collection import ledger
from tasks.collection.analyses import ANALYSES, Outcome, Work, rows
from tasks.collection.staging import stage as stage_rows
from tasks.collection.staging import staged
from tasks.collection.table import Table

FIGURES_SCHEMA = pa.schema(
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
        ("box", pa.list_(pa.float64())),  # where the number stands: x0, y0, x1, y1 in points from the page's top left
    ]
)
METRICS_SCHEMA = pa.schema(
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
ENTITIES_SCHEMA = pa.schema(
    [
        pa.field("entity_id", pa.string(), nullable=False),
        ("document_id", pa.string()),
        ("path", pa.string()),
        ("kind", pa.string()),  # vat_number | tax_code | iban | ein | date | amount | percentage | email | domain
        ("value", pa.string()),  # of a number its digits, of anything else its one form
        ("amount", pa.float64()),  # in whole units of the currency; of a percentage in percent
        ("date", pa.date32()),
        ("currency", pa.string()),
        ("text", pa.string()),
        ("page", pa.int32()),
        ("count", pa.int32()),
        ("about", pa.string()),
        ("content_hash", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A typed table, the names of the analyses that fill it, and how: `rows(work, result)` yields its rows."""

    table: Table
    analyses: frozenset[str]
    rows: Callable[[Work, dict[str, Any]], Iterable[dict[str, Any]]]


def financial_of(result: dict[str, Any]) -> dict[str, Any]:
    """Find the part of a RESULT that has figures: the whole, its `financial` part, or an empty one."""
    part = result if "figures" in result else result.get("financial")
    return part if isinstance(part, dict) else {}


def _figures(work: Work, result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    part = financial_of(result)
    for figure, row in _numbered(work, part.get("figures", ()), "figure_id"):
        named = {name: figure.get(name) for name in ("item", "period", "label", "page", "statement")}
        place = {"box": figure.get("box")}
        yield row | named | place | {"currency": part.get("currency"), "value": float(figure["value"])}


def _metrics(work: Work, result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for metric, row in _numbered(work, financial_of(result).get("metrics", ()), "metric_id"):
        named = {name: metric.get(name) for name in ("metric", "period", "unit", "formula")}
        named["value"] = float(metric["value"])
        yield row | named | {"inputs": json.dumps(metric.get("inputs") or {}, ensure_ascii=False)}


def _entities(work: Work, result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for found, row in _numbered(work, result.get("entities", ()), "entity_id"):
        value = found["value"]
        named = {name: found.get(name) for name in ("kind", "currency", "text", "page", "count", "about")}
        day = _day(value) if found["kind"] == "date" else None
        amount = None if isinstance(value, str) else float(value)
        yield row | named | {"value": str(value), "amount": amount, "date": day}


def _day(value: object) -> date | None:
    """Return a whole day; a month or a year alone is none."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _numbered(work: Work, items: Iterable[dict[str, Any]], key: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Pair each item with what every row of a fact has: its key and its document."""
    for number, item in enumerate(items):
        yield (
            item,
            {
                key: f"{work.document_id}-{number:04d}",
                "document_id": work.document_id,
                "path": work.path,
                "content_hash": work.content_hash,
            },
        )


FIGURES = Table("figures", FIGURES_SCHEMA, "figure_id")
METRICS = Table("metrics", METRICS_SCHEMA, "metric_id")
ENTITIES = Table("entities", ENTITIES_SCHEMA, "entity_id")
WITH_FIGURES = frozenset({"financial", "comprehensive"})
FACTS = (
    Fact(FIGURES, WITH_FIGURES, _figures),
    Fact(METRICS, WITH_FIGURES, _metrics),
    Fact(ENTITIES, frozenset({"comprehensive"}), _entities),
)


def stage(folder: str, name: str, outcomes: Sequence[Outcome], type: str, model: str) -> str:
    """Write the rows of a batch of analyses for the writer. Returns the stem of its files."""
    parts: dict[Table, pa.Table] = {ANALYSES: rows(outcomes, type, model)}
    for fact in facts_of(type):
        made = [row for one in outcomes if one.result is not None for row in fact.rows(one.work, one.result)]
        parts[fact.table] = fact.table.rows(made)
    return stage_rows(folder, name, parts)


def commit(lake: Lake, collection: str, stems: Sequence[str], type: str) -> None:
    """Merge staged analyses into the lake, facts first: a crash in between is only work done again.

    The caller holds the writer's lane.
    """
    if not stems:
        return
    now = _contents(lake, collection, staged(stems, ANALYSES)["document_id"].to_pylist())
    # a document that an index run changed or removed meanwhile: its results are nobody's any more
    analyses = _current(staged(stems, ANALYSES), now)
    documents = analyses["document_id"].to_pylist()
    for fact in facts_of(type):
        fact.table.ensure(lake, collection)
        fact.table.replace(lake, collection, _current(staged(stems, fact.table), now), documents)
    ANALYSES.ensure(lake, collection)
    ANALYSES.write(lake, collection, analyses)


def _current(rows: pa.Table, now: Mapping[str, str]) -> pa.Table:
    """Keep the rows that were made of what the ledger claims."""
    pairs = zip(rows["document_id"].to_pylist(), rows["content_hash"].to_pylist(), strict=True)
    return rows.filter(pa.array([now.get(document) == content for document, content in pairs], pa.bool_()))


def _contents(lake: Lake, collection: str, documents: Sequence[str]) -> dict[str, str]:
    """Return the content hash that the ledger claims of each document."""
    where: Filter = {"document_id": list(documents), "state": ledger.INDEXED}
    rows = ledger.read(lake, collection, ["document_id", "content_hash"], where).to_pylist()
    return {row["document_id"]: row["content_hash"] for row in rows}


def facts_of(type: str) -> list[Fact]:
    """Name the facts that an analysis fills."""
    return [fact for fact in FACTS if type in fact.analyses]
