"""The words of a PDF page out of pdfium's text layer.

A word costs four C calls (two boxes, origin, matrix) instead of four a character: pdfium already knows where words
end, so only their first and last characters are asked for. 500 words take about 3 ms that way. Needs pypdfium2 (its
raw ctypes layer).
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from tasks.index.formats.base import raised
from tasks.index.formats.pdf_annotations import Mark
from tasks.index.formats.pdf_calls import address, bare
from tasks.index.formats.pdf_turn import ASLANT, Raw, to_page
from tasks.index.formats.pdf_words import PageWords, clean

SPACES = "\\s\x00-\x1f\x7f\u00a0\u200b\u2060\ufeff\ufffe\uffff"
_WORD = re.compile(f"[^{SPACES}]+[\x02\ufffe]?")
_BOLD = re.compile(rb"bold|black|heavy|demi(?!.*light)|-bd|,bd", re.IGNORECASE)
_FORCE_BOLD = 1 << 18  # the font descriptor's flag of that name
_SPECK = 0.1  # points
_UNKNOWN_SIZE = 10.0
_GAPS_SHARE = 0.02  # above it some words of the page lack letters
_ASKEW = 0.12  # of a quarter turn: text that lies further from it runs along no edge of the page
_RAISED = 0.85  # of the height of what stands before: lower characters are raised ones
_LOST = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffd\ufffe\ue000-\uefff]")
"""Characters without a meaning, or with pdfium's own: at a line's end it writes a hyphen so."""
_LOST_LETTERS = 3  # and more on a page are told, and read from its picture
_MOST_LOST = 200
_BROKEN_SHARE = 0.3  # of characters without a known meaning: above it the text layer is worthless


@dataclass(frozen=True, slots=True)
class _Calls:
    """What is asked of each word."""

    loose: Callable[[int, int, int], int]
    origin: Callable[[int, int, int, int], int]
    size: Callable[[int, int], float]
    matrix: Callable[[int, int, int], int]
    font: Callable[[int, int, int, int, int], int]
    generated: Callable[[int, int], int]
    unmapped: Callable[[int, int], int]


@cache
def _calls() -> _Calls:
    import pypdfium2.raw as raw

    number = ctypes.c_int
    return _Calls(
        loose=bare(raw.FPDFText_GetLooseCharBox, number, 3),
        origin=bare(raw.FPDFText_GetCharOrigin, number, 4),
        size=bare(raw.FPDFText_GetFontSize, ctypes.c_double, 2),
        matrix=bare(raw.FPDFText_GetMatrix, number, 3),
        font=bare(raw.FPDFText_GetFontInfo, ctypes.c_ulong, 5),
        generated=bare(raw.FPDFText_IsGenerated, number, 2),
        unmapped=bare(raw.FPDFText_HasUnicodeMapError, number, 2),
    )


class _Probe:
    """Reused C structures and bound functions of one text page: looking these up for each word would cost more."""

    def __init__(self, handle: Any) -> None:
        import pypdfium2.raw as raw

        self.handle, self.raw, self.calls, self.text = handle, raw, _calls(), address(handle)
        self.box, self.matrix = raw.FS_RECTF(), raw.FS_MATRIX()
        self.x, self.y, self.flags = ctypes.c_double(), ctypes.c_double(), ctypes.c_int()
        self.name = ctypes.create_string_buffer(128)
        found = self.box, self.matrix, self.x, self.y, self.flags, self.name
        self.at_box, self.at_matrix, self.at_x, self.at_y, self.at_flags, self.at_name = map(ctypes.addressof, found)

    def loose(self, index: int) -> tuple[float, float, float, float]:
        """Return left, bottom, right and top of a character's em box."""
        self.calls.loose(self.text, index, self.at_box)
        box = self.box
        return box.left, box.bottom, box.right, box.top

    def origin(self, index: int) -> tuple[float, float]:
        self.calls.origin(self.text, index, self.at_x, self.at_y)
        return self.x.value, self.y.value

    def is_lost(self, index: int, text: str) -> bool:
        """Tell whether a character without a meaning is a letter: beside one, seen, and no hyphen where a line breaks."""
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        if not (before.isalpha() or after.isalpha()):
            return False
        if text[index] in "\x02\ufffe":
            (x, y), (next_x, next_y) = self.origin(index), self.origin(index + 1)
            if after in {"", "\r", "\n"} or next_x <= x or abs(next_y - y) > 1.0:
                return False
        return self._draws(index)

    def _draws(self, index: int) -> bool:
        edges = [ctypes.c_double() for _ in range(4)]
        found = self.raw.FPDFText_GetCharBox(self.handle, index, *map(ctypes.byref, edges))
        left, right, bottom, top = (edge.value for edge in edges)
        return bool(found) and right - left > _SPECK and top - bottom > _SPECK

    def guessed(self, index: int) -> bool:
        """Tell whether pdfium added a character that is not in the document, where it sees a word end."""
        return bool(self.calls.generated(self.text, index) == 1)

    def size_and_turn(self, index: int) -> tuple[float, int]:
        """Return font size in points as it appears, and the quarter turns of the writing direction."""
        size = float(self.calls.size(self.text, index))
        if not self.calls.matrix(self.text, index, self.at_matrix):
            return size, 0
        matrix = self.matrix
        if matrix.b == 0.0 and matrix.a > 0.0:  # nearly always
            return size * abs(matrix.d), 0
        quarters = math.atan2(matrix.b, matrix.a) / (math.pi / 2)
        if not math.isfinite(quarters):  # a damaged number
            return _UNKNOWN_SIZE, ASLANT
        turn = round(quarters)
        return size * math.hypot(matrix.c, matrix.d), turn % 4 if abs(quarters - turn) < _ASKEW else ASLANT

    def bold(self, index: int) -> bool:
        self.calls.font(self.text, index, self.at_name, 128, self.at_flags)
        return bool(self.flags.value & _FORCE_BOLD) or _bold_name(self.name.value)


@lru_cache(maxsize=512)
def _bold_name(name: bytes) -> bool:
    return _BOLD.search(name) is not None


def read_words(page: Any, marks: Sequence[Mark] = ()) -> PageWords:
    """Return all words of a pdfium page (`pypdfium2.PdfPage`), in the order of the content stream; annotations add `marks`."""
    textpage = page.get_textpage()
    try:
        probe = _Probe(textpage.raw)
        text = _characters(probe)
        if not text.strip() and not marks:
            return PageWords()
        found = _words(probe, text)
        broken, gaps = _meaning(probe, text)
    finally:
        textpage.close()
    shown = to_page(found, marks, broken, page.get_cropbox(), page.get_rotation() // 90)
    return replace(shown, gaps=True) if gaps else shown


def _characters(probe: _Probe) -> str:
    """Return one Python character for each pdfium character, so that places in the string are pdfium's indices."""
    raw, count = probe.raw, probe.raw.FPDFText_CountChars(probe.handle)
    if count <= 0:
        return ""
    buffer = (ctypes.c_ushort * (count + 1))()
    written = raw.FPDFText_GetText(probe.handle, 0, count, buffer) - 1
    text = bytes(buffer)[: 2 * max(written, 0)].decode("utf-16-le", "replace")
    if len(text) == count:
        return text
    codes = (raw.FPDFText_GetUnicode(probe.handle, index) for index in range(count))
    return "".join(chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else "\ufffd" for code in codes)


def _words(probe: _Probe, text: str) -> list[Raw]:
    """Return the words of a page; where pdfium glued pieces together that stand apart, these.

    Half of the time of reading a page is spent here, so names are looked up once a page and not once a word.
    """
    page, box, calls, finite = probe.text, probe.box, probe.calls, math.isfinite
    loose, origin, at_box, at_x, at_y, x, y = (
        calls.loose,
        calls.origin,
        probe.at_box,
        probe.at_x,
        probe.at_y,
        probe.x,
        probe.y,
    )
    turned, bold = probe.size_and_turn, probe.bold
    found: list[Raw] = []
    for match in _WORD.finditer(text):
        word, start, last = match.group(), match.start(), match.end() - 1
        if last > start and word[-1] in "\x02\ufffe":
            last -= 1  # the stand-in for a hyphen at a line's end may have no box of its own
        loose(page, start, at_box)
        left, bottom, right, top = box.left, box.bottom, box.right, box.top
        size, turn = turned(start)
        if last > start:
            loose(page, last, at_box)
            begin, low, end, high = box.left, box.bottom, box.right, box.top
            if turn == 0 and size > 0 and _apart(left, bottom, end, low, size, last - start + 1):
                found += _split(probe, word, start)
                continue
            if turn == 0 and bottom < low and high - low < _RAISED * (top - bottom):
                word = _with_mark(probe, word, start, top - bottom)
            left, bottom = begin if begin < left else left, low if low < bottom else bottom
            right, top = end if end > right else right, high if high > top else top
        origin(page, start, at_x, at_y)
        at = (x.value, y.value)
        if not finite(left + bottom + right + top + at[0] + at[1] + size):  # a damaged number
            found.append(_without_place(word))
            continue
        guessed = start > 0 and len(word) < 3 and probe.guessed(start - 1)  # asked of last letters only (`pdf_turn`)
        found.append(Raw(clean(word), turn, left, bottom, right, top, at, size, bold(start), guessed))
    return found


def _without_place(text: str) -> Raw:
    """Return a word whose place is a damaged number: its text is kept beside the lines, as slanted text is."""
    return Raw(clean(text), ASLANT, 0.0, 0.0, 0.0, 0.0, (0.0, 0.0), _UNKNOWN_SIZE, False)


def _with_mark(probe: _Probe, text: str, start: int, height: float) -> str:
    """Return a word whose last figures are small and raised with them as such: the mark of a note, or a power."""
    mark = len(text)
    while mark > 1 and text[mark - 1].isdecimal():
        _, low, _, high = probe.loose(start + mark - 1)
        if high - low >= _RAISED * height:
            break
        mark -= 1
    return text[:mark] + raised(text[:mark], text[mark:])


def _apart(left: float, bottom: float, right: float, low: float, size: float, length: int) -> bool:
    """Tell by the places of a word's ends whether it is several words: they stand on two lines, or too far apart."""
    if right < left or abs(bottom - low) > 0.9 * (size if size > 1.0 else 1.0):
        return True
    return right - left > (0.75 * length + 1.0) * size


def _split(probe: _Probe, text: str, start: int) -> Iterator[Raw]:
    """Cut a glued run where a character stands away from the one before it by half an em, or on another line."""
    begin = 0
    boxes = [probe.loose(start + offset) for offset in range(len(text))]
    size, turn = probe.size_and_turn(start)
    for offset in range(1, len(text) + 1):
        if offset < len(text) and _touching(boxes[offset - 1], boxes[offset], size):
            continue
        part = boxes[begin:offset]
        edges = min(b[0] for b in part), min(b[1] for b in part), max(b[2] for b in part), max(b[3] for b in part)
        piece = clean(text[begin:offset])
        origin = probe.origin(start + begin)
        if math.isfinite(sum(edges) + sum(origin) + size):
            yield Raw(piece, turn, *edges, origin, size, probe.bold(start + begin))
        else:
            yield _without_place(piece)
        begin = offset


def _touching(before: Sequence[float], after: Sequence[float], size: float) -> bool:
    return bool(-2 * size < after[0] - before[2] < 0.5 * size and abs(after[1] - before[1]) < 0.9 * size)


def _meaning(probe: _Probe, text: str) -> tuple[bool, bool]:
    """Tell whether the characters mostly have no meaning, and whether some letters have none.

    That is no map to Unicode, control, private-use or replacement characters; signs of symbol fonts (bullets) are no
    letters, and what draws nothing is a blank.
    """
    step = max(1, len(text) // 240)  # as many samples say enough
    sample = [(index, text[index]) for index in range(0, len(text), step) if text[index] not in " \t\r\n"]
    unmapped, page = probe.calls.unmapped, probe.text
    bad = [char for index, char in sample if _meaningless(char) or unmapped(page, index) == 1]
    letters = sum(not ("\uf000" <= char <= "\uf0ff" or char in "\ufffe\uffff") for char in bad)
    lost = sum(probe.is_lost(match.start(), text) for match in islice(_LOST.finditer(text), _MOST_LOST))
    gaps = letters > _GAPS_SHARE * len(sample) or lost >= _LOST_LETTERS
    return len(bad) > _BROKEN_SHARE * len(sample), gaps


def _meaningless(char: str) -> bool:
    return char == "\ufffd" or (char > "~" and unicodedata.category(char) in {"Co", "Cn", "Cc", "Cs"})
