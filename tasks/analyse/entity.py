"""The record of an entity, which the finders of identifiers, dates and amounts share."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tasks.analyse.statements.read_numbers import Mark

Value = str | float


@dataclass(frozen=True, slots=True)
class Entity:
    """One value: `kind` is vat_number, tax_code, iban, ein, date, amount, percentage, email or domain.

    `value` is an ISO date, a number (of an amount in whole currency units, of a percentage in percent) or the compact
    identifier; `currency` an ISO 4217 code. `about` is the words around its first occurrence, `start` where it begins
    in the text that it was found in.
    """

    kind: str
    value: Value
    text: str
    page: int = 1
    currency: str = ""
    count: int = 1
    about: str = ""
    start: int = field(default=0, compare=False)

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "kind": self.kind,
            "value": self.value,
            "text": self.text,
            "page": self.page,
            "count": self.count,
        }
        row |= {"currency": self.currency} if self.currency else {}
        return row | ({"about": self.about} if self.about else {})


@dataclass(frozen=True, slots=True)
class Style:
    """How a document writes: its decimal sign, and whether its numeric dates put "day" or "month" first, or ""."""

    mark: Mark
    first: str


def plain_number(value: Decimal) -> float:
    """A Decimal as JSON knows numbers: whole ones without a fraction."""
    return int(value) if value == value.to_integral_value() else float(value)
