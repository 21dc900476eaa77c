"""ODS and ODP: spreadsheets and slides of LibreOffice, read from their content.xml.

Cells come from the stored value (numbers plain, dates ISO), percentages as shown. Rows and cells that are repeated are
repeated, except at the edge of a sheet, where a million empty ones stand for "the rest".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.index.formats.base import Context, clean, load, table, title_of, with_sections
from tasks.index.formats.ooxml import open_package, read_xml
from tasks.index.formats.pandoc import odf_metadata
from tasks.index.formats.sheets import CellCount, Row, sheet_elements, value_text
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("ods", "odp")
VERSION = "1"
SAMPLES = {
    "ods": {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"},
    "odp": {"mimetype": b"application/vnd.oasis.opendocument.presentation"},
}

_MOST_REPEATED = 1_000


def sniff(look: Look) -> str:
    """Know the two by the type that they declare (templates add a word to it)."""
    kind = look.mimetype.removeprefix("application/vnd.oasis.opendocument.")
    return "ods" if kind.startswith("spreadsheet") else "odp" if kind.startswith("presentation") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a spreadsheet or a presentation; a sheet or a slide is a page.

    Raises:
        DocumentError: CORRUPT, or TOO_LARGE above `limits.cells` cells.
    """
    data = load(source)
    metadata = odf_metadata(data)
    with open_package(data) as package:
        root = read_xml(package, "content.xml")
    slides = list(root.iter("{*}page"))
    if slides:
        elements = [element for page, slide in enumerate(slides, 1) for element in _slide(slide, page)]
        name, pages = "odp", len(slides)
    else:
        count = CellCount(context.limits.cells)
        sheets = [node for node in root.iter("{*}table") if local_tag(node.getparent()) == "spreadsheet"]
        elements = [e for page, sheet in enumerate(sheets, 1) for e in _sheet(sheet, page, count)]
        name, pages = "ods", max(1, len(sheets))
    title = title_of(elements, metadata.pop("title", None))
    return Parsed(name, title, "", pages, with_sections(elements, by_page=True), metadata)


def local_tag(node: Any) -> str:
    """The name of a node without its namespace."""
    return str(node.tag).rpartition("}")[2] if node is not None else ""


def _attribute(node: Any, name: str) -> str:
    return next((value for key, value in node.attrib.items() if key.rpartition("}")[2] == name), "")


def _sheet(sheet: Any, page: int, count: CellCount) -> Iterator[Element]:
    yield from sheet_elements(_attribute(sheet, "name"), _rows(sheet), page, count)


def _rows(sheet: Any) -> Iterator[Row]:
    for row in sheet.iter("{*}table-row"):
        cells: list[str] = []
        for cell in row:
            if local_tag(cell) in {"table-cell", "covered-table-cell"}:
                text = _cell(cell)
                times = _times(cell, "number-columns-repeated")
                cells += [text] * (times if text or times < _MOST_REPEATED else 1)
        times = _times(row, "number-rows-repeated")
        for _ in range(times if any(cells) else min(times, 2)):
            yield cells


def _times(node: Any, name: str) -> int:
    text = _attribute(node, name)
    return min(int(text), _MOST_REPEATED) if text.isdigit() else 1


def _cell(cell: Any) -> str:
    shown = "\n".join(_paragraph(p) for p in cell.iter("{*}p") if local_tag(p.getparent()) != "annotation")
    kind = _attribute(cell, "value-type")
    if kind in {"float", "currency"} and (value := _attribute(cell, "value")):
        try:
            number = float(value)
        except ValueError:
            return clean(shown)
        return value_text(int(number) if number.is_integer() and abs(number) < 1e15 else number)
    if kind == "date":
        return _attribute(cell, "date-value").replace("T00:00:00", "").replace("T", " ") or clean(shown)
    return clean(shown)


def _paragraph(node: Any) -> str:
    """The text of a paragraph; runs of blanks, tabs and line breaks are elements of their own."""
    pieces = [node.text or ""]
    for child in node:
        if local_tag(child) in {"s", "tab", "line-break"}:
            pieces.append("\n" if local_tag(child) == "line-break" else " ")
        elif local_tag(child) not in {"annotation", "note"}:
            pieces.append(_paragraph(child))
        pieces.append(child.tail or "")
    return "".join(pieces)


def _slide(slide: Any, page: int) -> Iterator[Element]:
    """The shapes of a slide: its title, lists, tables and texts, then the speaker's notes."""
    for shape in slide:
        if local_tag(shape) == "notes":
            continue
        tables = list(shape.iter("{*}table"))
        yield from filter(None, (table(_rows(node), page) for node in tables))
        if not tables:
            yield from _texts(shape, page, _attribute(shape, "class") == "title")
    for notes in slide.iterchildren("{*}notes"):
        yield from _texts(notes, page, False)


def _texts(shape: Any, page: int, is_title: bool) -> Iterator[Element]:
    for node in shape.iter("{*}p", "{*}h"):
        text = clean(_paragraph(node))
        if not text:
            continue
        if is_title or local_tag(node) == "h":
            yield Element("title", text, page, 1)
        else:
            listed = any(local_tag(above) == "list-item" for above in node.iterancestors())
            yield Element("list" if listed else "text", text, page)
