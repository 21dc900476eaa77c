"""Office documents as one XML file: workbooks and texts of Office 2003 (SpreadsheetML, WordML), and flat packages (Flat OPC).

Programs write them by the thousand, mostly named `.xls` and `.doc`. Word's elements have the names of today's, and a flat
package holds today's parts, so both are packed and given to the readers of packages; the workbook is read here.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.index.decode import decode
from tasks.index.detect import detect
from tasks.index.formats.base import Context, clean, corrupt, load, with_sections
from tasks.index.formats.markup import root_and_namespace
from tasks.index.formats.ooxml import attribute, local
from tasks.index.formats.sheets import CellCount, Row, sheet_elements, spread, value_text
from tasks.index.formats.word_styles import child
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("xls2003", "doc2003", "flatopc")
VERSION = "1"
_ROOTS = {
    ("Workbook", "urn:schemas-microsoft-com:office:spreadsheet"): "xls2003",
    ("wordDocument", "http://schemas.microsoft.com/office/word/2003/wordml"): "doc2003",
    ("package", "http://schemas.microsoft.com/office/2006/xmlPackage"): "flatopc",
}
SAMPLES = {
    name: (
        f'<x:{root} xmlns:x="{space}">'
        + ('<x:part x:name="/word/document.xml"><x:xmlData><a/></x:xmlData></x:part>' if name == "flatopc" else "")
        + f"</x:{root}>"
    ).encode()
    for (root, space), name in _ROOTS.items()
}

_FORMATS = {"Percent": "0.00%", "General Number": "", "General": ""}
_MOST_COLUMNS = 16_384
_MOST_EMPTY = 1_000


def sniff(look: Look) -> str:
    """Know the three by their root and its namespace."""
    return _ROOTS.get(root_and_namespace(look.text), "")


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a document that is one XML file.

    Raises:
        DocumentError: CORRUPT, or TOO_LARGE above `limits.cells` cells.
    """
    from tasks.index.formats.xml import root_of

    root, repaired = root_of(decode(load(source), declared=True))
    if local(root) == "Workbook":
        return replace(_workbook(root, context), warnings=repaired)
    if local(root) == "wordDocument":
        parsed = _packed_parse(_text_parts(root), context, "docx")
        return replace(parsed, format="doc2003", warnings=(*repaired, *parsed.warnings))
    parsed = _packed_parse(_parts(root), context)
    return replace(parsed, warnings=(*repaired, *parsed.warnings))


def _packed_parse(parts: dict[str, bytes], context: Context, kind: str = "") -> Parsed:
    """Pack parts and read them with the reader of what they make."""
    from tasks.index.formats import parser
    from tasks.index.guard import check_archive

    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for name, data in parts.items():
            package.writestr(name, data)
    data = target.getvalue()
    check_archive(data, context.limits)
    return parser(kind or detect(data, context.name))(data, context)


def _text_parts(root: Any) -> dict[str, bytes]:
    """Return the parts of a Word 2003 text that today's reader knows; heads and feet stand in its sections."""
    from lxml import etree

    parts = {"word/document.xml": etree.tostring(root)}
    if (styles := child(root, "styles")) is not None:
        parts["word/styles.xml"] = etree.tostring(styles)
    return parts


def _parts(root: Any) -> dict[str, bytes]:
    """Return the parts of a flat package.

    Raises:
        DocumentError: CORRUPT, there are none.
    """
    from lxml import etree

    found: dict[str, bytes] = {}
    types = []
    for part in root.iterchildren("{*}part"):
        name = attribute(part, "name").lstrip("/")
        xml, binary = child(part, "xmlData"), child(part, "binaryData")
        types.append(
            f'<Override PartName="/{_escaped(name)}" ContentType="{_escaped(attribute(part, "contentType"))}"/>'
        )
        if xml is not None and len(xml):
            found[name] = etree.tostring(xml[0])
        elif binary is not None:
            try:
                found[name] = base64.b64decode(binary.text or "")
            except binascii.Error:
                continue  # the reader says which part is not there
    if not found:
        raise corrupt("the flat package has no parts")
    head = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return {"[Content_Types].xml": f"{head}{rels}{''.join(types)}</Types>".encode(), **found}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


# ---- workbooks -------------------------------------------------------------------------------------------------------


def _workbook(root: Any, context: Context) -> Parsed:
    formats = {
        attribute(style, "ID"): attribute(node, "Format")
        for style in root.iter("{*}Style")
        for node in style.iterchildren("{*}NumberFormat")
    }
    count = CellCount(context.limits.cells)
    sheets = list(root.iterchildren("{*}Worksheet"))
    elements = [e for page, sheet in enumerate(sheets, 1) for e in _sheet(sheet, formats, page, count)]
    about = {local(node): clean(node.text or "") for node in root.iterfind("{*}DocumentProperties/{*}*")}
    names = {"Author": "author", "Created": "created", "LastSaved": "modified", "Subject": "subject"}
    metadata = {names[key]: text for key, text in about.items() if key in names and text}
    placed = with_sections(elements, by_page=True)
    return Parsed("xls2003", about.get("Title", ""), "", max(1, len(sheets)), placed, metadata)


def _sheet(sheet: Any, formats: dict[str, str], page: int, count: CellCount) -> Iterator[Element]:
    """Yield the blocks of a sheet, then its comments."""
    for node in sheet.iterchildren("{*}Table"):
        yield from sheet_elements(attribute(sheet, "Name"), _rows(node, formats), page, count)
    for comment in sheet.iter("{*}Comment"):
        if text := clean("".join(comment.itertext())):
            yield Element("text", text, page)


def _rows(node: Any, formats: dict[str, str]) -> Iterator[Row]:
    """Yield the rows of a table as text; those left out before one that has an index are empty."""
    at = 0
    for row in node.iterchildren("{*}Row"):
        index = _number(attribute(row, "Index"), at + 1)
        yield from ([] for _ in range(min(index - at - 1, _MOST_EMPTY)))
        at = index + _number(attribute(row, "Span"), 0)
        cells: list[str] = []
        spans: list[tuple[int, int]] = []
        for cell in row.iterchildren("{*}Cell"):
            place = min(_number(attribute(cell, "Index"), len(cells) + 1), _MOST_COLUMNS)
            cells += [""] * (place - 1 - len(cells))
            wide = min(_number(attribute(cell, "MergeAcross"), 0), _MOST_COLUMNS - place)
            spans.append((len(cells), len(cells) + wide))
            cells += [_value(cell, formats), *[""] * wide]
        for first, last in spans:
            spread(cells, first, last)
        yield cells


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdigit() and len(text) < 9 else otherwise


def _value(cell: Any, formats: dict[str, str]) -> str:
    """Return a cell's value as text, a formula without a value as itself."""
    data = child(cell, "Data")
    if data is None:
        return attribute(cell, "Formula")
    text, kind = "".join(data.itertext()), attribute(data, "Type")
    number_format = formats.get(attribute(cell, "StyleID"), "")
    if kind == "Boolean":
        return value_text(text.strip() == "1")
    if kind == "DateTime":
        return _moment(text.strip())
    if kind == "Number" and re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text.strip()):
        number = float(text)
        whole = number.is_integer() and abs(number) < 1e15
        return value_text(int(number) if whole else number, _FORMATS.get(number_format, number_format))
    return clean(text)


def _moment(text: str) -> str:
    """Return a date or a time; times stand on the last day of 1899."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return value_text(moment.time() if moment.year < 1900 else moment)
