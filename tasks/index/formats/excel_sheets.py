"""What lies on the sheets of a workbook beside its cells: comments, text boxes, charts, diagrams, heads and feet.

The parts are the same in XLSX and XLSB, but for the sheets themselves, so both readers use this.
"""

from __future__ import annotations

import html
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.errors import DocumentError
from tasks.index.formats.base import clean
from tasks.index.formats.drawing import drawn, paragraphs
from tasks.index.formats.ooxml import Package, attribute, local, relation_id, xml_root
from tasks.records import Element, ElementKind

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_COMMENT_TEXT = 637
_MARGIN_CODE = re.compile(r'&(?:"[^"]*"|\d+|K[0-9A-F]{6}|[A-Za-z+-]|(&))')


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook: `kind` is `worksheet`, `chartsheet`, `dialogsheet` or `xlMacrosheet`."""

    name: str
    part: str
    kind: str
    hidden: bool = False


def sheets_of(package: Package) -> list[Sheet]:
    """Return the sheets in the order of their tabs.

    Raises:
        DocumentError: CORRUPT.
    """
    main = package.main(r"xl/workbook\d*\.xml")
    relations = package.relations(main)
    found = []
    for node in package.xml(main).iter("{*}sheet"):
        if (relation := relations.get(relation_id(node))) is not None and not relation.external:
            hidden = attribute(node, "state") in {"hidden", "veryHidden"}
            found.append(Sheet(attribute(node, "name"), relation.target, relation.kind, hidden))
        else:
            package.warnings.append(f"the sheet {attribute(node, 'name')} was left out: it is not in the package")
    return found


def unescaped(text: str) -> str:
    """Return a string without the escapes of characters that XML does not allow: `_x000D_` is a line end."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def beside_cells(package: Package, part: str, page: int) -> Iterator[Element]:
    """Yield the comments and drawings of a sheet."""
    yield from _comments(package, part, page)
    for drawing in package.related(part, "drawing"):
        if (root := package.aside(drawing)) is not None:
            yield from _drawing(package, drawing, root, page)
    for name in package.related(part, "vmlDrawing"):
        yield from _controls(package, name, page)


def _comments(package: Package, part: str, page: int) -> Iterator[Element]:
    """Yield comments by their cell; one that has become a conversation is left to that."""
    taken = set()
    for name in package.related(part, "threadedComment"):
        if (root := package.aside(name)) is not None:
            for node in root.iter("{*}threadedComment"):
                taken.add(attribute(node, "ref"))
                if text := clean("".join(t.text or "" for t in node.iterchildren("{*}text"))):
                    yield Element("text", text, page)
    for name in package.related(part, "comments"):
        if name.endswith(".bin"):
            yield from (Element("text", text, page) for text in _binary_comments(package, name))
        elif (root := package.aside(name)) is not None:
            for node in root.iter("{*}comment"):
                text = clean(unescaped("".join(t.text or "" for t in node.iter("{*}t"))))
                if text and attribute(node, "ref") not in taken:
                    yield Element("text", text, page)


def _binary_comments(package: Package, name: str) -> Iterator[str]:
    """Yield the comments of a binary workbook's sheet ([MS-XLSB] 2.1.4: each record's kind and size in 7 bits a byte)."""
    data, place = package.read(name), 0
    try:
        while place < len(data):
            kind, place = _number(data, place, 2)
            size, place = _number(data, place, 4)
            if kind == _COMMENT_TEXT:
                (count,) = struct.unpack_from("<I", data, place + 1)
                if text := clean(
                    data[place + 5 : min(place + size, place + 5 + 2 * count)].decode("utf-16-le", "replace")
                ):
                    yield text
            place += size
    except (struct.error, IndexError):
        package.warnings.append(f"left out: the rest of the comments in {name}, which is damaged")


def _number(data: bytes, place: int, most: int) -> tuple[int, int]:
    """Return the number of up to `most` bytes at a place, and where it ends."""
    value = 0
    for index in range(most):
        value |= (data[place + index] & 0x7F) << (7 * index)
        if not data[place + index] & 0x80:
            return value, place + index + 1
    return value, place + most


def _drawing(package: Package, part: str, root: Any, page: int) -> Iterator[Element]:
    for node in root.iter("{*}txBody", "{*}chart", "{*}relIds"):
        if local(node) == "txBody":
            yield from (Element("text", text, page) for text in paragraphs(node))
        else:
            yield from drawn(package, part, node, page)


def _controls(package: Package, name: str, page: int) -> Iterator[Element]:
    """Yield the labels of buttons and boxes in the old kind of drawing; comments have theirs there too."""
    try:
        root = xml_root(package.read(name), f"part {name} of the package", recover=True)
    except DocumentError as error:
        package.warnings.append(f"left out: {error.message}")
        return
    for shape in root.iter("{*}shape"):
        kind = next((attribute(node, "ObjectType") for node in shape.iter("{*}ClientData")), "")
        text = clean(" ".join("".join(box.itertext()) for box in shape.iter("{*}textbox")))
        if text and kind != "Note":
            yield Element("text", text, page)


def margins(package: Package, part: str, page: int) -> Iterator[Element]:
    """Yield what is printed above and below a sheet, without codes for page numbers, dates and fonts."""
    if b"HeaderFooter" not in (data := package.read(part)) and b"headerFooter" not in data:
        return
    tail = data[max(data.rfind(b"</sheetData>"), 0) :]
    for name, content in re.findall(rb"<(?:\w+:)?((?:odd|even|first)(?:Header|Footer))>([^<]*)<", tail):
        kind: ElementKind = "header" if name.endswith(b"Header") else "footer"
        if text := margin_text(html.unescape(content.decode("utf-8", "replace"))):
            yield Element(kind, text, page)


def margin_text(code: str) -> str:
    """Return the words of a head or foot: `&L&"Arial"Conti&RPagina &P` is `Conti Pagina`."""
    text = clean(_MARGIN_CODE.sub(lambda match: match[1] or " ", unescaped(code)))
    return text if any(map(str.isalpha, text)) else ""
