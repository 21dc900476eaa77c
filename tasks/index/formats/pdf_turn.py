"""The words of a text layer turned so that most of the page reads from left to right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tasks.index.formats.base import raised
from tasks.index.formats.pdf_annotations import Mark
from tasks.index.formats.pdf_places import frame
from tasks.index.formats.pdf_words import PageWords, Turned, Word

ASLANT = 4
"""In place of quarter turns: text along no edge of the page."""

_RAISED = 0.85  # of the size of what stands before: smaller figures beside it may be raised
_LONGEST_MARK = 2
_LAST_LETTER = re.compile(r"^[a-z][.,;:]?$")


class Raw(NamedTuple):
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


def to_page(
    found: Sequence[Raw], marks: Sequence[Mark], broken: bool, box: Sequence[float], rotation: int
) -> PageWords:
    """Turn the page so that most of its text reads from left to right.

    Args:
        found: the words of the text layer, in its order.
        marks: what annotations say, which reads as most of the text does.
        box: left, bottom, right, top of the visible part of the page.
        rotation: quarter turns clockwise by which the page is shown.
    """
    if marks:
        found = [word for word in found if not any(_hidden(word, mark) for mark in marks)]
    found = _heal([word for word in found if word.text])
    turns = Counter(word.turn for word in found if word.turn != ASLANT)
    main = turns.most_common(1)[0][0] if turns else (4 - rotation) % 4
    upright = [*(word for word in found if word.turn == main), *(_as_word(mark, main) for mark in marks)]
    return PageWords(
        words=tuple(map(_place, upright)),
        turned=tuple(_turned(word, main) for word in found if word.turn != ASLANT and (word.turn - main) % 2),
        aslant=tuple((w.text, w.size) for w in found if w.turn == ASLANT or (w.turn - main) % 4 == 2),
        broken=broken,
        frame=frame(box, rotation, main),
    )


def _hidden(word: Raw, mark: Mark) -> bool:
    """Tell whether a word is the picture of a tick, which the mark says better."""
    x, y = (word.left + word.right) / 2, (word.bottom + word.top) / 2
    return mark.hides and mark.left <= x <= mark.right and mark.bottom <= y <= mark.top and len(word.text) < 3


def _as_word(mark: Mark, turn: int) -> Raw:
    """Return a mark as a word that reads as the page does, on a line that its box stands on."""
    width, height = mark.right - mark.left, mark.top - mark.bottom
    size = max(4.0, min(12.0, height if turn % 2 == 0 else width))
    rise = max(0.0, (height if turn % 2 == 0 else width) / 2 - 0.35 * size)
    origin = (
        (mark.left, mark.bottom + rise),
        (mark.right - rise, mark.bottom),
        (mark.right, mark.top - rise),
        (mark.left + rise, mark.top),
    )[turn]
    return Raw(mark.text, turn, mark.left, mark.bottom, mark.right, mark.top, origin, size, False)


def _turned(word: Raw, main: int) -> Turned:
    """Return a word at right angles to the page's reading direction, in the space of the upright words."""
    left, bottom, right, top = word.left, word.bottom, word.right, word.top
    x0, y0, x1, y1 = (
        (left, -top, right, -bottom),
        (bottom, left, top, right),
        (-right, bottom, -left, top),
        (-top, -right, -bottom, -left),
    )[main]
    return Turned(word.text, x0, x1, y0, y1, word.size, (word.turn - main) % 4 == 1, word.bold)


def _heal(found: Sequence[Raw]) -> list[Raw]:
    """Join a last letter to its word: pdfium guesses a space where loose kerning opens a gap of a tenth of an em.

    Longer pieces are left alone: words that are really apart stand as close as that in condensed lines.
    """
    healed: list[Raw] = []
    for word in found:
        last = healed[-1] if healed else None
        if last and word.loose and last.turn == word.turn == 0 and _same_word(last, word):
            healed[-1] = last._replace(text=last.text + word.text, right=word.right)
        elif last and word.size < _RAISED * last.size and last.turn == word.turn == 0 and _is_mark(last, word):
            healed[-1] = last._replace(text=last.text + raised(last.text, word.text), right=word.right)
        else:
            healed.append(word)
    return healed


def _same_word(last: Raw, word: Raw) -> bool:
    if not _LAST_LETTER.match(word.text) or not last.text[-2:].isalpha() or last.text[-1] == "f":
        return False  # an f leans over the space after it, so the room there is not known
    return bool(last.origin[1] == word.origin[1] and -0.05 < (word.origin[0] - last.right) / word.size < 0.17)


def _is_mark(last: Raw, word: Raw) -> bool:
    """Tell whether a small word is the mark of a note, or a power, on the figure before it."""
    if not (last.text[-1:].isdecimal() and word.text.isdecimal() and len(word.text) <= _LONGEST_MARK):
        return False
    gap, rise = (word.left - last.right) / last.size, (word.origin[1] - last.origin[1]) / last.size
    return -0.1 < gap < 0.25 and 0.1 < rise < 0.8


def _place(word: Raw) -> Word:
    text, turn, left, bottom, right, top, (x, y), size, bold, _ = word  # asked of every word: one look at its fields
    if turn == 0:
        x0, x1, down, height = left, right, -y, top - bottom
    elif turn == 1:
        x0, x1, down, height = bottom, top, x, right - left
    elif turn == 2:
        x0, x1, down, height = -right, -left, y, top - bottom
    else:
        x0, x1, down, height = -top, -bottom, -x, right - left
    if not 1.0 <= size <= 200.0:
        size = min(max(abs(height), 4.0), 200.0)
    return Word(text, x0, x1 if x1 > x0 + 0.1 else x0 + 0.1, down, size, bold)
