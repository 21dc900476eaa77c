"""Workbooks: values that can be read again, sheets as pages, blocks, merged heads, odd workbooks."""

import datetime as dt
import io

import openpyxl
import pytest

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.calamine import calamine_sheets
from tasks.index.formats.sheets import CellCount, number_text, sheet_elements
from tasks.index.read import read
from tasks.records import Parsed


def saved(book: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def parsed(data: bytes) -> Parsed:
    return read(data, Context("x.xlsx", Limits()))


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (1234567.89, "#,##0.00", "1234567.89"),
        (0.1 + 0.2, "General", "0.3"),
        (1e-7, "General", "0.0000001"),
        (12, "0", "12"),
        (0.125, "0.0%", "12.5%"),
        (0.5, "0%", "50%"),
        (5, '0 "%"', "5"),
        (-3.0, "0", "-3"),
        (float("nan"), "0", ""),
        (True, "General", "TRUE"),
    ],
)
def test_numbers_as_text(value: float, number_format: str, text: str) -> None:
    assert number_text(value, number_format) == text


def test_sheets_dates_percentages_and_hidden_sheets() -> None:
    book = openpyxl.Workbook()
    book.active.title = "Conto economico"
    book.active.append(["Voce", dt.date(2024, 12, 31), "Quota"])
    book.active.append(["Ricavi", 1234.5, 0.25])
    book.active["C2"].number_format = "0%"
    hidden = book.create_sheet("Note")
    hidden.append(["Testo nascosto"])
    hidden.sheet_state = "hidden"
    result = parsed(saved(book))
    assert (result.pages, result.title) == (2, "Conto economico")
    [table] = [e for e in result.elements if e.kind == "table"]
    assert table.rows == (("Voce", "2024-12-31", "Quota"), ("Ricavi", "1234.5", "25%"))
    assert table.section == "Conto economico"
    assert [e.text for e in result.elements if e.page == 2] == ["Note", "Testo nascosto"]


def test_heads_merged_over_columns_stand_over_each() -> None:
    book = openpyxl.Workbook()
    for row in [["", "Esercizi", None, None], ["Voce", 2024, 2023, 2022], ["Ricavi", 3, 2, 1]]:
        book.active.append(row)
    book.active.merge_cells("B1:D1")
    assert parsed(saved(book)).elements[0].rows[0] == ("", "Esercizi", "Esercizi", "Esercizi")  # type: ignore[index]


def test_formulas_without_values_are_shown_with_a_warning() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "=SUM(1,2)"
    result = parsed(saved(book))
    assert result.elements[0].text == "=SUM(1,2)"
    assert "formulas" in result.warnings[0]


def test_blocks_are_split_at_gaps_and_titled() -> None:
    rows = [
        ["Stato patrimoniale"],
        ["in migliaia"],
        ["", "2024"],
        ["Attivo", "10"],
        [],
        [],
        ["", "2024"],
        ["Ricavi", "5"],
    ]
    found = list(sheet_elements("Foglio1", rows, 1, CellCount(100)))
    assert [(e.kind, e.text) for e in found[:2]] == [("title", "Stato patrimoniale"), ("text", "in migliaia")]
    assert [e.rows for e in found[2:]] == [(("", "2024"), ("Attivo", "10")), (("", "2024"), ("Ricavi", "5"))]


def test_a_blank_line_inside_a_statement_does_not_split_it() -> None:
    rows = [["", "2024"], ["Attivo", "10"], [], ["Passivo", "10"]]
    assert len(list(sheet_elements("", rows, 1, CellCount(100)))) == 1


def test_calamine_reads_the_same_values() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Voce", 2024, 0.5])
    elements, pages = calamine_sheets(saved(book), CellCount(100))
    assert (elements[0].rows, pages) == ((("Voce", "2024", "0.5"),), 1)
