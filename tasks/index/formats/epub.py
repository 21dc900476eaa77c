"""EPUB: its chapters in reading order, each a page, read as HTML.

Not through pandoc, which reads a book as one text: chapters would lose their numbers, tables their spans, and a book
takes seconds.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tasks.index.decode import decode
from tasks.index.formats.base import Context, clean, corrupt, load, title_of, too_large, with_sections
from tasks.index.formats.html import elements_of_html
from tasks.index.formats.ooxml import open_package, read_part, xml_root
from tasks.records import Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("epub",)
VERSION = "1"
SAMPLES = {"epub": {"mimetype": b"application/epub+zip"}}

_FIELDS = {"title": "title", "creator": "author", "date": "created", "subject": "subject", "publisher": "publisher"}


def sniff(look: Look) -> str:
    """Know a book by the type that it declares, or by the part that lists its packages."""
    named = look.mimetype.startswith("application/epub+zip")
    return "epub" if named or ("meta-inf/container.xml" in look.parts and not look.mimetype) else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a book.

    Raises:
        DocumentError: CORRUPT, or TOO_LARGE above `limits.pages` chapters.
    """
    elements = []
    with open_package(load(source)) as book:
        package_name = _package_name(book)
        package = xml_root(read_part(book, package_name), "the book's package", recover=True)
        metadata = _metadata(package)
        chapters = list(_chapters(book, package, posixpath.dirname(package_name)))
        if len(chapters) > context.limits.pages:
            raise too_large(
                f"the book has {len(chapters):,} chapters; the limit is {context.limits.pages:,} (limits.pages)"
            )
        for page, name in enumerate(chapters, start=1):
            found = elements_of_html(decode(read_part(book, name), declared=True), page)
            elements += [e if e.page == page else type(e)(e.kind, e.text, page, e.level, e.rows) for e in found]
    title = title_of(elements, metadata.pop("title", None))
    return Parsed("epub", title, "", max(1, len(chapters)), with_sections(elements), metadata)


def _package_name(book: zipfile.ZipFile) -> str:
    """The part that lists the chapters."""
    container = xml_root(read_part(book, "META-INF/container.xml"), "the book's container", recover=True)
    for node in container.iter("{*}rootfile"):
        if name := node.get("full-path"):
            return str(name)
    raise corrupt("the book does not name its package (META-INF/container.xml)")


def _chapters(book: zipfile.ZipFile, package: Any, folder: str) -> Iterator[str]:
    """The parts of the spine that exist."""
    names = set(book.namelist())
    items = {item.get("id"): item.get("href", "") for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        href = unquote(items.get(reference.get("idref"), "")).split("#")[0]
        name = posixpath.normpath(posixpath.join(folder, href))
        if name in names:
            yield name


def _metadata(package: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in package.iter("{*}*"):
        key = _FIELDS.get(node.tag.rpartition("}")[2])
        if key and node.text and (text := clean(node.text)):
            found.setdefault(key, text)
    return found
