"""Pictures: a page a frame (a TIFF may hold a whole scanned document), read by text recognition."""

from __future__ import annotations

from pathlib import Path

from tasks.index.detect import detect
from tasks.index.formats.base import Context
from tasks.index.formats.ocr import read_image
from tasks.records import Parsed

NAMES = ("png", "jpg", "tiff", "bmp", "gif", "webp")


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a picture.

    Raises:
        DocumentError: CORRUPT, TOO_LARGE (pixels, frames), MISSING_PROGRAM (tesseract), NO_TEXT.
    """
    return read_image(source, context, detect(source, context.name))
