"""Small PDF pages for the tests of the PDF reader: a statement, running text, and words set by hand."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest
from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.pdf_words import Word

WIDTH, HEIGHT = A4
LOREM = (
    "The board met in the spring and approved the accounts of the year. Sales rose in every region, and the new plant "
    "reached its planned output three months early. Management expects that prices of raw materials will stay high, "
    "and that the orders in hand cover the work of the next two quarters. No event after the balance sheet date calls "
    "for a change of these accounts."
)


def context(**changes: object) -> Context:
    return Context("test.pdf", Limits(), **changes)  # type: ignore[arg-type]


def make(*pages: Callable[[Canvas], None], **info: str) -> bytes:
    """A PDF of one drawing function a page."""
    buffer = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        # reports turn it off for their process, and then reportlab cannot write inline images
        patch.setattr(rl_config, "useA85", 1)
        canvas = Canvas(buffer, pagesize=A4, pageCompression=1)
        for name, value in info.items():
            getattr(canvas, f"set{name.title()}")(value)
        for page in pages:
            page(canvas)
            canvas.showPage()
        canvas.save()
    return buffer.getvalue()


def write(canvas: Canvas, x: float, y: float, text: str, size: float = 10, bold: bool = False) -> None:
    """Text with its left end at x, y points below the top of the page."""
    canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    canvas.drawString(x, HEIGHT - y, text)


def right(canvas: Canvas, x: float, y: float, text: str, size: float = 10) -> None:
    canvas.setFont("Helvetica", size)
    canvas.drawRightString(x, HEIGHT - y, text)


def centred(canvas: Canvas, x: float, y: float, text: str, size: float = 10, bold: bool = False) -> None:
    canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    canvas.drawCentredString(x, HEIGHT - y, text)


def paragraph(canvas: Canvas, x: float, y: float, width: float, text: str, size: float = 10) -> float:
    """Running text broken to a width; gives the y of the next free line."""
    line = ""
    for word in text.split():
        if canvas.stringWidth(f"{line} {word}", "Helvetica", size) > width:
            write(canvas, x, y, line.strip(), size)
            y, line = y + 1.2 * size, ""
        line += f" {word}"
    write(canvas, x, y, line.strip(), size)
    return y + 1.2 * size


STATEMENT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Net sales", ("32,765", "31,657", "30,109")),
    ("Operating expenses", ()),
    ("Cost of sales", ("16,682", "16,055", "15,118")),
    ("Gain on sale of businesses", ("(547", "(586", "(111")),
    ("Proceeds from issuance of treasury stock pursuant to", ()),
    ("stock option and benefit plans", ("485", "—", "804")),
    ("Total", ("25,558", "23,965", "23,082")),
)


def statement(canvas: Canvas, top: float = 120, edges: Sequence[float] = (360, 450, 540)) -> None:
    """An income statement as filings set them: signs apart from their figures, a head that spans three columns."""
    centred(canvas, WIDTH / 2, top - 40, "Consolidated Statement of Income", 14, bold=True)
    centred(canvas, (edges[0] + edges[-1]) / 2 - 20, top, "Years ended December 31", 9)
    write(canvas, 50, top + 14, "(Millions)", 9)
    for edge, year in zip(edges, ("2018", "2017", "2016"), strict=True):
        centred(canvas, edge - 18, top + 14, year, 9)
    y = top + 32
    for label, figures in STATEMENT:
        write(canvas, 50, y, label, 9)
        for edge, figure in zip(edges, figures, strict=False):
            right(canvas, edge, y, figure, 9)
            if figure.startswith("("):
                write(canvas, edge, y, ")", 9)
            elif label in {"Net sales", "Total"}:
                write(canvas, edge - 48, y, "$", 9)
        y += 13


def line(y: float, *parts: tuple[float, str], size: float = 10.0) -> list[Word]:
    """Words set by hand on one baseline; each character is half an em wide, a space a quarter."""
    words: list[Word] = []
    for start, text in parts:
        x = start
        for piece in text.split():
            end = x + 0.5 * size * len(piece)
            words.append(Word(piece, x, end, y, size, False))
            x = end + 0.25 * size
    return words
