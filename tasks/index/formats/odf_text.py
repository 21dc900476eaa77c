"""The text of OpenDocument: paragraphs, lists, tables, and what hangs on them, in one walk.

Notes and comments come at the end, as in Word; frames, charts and shapes follow the paragraph that they are anchored
in; heads and feet come from the page styles. Deleted text, which tracked changes keep, goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.index.formats.base import Context, clean, hidden_text, raised, without_bullet
from tasks.index.formats.grid import MOST_COLUMNS, Place, table_of_grid
from tasks.index.formats.odf import OpenDocument
from tasks.index.formats.odf_styles import ListNumbers, OdfStyles
from tasks.index.formats.ooxml import attribute, local
from tasks.index.formats.pictures import Pictures, emu
from tasks.records import Element, ElementKind

_BLANKS = {"tab": " ", "line-break": "\n"}
_ASIDE = {"note": "Footnotes", "annotation": "Comments"}
_SKIPPED = frozenset({"tracked-changes", "note-citation"})
_ABOUT = (
    "{http://purl.org/dc/",
    "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible",
    "{urn:oasis:names:tc:opendocument:xmlns:meta",
)
_SHAPES = frozenset(
    "frame g custom-shape rect circle ellipse line connector path polygon polyline text-box caption measure a".split()
)
_HEADS = ("header", "header-left", "header-first")
_FEET = ("footer", "footer-left", "footer-first")
_MOST_REPEATED = 1_000
_LONG_CELL = 1_500


@dataclass(slots=True)
class _Inline:
    pieces: list[str] = field(default_factory=list)
    anchored: list[Any] = field(default_factory=list)
    breaks: int = 0


class TextWalker:
    """Walks one document, keeping the page; `aside` gathers notes and comments, `files` the embedded files."""

    def __init__(self, document: OpenDocument, context: Context) -> None:
        self._document = document
        self.pictures = Pictures(context, document.warnings)
        self._styles = OdfStyles(document)
        self._page = 1
        self._begun = False
        self._aside: list[Element] = []
        self.files: list[tuple[str, bytes]] = []

    def read(self) -> Iterator[Element]:
        """Yield the elements of a text document."""
        yield from self._margins(_HEADS, "header")
        self._page, self._begun = 1, False
        yield from self.blocks(self._document.body)
        if count := self._styles.hidden(self._document.content):
            self._document.warnings.append(hidden_text(count))
        yield from sorted(self._aside, key=lambda element: element.section == "Comments")
        yield from self._margins(_FEET, "footer")

    def take_aside(self) -> list[Element]:
        """Return the notes and comments so far, which are then forgotten here."""
        found, self._aside = self._aside, []
        return found

    def _margins(self, names: tuple[str, ...], kind: ElementKind) -> Iterator[Element]:
        """Yield the heads or feet of the page styles, without a page's mere number."""
        if self._document.styles is None:
            return
        for master in self._document.styles.iter("{*}master-page"):
            for node in (n for n in master if local(n) in names):
                numbered = next(node.iter("{*}page-number"), None) is not None
                for element in self.blocks(node):
                    if element.kind == "table":
                        yield element
                    elif not (numbered and not any(map(str.isalpha, element.text))):
                        yield replace(element, kind=kind, level=0)

    def sheet_margins(self, kind: ElementKind) -> Iterator[Element]:
        """Yield what is printed above or below the sheets, without the fields that every new workbook has there (page, sheet, date)."""
        if self._document.styles is None:
            return
        names = _HEADS if kind == "header" else _FEET
        seen: set[str] = set()
        for node in self._document.styles.iter(*(f"{{*}}{name}" for name in names)):
            if local(node.getparent()) == "master-page" and attribute(node, "display", "true") != "false":
                text = clean(" ".join(filter(None, map(_own_words, node.iter("{*}p")))))
                if text and text not in seen:
                    seen.add(text)
                    yield Element(kind, text)

    def blocks(self, node: Any, page: int = 0) -> Iterator[Element]:
        """Yield the elements of a body, a cell, a frame or a note.

        Args:
            node: what holds the paragraphs.
            page: the page of all of them, where it is known.
        """
        self._page = page or self._page
        for item in node:
            tag = local(item)
            if tag in {"p", "h"}:
                yield from self._paragraph(item)
            elif tag == "list":
                yield from self._list(item, ListNumbers(self._styles, attribute(item, "style-name"), []))
            elif tag == "table":
                yield from self.table(item)
            elif tag == "soft-page-break":
                self._page += 1
            elif tag in _SHAPES:
                yield from self.shape(item)
            elif tag in _ASIDE:
                self._set_aside(item, tag)
            elif tag and not _skipped(item):
                yield from self.blocks(item)

    def _paragraph(self, node: Any, label: str = "", kind: ElementKind = "text") -> Iterator[Element]:
        """Yield a paragraph, then what hangs on it."""
        style = attribute(node, "style-name")
        if self._begun and self._styles.begins_page(style):
            self._page += 1
        found = _Inline()
        self._collect(node, found)
        if text := clean("".join(found.pieces)):
            self._begun = True
            outline = attribute(node, "outline-level", "1")
            level = int(outline) if local(node) == "h" and outline.isdigit() else self._styles.title_level(style)
            bare = without_bullet(text)
            shown = f"{label} {bare}" if label else bare
            yield Element("title" if level else "list" if bare != text else kind, shown, self._page, level)
        self._page += found.breaks
        for anchored in found.anchored:
            yield from self.shape(anchored)

    def _collect(self, node: Any, found: _Inline) -> None:
        """Collect the words of a paragraph; runs of blanks, tabs and line breaks are elements of their own."""
        found.pieces.append(node.text or "")
        for item in node:
            tag = local(item)
            if tag == "s":
                found.pieces.append(" ")
            elif tag in _BLANKS:
                found.pieces.append(_BLANKS[tag])
            elif tag == "soft-page-break":
                found.breaks += 1
            elif tag in _ASIDE:
                self._set_aside(item, tag)
            elif tag in _SHAPES and tag != "a":
                found.anchored.append(item)
            elif tag == "control":
                found.pieces.append(self._control(attribute(item, "control")))
            elif tag == "span" and self._styles.raises(attribute(item, "style-name")):
                inner = _Inline(anchored=found.anchored, breaks=found.breaks)
                self._collect(item, inner)
                found.pieces.append(raised("".join(found.pieces[-1:]), "".join(inner.pieces)))
                found.breaks = inner.breaks
            elif tag == "ruby-text":
                found.pieces.append(f"({''.join(item.itertext())})" if "".join(item.itertext()).strip() else "")
            elif tag and not _skipped(item):
                self._collect(item, found)
            found.pieces.append(item.tail or "")

    def _set_aside(self, node: Any, tag: str) -> None:
        page = self._page
        inner = node if tag == "annotation" else next(node.iterchildren("{*}note-body"), node)
        section = "Endnotes" if attribute(node, "note-class") == "endnote" else _ASIDE[tag]
        found = [replace(e, section=section, kind="text", level=0, page=page) for e in self.blocks(inner)]
        self._aside += found
        self._page = page

    def _control(self, name: str) -> str:
        """Return what a form's field holds, by its label or name."""
        for node in self._document.content.iter("{*}form"):
            for item in node.iter("{*}*"):
                if name and attribute(item, "id") == name:
                    ticked = {"checked": "☒", "unchecked": "☐"}.get(attribute(item, "current-state"), "")
                    told = attribute(item, "current-value") or attribute(item, "value")
                    return " ".join(filter(None, (ticked, attribute(item, "label"), told)))
        return ""

    def _list(self, node: Any, numbers: ListNumbers) -> Iterator[Element]:
        """Yield the items of a list, each with its number as it is shown."""
        inner = replace(numbers, counts=[*numbers.counts, 0], style=attribute(node, "style-name") or numbers.style)
        for item in node:
            if local(item) not in {"list-item", "list-header"}:
                continue
            label = inner.label(attribute(item, "start-value")) if local(item) == "list-item" else ""
            for block in item:
                if local(block) == "list":
                    yield from self._list(block, inner)
                elif local(block) in {"p", "h"}:
                    yield from self._paragraph(block, label, "list")
                    label = ""
                elif local(block) != "number":
                    yield from self.blocks([block])

    def shape(self, node: Any) -> Iterator[Element]:
        """Yield what a frame or a shape holds: text, a table, a chart, a file."""
        for item in node:
            tag = local(item)
            if tag == "object":
                yield from self._document.object_elements(item, self._page)
            elif tag == "object-ole":
                if (found := self._document.object_file(item)) is not None:
                    self.files.append(found)
            elif tag == "image":
                yield from self._picture(item, node)
            elif not _skipped(item):
                yield from self.blocks([item])

    def _picture(self, node: Any, frame: Any) -> Iterator[Element]:
        """Yield the text of a picture, where it is a page; a picture that stands for an object beside it is left alone."""
        if any(local(other).startswith("object") for other in frame):
            return
        if (found := self._document.picture(node)) is not None:
            size = emu(attribute(frame, "width")), emu(attribute(frame, "height"))
            yield from self.pictures.large(*found, size, self._page)

    def table(self, node: Any) -> Iterator[Element]:
        """Yield a table; one that only arranges the page gives its cells' elements as they are."""
        grid, cells = self._grid(node)
        inner = any(element.kind == "table" for held in cells for element in held)
        single = len(grid) <= 1 or max(map(len, grid), default=0) <= 1
        long = any(sum(len(element.text) for element in held) > _LONG_CELL for held in cells)
        if len(cells) <= 1 or (inner and single) or long:
            for held in cells:
                yield from held
        elif found := table_of_grid(grid, self._page):
            yield found

    def _grid(self, node: Any) -> tuple[list[list[Place]], list[list[Element]]]:
        """Return the places of a table, and the elements of each cell that has any."""
        grid: list[list[Place]] = []
        cells: list[list[Element]] = []
        claimed: dict[tuple[int, int], Place] = {}
        number = 0
        rows = (r for r in table_rows(node) for _ in range(min(repeated(r, "number-rows-repeated"), _MOST_REPEATED)))
        for at, row in enumerate(rows):
            line: list[Place] = []
            for cell in (c for c in row if local(c) in {"table-cell", "covered-table-cell"}):
                held = list(self.blocks(cell))
                cells += [held] if held else []
                text = " ".join(element.text for element in held)
                for _ in range(min(repeated(cell, "number-columns-repeated"), MOST_COLUMNS - len(line))):
                    number += 1
                    place = claimed.get((at, len(line)), ("", number)) if not text else (text, number)
                    claimed |= dict.fromkeys(_covered(cell, at, len(line)), place)
                    line.append(place)
            grid.append(line)
        return grid, cells


def _skipped(node: Any) -> bool:
    """Return what is deleted, or said about the thing and not in it: who wrote a comment, the description of a picture."""
    return local(node) in _SKIPPED or str(node.tag).startswith(_ABOUT)


def _covered(cell: Any, row: int, column: int) -> Iterator[tuple[int, int]]:
    """Yield the places that a cell reaches over, but its own."""
    wide, high = repeated(cell, "number-columns-spanned"), repeated(cell, "number-rows-spanned")
    if wide * high > 1:
        for down in range(min(high, _MOST_REPEATED)):
            for right in range(min(wide, MOST_COLUMNS)):
                yield row + down, column + right


def table_rows(node: Any) -> Iterator[Any]:
    """Yield the rows of a table, those of its heads and groups too."""
    for item in node:
        if local(item) == "table-row":
            yield item
        elif local(item) in {"table-header-rows", "table-rows", "table-row-group"}:
            yield from table_rows(item)


def repeated(node: Any, name: str) -> int:
    """Return a number of repetitions or of places spanned, at least 1."""
    text = attribute(node, name)
    return max(1, int(text)) if text.isdigit() and len(text) < 9 else 1


def plain_text(node: Any) -> str:
    """Return the text of a paragraph without what hangs on it; runs of blanks, tabs and line breaks are elements of their own."""
    pieces = [node.text or ""]
    for item in node:
        if local(item) in {"s", *_BLANKS}:
            pieces.append(_BLANKS.get(local(item), " "))
        elif local(item) not in _ASIDE and local(item) not in _SHAPES - {"a"}:
            pieces.append(plain_text(item))
        pieces.append(item.tail or "")
    return "".join(pieces)


def _own_words(paragraph: Any) -> str:
    """Return what was typed into a header or footer, without its fields (page, sheet, title, date).

    Two words around the number of a page («Page 1 of 3») say nothing.
    """
    text = "".join(_typed(paragraph)).strip()
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    numbered = next(paragraph.iter("{*}page-number"), None) is not None
    return text if len(words) > (2 if numbered else 0) else ""


def _typed(node: Any) -> Iterator[str]:
    yield node.text or ""
    for item in node:
        if local(item) in {"span", "a"}:
            yield from _typed(item)
        elif local(item) in {"s", *_BLANKS}:
            yield " "
        yield item.tail or ""
