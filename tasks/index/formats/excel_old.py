"""XLS (Excel 2 to 2003, by xlrd, which knows the number formats) and XLSB (by calamine).

An XLS may be encrypted with Excel's own fixed password, which Excel opens without asking: it is tried. Any other
password is the owner's to give.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from tasks.index.formats import excel_sheets
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, corrupt, hidden_parts, load, title_of, with_sections
from tasks.index.formats.calamine import calamine_sheets
from tasks.index.formats.embedded import embedded_files, files_within
from tasks.index.formats.ooxml import Package, core_properties, has_main_part
from tasks.index.formats.sheets import CellCount, Row, sheet_elements, spread, value_text
from tasks.index.formats.xls_text import beside_cells, drawn
from tasks.index.look import is_zip
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("xls", "xlsb")
VERSION = "2"
SIGNATURES = {  # a bare stream that begins with a BOF record: Excel 2 to 4, and sheets embedded in other documents
    b"\x09\x08\x10\x00": "xls",
    b"\x09\x00\x04\x00": "xls",
    b"\x09\x02\x06\x00": "xls",
    b"\x09\x04\x06\x00": "xls",
}
SAMPLES = {"xls": ("Workbook",), "xlsb": {"xl/workbook.bin": b"x"}}


def sniff(look: Look) -> str:
    """Know Excel 5 to 2003 by its stream, a binary workbook by its main part."""
    if look.streams & {"workbook", "book"} and "worddocument" not in look.streams:
        return "xls"
    return "xlsb" if has_main_part(look, "xl/workbook.bin", r"sheet\.binary") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a workbook, a page a sheet.

    Raises:
        DocumentError: CORRUPT, ENCRYPTED, or TOO_LARGE above `limits.cells` cells.
    """
    data = load(source)
    count = CellCount(context.limits.cells)
    if is_zip(data):
        return _binary(data, context, count)
    elements, pages, warnings = _by_xlrd(data, count)
    elements = sorted([*elements, *beside_cells(data)], key=lambda element: min(element.page, pages))
    files, unread = files_within(data)
    attachments, left_out = held(files, context.limits)
    return Parsed(
        format="xls",
        title=title_of(elements),
        language="",
        pages=pages,
        elements=with_sections(elements, by_page=True),
        attachments=attachments,
        warnings=(*warnings, *drawn(data), *unread, *left_out),
    )


def _binary(data: bytes, context: Context, count: CellCount) -> Parsed:
    """Read an XLSB; what lies on its sheets stands in XML, as in an XLSX."""
    elements, pages = calamine_sheets(data, count)
    package = Package(data)
    sheets = package.related("xl/workbook.bin", "worksheet")
    for page, part in enumerate(sorted(sheets, key=_natural), start=1):
        elements += excel_sheets.beside_cells(package, part, min(page, pages))
    elements.sort(key=lambda element: element.page)
    attachments, left_out = held(embedded_files(package), context.limits)
    return Parsed(
        format="xlsb",
        title=title_of(elements),
        language="",
        pages=pages,
        elements=with_sections(elements, by_page=True),
        metadata=core_properties(package.archive),
        attachments=attachments,
        warnings=(*dict.fromkeys(package.warnings), *left_out),
    )


def _natural(name: str) -> tuple[int, str]:
    return len(name), name


def _by_xlrd(data: bytes, count: CellCount) -> tuple[list[Element], int, tuple[str, ...]]:
    """Read by xlrd, with formats; without them, then by calamine, for workbooks whose style records are damaged."""
    import xlrd

    reason = ""
    for formats in (True, False):
        try:
            with Path(os.devnull).open("w") as silent:
                book = xlrd.open_workbook(file_contents=data, formatting_info=formats, ragged_rows=True, logfile=silent)
            hidden = hidden_parts("sheet", [sheet.name for sheet in book.sheets() if sheet.visibility])
            return _sheets(book, count), max(1, book.nsheets), (*((reason,) if reason else ()), *hidden)
        except (MemoryError, DocumentError):
            raise
        except Exception as error:  # noqa: BLE001  xlrd trips over damaged records with whatever its arithmetic raises
            if "encrypted" in str(error).lower():
                raise DocumentError(FailureKind.ENCRYPTED, "the workbook is encrypted: a password is needed") from None
            reason = f"the workbook is irregular ({type(error).__name__}: {error}): number formats were not read"
    try:
        elements, pages = calamine_sheets(data, count)
    except DocumentError as error:
        raise error if error.kind != FailureKind.CORRUPT else corrupt(reason) from None
    return elements, pages, (reason,)


def _sheets(book: Any, count: CellCount) -> list[Element]:
    elements: list[Element] = []
    for page, sheet in enumerate(book.sheets(), start=1):
        elements += sheet_elements(sheet.name, _rows(book, sheet), page, count)
    return elements


def _rows(book: Any, sheet: Any) -> Iterator[Row]:
    """Yield the rows of a sheet as text, heads merged over columns repeated in each."""
    merged: dict[int, list[tuple[int, int]]] = {}
    for top, bottom, left, right in sheet.merged_cells:
        if bottom - top == 1:
            merged.setdefault(top, []).append((left, right - 1))
    for index in range(sheet.nrows):
        row = [_text(book, sheet, index, column) for column in range(sheet.row_len(index))]
        for first, last in merged.get(index, ()):
            spread(row, first, last)
        yield row


def _text(book: Any, sheet: Any, row: int, column: int) -> str:
    import xlrd

    cell = sheet.cell(row, column)
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _date(cell.value, book.datemode, _format(book, cell))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return value_text(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERR"))
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        whole = int(cell.value) if cell.value.is_integer() and abs(cell.value) < 1e15 else cell.value
        return value_text(whole, _format(book, cell))
    return value_text(cell.value)


def _date(value: float, mode: int, number_format: str) -> str:
    """Return a date, a time of day or a duration: all are stored as days."""
    import xlrd

    if "[" in number_format and re.search(r"\[[hms]+\]", number_format, re.IGNORECASE):
        return value_text(dt.timedelta(days=value), number_format)
    try:
        moment = xlrd.xldate_as_datetime(value, mode)
    except (ValueError, OverflowError):  # a number in a date format that is not a date
        return value_text(value)
    moment = (moment + dt.timedelta(milliseconds=500)).replace(microsecond=0)
    return value_text(moment.time() if 0 <= value < 1 else moment)


def _format(book: Any, cell: Any) -> str:
    """Return the cell's number format, "" when the workbook was read without."""
    if cell.xf_index is None or cell.xf_index >= len(book.xf_list):
        return ""
    found = book.format_map.get(book.xf_list[cell.xf_index].format_key)
    return str(found.format_str) if found else ""
