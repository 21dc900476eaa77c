"""From a real lake to records: the latest analyses of documents as they are now."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import UsageError
from infra.lake import Lake
from tasks.collection import ledger
from tasks.export.collect import collect
from tasks.export.records import ALL, Intake, Material, bare, leading_figures
from tasks.export.templates import template
from tasks.export.words import Words
from tasks.figures import Conflict, Figure, Financial, number
from tasks.readings import Entity, Phrase, Reading, Sentiment
from tasks.records import document_id

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PATHS = ("/archive/a/bilancio.pdf", "/archive/b/verbale.docx", "/archive/c/verbale.docx")

FINANCIAL = {
    "currency": "EUR",
    "fiscal_periods": ["FY2025", "FY2024"],
    "figures": [
        {"item": "revenue", "period": "FY2025", "value": 120000, "label": "Ricavi", "page": 12, "statement": "income"},
        {"item": "revenue", "period": "FY2024", "value": float("nan"), "label": "Ricavi", "page": 12},
        {"item": "total_liabilities", "period": "FY2025", "value": 9, "label": "", "derived": "assets − equity"},
    ],
    "metrics": [
        {
            "metric": "net_margin",
            "period": "FY2025",
            "value": 5.5,
            "unit": "percent",
            "formula": "f",
            "inputs": {"net_income": 6600, "odd": None},
        }
    ],
    "checks": [{"check": "balance_sheet_balances", "period": "FY2025", "passed": False, "difference": -3}],
    "conflicts": [
        {"item": "revenue", "period": "FY2025", "reported": {"value": 1, "page": 2}, "other": {"value": 3, "page": 4}},
        "odd",
    ],
    "reasons": [],
}
SENTIMENT = {
    "label": "positive",
    "score": 0.8,
    "model": "m",
    "passages": [{"text": "t", "page": 2, "label": "positive", "score": 0.9}],
}


def ledger_row(path: str, **values: Any) -> dict[str, Any]:
    return {
        "document_id": document_id("documents", path),
        "path": path,
        "state": "indexed",
        "title": "T",
        "format": "pdf",
        "language": "it",
        "pages": 4,
        "chunks": 9,
        "size": 1000,
        "bytes": 400,
        "content_hash": "h1",
        "indexed_at": NOW,
        **values,
    }


def analysis(path: str, kind: str, result: Any, age: int = 0, **values: Any) -> dict[str, Any]:
    document = document_id("documents", path)
    return {
        "analysis_id": f"{document}-{kind}-{age}",
        "document_id": document,
        "path": path,
        "type": kind,
        "content_hash": "h1",
        "fingerprint": "f",
        "status": "ok",
        "error": "",
        "result": result if isinstance(result, str) else json.dumps(result),
        "created_at": NOW - timedelta(hours=age),
        **values,
    }


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path))
    rows = [ledger_row(path) for path in PATHS]
    rows[2].update(state="quarantined", kind="corrupt", message="It ends early.", stage="parse", attempts=2)
    ledger.write(lake, "documents", ledger.rows(rows))
    analyses = [
        analysis(PATHS[0], "financial", {**FINANCIAL, "currency": "USD"}, age=5),
        analysis(PATHS[0], "financial", FINANCIAL),
        analysis(PATHS[0], "sentiment", SENTIMENT, content_hash="stale"),
        analysis(PATHS[0], "comprehensive", {"summary": [{"text": "Uno.", "page": 3}], "sentiment": SENTIMENT}),
        analysis(PATHS[1], "sentiment", "", status="failed", error="No text."),
        analysis(PATHS[1], "classify", "[not json"),
    ]
    lake.upsert("documents.analyses", pa.Table.from_pylist(analyses), "analysis_id")
    return lake


def gathered(lake: Lake, *documents: str, collection: str = "documents") -> Material:
    return collect(lake, collection, documents, lambda stage, done, total: None)


def test_a_template_takes_in_what_it_shows_and_says_what_it_leaves_out(lake: Lake) -> None:
    def taken(intake: Intake) -> Material:
        return collect(lake, "documents", (), lambda stage, done, total: None, intake)

    assert [one.entry.path for one in taken(ALL).analysed] == list(PATHS[:2])
    first = taken(Intake(most=1))
    assert ([one.entry.path for one in first.analysed], first.left_out) == ([PATHS[0]], 1)
    nothing = taken(Intake(most=0))
    assert (nothing.analysed, nothing.left_out, len(nothing.entries)) == ((), 0, 3)
    whole, lean = taken(ALL).analysed[0], taken(Intake(lean=bare)).analysed[0]
    assert whole.reading and whole.reading.summary and lean.reading == Reading()
    assert lean.financial == Financial() and whole.sentiment
    assert lean.sentiment == dataclasses.replace(whole.sentiment, passages=())
    leading = taken(Intake(lean=lambda one: leading_figures(one, {"revenue"}, set()))).analysed[0].financial
    assert whole.financial and leading and leading.periods == whole.financial.periods
    periods = {figure.period for figure in whole.financial.figures}
    assert {figure.period for figure in leading.figures} == periods and not leading.metrics
    assert [figure for figure in leading.figures if figure.item == "revenue"] == [
        figure for figure in whole.financial.figures if figure.item == "revenue"
    ]
    words = Words("it")
    story = template("analysis").compose(first, words).story
    assert words("left_out", shown="1", count="1") in [getattr(piece, "text", "") for piece in story]


def test_the_ledger_becomes_entries(lake: Lake) -> None:
    material = gathered(lake)
    assert [entry.path for entry in material.entries] == list(PATHS)
    first, last = material.entries[0], material.entries[2]
    assert (first.pages, first.bytes, first.indexed_at, first.modified_at) == (4, 1000, NOW, None)
    assert (last.state, last.kind, last.message, last.attempts) == ("quarantined", "corrupt", "It ends early.", 2)


def test_the_latest_analysis_of_the_present_document_counts(lake: Lake) -> None:
    first, second = gathered(lake).analysed
    assert first.financial is not None and first.financial.currency == "EUR"
    assert (
        first.sentiment is not None and first.sentiment.passages[0].page == 2
    )  # the comprehensive one's: the other is stale
    assert first.reading is not None and first.reading.summary[0].page == 3
    assert dict(second.failures)["sentiment"] == "No text."
    assert "cannot be read" in dict(second.failures)["classify"]


def test_documents_are_chosen_by_id_path_or_name(lake: Lake) -> None:
    for wanted in (document_id("documents", PATHS[0]), PATHS[0], "bilancio.pdf"):
        assert [entry.path for entry in gathered(lake, wanted).entries] == [PATHS[0]]
    assert len(gathered(lake, PATHS[0], PATHS[0], PATHS[1]).entries) == 2
    with pytest.raises(UsageError, match="fits 2 documents"):
        gathered(lake, "verbale.docx")
    with pytest.raises(UsageError, match="has no document"):
        gathered(lake, "nowhere.pdf")


def test_a_collection_that_does_not_exist_is_named(lake: Lake) -> None:
    with pytest.raises(UsageError, match="no collection other"):
        gathered(lake, collection="other")
    with pytest.raises(UsageError, match="lower-case"):
        gathered(lake, collection="Bad Name")


def test_results_keep_only_what_is_sound() -> None:
    found = Financial.from_json(json.loads(json.dumps(FINANCIAL)))
    assert [figure.value for figure in found.figures] == [120000, 9]
    assert found.figures[1].derived == "assets − equity"
    assert found.metrics[0].inputs == (("net_income", 6600.0),)
    assert (found.checks[0].passed, found.checks[0].difference) == (False, -3.0)
    assert len(found.conflicts) == 1 and found.conflicts[0].other.page == 4


@pytest.mark.parametrize("odd", [None, 3, "x", [], [None, 3, "x"], {"a": {}}, [{"value": "x"}]])
def test_odd_shapes_are_left_out(odd: object) -> None:
    keys = (
        "figures",
        "metrics",
        "checks",
        "conflicts",
        "fiscal_periods",
        "summary",
        "keyphrases",
        "entities",
        "statistics",
        "passages",
        "sentiment",
        "reasons",
    )
    result = dict.fromkeys(keys, odd)
    assert Financial.from_json(result).figures == ()
    Reading.from_json(result)
    assert Sentiment.from_json({**result, "label": "neutral"}) is not None
    assert Sentiment.from_json(result) is None


def test_only_finite_numbers_are_numbers() -> None:
    assert [number(value) for value in (1, 2.5, True, "3", None, float("inf"))] == [1.0, 2.5, None, None, None, None]


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12),
    st.integers(0, 900),
    st.none() | st.tuples(*[st.integers(0, 2000)] * 4),
)
def test_figures_and_conflicts_come_back_from_json(value: Decimal, page: int, box: Any) -> None:
    figure = Figure("revenue", "FY2025", value, "Ricavi", page, "income_statement", "an identity", "xbrl", box)
    assert Figure.from_json(json.loads(json.dumps(figure.as_json()))) == figure
    side = Figure("revenue", "FY2025", value, "Ricavi", page)
    conflict = Conflict("revenue", "FY2025", side, side)
    assert Conflict.from_json(json.loads(json.dumps(conflict.as_json()))) == conflict


def test_entities_and_phrases_come_back_from_json() -> None:
    entity = Entity("amount", 12.5, "12,50 €", 3, "EUR", 2, "un bollo di 12,50 €")
    assert Entity.from_json(json.loads(json.dumps(entity.as_json()))) == entity
    phrase = Phrase("costo del venduto", 3, 2, 0.5)
    assert Phrase.from_json(json.loads(json.dumps(phrase.as_json()))) == phrase
    found = Reading.from_json({"statistics": {"words": 10, "style": "plain", "flag": True}})
    assert dict(found.statistics) == {"words": 10.0, "style": "plain"}
