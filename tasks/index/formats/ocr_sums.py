"""Totals on a page that text recognition read: where one is no sum of what stands above it, a figure may be misread.

A total counts as right when some of the figures straight above it in its column make it up; those are then taken
together, so that totals of totals are checked too. What is laid out in another way looks wrong here, which only costs a
second reading of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from tasks.index.formats.ocr_vote import Doubt, Seen
from tasks.index.formats.pdf_layout import Row, build_rows
from tasks.index.formats.pdf_words import Word

_TOTAL = re.compile(r"\b(?:sub-?)?(?:total|totals|totale|totali|flusso finanziario|net cash)\b", re.IGNORECASE)
_FIGURE = re.compile(r"(\d{1,3}(?:[.,'’]\d{3})+|\d+)(?:[.,](\d{2}))?")
_SIGNS = str.maketrans("", "", "()[]+-–—$€£")
_LEAST = 3
"""Digits of a figure: notes and percentages have fewer, and are not added up."""
_ROUNDED = 2
"""Units by which a sum of rounded figures may be off."""
_MOST_DOUBTS = 40


def wrong_totals(words: Sequence[Word]) -> int:
    """Count the totals of a page that are no sum of figures straight above them."""
    columns: list[tuple[float, list[int]]] = []
    wrong = 0
    for row in build_rows(words):
        is_total = _TOTAL.search(row.text) is not None
        for right, figure in _figures(row):
            above = next((above for at, above in columns if abs(at - right) < 0.8 * row.size), None)
            if above is None:
                columns.append((right, above := []))
            if is_total and len(above) > 1:
                count = _summands(figure, above)
                wrong += not count
                del above[len(above) - count :]
            above.append(figure)
    return wrong


def settled(words: Sequence[Seen], doubts: Iterable[Doubt]) -> list[Seen]:
    """Return the words with those figures as the other engine reads them by which more totals come out right."""
    best = list(words)
    least = wrong_totals([seen.word for seen in best])
    for doubt in list(doubts)[:_MOST_DOUBTS]:
        if not least:
            break
        trial = list(best)
        trial[doubt.place] = Seen(trial[doubt.place].word._replace(text=doubt.other), trial[doubt.place].confidence)
        if _value(doubt.other) is not None and (found := wrong_totals([seen.word for seen in trial])) < least:
            best, least = trial, found
    return best


def _figures(row: Row) -> Iterator[tuple[float, int]]:
    """Yield the right edge and the value of each figure in a row."""
    for word in row.words:
        if (value := _value(word.text)) is not None:
            yield word.x1, value


def _value(text: str) -> int | None:
    """Return a figure in hundredths, None for what is none."""
    found = _FIGURE.fullmatch(text.translate(_SIGNS))
    if found is None or sum(map(str.isdigit, text)) < _LEAST:
        return None
    value = int(re.sub(r"\D", "", found[1])) * 100 + int(found[2] or 0)
    return -value if text[:1] in "([-–—" else value


def _summands(total: int, above: Sequence[int]) -> int:
    """Return how many of the figures straight above make up a total; 0 when none do."""
    room = _ROUNDED * 100 if all(value % 100 == 0 for value in (total, *above)) else _ROUNDED
    sums = accumulate(reversed(above))
    return next((count for count, found in enumerate(sums, 1) if abs(found - total) <= room), 0)
