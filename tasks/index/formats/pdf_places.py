"""Places on a page: from the space in which words are read to points from the top left of the page as it is shown.

Words are laid out along their reading direction, whatever way the page or its text is turned (`pdf_words`). A Frame
leads from there to the page on a screen; it turns by quarters and shifts, so rectangles stay rectangles but for
those of a crooked scan, of which it gives the room.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_MOST = 32_767  # what a 16-bit number holds; a page has 14,400 points at the most


class Rect(NamedTuple):
    """Edges in points, y growing downwards."""

    x0: float
    top: float
    x1: float
    bottom: float


class Frame(NamedTuple):
    """x' = a·x + b·y + e and y' = c·x + d·y + f: quarter turns and shifts, and the small turn of a crooked scan."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    @property
    def upright(self) -> bool:
        return abs(self.a) > 0.5

    def point(self, x: float, y: float) -> tuple[float, float]:
        return self.a * x + self.b * y + self.e, self.c * x + self.d * y + self.f

    def rect(self, rect: Rect) -> Rect:
        return Rect(*self.edges(*rect))

    def edges(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """Return the edges of a rectangle; asked for each cell of each page, so without objects for its corners."""
        a, b, c, d, e, f = self
        if a * b:  # of a crooked scan: its other corners reach further
            corners = [self.point(x, y) for x in (left, right) for y in (top, bottom)]
            xs, ys = [x for x, _ in corners], [y for _, y in corners]
            return min(xs), min(ys), max(xs), max(ys)
        x0, y0 = a * left + b * top + e, c * left + d * top + f
        x1, y1 = a * right + b * bottom + e, c * right + d * bottom + f
        return x0 if x0 < x1 else x1, y0 if y0 < y1 else y1, x1 if x0 < x1 else x0, y1 if y0 < y1 else y0

    def after(self, x: float, y: float) -> Frame:
        """Return the frame of words that were moved by −x and −y."""
        e, f = self.point(x, y)
        return Frame(self.a, self.b, self.c, self.d, e, f)

    def of(self, inner: Frame) -> Frame:
        """Return the frame of what `inner` leads to the space of this one."""
        e, f = self.point(inner.e, inner.f)
        return Frame(
            self.a * inner.a + self.b * inner.c,
            self.a * inner.b + self.b * inner.d,
            self.c * inner.a + self.d * inner.c,
            self.c * inner.b + self.d * inner.d,
            e,
            f,
        )

    def inverse(self) -> Frame:
        """Return the inverse of a rotation: its matrix is orthogonal, so that is its transpose."""
        a, b, c, d, e, f = self
        return Frame(a, c, b, d, -(a * e + c * f), -(b * e + d * f))


SHOWN = Frame()
"""The frame of words that are placed as shown: those of text recognition."""

_READING = ((1, 0, 0, -1), (0, 1, 1, 0), (-1, 0, 0, 1), (0, -1, -1, 0))
"""For quarter turns of the text: x and y of the page's own space (y up) from those of reading."""


def frame(box: Sequence[float], rotation: int, turn: int) -> Frame:
    """Return the frame that leads from reading space to the page as shown.

    Args:
        box: left, bottom, right, top of the visible part of the page, in the page's own space.
        rotation: quarter turns clockwise by which the page is shown.
        turn: quarter turns counter-clockwise of the text in the page's own space.
    """
    left, bottom, right, top = box
    show = (
        Frame(1, 0, 0, -1, -left, top),
        Frame(0, 1, 1, 0, -bottom, -left),
        Frame(-1, 0, 0, 1, right, -bottom),
        Frame(0, -1, -1, 0, top, right),
    )[rotation % 4]
    a, b, c, d = _READING[turn % 4]
    return Frame(
        show.a * a + show.b * c,
        show.a * b + show.b * d,
        show.c * a + show.d * c,
        show.c * b + show.d * d,
        show.e,
        show.f,
    )


def row_box(cells: Sequence[Rect | None], page: int, frame: Frame) -> tuple[int, ...]:
    """Return the places of a row's cells in the form of `Element.boxes`."""
    known = [cell for cell in cells if cell]
    if not known:
        return ()
    upright = frame.upright
    x0, y0, x1, y1 = frame.edges(0.0, min([cell.top for cell in known]), 0.0, max([cell.bottom for cell in known]))
    numbers = [page, y0, y1] if upright else [-page, x0, x1]
    for cell in cells:
        x0, y0, x1, y1 = frame.edges(*cell) if cell else (0.0, 0.0, 0.0, 0.0)
        numbers += (x0, x1) if upright else (y0, y1)
    return tuple([round(max(-_MOST, min(_MOST, number))) for number in numbers])
