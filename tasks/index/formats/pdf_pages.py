"""From a stream of pages of words to blocks, window by window.

Running heads and feet show only across pages, so pages are laid out in windows of a hundred: large enough to see
what repeats, small enough that the words of a document of thousands of pages are never all in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from tasks.index.formats.pdf_layout import Block, build_rows, margin_rows, page_blocks
from tasks.index.formats.pdf_words import PageWords

_WINDOW = 100


def to_blocks(pages: Iterable[tuple[int, PageWords]]) -> Iterator[Block]:
    """Blocks in reading order of (page number, words) pairs; text that runs sideways comes last on its page."""
    stream = iter(pages)
    while window := list(islice(stream, _WINDOW)):
        rows = [build_rows(page.words) for _, page in window]
        margins = margin_rows(rows)
        for (number, page), lines, (heads, feet) in zip(window, rows, margins, strict=True):
            yield from page_blocks(lines, number, heads, feet, page.frame)
            if page.sideways:
                yield Block("text", page.sideways, number)
