"""The pages of a PDF, one at a time: text layer, what is filled in, and text recognition where there is only a picture.

A page is closed before the next is opened, so a document of thousands of pages needs little memory. A page that fails
is a warning and the rest is read. Recognised are pages without a text layer or with one that is garbage, and on any
other page each picture of paper that has no text over it: a scan with a registry's line printed on it keeps both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from infra.errors import DocumentError, FailureKind
from tasks.index.formats import ocr
from tasks.index.formats.base import Context
from tasks.index.formats.ocr_picture import DPI, MAX_PIXELS, Picture, ready
from tasks.index.formats.pdf_annotations import read_annotations
from tasks.index.formats.pdf_gaps import with_letters
from tasks.index.formats.pdf_pictures import add_words, unread_pictures, wordless
from tasks.index.formats.pdf_places import Frame, Rect
from tasks.index.formats.pdf_shapes import read_shapes
from tasks.index.formats.pdf_textlayer import read_words
from tasks.index.formats.pdf_words import PageWords


@dataclass
class Notes:
    """What happened to pages on the way: page numbers by reason, files pinned to them, and warnings in plain words."""

    context: Context
    warnings: list[str] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)  # without text, and text recognition not available
    pictures: list[int] = field(default_factory=list)  # with text and an unread picture, as before
    wordless: dict[int, int] = field(default_factory=dict)  # pictures that nothing was read of, by page
    gaps: list[int] = field(default_factory=list)  # some letters without a meaning
    filled: dict[int, int] = field(default_factory=dict)  # words with such letters that were recognised, by page
    blank: list[int] = field(default_factory=list)  # nothing recognised
    slow: bool = False  # text recognition of a page took too long
    files: list[tuple[str, bytes]] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)  # by page
    tally: ocr.Tally = field(default_factory=ocr.Tally)

    @cached_property
    def tesseract(self) -> ocr.Tesseract | str:
        """The program, or why there is none."""
        if self.context.ocr == "off":
            return "text recognition is off (FALDONE_OCR)"
        return ocr.find_tesseract(self.context.languages)

    def missing(self) -> str:
        """Return one sentence on the pages that text recognition could not be tried on."""
        return f"{_ranges(self.unread)} no text and {self.tesseract}" if self.unread else ""

    def told(self) -> list[str]:
        """Return all warnings."""
        found = [*self.warnings, self.missing()]
        if self.pictures:
            found.append(f"{_ranges(self.pictures)} a picture of text that was not read: {self.tesseract}")
        if self.gaps:
            found.append(
                f"{_ranges(self.gaps)} letters that their fonts do not map to text: words there may be incomplete"
                " (FALDONE_OCR=always reads pages as pictures)"
            )
        if total := sum(self.filled.values()):
            found.append(
                f"{_ranges([*self.filled])} letters that their fonts do not map to text:"
                f" {total} word(s) were read from the picture of the page"
            )
        if total := sum(self.wordless.values()):
            count = "1 picture" if total == 1 else f"{total} pictures"
            found.append(f"{_ranges([*self.wordless])} {count} without lines of text, of which nothing was read")
        return [*filter(None, found), *self.tally.warnings()]


def _ranges(numbers: Sequence[int]) -> str:
    """Return `page 7 has`, `pages 3–7, 9 have`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    text = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)
    return f"page {text} has" if len(numbers) == 1 else f"pages {text} have"


def read_pages(document: Any, notes: Notes) -> Iterator[tuple[int, PageWords]]:
    """Yield the pages of a pdfium document that can be read, with their numbers."""
    import pypdfium2

    for number in range(1, len(document) + 1):
        page = None
        try:
            page = document[number - 1]
            annotations = read_annotations(page)
            notes.files += annotations.files
            notes.comments += [(number, text) for text in annotations.comments]
            notes.warnings += [f"page {number}: {warning}" for warning in annotations.warnings]
            if annotations.shows:
                page = _flattened(document, page, number)
            yield number, _read(page, number, read_words(page, annotations.marks), notes)
        except (pypdfium2.PdfiumError, DocumentError) as error:
            notes.warnings.append(f"page {number}: {error}")
        finally:
            if page is not None:
                page.close()


def _flattened(document: Any, page: Any, number: int) -> Any:
    """Return the page, with what is filled into its form fields and written on it as notes made part of its content."""
    import pypdfium2.raw as raw

    raw.FPDFPage_Flatten(page.raw, raw.FLAT_NORMALDISPLAY)
    page.close()
    return document[number - 1]  # loaded again: text is read from the content as it was when the page was loaded


def _read(page: Any, number: int, words: PageWords, notes: Notes) -> PageWords:
    """Return the words of a page's text layer, of its pictures, or of the whole page as a picture."""
    import pypdfium2.raw as raw

    drawn = raw.FPDFPage_CountObjects(page.raw) > 0 or raw.FPDFPage_GetAnnotCount(page.raw) > 0
    if words.broken or notes.context.ocr == "always" or (words.empty and drawn):
        return _read_whole(page, number, words, notes)
    if words.gaps:
        words = _fill_gaps(page, number, words, notes)
    shapes = read_shapes(page)
    words = replace(words, rules=tuple(shapes.rules))
    if shapes.pictures:
        rooms = unread_pictures(page, words, shapes.pictures)
        if count := wordless(page, words, shapes.pictures, rooms):
            notes.wordless[number] = count
        for room in rooms:
            words = _read_picture(page, number, words, room, notes)
    return words


def _read_whole(page: Any, number: int, words: PageWords, notes: Notes) -> PageWords:
    """Return what text recognition sees; what the text layer has where that is not available or sees less."""
    known = PageWords() if words.broken else words
    if isinstance(notes.tesseract, str):
        notes.unread.append(number)
        return known
    width, height = page.get_size()
    reading = _recognise(page, number, Rect(0.0, 0.0, width, height), notes.tesseract, notes)
    seen = reading.page if reading else PageWords()
    if reading and seen.empty and known.empty:
        notes.blank.append(number)
    wanted = bool(seen.words) and notes.context.ocr == "always"
    if not reading or not (wanted or len(seen.words) >= len(known.words)):
        return known
    notes.tally.add(number, reading)
    if words.broken and seen.words:
        notes.warnings.append(f"page {number}: its text layer is unreadable; text recognition was used instead")
    return seen


def _fill_gaps(page: Any, number: int, words: PageWords, notes: Notes) -> PageWords:
    """Return the page's words, those with letters that their fonts do not map as text recognition sees them."""
    if isinstance(notes.tesseract, str):
        notes.gaps.append(number)
        return words
    width, height = page.get_size()
    reading = _recognise(page, number, Rect(0.0, 0.0, width, height), notes.tesseract, notes)
    filled, count = with_letters(words, reading.page) if reading else (words, 0)
    if count:
        notes.filled[number] = count
    else:
        notes.gaps.append(number)
    return filled


def _read_picture(page: Any, number: int, words: PageWords, room: Rect, notes: Notes) -> PageWords:
    """Return the page's words and those of a picture on it."""
    if isinstance(notes.tesseract, str):
        if number not in notes.pictures:
            notes.pictures.append(number)
        return words
    reading = _recognise(page, number, room, notes.tesseract, notes)
    if not reading or reading.confidence < ocr.WORTHLESS:
        return words
    notes.tally.add(number, reading)
    return add_words(words, reading.page)


def _recognise(page: Any, number: int, room: Rect, tesseract: ocr.Tesseract, notes: Notes) -> ocr.Reading | None:
    """Return the words in a part of a page; None, with a warning, when recognition fails."""
    notes.context.extend()
    try:
        return ocr.recognise(render(page, room, notes.context), tesseract, 3 * notes.context.limits.seconds_per_page)
    except DocumentError as error:
        notes.slow = notes.slow or error.kind is FailureKind.TIMEOUT
        notes.warnings.append(f"page {number}: {error}")
        return None


def render(page: Any, room: Rect, context: Context) -> Picture:
    """Return a part of the page (points, as shown) as a picture: 300 dots per inch, fewer for a very large sheet."""
    width, height = page.get_size()
    area = max((room.x1 - room.x0) * (room.bottom - room.top), 1.0)
    scale = min(DPI / 72.0, (min(context.limits.pixels, MAX_PIXELS) / area) ** 0.5)
    crop = room.x0, height - room.bottom, width - room.x1, room.top
    bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=False, crop=crop)
    try:
        picture = ready(bitmap.to_pil().copy(), scale * 72.0)
    finally:
        bitmap.close()
    return replace(picture, frame=Frame(e=room.x0, f=room.top))
