"""Metrics from figures, in polars: a table of fiscal years by items, one formula a metric.

A formula is written once, as text: it is what the result shows, what is computed and what names the inputs. `avg(x)` is
the mean of this year-end and the one before, `prior(x)` the year before. What lacks an input gives no metric and leaves
no trace; a denominator that is zero or negative gives none either, with the reason. Several formulas for one name are
alternatives: the first whose inputs are all there stands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tasks.analyse.statements.figures import Figure

if TYPE_CHECKING:
    import polars as pl

_DEBTS = ("(short_term_debt + long_term_debt", "(long_term_debt", "(short_term_debt")
_EBITDA = "operating_income + depreciation_amortization"
_DIO = "365 * avg(inventory) / cost_of_goods_sold"
_DSO = "365 * avg(accounts_receivable) / revenue"
_DPO = "365 * avg(accounts_payable) / (cost_of_goods_sold + inventory - prior(inventory))"

METRICS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("gross_margin", "percent", ("gross_profit / revenue", "(revenue - cost_of_goods_sold) / revenue")),
    ("operating_margin", "percent", ("operating_income / revenue",)),
    ("net_margin", "percent", ("net_income / revenue",)),
    ("ebitda", "currency", (_EBITDA,)),
    ("ebitda_margin", "percent", (f"({_EBITDA}) / revenue",)),
    ("roa", "percent", ("net_income / avg(total_assets)",)),
    ("roe", "percent", ("net_income / avg(shareholders_equity)",)),
    ("roi", "percent", ("operating_income / total_assets",)),
    ("cogs_margin", "percent", ("cost_of_goods_sold / revenue",)),
    ("current_ratio", "ratio", ("current_assets / current_liabilities",)),
    ("quick_ratio", "ratio", ("(current_assets - inventory) / current_liabilities",)),
    ("cash_ratio", "ratio", ("cash_and_equivalents / current_liabilities",)),
    ("working_capital", "currency", ("current_assets - current_liabilities",)),
    ("operating_cash_flow_ratio", "ratio", ("operating_cash_flow / current_liabilities",)),
    ("debt_to_equity", "ratio", tuple(f"{debt}) / shareholders_equity" for debt in _DEBTS)),
    ("net_debt", "currency", tuple(f"{debt[1:]} - cash_and_equivalents" for debt in _DEBTS)),
    ("net_debt_to_ebitda", "ratio", tuple(f"{debt} - cash_and_equivalents) / ({_EBITDA})" for debt in _DEBTS)),
    ("interest_coverage", "ratio", ("operating_income / interest_expense",)),
    ("asset_turnover", "ratio", ("revenue / avg(total_assets)",)),
    ("fixed_asset_turnover", "ratio", ("revenue / avg(property_plant_equipment)",)),
    ("inventory_turnover", "ratio", ("cost_of_goods_sold / avg(inventory)",)),
    ("dio", "days", (_DIO,)),
    ("dso", "days", (_DSO,)),
    ("dpo", "days", (_DPO,)),
    ("cash_conversion_cycle", "days", (f"{_DIO} + {_DSO} - {_DPO}",)),
    ("free_cash_flow", "currency", ("operating_cash_flow - capital_expenditure",)),
    ("capex_to_revenue", "percent", ("capital_expenditure / revenue",)),
    ("depreciation_to_revenue", "percent", ("depreciation_amortization / revenue",)),
    ("dividend_payout_ratio", "ratio", ("dividends_paid / net_income",)),
    ("retention_ratio", "ratio", ("1 - dividends_paid / net_income",)),
    ("revenue_growth", "percent", ("(revenue - prior(revenue)) / prior(revenue)",)),
    ("operating_income_growth", "percent", ("(operating_income - prior(operating_income)) / prior(operating_income)",)),
    ("net_income_growth", "percent", ("(net_income - prior(net_income)) / prior(net_income)",)),
)
"""Name, unit and formulas. A percent value is the quotient times 100; the others are as the formula says."""

CAGR = "revenue_cagr"
CAGR_FORMULA = "(revenue / revenue of the first year) ** (1 / years) - 1"


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula: its inputs (`item` or `prior(item)`) and its denominators, both as column names and sources."""

    text: str
    inputs: tuple[str, ...]
    denominators: tuple[str, ...]


def compute_metrics(figures: Sequence[Figure]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All metrics of all fiscal years.

    Returns:
        The metrics as the contract has them, and those that a zero or negative denominator forbids, with the reason.
    """
    frame = figure_frame(figures)
    if frame.is_empty():
        return [], []
    metrics: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    for name, unit, formulas in METRICS:
        for row in _evaluate(frame, name, unit, formulas):
            (metrics if "value" in row else missing).append(row)
    growth, refused = _cagr(frame)
    return [*metrics, *growth], [*missing, *refused]


def figure_frame(figures: Sequence[Figure]) -> pl.DataFrame:
    """One row a fiscal year (column `year`), one Float64 column an item and one `prior(item)`; null where absent."""
    import polars as pl

    rows: dict[int, dict[str, float]] = {}
    for figure in figures:
        if figure.period.startswith("FY"):
            rows.setdefault(int(figure.period[2:6]), {})[figure.item] = float(figure.value)
    if not rows:
        return pl.DataFrame()
    items = sorted({item for row in rows.values() for item in row})
    columns = {item: [rows[year].get(item) for year in sorted(rows)] for item in items}
    schema = {"year": pl.Int64} | {item: pl.Float64() for item in items}
    frame = pl.DataFrame({"year": sorted(rows)} | columns, schema=schema)
    before = frame.select(pl.col("year") + 1, *(pl.col(item).alias(f"prior({item})") for item in items))
    return frame.join(before, on="year", how="left").sort("year")


@cache
def parse_formula(text: str) -> Formula:
    """What a formula takes: `avg(x)` takes x and prior(x)."""
    tree = ast.parse(text, mode="eval").body
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Name)]
    inputs: dict[str, None] = {}
    for node in names:
        if isinstance(node, ast.Call):
            item = ast.unparse(node.args[0])
            inputs |= dict.fromkeys([item, f"prior({item})"] if ast.unparse(node.func) == "avg" else [f"prior({item})"])
    called = {id(child) for node in names if isinstance(node, ast.Call) for child in ast.walk(node)}
    inputs |= {node.id: None for node in names if isinstance(node, ast.Name) and id(node) not in called}
    bottoms = [node.right for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    return Formula(text, tuple(inputs), tuple(ast.unparse(node) for node in bottoms))


def expression(text: str) -> pl.Expr:
    """A formula as a polars expression over the columns of `figure_frame`."""
    return _expression(ast.parse(text, mode="eval").body)


def _expression(node: ast.expr) -> pl.Expr:
    import polars as pl

    if isinstance(node, ast.BinOp):
        left, right = _expression(node.left), _expression(node.right)
        operations = {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right, ast.Div: left / right}
        return operations[type(node.op)]
    if isinstance(node, ast.Call):
        item = ast.unparse(node.args[0])
        prior = pl.col(f"prior({item})")
        return (pl.col(item) + prior) / 2 if ast.unparse(node.func) == "avg" else prior
    if isinstance(node, ast.Constant):
        return pl.lit(float(ast.literal_eval(node)))
    return pl.col(ast.unparse(node))


def _evaluate(frame: pl.DataFrame, name: str, unit: str, formulas: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One row a year for which some formula has all its inputs."""
    import polars as pl

    done: set[int] = set()
    for text in formulas:
        formula = parse_formula(text)
        if not all(column in frame.columns for column in formula.inputs):
            continue
        bottoms = [expression(bottom).alias(f"bottom {index}") for index, bottom in enumerate(formula.denominators)]
        ready = frame.drop_nulls(list(formula.inputs)).filter(~pl.col("year").is_in(list(done)))
        for row in ready.with_columns(expression(text).alias("value"), *bottoms).iter_rows(named=True):
            done.add(row["year"])
            yield _metric(row, name, unit, formula)


def _metric(row: dict[str, Any], name: str, unit: str, formula: Formula) -> dict[str, Any]:
    """A metric of one year, or why there is none."""
    period = f"FY{row['year']}"
    for index, bottom in enumerate(formula.denominators):
        if row[f"bottom {index}"] <= 0:
            sign = "zero" if row[f"bottom {index}"] == 0 else "negative"
            return {"metric": name, "period": period, "reason": f"The denominator {bottom} is {sign}."}
    value = row["value"] * (100 if unit == "percent" else 1)
    inputs = {item: _number(row[item]) for item in formula.inputs}
    return {"metric": name, "period": period, "value": value, "unit": unit, "formula": formula.text, "inputs": inputs}


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _cagr(frame: pl.DataFrame) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The yearly growth of revenue from the first to the last year, when they lie at least two years apart."""
    if "revenue" not in frame.columns:
        return [], []
    known = frame.drop_nulls("revenue").select("year", "revenue").rows()
    if len(known) < 3:
        return [], []
    (first_year, first), (last_year, last) = known[0], known[-1]
    period, years = f"FY{last_year}", last_year - first_year
    if first <= 0 or last <= 0:
        return [], [{"metric": CAGR, "period": period, "reason": "Revenue of the first or last year is not positive."}]
    value = 100 * ((last / first) ** (1 / years) - 1)
    inputs = {"revenue": _number(last), "revenue of the first year": _number(first), "years": years}
    row = {
        "metric": CAGR,
        "period": period,
        "value": value,
        "unit": "percent",
        "formula": CAGR_FORMULA,
        "inputs": inputs,
    }
    return [row], []
