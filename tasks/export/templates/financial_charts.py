"""The charts of the financial template: results, margins, cash and liquidity over the years, two in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from reportlab.graphics.shapes import Drawing
from reportlab.platypus import Flowable

from tasks.export import finance, style
from tasks.export.charts import Chart, Series, beside, columns, half, lines
from tasks.export.companies import Company
from tasks.export.layout import Heading, Space
from tasks.export.templates.financial_units import Unit
from tasks.export.words import Words

MOST = 12  # years in a chart


def charts(firm: Company, unit: Unit, words: Words) -> list[Flowable]:
    """Return rows of charts with their heading; empty where there are fewer than two years."""
    years = firm.years[-MOST:]
    if len(years) < 2:
        return []
    amounts = partial(_amounts, firm, years, unit, words)
    shares = partial(_shares, firm, years, words)
    makers = [
        partial(amounts, "chart_results", ("revenue", "operating_income", "net_income")),
        partial(shares, "chart_margins", ("gross_margin", "ebitda_margin", "operating_margin", "net_margin"), True),
        partial(amounts, "chart_cash", ("operating_cash_flow", "capital_expenditure", "free_cash_flow")),
        partial(shares, "chart_liquidity", ("current_ratio", "quick_ratio", "cash_ratio"), False),
        partial(amounts, "chart_capital", ("total_assets", "total_liabilities", "shareholders_equity")),
    ]
    able = [make for make in makers if make(half(style.WIDTH)) is not None]
    story: list[Flowable] = [Heading(words("charts"), 2)] if able else []
    for index in range(0, len(able), 2):
        pair = able[index : index + 2]  # the last of an odd number takes the whole width
        made = [make(half(style.WIDTH) if len(pair) == 2 else style.WIDTH) for make in pair]
        story += [beside(made[0], made[-1] if len(pair) == 2 else None, style.WIDTH), Space(12)]
    return story


def _amounts(
    firm: Company, years: Sequence[str], unit: Unit, words: Words, title: str, names: Sequence[str], width: float
) -> Drawing | None:
    years = _told(years, [[_amount(firm, name, year, unit) for year in years] for name in names])
    series = [Series(_name(name, words), [_amount(firm, name, year, unit) for year in years]) for name in names]
    show = words.format
    return columns(Chart(words(title, unit=unit.name), years, series, width, partial(_tick, show.decimal)))


def _amount(firm: Company, name: str, year: str, unit: Unit) -> float | None:
    value = firm.value(name, year)
    value = firm.measured(name, year) if value is None else value
    return None if value is None else value / unit.factor


def _shares(
    firm: Company, years: Sequence[str], words: Words, title: str, names: Sequence[str], percent: bool, width: float
) -> Drawing | None:
    years = _told(years, [[firm.measured(name, year) for year in years] for name in names])
    series = [Series(_name(name, words), [firm.measured(name, year) for year in years]) for name in names]
    show = words.format
    tick = partial(show.percent, places=0) if percent else partial(show.decimal, places=1)
    return lines(Chart(words(title), years, series, width, tick), zero=not percent)


def _told(years: Sequence[str], values: Sequence[Sequence[float | None]]) -> Sequence[str]:
    """Return the years from the first to the last in which anything is known."""
    known = [index for index in range(len(years)) if any(row[index] is not None for row in values)]
    return years[known[0] : known[-1] + 1] if known else ()


def _tick(decimal: Callable[[float, int], str], value: float) -> str:
    return decimal(value, 0 if abs(value) >= 10 or value == 0 else 1)


def _name(name: str, words: Words) -> str:
    return (
        finance.item_name(name, words.language) if name in finance.ITEMS else finance.metric_name(name, words.language)
    )
