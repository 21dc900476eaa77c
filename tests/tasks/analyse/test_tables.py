"""The analysis `tables`: numbers, changes between periods, shares of totals."""

from __future__ import annotations

from typing import Any

import pytest
from books import document, table

from tasks.analyse.tables import analyse, numeric_table, shares


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


def test_columns_without_periods_are_compared_with_their_neighbours() -> None:
    found = only("Item | Actual | Budget\nSales | 110 | 100")
    assert change(found, "Sales", "Budget", "Actual") == pytest.approx(10)


def test_columns_of_changes_are_not_compared() -> None:
    found = only("Item | 2019 | 2018 | % change\nSales | 110 | 100 | 10%")
    assert {(row["from"], row["to"]) for row in found["changes"]} == {("2018", "2019")}


def test_a_nil_base_gives_no_change_and_a_nil_total_no_share() -> None:
    found = only("Item | 2019 | 2018\nA | 5 | —\nTotal | 5 | —")
    assert found["changes"] == [] and {row["column"] for row in found["shares"]} == {"2019"}


def test_equal_heads_are_made_unique_in_the_frame() -> None:
    read = numeric_table(table("Item | Amount | Amount\nA | 1 | 2"), ".")
    assert read is not None and len(set(read.frame().columns)) == 3
    assert shares(read).is_empty()


def test_a_document_without_numbers_says_so() -> None:
    result = analyse(document([table("Name | Town\nAnna | Rome")]))
    assert result["tables"] == [] and result["reasons"] == ["The document has no table with numbers."]
