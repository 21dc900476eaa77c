"""DOCX, with DOCM, templates and the strict flavour: one walk over the package, everything where it stands.

No library reads all of it: python-docx does not see content controls, tracked insertions, simple fields, text boxes,
notes, comments and charts, and what is added afterwards by comparing texts is lost where two figures look
alike. So each part is walked once, and each thing is known by where it stands: heads first, then the body with
its boxes, charts and imported parts, then footnotes, endnotes, comments and feet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError
from tasks.index.detect import detect
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, hidden_text, load, title_of, with_sections, without_bullet
from tasks.index.formats.drawing import drawn
from tasks.index.formats.embedded import embedded_files
from tasks.index.formats.grid import MOST_COLUMNS, Place, table_of_grid
from tasks.index.formats.ooxml import Package, attribute, core_properties, has_main_part, local, relation_id
from tasks.index.formats.pictures import Pictures, emu
from tasks.index.formats.word_inline import Inline, inline
from tasks.index.formats.word_styles import Numbering, Styles, child, is_listed, is_on, title_level, value
from tasks.records import Element, ElementKind, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("docx",)
VERSION = "3"
SAMPLES = {"docx": {"word/document.xml": b"<a/>"}}

_NOTES = (("footnotes", "Footnotes"), ("endnotes", "Endnotes"), ("comments", "Comments"))
_MERE_NUMBER = re.compile(r"[\W\d]*")
_STORIES = frozenset({"body", "footnote", "endnote", "comment"})
_SILENT = frozenset("del moveFrom sectPr pPr tblPr tcPr trPr sdtPr sdtEndPr r".split())
_LONGEST_TITLE = 500
_LONG_CELL = 1_500
_DEEPEST = 4  # documents imported within documents
_WRAPPERS = frozenset(
    "sdt sdtContent customXml smartTag ins moveTo AlternateContent Choice Fallback hyperlink sect sub-section".split()
)


def sniff(look: Look) -> str:
    """Know a package by its main part."""
    return "docx" if has_main_part(look, "word/document", "wordprocessingml|ms-word") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a Word document.

    Pages are those at the page breaks that Word saved, else at the hard ones, 1 throughout when there are none.

    Raises:
        DocumentError: CORRUPT.
    """
    package = Package(load(source))
    properties = core_properties(package.archive)
    reader = _Reader(package, context)
    elements = list(reader.read())
    attachments, left_out = held(embedded_files(package), context.limits)
    return Parsed(
        format="docx",
        title=title_of(elements, properties.pop("title", None)),
        language="",
        pages=max((element.page for element in elements), default=1),
        elements=with_sections(elements),
        metadata=properties,
        attachments=attachments,
        warnings=(*dict.fromkeys(package.warnings), *left_out),
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell: its elements, the columns that it spans, whether it goes on from the cell above."""

    elements: tuple[Element, ...]
    columns: int
    goes_on: bool

    @property
    def text(self) -> str:
        return " ".join(element.text for element in self.elements if element.text)


class _Reader:
    """Walks the parts of one document, keeping the page and the lists' numbers."""

    def __init__(self, package: Package, context: Context) -> None:
        self._package = package
        self._context = context
        self._main = package.main(r"word/document\d*\.xml")
        self._root = package.xml(self._main)
        self._styles = Styles(self._aside("styles"))
        self._numbering = Numbering(self._aside("numbering"), self._styles)
        rendered = next(self._root.iter("{*}lastRenderedPageBreak"), None) is not None
        self._break_tag = "lastRenderedPageBreak" if rendered else "br"
        self._pictures = Pictures(context, package.warnings)
        self._page = 1
        self._part = self._main

    def _aside(self, kind: str) -> Any | None:
        parts = self._package.related(self._main, kind)
        return self._package.aside(parts[0]) if parts else None

    def read(self) -> Iterator[Element]:
        """Yield the elements of the whole document; of one without text those of its pictures."""
        empty = True
        for element in self._all():
            empty = False
            yield element
        if empty:
            yield from self._pictures.left()
        self._pictures.told()
        if count := sum(1 for _ in self._root.iter("{*}oMath")):
            self._package.warnings.append(f"{count} formula(s) are written out in one line")
        if count := self._hidden():
            self._package.warnings.append(hidden_text(count))

    def _hidden(self) -> int:
        """Return how many passages are hidden, by themselves or by their style."""
        count = sum(1 for node in self._root.iter("{*}vanish") if _hides(node))
        if hiding := self._styles.hiding:
            styled = (n for n in self._root.iter("{*}rStyle", "{*}pStyle") if attribute(n, "val") in hiding)
            count += sum(1 for node in styled if next(node.getparent().getparent().iter("{*}t"), None) is not None)
        return count

    def _all(self) -> Iterator[Element]:
        heads, feet = self._references("headerReference"), self._references("footerReference")
        for part in heads:
            yield from self._margin(part, "header")
        yield from self._story(self._main, self._root)
        last = self._page
        for kind, section in _NOTES:
            for part in self._note_parts(kind):
                yield from (replace(element, section=section) for element in self._notes(part))
        for part in feet:
            self._page = last
            yield from self._margin(part, "footer")

    def _references(self, name: str) -> list[str]:
        """Return the parts of heads or feet, each once, in the order of the sections that show them."""
        what = f"a {name.removesuffix('Reference')}"
        nodes = self._root.iter("{*}" + name)
        found = [self._package.lead(self._main, relation_id(node), what) for node in nodes]
        return list(dict.fromkeys(r.target for r in found if r is not None and not r.external))

    def _note_parts(self, kind: str) -> list[str]:
        told = self._package.related(self._main, kind)
        named = [name for name in self._package.names if re.fullmatch(rf"word/{kind}\d*\.xml", name)]
        return told or named[:1]

    def _margin(self, part: str, kind: ElementKind) -> Iterator[Element]:
        """Yield a head or a foot, without a page's mere number; its tables stay tables."""
        if (root := self._package.aside(part)) is not None:
            numbered = any("PAGE" in _instruction(node) for node in root.iter("{*}fldSimple", "{*}instrText"))
            for element in self._story(part, root):
                if element.kind == "table":
                    yield element
                elif not (numbered and _MERE_NUMBER.fullmatch(element.text)):
                    yield replace(element, kind=kind, level=0)

    def _notes(self, part: str) -> Iterator[Element]:
        """Yield each note of a part; those that only draw the line above notes have no text."""
        if (root := self._package.aside(part)) is not None:
            for element in self._story(part, root):
                yield replace(element, kind="text", level=0) if element.kind == "title" else element

    def _story(self, part: str, root: Any) -> Iterator[Element]:
        """Yield the elements of one part."""
        self._part = part
        for node in [part for part in root if local(part) in _STORIES] or [root]:
            yield from self._blocks(node)

    def _blocks(self, node: Any) -> Iterator[Element]:
        """Yield the elements of a body, a cell, a box or a note."""
        carried = ""
        for item in node:
            tag = local(item)
            if tag == "p":
                text = inline(item, self._break_tag)
                text.pieces.insert(0, carried)
                carried = text.text if _mark_deleted(item) else ""
                if carried:
                    continue
                yield from self._paragraph(item, text)
            elif tag == "tbl":
                yield from self._table(item)
            elif tag == "altChunk":
                yield from self._imported(item)
            elif tag in _WRAPPERS:
                yield from self._blocks(item)
            elif tag not in _SILENT and next(item.iter("{*}t"), None) is not None:
                yield from self._unknown(item)
        if rest := clean(carried):
            yield Element("text", rest, self._page)

    def _unknown(self, node: Any) -> Iterator[Element]:
        """Yield what stands in an element that no program of ours knows: its blocks, or its words as a paragraph."""
        words = f"an unknown element ({local(node)}) was read for its text"
        self._package.warnings.append(words)
        if next(node.iter("{*}p"), None) is not None:
            yield from self._blocks(node)
        else:
            yield from self._paragraph(node, inline(node, self._break_tag))

    def _paragraph(self, node: Any, found: Inline) -> Iterator[Element]:
        """Yield a paragraph, then what hangs on it."""
        self._page += found.breaks_before
        properties = child(node, "pPr")
        if text := clean(found.text):
            look = self._styles.look(properties)
            label = self._numbering.label(look)
            level = title_level(look) if len(text) <= _LONGEST_TITLE else 0
            bare = without_bullet(text)
            kind: ElementKind = "list" if is_listed(look) or bare != text else "text"
            if look.name.lower() == "caption":
                kind = "caption"
            shown = f"{label} {bare}" if label else bare
            yield Element("title" if level else kind, shown, self._page, level)
        self._page += found.breaks - found.breaks_before
        for anchored in found.anchored:
            if local(anchored) == "txbxContent":
                yield from self._blocks(anchored)
            elif local(anchored) in {"blip", "imagedata"}:
                yield from self._picture(anchored)
            else:
                yield from drawn(self._package, self._part, anchored, self._page)

    def _picture(self, node: Any) -> Iterator[Element]:
        """Yield the text of a picture, where it is a page."""
        identity = relation_id(node, "embed") or relation_id(node)
        relation = self._package.lead(self._part, identity, "a picture")
        if relation is None or relation.external:
            return
        try:
            data = self._package.read(relation.target)
        except DocumentError as error:
            self._package.warnings.append(f"a picture was left out: {error.message}")
            return
        yield from self._pictures.large(relation.target, data, _size(node), self._page)

    def _imported(self, node: Any) -> Iterator[Element]:
        """Yield a part in another format that Word shows as if it stood here (`w:altChunk`)."""
        relation = self._package.relations(self._part).get(relation_id(node))
        name = self._context.name
        if relation is None or relation.external or name.count("!") >= _DEEPEST:
            self._package.warnings.append("an imported part (altChunk) was left out: it is not in the package")
            return
        from tasks.index.formats import parser

        try:
            data = self._package.read(relation.target)
            context = replace(self._context, name=f"{name}!{relation.target.rpartition('/')[2]}")
            parsed = parser(detect(data, relation.target))(data, context)
        except DocumentError as error:
            self._package.warnings.append(f"the imported part {relation.target} was left out: {error.message}")
            return
        self._package.warnings += parsed.warnings
        yield from (replace(element, page=self._page, section="") for element in parsed.elements)

    def _table(self, node: Any) -> Iterator[Element]:
        """Yield a table; one that only arranges the page gives its cells' elements as they are."""
        rows = [[*self._row(row)] for row in _rows(node)]
        cells = [cell for row in rows for cell in row if cell.elements]
        nested = any(e.kind == "table" for cell in cells for e in cell.elements)
        single = len(rows) <= 1 or max(map(len, rows), default=0) <= 1
        if len(cells) <= 1 or (nested and single) or any(len(cell.text) > _LONG_CELL for cell in cells):
            for cell in cells:
                yield from cell.elements
        elif found := table_of_grid(_grid(rows), self._page):
            yield found

    def _row(self, row: Any) -> Iterator[_Cell]:
        properties = child(row, "trPr")
        yield from (_Cell((), 1, False) for _ in range(_count(value(properties, "gridBefore"), 0)))
        for cell in _cells(row):
            about = child(cell, "tcPr")
            merge = child(about, "vMerge")
            goes_on = merge is not None and attribute(merge, "val", "continue") == "continue"
            elements = () if child(about, "cellDel") is not None else tuple(self._blocks(cell))
            yield _Cell(elements, _count(value(about, "gridSpan"), 1), goes_on)


def _hides(node: Any) -> bool:
    """Tell whether a run's properties hide it, and it has text (the mark of a paragraph has none)."""
    run = node.getparent().getparent()
    return is_on(node) and local(run) == "r" and next(run.iter("{*}t"), None) is not None


def _instruction(node: Any) -> str:
    return (attribute(node, "instr") or node.text or "").upper()


def _size(node: Any) -> tuple[int, int]:
    """Return width and height of a picture in EMU, 0 where they are not told."""
    for above in node.iterancestors():
        if local(above) in {"inline", "anchor"} and (extent := child(above, "extent")) is not None:
            return _count(attribute(extent, "cx"), 0, most=2**40), _count(attribute(extent, "cy"), 0, most=2**40)
        if local(above) == "shape":
            style = dict(re.findall(r"(width|height)\s*:\s*([^;]+)", attribute(above, "style")))
            return emu(style.get("width", "")), emu(style.get("height", ""))
    return 0, 0


def _mark_deleted(paragraph: Any) -> bool:
    """Tell whether the end of a paragraph was deleted: it then goes on in the next."""
    marks = child(child(paragraph, "pPr"), "rPr")
    return child(marks, "del") is not None or child(marks, "moveFrom") is not None


def _rows(node: Any) -> Iterator[Any]:
    """Yield the rows of a table, looked for in what wraps them; deleted ones go."""
    for item in node:
        if local(item) == "tr":
            properties = child(item, "trPr")
            if child(properties, "del") is None:
                yield item
        elif local(item) in _WRAPPERS:
            yield from _rows(item)


def _cells(node: Any) -> Iterator[Any]:
    for item in node:
        if local(item) == "tc":
            yield item
        elif local(item) in _WRAPPERS:
            yield from _cells(item)


def _count(text: str, otherwise: int, most: int = MOST_COLUMNS) -> int:
    return min(int(text), most) if text.isdigit() and len(text) < 12 else otherwise


def _grid(rows: list[list[_Cell]]) -> list[list[Place]]:
    """Return every place that a cell covers with its text and number."""
    grid: list[list[Place]] = []
    number = 0
    for row in rows:
        line: list[Place] = []
        for cell in row:
            number += 1
            above = grid[-1][len(line)] if grid and len(line) < len(grid[-1]) else ("", 0)
            place = above if cell.goes_on and not cell.text and above[1] else (cell.text, number)
            line += [place] * max(1, cell.columns)
        grid.append(line[:MOST_COLUMNS])
    return grid
