"""Pictures in Office documents that are pages: a scan pasted into a text or laid over a slide is read by text recognition.

A picture that covers less than a good part of its page is an illustration and is left alone, unless the document has no
text at all: then its pictures are all there is. What is left alone is counted in a warning; ornaments are not.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import Context
from tasks.records import Element

PAGE = (7_560_000, 10_692_000)
"""An A4 page in EMU (914,400 an inch)."""
_SHARE = 0.4
_ORNAMENT = 0.01
"""Of the page: smaller pictures are bullets, icons and lines."""
_LARGE = 1_000
"""Pixels of either edge: a page of A4 at 120 dpi."""
_MOST_OF_NO_TEXT = 50
_NAMED = 3
_UNITS = {"cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700, "px": 9_525}


@dataclass(slots=True)
class Pictures:
    """Reads the pictures of one document.

    `small` keeps those that were left alone: (name, page, data); `unread` the names of these that are no ornaments.
    """

    context: Context
    warnings: list[str]
    small: list[tuple[str, int, bytes]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def large(
        self, name: str, data: bytes, size: tuple[int, int], page: int, whole: tuple[int, int] = PAGE
    ) -> Iterator[Element]:
        """Yield the text of a picture of this size, when it covers a good part of a page; both sizes in EMU."""
        if size[0] * size[1] < _SHARE * whole[0] * whole[1]:
            self.small.append((name, page, data))
            self.leave(name, size, whole)
        else:
            yield from self._read(name, data, page)

    def leave(self, name: str, size: tuple[int, int] = PAGE, whole: tuple[int, int] = PAGE) -> None:
        """Note that a picture is not read; one whose size is not known counts."""
        if size[0] * size[1] >= _ORNAMENT * whole[0] * whole[1] or 0 in size:
            self.unread.append(name)

    def told(self) -> None:
        """Warn of the pictures that were not read."""
        if warning := unread_pictures(self.unread):
            self.warnings.append(warning)

    def left(self) -> Iterator[Element]:
        """Yield the text of the pictures that were left alone, for a document that has none otherwise."""
        if len(self.small) > _MOST_OF_NO_TEXT:
            self.warnings.append(f"only the first {_MOST_OF_NO_TEXT} of {len(self.small)} pictures were read")
        for name, page, data in self.small[:_MOST_OF_NO_TEXT]:
            yield from self._read(name, data, page)
        self.unread = self.unread[_MOST_OF_NO_TEXT:]

    def _read(self, name: str, data: bytes, page: int) -> Iterator[Element]:
        if self.context.ocr == "off":
            self.warnings.append(f"the picture {name} was not read: text recognition is off (FALDONE_OCR)")
            return
        from tasks.index.formats import image

        try:
            parsed = image.parse(data, replace(self.context, name=name))
        except DocumentError as error:
            if error.kind != FailureKind.NO_TEXT:
                self.warnings.append(f"the picture {name} was not read: {error.message}")
            return
        self.warnings += [f"{name}: {warning}" for warning in parsed.warnings]
        yield from (replace(element, page=page, section="") for element in parsed.elements)


def unread_pictures(
    names: Sequence[str], nameless: int = 0, reason: str = "illustrations are not searched for text"
) -> str:
    """Say that these pictures were not read, each named once; empty for none."""
    distinct = list(dict.fromkeys(name.rpartition("/")[2][:60] for name in names))
    total = len(distinct) + nameless
    if not total:
        return ""
    count = "1 picture was" if total == 1 else f"{total} pictures were"
    more = [f"and {total - _NAMED} more"] if total > _NAMED else []
    shown = f": {' '.join([', '.join(distinct[:_NAMED]), *more])}" if distinct else ""
    return f"{count} not read, {reason}{shown}"


def is_large(data: bytes) -> bool:
    """Tell a picture of a page's size (a scan, a photograph of a paper) from logos and icons, by its own head."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return min(picture.size) >= _LARGE
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def emu(length: str) -> int:
    """Return a length such as `17cm` or `481.9pt` in EMU, 0 for none."""
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s*(cm|mm|in|pt|px)", length)
    return int(float(match[1]) * _UNITS[match[2]]) if match else 0
