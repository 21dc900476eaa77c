"""The analysis `tables`: numbers, changes between periods, shares of totals."""

from __future__ import annotations

from typing import Any

import pytest
from books import document, table

from tasks.analyse.tables import analyse


def only(text: str, language: str = "en") -> dict[str, Any]:
    (found,) = analyse(document([table(text)], language))["tables"]
    return dict(found)


def change(found: dict[str, Any], row: str, start: str, end: str) -> float:
    return next(c["percent"] for c in found["changes"] if (c["row"], c["from"], c["to"]) == (row, start, end))


def share(found: dict[str, Any], row: str, column: str) -> float:
    return next(s["percent"] for s in found["shares"] if (s["row"], s["column"]) == (row, column))


COSTS = "Costs | 2019 | 2018 | 2017\nWages | 60 | 50 | 40\nRent | 40 | 30 | 60\nTotal | 100 | 80 | 100"


def test_changes_run_from_the_earlier_to_the_later_period() -> None:
    found = only(COSTS)
    assert change(found, "Wages", "2018", "2019") == pytest.approx(20)
    assert change(found, "Wages", "2017", "2019") == pytest.approx(50)
    assert not any(row["from"] == "2019" for row in found["changes"])


def test_shares_of_the_total_line() -> None:
    assert share(only(COSTS), "Rent", "2018") == pytest.approx(37.5)


def test_a_total_without_its_name_is_known_by_its_sum() -> None:
    found = only("Item | 2019 | 2018\nA | 60 | 50\nB | 40 | 30\nAll of it | 100 | 80\nC | 7 | 9")
    assert share(found, "A", "2019") == pytest.approx(60)


def test_shares_of_a_total_column() -> None:
    found = only("Year | North | South | Total\n2019 sales | 30 | 70 | 100\n2018 sales | 10 | 40 | 50")
    assert share(found, "2018 sales", "North") == pytest.approx(20)


def test_ascending_columns_and_italian_numbers() -> None:
    found = only("Voce | 2018 | 2019\nRicavi | 1.000,50 | 1.500,75\nCosti | (800,25) | (900,00)", "it")
    assert change(found, "Ricavi", "2018", "2019") == pytest.approx(50)
    assert found["rows"][1]["values"] == [-800.25, -900.0]


def test_columns_that_are_called_before_and_after_are_compared() -> None:
    found = only("Item | Actual | Budget\nSales | 110 | 100")
    assert change(found, "Sales", "Budget", "Actual") == pytest.approx(10)


def test_columns_of_changes_are_not_compared() -> None:
    found = only("Item | 2019 | 2018 | % change\nSales | 110 | 100 | 10%")
    assert {(row["from"], row["to"]) for row in found["changes"]} == {("2018", "2019")}


def test_a_nil_base_gives_no_change_and_a_nil_total_no_share() -> None:
    found = only("Item | 2019 | 2018\nA | 5 | —\nTotal | 5 | —")
    assert found["changes"] == [] and {row["column"] for row in found["shares"]} == {"2019"}


def test_equal_heads_are_made_unique() -> None:
    found = only("Item | Amount | Amount\nA | 1 | 2")
    assert len(set(found["columns"])) == 2 and found["changes"] == found["shares"] == []


def test_a_document_without_numbers_says_so() -> None:
    result = analyse(document([table("Name | Town\nAnna | Rome")]))
    assert result["tables"] == [] and result["reasons"] == ["The document has no table with numbers."]


def pairs(found: dict[str, Any]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row["from"], row["to"]) for row in found["changes"]))


@pytest.mark.parametrize(
    "text",
    [
        "Item | Amount | Accumulated amortisation | Net\nSoftware | 100 | (40) | 60",
        "Due | Operating leases | Finance leases\nDepots | 460 | 47\nVans | 361 | 28",
        "Quarter | First quarter | Second quarter | Third quarter\nRevenue | 90 | 96 | 88",
        " | Land 2019 | Plant 2019 | Land 2018\nCost | 10 | 20 | 30",  # 2018 has no plant: nothing tells which is which
        "Site | As reported | Adjustments | As adjusted\nAssets | 100 | 5 | 105",
    ],
)
def test_different_things_are_not_compared(text: str) -> None:
    assert only(text)["changes"] == []


@pytest.mark.parametrize(
    "text",
    [
        " | Assets | | Liabilities | \n | 2019 | 2018 | 2019 | 2018\nClosing | 120 | 80 | 10 | 40",
        " | | Assets | | Liabilities\n | 2019 | 2018 | 2019 | 2018\nClosing | 120 | 80 | 10 | 40",
        " | 2019 | | 2018 | \n | Assets | Liabilities | Assets | Liabilities\nClosing | 120 | 10 | 80 | 40",
    ],
)
def test_a_period_that_repeats_is_compared_within_its_group(text: str) -> None:
    assert [row["percent"] for row in only(text)["changes"]] == pytest.approx([50, -75])


def test_months_and_years_are_not_compared() -> None:
    text = " | Three months ended June 30 | | Six months ended June 30 | \n | 2019 | 2018 | 2019 | 2018\nSales | 12 | 10 | 30 | 20"
    assert [row["percent"] for row in only(text)["changes"]] == pytest.approx([20, 50])


def test_lines_that_differ_in_their_period_are_compared() -> None:
    found = only("Due in | Operating leases\n2020 | 460\n2021 | 361\nThereafter | 686")
    assert [(row["row"], row["from"], row["to"]) for row in found["changes"]] == [("Operating leases", "2020", "2021")]
    assert found["changes"][0]["percent"] == pytest.approx(-21.52, abs=0.01)
    movements = "Plan | Total\nBalance at June 30, 2017 | 100\nPaid in 2018 | (40)\nBalance at June 30, 2018 | 60"
    assert pairs(only(movements)) == [("Balance at June 30, 2017", "Balance at June 30, 2018")]
    assert only("Ages | Total\n2006 to 2010 | 5\n2011 to 2015 | 9")["changes"] == []


def test_percentages_change_by_points_too() -> None:
    found = only("Rates | 2019 | 2018\nVolatility | 27.4% | 33.5%\nFee (%) | 3 | —\nShares | 110 | 100")
    assert [row["points"] and round(row["points"], 2) for row in found["changes"]] == [-6.1, 3, None]
    assert [row["percent"] and round(row["percent"], 1) for row in found["changes"]] == [-18.2, None, 10]
    signed_at_the_ends = only(
        "Tax | 2019 | 2018\nBy law | 21.0% | 35.0%\nSales of stock | (9.9) | —\nIn all | 13.0% | 18.3%"
    )
    assert [round(row["points"], 1) for row in signed_at_the_ends["changes"]] == [-14, -9.9, -5.3]


def test_a_percentage_and_a_result_a_share_are_no_part_of_an_amount() -> None:
    found = only("Year | 2019\nMargin | 40%\nEarnings per diluted share | 2\nCosts | 60\nTotal sales | 100")
    assert [(row["row"], row["percent"]) for row in found["shares"]] == [("Costs", 60)]


def test_heads_within_a_table_begin_another_one() -> None:
    text = "Rates | 2019 | 2018\nDollar | 70.1 | 64.5\nGrowth | 2019 (%) | 2018 (%)\nTrade | 15.2 | 8.8\nTotal | 19.0 | 11.0"
    first, second = analyse(document([table(text)]))["tables"]
    assert first["shares"] == [] and share(second, "Trade", "2019 (%)") == pytest.approx(80)
    assert change(second, "Trade", "2018 (%)", "2019 (%)") == pytest.approx(72.73, abs=0.01)


def test_ranges_beside_numbers_leave_the_numbers() -> None:
    found = only(
        "Level 3 | 2017 | 2016\nCommodities | $ 47 | $ 73\nSpread | 31 to 150 | 1 to 97\nCorrelation | 28% to 84% | 35%-70%"
    )
    assert change(found, "Commodities", "2016", "2017") == pytest.approx(-35.62, abs=0.01)


def test_what_is_taken_off_a_line_and_what_is_left_are_shares_of_it() -> None:
    found = only(
        "Item | 2019 | 2018 | Change\nEBITDA | 372 | 361 | 3.0%\nDepreciation | (111) | (102) | 8.8%\nEBIT | 261 | 259 | 0.8%"
    )
    assert share(found, "Depreciation", "2019") == pytest.approx(-29.84, abs=0.005)
    assert share(found, "EBIT", "2018") == pytest.approx(71.75, abs=0.005)
    assert {row["of"] for row in found["shares"]} == {"EBITDA"} and len(found["shares"]) == 4
    printed_positive = only("Voce | 2024\nRicavi | 1.000\nCosto del venduto | 600\nMargine lordo | 400", "it")
    assert share(printed_positive, "Margine lordo", "2024") == pytest.approx(40)


@pytest.mark.parametrize(
    "rows",
    [
        "Offices | 3\nPlants | 1\nShops | 2",  # by chance
        "Income | 100 | 90\nCosts | (482) | (141)\nNet costs | (382) | (51)",  # nothing is left
        "Commodity | 500 | 400\nExchange | (10) | (4)\nTotal | 490 | 396",  # a sum
        "Sales | 500 | 400\nCosts | (300) | (200)\nMargin | 200 | 201",  # in one column alone
        "Fair value | 100 | 95\nCost | 102 | 99\nLoss | (2) | (4)",  # more than the whole
    ],
)
def test_lines_that_make_up_no_line_above_are_no_shares_of_it(rows: str) -> None:
    heads = "Item | 2019 | 2018" if rows.split("\n")[0].count("|") == 2 else "Item | 2019"
    assert rows.split(" |")[0] not in {row["of"] for row in only(f"{heads}\n{rows}")["shares"]}


def quarters(year: str, other: str = "", label: str = "Margin") -> str:
    return f" | | {year} | \n | First | Second | Total{other}\nSales | 10 | 20 | 30\n{label} | 40.0% | 41.5% | 40.6%"


def test_two_tables_of_a_sheet_that_differ_in_their_year_are_compared() -> None:
    earlier = quarters("Fiscal 2018").replace("40.6", "41.2")
    tables = analyse(document([table(f"{quarters('Fiscal 2019')}\n{earlier}")]))["tables"]
    points = [
        (row["row"], row["from"], row["to"], round(row["points"], 2)) for row in tables[0]["changes"] if row["points"]
    ]
    assert points == [("Margin", "Total 2018", "Total 2019", -0.6)]
    assert tables[1]["changes"] == []


@pytest.mark.parametrize(
    "second",
    [
        quarters("Fiscal 2018", " cost"),
        quarters("Fiscal 2018", label="Share"),
        quarters("Six months 2018"),
        quarters("Fiscal 2019"),
    ],
)
def test_tables_of_a_sheet_that_differ_in_more_are_not(second: str) -> None:
    tables = analyse(document([table(f"{quarters('Fiscal 2019')}\n{second}")]))["tables"]
    assert len(tables) == 2 and not any(one["changes"] for one in tables)
