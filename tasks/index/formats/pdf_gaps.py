"""Words with letters that their font does not map to text: read from the picture of the page, where they stand.

The letters that are mapped are right, so text recognition only replaces words of which it sees more letters than the
text layer has, and which agree in the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from tasks.index.formats.pdf_places import Rect
from tasks.index.formats.pdf_words import PageWords, Word

_ALIKE = 0.6
"""Share of letters in which what is left of a word must agree with what recognition sees."""


def with_letters(known: PageWords, seen: PageWords) -> tuple[PageWords, int]:
    """Return the words of a text layer, those with lost letters as recognition sees them; and how many these are."""
    back = known.frame.inverse().of(seen.frame)
    taken: set[int] = set()
    read: list[Word] = []
    for word in seen.words:
        places = _under(back.rect(word.rect), known.words)
        pieces = [known.words[place] for place in places]
        if pieces and not taken.intersection(places) and _lacks(pieces, word.text):
            taken.update(places)
            edges = min(piece.x0 for piece in pieces), max(piece.x1 for piece in pieces)
            read.append(pieces[0]._replace(text=word.text, x0=edges[0], x1=edges[1]))
    kept = [word for place, word in enumerate(known.words) if place not in taken]
    return replace(known, words=(*kept, *read)), len(read)


def _under(room: Rect, words: Sequence[Word]) -> list[int]:
    """Return the places of the words whose middle lies in a rectangle."""
    found = []
    for place, word in enumerate(words):
        x, y = (word.x0 + word.x1) / 2, word.y - 0.25 * word.size
        if room.x0 - 1 <= x <= room.x1 + 1 and room.top - 1 <= y <= room.bottom + 1:
            found.append(place)
    return sorted(found, key=lambda place: words[place].x0)


def _lacks(pieces: Sequence[Word], text: str) -> bool:
    """Tell whether recognition sees the same word with more letters."""
    have, sees = _letters("".join(piece.text for piece in pieces)), _letters(text)
    if len(sees) <= len(have) or not any(map(str.isalpha, sees)):
        return False
    same = sum(block.size for block in SequenceMatcher(None, have, sees, autojunk=False).get_matching_blocks())
    return same >= _ALIKE * max(len(have), 1)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
