"""XLSX, with XLSM, templates and the strict flavour: openpyxl in its streaming mode, a page a sheet.

Not through Unstructured: it loads the whole workbook through pandas, drops number formats and makes text of what
it does not take for a table. Streaming keeps memory flat for sheets of a million rows. Formulas give the values that
Excel stored with them; a workbook that was never calculated has none, so there the formulas themselves are shown.
Hidden sheets are read: what is hidden in a statement is still in it. When openpyxl stumbles over a workbook that
others open (odd styles, missing parts), calamine reads its values.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError
from tasks.index.formats.base import Context, clean, load, title_of, with_sections
from tasks.index.formats.calamine import calamine_sheets
from tasks.index.formats.ooxml import (
    core_properties,
    has_main_part,
    is_plain,
    open_package,
    read_part,
    read_xml,
    rewritten,
)
from tasks.index.formats.sheets import CellCount, Row, sheet_elements, value_text
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("xlsx",)
VERSION = "1"
SAMPLES = {"xlsx": {"xl/workbook.xml": b"<a/>"}}

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_OTHER_TEXT = re.compile(
    r"xl/(?:drawings/drawing\d+|comments/?\w*\d*|comments\d+|threadedComments/\w+|charts/chart\d+)\.xml"
)


def sniff(look: Look) -> str:
    """Know a package by its main part; binary workbooks, asked for before, have it too."""
    return "xlsx" if has_main_part(look, "xl/workbook", "spreadsheetml|ms-excel") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a workbook.

    Raises:
        DocumentError: CORRUPT, or TOO_LARGE above `limits.cells` cells.
    """
    data = load(source)
    with open_package(data) as package:
        properties = core_properties(package)
        if not is_plain(package, "xl/"):
            data = rewritten(package)
        aside = list(_other_text(package))
    count = CellCount(context.limits.cells)
    elements, pages, warnings = _read(data, count)
    have = "\n".join(element.text for element in elements)
    elements += [Element("text", text, pages) for text in dict.fromkeys(aside) if text not in have]
    title = title_of((), properties.pop("title", None)) or title_of(elements)
    return Parsed("xlsx", title, "", pages, with_sections(elements, by_page=True), properties, warnings=warnings)


def _read(data: bytes, count: CellCount) -> tuple[list[Element], int, tuple[str, ...]]:
    """Elements, sheets and warnings; by calamine when openpyxl cannot."""
    try:
        elements, pages = _by_openpyxl(data, count, values=True)
        if elements:
            return elements, pages, ()
        elements, pages = _by_openpyxl(data, count, values=False)
        note = ("the workbook stores no values for its formulas: the formulas are shown",) if elements else ()
        return elements, pages, note
    except (MemoryError, DocumentError):
        raise
    except Exception as error:  # noqa: BLE001  openpyxl raises whatever a bad attribute makes of its descriptors
        elements, pages = calamine_sheets(data, count)
        reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"
        return elements, pages, (f"the workbook is irregular ({reason}): number formats were not read",)


def _by_openpyxl(data: bytes, count: CellCount, values: bool) -> tuple[list[Element], int]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=values, keep_links=False)
    try:
        elements: list[Element] = []
        sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "iter_rows")]
        for page, sheet in enumerate(sheets, start=1):
            elements += sheet_elements(sheet.title, _rows(sheet, data), page, count)
        return elements, max(1, len(sheets))
    finally:
        book.close()


def _rows(sheet: Any, data: bytes) -> Iterator[Row]:
    """The rows of a sheet as text, heads that are merged over columns repeated in each."""
    sheet.reset_dimensions()  # some programs write a wrong size, and openpyxl would believe it
    merged = _merged_heads(sheet, data)
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        row = [value_text(cell.value, cell.number_format) if cell.value is not None else "" for cell in cells]
        for first, last in merged.get(number, ()):
            if first < len(row) and row[first]:
                row += [""] * (last + 1 - len(row))
                row[first : last + 1] = [row[first]] * (last + 1 - first)
        yield row


def _merged_heads(sheet: Any, data: bytes) -> dict[int, list[tuple[int, int]]]:
    """Row → (first, last) column, 0-based, of the cells merged over columns; column A's are titles and stay single."""
    from openpyxl.utils import column_index_from_string

    with zipfile.ZipFile(io.BytesIO(data)) as package:
        markup = read_part(package, sheet._worksheet_path)
    found: dict[int, list[tuple[int, int]]] = {}
    for first, top, last, bottom in _MERGED.findall(markup):
        left, right = column_index_from_string(first.decode()), column_index_from_string(last.decode())
        if left > 1 and right > left and top == bottom and right - left <= 100:
            found.setdefault(int(top), []).append((left - 1, right - 1))
    return found


def _other_text(package: zipfile.ZipFile) -> Iterator[str]:
    """Paragraphs of text boxes, charts and comments."""
    for name in package.namelist():
        if _OTHER_TEXT.fullmatch(name.lstrip("/")):
            root = read_xml(package, name)
            for node in root.iter("{*}p", "{*}comment", "{*}threadedComment"):
                if text := clean("".join(run.text or "" for run in node.iter("{*}t", "{*}text"))):
                    yield text
