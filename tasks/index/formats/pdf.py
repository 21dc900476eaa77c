"""PDF: the text layer by pdfium, pages without one by text recognition.

Pages are read one at a time and closed at once, so a document of thousands of pages needs little memory. A page that
fails is a warning and the rest is read; a document of which nothing can be read is an error that says why. Embedded
files come out as attachments (Italian filed accounts carry their XBRL instance so). Needs pypdfium2; tesseract only
for scans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from tasks.index.formats import ocr
from tasks.index.formats.base import Context, clean, title_of
from tasks.index.formats.pdf_pages import to_blocks
from tasks.index.formats.pdf_signatures import signature_metadata
from tasks.index.formats.pdf_titles import to_elements
from tasks.index.formats.pdf_words import PageWords, read_words
from tasks.records import Attachment, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("pdf",)
VERSION = "2"
SAMPLES = {"pdf": b"%PDF-1.7\n"}

_NOTHING = PageWords((), "", False)
_DATE = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")
_POOR_TITLE = re.compile(
    r"^(?:microsoft (?:word|powerpoint|excel) -|untitled|senza titolo|document\d*$|documento\d*$|layout ?\d"
    r"|presentazione standard|powerpoint presentation|slide 1|print|none$|[\W\d_]+$)"
    r"|[\\/].*\.|\.(?:docx?|pdf|xlsx?|pptx?|indd|qxd|html?|rtf|odt)$",
    re.IGNORECASE,
)
_FEW_WORDS = 30  # below it a page may be a scan with a stamp or a page number over it


@dataclass(slots=True)
class _Notes:
    """What happened to pages on the way: page numbers by reason, and warnings in plain words."""

    warnings: list[str] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)  # without text, and text recognition not to be had
    blank: list[int] = field(default_factory=list)  # nothing recognised
    slow: bool = False  # text recognition of a page took too long


def sniff(look: Look) -> str:
    """Know a PDF by its mark, which may stand behind some foreign bytes."""
    return "pdf" if b"%PDF-" in look.head[:1024] else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a PDF.

    Raises:
        DocumentError: ENCRYPTED (a password is needed), CORRUPT, TOO_LARGE (pages), NO_TEXT (no page has text, with
            the reason), MISSING_PROGRAM (all pages are scans and tesseract is absent).
    """
    document = _open(source)
    try:
        count = len(document)
        _check_count(count, context)
        notes = _Notes()
        blocks = list(to_blocks(_pages(document, count, context, notes)))
        elements = to_elements(blocks)
        missing = _missing(notes, context)
        attachments = _attachments(document, context, notes)
        if not elements:
            raise _no_text(count, notes, missing, context)
        metadata = _metadata(document)
        metadata |= signature_metadata(source)
        title = metadata.pop("title", "")
        warnings = (*notes.warnings, *([missing] if missing else []))
        best = "" if _POOR_TITLE.search(title) or len(title) < 4 else title
        return Parsed("pdf", title_of(elements, best), "", count, elements, metadata, attachments, warnings)
    finally:
        document.close()


def _open(source: Path | bytes) -> Any:
    """The pdfium document; an encrypted one opens when its user password is empty."""
    import pypdfium2
    import pypdfium2.raw as raw

    try:
        return pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        if code == raw.FPDF_ERR_PASSWORD:
            raise DocumentError(
                FailureKind.ENCRYPTED, "the PDF is encrypted and a password is needed to open it"
            ) from None
        if code == raw.FPDF_ERR_SECURITY:
            raise DocumentError(
                FailureKind.ENCRYPTED, "the PDF is encrypted by a scheme that cannot be opened"
            ) from None
        raise DocumentError(
            FailureKind.CORRUPT, f"the PDF is damaged or cut off and cannot be opened ({error})"
        ) from None


def _check_count(count: int, context: Context) -> None:
    if count == 0:
        raise DocumentError(FailureKind.CORRUPT, "the PDF has no pages that can be found")
    if count > context.limits.pages:
        raise DocumentError(
            FailureKind.TOO_LARGE, f"{count} pages, the limit is {context.limits.pages} (FALDONE_LIMITS__PAGES)"
        )


def _pages(document: Any, count: int, context: Context, notes: _Notes) -> Iterator[tuple[int, PageWords]]:
    import pypdfium2

    tesseract = ocr.find_tesseract(context.languages) if context.ocr == "always" else None
    for number in range(1, count + 1):
        try:
            page = _load(document, number - 1)
        except pypdfium2.PdfiumError as error:
            notes.warnings.append(f"page {number}: cannot be loaded ({error})")
            continue
        try:
            words = read_words(page)
            if context.ocr == "always" or _needs_ocr(page, words):
                tesseract = tesseract or ocr.find_tesseract(context.languages)
                words = _recognise(page, number, words, tesseract, context, notes)
            yield number, words
        except (pypdfium2.PdfiumError, DocumentError) as error:
            notes.warnings.append(f"page {number}: {error}")
        finally:
            page.close()


def _load(document: Any, index: int) -> Any:
    """The page, with what is filled into its form fields and written on it as notes made part of its content."""
    import pypdfium2.raw as raw

    page = document[index]
    for position in range(raw.FPDFPage_GetAnnotCount(page.raw)):
        note = raw.FPDFPage_GetAnnot(page.raw, position)
        kind = raw.FPDFAnnot_GetSubtype(note)
        raw.FPDFPage_CloseAnnot(note)
        if kind in {raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_STAMP}:
            raw.FPDFPage_Flatten(page.raw, raw.FLAT_NORMALDISPLAY)
            page.close()
            return document[index]  # loaded again: text is read from the content as it was when the page was loaded
    return page


def _needs_ocr(page: Any, words: PageWords) -> bool:
    """Whether the text layer is absent, garbage, or a few words over a picture that fills the page."""
    import pypdfium2.raw as raw

    if words.broken:
        return True
    if not words.words and not words.sideways:
        return bool(raw.FPDFPage_CountObjects(page.raw) > 0 or raw.FPDFPage_GetAnnotCount(page.raw) > 0)
    return len(words.words) < _FEW_WORDS and _picture_share(page) > 0.6


def _picture_share(page: Any) -> float:
    """The part of the page that its largest picture covers, 0 to 1."""
    import pypdfium2.raw as raw

    width, height = page.get_size()
    areas = [0.0]
    for shape in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = shape.get_bounds()
        areas.append((right - left) * (top - bottom))
    return float(max(areas) / max(width * height, 1.0))


def _recognise(
    page: Any, number: int, words: PageWords, tesseract: ocr.Tesseract | str, context: Context, notes: _Notes
) -> PageWords:
    """The words that text recognition sees; what the text layer has where that is not to be had or sees less."""
    known = _NOTHING if words.broken else words
    if context.ocr == "off" or isinstance(tesseract, str):
        notes.unread.append(number)
        return known
    context.extend()
    image, dpi = _render(page, context)
    try:
        seen = ocr.recognise(image, tesseract, 3 * context.limits.seconds_per_page, dpi)
    except DocumentError as error:
        notes.slow = notes.slow or error.kind is FailureKind.TIMEOUT
        notes.warnings.append(f"page {number}: {error}")
        return known
    if not seen.words and not known.words:
        notes.blank.append(number)
    wanted = bool(seen.words) and context.ocr == "always"
    return seen if wanted or len(seen.words) >= len(known.words) else known


def _render(page: Any, context: Context) -> tuple[Any, float]:
    """The page as a grey picture (Pillow) and its resolution: 300 dots per inch, fewer for a very large sheet."""
    width, height = page.get_size()
    allowed = min(context.limits.pixels, ocr.MAX_PIXELS)
    scale = min(ocr.DPI / 72.0, (allowed / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=False)
    try:
        return bitmap.to_pil().copy(), scale * 72.0
    finally:
        bitmap.close()


def _missing(notes: _Notes, context: Context) -> str:
    """One sentence on the pages that text recognition could not be tried on."""
    if not notes.unread:
        return ""
    reason = "text recognition is off (FALDONE_OCR)" if context.ocr == "off" else ocr.find_tesseract(context.languages)
    return f"{_ranges(notes.unread)} no text and {reason}"


def _ranges(numbers: Sequence[int]) -> str:
    """`page 7 has`, `pages 3–7, 9 have`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    text = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)
    return f"page {text} has" if len(numbers) == 1 else f"pages {text} have"


def _no_text(count: int, notes: _Notes, missing: str, context: Context) -> DocumentError:
    """Why a document without a single element has none."""
    pages = "1 page" if count == 1 else f"{count} pages"
    if notes.unread:
        kind = FailureKind.NO_TEXT if context.ocr == "off" else FailureKind.MISSING_PROGRAM
        return DocumentError(kind, f"0 elements from {pages}: {missing}")
    if len(notes.warnings) >= count:
        kind = FailureKind.TIMEOUT if notes.slow else FailureKind.CORRUPT
        return DocumentError(kind, f"none of {pages} can be read; {notes.warnings[0]}")
    reason = "text recognition saw nothing" if notes.blank else "the pages are empty"
    return DocumentError(FailureKind.NO_TEXT, "; ".join([f"0 elements from {pages}: {reason}", *notes.warnings[:2]]))


def _metadata(document: Any) -> dict[str, str]:
    """Title, author, subject, producer as plain text, created in ISO 8601."""
    found = document.get_metadata_dict(skip_empty=True)
    names = {"Title": "title", "Author": "author", "Subject": "subject", "Keywords": "keywords", "Producer": "producer"}
    metadata = {ours: text for theirs, ours in names.items() if _is_told(text := clean(found.get(theirs, "")))}
    created = _iso(found.get("CreationDate", ""))
    return {**metadata, "created": created} if created else metadata


def _is_told(text: str) -> bool:
    """Whether a field says something: some programs write `(anonymous)` or `unknown` for nothing."""
    return bool(text) and text.strip("()").lower() not in {"anonymous", "unspecified", "untitled", "unknown"}


def _iso(text: str) -> str:
    """A PDF date (`D:20190207153000+01'00'`) in ISO 8601; "" when it is none."""
    match = _DATE.search(text)
    if not match:
        return ""
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(match.groups()[:6], "011000", strict=True)
    )
    zulu, sign, hours, minutes = match.groups()[6:]
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    zone = timezone(offset) if zulu or sign else None
    try:
        return datetime(year, max(month, 1), max(day, 1), hour, minute, second, tzinfo=zone).isoformat()
    except ValueError:
        return ""


def _attachments(document: Any, context: Context, notes: _Notes) -> tuple[Attachment, ...]:
    """Embedded files, up to the limit; one that cannot be taken out is a warning."""
    import pypdfium2

    count = document.count_attachments()
    if count > context.limits.attachments:
        notes.warnings.append(f"{count} attachments, only the first {context.limits.attachments} are read")
    found: list[Attachment] = []
    for index in range(min(count, context.limits.attachments)):
        try:
            attached = document.get_attachment(index)
            found.append(Attachment(attached.get_name() or f"attachment-{index + 1}", bytes(attached.get_data())))
        except (pypdfium2.PdfiumError, ValueError) as error:
            notes.warnings.append(f"attachment {index + 1}: cannot be taken out ({error})")
    return tuple(found)
