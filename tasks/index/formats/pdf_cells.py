"""A row of words cut into cells, and what of it is a figure.

A cell ends at a wide gap and around every figure; currency signs, parentheses and per cent signs join the figure that
they belong to, however far to the left a "$" stands. Gaps are judged in em (multiples of the row's type size).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

from tasks.index.formats.pdf_places import SHOWN, Frame, Rect
from tasks.index.formats.pdf_words import Word

_NUMBER = re.compile(
    r"^[(\[]?[-–—−+]?[$€£¥]?[(]?[-–—−+]?(?:\d(?:[\d.,'’]*\d)?|\.\d+)[)\]]?%?[)\]]?(?:[*†]|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})?$"
    r"|^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}$|^\d{4}[/-]\d{2,4}$"
)
_DASH = re.compile(r"^[$€£]?[-–—−]{1,3}[)%]*$|^(?:n/?a|n\.a\.|nm|n/m|n\.m\.)$", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:US|CHF|EUR|USD|GBP)?[$€£¥]?[(]?$|^\($")
_RANGE = re.compile(r"^[-–—]$")
_SUFFIX = re.compile(r"^[)%*†]{1,3}$|^(?:pts?|bps|x)$")
_LEADER = re.compile(r"^(?:[.…·_]\s?){2,}$|^[-=_]{3,}$|^\.$")
_LEADER_TAIL = re.compile(r"(?:\s?[.…·_]){3,}$")
PERIOD = re.compile(
    r"^(?:FY|Q[1-4])?\s?(?:19|20)\d\d(?:[-–/](?:19|20)?\d\d)?(?:\s?[AE])?(?:\s?\(\d\)|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})?$"
    r"|^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}$",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"^[(\[]?[-–—−+]? ?[$€£¥]?[(]?[-–—−+]?\d{1,3}(?: \d{3})*$")
_GROUP = re.compile(r"^\d{3}(?:[.,]\d+)?[)\]%]{0,2}(?:[*†]|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})?$")
_BLANK = 0.45  # em: no blank within a figure is wider, and no gap between columns is as narrow
_ORDINALS = frozenset({"st", "nd", "rd", "th", "°", "º", "ª"})


class RowLike(Protocol):
    """What this file needs of a row of words."""

    words: list[Word]
    y: float
    size: float
    page: int
    frame: Frame


@dataclass(slots=True)
class Cell:
    """Words of a row that stand together; `number` when they are one figure, a dash for none included."""

    text: str
    x0: float
    x1: float
    number: bool
    words: list[Word] = field(default_factory=list)

    @property
    def centre(self) -> float:
        return (self.x0 + self.x1) / 2


Row = list[list[Cell]]
"""The cells that stand in each column of a table's row."""


def said(cells: Sequence[Cell]) -> str:
    """Return the text of cells that stand together."""
    return " ".join(cell.text for cell in cells).strip()


def place(cells: Sequence[Cell]) -> Rect | None:
    """Return the room that cells take, None without any; those of a label that runs over two lines stand below each other."""
    if not cells:
        return None
    first, last = cells[0], cells[-1]
    top, bottom = first.words[0].rect.top, last.words[-1].rect.bottom
    if len(cells) == 1:
        return Rect(first.x0, top, first.x1, bottom)
    return Rect(min(cell.x0 for cell in cells), top, max(cell.x1 for cell in cells), bottom)


@dataclass(slots=True)
class Line:
    """A row cut into cells."""

    y: float
    size: float
    cells: list[Cell]
    page: int = 1
    frame: Frame = SHOWN

    @property
    def data(self) -> bool:
        numbers = sum(cell.number for cell in self.cells)
        return numbers > 1 or (numbers == 1 and len(self.cells) > 1 and not self.cells[0].number)

    @property
    def x0(self) -> float:
        return self.cells[0].x0

    @property
    def x1(self) -> float:
        return max(cell.x1 for cell in self.cells)


@dataclass(slots=True)
class Column:
    x0: float
    x1: float

    @property
    def centre(self) -> float:
        return (self.x0 + self.x1) / 2

    def overlap(self, x0: float, x1: float) -> float:
        return min(self.x1, x1) - max(self.x0, x0)


@lru_cache(maxsize=65536)
def is_number(text: str) -> bool:
    """Tell whether a word is a figure: digits with separators, sign, currency, parentheses or percent; `1)` is not."""
    if not _NUMBER.match(text):
        return False
    return text.count(")") <= text.count("(") or text.endswith(")%")


def cut(rows: Sequence[RowLike]) -> list[Line]:
    """Cut every row into cells."""
    return [Line(row.y, row.size, cut_cells(row), row.page, row.frame) for row in rows]


def cut_cells(row: RowLike) -> list[Cell]:
    """Cut a row into cells at wide gaps and around figures; signs, currency and per cent join their figure."""
    cells: list[Cell] = []
    forced = False
    for word in row.words:
        text = word.text
        if _LEADER.match(text):
            forced = True
            continue
        tail = _LEADER_TAIL.search(text)
        if tail:
            text = text[: tail.start()]
            forced = forced or not text
            if not text:
                continue
        last = cells[-1] if cells and not forced else None
        if last is None or not _join(last, word, text, row):
            cells.append(Cell(text, word.x0, word.x1, _figure(word, text, last, row.size), [word]))
        forced = bool(tail)
    return [
        replace(cell, number=False) if cell.number and not any(c.isalnum() or c in "-–—−" for c in cell.text) else cell
        for cell in cells
    ]


def _figure(word: Word, text: str, before: Cell | None, size: float) -> bool:
    """Tell whether a word that begins a cell begins a figure; a dash does only where it stands well apart."""
    if is_number(text) or (text in "$€£¥(" or text in {"$(", "€("}):
        return True
    return bool(_DASH.match(text)) and (before is None or word.x0 - before.x1 > 0.7 * size)


def _join(cell: Cell, word: Word, text: str, row: RowLike) -> bool:
    """Add the word to the cell if it belongs there."""
    size, gap = row.size, word.x0 - cell.x1
    number = is_number(text)
    mark = word.size < 0.87 * size and word.y < row.y - 0.12 * size and gap < 1.2 * size  # a footnote's mark
    if mark:
        return _extend(cell, word, cell.text + ("" if text in _ORDINALS else " ") + text, cell.number)
    if cell.number and _SUFFIX.match(text) and gap < 2.5 * size:
        return _extend(cell, word, cell.text + (f" {text}" if text.isalpha() else text), True)
    if cell.number and gap < 0.5 * size and (_RANGE.match(text) or (number and _RANGE.match(cell.text[-1]))):
        return _extend(cell, word, f"{cell.text} {text}", True)  # 0.5 – 2.0%
    if cell.number and goes_on(cell.text, text, gap / size):
        return _extend(cell, word, f"{cell.text} {text}", True)
    if (
        cell.number
        and _PREFIX.match(cell.text)
        and (number or _closes(cell.text, text) or _DASH.match(text) or text == "(")
    ):
        return _extend(cell, word, cell.text + text, True)
    if cell.number and (number or text in {"$", "€", "£", "("} or (_DASH.match(text) and gap > 0.4 * size)):
        return gap < 0.12 * size and _extend(cell, word, cell.text + text, True)
    if number or text in {"$", "€", "£"} or _DASH.match(text):
        return gap < (0.75 if number else 0.9) * size and _extend(cell, word, f"{cell.text} {text}", False)
    return gap < (0.75 if cell.number else 0.85) * size and _extend(cell, word, f"{cell.text} {text}", False)


def goes_on(figure: str, text: str, gap: float) -> bool:
    """Tell whether a word is the next three digits of a figure with blanks between its thousands; the gap is in em."""
    return 0.0 < gap < _BLANK and bool(_GROUP.match(text)) and bool(_GROUPED.match(figure))


def _closes(before: str, text: str) -> bool:
    return "(" in before and is_number("(" + text)


def _extend(cell: Cell, word: Word, text: str, number: bool) -> bool:
    cell.text, cell.number, cell.x1 = text, number, max(cell.x1, word.x1)
    cell.words.append(word)
    return True
