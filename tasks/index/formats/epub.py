"""EPUB: its chapters in reading order, each a page, read as HTML.

Not through pandoc, which reads a book as one text: chapters would lose their numbers, tables their spans, and a book
takes seconds.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode
from tasks.index.formats.base import Context, clean, corrupt, load, title_of, too_large, with_sections
from tasks.index.formats.html import elements_of_tree, pictures_left_out, tree
from tasks.index.formats.ooxml import Package, xml_root
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("epub",)
VERSION = "3"
SAMPLES = {"epub": {"mimetype": b"application/epub+zip"}}

_FIELDS = {"title": "title", "creator": "author", "date": "created", "subject": "subject", "publisher": "publisher"}


def sniff(look: Look) -> str:
    """Know a book by the type that it declares, or by the part that lists its packages."""
    named = look.mimetype.startswith("application/epub+zip")
    return "epub" if named or ("meta-inf/container.xml" in look.parts and not look.mimetype) else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a book.

    Raises:
        DocumentError: CORRUPT, ENCRYPTED, or TOO_LARGE above `limits.pages` chapters.
    """
    book = Package(load(source))
    package_name = _package_name(book)
    package = xml_root(book.read(package_name), "the book's package", recover=True)
    metadata = _metadata(package)
    chapters = list(_chapters(book, package, posixpath.dirname(package_name)))
    if len(chapters) > context.limits.pages:
        raise too_large(
            f"the book has {len(chapters):,} chapters; the limit is {context.limits.pages:,} (limits.pages)"
        )
    elements: list[Element] = []
    trees: list[Any] = []
    for page, name in enumerate(chapters, start=1):
        try:
            root = tree(decode(book.read(name), declared=True))
        except DocumentError as error:
            book.warnings.append(f"chapter {page} was left out: {error.message}")
            continue
        if root is not None:
            elements += [replace(element, page=page) for element in elements_of_tree(root, page)]
            trees.append(root)
    title = title_of(elements, metadata.pop("title", None))
    warnings = (*dict.fromkeys(book.warnings), *pictures_left_out(trees))
    return Parsed("epub", title, "", max(1, len(chapters)), with_sections(elements), metadata, warnings=warnings)


def _package_name(book: Package) -> str:
    """Return the part that lists the chapters."""
    container = xml_root(book.read("META-INF/container.xml"), "the book's container", recover=True)
    for node in container.iter("{*}rootfile"):
        if name := node.get("full-path"):
            return str(name)
    raise corrupt("the book does not name its package (META-INF/container.xml)")


def _chapters(book: Package, package: Any, folder: str) -> Iterator[str]:
    """Yield the parts of the spine that exist, in reading order.

    Raises:
        DocumentError: ENCRYPTED, one of them is protected (fonts that are merely disguised do not count).
    """
    locked = _locked(book)
    items = {item.get("id"): item.get("href", "") for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        href = items.get(reference.get("idref"), "").split("#")[0]
        name = posixpath.normpath(posixpath.join(folder, href))
        if name in locked or unquote(name) in locked:
            raise DocumentError(FailureKind.ENCRYPTED, "the book is protected: its chapters are encrypted")
        if name in book:
            yield name
        else:
            book.warnings.append(f"the chapter {href or reference.get('idref')} was left out: it is not in the book")


def _locked(book: Package) -> frozenset[str]:
    """Return the parts that are encrypted."""
    root = book.aside("META-INF/encryption.xml") if "META-INF/encryption.xml" in book else None
    nodes = root.iter("{*}CipherReference") if root is not None else ()
    return frozenset(unquote(node.get("URI") or "") for node in nodes)


def _metadata(package: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in package.iter("{*}*"):
        key = _FIELDS.get(node.tag.rpartition("}")[2])
        if key and node.text and (text := clean(node.text)):
            found.setdefault(key, text)
    return found
