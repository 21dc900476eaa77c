"""The frame of every report: page, header and footer, table of contents, bookmarks, metadata; and its writing.

One pass is enough. The number of pages and the page of each chapter are only known at the end, so each page refers to
small named forms (`total`, `toc.3`) that are drawn last: reportlab's usual way lays everything out twice or keeps all
pages in memory. The file is written beside its place and moved there in one step: a report is whole or absent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate
from reportlab.platypus.doctemplate import CondPageBreak

from infra.errors import UsageError
from infra.machine import written_beside
from tasks.export import fonts, style
from tasks.export.layout import Heading, Piece, Space, write, write_right
from tasks.export.text import clean, wrap
from tasks.export.words import Words

Progress = Callable[[str, int, int], None]
"""Called with the stage (`collect`, `compose`, `render`), what is done and the total."""

CREATOR = "Faldone"
MOST = 30  # lines in a table of contents; beyond it, only chapters are listed


@dataclass(frozen=True, slots=True)
class Report:
    """What a template returns: the story to set and what stands around it.

    `contents` asks for a table of contents (only made when there are at least three entries), `subject` and
    `keywords` go to the document's metadata, `made_at` is printed and written as its date.
    """

    title: str
    subtitle: str
    story: Sequence[Flowable]
    language: str
    made_at: datetime
    contents: bool = True
    subject: str = ""
    keywords: Sequence[str] = field(default_factory=tuple)


def render(report: Report, target: Path, progress: Progress) -> int:
    """Write a report to `target` and return its number of pages.

    Raises:
        UsageError: the folder cannot be written to.
    """
    try:
        with written_beside(target) as beside:
            pages = _build(report, beside, progress)
    except OSError as error:
        raise UsageError(f"cannot write the report {target}: {error.strerror or error}") from error
    return pages


def _build(report: Report, path: Path, progress: Progress) -> int:
    fonts.register()
    rl_config.useA85 = 0  # streams as bytes, not as ASCII: a fifth smaller and a tenth faster
    story = _whole(report)
    document = _Document(report, path, len(story), progress)
    document.build(story, canvasmaker=_maker(report))
    with path.open("rb+") as written:  # the name must not appear before the bytes
        os.fsync(written.fileno())
    return int(document.page)


def _whole(report: Report) -> list[Flowable]:
    """Return the story with its title block and contents in front, and room kept after each heading."""
    body = list(report.story)
    entries = [piece for piece in body if isinstance(piece, Heading) and piece.level < 3]
    top = min((heading.level for heading in entries), default=1)
    for number, heading in enumerate(entries):
        heading.key, heading.depth = f"h{number}", heading.level - top
    front: list[Flowable] = [TitleBlock(report.title, report.subtitle)]
    if report.contents and len(entries) >= 3:
        listed = entries if len(entries) <= MOST else [heading for heading in entries if heading.level == 1]
        front += [Contents(Words(report.language)("contents"), listed), Space(6)]
    return front + _together(body)


def _together(body: list[Flowable]) -> list[Flowable]:
    """Return before each run of headings, a break unless they fit with the beginning of what follows them."""
    result: list[Flowable] = []
    index = 0
    while index < len(body):
        stop = index
        while stop < len(body) and isinstance(body[stop], Heading):
            stop += 1
        if stop > index:
            need = sum(
                head.wrap(style.WIDTH, style.HEIGHT)[1] + head.kind.before + head.kind.after
                for head in body[index:stop]
            )
            result.append(CondPageBreak(min(need + _least(body[stop : stop + 2]), style.HEIGHT * 0.9)))
            result += body[index:stop]
        else:
            result.append(body[index])
            stop = index + 1
        index = stop
    return result


def _least(following: list[Flowable]) -> float:
    """Return height of what must stand under a heading: the start of the next piece, and of one more if it is short."""
    heights: list[float] = []
    for piece in following:
        if isinstance(piece, Piece) and not isinstance(piece, Heading):
            heights.append(piece.least(style.WIDTH) + piece.getSpaceBefore())
        elif not isinstance(piece, Heading):
            heights.append(float(piece.wrap(style.WIDTH, style.HEIGHT)[1]))
        if not heights or heights[-1] > 4 * style.BODY.leading:
            break
    return sum(heights)


class _Document(BaseDocTemplate):  # type: ignore[misc]
    """One frame a page; reports how many pieces of the story are set."""

    def __init__(self, report: Report, path: Path, total: int, progress: Progress) -> None:
        super().__init__(
            str(path),
            pagesize=(style.PAGE_WIDTH, style.PAGE_HEIGHT),
            title=clean(report.title),
            author=CREATOR,
            creator=CREATOR,
            producer="ReportLab",
            subject=clean(report.subject or report.subtitle),
            keywords=", ".join(clean(word) for word in report.keywords),
        )
        frame = Frame(
            style.LEFT,
            style.BOTTOM,
            style.WIDTH,
            style.HEIGHT,
            leftPadding=0,
            rightPadding=0,
            topPadding=0,
            bottomPadding=0,
        )
        self.addPageTemplates(PageTemplate(frames=[frame], onPage=_furniture(report)))
        self._total, self._done, self._progress = total, 0, progress
        progress("render", 0, total)

    def afterFlowable(self, flowable: Flowable) -> None:
        if not getattr(flowable, "_postponed", False):
            self._done = min(self._done + 1, self._total)
        if self._done % 50 == 0 or self._done == self._total:
            self._progress("render", self._done, self._total)

    def afterPage(self) -> None:
        self.canv.pages_drawn = self.page


def _furniture(report: Report) -> Callable[[Canvas, Any], None]:
    """Return the header and footer of a page; the first page has its title instead of a header."""
    words = Words(report.language)
    title, subtitle = clean(report.title), clean(report.subtitle)
    date = words.format.date(report.made_at)

    def draw(canvas: Canvas, document: Any) -> None:
        canvas.saveState()
        right, size = style.PAGE_WIDTH - style.RIGHT, 7.5
        if document.page > 1:
            top = style.PAGE_HEIGHT - 14 * style.MM
            head = wrap(title, fonts.STRONG, size, style.WIDTH * 0.45, 1)[0]
            write(canvas, style.LEFT, top, head, fonts.STRONG, size, style.MUTED)
            tail = wrap(subtitle, fonts.TEXT, size, style.WIDTH * 0.45, 1)[0]
            write_right(canvas, right, top, tail, fonts.TEXT, size, style.FAINT)
            _hairline(canvas, top - 5)
        foot = 12 * style.MM
        _hairline(canvas, foot + 11)
        label = words("page_of", page=words.format.integer(document.page)) + " "
        write(canvas, style.LEFT, foot, label, fonts.TEXT, size, style.MUTED)
        canvas.translate(style.LEFT + fonts.width(label, fonts.TEXT, size), foot)
        canvas.doForm("total")
        canvas.restoreState()
        write_right(canvas, right, foot, f"{CREATOR} · {date}", fonts.TEXT, size, style.FAINT)

    return draw


def _hairline(canvas: Canvas, y: float) -> None:
    canvas.setStrokeColor(HexColor(style.HAIR))
    canvas.setLineWidth(0.5)
    canvas.line(style.LEFT, y, style.PAGE_WIDTH - style.RIGHT, y)


def _maker(report: Report) -> Callable[..., Canvas]:
    def make(filename: str, **options: Any) -> _Canvas:
        canvas = _Canvas(filename, **{**options, "lang": report.language, "pageCompression": 1})
        canvas.report = report
        canvas.setViewerPreference("DisplayDocTitle", "true")
        canvas.showOutline()
        return canvas

    return make


class _Canvas(Canvas):  # type: ignore[misc]
    """A canvas that remembers where the headings fell and draws the forms that depend on it before it is saved."""

    report: Report

    def __init__(self, *positional: Any, **options: Any) -> None:
        super().__init__(*positional, **options)
        self._doc.setCompression(1)
        self._pages: dict[str, int] = {}
        self._deepest = -1
        self.pages_drawn = 0

    def mark(self, key: str, text: str, depth: int, rise: float) -> None:
        """Bookmark a heading and enter it in the outline, which may only go one level down at a time."""
        self.bookmarkHorizontal(key, 0, rise)
        depth = min(depth, self._deepest + 1)
        self.addOutlineEntry(text, key, depth, closed=depth == 0)
        self._deepest = depth
        self._pages[key] = self.getPageNumber()

    def save(self) -> None:
        words = Words(self.report.language)
        if self._code:
            self.showPage()
        self.beginForm("total", -2, -4, 60, 12)
        write(self, 0, 0, words.format.integer(self.pages_drawn), fonts.TEXT, 7.5, style.MUTED)
        self.endForm()
        for key, page in self._pages.items():
            self.beginForm(f"toc.{key}", -60, -4, 2, 14)
            write_right(self, 0, 0, words.format.integer(page), fonts.TEXT, style.BODY.size, style.INK)
            self.endForm()
        self._doc.SaveToFile(self._filename, self)


class TitleBlock(Piece):
    """The title and subtitle of a report, on its first page."""

    def __init__(self, title: str, subtitle: str) -> None:
        super().__init__(0, 14)
        self.title, self.subtitle = clean(title), clean(subtitle)

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.lines = wrap(self.title, fonts.LIGHT, 24, width, 3)
        self.under = wrap(self.subtitle, fonts.TEXT, 11, width, 2) if self.subtitle else []
        self.width, self.height = width, len(self.lines) * 29 + len(self.under) * 15 + 12
        return self.width, self.height

    def draw(self) -> None:
        y = self.height - 22
        for line in self.lines:
            write(self.canv, 0, y, line, fonts.LIGHT, 24, style.ACCENT)
            y -= 29
        y += 8
        for line in self.under:
            write(self.canv, 0, y, line, fonts.TEXT, 11, style.MUTED)
            y -= 15
        self.canv.setStrokeColor(HexColor(style.ACCENT))
        self.canv.setLineWidth(1.2)
        self.canv.line(0, 2, self.width, 2)


class Contents(Piece):
    """The table of contents: a line for each heading, with a link and the form that will hold its page."""

    LINE = 15.0

    def __init__(self, title: str, entries: Sequence[Heading], first: bool = True) -> None:
        super().__init__(6, 6)
        self.title, self.entries, self.first = title, list(entries), first

    @property
    def _top(self) -> float:
        return 24.0 if self.first else 0.0

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.width, self.height = width, self._top + self.LINE * len(self.entries)
        return self.width, self.height

    def split(self, width: float, height: float) -> list[Flowable]:
        fitting = int((height - self._top) // self.LINE)
        if fitting < 2 or fitting >= len(self.entries):
            return []
        return [
            Contents(self.title, self.entries[:fitting], self.first),
            Contents(self.title, self.entries[fitting:], False),
        ]

    def draw(self) -> None:
        y = self.height
        if self.first:
            write(self.canv, 0, y - 12, self.title, fonts.STRONG, 12, style.ACCENT)
        y -= self._top
        for heading in self.entries:
            y -= self.LINE
            self._line(heading, y + 4)

    def _line(self, heading: Heading, y: float) -> None:
        canvas, size = self.canv, style.BODY.size
        indent, font = (0.0, fonts.STRONG) if heading.depth == 0 else (12.0, fonts.TEXT)
        text = wrap(heading.text, font, size, self.width - indent - 50, 1)[0]
        write(canvas, indent, y, text, font, size, style.INK)
        canvas.saveState()  # leaders are drawn, not written: who copies or hears the text has no use for dots
        canvas.setStrokeColor(HexColor(style.FAINT))
        canvas.setLineWidth(0.7)
        canvas.setLineCap(1)
        canvas.setDash(0, 4.5)
        canvas.line(indent + fonts.width(text, font, size) + 6, y + 0.8, self.width - 28, y + 0.8)
        canvas.restoreState()
        canvas.saveState()
        canvas.translate(self.width, y)
        canvas.doForm(f"toc.{heading.key}")
        canvas.restoreState()
        canvas.linkRect("", heading.key, (indent, y - 3, self.width, y + 11), relative=1)
