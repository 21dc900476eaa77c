"""Text that stands at right angles to a page's reading direction: heads of narrow columns, and everything else.

Heads are turned to save room: "Energia elettrica" runs up over a column of figures two centimetres wide. Lines of
such text that stand side by side over figures become one row of heads; any other turned text (a stamp, the file number
along the edge) is kept as a text of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.index.formats.pdf_words import Turned, Word


def stand_up(turned: Sequence[Turned], words: Sequence[Word]) -> tuple[list[Word], str]:
    """Return heads as words above the figures that they stand over, and the rest of the turned text."""
    lines = _lines(turned)
    below = [(head, _first_figure(head, words)) for head in _joined(lines)]
    heads = [head for head, figure in below if figure]
    heads = [h for h in heads if sum(_level(h, other) for other in heads) > 1]
    if not heads:
        return [], " ".join(line.text for line in lines)
    first = min(figure.y - 1.5 * figure.size for head, figure in below if figure and head in heads)
    base = max(first, *(head.bottom for head in heads))  # the short ones may end far above the figures
    used = [line for line in lines if any(_covers(head, line) for head in heads)]
    rest = " ".join(line.text for line in lines if line not in used)
    return [Word(head.text, head.x0, head.x1, base, head.size, head.bold) for head in heads], rest


def _lines(turned: Sequence[Turned]) -> list[Turned]:
    """Join turned words that follow one another, in the space of the upright words."""
    lines: list[Turned] = []
    for word in turned:
        last = lines[-1] if lines else None
        if last and last.up == word.up and _follows(last, word):
            top, bottom = min(last.top, word.top), max(last.bottom, word.bottom)
            lines[-1] = last._replace(text=f"{last.text} {word.text}", top=top, bottom=bottom)
        else:
            lines.append(word)
    return lines


def _follows(line: Turned, word: Turned) -> bool:
    gap = line.top - word.bottom if word.up else word.top - line.bottom
    return abs(word.x0 - line.x0) < 0.5 * line.size and -0.5 * line.size < gap < 1.2 * line.size


def _joined(lines: Sequence[Turned]) -> list[Turned]:
    """Return heads of one or more lines, from left to right; of those that run down the page the first line is the right one."""
    heads: list[Turned] = []
    for line in sorted(lines, key=lambda line: line.x0):
        last = heads[-1] if heads else None
        if last and last.up == line.up and line.x0 - last.x1 < 0.6 * line.size and _level(last, line):
            text = f"{last.text} {line.text}" if line.up else f"{line.text} {last.text}"
            top, bottom = min(last.top, line.top), max(last.bottom, line.bottom)
            heads[-1] = line._replace(text=text, x0=last.x0, top=top, bottom=bottom)
        else:
            heads.append(line)
    return heads


def _level(one: Turned, other: Turned) -> bool:
    """Tell whether two lines stand side by side: most of the shorter one lies beside the longer one."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared > 0.5 * min(one.bottom - one.top, other.bottom - other.top)


def _first_figure(head: Turned, words: Sequence[Word]) -> Word | None:
    """Return the figure that a head stands over, if it does."""
    figures = [
        word
        for word in words
        if any(char.isdigit() for char in word.text)
        and head.bottom - word.size < word.y - 0.3 * word.size < head.bottom + 6 * word.size
        and min(head.x1 + head.size, word.x1) > max(head.x0 - head.size, word.x0)
    ]
    return min(figures, key=lambda word: word.y, default=None)


def _covers(head: Turned, line: Turned) -> bool:
    return line.text in head.text and head.x0 - 0.1 <= line.x0 and line.x1 <= head.x1 + 0.1 and _level(head, line)
