"""Pictures: a page a frame (a TIFF may hold a whole scanned document), read by text recognition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import DocumentError, FailureKind
from tasks.index.detect import detect
from tasks.index.formats import ocr
from tasks.index.formats.base import Context, title_of
from tasks.index.formats.ocr_picture import frames
from tasks.index.formats.pdf_pages import to_blocks
from tasks.index.formats.pdf_titles import to_elements
from tasks.records import Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("png", "jpg", "tiff", "bmp", "gif", "webp")
VERSION = "2"
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
}
SAMPLES = {
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "tiff": b"II*\0\x08\0\0\0",
    "bmp": b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0",
    "gif": b"GIF89a\x01\0\x01\0",
    "webp": b"RIFF\x1a\0\0\0WEBPVP8 ",
}


def sniff(look: Look) -> str:
    """Know the two kinds whose mark is not in the first bytes alone."""
    if look.head[:4] == b"RIFF" and look.head[8:12] == b"WEBP":
        return "webp"
    return "bmp" if look.head[:2] == b"BM" and look.head[6:10] == b"\0\0\0\0" else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a picture.

    Raises:
        DocumentError: CORRUPT, TOO_LARGE (pixels, frames), MISSING_PROGRAM (tesseract), TIMEOUT, NO_TEXT.
    """
    if context.ocr == "off":
        raise DocumentError(
            FailureKind.NO_TEXT, "a picture has no text of its own and text recognition is off (FALDONE_OCR)"
        )
    tesseract = ocr.find_tesseract(context.languages)
    if isinstance(tesseract, str):
        raise DocumentError(FailureKind.MISSING_PROGRAM, f"a picture needs text recognition and {tesseract}")
    tally, pages = ocr.Tally(), []
    for number, picture in enumerate(frames(source, context), start=1):
        reading = ocr.recognise(picture, tesseract, 3 * context.limits.seconds_per_page)
        tally.add(number, reading)
        pages.append((number, reading.page))
    elements = to_elements(list(to_blocks(pages)))
    if not elements:
        raise DocumentError(FailureKind.NO_TEXT, f"no text was recognised in {len(pages)} picture(s)")
    name = detect(source, context.name)
    warnings = tuple(tally.warnings())
    return Parsed(name, title_of(elements), "", len(pages), elements, tally.metadata(), warnings=warnings)
