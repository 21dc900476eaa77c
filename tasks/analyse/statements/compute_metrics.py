"""Metrics from figures, in polars: a table of fiscal years by items, one formula a metric.

A formula is written once, as text: it is what the result shows, what is computed and what names the inputs. `avg(x)` is
the mean of this year-end and the one before, `prior(x)` the year before. What lacks an input gives no metric, nor does
a denominator that is zero or negative; each says why. Several formulas for one name are alternatives: the first whose
inputs are all there stands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tasks.figures import Figure
from tasks.wordings import load_table

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, Any]
Unread = Mapping[tuple[str, str], str]
CAGR = "revenue_cagr"
CAGR_FORMULA = "(revenue / revenue of the first year) ** (1 / years) - 1"


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula: its inputs (`item` or `prior(item)`) and its denominators, both as column names and sources."""

    text: str
    inputs: tuple[str, ...]
    denominators: tuple[str, ...]


@cache
def metric_formulas() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return each metric's unit and formulas from `metrics.csv`, the preferred formula first.

    A percent value is the quotient times 100; the others are as the formula says.
    """
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for row in load_table("tasks.analyse.statements", "metrics.csv", ("metric", "unit", "formula")):
        unit, formulas = found.get(row["metric"], (row["unit"], ()))
        found[row["metric"]] = (unit, (*formulas, row["formula"]))
    return found


def compute_metrics(figures: Sequence[Figure], unread: Unread | None = None) -> tuple[list[Row], list[Row]]:
    """Compute all metrics of all fiscal years.

    Args:
        figures: what was read.
        unread: why an item of a period is left out although it may be printed; no formula goes on without it.

    Returns:
        The metrics, and for every other metric and fiscal year a row with the reason why it is not computed.
    """
    frame = figure_frame(figures)
    if frame.is_empty():
        return [], _without_years(figures)
    metrics: list[Row] = []
    missing: list[Row] = []
    for name, (unit, formulas) in metric_formulas().items():
        rows = list(_evaluate(frame, name, unit, formulas, unread or {}))
        metrics += [row for row in rows if "value" in row]
        missing += [row for row in rows if "value" not in row]
        missing += _absent(frame, name, formulas, {row["period"] for row in rows}, unread or {})
    growth, refused = _cagr(frame)
    return [*metrics, *growth], [*missing, *refused]


def _without_years(figures: Sequence[Figure]) -> list[Row]:
    """Say for every metric of an interim report that it has figures and no fiscal year, for the newest period."""
    if not figures:
        return []
    newest = max(figure.period for figure in figures)
    reason = "Metrics are of fiscal years, and the document has figures of shorter periods only."
    return [{"metric": name, "period": newest, "reason": reason} for name in (*metric_formulas(), CAGR)]


def _absent(frame: pl.DataFrame, name: str, formulas: Sequence[str], done: set[str], unread: Unread) -> Iterator[Row]:
    """Yield one row a year in which no formula has all its inputs, with those that are missing."""
    for row in frame.iter_rows(named=True):
        period = f"FY{row['year']}"
        if period not in done:
            lacks = [[item for item in parse_formula(text).inputs if row.get(item) is None] for text in formulas]
            fewest = [item for item in lacks[0] if all(item in other for other in lacks)] or lacks[0]
            known = [unread[item, period] for item in (*fewest, *_left_out(formulas)) if (item, period) in unread]
            reason = f"Without {', '.join(_dated(item, row['year']) for item in fewest)}." if fewest else ""
            because = f"{known[0][:1].upper()}{known[0][1:]}." if known else ""
            yield {"metric": name, "period": period, "reason": " ".join(filter(None, (reason, because)))}


def _left_out(formulas: Sequence[str]) -> list[str]:
    """Return the items that a formula has and another one does without."""
    inputs = [set(parse_formula(text).inputs) for text in formulas]
    return sorted({item for one in inputs for item in one if not all(item in other for other in inputs)})


def _dated(item: str, year: int) -> str:
    """Return an input with the year that it is of: `prior(revenue)` of 2025 is revenue of FY2024."""
    prior = item.startswith("prior(")
    return f"{item[6:-1] if prior else item} of FY{year - prior}"


def figure_frame(figures: Sequence[Figure]) -> pl.DataFrame:
    """Return one row a fiscal year (column `year`), one Float64 column an item and one `prior(item)`; null where absent."""
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
    """Return what a formula takes: `avg(x)` takes x and prior(x)."""
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
    """Return a formula as a polars expression over the columns of `figure_frame`."""
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


def _evaluate(frame: pl.DataFrame, name: str, unit: str, formulas: Sequence[str], unread: Unread) -> Iterator[Row]:
    """Yield one row a year for which some formula has all its inputs."""
    import polars as pl

    done: set[int] = set()
    wanted = set().union(*(parse_formula(text).inputs for text in formulas))
    for text in formulas:
        formula = parse_formula(text)
        if not all(column in frame.columns for column in formula.inputs):
            continue
        without = wanted - set(formula.inputs)
        barred = {int(period[2:6]) for item, period in unread if item in without and period.startswith("FY")}
        bottoms = [expression(bottom).alias(f"bottom {index}") for index, bottom in enumerate(formula.denominators)]
        ready = frame.drop_nulls(list(formula.inputs)).filter(~pl.col("year").is_in(list(done | barred)))
        for row in ready.with_columns(expression(text).alias("value"), *bottoms).iter_rows(named=True):
            done.add(row["year"])
            yield _metric(row, name, unit, formula)


def _metric(row: dict[str, Any], name: str, unit: str, formula: Formula) -> Row:
    """Return a metric of one year, or why there is none."""
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


def _cagr(frame: pl.DataFrame) -> tuple[list[Row], list[Row]]:
    """Return the yearly growth of revenue from the first to the last year, when they lie at least two years apart."""
    known = frame.drop_nulls("revenue").select("year", "revenue").rows() if "revenue" in frame.columns else []
    if len(known) < 3:
        newest = f"FY{frame['year'].to_list()[-1]}"
        return [], [
            {
                "metric": CAGR,
                "period": newest,
                "reason": f"Revenue of 3 fiscal years is needed, {len(known)} are there.",
            }
        ]
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
