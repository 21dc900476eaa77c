"""Pictures on a page of which the text layer says nothing: scans under a printed line, pasted tables, letterheads.

Whether text stands over a picture is told by its ink: the words of a layer that recognition has put over a scan cover
nearly all of it, a stamp or a line printed on it hardly any. Photographs are told by their greys: paper is light, ink
is dark, and little lies between. Charts are told by their rows: most of the ink of text stands in rows of many letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tasks.index.formats.pdf_places import Rect
from tasks.index.formats.pdf_words import PageWords

_SHARE = 0.1  # of the page: smaller pictures are logos and signatures
_ORNAMENT = 0.01  # of the page: smaller pictures are bullets and icons
_SIDE = 60.0  # points: a narrower picture is a rule or an edge
_UNDER_TEXT = 0.1  # of a picture covered by words: from there on it is their background
_COVERED = 0.5  # of the ink: from there on the text layer is the picture's own
_GREYS = 0.3  # of the pixels may be neither light nor dark
_INK = 0.0012  # of the pixels must be dark: fewer are dust
_PAGE = 0.45  # of the page: a picture as large is a scanned page, whatever is on it
_MANY = 8  # strokes in a row of text, and rows of them
_LINES = 0.8  # of all strokes stand in such rows, where there is text and not a chart
_LOOK = 60.0 / 72.0  # pixels a point at which a page is looked at


def unread_pictures(page: Any, words: PageWords, pictures: Sequence[Rect]) -> list[Rect]:
    """Return the rooms of pictures that look like paper with text and have none over it, from the top down; as shown."""
    import numpy as np

    width, height = page.get_size()
    rooms = [room for room in _together(pictures, width, height) if _area(room) > _SHARE * width * height]
    rooms = [room for room in rooms if min(room.x1 - room.x0, room.bottom - room.top) > _SIDE]
    if not rooms:
        return []
    bitmap = page.render(scale=_LOOK, grayscale=True, may_draw_forms=False)
    grey: Any = np.asarray(bitmap.to_pil()).copy()
    bitmap.close()
    text = np.zeros(grey.shape, dtype=bool)
    for box in _boxes(words):
        text[_pixels(box)] = True
    found = []
    for room in rooms:
        part = _pixels(room)
        whole = _area(room) > _PAGE * width * height
        if _is_unread(grey[part], text[part], whole):
            found.append(room)
    return sorted(found, key=lambda room: room.top)


def wordless(page: Any, words: PageWords, pictures: Sequence[Rect], read: Sequence[Rect]) -> int:
    """Count the pictures that are neither read nor under text: photographs, charts, letterheads."""
    width, height = page.get_size()
    rooms = [room for room in _together(pictures, width, height) if _area(room) > _ORNAMENT * width * height]
    boxes = list(_boxes(words)) if rooms else []
    return sum(room not in read and _covered(room, boxes) < _UNDER_TEXT * _area(room) for room in rooms)


def _covered(room: Rect, boxes: Sequence[Rect]) -> float:
    """Return the area of a picture that words take up."""
    parts = (
        Rect(max(room.x0, b.x0), max(room.top, b.top), min(room.x1, b.x1), min(room.bottom, b.bottom)) for b in boxes
    )
    return sum(_area(part) for part in parts)


def _is_unread(grey: Any, text: Any, whole: bool) -> bool:
    """Tell whether a picture looks like paper, light or dark, with ink that the text layer does not cover.

    Args:
        grey: its pixels; `text` says of each whether the text layer has a word there.
        whole: it is as large as a page; of a smaller one most ink must stand in lines of text.
    """
    if grey.size == 0:
        return False
    dark, light = grey < 140, grey > 180
    ink = dark if dark.sum() <= light.sum() else light  # a negative has light letters
    if ink.sum() < _INK * grey.size or ink.sum() > 0.4 * grey.size:
        return False
    if 1.0 - (dark.sum() + light.sum()) / grey.size > _GREYS:
        return False
    return bool((ink & text).sum() < _COVERED * ink.sum()) and (whole or _has_lines(ink))


def _has_lines(ink: Any) -> bool:
    """Tell whether most strokes stand in rows of many; rules down the picture do not count."""
    letters = ink & (ink.mean(axis=0) < 0.35)
    strokes = (letters[:, 1:] & ~letters[:, :-1]).sum(axis=1)
    many = strokes[strokes >= _MANY]
    return len(many) >= _MANY and bool(many.sum() > _LINES * strokes.sum())


def _boxes(words: PageWords) -> Iterator[Rect]:
    for word in words.words:
        yield words.frame.rect(word.rect)
    for turned in words.turned:
        yield words.frame.rect(Rect(turned.x0, turned.top, turned.x1, turned.bottom))


def _pixels(room: Rect) -> tuple[slice, slice]:
    top, bottom = max(0, round(room.top * _LOOK)), max(0, round(room.bottom * _LOOK))
    left, right = max(0, round(room.x0 * _LOOK)), max(0, round(room.x1 * _LOOK))
    return slice(top, bottom), slice(left, right)


def _area(room: Rect) -> float:
    return max(room.x1 - room.x0, 0.0) * max(room.bottom - room.top, 0.0)


def _together(pictures: Sequence[Rect], width: float, height: float) -> list[Rect]:
    """Return pictures within the page, those that touch made one: scanners cut a page into strips."""
    rooms: list[Rect] = []
    for picture in pictures[:2000]:
        room = Rect(max(picture.x0, 0.0), max(picture.top, 0.0), min(picture.x1, width), min(picture.bottom, height))
        if not _area(room):
            continue
        touching = [other for other in rooms if _touch(room, other)]
        rooms = [other for other in rooms if other not in touching]
        for other in touching:
            room = Rect(
                min(room.x0, other.x0), min(room.top, other.top), max(room.x1, other.x1), max(room.bottom, other.bottom)
            )
        rooms.append(room)
    return rooms


def _touch(one: Rect, other: Rect) -> bool:
    return (
        min(one.x1, other.x1) - max(one.x0, other.x0) > -2.0
        and min(one.bottom, other.bottom) - max(one.top, other.top) > -2.0
    )


def add_words(known: PageWords, seen: PageWords) -> PageWords:
    """Return the words of a text layer and those that recognition saw beside them; what is printed over a picture stays as it is."""
    if not known.words:
        return replace(seen, turned=(), rules=known.rules) if known.empty else seen
    back = known.frame.inverse().of(seen.frame)
    taken = [word.rect for word in known.words]
    added = []
    for word in seen.words:
        rect = back.rect(word.rect)
        x, y = (rect.x0 + rect.x1) / 2, (rect.top + rect.bottom) / 2
        if any(box.x0 - 1 <= x <= box.x1 + 1 and box.top - 1 <= y <= box.bottom + 1 for box in taken):
            continue
        size = word.size if back.a > 0.5 else min(word.size, rect.bottom - rect.top)
        added.append(word._replace(x0=rect.x0, x1=rect.x1, y=rect.bottom - 0.25 * size, size=size))
    return replace(known, words=(*known.words, *added))
