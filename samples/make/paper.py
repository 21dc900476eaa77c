"""PDF pages with reportlab: the running header and footer, headings, prose and statements of a printed report.

Only the standard fonts, so that the files are small and the same on every machine; `invariant` fixes dates and ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import BinaryIO

from reportlab.lib import colors
from reportlab.lib.enums import TA_JUSTIFY, TA_RIGHT
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageBreak, PageTemplate, Paragraph, Spacer, Table

from samples.make.statement import Line, Statement, written

INK, ACCENT, PALE = colors.HexColor("#1b1b1b"), colors.HexColor("#1f3a5f"), colors.HexColor("#eef2f7")


class Paper:
    """Gathers the story of one PDF and writes it."""

    def __init__(self, title: str, author: str, *, letter: bool = False, serif: bool = True) -> None:
        self.title, self.author = title, author
        self.size = LETTER if letter else A4
        self.language = "en-US" if letter else "it-IT"
        self.font = "Times-Roman" if serif else "Helvetica"
        self.bold = "Times-Bold" if serif else "Helvetica-Bold"
        self.slant = "Times-Italic" if serif else "Helvetica-Oblique"
        self.story: list[Flowable] = []

    def style(self, size: float = 9.5, *, bold: bool = False, **more: object) -> ParagraphStyle:
        font = self.bold if bold else self.font
        return ParagraphStyle("s", fontName=font, fontSize=size, leading=size * 1.32, textColor=INK, **more)

    def cover(self, *lines: str) -> None:
        self.story.append(Spacer(1, 55 * mm))
        self.story.append(Paragraph(lines[0], self.style(26, bold=True, spaceAfter=18)))
        for line in lines[1:]:
            self.story.append(Paragraph(line, self.style(13, spaceAfter=7)))
        self.story.append(PageBreak())

    def heading(self, text: str, level: int = 1) -> None:
        size = {1: 15, 2: 11.5, 3: 10}[level]
        style = self.style(size, bold=True, spaceBefore=12 if level > 1 else 4, spaceAfter=5, keepWithNext=1)
        style.textColor = ACCENT if level < 3 else INK
        self.story.append(Paragraph(text, style))

    def prose(self, *paragraphs: str) -> None:
        style = self.style(alignment=TA_JUSTIFY, spaceAfter=6)
        self.story.extend(Paragraph(text, style) for text in paragraphs)

    def small(self, text: str) -> None:
        self.story.append(Paragraph(text, self.style(7.5, spaceBefore=4, spaceAfter=4)))

    def page(self) -> None:
        self.story.append(PageBreak())

    def statement(self, statement: Statement, notes: bool = False, size: float = 8.3) -> None:
        """The heading, the caption and the table of a statement; the column heads come again on every page."""
        self.heading(statement.title, 2)
        if statement.caption:
            self.small(statement.caption)
        head = ["", *(["Note"] if notes else []), *statement.columns]
        rows: list[list[object]] = [self._head(head, size)]
        rules: list[tuple[object, ...]] = [("LINEBELOW", (0, 0), (-1, 0), 0.8, ACCENT)]
        for line in statement.lines:
            rows.append(self._row(statement, line, notes, size))
            rules += self._rules(line, len(rows) - 1, len(head) - len(statement.columns))
        self.story.append(self._table(rows, rules, len(statement.columns), notes))

    def grid(self, rows: Sequence[Sequence[str]], widths: Sequence[float] = (), size: float = 8) -> None:
        """A plain table in a note: first row bold, first column text, the rest right-aligned."""
        left, right = self.style(size), self.style(size, alignment=TA_RIGHT)
        heads = self.style(size, bold=True), self.style(size, bold=True, alignment=TA_RIGHT)
        cells = [
            [
                Paragraph(escape(cell), (heads if not number else (left, right))[column > 0])
                for column, cell in enumerate(row)
            ]
            for number, row in enumerate(rows)
        ]
        rules: list[tuple[object, ...]] = [
            ("LINEBELOW", (0, 0), (-1, 0), 0.6, ACCENT),
            ("LINEBELOW", (0, -1), (-1, -1), 0.4, INK),
        ]
        rules += [("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, PALE])]
        table = Table(cells, colWidths=[width * mm for width in widths] or None, style=_tight(rules), repeatRows=1)
        self.story += [table, Spacer(1, 8)]

    def _head(self, names: Sequence[str], size: float) -> list[object]:
        return [
            Paragraph(name, self.style(size, bold=True, alignment=TA_RIGHT if n else 0)) for n, name in enumerate(names)
        ]

    def _row(self, statement: Statement, line: Line, notes: bool, size: float) -> list[object]:
        bold = line.style != "plain"
        label = Paragraph(escape(line.label), self.style(size, bold=bold, leftIndent=9 * line.level))
        amount = self.style(size, bold=bold, alignment=TA_RIGHT)
        cells = [Paragraph(cell, amount) for cell in written(statement, line)]
        return [label, *([Paragraph(line.note, amount)] if notes else []), *cells]

    def _rules(self, line: Line, row: int, first: int) -> list[tuple[object, ...]]:
        if line.style == "sum":
            return [("LINEABOVE", (first, row), (-1, row), 0.4, INK)]
        if line.style == "total":
            return [
                ("LINEABOVE", (first, row), (-1, row), 0.4, INK),
                ("LINEBELOW", (first, row), (-1, row), 1.1, INK),
                ("BACKGROUND", (0, row), (-1, row), PALE),
            ]
        return []

    def _table(self, rows: list[list[object]], rules: list[tuple[object, ...]], columns: int, notes: bool) -> Table:
        amount, room = 27 * mm, self.size[0] - 40 * mm
        note = [12 * mm] if notes else []
        widths = [room - columns * amount - sum(note), *note, *[amount] * columns]
        return Table(rows, colWidths=widths, style=_tight(rules), repeatRows=1)

    def save(self, path: Path | BinaryIO, header: str, footer: str) -> None:
        width, height = self.size
        frame = Frame(20 * mm, 20 * mm, width - 40 * mm, height - 42 * mm, 0, 0, 0, 0)
        decorate = partial(self._decorate, header=header, footer=footer)
        document = BaseDocTemplate(
            str(path) if isinstance(path, Path) else path,
            pagesize=self.size,
            title=self.title,
            author=self.author,
            invariant=1,
            lang=self.language,
            pageTemplates=[PageTemplate("page", [frame], onPage=decorate)],
        )
        document.build(self.story)

    def _decorate(self, canvas: Canvas, document: BaseDocTemplate, header: str, footer: str) -> None:
        width, height = self.size
        canvas.setFont(self.slant, 8)
        canvas.setFillColor(colors.grey)
        canvas.drawRightString(width - 20 * mm, height - 14 * mm, header)
        canvas.drawString(20 * mm, 12 * mm, footer)
        of = f"Page {document.page}" if self.language == "en-US" else f"Pag. {document.page}"
        canvas.drawRightString(width - 20 * mm, 12 * mm, of)


def _tight(rules: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Table style commands with little padding."""
    return [
        ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.8),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        *rules,
    ]
