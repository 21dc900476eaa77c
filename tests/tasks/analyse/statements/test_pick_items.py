"""Items that need more than one line: sums are taken when they prove themselves, and left out when they do not."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.analyse.statements.find_statements import Statement
from tasks.analyse.statements.match_labels import canonical
from tasks.analyse.statements.pick_items import Reading, read_statement
from tasks.analyse.statements.read_grids import Grid, Line
from tasks.analyse.statements.wordings import StatementKind


def reading(kind: StatementKind, text: str) -> Reading:
    """Read a statement written as lines of `label | amount | …`; a line without amounts is a head."""
    lines, section = [], ""
    for row in filter(None, map(str.strip, text.splitlines())):
        label, *cells = [cell.strip() for cell in row.split("|")]
        if not cells:
            section = label
            continue
        values = tuple(Decimal(cell) if cell else None for cell in cells)
        lines.append(Line(label, canonical(label), canonical(label), section, "", 1, values))
    return read_statement(Statement(kind, (Grid(1, 0, (), tuple(lines), "", ""),), 1.0))


def values(kind: StatementKind, text: str) -> dict[str, tuple[int | None, ...]]:
    return {
        pick.item: tuple(None if value is None else int(value) for value in pick.values)
        for pick in reading(kind, text).picks
    }


AMOUNT = st.integers(1, 10_000)


@given(st.lists(AMOUNT, min_size=2, max_size=4), st.integers(-3, 3))
def test_a_total_without_a_label_is_revenue_only_when_the_lines_above_prove_it(parts: list[int], off: int) -> None:
    lines = "\n".join(f"Prodotto {number} | {part}" for number, part in enumerate(parts))
    found = values("income_statement", f"Revenue\n{lines}\n | {sum(parts) + off}\nNet income | 1")
    assert found.get("revenue") == (None if off else (sum(parts),))


@given(AMOUNT, AMOUNT, AMOUNT, st.sampled_from([1, -1]), st.integers(0, 1))
def test_costs_by_kind_are_summed_only_when_gross_profit_proves_it(
    goods: int, services: int, margin: int, sign: int, off: int
) -> None:
    revenue = goods + services + margin
    assume(margin + off != revenue)
    text = f"""
        Revenue | {revenue}
        Cost of products | {sign * goods}
        Cost of services | {sign * services}
        Gross profit | {margin + off}
    """
    assert values("income_statement", text).get("cost_of_goods_sold") == (None if off else (goods + services,))


@pytest.mark.parametrize(
    ("lines", "cost"),
    [
        ("Cost of products | 30\nTotal costs | 40", 40),
        ("Cost of products | 30\nSelling expenses | 5\nTotal costs and expenses | 35", 30),
        ("Cost of products | 30\nCost of services | 10\nSelling expenses | 5\nTotal costs | 45", None),
        ("Cost of products | 30\nCost of services | 10", None),
    ],
)
def test_a_total_of_costs_is_cost_of_sales_only_with_nothing_else_above_it(lines: str, cost: int | None) -> None:
    found = values("income_statement", f"Revenue | 100\n{lines}\nNet income | 9")
    assert found.get("cost_of_goods_sold") == (None if cost is None else (cost,))


@given(AMOUNT, AMOUNT, st.integers(0, 2))
def test_a_line_without_a_label_is_gross_profit_when_it_is_revenue_less_cost(cost: int, margin: int, off: int) -> None:
    text = f"Revenue | {cost + margin}\nCost of sales | ({cost})\n | {margin + off}\nNet income | 1"
    found = values("income_statement", text.replace("(", "-").replace(")", ""))
    assert found.get("gross_profit") == (None if off else (margin,))


@pytest.mark.parametrize(
    ("above", "net_income"),
    [("Net income attributable to shareholders | 9", 9), ("Net income | 10", 8), ("Revenue | 90", None)],
)
def test_the_share_of_the_parent_stands_for_net_income_below_a_weaker_wording_of_it(
    above: str, net_income: int | None
) -> None:
    text = f"{above}\nAttributable to:\nOwners of the parent | 8\nNon-controlling interests | 2"
    found = values("income_statement", text)
    assert found.get("net_income") == (None if net_income is None else (net_income,))


BALANCE = """
Current assets
Cash and cash equivalents | 5
{stock}
Total current assets | {current}
Property, plant and equipment, gross | 90
Less accumulated depreciation | -30
{net}
Total assets | 200
Current liabilities
Accounts payable | 20
Current portion of long-term debt | 7
Short-term borrowings | 3
Operating lease liabilities, current | 4
{total_current}
Non-current liabilities
Long-term debt, less current portion | 50
Deferred tax | 6
Stockholders' equity
Common stock | 110
{last}
"""
WHOLE = {
    "stock": "Inventories\nRaw materials | 10\nWork in process | 4\nFinished goods | 6",
    "current": "25",
    "net": " | 60",
    "total_current": "Total current liabilities | 34",
    "last": "Total liabilities and stockholders' equity | 200",
}


def balance(**changed: str) -> dict[str, tuple[int | None, ...]]:
    return values("balance_sheet", BALANCE.format(**{**WHOLE, **changed}))


def test_a_balance_sheet_by_its_parts() -> None:
    found = balance()
    assert {
        item: found[item] for item in ("inventory", "short_term_debt", "long_term_debt", "property_plant_equipment")
    } == {
        "inventory": (20,),
        "short_term_debt": (10,),
        "long_term_debt": (50,),
        "property_plant_equipment": (60,),
    }


@pytest.mark.parametrize("net", [" | 60", "Net property | 60", "Total property, plant and equipment | 60"])
def test_net_property_stands_below_accumulated_depreciation(net: str) -> None:
    assert balance(net=net)["property_plant_equipment"] == (60,)


@pytest.mark.parametrize(
    ("changed", "unread"),
    [
        ({"total_current": ""}, {"short_term_debt"}),
        ({"last": ""}, {"short_term_debt", "long_term_debt"}),
        ({"total_current": "", "last": ""}, {"short_term_debt", "long_term_debt"}),
    ],
)
def test_debts_are_left_out_with_a_reason_where_the_table_breaks_off(changed: dict[str, str], unread: set[str]) -> None:
    found = reading("balance_sheet", BALANCE.format(**{**WHOLE, **changed}))
    assert set(found.unread) == unread
    assert all(reason for reasons in found.unread.values() for reason in reasons)
    assert not unread & {pick.item for pick in found.picks}


@pytest.mark.parametrize(
    ("stock", "inventory"),
    [
        ("Inventories\nRaw materials | 10", None),
        ("Raw materials | 10\nFinished goods | 6", None),
        ("Inventories\nRaw materials | 10\nOther | 1\nFinished goods | 6", None),
        ("Rimanenze\nMaterie prime | 10\nProdotti finiti | 6\nCrediti | 3\nMerci | 9", 16),
    ],
)
def test_inventory_is_summed_from_kinds_that_stand_together_under_its_head(stock: str, inventory: int | None) -> None:
    assert balance(stock=stock).get("inventory") == (None if inventory is None else (inventory,))


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("Depreciation | 8\nAmortization of intangible assets | 3", 11),
        ("Depreciation | 8", 8),
        ("Amortization of intangible assets | 3", None),
        ("Depreciation and amortization | 12\nDepreciation | 8\nAmortization | 4", 12),
    ],
)
def test_amortisation_stands_beside_depreciation(lines: str, found: int | None) -> None:
    text = f"Net income | 5\n{lines}\nNet cash provided by operating activities | 30"
    assert values("cash_flow_statement", text).get("depreciation_amortization") == (found and (found,))


@given(st.integers(-500, 500), st.integers(1, 200), st.sampled_from([1, -1]))
def test_the_sign_of_tax_follows_from_the_result_whatever_is_printed(pretax: int, charge: int, printed: int) -> None:
    text = f"Income before income taxes | {pretax}\nIncome tax expense | {printed * charge}\nNet income | {pretax - charge}"
    assert values("income_statement", text)["income_tax"] == (charge,)


@pytest.mark.parametrize(
    ("label", "printed", "tax"),
    [("Income tax expense", 7, 7), ("Income tax (expense) benefit", -7, 7), ("Income tax (expense) benefit", 7, -7)],
)
def test_without_a_result_the_label_tells_the_sign_of_tax(label: str, printed: int, tax: int) -> None:
    assert values("income_statement", f"Revenue | 90\n{label} | {printed}")["income_tax"] == (tax,)


@pytest.mark.parametrize(
    ("label", "printed", "interest"),
    [
        ("Interest expense", "-4 | 5", (4, 5)),
        ("Interest expense (income)", "-4 | 5", (-4, 5)),
        ("Interest expense", " | -5", (None, 5)),
    ],
)
def test_costs_are_positive_but_where_the_label_names_income_too(
    label: str, printed: str, interest: tuple[int | None, ...]
) -> None:
    found = values("income_statement", f"Revenue | 90 | 80\n{label} | {printed}\nNet income | 9 | 8")
    assert found["interest_expense"] == interest
