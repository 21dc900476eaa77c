"""XLSX, with XLSM, templates and the strict flavour: openpyxl in its streaming mode, a page a sheet.

Streaming keeps memory flat for sheets of a million rows. Formulas give the values that Excel stored with them; where a
workbook was never calculated, `excel_formulas.py` does what it can and the rest is shown as formulas. Hidden sheets are read: what is
hidden in a statement is still in it. When openpyxl stumbles over a workbook that others open (odd styles, missing
parts), calamine reads its values.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, hidden_parts, load, raised, title_of, with_sections
from tasks.index.formats.calamine import calamine_sheets
from tasks.index.formats.embedded import embedded_files
from tasks.index.formats.excel_formulas import Calculator, Place, UnknownValueError
from tasks.index.formats.excel_sheets import Sheet, beside_cells, margins, sheets_of, unescaped
from tasks.index.formats.grid import is_label
from tasks.index.formats.ooxml import Package, attribute, core_properties, has_main_part, is_plain, rewritten
from tasks.index.formats.pictures import Pictures
from tasks.index.formats.sheets import CellCount, Row, sheet_elements, spread, value_text
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("xlsx",)
VERSION = "4"
SAMPLES = {"xlsx": {"xl/workbook.xml": b"<a/>"}}

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_FORMULA_CELL = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\b[^>]*>([^<]*)<)?"
)
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_ROW_NUMBER = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\sr=["'](\d{7,20})["']""")
_LAST_ROW = 1_048_576  # of any workbook; a damaged number beyond it would be filled up to with empty rows
_MOST_CALCULATED = 500_000
"""Cells of a workbook that is calculated: it is held in memory for that, some 100 bytes a cell."""


def sniff(look: Look) -> str:
    """Know a package by its main part; binary workbooks, asked for before, have it too."""
    return "xlsx" if has_main_part(look, "xl/workbook", "spreadsheetml|ms-excel") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a workbook.

    Raises:
        DocumentError: CORRUPT, or TOO_LARGE above `limits.cells` cells.
    """
    data = load(source)
    package = Package(data)
    properties = core_properties(package.archive)
    sheets = sheets_of(package)
    if package.warnings or not is_plain(package.archive, "xl/"):  # a sheet is not there: the libraries would read none
        data = rewritten(package.archive)
    elements = _read(package, sheets, data, CellCount(context.limits.cells))
    elements += _pictures(package, sheets, context, read=not elements)
    attachments, left_out = held(embedded_files(package), context.limits)
    hidden = [sheet.name for sheet in sheets if sheet.hidden]
    title = title_of((), properties.pop("title", None)) or title_of(elements)
    return Parsed(
        format="xlsx",
        title=title,
        language="",
        pages=max(1, len(sheets)),
        elements=with_sections(elements, by_page=True),
        metadata=properties,
        attachments=attachments,
        warnings=(*dict.fromkeys(package.warnings), *hidden_parts("sheet", hidden), *left_out),
    )


def _read(package: Package, sheets: list[Sheet], data: bytes, count: CellCount) -> list[Element]:
    """Return the elements of all sheets; cells by calamine when openpyxl cannot."""
    try:
        return list(_by_openpyxl(package, sheets, data, count))
    except (MemoryError, DocumentError):
        raise
    except Exception as error:  # noqa: BLE001  openpyxl raises whatever a bad attribute makes of its descriptors
        reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"
        package.warnings.append(f"the workbook is irregular ({reason}): number formats were not read")
        cells, _ = calamine_sheets(data, count)
        return cells + [e for page, sheet in enumerate(sheets, 1) for e in beside_cells(package, sheet.part, page)]


def _pictures(package: Package, sheets: list[Sheet], context: Context, read: bool) -> Iterator[Element]:
    """Read the pictures of a workbook that has no text otherwise (`read`); of others they are only counted."""
    pictures = Pictures(context, package.warnings)
    for page, sheet in enumerate(sheets, start=1):
        for drawing in package.related(sheet.part, "drawing"):
            for name in package.related(drawing, "image"):
                pictures.leave(name)
                if read:
                    pictures.small.append((name, page, package.read(name)))
    if read:
        yield from pictures.left()
    pictures.told()


def _by_openpyxl(package: Package, sheets: list[Sheet], data: bytes, count: CellCount) -> Iterator[Element]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False, rich_text=True)
    try:
        tabs = {tab.title: tab for tab in book.worksheets if hasattr(tab, "iter_rows")}
        formulas = _Formulas.of(package, sheets, data, tabs)
        for page, sheet in enumerate(sheets, start=1):
            around = list(margins(package, sheet.part, page))
            yield from (element for element in around if element.kind == "header")
            if sheet.name in tabs and sheet.kind == "worksheet":
                markup = package.read(sheet.part)
                package.warnings += _beyond(sheet.name, markup)
                rows = _rows(tabs[sheet.name], markup, formulas)
                yield from sheet_elements(sheet.name, rows, page, count)
            elif sheet.kind == "xlMacrosheet":
                yield from sheet_elements(sheet.name, _macro_rows(package, sheet), page, count)
            yield from beside_cells(package, sheet.part, page)
            yield from (element for element in around if element.kind == "footer")
        package.warnings += formulas.warnings()
    finally:
        book.close()


def _beyond(name: str, markup: bytes) -> Iterator[str]:
    """Warn of rows that no sheet can have."""
    row = next((int(number) for number in _ROW_NUMBER.findall(markup) if int(number) > _LAST_ROW), 0)
    if row:
        yield f"the sheet {name}: row {row:,} and what follows was not read: a sheet has {_LAST_ROW:,} rows at most"


@dataclass(slots=True)
class _Formulas:
    """The formulas of a workbook that have no stored value, and what became of them."""

    missing: Mapping[str, Mapping[Place, str]] = field(default_factory=dict)
    calculator: Calculator | None = None
    calculated: int = 0
    shown: int = 0

    @classmethod
    def of(cls, package: Package, sheets: list[Sheet], data: bytes, tabs: Mapping[str, Any]) -> _Formulas:
        """Look for them; only a workbook that lacks values is read once more, with its formulas."""
        asks = _asks_for_calculation(package)
        cells = [s for s in sheets if s.name in tabs and s.kind == "worksheet"]
        valueless = {sheet.name: set(_valueless(package.read(sheet.part), asks)) for sheet in cells}
        if not any(valueless.values()):
            return cls()
        missing = _missing(data, valueless)
        values = {name: dict(_values(tabs[name])) for name in valueless}
        if sum(map(len, values.values())) > _MOST_CALCULATED:
            return cls(missing)
        return cls(missing, Calculator(values, missing))

    def text(self, sheet: str, place: Place, number_format: str) -> str | None:
        """Return what stands for a formula without a value; None for any other cell."""
        formula = self.missing.get(sheet, {}).get(place)
        if formula is None:
            return None
        try:
            if self.calculator is None:
                raise UnknownValueError(formula)
            value = self.calculator.value(sheet, place)
        except (UnknownValueError, RecursionError):
            self.shown += 1
            return formula
        self.calculated += 1
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        return value_text(int(value) if whole else value, number_format)  # type: ignore[arg-type]

    def warnings(self) -> list[str]:
        found = []
        if self.calculated:
            found.append(f"{self.calculated:,} formulas have no stored value: they were calculated here")
        if self.shown:
            found.append(f"{self.shown:,} formulas have no stored value and are shown as formulas")
        return found


def _asks_for_calculation(package: Package) -> bool:
    """Tell whether the workbook asks to be calculated when it is opened: a stored 0 is then a placeholder."""
    root = package.aside(package.main(r"xl/workbook\d*\.xml"))
    nodes = root.iter("{*}calcPr") if root is not None else ()
    return any(attribute(node, "fullCalcOnLoad") in {"1", "true"} for node in nodes)


def _values(tab: Any) -> Iterator[tuple[Place, Any]]:
    tab.reset_dimensions()
    for row, cells in enumerate(tab.iter_rows(max_row=_LAST_ROW, values_only=True), start=1):
        for column, value in enumerate(cells, start=1):
            if value is not None:
                yield (row, column), _plain(value)


def _valueless(markup: bytes, asks: bool) -> Iterator[Place]:
    """Yield the places of the formulas that store no value, or only the placeholder 0; an empty text is a value."""
    from openpyxl.utils import column_index_from_string

    for attributes, value in _FORMULA_CELL.findall(markup):
        place = _REFERENCE.search(attributes)
        if place and b't="str"' not in attributes and (not value.strip() or (asks and value.strip() == b"0")):
            yield int(place[2]), column_index_from_string(place[1].decode())


def _missing(data: bytes, valueless: Mapping[str, set[Place]]) -> dict[str, dict[Place, str]]:
    """Return sheet → place → formula, of the places that have no value."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    try:
        found: dict[str, dict[Place, str]] = {}
        for name, places in valueless.items():
            for place, formula in _values(book[name]) if places else ():
                text = getattr(formula, "text", formula)
                if place in places and isinstance(text, str) and text.startswith("="):
                    found.setdefault(name, {})[place] = text
        return found
    finally:
        book.close()


def _rows(tab: Any, markup: bytes, formulas: _Formulas) -> Iterator[Row]:
    """Yield the rows of a sheet as text; heads merged over columns and labels merged down are repeated."""
    tab.reset_dimensions()  # some programs write a wrong size, and openpyxl would believe it
    over, down = _merged(markup)
    hanging: dict[int, tuple[int, str]] = {}
    for number, cells in enumerate(tab.iter_rows(max_row=_LAST_ROW), start=1):
        row = [_text(tab.title, (number, index), cell, formulas) for index, cell in enumerate(cells, 1)]
        for first, last in over.get(number, ()):
            spread(row, first, last)
        if any(row):
            for column, (last, text) in hanging.items():
                if number <= last and column < len(row) and not row[column]:
                    row[column] = text
        for column, last in down.get(number, ()):
            if column < len(row) and row[column] and is_label(row[column]):
                hanging[column] = (last, row[column])
        yield row


def _text(sheet: str, place: Place, cell: Any, formulas: _Formulas) -> str:
    shown = formulas.text(sheet, place, cell.number_format or "") if formulas.missing else None
    if shown is not None:
        return shown
    if cell.value is None:
        return ""
    value = _plain(cell.value)
    return value_text(unescaped(value) if isinstance(value, str) else value, cell.number_format)


def _plain(value: Any) -> Any:
    """Return the text of a cell of several runs, figures raised behind a figure as such; any other value as it is."""
    if not isinstance(value, list):
        return value
    text = ""
    for run in value:  # openpyxl's CellRichText: plain texts, and blocks with a font
        up = getattr(getattr(run, "font", None), "vertAlign", None) == "superscript"
        text += raised(text, str(run)) if up else str(run)
    return text


def _merged(markup: bytes) -> tuple[dict[int, list[tuple[int, int]]], dict[int, list[tuple[int, int]]]]:
    """Return row → (first, last) column, 0-based, of cells merged over columns; row → (column, last row) of those merged down."""
    from openpyxl.utils import column_index_from_string

    over: dict[int, list[tuple[int, int]]] = {}
    down: dict[int, list[tuple[int, int]]] = {}
    for first, top, last, bottom in _MERGED.findall(markup):
        left, right = column_index_from_string(first.decode()), column_index_from_string(last.decode())
        if top == bottom:
            over.setdefault(int(top), []).append((left - 1, right - 1))
        elif left == right:
            down.setdefault(int(top), []).append((left - 1, int(bottom)))
    return over, down


def _macro_rows(package: Package, sheet: Sheet) -> Iterator[Row]:
    """Yield the rows of a sheet of old macros, which openpyxl does not read: values, and formulas without them."""
    root = package.aside(sheet.part)
    for row in root.iter("{*}row") if root is not None else ():
        cells = []
        for cell in row.iterchildren("{*}c"):
            value = next((n.text or "" for n in cell.iterchildren("{*}v", "{*}is")), "")
            formula = next((n.text or "" for n in cell.iterchildren("{*}f")), "")
            cells.append(value if attribute(cell, "t") != "s" and value else f"={formula}" if formula else "")
        yield cells
