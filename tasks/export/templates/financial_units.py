"""How amounts and metrics are shown in the financial template: one unit for all tables of a company."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.export.companies import Company
from tasks.export.text import clean
from tasks.export.words import Words
from tasks.figures import Metric


@dataclass(frozen=True, slots=True)
class Unit:
    """Amounts are divided by `factor`; `name` says so, e.g. "EUR thousands"."""

    factor: float
    name: str

    def show(self, value: float | None, words: Words) -> str:
        return words.format.decimal(None if value is None else value / self.factor, 0)


def unit_of(firm: Company, words: Words) -> Unit:
    """Choose millions from ten thousand millions on, thousands from ten million, else units: at most eight digits a cell."""
    largest = max((abs(found.figure.value) for found in firm.figures.values()), default=0.0)
    currency = clean(firm.currency) or words("stated_currency")
    if largest >= 1e10:
        return Unit(1e6, words("unit_millions", currency=currency))
    if largest >= 1e7:
        return Unit(1e3, words("unit_thousands", currency=currency))
    return Unit(1.0, words("unit_units", currency=currency))


def change(now: float | None, before: float | None) -> float | None:
    """Change in percent; None from a base that is zero or negative, where a percentage means nothing."""
    return None if now is None or before is None or before <= 0 else 100 * (now / before - 1)


def shown(metric: Metric | None, unit: Unit, words: Words) -> str:
    """Return a metric in its own unit."""
    show = words.format
    if metric is None:
        return show.decimal(None)
    if metric.unit == "percent":
        return show.percent(metric.value)
    if metric.unit == "currency":
        return unit.show(metric.value, words)
    return show.decimal(metric.value, 0 if metric.unit == "days" else 2)
