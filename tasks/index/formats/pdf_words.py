"""The words of a page with their places: what a text layer and text recognition both give, and layout takes.

Coordinates are in points with y growing downwards along the reading direction, whatever way the page or its text is
turned; a page's frame leads from there to the page as it is shown.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from tasks.index.formats.pdf_places import SHOWN, Frame, Rect

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


class Turned(NamedTuple):
    """A word at right angles to the others, in their space: `up` where it reads towards the top of the page."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    up: bool
    bold: bool


@dataclass(frozen=True, slots=True)
class PageWords:
    """What stands on a page.

    `words` are upright, `turned` at right angles to them; `aslant` is the other text, (text, size in points) a word.
    `broken` says that the text layer is garbage, `gaps` that some letters of it are; `frame` leads from the words' places
    to the page as shown, and `rules` are the ruling lines there.
    """

    words: tuple[Word, ...] = ()
    turned: tuple[Turned, ...] = ()
    aslant: tuple[tuple[str, float], ...] = ()
    broken: bool = False
    gaps: bool = False
    frame: Frame = SHOWN
    rules: tuple[Rect, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.words or self.turned or self.aslant)


def clean(text: str) -> str:
    """Return ligatures written out, soft hyphens and control characters gone, composed accents."""
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text.translate(_LIGATURES))
    return "".join(char for char in text if char.isprintable())
