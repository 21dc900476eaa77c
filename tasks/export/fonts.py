"""The typeface of every report: Source Sans Pro, embedded, with its widths at hand.

A package of the Python index carries the TrueType files (SIL Open Font License 1.1, which allows embedding), so a
report looks the same on every machine. Its upright styles cover Latin, Greek and Cyrillic, currencies and arrows, and
their digits are of equal width, which keeps columns of figures straight. The italics lack Greek and Cyrillic: reports
use none. Needs reportlab; the fonts are read once a process (20 ms).
"""

from __future__ import annotations

import importlib.util
from functools import cache, lru_cache
from pathlib import Path

from infra.errors import UsageError

TEXT = "Source-Regular"
STRONG = "Source-Semibold"
LIGHT = "Source-Light"
_FILES = {TEXT: "SourceSansPro-Regular", STRONG: "SourceSansPro-Semibold", LIGHT: "SourceSansPro-Light"}


@cache
def register() -> frozenset[int]:
    """Make the three styles known to reportlab and return the code points that all of them can draw.

    Raises:
        UsageError: the font package is not installed.
    """
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = _folder()
    covered = []
    for name, file in _FILES.items():
        font = TTFont(name, str(folder / f"{file}.ttf"))
        pdfmetrics.registerFont(font)
        covered.append(frozenset(font.face.charToGlyph))
    return frozenset.intersection(*covered)


def _folder() -> Path:
    spec = importlib.util.find_spec("font_source_sans_pro")  # found, not imported: only its files are wanted
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("the fonts of the reports are missing: pip install font-source-sans-pro")
    return Path(spec.submodule_search_locations[0]) / "files"


@cache
def _widths(font: str) -> tuple[dict[int, float], float]:
    from reportlab.pdfbase import pdfmetrics

    register()
    face = pdfmetrics.getFont(font).face
    return face.charWidths, face.defaultWidth


@lru_cache(maxsize=65_536)
def _thousandths(text: str, font: str) -> float:
    widths, default = _widths(font)
    return sum(widths.get(ord(character), default) for character in text)


def width(text: str, font: str, size: float) -> float:
    """Return width of `text` in points; words are remembered, so that tables of equal words cost little."""
    return _thousandths(text, font) * size / 1000


def character_widths(text: str, font: str, size: float) -> list[float]:
    """Return width of each character in points, for breaking a word that is longer than its line."""
    widths, default = _widths(font)
    return [widths.get(ord(character), default) * size / 1000 for character in text]
