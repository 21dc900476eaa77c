"""Figures, metrics and checks of a document: the records of the financial analysis, and their JSON both ways.

Analyses write the JSON, the lake keeps it, reports read it back. Results of an older release may lack a key or hold
another shape: what is not there is left out, what is not a finite number is not a figure, and nothing here raises.
Amounts are in the document's currency, multiplied out; percentages are in percent; pages are 1-based, 0 where unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from sys import intern
from typing import Any

Json = Mapping[str, Any]
Box = tuple[int, int, int, int]
"""A rectangle on a page: left, top, right, bottom in points from the page's top left."""


@dataclass(frozen=True, slots=True)
class Figure:
    """An item of a period, with the place where a person can check it.

    `value` is in units of the currency; `derived` names the identity that gave it, else "". `source` is `text` for a
    figure read from a table and `xbrl` for an exact fact. `box` is where the number stands on its page, if known.
    """

    item: str
    period: str
    value: Decimal
    label: str = ""
    page: int = 0
    statement: str = ""
    derived: str = ""
    source: str = "text"
    box: Box | None = None

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "item": self.item,
            "period": self.period,
            "value": plain_number(self.value),
            "label": self.label,
            "page": self.page,
            "statement": self.statement,
            "source": self.source,
        }
        row |= {"derived": self.derived} if self.derived else {}
        return row | ({"box": list(self.box)} if self.box else {})

    @classmethod
    def from_json(cls, row: Json) -> Figure | None:
        """Read a figure back; None without item, period or a finite value."""
        value = number(row.get("value"))
        if value is None or not row.get("item") or not row.get("period"):
            return None
        names = ("item", "period", "label", "statement", "derived")
        texts = {name: intern(text(row.get(name))) for name in names}  # some hundred words in millions of figures
        source = intern(text(row.get("source")) or "text")
        page, box = whole(row.get("page")), _box(row.get("box"))
        return cls(value=Decimal(str(value)), page=page, source=source, box=box, **texts)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two places that give different values for one figure: the one used, the other, and the other's document if not the same."""

    item: str
    period: str
    reported: Figure
    other: Figure
    other_path: str = ""

    def as_json(self) -> dict[str, Any]:
        sides = {"reported": self.reported, "other": self.other}
        places = {
            name: {"value": plain_number(side.value), "page": side.page, "label": side.label}
            for name, side in sides.items()
        }
        return {"item": self.item, "period": self.period, **places}

    @classmethod
    def from_json(cls, row: Json) -> Conflict | None:
        item, period = text(row.get("item")), text(row.get("period"))
        sides = [
            Figure.from_json({**side, "item": item, "period": period}) if isinstance(side, dict) else None
            for side in (row.get("reported"), row.get("other"))
        ]
        return cls(item, period, sides[0], sides[1]) if sides[0] and sides[1] else None


@dataclass(frozen=True, slots=True)
class Metric:
    """A number computed from figures; `unit` is `ratio`, `percent`, `days` or `currency`."""

    metric: str
    period: str
    value: float
    unit: str = "ratio"
    formula: str = ""
    inputs: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_json(cls, row: Json) -> Metric | None:
        value = number(row.get("value"))
        if value is None or not row.get("metric") or not row.get("period"):
            return None
        raw = row.get("inputs")
        pairs = [(text(name), number(amount)) for name, amount in (raw.items() if isinstance(raw, dict) else ())]
        inputs = tuple((name, amount) for name, amount in pairs if amount is not None)
        unit = text(row.get("unit")) or "ratio"
        names = (text(row["metric"]), text(row["period"]), unit, text(row.get("formula")))
        metric, period, unit, formula = map(intern, names)  # some hundred words in millions of metrics
        return cls(metric, period, value, unit, formula, inputs)


@dataclass(frozen=True, slots=True)
class Check:
    """A test of the statements against themselves, such as assets = liabilities + equity."""

    name: str
    period: str
    passed: bool
    difference: float | None = None
    message: str = ""

    @classmethod
    def from_json(cls, row: Json) -> Check:
        difference = number(row.get("difference"))
        return cls(text(row.get("check")), text(row.get("period")), row.get("passed") is True, difference)


@dataclass(frozen=True, slots=True)
class Financial:
    """The financial analysis of one document.

    `reason` says why there are no figures when there are none; `scope` is `consolidated` for a group's accounts.
    """

    currency: str = ""
    periods: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    metrics: tuple[Metric, ...] = ()
    checks: tuple[Check, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    reason: str = ""
    company: str = ""
    scope: str = ""

    @classmethod
    def from_json(cls, result: Json) -> Financial:
        """Read the financial RESULT back."""
        figures = [Figure.from_json(row) for row in objects(result.get("figures"))]
        metrics = [Metric.from_json(row) for row in objects(result.get("metrics"))]
        conflicts = [Conflict.from_json(row) for row in objects(result.get("conflicts"))]
        return cls(
            currency=intern(text(result.get("currency"))),
            periods=tuple(intern(text(period)) for period in items(result.get("fiscal_periods"))),
            figures=tuple(figure for figure in figures if figure),
            metrics=tuple(metric for metric in metrics if metric),
            checks=tuple(Check.from_json(row) for row in objects(result.get("checks"))),
            conflicts=tuple(conflict for conflict in conflicts if conflict),
            reason=" ".join(text(reason) for reason in items(result.get("reasons"))),
            company=text(result.get("company")),
            scope=text(result.get("scope")),
        )


# ---- from JSON, whatever it holds ----------------------------------------------------------------------------------


def plain_number(value: Decimal) -> int | float:
    """Return a Decimal as JSON knows numbers: whole ones without a fraction."""
    return int(value) if value == value.to_integral_value() else float(value)


def number(value: object) -> float | None:
    """Return a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def text(value: object) -> str:
    """Return a text, "" for anything else."""
    return value if isinstance(value, str) else ""


def whole(value: object) -> int:
    """Return a whole number from 0, such as a page; 0 for anything else."""
    found = number(value)
    return int(found) if found and found > 0 else 0


def items(value: object) -> list[Any]:
    """Return a list, an empty one for anything else."""
    return value if isinstance(value, list) else []


def objects(value: object) -> Iterable[Json]:
    """Return the objects of a list."""
    return (row for row in items(value) if isinstance(row, dict))


def _box(value: object) -> Box | None:
    edges = [number(edge) for edge in items(value)]
    if len(edges) != 4 or None in edges:
        return None
    left, top, right, bottom = (int(edge or 0) for edge in edges)
    return (left, top, right, bottom)
