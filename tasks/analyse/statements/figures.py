"""The figure: one item of one period, with where it was read, and what else travels with it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tasks.analyse.statements.wordings import StatementKind


@dataclass(frozen=True, slots=True)
class Figure:
    """An item of a period. `value` is in units of the currency; `derived` names the identity that gave it, else "".

    `source` is `text` for a figure read from a table and `xbrl` for an exact fact.
    """

    item: str
    period: str
    value: Decimal
    label: str
    page: int
    statement: StatementKind
    derived: str = ""
    source: str = "text"

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
        return row | ({"derived": self.derived} if self.derived else {})


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two places of a document that give different values for one figure; the first is the one reported."""

    item: str
    period: str
    reported: Figure
    other: Figure

    def as_json(self) -> dict[str, Any]:
        return {
            "item": self.item,
            "period": self.period,
            "reported": {
                "value": plain_number(self.reported.value),
                "page": self.reported.page,
                "label": self.reported.label,
            },
            "other": {"value": plain_number(self.other.value), "page": self.other.page, "label": self.other.label},
        }


def plain_number(value: Decimal) -> int | float:
    """A Decimal as JSON knows numbers: whole ones without a fraction."""
    return int(value) if value == value.to_integral_value() else float(value)
