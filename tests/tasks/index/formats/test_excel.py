"""Workbooks: values that can be read again, sheets as pages, blocks, merged heads, odd workbooks."""

import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment

from containers import zipped
from infra.errors import DocumentError
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


def changed(data: bytes, name: str, old: str, new: str) -> bytes:
    """A package with a piece of one part replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as given:
        parts = {part: given.read(part) for part in given.namelist()}
    parts[name] = parts[name].replace(old.encode(), new.encode())
    return zipped(parts)


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
        (184, "00000", "00184"),
        (1234567890, "00000000000", "01234567890"),
        (1234567890, '"IT"00000000000', "IT01234567890"),
        (1234, r"000\-00", "012-34"),
        (1234567, "000", "1234567"),
        (7, "0", "7"),
        (12, "0.00", "12"),
        (1200, "#,##0", "1200"),
        (-5, "000", "-5"),
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
    assert result.warnings == ("1 hidden sheet(s) were read like the rest: Note",)


def test_heads_merged_over_columns_stand_over_each() -> None:
    book = openpyxl.Workbook()
    for row in [["", "Esercizi", None, None], ["Voce", 2024, 2023, 2022], ["Ricavi", 3, 2, 1]]:
        book.active.append(row)
    book.active.merge_cells("B1:D1")
    assert parsed(saved(book)).elements[0].rows[0] == ("", "Esercizi", "Esercizi", "Esercizi")  # type: ignore[index]


def statement(*formulas: str) -> Parsed:
    """A sheet of 2024 and 2023 with formulas that were never calculated."""
    book = openpyxl.Workbook()
    for row in [["Voce", 2024, 2023], ["Ricavi", 1200, 1100], ["Costi", -700, -650.5], ["Testo", "x", None]]:
        book.active.append(row)
    other = book.create_sheet("Altri dati")
    other.append([10, 20])
    for formula in formulas:
        book["Sheet"].append(["Calcolo", formula])
    return parsed(saved(book))


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("=B2+B3", "500"),
        ("=SUM(B2:C3)", "949.5"),
        ("=SUM(B2:B4)", "500"),
        ("=-B3/2", "350"),
        ("=2^3^2", "64"),
        ("=2+3*4-6/2", "11"),
        ("=(2+3)*4", "20"),
        ("=ROUND(C3/1000,2)", "-0.65"),
        ("=ROUND(2.5,0)", "3"),
        ("=IF(B2>1000,B2*10%,0)", "120"),
        ('=IF(B4="x","sì","no")', "sì"),
        ("='Altri dati'!A1+'Altri dati'!B1", "30"),
        ("=AVERAGE(B2:C2)-MAX(B2,C2)", "-50"),
        ("=IFERROR(B2/C2,0)>1", "TRUE"),
        ("=COUNT(B2:B4)", "2"),
    ],
)
def test_formulas_without_values_are_calculated_and_said(formula: str, shown: str) -> None:
    result = statement(formula)
    assert result.elements[0].rows[-1][:2] == ("Calcolo", shown)  # type: ignore[index]
    assert result.warnings == ("1 formulas have no stored value: they were calculated here",)


@pytest.mark.parametrize(
    "formula",
    [
        "=B2/0",
        "=B4+1",
        "=VLOOKUP(1,B2:C3,2)",
        "=B5",
        "=SUM(Nowhere!A1)",
        "=B2:B3",
        "=TODAY()",
        "=[1]Foglio1!A1",
        "=SUM(B:B)",
        "=1+",
    ],
)
def test_formulas_that_cannot_be_calculated_are_shown_and_said(formula: str) -> None:
    result = statement(formula)
    assert result.elements[0].rows[-1][1] == formula  # type: ignore[index]
    assert result.warnings == ("1 formulas have no stored value and are shown as formulas",)


CELLS = st.one_of(
    st.integers(-999, 999).map(str), st.sampled_from(["=A1+A2", "=SUM(A1:A4)", "=A3*2", "=A2-A4", "=A1/4"])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(CELLS, min_size=4, max_size=4))
def test_no_formula_without_a_value_is_an_empty_cell(cells: list[str]) -> None:
    book = openpyxl.Workbook()
    for cell in cells:
        book.active.append([cell if cell.startswith("=") else int(cell), "fine"])
    result = parsed(saved(book))
    [table] = result.elements
    assert all(row[0] for row in table.rows or ())
    assert bool(result.warnings) == any(cell.startswith("=") for cell in cells)


def test_the_placeholder_of_a_workbook_that_asks_to_be_calculated_is_no_figure() -> None:
    import xlsxwriter

    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["Utile", 3, 4])
    sheet.write_formula(1, 1, "=B1*C1")
    sheet.write_formula(2, 1, "=NPV(0.1,B1:C1)")
    sheet.write_formula(3, 1, "=B1+C1", None, 7)
    sheet.write(1, 0, "Prodotto")
    sheet.write(2, 0, "Valore")
    sheet.write(3, 0, "Somma")
    book.close()
    result = parsed(target.getvalue())
    assert [row[1] for row in result.elements[0].rows or ()] == ["3", "12", "=NPV(0.1,B1:C1)", "7"]
    assert len(result.warnings) == 2


def test_an_empty_text_is_the_value_of_a_formula() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Nota", '=IF(A1=1,1,"")'])
    data = changed(saved(book), "xl/worksheets/sheet1.xml", '<c r="B1"><f>', '<c r="B1" t="str"><f>')
    result = parsed(data)
    assert (result.elements[0].text, result.warnings) == ("Nota", ())


def test_durations_and_times_as_shown() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Ore", dt.timedelta(hours=26, minutes=30), dt.time(8, 30), dt.time(8, 30, 15)])
    book.active["B1"].number_format = "[h]:mm"
    assert parsed(saved(book)).elements[0].text == "Ore | 26:30 | 08:30 | 08:30:15"


def test_a_row_number_beyond_any_sheet_does_not_take_hours() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Voce", 3])
    data = changed(saved(book), "xl/worksheets/sheet1.xml", '<row r="1"', '<row r="2147483648"')
    assert calamine_sheets(saved(book), CellCount(10))[0][0].text == "Voce | 3"
    with pytest.raises(DocumentError, match="row 2,147,483,648 and what follows was not read"):
        parsed(data)


def test_an_empty_date_is_no_midnight() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Scadenza", 0, 0, 0.5])
    for place, code in (("B1", "dd/mm/yyyy"), ("C1", "hh:mm"), ("D1", "hh:mm")):
        book.active[place].number_format = code
    assert parsed(saved(book)).elements[0].text == "Scadenza | 0 | 00:00 | 12:00"


def test_an_amount_in_merged_cells_stands_once_and_a_label_goes_down() -> None:
    book = openpyxl.Workbook()
    for row in [
        ["Area", "Punto", "Nota", None],
        ["Lazio", "Roma", 4410, None],
        [None, "Rieti", 7, 8],
        ["Sud", "Bari", 1, 2],
    ]:
        book.active.append(row)
    for cells in ("C1:D1", "C2:D2", "A2:A3"):
        book.active.merge_cells(cells)
    assert parsed(saved(book)).elements[0].rows == (
        ("Area", "Punto", "Nota", "Nota"),
        ("Lazio", "Roma", "4410", ""),
        ("Lazio", "Rieti", "7", "8"),
        ("Sud", "Bari", "1", "2"),
    )


def test_comments_that_are_part_of_another_cell_and_text_boxes_are_kept() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Ricavi", 12500])
    book.active["B1"].comment = Comment("125", "Anna")
    book.active["A1"].comment = Comment("125", "Ugo")
    assert [e.text for e in parsed(saved(book)).elements[1:]] == ["125", "125"]


def test_charts_chart_sheets_boxes_and_heads() -> None:
    import xlsxwriter

    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    sheet = book.add_worksheet("Dati")
    sheet.set_header('&L&"Arial"&10Conti &A&CPagina &P di &N&D')
    sheet.write_row(0, 0, ["a", 4])
    sheet.insert_textbox(3, 3, "Riquadro 44")
    for place in (sheet, book.add_chartsheet("Grafico")):
        drawn = book.add_chart({"type": "column"})
        drawn.add_series({"name": "Nord", "categories": "=Dati!$A$1:$A$2", "values": "=Dati!$B$1:$B$2"})
        drawn.set_title({"name": "Consumi"})
        (place.insert_chart("D9", drawn) if place is sheet else place.set_chart(drawn))
    sheet.write_row(1, 0, ["b", 4])
    book.close()
    found = [(e.page, e.kind, e.text) for e in parsed(target.getvalue()).elements]
    assert found == [
        (1, "header", "Conti Pagina di"),
        (1, "title", "Dati"),
        (1, "table", "a | 4\nb | 4"),
        (1, "caption", "Consumi"),
        (1, "table", "Nord\na | 4\nb | 4"),
        (1, "text", "Riquadro 44"),
        (2, "caption", "Consumi"),
        (2, "table", "Nord\na | 4\nb | 4"),
    ]


def test_escaped_characters_and_odd_names_in_the_package() -> None:
    book = openpyxl.Workbook()
    book.active.append(["ABC_x000D_", "under_x005F_x000D_", 7])
    data = saved(book)
    with zipfile.ZipFile(io.BytesIO(data)) as given:
        parts = {name.replace("/", "\\"): given.read(name) for name in given.namelist()}
    for made in (data, zipped(parts)):
        assert parsed(made).elements[0].rows == (("ABC", "under_x000D_", "7"),)


def test_a_panic_of_calamine_is_a_failure_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(*_: object) -> None:
        raise PanicException("index out of bounds")

    monkeypatch.setattr("python_calamine.CalamineWorkbook.from_filelike", panic)
    with pytest.raises(DocumentError) as caught:
        calamine_sheets(b"PK", CellCount(10))
    assert "calamine gave up: index out of bounds" in caught.value.message


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


def test_comments_of_a_binary_workbook() -> None:
    import struct

    from office import packed
    from tasks.index.formats.excel_sheets import _binary_comments
    from tasks.index.formats.ooxml import Package

    def record(kind: int, data: bytes) -> bytes:
        size = len(data)
        return bytes([kind & 0x7F | 0x80, kind >> 7, size & 0x7F | 0x80, size >> 7]) + data

    words = "Penale stimata: 7.300 € " * 4
    text = b"\1" + struct.pack("<I", len(words)) + words.encode("utf-16-le") + b"\0" * 8
    stream = record(628, b"") + record(635, b"\0" * 36) + record(637, text) + record(636, b"")
    package = Package(packed({"xl/comments1.bin": stream, "xl/cut.bin": stream[:-3] + b"\xff"}))
    assert list(_binary_comments(package, "xl/comments1.bin")) == [words.strip()]
    assert list(_binary_comments(package, "xl/cut.bin")) == [words.strip()]
    assert package.warnings == ["left out: the rest of the comments in xl/cut.bin, which is damaged"]
