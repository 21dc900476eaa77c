"""From a stream of pages of words to blocks, window by window.

Running heads and feet show only across pages, so pages are laid out in windows of a hundred: large enough to see
what repeats, small enough that the words of a document of thousands of pages are never all in memory. A table that
goes on on the next page is laid out with it as if the paper had no end (`pdf_continued`), so that where a page breaks
changes no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from tasks.index.formats.pdf_cells import Line, cut
from tasks.index.formats.pdf_continued import continued
from tasks.index.formats.pdf_layout import (
    Block,
    Row,
    build_rows,
    margin_blocks,
    margin_rows,
    region_blocks,
    split_columns,
)
from tasks.index.formats.pdf_words import PageWords

_WINDOW = 100
_MOST_PAGES = 40
"""A table is cut after as many pages: a ledger of thousands would be one element."""
_ORDER = {"header": 0, "footer": 2}


@dataclass(slots=True)
class _Region:
    """Rows that are read line by line, and the same cut into cells."""

    rows: list[Row]
    lines: list[Line]


@dataclass(slots=True)
class _Sheet:
    """A page, or several that a table joins: margins and text that runs sideways as blocks, and the regions between."""

    number: int
    blocks: list[Block]
    regions: list[_Region]
    pages: int = 1


def to_blocks(pages: Iterable[tuple[int, PageWords]]) -> Iterator[Block]:
    """Blocks in reading order of (page number, words) pairs; text that runs sideways comes last on its page."""
    open_sheet: _Sheet | None = None
    for sheet in _sheets(pages):
        if open_sheet is None:
            open_sheet = sheet
        elif not _join(open_sheet, sheet):
            yield from _laid_out(open_sheet)
            open_sheet = sheet
    if open_sheet is not None:
        yield from _laid_out(open_sheet)


def _sheets(pages: Iterable[tuple[int, PageWords]]) -> Iterator[_Sheet]:
    stream = iter(pages)
    while window := list(islice(stream, _WINDOW)):
        rows = [build_rows(page.words, number, page.frame) for number, page in window]
        margins = margin_rows(rows)
        for (number, page), lines, (heads, feet) in zip(window, rows, margins, strict=True):
            end = max(len(lines) - feet, heads)
            blocks = margin_blocks("header", lines[:heads]) + margin_blocks("footer", lines[end:])
            if page.sideways:
                blocks.append(Block("text", page.sideways, number))
            regions = [_Region(part, cut(part)) for part in split_columns(lines[heads:end])]
            yield _Sheet(number, blocks, regions)


def _join(above: _Sheet, below: _Sheet) -> bool:
    """Take the next page in when the last table of `above` goes on there."""
    if below.number != above.number + above.pages or above.pages >= _MOST_PAGES:
        return False
    if not above.regions or not below.regions:
        return False
    last, first = above.regions[-1], below.regions[0]
    found = continued(last.rows, last.lines, first.rows, first.lines)
    if found is None:
        return False
    repeated, rows = found
    above.regions[-1] = _Region([*last.rows, *rows], [*last.lines, *cut(rows)])
    above.regions += below.regions[1:]
    above.blocks += below.blocks + margin_blocks("header", first.rows[:repeated])
    above.pages += 1
    return True


def _laid_out(sheet: _Sheet) -> list[Block]:
    body = [block for region in sheet.regions for block in region_blocks(region.rows, region.lines)]
    return sorted(body + sheet.blocks, key=lambda block: (block.page, _ORDER.get(block.kind, 1)))
