"""What stands in an XLS beside its cells: comments, text boxes, titles of charts, heads and feet.

xlrd reads cells only, so the records of the workbook's stream ([MS-XLS] 2.3) are walked once for the few kinds that hold such text.
A text longer than a record goes on in CONTINUE records, each with a flag of its own for the width of its characters.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from tasks.index.formats.base import clean
from tasks.index.formats.excel_sheets import margin_text
from tasks.index.formats.pictures import unread_pictures
from tasks.records import Element

_BOF, _CONTINUE, _TEXT_BOX, _SERIES_TEXT, _HEADER, _FOOTER = 0x809, 0x3C, 0x1B6, 0x100D, 0x14, 0x15
_BOUND_SHEET, _OBJECT = 0x85, 0x5D
_CHART, _PICTURE = b"\x20\0", b"\x08\0"
_LONGEST = 32_767

Record = tuple[int, int, bytes]
"""Offset in the stream, kind, data."""


def beside_cells(data: bytes) -> Iterator[Element]:
    """Yield the elements beside the cells, a sheet a page; nothing of a file before Excel 97, or of a damaged stream."""
    stream = _workbook_stream(data)
    pages = _pages(stream)
    page = waiting = 0
    text = ""
    for offset, kind, body in _records(stream):
        if kind == _BOF:
            page = pages.get(offset, page)
        elif kind == _TEXT_BOX and len(body) >= 12:
            (waiting,), text = struct.unpack_from("<H", body, 10), ""
        elif kind == _CONTINUE and waiting and body:
            piece = _characters(body[1:], bool(body[0] & 1), waiting)
            text, waiting = text + piece, waiting - len(piece)
            if not waiting and (shown := clean(text)):
                yield Element("text", shown, max(1, page))
        elif (element := _short(kind, body, max(1, page))) is not None:
            yield element


def drawn(data: bytes) -> list[str]:
    """Warnings of what lies on the sheets and is not read: pictures, and charts but for their words."""
    kinds = [(kind, body[:8]) for _, kind, body in _records(_workbook_stream(data)) if kind in {_BOF, _OBJECT}]
    charts = sum(kind == _BOF and body[2:4] == _CHART for kind, body in kinds)
    pictures = sum(kind == _OBJECT and body[4:6] == _PICTURE for kind, body in kinds)
    found = [f"{charts} chart(s): only their titles and labels were read, not their values"] if charts else []
    if pictures:
        found.append(unread_pictures((), pictures))
    return found


def _workbook_stream(data: bytes) -> bytes:
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            return bytes(container.openstream("Workbook").read()) if container.exists("Workbook") else b""
    except (OSError, ValueError, IndexError, OverflowError, AttributeError):
        return b""


def _records(stream: bytes) -> Iterator[Record]:
    place = 0
    while place + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, place)
        yield place, kind, stream[place + 4 : place + 4 + size]
        place += 4 + size


def _pages(stream: bytes) -> dict[int, int]:
    """Return offset of a sheet's first record → its number, from the list of sheets."""
    places = [
        struct.unpack_from("<I", body)[0]
        for _, kind, body in _records(stream)
        if kind == _BOUND_SHEET and len(body) >= 8
    ]
    return {place: page for page, place in enumerate(places, start=1)}


def _characters(data: bytes, wide: bool, most: int) -> str:
    return data[: most * 2].decode("utf-16-le", "replace") if wide else data[:most].decode("latin-1")


def _short(kind: int, body: bytes, page: int) -> Element | None:
    """Return the title or a label of a chart, a sheet's head or foot."""
    if kind == _SERIES_TEXT and len(body) >= 4:
        text = clean(_characters(body[4:], bool(body[3] & 1), body[2]))
        return Element("caption", text, page) if text else None
    if kind in {_HEADER, _FOOTER} and len(body) >= 3:
        (length,) = struct.unpack_from("<H", body)
        text = margin_text(_characters(body[3:], bool(body[2] & 1), min(length, _LONGEST)))
        return Element("header" if kind == _HEADER else "footer", text, page) if text else None
    return None
