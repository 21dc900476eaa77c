"""Two readings of one picture made one: words of both, and a vote on every figure.

The second engine misses fewer words and letters, so its words are the ground; what it does not see and the first does
surely is added. Where they read a figure differently the surer one is taken, one that is written as figures are before
one that is not, and the pair is told: a wrong digit is worse than a doubt. Where the digits agree the first engine says
how they are separated: the second takes small commas for points. A figure that it alone reads so, on a page whose other
figures have another sign between thousands, is told as a doubt too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tasks.index.formats.pdf_words import Word

_FIGURE = re.compile(r"^[(\[]?[-–—+]?[$€£]?[(]?[-–—+]?(?:\d{1,3}(?:[.,'’ ]\d{3})*|\d+)(?:[.,]\d{1,2})?[)\]]?%?$")
_THOUSANDS = re.compile(r"^[(\[]?[-–—+]?[$€£]?\d{1,3}([.,])\d{3}(?:\1\d{3})*[)\]]?$")
_SURE = 60.0  # confidence in per cent from which a word is kept that the other engine does not see


class Seen(NamedTuple):
    """A recognised word and the engine's confidence in per cent."""

    word: Word
    confidence: float


class Doubt(NamedTuple):
    """A figure on which the engines differ: its place among the words, what was taken, and what the other engine reads."""

    place: int
    taken: str
    other: str

    def __str__(self) -> str:
        return f"{self.taken} (or {self.other})"


def vote(first: Sequence[Seen], second: Sequence[Seen]) -> tuple[list[Seen], list[Doubt]]:
    """Return the words of both readings, and the figures on which they differ."""
    usual = _usual(first)
    words: list[Seen] = []
    disputed: list[Doubt] = []
    met: set[int] = set()
    for seen in second:
        same = [index for index, other in enumerate(first) if _same_place(seen.word, other.word)]
        met.update(same)
        chosen = _chosen(seen, [first[index] for index in same])
        words.append(chosen)
        other = "".join(first[index].word.text for index in same)
        if (same and _digits(seen.word.text) != _digits(other)) or (usual and _separator(chosen) not in {"", usual}):
            rejected = seen.word.text if chosen.word.text == other else other or "?"
            disputed.append(Doubt(len(words) - 1, chosen.word.text, rejected))
    alone = [one for index, one in enumerate(first) if index not in met and one.confidence >= _SURE]
    return words + [one for one in alone if any(char.isalnum() for char in one.word.text)], disputed


def _chosen(second: Seen, first: Sequence[Seen]) -> Seen:
    """Return the word of the second engine, unless it is a figure that the first one reads better."""
    text = "".join(seen.word.text for seen in first)
    if not first or text == second.word.text or not any(char.isdigit() for char in text + second.word.text):
        return second
    confidence = min(seen.confidence for seen in first)
    if _digits(text) == _digits(second.word.text) and _FIGURE.match(text):
        return Seen(second.word._replace(text=text), max(confidence, second.confidence))
    better = bool(_FIGURE.match(text)), confidence
    if better > (bool(_FIGURE.match(second.word.text)), second.confidence):
        return Seen(second.word._replace(text=text), confidence)
    return second


def _separator(seen: Seen) -> str:
    """Return the sign between the thousands of a figure without decimals, "" where there is none."""
    found = _THOUSANDS.match(seen.word.text)
    return found.group(1) if found else ""


def _usual(words: Sequence[Seen]) -> str:
    """Return the sign between thousands that most sure figures have; "" without any, which nothing is held against."""
    signs = Counter(sign for seen in words if seen.confidence >= _SURE and (sign := _separator(seen)))
    return signs.most_common(1)[0][0] if signs else ""


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _same_place(one: Word, other: Word) -> bool:
    """Tell whether the middle of `other` lies in `one`."""
    middle = (other.x0 + other.x1) / 2
    return one.x0 <= middle <= one.x1 and abs(one.y - other.y) < 0.5 * max(one.size, other.size)
