"""The cells of a table and the widths of its columns.

Widths come from one pass over the cells, so that a table looks the same on each of its pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.export import fonts
from tasks.export.text import clean

PAD = 4.5  # points between a cell's text and the column's edge
MARK = 10.0  # points that a traffic light takes
BAR = 46.0  # points that a bar takes
SAMPLE = 20_000  # rows that decide the widths of the columns


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, how its cells stand, and the least width in points of a column of text."""

    head: str
    kind: Literal["text", "number"] = "text"
    least: float = 48.0


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is more than plain text: a link, a tone, a mark (traffic light) or a bar from 0 to 1.

    A link is set in the accent's colour unless the cell has a tone of its own.
    """

    text: str
    link: str = ""
    tone: str = ""
    mark: str = ""
    bar: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row; `strong` ones are set in semibold, a `group` is a line of its own above the rows that follow."""

    cells: tuple[str | Cell, ...]
    strong: bool = False
    group: bool = False


def text_of(cell: str | Cell) -> str:
    """Return the text of a cell."""
    return cell if isinstance(cell, str) else cell.text


def inset(cell: str | Cell) -> float:
    """Return how far a mark and a bar move a cell's text to the right, in points."""
    if isinstance(cell, str):
        return 0.0
    return (MARK if cell.mark else 0.0) + (BAR if cell.bar is not None else 0.0)


def column_widths(columns: tuple[Column, ...], rows: Sequence[Row], width: float, size: float) -> list[float]:
    """Give numbers the width of their widest cell, and share what is left among texts by the length of their contents."""
    wanted = [_wanted(column, index, rows, size) for index, column in enumerate(columns)]
    texts = [index for index, column in enumerate(columns) if column.kind == "text"]
    for index, column in enumerate(columns):
        if column.kind == "number":  # one monstrous number must not push the others out
            wanted[index] = min(wanted[index], width * (0.5 if len(columns) < 4 else 0.3))
    spare = width - sum(wanted)
    if spare > 0 and texts:  # let numbers breathe before texts take the rest
        breath = min(26.0, 0.7 * spare / len(columns))
        wanted = [want + breath * (column.kind == "number") for want, column in zip(wanted, columns, strict=True)]
    fixed = sum(wanted[index] for index in range(len(columns)) if index not in texts)
    least = sum(min(columns[index].least, wanted[index]) for index in texts)
    if fixed > width - least or not texts:
        scale = (width - least) / fixed if fixed else 1.0
        return [wanted[i] * scale if i not in texts else min(columns[i].least, wanted[i]) for i in range(len(columns))]
    shares = _share(
        {index: (min(columns[index].least, wanted[index]), wanted[index]) for index in texts}, width - fixed
    )
    return [shares.get(index, wanted[index]) for index in range(len(columns))]


def _wanted(column: Column, index: int, rows: Sequence[Row], size: float) -> float:
    """Return width in points that shows every cell on one line, at most 6,000 points."""
    widest = fonts.width(clean(column.head), fonts.STRONG, size - 0.5)
    if column.kind == "number" and " " in column.head:
        widest = max(fonts.width(word, fonts.STRONG, size - 0.5) for word in clean(column.head).split(" "))
    for position in range(min(len(rows), SAMPLE)):
        row = rows[position]
        if row.group:
            continue
        cell = row.cells[index]
        text = cell if isinstance(cell, str) else cell.text
        font = fonts.STRONG if row.strong else fonts.TEXT
        widest = max(widest, fonts.width(clean(text[:1500]), font, size) + inset(cell))
    return min(widest + 2 * PAD + 0.01, 6000.0)


def _share(columns: dict[int, tuple[float, float]], room: float) -> dict[int, float]:
    """Give each column what it wants if all fit (the rest in proportion), else at least its least, fairly."""
    total = sum(wanted for _, wanted in columns.values())
    if total <= room:
        return {index: wanted + (room - total) / len(columns) for index, (_, wanted) in columns.items()}
    shares = {index: least for index, (least, _) in columns.items()}
    left, open_ = room - sum(shares.values()), {i for i, (least, wanted) in columns.items() if wanted > least}
    while left > 0.01 and open_:
        part = left / len(open_)
        for index in sorted(open_):
            extra = min(part, columns[index][1] - shares[index])
            shares[index] += extra
            left -= extra
        open_ = {index for index in open_ if columns[index][1] - shares[index] > 0.01}
    return shares
