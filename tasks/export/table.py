"""Tables that may have any number of rows: they are laid out one page at a time and drawn straight on the canvas.

Reportlab's Table measures and keeps every cell before it draws the first, and each split copies what is left: time
grows with the square of the rows. Here column widths come from one pass over the cells, then a page takes the rows
that fit and hands the rest on as an index into the same rows, so a table of 10,000 rows costs what its pages cost.
The head is repeated on every page; numbers stand right-aligned in digits of equal width; a long text is broken into
lines and, past `most` of them, ends with an ellipsis: the source is linked, not copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable

from tasks.export import fonts, style
from tasks.export.cells import BAR, PAD, Cell, Column, Row, column_widths, inset, text_of
from tasks.export.layout import Piece
from tasks.export.text import clean, wrap

__all__ = ["Cell", "Column", "Row", "Table"]

RISE = 2.7  # points above and below the lines of a row


@dataclass(slots=True)
class _Laid:
    """A row broken into lines for its columns."""

    row: Row
    lines: list[list[str]]
    height: float


class Table(Piece):
    """A table over the full width.

    Args:
        most: the most lines that a cell may take.
        kind: size of the type; the head is a little smaller.
    """

    def __init__(
        self, columns: Sequence[Column], rows: Sequence[Row], most: int = 6, kind: style.Type = style.CELL
    ) -> None:
        super().__init__(2, 10)
        self.columns, self.most, self.kind = tuple(columns), most, kind
        self._rows, self._start = rows, 0
        self._widths: list[float] = []
        self._head: list[list[str]] = []
        self._laid: list[_Laid] = []
        self._stop: int | None = None

    def _rest(self, start: int, laid: list[_Laid] | None = None, stop: int | None = None) -> Table:
        part = Table(self.columns, self._rows, self.most, self.kind)
        part._start, part._stop, part._widths, part._head = start, stop, self._widths, self._head
        part._laid = laid or []
        part.spaceBefore = self.spaceBefore if start == self._start else 0.0
        part.spaceAfter = self.spaceAfter if stop is None else 0.0
        return part

    # -- measuring ------------------------------------------------------------------------------------------------
    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Return the height of the rows that are left, or just more than `height` when they do not fit."""
        if not self._widths:
            self._widths = column_widths(self.columns, self._rows, width, self.kind.size)
            self._head = [
                wrap(clean(column.head), fonts.STRONG, self.kind.size - 0.5, room - 2 * PAD, 3)
                for column, room in zip(self.columns, self._widths, strict=True)
            ]
        used = self._head_height
        end = len(self._rows) if self._stop is None else self._stop
        for index in range(self._start, end):
            if index - self._start == len(self._laid):
                self._laid.append(self._lay(self._rows[index]))
            used += self._laid[index - self._start].height
            if used > height and self._stop is None:
                break
        self.width, self.height = width, used
        return self.width, self.height

    @property
    def _head_height(self) -> float:
        if not any(column.head for column in self.columns):
            return 1.0  # a list without a head
        return max(len(lines) for lines in self._head) * self._leading + 2 * RISE + 1

    @property
    def _leading(self) -> float:
        return self.kind.leading

    def _lay(self, row: Row) -> _Laid:
        font = fonts.STRONG if row.strong or row.group else fonts.TEXT
        if row.group:
            lines = [wrap(clean(text_of(row.cells[0])), font, self.kind.size, sum(self._widths) - 2 * PAD, 2)]
        else:
            lines = [self._cell_lines(cell, font, room) for cell, room in zip(row.cells, self._widths, strict=True)]
        count = max((len(cell) for cell in lines), default=1)
        return _Laid(row, lines, count * self._leading + 2 * RISE + (3 if row.group else 0))

    def _cell_lines(self, cell: str | Cell, font: str, room: float) -> list[str]:
        if isinstance(cell, str):
            return wrap(clean(cell), font, self.kind.size, room - 2 * PAD, self.most) if cell else [""]
        room = max(12.0, room - 2 * PAD - inset(cell))
        return wrap(clean(cell.text), fonts.STRONG if cell.strong else font, self.kind.size, room, self.most)

    def least(self, width: float) -> float:
        """Return the head and the first three rows, or all of a small table."""
        self.wrap(width, style.HEIGHT)
        if self._small:
            return float(self.height)
        return self._head_height + sum(laid.height for laid in self._laid[:3])

    @property
    def _small(self) -> bool:
        """Whether it is better moved to the next page than split."""
        return self._start == 0 and len(self._rows) <= 8 and self.height < style.HEIGHT / 3

    def split(self, width: float, height: float) -> list[Flowable]:
        self.wrap(width, style.HEIGHT)
        if self._small:
            return []
        self.wrap(width, height)
        used, count = self._head_height, 0
        for laid in self._laid:
            if used + laid.height > height:
                break
            used += laid.height
            count += 1
        left = len(self._rows) - self._start - count
        if 0 < left < 3 and count > 5:  # one or two rows never stand alone on the last page
            count -= 3 - left
        while count and self._laid[count - 1].row.group:  # a group's name never ends a page
            count -= 1
        if count == 0 or (count == 1 and height < style.HEIGHT * 0.5):
            return []
        middle = self._start + count
        return [self._rest(self._start, self._laid[:count], middle), self._rest(middle, self._laid[count:])]

    # -- drawing --------------------------------------------------------------------------------------------------
    def draw(self) -> None:
        canvas, y = self.canv, self.height
        rules: list[tuple[float, float, float, float]] = []
        y = self._draw_head(y)
        pen = canvas.beginText()
        brush = _Brush(pen, self.kind.size)
        for laid in self._laid:
            self._draw_row(laid, y, brush)
            y -= laid.height
            rules.append((0, y, self.width, y))
        canvas.setStrokeColor(HexColor(style.HAIR))
        canvas.setLineWidth(0.4)
        canvas.lines(rules)
        canvas.drawText(pen)

    def _draw_head(self, top: float) -> float:
        canvas, size = self.canv, self.kind.size - 0.5
        bottom = top - self._head_height
        pen = canvas.beginText()
        brush = _Brush(pen, size)
        deepest = max(len(lines) for lines in self._head)
        x = 0.0
        for column, lines, room in zip(self.columns, self._head, self._widths, strict=True):
            y = top - RISE - size * 0.95 - (deepest - len(lines)) * self._leading  # heads stand on the rule
            for line in lines:
                shift = room - PAD - fonts.width(line, fonts.STRONG, size) if column.kind == "number" else PAD
                brush.put(x + shift, y, line, fonts.STRONG, style.MUTED)
                y -= self._leading
            x += room
        canvas.drawText(pen)
        canvas.setStrokeColor(HexColor(style.ACCENT))
        canvas.setLineWidth(0.8)
        canvas.line(0, bottom + 0.5, self.width, bottom + 0.5)
        return bottom

    def _draw_row(self, laid: _Laid, top: float, brush: _Brush) -> None:
        size, x = self.kind.size, 0.0
        base = top - RISE - size * 0.95 - (3 if laid.row.group else 0)
        strong = laid.row.strong or laid.row.group
        for index, lines in enumerate(laid.lines):
            cell = laid.row.cells[index]
            if isinstance(cell, str):
                font, tone, shift = fonts.STRONG if strong else fonts.TEXT, style.INK, 0.0
            else:
                font, tone, shift = self._adorn(cell, x, base, self._widths[index], strong)
            if laid.row.group:
                tone = style.ACCENT
            right = (
                x + self._widths[index] - PAD if self.columns[index].kind == "number" and not laid.row.group else 0.0
            )
            y = base
            for line in lines:
                if line:
                    start = right - fonts.width(line, font, size) if right else x + PAD + shift
                    brush.put(start, y, line, font, tone)
                y -= self._leading
            if not isinstance(cell, str) and cell.link and lines != [""]:
                rect = (x, y + self._leading - 2, x + self._widths[index], base + size)
                self.canv.linkURL(cell.link, rect, relative=1)
            x += self._widths[index]

    def _adorn(self, cell: Cell, x: float, base: float, room: float, strong: bool) -> tuple[str, str, float]:
        """Draw a cell's mark or bar; its font, its colour and how far its text moves to the right."""
        if cell.mark:
            mark(self.canv, x + PAD + 3, base + 2.9, cell.mark)
        if cell.bar is not None:
            _bar(self.canv, x + PAD, base, cell.bar, style.TONES[cell.tone] if cell.tone else style.ACCENT)
        colour = style.ACCENT if cell.link and not cell.tone else style.TONES[cell.tone]
        return fonts.STRONG if strong or cell.strong else fonts.TEXT, colour, inset(cell)


class _Brush:
    """A text object that changes font and colour only when they change: half the operators of a page."""

    def __init__(self, pen: Any, size: float) -> None:
        self._pen, self._size = pen, size
        self._font = self._colour = ""

    def put(self, x: float, y: float, text: str, font: str, colour: str) -> None:
        if font != self._font:
            self._pen.setFont(font, self._size)
            self._font = font
        if colour != self._colour:
            self._pen.setFillColor(HexColor(colour))
            self._colour = colour
        self._pen.setTextOrigin(x, y)
        self._pen.textOut(text)


def mark(canvas: Any, x: float, y: float, tone: str) -> None:
    """Draw a traffic light that is told by shape as well as by colour: disc, triangle, square."""
    canvas.setFillColor(HexColor(style.TONES[tone]))
    if tone == "good":
        canvas.circle(x, y, 2.8, stroke=0, fill=1)
    elif tone == "fair":
        path = canvas.beginPath()
        path.moveTo(x - 3, y - 2.5)
        path.lineTo(x + 3, y - 2.5)
        path.lineTo(x, y + 3)
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)
    else:
        canvas.rect(x - 2.5, y - 2.5, 5, 5, stroke=0, fill=1)


def _bar(canvas: Any, x: float, base: float, share: float, colour: str) -> None:
    length = BAR - 6
    canvas.setFillColor(HexColor(style.HAIR))
    canvas.rect(x, base + 0.8, length, 4.4, stroke=0, fill=1)
    canvas.setFillColor(HexColor(colour))
    canvas.rect(x, base + 0.8, length * min(1.0, max(0.0, share)), 4.4, stroke=0, fill=1)
