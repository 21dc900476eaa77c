"""Text from documents is data: here it is made harmless, broken into lines and turned into links.

Reports never parse markup: a cleaned string is measured and drawn glyph by glyph, so a tag in a document prints as
that tag. What the typeface cannot show (Chinese, Arabic, emoji) becomes a visible box, one for each character; what
has no shape of its own (controls, direction marks, joiners) goes. Everything here is linear in the length of the
text, because some documents hold a paragraph of 100,000 characters or a word that never ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit

from tasks.export import fonts

MISSING = "☐"
"""Stands for a character that the typeface lacks."""

_SPACES = re.compile(r"[ \t]+")
_AFTER = frozenset("/\\_-.,;:?&=@|")  # a long word is broken after one of these rather than anywhere


class _Table(dict[int, str]):
    """For str.translate: fills itself with each code point that it meets, so that the test is made once."""

    def __init__(self, covered: frozenset[int]) -> None:
        super().__init__()
        self._covered = covered

    def __missing__(self, code: int) -> str:
        self[code] = value = _shown(code, self._covered)
        return value


def _shown(code: int, covered: frozenset[int]) -> str:
    character = chr(code)
    category = unicodedata.category(character)
    if category in {"Zs", "Zl", "Zp"}:
        return character if character in "\u00a0\u202f" else " "
    if category == "Cc":
        return " "
    if category == "Cf" or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return ""  # direction marks, joiners, soft hyphens, variation selectors
    return character if code in covered else MISSING


@cache
def _table() -> _Table:
    return _Table(fonts.register())


def clean(text: object) -> str:
    """Return one line of text that every part of a report can draw as it is: composed, without controls, spaces joined."""
    string = str(text)
    if not (string.isascii() and string.isprintable()):
        string = unicodedata.normalize("NFC", string).translate(_table())
    return _SPACES.sub(" ", string).strip(" ")


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters of a cleaned text, cut at a word where one ends near, marked by an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = head.rfind(" ")
    return (head[:space] if space > limit * 0.6 else head).rstrip(" ,;:.") + "…"


def wrap(text: str, font: str, size: float, room: float, most: int = 0) -> list[str]:
    """Break a cleaned text into lines no wider than `room` points.

    Args:
        most: the most lines to return; the last one then ends with an ellipsis. 0 means all of them.
    """
    if fonts.width(text, font, size) <= room and text:
        return [text]
    lines: list[str] = []
    space = fonts.width(" ", font, size)
    line: list[str] = []
    used = 0.0
    for word, breadth in _pieces(text, font, size, room):
        if line and used + space + breadth > room:
            lines.append(" ".join(line))
            if most and len(lines) > most:
                return _cut(lines, font, size, room, most)
            line, used = [], 0.0
        used += breadth + (space if line else 0.0)
        line.append(word)
    lines.append(" ".join(line))
    return _cut(lines, font, size, room, most) if most and len(lines) > most else lines


def _pieces(text: str, font: str, size: float, room: float) -> Iterator[tuple[str, float]]:
    for word in text.split(" "):
        breadth = fonts.width(word, font, size) if len(word) < 200 else room + 1
        if breadth <= room:
            yield word, breadth
        else:
            yield from _broken(word, font, size, room)


def _broken(word: str, font: str, size: float, room: float) -> Iterator[tuple[str, float]]:
    """Yield the parts of a word that is wider than a line, each no wider than the line, in one pass over its characters."""
    widths = fonts.character_widths(word, font, size)
    start, used, after = 0, 0.0, 0
    for index, breadth in enumerate(widths):
        if used + breadth > room and index > start:
            stop = after if after > start and after - start > (index - start) * 0.5 else index
            yield word[start:stop], sum(widths[start:stop])
            start, used = stop, sum(widths[stop:index])
        used += breadth
        if word[index] in _AFTER:
            after = index + 1
    yield word[start:], used


def _cut(lines: list[str], font: str, size: float, room: float, most: int) -> list[str]:
    last = lines[most - 1]
    while last and fonts.width(last + "…", font, size) > room:
        last = last[:-1]
    return [*lines[: most - 1], last.rstrip(" ,;:") + "…"]


def link(path: str, page: int = 0) -> str:
    """Return the address under which a viewer opens a document, "" where none is safe.

    A local file becomes a file URI, with `#page=` for a PDF; web addresses stay; anything else (an object store, a
    script) is not linked. An attachment (`mail.eml!/bill.pdf`) opens the file that holds it.
    """
    outer = path.split("!/", 1)[0]
    anchor = f"#page={page}" if page > 0 and outer.lower().endswith(".pdf") and outer == path else ""
    if _scheme(outer) in {"http", "https"}:
        return quote(outer, errors="replace", safe=":/?&=%~+,;@()!$*'[]") + anchor
    if outer.startswith("/") and "\0" not in outer:
        return "file://" + quote(outer.encode("utf-8", "surrogateescape")) + anchor
    return ""


def _scheme(address: str) -> str:
    """Return the scheme of an address in lower case, "" where it has none or cannot be read as an address."""
    try:
        return urlsplit(address).scheme.lower()
    except ValueError:
        return ""


def name(path: str) -> str:
    """Return the last part of a path or address, for tables that have no room for all of it."""
    return Path(path.rstrip("/")).name or path
