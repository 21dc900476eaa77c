"""Metrics: values by hand, absence without inputs, reasons for denominators."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tasks.analyse.statements.compute_metrics import CAGR, compute_metrics, metric_formulas, parse_formula
from tasks.figures import Figure


def figure(item: str, year: int, value: float) -> Figure:
    return Figure(item, f"FY{year}", Decimal(str(value)), item, 1, "income_statement")


def values(*figures: Figure) -> dict[tuple[str, str], float]:
    return {(row["metric"], row["period"]): row["value"] for row in compute_metrics(figures)[0]}


TWO_YEARS = [
    figure(item, year, value)
    for item, first, second in [
        ("revenue", 800, 1000),
        ("cost_of_goods_sold", 500, 600),
        ("operating_income", 130, 200),
        ("net_income", 90, 130),
        ("depreciation_amortization", 55, 60),
        ("inventory", 130, 150),
        ("accounts_receivable", 180, 200),
        ("accounts_payable", 140, 160),
        ("current_assets", 410, 470),
        ("current_liabilities", 170, 200),
        ("total_assets", 760, 850),
        ("shareholders_equity", 320, 390),
        ("property_plant_equipment", 270, 300),
        ("short_term_debt", 30, 40),
        ("long_term_debt", 260, 250),
        ("cash_and_equivalents", 100, 120),
        ("interest_expense", 10, 20),
        ("operating_cash_flow", 160, 210),
        ("capital_expenditure", 80, 90),
        ("dividends_paid", 30, 40),
    ]
    for year, value in ((2018, first), (2019, second))
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gross_margin", 40),
        ("operating_margin", 20),
        ("net_margin", 13),
        ("ebitda", 260),
        ("ebitda_margin", 26),
        ("roa", 100 * 130 / 805),
        ("roe", 100 * 130 / 355),
        ("roi", 100 * 200 / 850),
        ("cogs_margin", 60),
        ("current_ratio", 2.35),
        ("quick_ratio", 1.6),
        ("cash_ratio", 0.6),
        ("working_capital", 270),
        ("operating_cash_flow_ratio", 1.05),
        ("debt_to_equity", 290 / 390),
        ("net_debt", 170),
        ("net_debt_to_ebitda", 170 / 260),
        ("interest_coverage", 10),
        ("asset_turnover", 1000 / 805),
        ("fixed_asset_turnover", 1000 / 285),
        ("inventory_turnover", 600 / 140),
        ("dio", 365 * 140 / 600),
        ("dso", 365 * 190 / 1000),
        ("dpo", 365 * 150 / 620),
        ("cash_conversion_cycle", 365 * 140 / 600 + 365 * 190 / 1000 - 365 * 150 / 620),
        ("free_cash_flow", 120),
        ("capex_to_revenue", 9),
        ("depreciation_to_revenue", 6),
        ("dividend_payout_ratio", 40 / 130),
        ("retention_ratio", 90 / 130),
        ("revenue_growth", 25),
        ("operating_income_growth", 100 * 70 / 130),
        ("net_income_growth", 100 * 40 / 90),
    ],
)
def test_values_by_hand(name: str, value: float) -> None:
    assert values(*TWO_YEARS)[name, "FY2019"] == pytest.approx(value)


def test_every_metric_is_tried_by_hand() -> None:
    tried = {mark.args[1][index][0] for mark in test_values_by_hand.pytestmark for index in range(len(mark.args[1]))}
    assert tried == set(metric_formulas())


def test_the_first_year_has_no_averages_and_no_growth() -> None:
    names = {name for name, period in values(*TWO_YEARS) if period == "FY2018"}
    assert "roa" not in names and "revenue_growth" not in names and "current_ratio" in names


def test_absent_inputs_give_nothing() -> None:
    metrics, missing = compute_metrics([figure("net_income", 2019, 5)])
    assert metrics == [] and compute_metrics([]) == ([], [])
    reasons = {row["metric"]: row["reason"] for row in missing}
    assert reasons["roa"] == "Without total_assets of FY2019, total_assets of FY2018."
    assert reasons["net_income_growth"] == "Without net_income of FY2018."


def test_every_metric_is_there_or_says_why_not() -> None:
    metrics, missing = compute_metrics(TWO_YEARS)
    told = {(row["metric"], row["period"]) for row in (*metrics, *missing)}
    assert told >= {(name, f"FY{year}") for name in metric_formulas() for year in (2018, 2019)}
    assert (CAGR, "FY2019") in told and len(told) == len(metrics) + len(missing)


def test_no_formula_goes_on_without_a_debt_that_was_not_read() -> None:
    debts = [figure("long_term_debt", 2019, 5), figure("cash_and_equivalents", 2019, 2)]
    assert values(*debts)["net_debt", "FY2019"] == 3
    metrics, missing = compute_metrics(debts, {("short_term_debt", "FY2019"): "the total was not read"})
    assert "net_debt" not in {row["metric"] for row in metrics}
    assert next(row["reason"] for row in missing if row["metric"] == "net_debt").endswith("The total was not read.")


def test_receivables_due_after_the_year_are_not_current() -> None:
    known = [figure("current_assets", 2019, 100), figure("current_liabilities", 2019, 50)]
    assert values(*known)["current_ratio", "FY2019"] == 2
    assert values(*known, figure("receivables_due_after_year", 2019, 25))["current_ratio", "FY2019"] == 1.5


def test_years_apart_are_not_neighbours() -> None:
    assert ("revenue_growth", "FY2019") not in values(figure("revenue", 2017, 5), figure("revenue", 2019, 6))


@pytest.mark.parametrize(("equity", "word"), [(0, "zero"), (-10, "negative")])
def test_a_denominator_that_is_not_positive_gives_the_reason(equity: float, word: str) -> None:
    metrics, missing = compute_metrics([figure("long_term_debt", 2019, 5), figure("shareholders_equity", 2019, equity)])
    assert metrics == []
    assert next(word in row["reason"] for row in missing if row["metric"] == "debt_to_equity")


def test_gross_margin_from_cost_when_gross_profit_is_not_printed() -> None:
    metrics, _ = compute_metrics([figure("revenue", 2019, 100), figure("cost_of_goods_sold", 2019, 60)])
    row = next(row for row in metrics if row["metric"] == "gross_margin")
    assert (row["value"], row["formula"]) == (40, "(revenue - cost_of_goods_sold) / revenue")


def test_growth_over_several_years() -> None:
    found = values(*(figure("revenue", year, value) for year, value in ((2016, 100), (2017, 90), (2018, 121))))
    assert found["revenue_cagr", "FY2018"] == pytest.approx(10)


def test_quarters_have_no_metrics() -> None:
    quarter = Figure("revenue", "2019Q1", Decimal(5), "Revenue", 1, "income_statement")
    metrics, missing = compute_metrics([quarter, quarter])
    assert metrics == [] and {row["metric"] for row in missing} == {*metric_formulas(), CAGR}
    assert all("fiscal years" in row["reason"] for row in missing)


def test_formulas_name_their_inputs() -> None:
    formula = parse_formula("365 * avg(inventory) / (cost_of_goods_sold - prior(inventory))")
    assert set(formula.inputs) == {"inventory", "prior(inventory)", "cost_of_goods_sold"}
    assert formula.denominators == ("cost_of_goods_sold - prior(inventory)",)
