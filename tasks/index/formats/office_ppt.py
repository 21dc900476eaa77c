"""PPT without LibreOffice: the texts of PowerPoint 97 to 2003, slide by slide, with titles, tables, notes and comments.

The stream is a tree of records, and each saving appends what changed ([MS-PPT] 2.1.2). So the directory of the last saving
says where the document, its slides and their notes stand now; what lies elsewhere is an older version. A slide's
placeholders may have their text in the document's outline, to which they only point.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tasks.index.formats.base import clean, corrupt, table
from tasks.index.formats.pictures import unread_pictures
from tasks.records import Element

_DOCUMENT, _LIST, _PERSIST, _SLIDE, _NOTES = 0x03E8, 0x0FF0, 0x03F3, 0x03EE, 0x03F0
_SLIDE_ATOM, _NOTES_ATOM, _USER_EDIT, _DIRECTORY = 0x03EF, 0x03F1, 0x0FF5, 0x1772
_HEADER, _CHARS, _BYTES, _OUTLINE, _STRING = 0x0F9F, 0x0FA0, 0x0FA8, 0x0F9E, 0x0FBA
_SHAPE, _GROUP, _TEXT_BOX, _ANCHOR, _TERTIARY, _FOOTERS, _COMMENT = (
    0xF004,
    0xF003,
    0xF00D,
    0xF00F,
    0xF122,
    0x0FD9,
    0x2EE0,
)
_OBJECT = 0x1011
_FOOTERS_ATOM = 0x0FDA
_MARGINS = {0: 0x04, 1: 0x10, 2: 0x20}
"""Of a date, a head and a foot (by the instance of their string): the flag that shows it."""
_TABLE_ROWS = 0x03A0
_TITLES = frozenset({0, 6})
_BODIES = frozenset({1, 5, 7, 8})
_OPAQUE_CONTAINERS = frozenset({0x138B, _TEXT_BOX})  # hold records although their headers may not say so
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class _Record:
    kind: int
    instance: int
    start: int
    end: int
    holds: bool


@dataclass(slots=True)
class _Text:
    """A text with its kind: 0 and 6 titles, 1, 5, 7 and 8 bodies, 2 notes, 4 anything else."""

    kind: int
    words: str


@dataclass(slots=True)
class _Entry:
    """A slide in the outline: where it stands now (by the directory), its id, and the texts of its placeholders."""

    reference: int
    number: int
    texts: list[_Text] = field(default_factory=list)


def elements_of_ppt(container: Any) -> tuple[list[Element], int, list[tuple[str, bytes]], list[str]]:
    """Return the elements of a presentation, the number of slides, embedded files, and warnings.

    Args:
        container: the opened OLE2 container (olefile).

    Raises:
        DocumentError: CORRUPT.
    """
    data: bytes = container.openstream("PowerPoint Document").read()
    user = container.openstream("Current User").read() if container.exists("Current User") else b""
    show = _Show(data)
    try:
        places = show.directory(user)
        document = show.record(places[show.document])
        if document.kind != _DOCUMENT:
            raise ValueError("the directory does not name the document")
        slides = list(show.slides(places, document))
        margins = list(show.margins(document))
    except (struct.error, ValueError, KeyError, IndexError):
        elements = [Element("text", words) for words in show.all_texts()]
        if not elements:
            raise corrupt("the presentation is damaged and cannot be read: its directory is broken") from None
        words = "the presentation is damaged: its texts stand in the order of the file, older versions among them"
        return elements, 1, [], [words]
    files, unread = show.objects(places)
    elements = [element for page, slide in enumerate(slides, start=1) for element in slide_elements(slide, page)]
    texts = {element.text for element in elements}
    elements += [element for element in margins if element.text not in texts]
    warnings = [f"{unread} embedded object(s) were not read"] if unread else []
    drawn = _pictures(container.openstream("Pictures").read()) if container.exists("Pictures") else 0
    if drawn:
        warnings.append(unread_pictures((), drawn))
    return elements, max(1, len(slides)), files, warnings


def _pictures(stream: bytes) -> int:
    """Count the pictures that the presentation stores, each once however often it is shown."""
    count = place = 0
    while place + 8 <= len(stream):
        kind, size = struct.unpack_from("<HI", stream, place + 2)
        count += 0xF01A <= kind <= 0xF02A
        place += 8 + size
    return count


def slide_elements(parts: list[_Text | list[list[str]]], page: int) -> Iterator[Element]:
    """Yield the elements of a slide: titles first, tables with their cells, the paragraphs of bodies as lists."""
    ordered = sorted(parts, key=lambda part: not (isinstance(part, _Text) and part.kind in _TITLES))
    for part in ordered:
        if isinstance(part, list):
            if found := table(part, page):
                yield found
            continue
        words = clean(part.words)
        if not words or words == "*":
            continue
        if part.kind in _TITLES:
            yield Element("title", " ".join(words.split()), page, 1)
        elif part.kind in _BODIES:
            yield from (Element("list", line, page) for line in words.split("\n") if line)
        else:
            yield Element("text", words, page)


class _Show:
    """The record stream of a presentation."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.document = 1

    def record(self, place: int, end: int | None = None) -> _Record:
        """Return the record at a place, cut to what holds it.

        Raises:
            struct.error: the stream ends before.
        """
        head, kind, length = struct.unpack_from("<HHI", self.data, place)
        end = len(self.data) if end is None else end
        holds = head & 0xF == 0xF or kind in _OPAQUE_CONTAINERS
        return _Record(kind, head >> 4, place + 8, min(end, place + 8 + length), holds)

    def children(self, parent: _Record) -> Iterator[_Record]:
        place = parent.start
        while place + 8 <= parent.end:
            child = self.record(place, parent.end)
            yield child
            place = child.end if child.end > place + 8 else place + 8

    def walk(self, parent: _Record, depth: int = 0) -> Iterator[_Record]:
        """Yield everything below a record, depth first."""
        for child in self.children(parent):
            yield child
            if child.holds and depth < _DEEPEST:
                yield from self.walk(child, depth + 1)

    def directory(self, user: bytes) -> dict[int, int]:
        """Return where each persistent object stands now: the directories of all savings, the last one's entries first.

        Raises:
            ValueError: there is none.
        """
        places: dict[int, int] = {}
        edit = struct.unpack_from("<I", user, 16)[0] if len(user) >= 20 else 0
        seen: set[int] = set()
        while edit and edit not in seen and len(seen) < 1000:
            seen.add(edit)
            found = self.record(edit)
            if found.kind != _USER_EDIT:
                break
            _, _, before, directory, document = struct.unpack_from("<IIIII", self.data, found.start)
            if not places:
                self.document = document
            self._entries(self.record(directory), places)
            edit = before
        if not places:
            raise ValueError("no directory")
        return places

    def _entries(self, directory: _Record, places: dict[int, int]) -> None:
        place = directory.start
        while directory.kind == _DIRECTORY and place + 4 <= directory.end:
            (head,) = struct.unpack_from("<I", self.data, place)
            first, count = head & 0xFFFFF, head >> 20
            for step in range(min(count, (directory.end - place - 4) // 4)):
                places.setdefault(first + step, struct.unpack_from("<I", self.data, place + 4 + 4 * step)[0])
            place += 4 + 4 * count

    def slides(self, places: dict[int, int], document: _Record) -> Iterator[list[_Text | list[list[str]]]]:
        """Yield the parts of each slide in the order of the show: texts and tables, then notes and comments."""
        lists = {one.instance: one for one in self.children(document) if one.kind == _LIST}
        notes = self._notes(places, lists.get(2))
        for entry in self._entries_of(lists[0]) if 0 in lists else ():
            if entry.reference not in places:
                continue
            slide = self.record(places[entry.reference])
            if slide.kind != _SLIDE:
                continue
            parts = list(self._shapes(slide, entry.texts))
            shown = {part.words for part in parts if isinstance(part, _Text)}
            missing = [text for text in entry.texts if text.words not in shown]
            yield [*missing, *parts, *self._footers(slide), *notes.get(entry.number, ()), *self._comments(slide)]

    def _entries_of(self, outline: _Record) -> Iterator[_Entry]:
        entry: _Entry | None = None
        kind = 4
        for child in self.children(outline):
            if child.kind == _PERSIST:
                if entry:
                    yield entry
                reference, _, _, number = struct.unpack_from("<IIII", self.data, child.start)
                entry = _Entry(reference, number)
            elif child.kind == _HEADER:
                kind = struct.unpack_from("<I", self.data, child.start)[0]
            elif entry and (words := self._words(child)) is not None:
                entry.texts.append(_Text(kind, words))
        if entry:
            yield entry

    def _words(self, record: _Record) -> str | None:
        """Return the text of an atom, None when it is not one; `\r` ends a paragraph there."""
        raw = self.data[record.start : record.end]
        if record.kind == _CHARS or record.kind == _STRING:
            return raw.decode("utf-16-le", "replace").replace("\r", "\n").replace("\x0b", " ")
        if record.kind == _BYTES:
            return raw.decode("latin-1").replace("\r", "\n").replace("\x0b", " ")
        return None

    def _shapes(self, parent: _Record, outline: list[_Text], depth: int = 0) -> Iterator[_Text | list[list[str]]]:
        """Yield texts of the shapes below a record in drawing order; a group that is a table as rows of cells."""
        for child in self.children(parent):
            if child.kind == _GROUP and (rows := self._table(child, outline)):
                yield rows
            elif child.kind == _TEXT_BOX:
                yield from self._box(child, outline)
            elif child.holds and depth < _DEEPEST and child.kind != _FOOTERS:
                yield from self._shapes(child, outline, depth + 1)

    def _box(self, box: _Record, outline: list[_Text]) -> Iterator[_Text]:
        kind = 4
        for child in self.children(_Record(box.kind, box.instance, box.start, box.end, True)):
            if child.kind == _HEADER:
                kind = struct.unpack_from("<I", self.data, child.start)[0]
            elif child.kind == _OUTLINE:
                (index,) = struct.unpack_from("<I", self.data, child.start)
                if index < len(outline):
                    yield outline[index]
            elif (words := self._words(child)) is not None:
                yield _Text(kind, words)

    def _table(self, group: _Record, outline: list[_Text]) -> list[list[str]]:
        """Return the rows of a group of cells, by where they stand; none for any other group."""
        shapes = [child for child in self.children(group) if child.kind == _SHAPE]
        if len(shapes) < 3 or not self._says_table(shapes[0]):
            return []
        cells: dict[int, list[tuple[int, str]]] = {}
        for shape in shapes[1:]:
            inside = list(self.children(shape))
            anchor = next((child for child in inside if child.kind == _ANCHOR and child.end - child.start >= 16), None)
            boxes = [child for child in inside if child.kind == _TEXT_BOX]
            if anchor is None or not boxes:
                continue
            left, top, _, _ = struct.unpack_from("<iiii", self.data, anchor.start)
            words = " ".join(clean(text.words) for box in boxes for text in self._box(box, outline))
            cells.setdefault(top, []).append((left, words))
        lefts = sorted({left for row in cells.values() for left, _ in row})
        rows = []
        for top in sorted(cells):
            placed = dict(cells[top])
            rows.append([placed.get(left, "") for left in lefts])
        return rows

    def _says_table(self, shape: _Record) -> bool:
        """Tell a table by the property that holds the heights of its rows ([MS-ODRAW] 2.3.6.15)."""
        for child in self.children(shape):
            if child.kind == _TERTIARY:
                for place in range(child.start, min(child.end, child.start + 6 * child.instance), 6):
                    if struct.unpack_from("<H", self.data, place)[0] & 0x3FFF == _TABLE_ROWS:
                        return True
        return False

    def _notes(self, places: dict[int, int], outline: _Record | None) -> dict[int, list[_Text]]:
        """Return the notes by the number of their slide."""
        found: dict[int, list[_Text]] = {}
        for entry in self._entries_of(outline) if outline else ():
            page = self.record(places[entry.reference]) if entry.reference in places else None
            if page is None or page.kind != _NOTES:
                continue
            atom = next((child for child in self.children(page) if child.kind == _NOTES_ATOM), None)
            if atom is not None:
                (number,) = struct.unpack_from("<I", self.data, atom.start)
                texts = [part for part in self._shapes(page, entry.texts) if isinstance(part, _Text) and part.kind == 2]
                found.setdefault(number, []).extend(_Text(4, text.words) for text in texts)
        return found

    def _footers(self, slide: _Record) -> Iterator[_Text]:
        for child in self.children(slide):
            if child.kind == _FOOTERS:
                yield from (_Text(4, words) for one in self.children(child) if (words := self._words(one)))

    def margins(self, document: _Record) -> Iterator[Element]:
        """Yield heads and feet that all slides or all pages of notes show, but for those that are switched off ([MS-PPT] 2.4.15.2)."""
        for child in self.children(document):
            if child.kind != _FOOTERS:
                continue
            parts = list(self.children(child))
            shown = next((self.data[one.start + 2] for one in parts if one.kind == _FOOTERS_ATOM), 0)
            for one in parts:
                words = clean(self._words(one) or "") if one.kind == _STRING and one.instance in _MARGINS else ""
                if words and shown & _MARGINS[one.instance]:
                    yield Element("header" if one.instance == 1 else "footer", words)

    def _comments(self, slide: _Record) -> Iterator[_Text]:
        """Yield comments as «author: text»: strings 0 and 1 of each."""
        for record in self.walk(slide):
            if record.kind == _COMMENT:
                strings = {one.instance: self._words(one) or "" for one in self.children(record) if one.kind == _STRING}
                if strings.get(1):
                    yield _Text(4, ": ".join(part for part in (strings.get(0), strings[1]) if part))

    def objects(self, places: dict[int, int]) -> tuple[list[tuple[str, bytes]], int]:
        """Return embedded documents (they are OLE2 containers, packed or not), and how many cannot be read."""
        from tasks.index.formats.embedded import unpacked

        found: list[tuple[str, bytes]] = []
        unread = 0
        for number, place in sorted(places.items()):
            try:
                record = self.record(place)
                if record.kind != _OBJECT:
                    continue
                data = self.data[record.start : record.end]
                data = _inflated(data[4:], struct.unpack_from("<I", data)[0]) if record.instance == 1 else data
                file = unpacked(f"object{number}", data)
            except (struct.error, zlib.error, OSError, ValueError):
                file = None
            if file is None:
                unread += 1
            elif file[1] not in (data for _, data in found):  # each chart of one workbook holds a copy of it
                found.append(file)
        return found, unread

    def all_texts(self) -> Iterator[str]:
        """Yield every text atom of the stream in its order, for a presentation whose directory is broken."""
        whole = _Record(0, 0, 0, len(self.data), True)
        try:
            for record in self.walk(whole):
                if record.kind in {_CHARS, _BYTES} and (words := clean(self._words(record) or "")) and words != "*":
                    yield words
        except struct.error:
            return


def _inflated(data: bytes, stated: int) -> bytes:
    """Return an object unpacked, whatever size it states; some programs leave out the end mark, but not the size.

    Raises:
        ValueError: it breaks off, or has more than 64 MiB.
    """
    packed = zlib.decompressobj()
    found = packed.decompress(data, 64 << 20)
    if not packed.eof and (len(found) != stated or packed.unconsumed_tail):
        raise ValueError("the object breaks off or is too large")
    return found
