"""Looks at written reports as a reader would: characters with their places, through pdfium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pypdfium2 as pdfium

from tasks.export import style
from tasks.export.records import Material
from tasks.export.report import render
from tasks.export.templates import template
from tasks.export.words import Words


@dataclass(frozen=True)
class Glyph:
    """A printed character with its tight box in points, from the bottom left."""

    text: str
    left: float
    bottom: float
    right: float
    top: float


def glyphs(path: Path) -> Iterator[tuple[int, list[Glyph]]]:
    """Page numbers (from 1) with the characters printed on them, spaces left out."""
    document = pdfium.PdfDocument(path)
    for number, page in enumerate(document, 1):
        text = page.get_textpage()
        found = []
        for index in range(text.count_chars()):
            character = text.get_text_range(index, 1)
            if character.strip():
                found.append(Glyph(character, *text.get_charbox(index)))
        yield number, found
    document.close()


def outside(found: list[Glyph]) -> list[Glyph]:
    """Characters that leave the page's margins (2 points of tolerance); header and footer lie above and below."""
    left, right = style.LEFT - 2, style.PAGE_WIDTH - style.RIGHT + 2
    low, high = 8 * style.MM, style.PAGE_HEIGHT - 8 * style.MM
    return [one for one in found if one.left < left or one.right > right or one.bottom < low or one.top > high]


def collisions(found: list[Glyph]) -> list[tuple[Glyph, Glyph]]:
    """Pairs of characters that cover more than a third of one another: text printed over text."""
    ordered = sorted(found, key=lambda one: one.bottom)
    pairs = []
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 : index + 400]:
            if other.bottom > one.top:
                break
            width = min(one.right, other.right) - max(one.left, other.left)
            height = min(one.top, other.top) - max(one.bottom, other.bottom)
            if width > 0 and height > 0 and width * height > 0.34 * min(area(one), area(other)):
                pairs.append((one, other))
    return pairs


def area(one: Glyph) -> float:
    return max(0.05, (one.right - one.left) * (one.top - one.bottom))


def text_of(path: Path) -> str:
    """All text of a report, through pdfium."""
    document = pdfium.PdfDocument(path)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return text


def written(name: str, material: Material, folder: Path, language: str = "en") -> Path:
    """A report rendered into `folder`."""
    path = folder / f"{name}-{language}.pdf"
    render(template(name).compose(material, Words(language)), path, lambda stage, done, total: None)
    return path
