"""OpenDocument files as they lie on disk: a package of parts, or one flat XML file; both give the same trees."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterator
from typing import Any

from infra.errors import DocumentError
from tasks.index.formats.base import clean, corrupt, table
from tasks.index.formats.embedded import unpacked
from tasks.index.formats.markup import formula_text
from tasks.index.formats.ooxml import Package, attribute, local, xml_root
from tasks.index.look import is_zip
from tasks.records import Element

_META = {
    "title": "title",
    "creator": "author",
    "initial-creator": "author",
    "creation-date": "created",
    "subject": "subject",
    "date": "modified",
    "keyword": "keywords",
}


class OpenDocument:
    """The trees of an OpenDocument file: `content`, `styles` and metadata; `warnings` gathers what was left out."""

    def __init__(self, data: bytes) -> None:
        """Open a package.

        Raises:
            DocumentError: CORRUPT.
        """
        self.warnings: list[str] = []
        self._held = 0  # files that a flat document holds, which have no names
        self._package = Package(data) if is_zip(data) else None
        if self._package is None:
            self.content = self.styles = meta = xml_root(data, "the document")
        else:
            self.content = self._package.xml("content.xml")
            self.styles = self._package.aside("styles.xml") if "styles.xml" in self._package else None
            meta = self._package.aside("meta.xml") if "meta.xml" in self._package else None
            self.warnings = self._package.warnings
        self.metadata = _metadata(meta)

    @property
    def body(self) -> Any:
        """What stands in the document: the child of `office:body`.

        Raises:
            DocumentError: CORRUPT, there is none.
        """
        for node in self.content.iter("{*}body"):
            for kind in node:
                if local(kind):
                    return kind
        raise corrupt("the document has no body (office:body)")

    def style_roots(self) -> Iterator[Any]:
        """Yield the elements that hold styles, the document's own last."""
        for root in dict.fromkeys((self.styles, self.content)):
            if root is not None:
                yield from root.iter("{*}styles", "{*}automatic-styles")

    def object_elements(self, node: Any, page: int) -> Iterator[Element]:
        """Yield a chart as a table, a formula or a sheet as text, of `draw:object`."""
        inner = self._object_root(node)
        if inner is None:
            return
        for title in inner.iter("{*}title", "{*}subtitle"):
            if local(title.getparent()) in {"chart", "axis"} and (text := clean("".join(title.itertext()))):
                yield Element("caption", text, page)
        rows = [row for node in inner.iter("{*}table") for row in plain_rows(node)]
        if found := table(rows, page):
            yield found
        for body in inner.iter("{*}text"):  # a text document, drawn as a picture where it is not opened
            if local(body.getparent()) == "body":
                lines = (clean("".join(p.itertext())) for p in body.iter("{*}p", "{*}h") if not _in_table(p))
                yield from (Element("text", line, page) for line in lines if line)
        for formula in inner.iter("{*}math"):
            if text := clean(formula_text(formula)):
                yield Element("text", text, page)

    def _object_root(self, node: Any) -> Any | None:
        """Return the tree of an embedded object: within the node, or a part of the package."""
        if len(node):
            return node
        name = posixpath.join(_inside(attribute(node, "href")), "content.xml")
        if self._package is None or name not in self._package:
            self._say_missing("object", node)
            return None
        return self._package.aside(name)

    def object_file(self, node: Any) -> tuple[str, bytes] | None:
        """Return the file in an object of another program (`draw:object-ole`)."""
        stored = self._stored(node, "object")
        found = stored and unpacked(posixpath.basename(stored[0]), stored[1])
        if stored and found is None:
            self.warnings.append(f"the embedded object {stored[0]} was not read")
        return found

    def picture(self, node: Any) -> tuple[str, bytes] | None:
        """Return name and bytes of a picture (`draw:image`), None with a warning when it is not in the file."""
        return self._stored(node, "picture")

    def _stored(self, node: Any, what: str) -> tuple[str, bytes] | None:
        """Return name and bytes of what a node points to in the package or, in a flat file, holds as base64."""
        try:
            for inner in node.iterchildren("{*}binary-data"):
                self._held += 1
                return f"{what}{self._held}", base64.b64decode("".join(inner.itertext()))
            name = _inside(attribute(node, "href"))
            if self._package is not None and name in self._package:
                return name, self._package.read(name)
            self._say_missing(what, node)
        except (DocumentError, ValueError) as error:
            self.warnings.append(f"an embedded {what} was left out: {error}")
        return None

    def _say_missing(self, what: str, node: Any) -> None:
        self.warnings.append(f"an embedded {what} was left out: {attribute(node, 'href') or 'it'} is not in the file")


def _in_table(node: Any) -> bool:
    return any(local(above) == "table" for above in node.iterancestors())


def _inside(href: str) -> str:
    return posixpath.normpath(href).lstrip("./") if href else ""


def plain_rows(node: Any) -> Iterator[list[str]]:
    """Yield the rows of a table as they stand, without spans."""
    for row in node.iter("{*}table-row"):
        yield [clean(" ".join(_plain(cell))) for cell in row if local(cell) in {"table-cell", "covered-table-cell"}]


def _plain(cell: Any) -> list[str]:
    shown = ["".join(p.itertext()) for p in cell.iter("{*}p")]
    return shown or [attribute(cell, "value")]


def _metadata(root: Any | None) -> dict[str, str]:
    """Return title, author, dates and subject."""
    found: dict[str, str] = {}
    for meta in root.iter("{*}meta") if root is not None else ():
        for node in meta.iter("{*}*"):
            key = _META.get(local(node))
            if key and node.text and (text := clean(node.text)):
                found.setdefault(key, text)
    return found
