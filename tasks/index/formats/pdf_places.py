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
        (x0, y0), (x1, y1) = self.point(rect.x0, rect.top), self.point(rect.x1, rect.bottom)
        if self.a * self.b:  # of a crooked scan: its other corners reach further
            (x2, y2), (x3, y3) = self.point(rect.x1, rect.top), self.point(rect.x0, rect.bottom)
            return Rect(min(x0, x1, x2, x3), min(y0, y1, y2, y3), max(x0, x1, x2, x3), max(y0, y1, y2, y3))
        return Rect(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

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
        """Return the way back: a turn's matrix is orthogonal, so its inverse is its transpose."""
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
    whole = Rect(0.0, min(cell.top for cell in known), 0.0, max(cell.bottom for cell in known))
    numbers = [float(page if frame.upright else -page)]
    for place, cell in enumerate([whole, *cells]):
        shown = frame.rect(cell) if cell else Rect(0.0, 0.0, 0.0, 0.0)
        along = frame.upright == (place > 0)
        numbers += (shown.x0, shown.x1) if along else (shown.top, shown.bottom)
    return tuple(max(-_MOST, min(_MOST, round(number))) for number in numbers)
