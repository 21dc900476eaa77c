"""Passages that stand in several documents: shown once, with the other places beside them.

Two passages are copies when their different words are the same but for one in ten, and their numbers are the same: a note that two years
repeat with other amounts is two passages. Copies within one document are left alone, since each is a page of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

BEHIND = 30  # hits behind the last one shown among which its copies are looked for
SHARED = 0.9  # of all different words of two passages
FEWEST = 8  # different words: shorter passages must have the same
ALIKE = 0.02  # of a score: copies that score so alike are shown by the plainest file
WORD = re.compile(r"\w+")
CALLED_COPY = re.compile(r"(?:(?<![^\W_])(?:copia|copy|kopie|copie)(?![^\W_])|\(\d{1,2}\)(?=\.|$))", re.IGNORECASE)
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class _Said:
    """The words of a passage, and its numbers in their order."""

    words: frozenset[str]
    numbers: tuple[str, ...]

    @classmethod
    def by(cls, text: str) -> _Said:
        return cls(frozenset(WORD.findall(text.casefold())), tuple(NUMBER.findall(text)))

    def is_copy_of(self, other: _Said) -> bool:
        if self.numbers != other.numbers:
            return False
        if self.words == other.words:
            return True
        shared, whole = len(self.words & other.words), len(self.words | other.words)
        return shared >= SHARED * whole and min(len(self.words), len(other.words)) >= FEWEST


def grouped(order: Sequence[str], rows: Mapping[str, Row], total: Mapping[str, float], k: int) -> list[list[str]]:
    """Put chunks, best first, together with their copies; the first of each group is the one to show.

    Returns:
        At most `k` groups.
    """
    groups: list[list[str]] = []
    firsts: list[_Said] = []
    for place, chunk in enumerate(order):
        if len(groups) == k and place >= k + BEHIND:
            break
        said, document = _Said.by(rows[chunk]["text"]), rows[chunk]["document_id"]
        for group, first in zip(groups, firsts, strict=True):
            if said.is_copy_of(first) and all(rows[other]["document_id"] != document for other in group):
                group.append(chunk)
                break
        else:
            if len(groups) < k:
                groups.append([chunk])
                firsts.append(said)
    return [_plainest_first(group, rows, total) for group in groups]


def _plainest_first(group: list[str], rows: Mapping[str, Row], total: Mapping[str, float]) -> list[str]:
    """Move the plainest file that scores like the best one to the front."""
    alike = [chunk for chunk in group if total[chunk] >= total[group[0]] * (1 - ALIKE)]
    first = min(alike, key=lambda chunk: plainness(rows[chunk]["path"]))
    return [first, *(chunk for chunk in group if chunk != first)]


def plainness(path: str) -> tuple[bool, bool, int, str]:
    """Order files by how plain they are: no attachment, not called a copy, then the shortest name."""
    name = path.rsplit("/", 1)[-1]
    return "!/" in path, bool(CALLED_COPY.search(name)), len(name), name
