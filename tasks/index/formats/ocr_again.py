"""Cells of a scanned PDF read again by the second engine: a hook for whoever finds that figures do not add up.

A cell alone, enlarged, is read better than within its page. The caller decides what to make of a different reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infra.errors import DocumentError, FailureKind
from tasks.index.formats import ocr_second
from tasks.index.formats.base import Context
from tasks.index.formats.pdf_places import Rect
from tasks.index.formats.pdf_sheet import render
from tasks.records import Place

_MARGIN = 3.0  # points around a cell


def reread(source: Path | bytes, places: Sequence[Place], context: Context) -> list[str]:
    """Return what the second engine reads at places of a PDF (`Element.place`), "" where it sees nothing.

    Raises:
        DocumentError: MISSING_PROGRAM, the second engine is not installed; CORRUPT, the PDF cannot be opened.
    """
    import pypdfium2

    if not ocr_second.available():
        raise DocumentError(FailureKind.MISSING_PROGRAM, "rapidocr is not installed: pip install rapidocr")
    try:
        with pypdfium2.PdfDocument(source) as document:
            return [_read(document[place.page - 1], place, context) for place in places]
    except pypdfium2.PdfiumError as error:
        raise DocumentError(FailureKind.CORRUPT, f"the PDF cannot be opened ({error})") from None


def _read(page: object, place: Place, context: Context) -> str:
    room = Rect(place.left - _MARGIN, place.top - _MARGIN, place.right + _MARGIN, place.bottom + _MARGIN)
    picture = render(page, room, context)
    words = sorted(ocr_second.read(picture.image, picture.dpi), key=lambda seen: (round(seen.word.y / 6), seen.word.x0))
    return " ".join(seen.word.text for seen in words)
