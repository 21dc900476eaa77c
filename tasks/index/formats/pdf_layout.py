"""From words with places to a page's blocks in reading order: rows, columns, margins, paragraphs, tables.

Everything here is plain geometry in points, the same for a text layer and for words that OCR has seen. Columns are
split only where both sides read as prose, so that a statement is never torn into a column of labels and a column of
numbers. Headings are decided later, over the whole document (`pdf_titles`), since they depend on its body size.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from tasks.index.formats.pdf_cells import Line
from tasks.index.formats.pdf_places import SHOWN, Frame, Rect, row_box
from tasks.index.formats.pdf_tables import find_tables
from tasks.index.formats.pdf_words import Word

BlockKind = Literal["text", "list", "table", "header", "footer"]
_BULLET = re.compile(r"^(?:[•●▪■◦‣∙·o\uf0b7\uf0a7–—*-]|\(?(?:\d{1,2}|[a-zA-Z]|[ivxIVX]{2,4})[.)]|\(\w{1,3}\))$")
_PAGE_NUMBER = re.compile(
    r"^(?:(?:page|pagina|pag\.?|p\.)\s*)?[-–—(\[]?\s*(?:[A-Z]{1,2}[-–—.])?(?:\d{1,4}|[ivxlc]{1,6})\s*[-–—)\]]?"
    r"(?:\s*(?:of|di|/|de)\s*\d{1,4})?$",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]")
_NOTE = re.compile(r"^\(?[\da-zA-Z]{1,2}\)?$|^[*†‡§]+$")
_SMALL = 0.87  # of the size beside it: type as small as that, set higher or lower, is a superscript or subscript
_EDGE_ROWS = 4  # rows at either end of a page in which a running head or foot is looked for


@dataclass(slots=True)
class Row:
    """Words on one baseline, from left to right."""

    words: list[Word]
    y: float
    size: float
    page: int = 1
    frame: Frame = SHOWN

    @property
    def x0(self) -> float:
        return self.words[0].x0

    @property
    def x1(self) -> float:
        return max(word.x1 for word in self.words[-3:])

    @property
    def rect(self) -> Rect:
        return Rect(self.x0, self.y - 0.75 * self.size, self.x1, self.y + 0.25 * self.size)

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def bold(self) -> bool:
        return all(word.bold for word in self.words)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page before headings are known: `size` of its type in points, `rows` only for a table.

    `boxes` are its places on the page as `Element.boxes` has them.
    """

    kind: BlockKind
    text: str
    page: int
    size: float = 0.0
    bold: bool = False
    lines: int = 1
    rows: tuple[tuple[str, ...], ...] | None = None
    boxes: tuple[tuple[int, ...], ...] | None = None


def make_row(words: list[Word], page: int = 1, frame: Frame = SHOWN) -> Row:
    words.sort(key=lambda word: word.x0)
    largest = max(word.size for word in words)
    base = [word.y for word in words if word.size > _SMALL * largest]
    return Row(words, median(base), largest, page, frame)


def moved(rows: Sequence[Row], x: float, y: float) -> list[Row]:
    """Return rows elsewhere in the space of reading, where they are laid out with others; their places on the page stay."""
    return [
        Row(
            [word._replace(x0=word.x0 + x, x1=word.x1 + x, y=word.y + y) for word in row.words],
            row.y + y,
            row.size,
            row.page,
            row.frame.after(-x, -y),
        )
        for row in rows
    ]


def build_rows(words: Sequence[Word], page: int = 1, frame: Frame = SHOWN) -> list[Row]:
    """Group words to rows by baseline, from the top of the page down; raised and lowered small type joins its row."""
    groups: list[list[Word]] = []
    level = size = 0.0
    for word in sorted(words, key=lambda word: word.y):
        if groups and word.y - level <= 0.35 * min(size, word.size):
            groups[-1].append(word)
        else:
            groups.append([word])
            level = word.y
        size = word.size
    return _join_scripts([make_row(group, page, frame) for group in groups])


def _join_scripts(rows: list[Row]) -> list[Row]:
    """Merge a row of small type into the neighbour that it is a superscript or subscript of."""
    joined: list[Row] = []
    for row in rows:
        last = joined[-1] if joined else None
        if last and (_is_script(last, row) or _is_script(row, last)):
            joined[-1] = make_row(last.words + row.words, row.page, row.frame)
        else:
            joined.append(row)
    return joined


def _is_script(small: Row, big: Row) -> bool:
    """Tell whether `small` are marks that touch words of `big`: much smaller, shifted by less than 0.6 em, adjacent."""
    if small.size > _SMALL * big.size or not 0.1 * big.size < abs(small.y - big.y) < 0.6 * big.size:
        return False
    return all(_beside(mark, big) for mark in small.words[:3])


def _beside(mark: Word, row: Row) -> bool:
    """Tell whether a mark stands right after or before a word of the row; a footnote's number may stand a little away."""
    reach = (1.2 if _NOTE.match(mark.text) else 0.35) * row.size
    return any(abs(mark.x0 - word.x1) < reach or abs(word.x0 - mark.x1) < reach for word in row.words)


def split_columns(rows: list[Row], depth: int = 0) -> list[list[Row]]:
    """Cut rows into regions in reading order; a region is read line by line."""
    band = _best_band(rows) if depth < 3 and len(rows) >= 5 else None
    if band is None:
        return [rows] if rows else []
    first, last, gutter = band
    left, right = _sides(rows[first:last], gutter)
    inner = split_columns(left, depth + 1) + split_columns(right, depth + 1)
    return split_columns(rows[:first], depth + 1) + inner + split_columns(rows[last:], depth + 1)


def _sides(rows: Sequence[Row], gutter: float) -> tuple[list[Row], list[Row]]:
    left = [[word for word in row.words if word.x0 < gutter] for row in rows]
    right = [[word for word in row.words if word.x0 >= gutter] for row in rows]
    page, frame = rows[0].page, rows[0].frame
    return (
        [make_row(words, page, frame) for words in left if words],
        [make_row(words, page, frame) for words in right if words],
    )


def _best_band(rows: Sequence[Row]) -> tuple[int, int, float] | None:
    """Return the run of rows (first, one past the last) with the clearest gutter, and the x of that gutter."""
    best: tuple[int, int, float] | None = None
    for x in _column_starts(rows):
        for first, last in _clear_runs(rows, x):
            longer = best is None or last - first > best[1] - best[0]
            if last - first >= 5 and longer and all(_prose(side) for side in _sides(rows[first:last], x - 1.0)):
                best = (first, last, x - 1.0)
    return best


def _column_starts(rows: Sequence[Row]) -> list[float]:
    """Return left edges, well inside the page, at which many rows or parts of rows begin."""
    left, right = min(row.x0 for row in rows), max(row.x1 for row in rows)
    starts: Counter[int] = Counter()
    for row in rows:
        end = float("-inf")
        for word in row.words:
            if word.x0 - end > row.size and left + 0.2 * (right - left) < word.x0 < right - 0.12 * (right - left):
                starts[round(word.x0)] += 1
            end = word.x1
    near = {x: starts[x - 1] + starts[x] + starts[x + 1] for x in starts}
    return [x - 1.0 for x, count in sorted(near.items(), key=lambda item: -item[1])[:6] if count >= 4]


def _clear_runs(rows: Sequence[Row], x: float) -> Iterator[tuple[int, int]]:
    """Yield runs of consecutive rows in which no word lies across the gutter left of `x`."""
    first = 0
    for index, row in enumerate(rows):
        if any(word.x0 < x - 1.0 and word.x1 > x - 0.4 * row.size for word in row.words):
            if index > first:
                yield first, index
            first = index + 1
    if first < len(rows):
        yield first, len(rows)


def _prose(rows: Sequence[Row]) -> bool:
    """Tell whether one side of a gutter is a column of running text: lines of words that mostly fill its width."""
    if len(rows) < 4:
        return False
    words = [word.text for row in rows for word in row.words]
    if len(words) < 3.5 * len(rows) or sum(bool(_LETTERS.search(word)) for word in words) < 0.75 * len(words):
        return False
    width = max(row.x1 for row in rows) - min(row.x0 for row in rows)
    return median(row.x1 - row.x0 for row in rows) > 0.6 * width


def margin_rows(pages: Sequence[Sequence[Row]]) -> list[tuple[int, int]]:
    """Return for each page how many rows at its top are running heads, and how many at its bottom are running feet.

    A row is one when the same text (digits apart) stands at the same height on at least three pages and a tenth of
    them, or when it is a page number at the very edge. Only rows without a gap from the edge count.
    """
    tops = Counter(key for rows in pages for key in {_margin_key(row) for row in rows[:_EDGE_ROWS]})
    feet = Counter(key for rows in pages for key in {_margin_key(row) for row in rows[-_EDGE_ROWS:]})
    enough = max(3, len(pages) // 10)
    return [(_edge(rows, tops, enough), _edge(rows[::-1], feet, enough)) for rows in pages]


def _margin_key(row: Row) -> tuple[str, int]:
    return re.sub(r"\d+", "#", row.text.lower()), round(row.y / 12)


def _edge(rows: Sequence[Row], counts: Counter[tuple[str, int]], enough: int) -> int:
    """Return how many rows from the edge inwards are running ones; the page's last row is never taken but for its number."""
    taken = 0
    for index, row in enumerate(rows[: min(_EDGE_ROWS, (len(rows) + 1) // 2)]):
        text, height = _margin_key(row)
        seen = max(counts[text, height + shift] for shift in (-1, 0, 1))
        number = _PAGE_NUMBER.match(row.text) is not None
        runs_on = seen >= enough and _LETTERS.search(text) and taken == index and index + 1 < len(rows)
        if runs_on or (number and (index <= 1 or seen >= enough)):
            taken = index + 1
    return taken


def margin_blocks(kind: BlockKind, rows: Sequence[Row]) -> list[Block]:
    """Return running heads or feet, each a block."""
    return [
        Block(kind, row.text, row.page, row.size, boxes=(row_box([row.rect], row.page, row.frame),)) for row in rows
    ]


def region_blocks(rows: Sequence[Row], lines: Sequence[Line]) -> Iterator[Block]:
    """Yield the tables of a region and the paragraphs between them; `lines` are its rows cut into cells."""
    begin = 0
    for table in find_tables(rows, lines):
        yield from _paragraphs(rows[begin : table.first])
        yield table_block(table.rows, table.boxes, rows[table.first].page, rows[table.first].size)
        begin = table.last
    yield from _paragraphs(rows[begin:])


def table_block(rows: tuple[tuple[str, ...], ...], boxes: tuple[tuple[int, ...], ...], page: int, size: float) -> Block:
    text = "\n".join(line for line in (" | ".join(filter(None, cells)) for cells in rows) if line)
    return Block("table", text, page, size, lines=len(rows), rows=rows, boxes=boxes)


def _paragraphs(rows: Sequence[Row]) -> Iterator[Block]:
    """Yield lines merged to paragraphs by spacing, indent, type and the length of the line before."""
    if not rows:
        return
    left, right = min(row.x0 for row in rows), max(row.x1 for row in rows)
    pitch = _pitch(rows)
    lines: list[Row] = []
    for row in rows:
        if lines and _starts_paragraph(lines[-1], row, len(lines), left, right, pitch):
            yield _paragraph(lines)
            lines = []
        lines.append(row)
    yield _paragraph(lines)


def _pitch(rows: Sequence[Row]) -> float:
    """Return the usual distance of baselines, in em of the lower row."""
    steps = [(after.y - before.y) / after.size for before, after in pairwise(rows)]
    steps = [step for step in steps if 0.8 < step < 2.2]
    return median(steps) if len(steps) > 2 else 1.25


def _starts_paragraph(above: Row, row: Row, count: int, left: float, right: float, pitch: float) -> bool:
    em = row.size
    if row.page != above.page:
        return True
    if row.y - above.y > 1.3 * pitch * em or abs(above.size - em) > 0.12 * em or above.bold != row.bold:
        return True
    if _BULLET.match(row.words[0].text) and len(row.words) > 1:
        return True
    room = right - above.x1 > row.words[0].x1 - row.words[0].x0 + em  # the first word would have had room above
    ended = above.words[-1].text[-1:] in '.:;!?)”"' or row.words[0].text[:1].isupper()
    if room and ended and above.words[-1].text[-1:] not in "-,–" and above.x1 - left < 0.85 * (right - left):
        return True
    return row.x0 - above.x0 > em and count > 1 and row.words[0].text[:1].isupper() and not room


def _paragraph(lines: Sequence[Row]) -> Block:
    first = lines[0].words[0].text
    kind: BlockKind = "list" if _BULLET.match(first) and len(lines[0].words) > 1 else "text"
    size = max(row.size for row in lines)
    text, bold = join_lines([row.text for row in lines]), all(row.bold for row in lines)
    room = Rect(min(row.x0 for row in lines), lines[0].rect.top, max(row.x1 for row in lines), lines[-1].rect.bottom)
    page = lines[0].page
    return Block(kind, text, page, size, bold, len(lines), boxes=(row_box([room], page, lines[0].frame),))


def join_lines(lines: Sequence[str]) -> str:
    """Return one text of several lines; a word that is broken by a hyphen at a line's end is made whole."""
    text = lines[0]
    for line in lines[1:]:
        broken = text[-1:] in "-‐" and text[-2:-1].islower() and line[:1].islower()
        text = text[:-1] + line if broken else f"{text} {line}"
    return text
