"""Files inside a document, held to the limits: they become documents of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tasks.index.formats.base import clean
from tasks.records import Attachment

if TYPE_CHECKING:
    from infra.settings import Limits


def held(
    items: Iterable[tuple[str, bytes]], limits: Limits, most: int | None = None, setting: str = "limits.attachments"
) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """Return the attachments that the limits let through, and a warning for what they do not.

    Args:
        items: (name, data); names are made plain and distinct, since they become part of a path.
        limits: `attachments` is how many, `file_size` how many bytes together.
        most: another limit on how many, `setting` its name.
    """
    kept: list[Attachment] = []
    warnings: list[str] = []
    names: set[str] = set()
    empty: list[str] = []
    room, most, too_many = int(limits.file_size), limits.attachments if most is None else most, 0
    for name, data in items:
        if not data:
            empty.append(plain_name(name))
            continue
        if len(kept) >= most:
            too_many += 1
            continue
        name = _distinct(plain_name(name), names)
        if len(data) > room:
            warnings.append(f"attachment {name} was left out: {len(data):,} bytes go beyond limits.file_size")
        else:
            room -= len(data)
            kept.append(Attachment(name, data))
    if too_many:
        warnings.append(f"{too_many:,} files within were left out: more than {most:,} ({setting})")
    if empty:
        count = "1 empty file within was" if len(empty) == 1 else f"{len(empty):,} empty files within were"
        warnings.append(f"{count} left out: {', '.join(empty[:5])}")
    return tuple(kept), tuple(warnings)


def plain_name(name: str) -> str:
    """Return a file name without folders, drives and control characters: `../../x.pdf` is `x.pdf`."""
    plain = PurePosixPath(clean(name).replace("\\", "/").replace("\n", " ")).name
    return plain.strip(". ")[-200:] or "attachment"


def plain_path(name: str) -> str:
    """Return a path without drives, steps upwards and control characters: `C:\a/../b/x.pdf` is `a/b/x.pdf`."""
    pieces = (clean(piece).replace("\n", " ") for piece in name.replace("\\", "/").split("/"))
    kept = [piece[-200:] for piece in pieces if piece.strip(". ") and not (len(piece) == 2 and piece[1] == ":")]
    return "/".join(kept[-20:]) or "file"


def _distinct(name: str, taken: set[str]) -> str:
    """Return `name`, or `name (2)` and so on when it is taken."""
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    candidate, number = name, 1
    while candidate.lower() in taken:
        number += 1
        candidate = f"{stem} ({number}){suffix}"
    taken.add(candidate.lower())
    return candidate
