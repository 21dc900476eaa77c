"""What is filled in, ticked or pinned on a PDF page: its annotations.

What shows (text in fields, stamps, notes) becomes part of the page when it is flattened. Two kinds do not: a ticked box
is often drawn with lines, and a value may come without a picture of itself, for the reader to draw. And a pinned note
may hold a file, or a comment. Boxes are written as ☒ and ☐.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tasks.index.formats.base import clean

TICKED, EMPTY = "☒", "☐"


@dataclass(frozen=True, slots=True)
class Mark:
    """Text that an annotation stands for: left, bottom, right and top in the page's own space."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    hides: bool = False  # what is drawn within: the tick as a letter of a font of signs


@dataclass(slots=True)
class Annotations:
    """Of one page: the marks, whether it must be flattened for its text to show, files as (name, data), comments, warnings."""

    marks: list[Mark] = field(default_factory=list)
    shows: bool = False
    files: list[tuple[str, bytes]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_annotations(page: Any) -> Annotations:
    """Return the annotations of a pdfium page (`pypdfium2.PdfPage`)."""
    import pypdfium2
    import pypdfium2.raw as raw

    found = Annotations()
    for index in range(raw.FPDFPage_GetAnnotCount(page.raw)):
        note = raw.FPDFPage_GetAnnot(page.raw, index)
        try:
            kind = raw.FPDFAnnot_GetSubtype(note)
            if kind == raw.FPDF_ANNOT_FILEATTACHMENT:
                found.files += _file(page, note)
            elif kind in _commented() and (text := clean(_string(note, b"Contents"))):
                found.comments.append(text)
            elif kind in {raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_STAMP}:
                found.shows = True
                found.marks += _marks(note) if kind == raw.FPDF_ANNOT_WIDGET else ()
        except (pypdfium2.PdfiumError, ValueError) as error:
            found.warnings.append(f"the file {_string(note, b'Contents')} pinned to it cannot be taken out ({error})")
        finally:
            raw.FPDFPage_CloseAnnot(note)
    return found


@cache
def _commented() -> frozenset[int]:
    """Return the kinds of annotations that a comment hangs on, which no page shows before it is opened."""
    import pypdfium2.raw as raw

    names = "TEXT HIGHLIGHT UNDERLINE SQUIGGLY STRIKEOUT SQUARE CIRCLE LINE POLYGON POLYLINE INK CARET"
    return frozenset(getattr(raw, f"FPDF_ANNOT_{name}") for name in names.split())


def _marks(widget: Any) -> Iterator[Mark]:
    """Yield the tick of a box, or the value of a field that has no picture of it."""
    import pypdfium2.raw as raw

    room = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(widget, room)
    place = room.left, room.bottom, room.right, room.top
    state = _string(widget, b"AS")
    if state:
        yield Mark(EMPTY if state == "Off" else TICKED, *place, hides=True)
    elif raw.FPDFAnnot_GetAP(widget, raw.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None, 0) <= 2:
        for value in _string(widget, b"V").split("\r"):
            if value.strip() and _string(widget, b"FT") in {"Tx", "Ch"}:
                yield Mark(value.strip(), *place)


def _string(note: Any, key: bytes) -> str:
    import pypdfium2.raw as raw

    length = raw.FPDFAnnot_GetStringValue(note, key, None, 0)
    if length <= 2:
        return ""
    buffer = (ctypes.c_ushort * (length // 2))()
    raw.FPDFAnnot_GetStringValue(note, key, buffer, length)
    return bytes(buffer)[:-2].decode("utf-16-le", "replace")


def _file(page: Any, note: Any) -> Iterator[tuple[str, bytes]]:
    import pypdfium2
    import pypdfium2.raw as raw

    handle = raw.FPDFAnnot_GetFileAttachment(note)
    if handle:
        attached = pypdfium2.PdfAttachment(handle, page.pdf)
        yield attached.get_name() or _string(note, b"Contents"), bytes(attached.get_data())
