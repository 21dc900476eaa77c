"""Checks that figures pass when they were read well: each an identity between figures of one period.

A check that fails does not remove a figure; it tells the reader where to look. Both sides and their difference are
given, with the tolerance: a hundred-thousandth of the larger side, for rounding in the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tasks.figures import Figure, plain_number

_TOLERANCE = Decimal("0.00001")

IDENTITIES: tuple[tuple[str, str, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]], ...] = (
    (
        "revenue_less_cost_is_gross_profit",
        "revenue − cost_of_goods_sold = gross_profit",
        (("revenue", 1), ("cost_of_goods_sold", -1)),
        (("gross_profit", 1),),
    ),
    (
        "balance_sheet_balances",
        "total_assets = total liabilities and equity",
        (("total_assets", 1),),
        (("liabilities_and_equity", 1),),
    ),
    (
        "assets_are_liabilities_and_equity",
        "total_assets = total_liabilities + total equity",
        (("total_assets", 1),),
        (("total_liabilities", 1), ("total_equity", 1)),
    ),
    (
        "debt_lines_are_total_debt",
        "D1 + D2 + … + D14 = total debts (D)",
        (("debts_by_line", 1),),
        (("debts_total", 1),),
    ),
    (
        "pretax_less_tax_is_net_income",
        "pretax_income − income_tax = net income before minority interests",
        (("pretax_income", 1), ("income_tax", -1)),
        (("net_income_total", 1),),
    ),
    (
        "net_income_is_that_in_equity",
        "net income of the income statement = net income in equity",
        (("net_income_total", 1),),
        (("net_income_in_equity", 1),),
    ),
    (
        "parts_do_not_exceed_assets",
        "current_assets ≤ total_assets",
        (("current_assets", 1),),
        (("total_assets", 1),),
    ),
)
"""Name, formula, and the two sides as items with signs; the last one is an inequality."""


def check_figures(figures: Sequence[Figure], totals: Sequence[Figure] = ()) -> list[dict[str, Any]]:
    """Run every identity on every period that has all its parts.

    Args:
        figures: the figures of the document.
        totals: sums that only the checks need (`liabilities_and_equity`, `total_equity`, `net_income_total`).

    Returns:
        Rows for JSON: check, period, formula, left, right, difference and whether it `passed`.
    """
    by_period: dict[str, dict[str, Decimal]] = {}
    for figure in (*totals, *figures):
        by_period.setdefault(figure.period, {})[figure.item] = figure.value
    rows = []
    for period in sorted(by_period, reverse=True):
        for name, formula, left, right in IDENTITIES:
            sides = [_side(by_period[period], side) for side in (left, right)]
            if sides[0] is not None and sides[1] is not None:
                rows.append(_row(name, formula, period, sides[0], sides[1]))
    return rows


def _side(values: dict[str, Decimal], terms: Sequence[tuple[str, int]]) -> Decimal | None:
    if any(item not in values for item, _ in terms):
        return None
    return sum((sign * values[item] for item, sign in terms), Decimal(0))


def _row(name: str, formula: str, period: str, left: Decimal, right: Decimal) -> dict[str, Any]:
    gap = left - right
    allowed = max(abs(left), abs(right)) * _TOLERANCE
    passed = gap <= allowed if "≤" in formula else abs(gap) <= allowed
    return {
        "check": name,
        "period": period,
        "formula": formula,
        "left": plain_number(left),
        "right": plain_number(right),
        "difference": plain_number(gap),
        "passed": passed,
    }
