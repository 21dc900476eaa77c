"""What an RTF text says before its body: the code page of each font, the heading level of each style; and its characters in bytes."""

from __future__ import annotations

import codecs
import re

from tasks.index.formats.rtf_words import CHARSETS

_LEVEL = re.compile(r"(?:heading|titolo|titre|überschrift|título)\s*([1-9])\b", re.IGNORECASE)
_SYMBOLS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0FE: "☒", 0xF0A8: "☐"}  # of the private range that symbol fonts use


class FontTable:
    """The code page of each font by its number."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._font = -1

    def act(self, word: str, number: int | None) -> None:
        """Take a control word of the table."""
        if word == "f" and number is not None:
            self._font = number
        elif word == "fcharset" and number in CHARSETS:
            self._names[self._font] = CHARSETS[number]
        elif word == "cpg" and number:
            self._names[self._font] = codec(number)

    def end(self) -> None:
        """Take the end of the table."""
        self._font = -1

    def codec(self, number: int) -> str:
        """Return Python's name of a font's code page; "" when the table does not say."""
        return self._names.get(number, "")


class StyleSheet:
    """The heading level of each style by its number."""

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}
        self._style = -1
        self._level = 0

    def act(self, word: str, number: int | None) -> None:
        """Take a control word of a style."""
        if word == "s" and number is not None:
            self._style = number
        elif word == "outlinelevel" and number is not None and number < 9:
            self._level = number + 1

    def name(self, text: str) -> None:
        """Take the name that ends a style: `Titolo 2` says its level, whatever the style's words say."""
        name = text.strip(" ;")
        match = _LEVEL.search(name)
        level = int(match.group(1)) if match else {"title": 1, "titolo": 1}.get(name.lower(), self._level)
        if self._style >= 0 and level:
            self._levels[self._style] = level
        self._style, self._level = -1, 0

    def level(self, number: int) -> int:
        """Return a style's heading level from 1; 0 for one of plain text."""
        return self._levels.get(number, 0)


class Characters:
    """Bytes of text on their way to characters: those of two bytes come in pieces, and some only stand in for `\\uN`."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._skip = 0
        self._high = 0

    def take(self, data: bytes, keep: bool) -> None:
        """Take bytes; those that stand in for a character by number are passed over."""
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        if keep:
            self._bytes += data

    def passed(self) -> bool:
        """Tell whether a word or sign stands in for a character by number, and so counts as nothing."""
        if self._skip:
            self._skip -= 1
            return True
        return False

    def restart(self) -> None:
        """Take a brace: no character by number has stand-ins beyond it."""
        self._skip = 0

    def decoded(self, name: str) -> str:
        """Return what has been taken since the last call, by the codec of this name."""
        data, self._bytes = bytes(self._bytes), bytearray()
        return data.decode(name, "replace")

    def unit(self, number: int, stand_ins: int) -> str:
        """Return the character of `\\uN`, a UTF-16 unit with stand-ins behind it; "" for the first half of a pair."""
        self._skip = stand_ins
        unit = number % 65536
        if 0xD800 <= unit < 0xDC00:
            self._high = unit
            return ""
        if 0xDC00 <= unit < 0xE000:
            high, self._high = self._high, 0
            return chr(0x10000 + ((high - 0xD800) << 10) + unit - 0xDC00) if high else ""
        if 0xF020 <= unit <= 0xF0FF:
            return _SYMBOLS.get(unit, "")
        return chr(unit)


def codec(number: int) -> str:
    """Return Python's name of a code page, cp1252 for one that it does not know."""
    names = {10000: "mac_roman", 65001: "utf-8", 708: "iso8859_6", 10007: "mac_cyrillic", 10029: "mac_latin2"}
    name = names.get(number, f"cp{number}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
