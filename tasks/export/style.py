"""Measures and colours of a report: one place for the palette, the page and the type sizes.

The palette is restrained on purpose: one ink, one accent, three greys, and three tones for traffic lights that stay
apart in black and white because each also has a shape of its own. Sizes are points (1/72 inch); the page is A4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MM: Final = 72 / 25.4
PAGE_WIDTH: Final = 210 * MM
PAGE_HEIGHT: Final = 297 * MM
LEFT: Final = 20 * MM
RIGHT: Final = 20 * MM
TOP: Final = 24 * MM
BOTTOM: Final = 22 * MM
WIDTH: Final = PAGE_WIDTH - LEFT - RIGHT
HEIGHT: Final = PAGE_HEIGHT - TOP - BOTTOM

INK: Final = "#1d2733"
MUTED: Final = "#5b6875"
FAINT: Final = "#9aa5b1"
HAIR: Final = "#d8dee4"
WASH: Final = "#f3f5f7"
ACCENT: Final = "#1f4e79"
GOOD: Final = "#2e7d5b"
FAIR: Final = "#b7791f"
POOR: Final = "#b3382c"
SERIES: Final = (ACCENT, "#d08b2c", "#5f9ea0", "#8c5b7e", "#7d8b99", "#9bb84b")
TONES: Final = {"good": GOOD, "fair": FAIR, "poor": POOR, "muted": MUTED, "plain": INK, "": INK}


@dataclass(frozen=True, slots=True)
class Type:
    """A size of type with its line spacing and the space around its paragraphs, in points."""

    size: float
    leading: float
    before: float = 0.0
    after: float = 0.0


BODY: Final = Type(9.5, 13.0, 0, 5)
SMALL: Final = Type(8.0, 10.5, 0, 4)
CELL: Final = Type(8.5, 10.8)
HEADS: Final = {1: Type(16, 20, 16, 7), 2: Type(12, 15, 12, 5), 3: Type(10, 13, 8, 3)}
