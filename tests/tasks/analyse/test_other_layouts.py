"""The same statement in another layout has the same figures, or none: never those of another company, year or plan."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from books import BALANCE, CIVIL_ASSETS, CIVIL_INCOME, CIVIL_LIABILITIES, INCOME, document, table

from tasks.analyse.financial import analyse
from tasks.records import Element

Figures = dict[tuple[str, str], float]

STATEMENTS = {
    "income": ("Statements of income", INCOME, "(In millions, except per share)", "Year ended December 31,"),
    "balance": ("Balance sheets", BALANCE, "(In millions)", "December 31,"),
}


def figures(result: dict[str, Any]) -> Figures:
    return {(row["item"], row["period"]): row["value"] for row in result["figures"]}


def tripled(cell: str) -> str:
    return re.sub(r"\d[\d,]*", lambda match: f"{3 * int(match[0].replace(',', '')):,}", cell)


def laid_out(text: str, order: str) -> str:
    """The rows below the heads with their columns in another order: `0` this year, `1` the last, `x` and `y` these tripled."""
    lines = []
    for row in (line.split(" | ") for line in text.strip("\n").split("\n")):
        if len(row) != 3 or "2019" in row[1] or "December" in row[1]:
            continue
        cells = {"0": row[1], "1": row[2], "x": tripled(row[1]), "y": tripled(row[2])}
        lines.append(" | ".join([row[0], *(cells[column] for column in order)]))
    return "\n".join(lines)


def read(name: str, order: str, heads: list[str], unit: bool = True) -> dict[str, Any]:
    title, text, scale, _ = STATEMENTS[name]
    first = f"{scale if unit else ''} | {heads[0]}"
    return analyse(
        document([Element("title", title, 5, level=1), table("\n".join([first, *heads[1:], laid_out(text, order)]), 5)])
    )


def plain(name: str) -> Figures:
    return figures(read(name, "01", ["2019 | 2018"]))


@pytest.mark.parametrize(
    ("order", "heads"),
    [
        ("10", ["2018 | 2019"]),
        ("01xy", ["Group 2019 | Group 2018 | Company 2019 | Company 2018"]),
        ("xy01", ["Parent 2019 | Parent 2018 | Consolidated 2019 | Consolidated 2018"]),
        ("xy01", ["Company | | Group | ", " | 2019 | 2018 | 2019 | 2018"]),
        ("0x1y", ["Group 2019 | Company 2019 | Group 2018 | Company 2018"]),
        ("0y1", ["2019 | 2018 as previously reported | 2018 restated"]),
        ("01y", ["2019 | 2018 restated | 2018 as previously reported"]),
        ("x01", ["Budget 2019 | Actual 2019 | Actual 2018"]),
        ("01xy", ["2019A | 2018A | 2020E | 2021E"]),
        ("01xy", ["2019 | 2018 | Forecast 2020 | Forecast 2021"]),
        ("x01", ["US$ | RMB | RMB", " | 2019 | 2019 | 2018"]),
    ],
)
@pytest.mark.parametrize("name", STATEMENTS)
def test_columns_of_others_beside_its_own(name: str, order: str, heads: list[str]) -> None:
    assert figures(read(name, order, heads)) == plain(name) != {}


def test_columns_of_which_nobody_can_tell_whose_they_are_give_nothing() -> None:
    assert figures(read("balance", "0x1", ["Group | Company | ", " | 2019 | 2018 | 2017"])) == {}


@pytest.mark.parametrize(("cut", "other_way"), [*product((6, 11, 16), (False, True))])
def test_a_continuation_whose_columns_are_the_other_way_round(cut: int, other_way: bool) -> None:
    whole = BALANCE.strip("\n").split("\n")[1:]
    order, head = ("10", "2018 | 2019") if other_way else ("01", "2019 | 2018")
    above = "(In millions) | 2019 | 2018\n" + "\n".join(whole[:cut])
    below = f"(In millions) | {head}\n" + laid_out("\n".join(whole[cut:]), order)
    pages = [Element("title", "Balance sheets", 5, level=1), table(above, 5), table(below, 6)]
    assert figures(analyse(document(pages))) == plain("balance")


def civil(income: str, balance: tuple[str, str]) -> dict[str, Any]:
    return analyse(document([table(text, page) for page, text in enumerate((*balance, income), start=1)], "it"))


@pytest.mark.parametrize("heads", [("2018/2019", "2017/2018"), ("2018/19", "2017/18"), ("30/06/2019", "30/06/2018")])
def test_a_year_over_two_has_the_name_of_its_close(heads: tuple[str, str]) -> None:
    def dated(text: str) -> str:
        return text.replace("31-12-2019", heads[0]).replace("31-12-2018", heads[1])

    found = figures(civil(dated(CIVIL_INCOME), (dated(CIVIL_ASSETS), CIVIL_LIABILITIES)))
    assert found == figures(civil(CIVIL_INCOME, (CIVIL_ASSETS, CIVIL_LIABILITIES)))
    assert found["revenue", "FY2019"] == 301_000


def test_beside_the_close_of_a_quarter_stands_the_last_year_end() -> None:
    text = BALANCE.replace("December 31, 2019", "June 30, 2019")
    found = figures(analyse(document([Element("title", "Balance sheets", 5, level=1), table(text, 5)])))
    assert {period for _, period in found} == {"FY2018", "2019Q2"}
    assert found["total_assets", "FY2018"] == 760e6


def test_a_unit_that_is_only_the_other_statements_is_not_taken_where_it_is_out_of_proportion() -> None:
    whole = BALANCE.replace("(In millions)", " ")
    in_units = re.sub(r"(?<![\d,])(\d{2,3})(?!\d)(?=[)\s]|$)", r"\1,000,000", whole)
    pages = [Element("title", "Statements of income", 4, level=1), table(INCOME, 4)]
    for text, known in ((whole, True), (in_units, False)):
        balance = [Element("title", "Balance sheets", 5, level=1), table(text, 5)]
        result = analyse(document([*pages, *balance]))
        assert (figures(result).get(("total_assets", "FY2019")) == 850e6) is known
        assert any("states no unit" in reason for reason in result["reasons"]) is not known


def test_net_income_of_the_two_statements_is_compared() -> None:
    def result(income: str) -> list[bool]:
        rows = civil(income, (CIVIL_ASSETS, CIVIL_LIABILITIES))["checks"]
        return [
            row["passed"]
            for row in rows
            if row["check"] == "net_income_is_that_in_equity" and row["period"] == "FY2019"
        ]

    assert result(CIVIL_INCOME) == [True]
    assert result(CIVIL_INCOME.replace("dell'esercizio | 50.000", "dell'esercizio | 5.000")) == [False]


BRITISH = """
 | Note | 2024 £'000 | 2023 £'000
Fixed assets | | |
Tangible assets | 13 | 8,420 | 8,910
Current assets | | |
Stocks | 14 | 2,310 | 2,150
Cash at bank and in hand | | 1,960 | 1,310
 | | 4,270 | 3,460
Creditors: amounts falling due within one year | 16 | (2,240) | (2,010)
Net current assets | | 2,030 | 1,450
Total assets less current liabilities | | 10,450 | 10,360
Creditors: amounts falling due after more than one year | 17 | (450) | (1,190)
Net assets | | 10,000 | 9,170
Capital and reserves | | |
Called up share capital | 19 | 500 | 500
Total equity | | 10,000 | 9,170
"""

BRITISH_INCOME = """
 | Note | 2024 £'000 | 2023 £'000
Turnover | 3 | 21,400 | 20,150
Cost of sales | | (13,900) | (13,300)
Gross profit | | 7,500 | 6,850
Administrative expenses | | (6,050) | (5,720)
Operating profit | 5 | 1,450 | 1,130
Interest payable and similar expenses | 9 | (210) | (240)
Profit before taxation | | 1,240 | 890
Tax on profit | 10 | (310) | (220)
Profit for the financial year | | 930 | 670
"""


def test_british_accounts() -> None:
    result = analyse(document([table(BRITISH_INCOME, 9), table(BRITISH, 10)]))
    found = {item: value / 1000 for (item, period), value in figures(result).items() if period == "FY2024"}
    wanted = {
        "revenue": 21400,
        "cost_of_goods_sold": 13900,
        "gross_profit": 7500,
        "operating_income": 1450,
        "pretax_income": 1240,
        "income_tax": 310,
        "net_income": 930,
        "inventory": 2310,
        "cash_and_equivalents": 1960,
        "property_plant_equipment": 8420,
        "shareholders_equity": 10000,
    }
    assert {item: found.get(item) for item in wanted} == wanted
    assert "total_assets" not in found and all(row["passed"] for row in result["checks"])
