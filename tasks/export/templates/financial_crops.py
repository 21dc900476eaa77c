"""The newest figures of a firm beside pictures of them as they are printed: a person checks each in a second."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable

from tasks.export import finance, fonts, style
from tasks.export.companies import Company
from tasks.export.crops import SCALE, Crops
from tasks.export.layout import Heading, Piece, Prose, write
from tasks.export.templates.financial_figures import statements
from tasks.export.templates.financial_units import Unit
from tasks.export.text import clean, wrap
from tasks.export.words import Words

Story = list[Flowable]


def crops(firm: Company, pictures: Crops, unit: Unit, words: Words) -> Story:
    """Return each figure of the newest year with its picture; nothing where no picture could be cut."""
    year = firm.years[-1]
    shown: list[tuple[str, str, bytes]] = []
    for _, items in statements(firm):
        for item in items:
            found = firm.figures.get((item, year))
            box = found.figure.box if found else None
            picture = pictures.get((found.entry.path, found.figure.page, box)) if found and box else None
            if found and picture:
                name = finance.item_name(item, words.language)
                shown.append((name, unit.show(float(found.figure.value), words), picture))
    if not shown:
        return []
    pairs = [shown[start : start + 2] for start in range(0, len(shown), 2)]
    note = Prose(words("crops_note", period=year), style.SMALL, "muted")
    return [Heading(words("crops"), 2), note, *(Pictures(pair) for pair in pairs)]


class Pictures(Piece):
    """Up to two figures side by side, each with its name, its value as read and its picture."""

    TALL = 22.0
    NAMES = 0.52  # of the room of a figure; the picture has the rest

    def __init__(self, figures: Sequence[tuple[str, str, bytes]]) -> None:
        super().__init__(1, 1)
        self.figures = [(clean(name), clean(value), picture) for name, value, picture in figures]

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.width, self.height = width, self.TALL
        return self.width, self.height

    def draw(self) -> None:
        breadth = self.width / 2
        for number, (name, value, picture) in enumerate(self.figures):
            x, room = number * breadth, breadth * self.NAMES - 6
            write(self.canv, x, 12, wrap(name, fonts.TEXT, 7.0, room, 1)[0], fonts.TEXT, 7.0, style.MUTED)
            write(self.canv, x, 2, wrap(value, fonts.TEXT, 8.5, room, 1)[0], fonts.TEXT, 8.5, style.INK)
            image = ImageReader(io.BytesIO(picture))
            wide, tall = (side / SCALE for side in image.getSize())
            shrink = min(1.0, (breadth * (1 - self.NAMES) - 8) / wide, (self.TALL - 2) / tall)
            left = x + breadth * self.NAMES
            self.canv.drawImage(image, left, 1, wide * shrink, tall * shrink)
