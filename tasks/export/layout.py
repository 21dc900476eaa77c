"""The pieces a report is made of, besides tables and charts: headings, paragraphs, lists, tiles.

They draw cleaned text straight on the canvas and never parse markup. Reportlab's own Paragraph reads XML and splits a
long text again from the start on each page; these pieces break lines once and split in constant time. Each cleans the
text it is given, so that no template can forget to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from tasks.export import fonts, style
from tasks.export.text import clean, wrap


class Piece(Flowable):  # type: ignore[misc]
    """A flowable with space around it and a least height, which headings ask for so as not to stand alone."""

    def __init__(self, before: float = 0.0, after: float = 0.0) -> None:
        super().__init__()
        fonts.register()
        self.spaceBefore, self.spaceAfter = before, after

    def least(self, width: float) -> float:
        """Return height in points that must follow a heading on the same page."""
        return float(self.wrap(width, style.HEIGHT)[1])


class Prose(Piece):
    """A paragraph, ragged right, in one font and colour; `link` makes all of it clickable.

    It splits between lines, never leaving one line alone on either page.
    """

    def __init__(
        self,
        text: object,
        kind: style.Type = style.BODY,
        tone: str = "",
        font: str = fonts.TEXT,
        link: str = "",
        indent: float = 0.0,
        bullet: str = "",
        after: float | None = None,
    ) -> None:
        super().__init__(kind.before, kind.after if after is None else after)
        self.text, self.kind, self.font, self.link = clean(text), kind, font, link
        self.tone, self.indent, self.bullet = tone, indent, clean(bullet)
        self.lines: list[str] | None = None
        self._room = 0.0

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        room = max(20.0, width - self.indent)
        if self.lines is None or (self._room and self._room != room):
            self.lines = wrap(self.text, self.font, self.kind.size, room)
            self._room = room
        self.width, self.height = width, len(self.lines) * self.kind.leading
        return self.width, self.height

    def least(self, width: float) -> float:
        return min(self.wrap(width, style.HEIGHT)[1], 3 * self.kind.leading)

    def split(self, width: float, height: float) -> list[Flowable]:
        self.wrap(width, height)
        lines = self.lines or []
        fitting = int(height // self.kind.leading)
        if len(lines) - fitting == 1:
            fitting -= 1
        if fitting < 2 or fitting >= len(lines):
            return []
        return [self._part(lines[:fitting], False), self._part(lines[fitting:], True)]

    def _part(self, lines: list[str], rest: bool) -> Prose:
        part = Prose("", self.kind, self.tone, self.font, self.link, self.indent, "" if rest else self.bullet)
        part.lines, part._room = lines, self._room
        part.spaceAfter = self.spaceAfter if rest else 0.0
        part.spaceBefore = 0.0 if rest else self.spaceBefore
        return part

    def draw(self) -> None:
        canvas, size = self.canv, self.kind.size
        colour = style.ACCENT if self.link else style.TONES[self.tone]
        y = self.height - size * 0.95
        if self.bullet:
            write(canvas, 0, y, self.bullet, self.font, size, style.MUTED)
        pen = canvas.beginText(self.indent, y)
        pen.setFont(self.font, size, self.kind.leading)
        pen.setFillColor(HexColor(colour))
        for line in self.lines or []:
            pen.textLine(line)
        canvas.drawText(pen)
        if self.link:
            canvas.linkURL(self.link, (self.indent, 0, self.width, self.height), relative=1)


class Heading(Piece):
    """A heading of level 1 to 3; levels 1 and 2 get a bookmark and a line in the table of contents."""

    def __init__(self, text: object, level: int = 1) -> None:
        self.kind = style.HEADS[level]
        super().__init__(self.kind.before, self.kind.after)
        self.text, self.level, self.key, self.depth = clean(text) or "—", level, "", 0

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.lines = wrap(self.text, self._font, self.kind.size, width, 3)
        self.width, self.height = width, len(self.lines) * self.kind.leading
        return self.width, self.height

    @property
    def _font(self) -> str:
        return fonts.LIGHT if self.level == 1 else fonts.STRONG

    def draw(self) -> None:
        y = self.height - self.kind.size
        for line in self.lines:
            write(self.canv, 0, y, line, self._font, self.kind.size, style.ACCENT if self.level < 3 else style.INK)
            y -= self.kind.leading
        if self.key:
            self.canv.mark(self.key, self.text, self.depth, self.height + 6)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure to see at a glance: its value as shown, what it is, and a short remark."""

    value: str
    label: str
    note: str = ""
    tone: str = ""


class Tiles(Piece):
    """A row of up to six tiles of equal width; a value that is too wide is set smaller."""

    ROW = 50.0

    def __init__(self, tiles: Sequence[Tile], across: int = 4) -> None:
        super().__init__(4, 10)
        self.tiles = [Tile(clean(tile.value), clean(tile.label), clean(tile.note), tile.tone) for tile in tiles]
        self.across = max(1, min(across, len(self.tiles) or 1))

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        rows = -(-len(self.tiles) // self.across)
        self.width, self.height = width, rows * self.ROW + max(0, rows - 1) * 8
        return self.width, self.height

    def draw(self) -> None:
        gap = 8.0
        breadth = (self.width - gap * (self.across - 1)) / self.across
        for index, tile in enumerate(self.tiles):
            row, column = divmod(index, self.across)
            self._tile(tile, column * (breadth + gap), self.height - row * (self.ROW + 8) - self.ROW, breadth)

    def _tile(self, tile: Tile, x: float, y: float, breadth: float) -> None:
        canvas, room = self.canv, breadth - 16
        canvas.setFillColor(HexColor(style.WASH))
        canvas.rect(x, y, breadth, self.ROW, stroke=0, fill=1)
        canvas.setFillColor(HexColor(style.TONES[tile.tone] if tile.tone else style.ACCENT))
        canvas.rect(x, y, 2, self.ROW, stroke=0, fill=1)
        size = 16.0
        while size > 9 and fonts.width(tile.value, fonts.LIGHT, size) > room:
            size -= 1
        for text, font, points, rise, colour in (
            (tile.label, fonts.TEXT, 7.5, 38.0, style.MUTED),
            (tile.value, fonts.LIGHT, size, 19.0, style.INK),
            (tile.note, fonts.TEXT, 7.0, 7.0, style.TONES[tile.tone] if tile.tone else style.MUTED),
        ):
            write(canvas, x + 9, y + rise, wrap(text, font, points, room, 1)[0], font, points, colour)


class Space(Piece):
    """Empty room, in points, that disappears at the top of a page."""

    def __init__(self, height: float) -> None:
        super().__init__(0, height)

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        return 0, 0

    def draw(self) -> None:
        """Draw nothing."""


def bullets(texts: Iterable[object], kind: style.Type = style.BODY) -> list[Prose]:
    """Return a list with a mark before each entry."""
    return [Prose(text, kind, indent=11, bullet="•", after=3) for text in texts]


def write(canvas: Canvas, x: float, y: float, text: str, font: str, size: float, colour: str) -> None:
    """Write one cleaned line of text from `x` on, its baseline at `y`."""
    canvas.setFillColor(HexColor(colour))
    canvas.setFont(font, size)
    canvas.drawString(x, y, text)


def write_right(canvas: Canvas, x: float, y: float, text: str, font: str, size: float, colour: str) -> None:
    """Write one cleaned line of text that ends at `x`."""
    write(canvas, x - fonts.width(text, font, size), y, text, font, size, colour)


def total_height(pieces: Iterable[Any], width: float) -> float:
    """Return height that pieces take one under the other, spaces included; for reports that must fit on a page."""
    return sum(
        float(piece.wrap(width, style.HEIGHT)[1] + piece.getSpaceBefore() + piece.getSpaceAfter()) for piece in pieces
    )
