"""Answer a question for a figure from analysed statements, without a language model.

The words of the question are split into a period, an item (by the wordings of statement lines, or the name of a metric) and the name of
a firm. The value comes from the stored analyses, with its place and, for a metric, its formula. Where a part is not understood, or no
document has the figure, nothing is made up: the answer says why and gives the hits of a search instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from infra.lake import Lake
from tasks.analyse.statements.match_labels import canonical, match_items
from tasks.analyse.statements.wordings import STATEMENTS
from tasks.collection import analyses, ledger, terms
from tasks.collection.analyses import ANALYSES
from tasks.collection.facts import FIGURES, METRICS, WITH_FIGURES, financial_of
from tasks.export.finance import BY_NAME, ITEMS

LONGEST = 8  # words of an item's wording
QUARTER = re.compile(r"\bQ([1-4])\b|\b([1-4])(?:°|º|o|st|nd|rd|th)? (?:trimestre|quarter)\b", re.IGNORECASE)
YEAR = re.compile(r"(?<![\d.,])(?:FY[ -]?)?((?:19|20)\d\d)(?![\d.,]*\d)", re.IGNORECASE)
WORD = re.compile(r"[^\W_]+(?:[.'’&-][^\W_]+)*")
POSSESSIVE = re.compile(r"['’]s\b")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for; `item` "" where no wording fits, `period` "" for the newest, `names` the words that are left."""

    item: str
    period: str
    names: tuple[str, ...]


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


def understand(question: str) -> Asked:
    """Split a question into item, period and the words that may name a firm."""
    years, quarter = YEAR.findall(question), QUARTER.search(question)
    period = ""
    if years:
        newest = max(years)
        period = f"{newest}Q{quarter[1] or quarter[2]}" if quarter else f"FY{newest}"
    text = POSSESSIVE.sub("", YEAR.sub(" ", QUARTER.sub(" ", question)))
    words = WORD.findall(text)
    item, start, end = _item(words)
    rest = words[:start] + words[end:]
    names = tuple(w for w in rest if not any(w.casefold() in stop for stop in terms.STOP.values()))
    return Asked(item, period, names)


def _item(words: Sequence[str]) -> tuple[str, int, int]:
    """Find the longest run of words that is a wording of an item or the name of a metric, and its place."""
    for length in range(min(LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            label = canonical(" ".join(words[start : start + length]))
            if item := METRIC_NAMES.get(label) or _of_statement(label):
                return item, start, start + length
    return "", len(words), len(words)


def _of_statement(label: str) -> str:
    found = [(rank, item) for statement in STATEMENTS for item, rank in match_items(label, statement)]
    return min(found)[1] if label and found else ""


def _names(pairs: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, str]]:
    for name, wordings in pairs:
        for wording in (name.replace("_", " "), *wordings):
            yield canonical(wording), name


METRIC_NAMES = dict(_names((name, (measure.en, measure.it)) for name, measure in BY_NAME.items())) | dict(
    _names(ITEMS.items())
)


def answer(lake: Lake, collection: str, question: str) -> Answer:
    """Answer from the stored analyses of a collection.

    Raises:
        UsageError: there is no such collection.
    """
    ledger.require(lake, collection)
    asked = understand(question)
    if not asked.item:
        return Answer(asked, "no item of a statement and no metric is named")
    values = _values(lake, collection, asked)
    if not values:
        return Answer(
            asked, f"no analysed document has {asked.item} (faldone analyse --type financial reads statements)"
        )
    fitting = _named(values, asked.names)
    if not fitting:
        return Answer(asked, f"no document with {asked.item} is of a firm called {' '.join(asked.names)}")
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
    # the report of the period itself before one that repeats it beside a later year
    best, *rest = sorted(of_period, key=lambda row: (row["newest"] != period, row["newest"], row["path"]))
    others = tuple(_shown(row) for row in rest if row["value"] != best["value"])
    return Answer(asked, "", _shown(best), others)


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


def _named(values: Sequence[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Keep the values of the firm that most of the names fit; of all where nothing but common words is left."""
    capital = [name for name in names if name[:1].isupper() or name[:1].isdigit()]
    wanted = {terms.fold(name) for name in capital or names}
    scores = [len(wanted & _called(row)) for row in values]
    best = max(scores)
    if not best:
        return [] if capital else list(values)
    return [row for row, score in zip(values, scores, strict=True) if score == best]


def _called(row: Row) -> set[str]:
    """Return the words by which a document's firm may be called: its own name first, its title and file name where it states none."""
    text = row["company"] or f"{row['title']} {re.sub(r'[_-]+', ' ', PurePosixPath(row['path']).stem)}"
    return {terms.fold(word) for word in WORD.findall(text)}


def _shown(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "newest" and value is not None}
