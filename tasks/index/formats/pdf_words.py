"""The words of a PDF page with their places, out of pdfium's text layer.

A word costs four C calls (two boxes, origin, matrix) instead of four a character: pdfium already knows where words
end, so only their first and last characters are asked for. 500 words take about 3 ms that way. Coordinates come out
in points with y growing downwards along the reading direction, whatever way the page or its text is turned.
Needs pypdfium2 (its raw ctypes layer).
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from tasks.index.formats.pdf_places import SHOWN, Frame, Rect, frame

SPACES = "\\s\x00-\x1f\x7f\u00a0\u200b\u2060\ufeff\ufffe\uffff"
_WORD = re.compile(f"[^{SPACES}]+[\x02\ufffe]?")
_LAST_LETTER = re.compile(r"^[a-z][.,;:]?$")
_LIGATURES = str.maketrans(
    {
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "ﬅ": "st",
        "ﬆ": "st",
        "\xad": "",
        "\u200b": "",
        "\x02": "-",
        "\ufffe": "-",
    }
)
_BOLD = re.compile(rb"bold|black|heavy|demi(?!.*light)|-bd|,bd", re.IGNORECASE)
_FORCE_BOLD = 1 << 18  # the font descriptor's flag of that name
_BROKEN_SHARE = 0.3  # of characters without a known meaning: above it the text layer is worthless


class Word(NamedTuple):
    """A word: its text, left and right edge, baseline (down the page), font size (all in points) and weight."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool

    @property
    def rect(self) -> Rect:
        """The room that it takes: from the height of a capital to the depth of a hanging letter."""
        return Rect(self.x0, self.y - 0.75 * self.size, self.x1, self.y + 0.25 * self.size)


@dataclass(frozen=True, slots=True)
class PageWords:
    """Upright words of a page; `sideways` is text that runs another way; `broken` says that the layer is garbage.

    `frame` leads from the words' places to the page as shown.
    """

    words: tuple[Word, ...]
    sideways: str
    broken: bool
    frame: Frame = SHOWN


class _Raw(NamedTuple):
    """A word before turning: `turn` counts quarter turns counter-clockwise; corners are in the page's own space."""

    text: str
    turn: int
    left: float
    bottom: float
    right: float
    top: float
    origin: tuple[float, float]
    size: float
    bold: bool
    loose: bool = False  # the space before it is pdfium's guess, not the document's


class _Probe:
    """Reused C structures and bound functions of one text page: looking these up for each word would cost more."""

    def __init__(self, handle: Any) -> None:
        import pypdfium2.raw as raw

        self.handle, self.raw = handle, raw
        self.box, self.matrix = raw.FS_RECTF(), raw.FS_MATRIX()
        self.x, self.y, self.flags = ctypes.c_double(), ctypes.c_double(), ctypes.c_int()
        self.name = ctypes.create_string_buffer(128)

    def loose(self, index: int) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a character's em box."""
        self.raw.FPDFText_GetLooseCharBox(self.handle, index, self.box)
        return self.box.left, self.box.bottom, self.box.right, self.box.top

    def origin(self, index: int) -> tuple[float, float]:
        self.raw.FPDFText_GetCharOrigin(self.handle, index, self.x, self.y)
        return self.x.value, self.y.value

    def size_and_turn(self, index: int) -> tuple[float, int]:
        """Font size in points as it appears, and the quarter turns of the writing direction."""
        size = float(self.raw.FPDFText_GetFontSize(self.handle, index))
        if not self.raw.FPDFText_GetMatrix(self.handle, index, self.matrix):
            return size, 0
        matrix = self.matrix
        if matrix.b == 0.0 and matrix.a > 0.0:  # nearly always
            return size * abs(matrix.d), 0
        return size * math.hypot(matrix.c, matrix.d), round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4

    def bold(self, index: int) -> bool:
        self.raw.FPDFText_GetFontInfo(self.handle, index, self.name, 128, self.flags)
        return bool(self.flags.value & _FORCE_BOLD) or _bold_name(self.name.value)


@lru_cache(maxsize=512)
def _bold_name(name: bytes) -> bool:
    return _BOLD.search(name) is not None


def read_words(page: Any) -> PageWords:
    """All words of a pdfium page (`pypdfium2.PdfPage`), in the order of the content stream."""
    textpage = page.get_textpage()
    try:
        probe = _Probe(textpage.raw)
        text = _characters(probe)
        if not text.strip():
            return PageWords((), "", False)
        found = [part for match in _WORD.finditer(text) for part in _read(probe, match.group(), match.start())]
        broken = _is_broken(probe, text)
    finally:
        textpage.close()
    return _turn(found, broken, page.get_cropbox(), page.get_rotation() // 90)


def _characters(probe: _Probe) -> str:
    """One Python character for each pdfium character, so that places in the string are pdfium's indices."""
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


def _read(probe: _Probe, text: str, start: int) -> Iterator[_Raw]:
    """The word at `start`; several where pdfium glued pieces together that stand apart."""
    last = start + len(text) - 1
    if text[-1] in "\x02\ufffe" and len(text) > 1:
        last -= 1  # the stand-in for a hyphen at a line's end may have no box of its own
    left, bottom, right, top = probe.loose(start)
    size, turn = probe.size_and_turn(start)
    if last > start:
        box = probe.loose(last)
        apart = _apart(turn, (left, bottom, right, top), box, size, last - start + 1)
        left, bottom, right, top = min(left, box[0]), min(bottom, box[1]), max(right, box[2]), max(top, box[3])
        if apart:
            yield from _split(probe, text, start)
            return
    loose = start > 0 and probe.raw.FPDFText_IsGenerated(probe.handle, start - 1) == 1
    yield _Raw(clean(text), turn, left, bottom, right, top, probe.origin(start), size, probe.bold(start), loose)


def _apart(turn: int, first: Sequence[float], last: Sequence[float], size: float, length: int) -> bool:
    """Whether a word's ends are so placed that it must be several words: a new line, or too much room inside."""
    if turn != 0 or size <= 0:
        return False
    wrapped = last[2] < first[0] or abs(first[1] - last[1]) > 0.9 * max(size, 1.0)
    return bool(wrapped or last[2] - first[0] > (0.75 * length + 1.0) * size)


def _split(probe: _Probe, text: str, start: int) -> Iterator[_Raw]:
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
        yield _Raw(piece, turn, *edges, probe.origin(start + begin), size, probe.bold(start + begin))
        begin = offset


def _touching(before: Sequence[float], after: Sequence[float], size: float) -> bool:
    return bool(-2 * size < after[0] - before[2] < 0.5 * size and abs(after[1] - before[1]) < 0.9 * size)


def clean(text: str) -> str:
    """Ligatures written out, soft hyphens and control characters gone, composed accents."""
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text.translate(_LIGATURES))
    return "".join(char for char in text if char.isprintable())


def _is_broken(probe: _Probe, text: str) -> bool:
    """Whether the characters mostly have no meaning: no map to Unicode, private-use or replacement characters."""
    step = max(1, len(text) // 240)  # as many samples say enough
    sample = [(index, text[index]) for index in range(0, len(text), step) if text[index] > " "]
    bad = sum(_meaningless(char) or probe.raw.FPDFText_HasUnicodeMapError(probe.handle, i) == 1 for i, char in sample)
    return bool(bad > _BROKEN_SHARE * len(sample))


def _meaningless(char: str) -> bool:
    return char == "\ufffd" or (char > "~" and unicodedata.category(char) in {"Co", "Cn", "Cc", "Cs"})


def _turn(found: Sequence[_Raw], broken: bool, box: Sequence[float], rotation: int) -> PageWords:
    """Turn the page so that most of its text reads from left to right."""
    found = _heal([word for word in found if word.text])
    turns = Counter(word.turn for word in found)
    main = turns.most_common(1)[0][0] if turns else 0
    words = tuple(_place(word) for word in found if word.turn == main)
    sideways = " ".join(word.text for word in found if word.turn != main)
    return PageWords(words, sideways, broken, frame(box, rotation, main))


def _heal(found: Sequence[_Raw]) -> list[_Raw]:
    """Join a last letter to its word: pdfium guesses a space where loose kerning opens a gap of a tenth of an em.

    Longer pieces are left alone: words that are really apart stand as close as that in condensed lines.
    """
    healed: list[_Raw] = []
    for word in found:
        last = healed[-1] if healed else None
        if last and word.loose and last.turn == word.turn == 0 and _same_word(last, word):
            healed[-1] = last._replace(text=last.text + word.text, right=word.right)
        else:
            healed.append(word)
    return healed


def _same_word(last: _Raw, word: _Raw) -> bool:
    if not _LAST_LETTER.match(word.text) or not last.text[-2:].isalpha() or last.text[-1] == "f":
        return False  # an f leans over the space after it, so the room there is not to be told
    return bool(last.origin[1] == word.origin[1] and -0.05 < (word.origin[0] - last.right) / word.size < 0.17)


def _place(word: _Raw) -> Word:
    x, y = word.origin
    match word.turn:
        case 0:
            x0, x1, down, height = word.left, word.right, -y, word.top - word.bottom
        case 1:
            x0, x1, down, height = word.bottom, word.top, x, word.right - word.left
        case 2:
            x0, x1, down, height = -word.right, -word.left, y, word.top - word.bottom
        case _:
            x0, x1, down, height = -word.top, -word.bottom, -x, word.right - word.left
    size = word.size if 1.0 <= word.size <= 200.0 else min(max(abs(height), 4.0), 200.0)
    return Word(word.text, x0, max(x1, x0 + 0.1), down, size, word.bold)
