"""Answer a question for a figure from analysed statements, without a language model.

The words of the question are split into a period, an item (by the wordings of statement lines, or the name of a metric) and the name of a
firm (`tasks/asked.py`). The value comes from the stored analyses, with its place and, for a metric, its formula. Where a word is not
understood, or no document has the figure, nothing is made up: the answer says why and gives the hits of a search instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from infra.lake import Lake
from tasks.asked import WORD, Asked, understand
from tasks.collection import analyses, ledger, terms
from tasks.collection.analyses import ANALYSES
from tasks.collection.facts import FIGURES, METRICS, WITH_FIGURES, financial_of
from tasks.export.finance import BY_NAME, ITEMS

HIDDEN = {"newest", "consolidated"}  # of a value, for its order alone

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A value with its place, or the reason why there is none; `others` are values of other documents that fit as well."""

    asked: Asked
    reason: str = ""
    found: Row = field(default_factory=dict)
    others: tuple[Row, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the answer as a JSON object."""
        understood = {"item": self.asked.item or None, "period": self.found.get("period") or self.asked.period or None}
        return {
            "answered": bool(self.found),
            **understood,
            **self.found,
            "reason": self.reason,
            "others": list(self.others),
        }


def answer(lake: Lake, collection: str, question: str) -> Answer:
    """Answer from the stored analyses of a collection.

    Raises:
        UsageError: there is no such collection.
    """
    ledger.require(lake, collection)
    asked = understand(question)
    if not asked.item:
        return Answer(asked, "no item of a statement and no metric is named")
    if len(asked.years) > 1 and not (asked.item.endswith("_growth") and asked.years[-1] - asked.years[0] == 1):
        return Answer(asked, f"several years are named: ask for one of {', '.join(map(str, asked.years))}")
    values = _values(lake, collection, asked)
    if not values:
        return Answer(
            asked, f"no analysed document has {asked.item} (faldone analyse --type financial reads statements)"
        )
    fitting = [row for row in values if _fits(row, asked)]
    if not fitting:
        return Answer(asked, _not_fitting(values, asked))
    period = asked.period or max(row["period"] for row in fitting)
    of_period = [row for row in fitting if row["period"] == period]
    if not of_period:
        there = ", ".join(sorted({row["period"] for row in fitting}))
        return Answer(asked, f"{asked.item} is known for {there}, not for {period}")
    firms = {
        terms.fold(firm): firm for row in of_period if (firm := row["company"] or ("" if asked.names else row["path"]))
    }
    if len(firms) > 1:
        return Answer(
            asked, f"several firms have {asked.item} for {period}: name one of {', '.join(sorted(firms.values()))}"
        )
    best, *rest = sorted(of_period, key=lambda row: _order(row, period))
    others = tuple(_shown(row) for row in rest if row["value"] != best["value"])
    return Answer(asked, "", _shown(best), others)


def _fits(row: Row, asked: Asked) -> bool:
    """Tell whether a value is of the firm and the accounts that are asked for: every word that is left names the firm."""
    scope = {"consolidated": row["consolidated"], "alone": not row["consolidated"]}.get(asked.scope, True)
    return scope and {terms.fold(name) for name in asked.names} <= _called(row)


def _not_fitting(values: Sequence[Row], asked: Asked) -> str:
    """Say why no value fits."""
    named = [row for row in values if _fits(row, replace(asked, scope=""))]
    if named:
        kind = "consolidated accounts" if asked.scope == "consolidated" else "accounts of the firm alone"
        return f"no {kind} have {asked.item}"
    known = frozenset[str]().union(*map(_called, values))
    if unknown := [name for name in asked.names if terms.fold(name) not in known]:
        return (
            f"no document with {asked.item} is of a firm called {' '.join(unknown)}, and nothing else is known by that"
        )
    return f"no document with {asked.item} is of a firm called {' '.join(asked.names)}"


def _order(row: Row, period: str) -> tuple[bool, bool, str, str]:
    """Put the group's accounts before its parent's, and the report of the period itself before one that repeats it beside a later year."""
    return not row["consolidated"], row["newest"] != period, row["newest"], row["path"]


def _values(lake: Lake, collection: str, asked: Asked) -> list[dict[str, Any]]:
    """Every stored value of the item, with what its document's analysis says of the firm and the place."""
    table, column = (METRICS, "metric") if asked.item in BY_NAME and asked.item not in ITEMS else (FIGURES, "item")
    rows = table.read(lake, collection, ["document_id"], {column: asked.item})
    documents = sorted(set(rows["document_id"].to_pylist()))
    where = {"document_id": documents, "status": analyses.OK}
    stored = ANALYSES.read(lake, collection, ["document_id", "type", "created_at", "result"], where).to_pylist()
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(stored, key=lambda row: row["created_at"]):
        if row["type"] in WITH_FIGURES:
            newest[row["document_id"]] = financial_of(json.loads(row["result"]))
    columns = ["document_id", "path", "title"]
    about = ledger.read(lake, collection, columns, {"document_id": documents}).to_pylist() if documents else []
    return [value for row in about for value in _of_document(row, newest.get(row["document_id"], {}), asked.item)]


def _of_document(row: Row, result: Row, item: str) -> Iterator[dict[str, Any]]:
    periods = result.get("fiscal_periods") or [""]
    whole = {
        "document_id": row["document_id"],
        "path": row["path"],
        "title": row["title"],
        "company": result.get("company") or "",
        "newest": max(periods),
        "consolidated": result.get("scope") == "consolidated",
    }
    for figure in result.get("figures", ()):
        if figure["item"] == item:
            place = {name: figure.get(name) for name in ("value", "period", "label", "page", "box", "statement")}
            yield whole | place | {"unit": result.get("currency"), "formula": figure.get("derived") or None}
    for metric in result.get("metrics", ()):
        if metric["metric"] == item:
            unit = result.get("currency") if metric["unit"] == "currency" else metric["unit"]
            made = {name: metric.get(name) for name in ("value", "period", "formula", "inputs")}
            yield whole | made | {"unit": unit}


def _called(row: Row) -> set[str]:
    """Return the words by which a document's firm may be called: its own name first, its title and file name where it states none."""
    text = row["company"] or f"{row['title']} {re.sub(r'[_-]+', ' ', PurePosixPath(row['path']).stem)}"
    return {terms.fold(word) for word in WORD.findall(text)}


def _shown(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in HIDDEN and value is not None}
