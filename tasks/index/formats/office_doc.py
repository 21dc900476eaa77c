"""DOC without LibreOffice: the text of Word 6 to 2003 by its piece table, with headings, lists, tables and notes.

The text of a file lies in pieces, as it was typed and saved; the piece table puts them in order ([MS-DOC] 2.4.1). What a
paragraph is (heading, list, in a table, last mark of a row) stands in pages of formatting, found by the paragraph's place
in the file (2.4.6.1); so does what is deleted. Behind the main text stand footnotes, heads and feet, comments,
endnotes and text boxes. Numbers that Word makes up (of lists and headings) are not in the text.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tasks.index.formats.base import clean, corrupt, hidden_text, table
from tasks.index.formats.pictures import unread_pictures
from tasks.records import Element, ElementKind

_WORD_97 = 0xC1
"""The version of the file format (nFib) from which on texts are Unicode and the tables are in a stream of their own."""

_CODE_PAGES = {
    0x19: "cp1251",
    0x22: "cp1251",
    0x23: "cp1251",
    0x05: "cp1250",
    0x15: "cp1250",
    0x0E: "cp1250",
    0x18: "cp1250",
    0x1A: "cp1250",
    0x1B: "cp1250",
    0x24: "cp1250",
    0x08: "cp1253",
    0x1F: "cp1254",
    0x0D: "cp1255",
    0x01: "cp1256",
    0x25: "cp1257",
    0x26: "cp1257",
    0x27: "cp1257",
}
"""Of Word 6 and 95, by the primary language of the file."""

_IN_TABLE, _ROW_END, _LEVEL, _LIST, _OLD_LIST = 0x2416, 0x2417, 0x2640, 0x460B, 0x260A
_DELETED, _HIDDEN = 0x0800, 0x083C
_OLD_IN_TABLE, _OLD_ROW_END, _OLD_DELETED, _OLD_HIDDEN = 24, 25, 65, 92
_OLD_SIZES = (
    dict.fromkeys((2, *range(16, 20), 21, 22, *range(26, 29), *range(30, 37), *range(38, 44), *range(45, 50)), 2)
    | dict.fromkeys((69, 72, 80, 93, 96, 97, 99, 101, *range(105, 108), 109, 110, *range(121, 125), 140, 141), 2)
    | dict.fromkeys((144, 145, 148, 149, *range(154, 158), 160, 161, *range(164, 172), *range(182, 185)), 2)
    | dict.fromkeys((189, 195, 197, 198), 2)
    | dict.fromkeys((73, 95, 136, 137), 3)
    | dict.fromkeys((20, 70, 74, 192, 194, 196, 200), 4)
    | dict.fromkeys((68, 193, 199), 5)
    | dict.fromkeys((120, 187), 12)
)
"""Bytes of the operands of Word 6 and 95's modifiers; one where the code is neither here nor says its own length."""
_OLD_COUNTED = frozenset({3, 12, 15, 23, 81, 103, 108, 191})
_OLD_TABLES = frozenset({188, 190})
_WIDE, _MAC = 0x1000, 256
_SIZES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_SPECIAL = str.maketrans(
    {
        "\x1e": "-",
        "\x1f": None,
        "\x0b": "\n",
        "\x0e": "\n",
        "\xa0": " ",
        "\x01": None,
        "\x02": None,
        "\x03": None,
        "\x04": None,
        "\x05": None,
        "\x08": None,
        "\x00": None,
    }
)
_INSTRUCTION = re.compile("\x13[^\x13-\x15]*\x14?")  # of a field: it may hold data that look like a picture
_PARTS: tuple[tuple[str, ElementKind], ...] = (
    ("main", "text"),
    ("footnotes", "text"),
    ("heads", "header"),
    ("macros", "text"),
    ("comments", "text"),
    ("endnotes", "text"),
    ("boxes", "text"),
    ("head boxes", "header"),
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of the text: characters `start … end`, and where in the stream they lie, one or two bytes each."""

    start: int
    end: int
    offset: int
    width: int

    def place(self, character: int) -> int:
        return self.offset + (character - self.start) * self.width


@dataclass(frozen=True, slots=True)
class _Formats:
    """Properties by place in the stream: from `starts[i]` to `ends[i]`."""

    starts: list[int]
    ends: list[int]
    values: list[dict[int, int]]

    def at(self, place: int) -> dict[int, int]:
        index = bisect_right(self.starts, place) - 1
        return self.values[index] if index >= 0 and place < self.ends[index] else {}


@dataclass(slots=True)
class _Rows:
    """The table that is being collected."""

    rows: list[list[str]] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def closed(self, page: int) -> Element | None:
        """Return the table, with the row that was begun; None when nothing was collected."""
        begun = [[*self.cells, "\n".join(self.open)]] if self.open or self.cells else []
        return table([*self.rows, *begun], page)


def elements_of_doc(container: Any) -> tuple[list[Element], list[str]]:
    """Return the elements of a Word file, and warnings.

    Args:
        container: the opened OLE2 container (olefile).

    Raises:
        DocumentError: CORRUPT.
    """
    stream = container.openstream("WordDocument").read()
    try:
        return _Document(stream, container).elements()
    except (struct.error, IndexError, OSError) as error:
        raise corrupt(f"the Word file is damaged and cannot be read: {error}") from None


class _Document:
    """A Word file by its information block ([MS-DOC] 2.5)."""

    def __init__(self, stream: bytes, container: Any) -> None:
        (self.version,) = struct.unpack_from("<H", stream, 2)
        self.stream, self.modern = stream, self.version >= _WORD_97
        (flags,) = struct.unpack_from("<H", stream, 10)
        name = ("1Table" if flags & 0x200 else "0Table") if self.modern else "WordDocument"
        self.tables: bytes = container.openstream(name).read() if container.exists(name) else b""
        (language,) = struct.unpack_from("<H", stream, 6)
        self.wide = not self.modern and bool(flags & _WIDE)  # of Word 95, in the Far East: two bytes a character
        self.code_page = "cp1252" if self.modern else _CODE_PAGES.get(language & 0x3FF, "cp1252")
        if not self.modern and struct.unpack_from("<H", stream, 0x14)[0] == _MAC:
            self.code_page = "mac_roman"
        self.counts = struct.unpack_from("<8i", stream, 0x4C if self.modern else 0x34)
        self.pieces = self._pieces(bool(flags & 4))
        self.paragraphs = self._formats(0x102 if self.modern else 0xC0, paragraph=True)
        self.runs = self._formats(0xFA if self.modern else 0xB8, paragraph=False)
        self.hidden = 0
        self._in_hidden = False

    def elements(self) -> tuple[list[Element], list[str]]:
        text = "".join(self._text(piece) for piece in self.pieces)
        found: list[Element] = []
        start = 0
        for (part, kind), count in zip(_PARTS, self.counts, strict=True):
            end = min(len(text), start + max(0, count))
            if part != "macros" and end > start:
                seen = {element.text for element in found if element.kind == "header"}
                page = max((e.page for e in found if kind == "text"), default=1)  # notes stand at the end
                elements = self._blocks(text, start, end, kind, page)
                found += [element for element in elements if kind != "header" or element.text not in seen]
            start = end
        warnings = [hidden_text(self.hidden)] if self.hidden else []
        if drawn := _INSTRUCTION.sub("", text).count("\x01"):
            warnings.append(unread_pictures((), drawn))
        return found, warnings

    # ---- the text ----------------------------------------------------------------------------------------------------

    def _pieces(self, complex_file: bool) -> list[_Piece]:
        place, length = struct.unpack_from("<II", self.stream, 0x1A2 if self.modern else 0x160)
        if self.modern or complex_file:
            found = self._piece_table(self.tables[place : place + length])
            if found:
                return found
        (first,) = struct.unpack_from("<I", self.stream, 0x18)
        most = max(0, len(self.stream) - first)
        width = 2 if self.wide else 1
        return [_Piece(0, min(most // width, sum(max(0, count) for count in self.counts)), first, width)]

    def _piece_table(self, data: bytes) -> list[_Piece]:
        place = 0
        while place < len(data) and data[place] == 1:  # properties of pieces stand before the table
            place += 3 + struct.unpack_from("<h", data, place + 1)[0]
        if place >= len(data) or data[place] != 2:
            return []
        (length,) = struct.unpack_from("<I", data, place + 1)
        plc = data[place + 5 : place + 5 + length]
        number = (len(plc) - 4) // 12
        characters = struct.unpack_from(f"<{number + 1}I", plc)
        found = []
        for index in range(number):
            (offset,) = struct.unpack_from("<I", plc, 4 * (number + 1) + 8 * index + 2)
            packed = bool(offset & 0x40000000) if self.modern else not self.wide
            offset = (offset & 0x3FFFFFFF) // 2 if packed and self.modern else offset & 0x3FFFFFFF
            if characters[index + 1] > len(self.stream):
                break  # damage: no text is longer than its file
            if characters[index + 1] > characters[index]:
                found.append(_Piece(characters[index], characters[index + 1], offset, 1 if packed else 2))
        return found

    def _text(self, piece: _Piece) -> str:
        data = self.stream[piece.offset : piece.place(piece.end)]
        if piece.width == 2:
            text = data.decode("utf-16-le", "surrogatepass")
        else:
            text = data.decode(self.code_page, "replace")
        return text[: piece.end - piece.start].ljust(piece.end - piece.start, "\0")

    def _place(self, character: int) -> int:
        index = bisect_right(self.pieces, character, key=lambda piece: piece.start) - 1
        return self.pieces[index].place(character) if index >= 0 else 0

    # ---- formatting --------------------------------------------------------------------------------------------------

    def _formats(self, block: int, paragraph: bool) -> _Formats:
        """Return the properties in the pages that a bin table names; a page that is broken is passed over."""
        place, length = struct.unpack_from("<II", self.stream, block)
        data = self.tables[place : place + length]
        size = 4 if self.modern else 2
        number = (len(data) - 4) // (4 + size)
        found: list[tuple[int, int, dict[int, int]]] = []
        for index in range(max(0, number)):
            (page,) = struct.unpack_from("<I" if self.modern else "<H", data, 4 * (number + 1) + size * index)
            start = (page & 0x3FFFFF) * 512
            if start + 512 <= len(self.stream):
                found += self._page(self.stream[start : start + 512], paragraph)
        found.sort(key=lambda one: one[0])
        return _Formats([one[0] for one in found], [one[1] for one in found], [one[2] for one in found])

    def _page(self, page: bytes, paragraph: bool) -> Iterator[tuple[int, int, dict[int, int]]]:
        count = page[511]
        width = (13 if self.modern else 7) if paragraph else 1
        if 4 * (count + 1) + width * count > 511:
            return
        places = struct.unpack_from(f"<{count + 1}I", page)
        for index in range(count):
            offset = 2 * page[4 * (count + 1) + width * index]
            yield places[index], places[index + 1], self._properties(page, offset, paragraph) if offset else {}

    def _properties(self, page: bytes, offset: int, paragraph: bool) -> dict[int, int]:
        size = page[offset]
        if not paragraph:
            data = page[offset + 1 : offset + 1 + size]
            return self._modifiers(data)
        if self.modern and size == 0:
            offset, size = offset + 1, 2 * page[offset + 1]
        else:
            size = 2 * size - (1 if self.modern else 0)
        data = page[offset + 1 : offset + 1 + size]
        if len(data) < 2:
            return {}
        return {-1: struct.unpack_from("<H", data)[0]} | self._modifiers(data[2:])

    def _modifiers(self, data: bytes) -> dict[int, int]:
        """Return single property modifiers: code → value."""
        return dict(_modern_modifiers(data) if self.modern else _old_modifiers(data))

    # ---- elements ----------------------------------------------------------------------------------------------------

    def _blocks(self, text: str, start: int, end: int, kind: ElementKind, page: int) -> Iterator[Element]:
        rows = _Rows()
        for first, last, mark in _paragraphs(text, start, end):
            words = clean(self._shown(text, first, last))
            properties = self.paragraphs.at(self._place(last))
            in_table = properties.get(_IN_TABLE if self.modern else _OLD_IN_TABLE, 0) or mark == "\x07"
            if kind == "text" and in_table:
                self._add_cell(rows, words, properties, mark)
                continue
            if found := rows.closed(page):
                yield found
            rows = _Rows()
            if words:
                yield self._paragraph(words, properties, kind, page)
            page += mark == "\x0c" and kind == "text" and start == 0
        if found := rows.closed(page):
            yield found

    def _paragraph(self, words: str, properties: dict[int, int], kind: ElementKind, page: int) -> Element:
        """Return a paragraph with its level: styles 1 to 9 are headings in every file, others may have an outline level (9: none)."""
        style = properties.get(-1, 0)
        level = style if 1 <= style <= 9 else properties.get(_LEVEL, 9) + 1
        if kind == "text" and level <= 9 and len(words) <= 300:
            return Element("title", " ".join(words.split()), page, level)
        if kind == "text" and (properties.get(_LIST, 0) or properties.get(_OLD_LIST, 0)):
            return Element("list", words, page)
        return Element(kind, words, page)

    def _add_cell(self, rows: _Rows, words: str, properties: dict[int, int], mark: str) -> None:
        """Add a paragraph within a table: `\x07` ends a cell, or the row where its mark says so."""
        if mark != "\x07":
            rows.open.append(words)
            return
        ends_row = properties.get(_ROW_END if self.modern else _OLD_ROW_END, 0)
        if ends_row and not words and not rows.open:
            rows.rows.append(rows.cells)
            rows.cells = []
            return
        rows.cells.append(" ".join([*rows.open, words]).strip())
        rows.open = []

    def _shown(self, text: str, start: int, end: int) -> str:
        """Return the characters of a paragraph that show: results of fields, not their codes; nothing that is deleted."""
        pieces: list[str] = []
        depth: list[bool] = []  # of each open field: whether its result has begun
        place = start
        while place < end:
            at = self._place(place)
            properties = self.runs.at(at)
            index = bisect_right(self.runs.starts, at) - 1
            piece = self.pieces[max(0, bisect_right(self.pieces, place, key=lambda one: one.start) - 1)]
            upto = min(end, piece.end)
            if index >= 0 and at < self.runs.ends[index]:
                upto = min(upto, place + max(1, (self.runs.ends[index] - at) // piece.width))
            deleted = properties.get(_DELETED if self.modern else _OLD_DELETED, 0) & 1
            before = len(pieces)
            for character in text[place:upto]:
                if character == "\x13":
                    depth.append(False)
                elif character == "\x14" and depth:
                    depth[-1] = True
                elif character == "\x15" and depth:
                    depth.pop()
                elif all(depth) and not deleted:
                    pieces.append(character)
            if any(character > " " for character in pieces[before:]):
                hidden = bool(properties.get(_HIDDEN if self.modern else _OLD_HIDDEN, 0) & 1)
                self.hidden += hidden and not self._in_hidden
                self._in_hidden = hidden
            place = max(upto, place + 1)
        return "".join(pieces).translate(_SPECIAL)


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield (first, place of its mark, mark) of each paragraph; a page break ends one too."""
    first = start
    for place in range(start, end):
        if text[place] in "\r\x07\x0c":
            yield first, place, text[place]
            first = place + 1
    if first < end:
        yield first, end, ""


def _modern_modifiers(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the modifiers of Word 97 on: the code says how long the operand is."""
    place = 0
    while place + 2 <= len(data):
        (code,) = struct.unpack_from("<H", data, place)
        place += 2
        kind = code >> 13
        if kind == 6:
            wide = code in {0xD608, 0xD606}
            length = struct.unpack_from("<H", data, place)[0] + 1 if wide and place + 2 <= len(data) else 0
            place += length or ((data[place] if place < len(data) else 0) + 1)
            continue
        length = _SIZES[kind]
        yield code, int.from_bytes(data[place : place + length], "little")
        place += length


def _old_modifiers(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the modifiers of Word 6 and 95: codes of one byte, each with its own length of operand."""
    place = 0
    while place + 2 <= len(data):
        code, place = data[place], place + 1
        if code in _OLD_TABLES:
            place += 1 + int.from_bytes(data[place : place + 2], "little")
        elif code in _OLD_COUNTED:
            place += 1 + data[place]
        else:
            length = _OLD_SIZES.get(code, 1)
            yield code, int.from_bytes(data[place : place + length], "little")
            place += length
