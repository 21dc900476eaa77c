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
from statistics import median

from tasks.index.formats.pdf_cells import Line, cut
from tasks.index.formats.pdf_continued import continued
from tasks.index.formats.pdf_grids import Grid, find_grids, joined
from tasks.index.formats.pdf_layout import (
    Block,
    Row,
    build_rows,
    margin_blocks,
    margin_rows,
    region_blocks,
    split_columns,
    table_block,
)
from tasks.index.formats.pdf_turned import stand_up
from tasks.index.formats.pdf_words import PageWords, Word

_WINDOW = 100
_MOST_PAGES = 40
"""A table is cut after as many pages: a ledger of thousands would be one element."""
_WATERMARK = 1.6  # times the usual type size
_ORDER = {"header": 0, "footer": 2}


@dataclass(slots=True)
class _Region:
    """Rows that are read line by line, and the same cut into cells; or a ruled table."""

    rows: list[Row]
    lines: list[Line]
    grid: Grid | None = None


@dataclass(slots=True)
class _Sheet:
    """A page, or several that a table joins: margins and text that runs sideways as blocks, and the regions between."""

    number: int
    blocks: list[Block]
    regions: list[_Region]
    pages: int = 1


def to_blocks(pages: Iterable[tuple[int, PageWords]]) -> Iterator[Block]:
    """Yield blocks in reading order of (page number, words) pairs; text that runs sideways comes last on its page."""
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
    stream, last = iter(pages), None
    while window := list(islice(stream, _WINDOW)):
        sheets: list[tuple[_Sheet, list[Row]]] = []
        for number, page in window:
            sheets.append(_sheet(number, page, last))
            grids = sheets[-1][0].regions
            last = grids[-1].grid if grids else None
        margins = margin_rows([rows for _, rows in sheets])
        for (sheet, rows), (heads, feet) in zip(sheets, margins, strict=True):
            end = max(len(rows) - feet, heads)
            sheet.blocks = margin_blocks("header", rows[:heads]) + margin_blocks("footer", rows[end:]) + sheet.blocks
            sheet.regions = list(_regions(rows[heads:end], sheet.regions))
            yield sheet


def _sheet(number: int, page: PageWords, above: Grid | None) -> tuple[_Sheet, list[Row]]:
    """Return a page with its ruled tables as regions, and the rows of all other words."""
    back = page.frame.inverse()
    rules = [back.rect(rule) for rule in page.rules]
    grids = find_grids(rules, page.words, number, page.frame, above) if rules else []
    ruled: frozenset[Word] = frozenset().union(*(grid.words for grid in grids))
    words = [word for word in page.words if word not in ruled] if ruled else page.words
    heads, rest = stand_up(page.turned, words) if page.turned else ([], "")
    rows = build_rows([*words, *heads], number, page.frame)
    blocks = [Block("text", rest, number)] if rest else []
    blocks += _aslant(page, number)
    return _Sheet(number, blocks, [_Region([], [], grid) for grid in grids]), rows


def _aslant(page: PageWords, number: int) -> list[Block]:
    """Set slanted text apart: a watermark is much larger than the page's type, and no more text than heads and feet are."""
    usual = median(word.size for word in page.words) if page.words else 0.0
    large = " ".join(text for text, size in page.aslant if size > _WATERMARK * usual)
    small = " ".join(text for text, size in page.aslant if size <= _WATERMARK * usual)
    found = Block("header", large, number), Block("text", small, number)
    return [block for block in found if block.text]


def _regions(rows: list[Row], grids: list[_Region]) -> Iterator[_Region]:
    """Yield the regions of a page in reading order: ruled tables stand between the rows above and those below them."""
    for region in grids:
        if region.grid:
            top = region.grid.room.top
            above = [row for row in rows if row.y < top]
            rows = rows[len(above) :]
            yield from (_Region(part, cut(part)) for part in split_columns(above))
            yield region
    yield from (_Region(part, cut(part)) for part in split_columns(rows))


def _join(above: _Sheet, below: _Sheet) -> bool:
    """Take the next page in when the last table of `above` goes on there."""
    if below.number != above.number + above.pages or above.pages >= _MOST_PAGES:
        return False
    if not above.regions or not below.regions:
        return False
    last, first = above.regions[-1], below.regions[0]
    if last.grid and first.grid:
        whole = joined(last.grid, first.grid)
        if whole is None:
            return False
        above.regions[-1] = _Region([], [], whole)
        _take_in(above, below)
        return True
    if last.grid or first.grid:
        return False
    found = continued(last.rows, last.lines, first.rows, first.lines)
    if found is None:
        return False
    repeated, rows = found
    above.regions[-1] = _Region([*last.rows, *rows], [*last.lines, *cut(rows)])
    above.blocks += margin_blocks("header", first.rows[:repeated])
    _take_in(above, below)
    return True


def _take_in(above: _Sheet, below: _Sheet) -> None:
    """Add the rest of a page whose first region is part of the last one above."""
    above.regions += below.regions[1:]
    above.blocks += below.blocks
    above.pages += 1


def _laid_out(sheet: _Sheet) -> list[Block]:
    body = [block for region in sheet.regions for block in _blocks(region)]
    return sorted(body + sheet.blocks, key=lambda block: (block.page, _ORDER.get(block.kind, 1)))


def _blocks(region: _Region) -> Iterator[Block]:
    if region.grid is None:
        yield from region_blocks(region.rows, region.lines)
    else:
        grid = region.grid
        yield table_block(grid.rows, grid.boxes, abs(grid.boxes[0][0]), grid.size)
