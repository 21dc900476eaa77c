"""The few frozen records that travel between steps, in the order in which a document meets them.

(Document = Parsed + identity) → Chunk → Receipt. They are plain dataclasses: cheap to pickle to a
worker, hashable, and readable in a signature. Identity is (collection, path), never the content alone: two files
with equal bytes are two documents.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

ElementKind = Literal["title", "text", "list", "table", "caption", "header", "footer"]

ATTACHMENT = "!/"
"""Between a container's path and the name of an attachment in it: `mail.eml!/invoice.pdf`."""


SECTION = " > "
"""Between the titles of a section's path."""

LONGEST_TITLE = 120
"""Characters of a title in a section's path."""


def document_id(collection: str, path: str) -> str:
    """Return the stable id of a document: 32 hexadecimal digits of BLAKE2b over collection and path."""
    return hashlib.blake2b(f"{collection}\0{path}".encode(), digest_size=16).hexdigest()


class Place(NamedTuple):
    """A rectangle on a page: the page from 1, edges in points from the top left of the page as it is shown."""

    page: int
    left: int
    top: int
    right: int
    bottom: int


def attachment_id(parent_id: str, name: str) -> str:
    """Return the stable id of a file within a document: its path is for people, and a folder may be called like one."""
    return hashlib.blake2b(f"{parent_id}\0{ATTACHMENT}{name}".encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Element:
    """One piece of a document in reading order.

    `page` is 1-based (a slide or a sheet counts as a page). `level` is the depth of a title (1 highest), else 0.
    `rows` holds the cells of a table, all rows of equal length with "" for an empty cell, head rows included;
    `text` of a table is the same content as readable lines, one a row, cells joined by " | ".
    `section` is the path of titles above, joined by SECTION. `boxes` says where it stands, for formats that know: one
    tuple for each row of a table, just one for anything else; read them with `place`. A tuple is (page, top, bottom,
    left of the first cell, right of it, left of the second, …) in whole points from the top left of the page as it is
    shown, 0 and 0 for an empty cell. Where text runs up or down the page the number is negative and the axes change
    places: (-page, left, right, top of the first cell, bottom of it, …).
    `gist` is what the encoder reads of it where that is less than its text, of a table a line a row: of a typed paper the words that
    tell what it is about, since numbers, codes, days and addresses are found by words and by typed columns.
    """

    kind: ElementKind
    text: str
    page: int = 1
    level: int = 0
    rows: tuple[tuple[str, ...], ...] | None = None
    section: str = ""
    boxes: tuple[tuple[int, ...], ...] | None = None
    gist: str | None = None

    def place(self, row: int = 0, column: int = 0) -> Place | None:
        """Return where a cell stands; None when that is not known, as it is not for an empty cell."""
        box = self.boxes[row] if self.boxes and row < len(self.boxes) else ()
        if len(box) < 2 * column + 5:
            return None
        page, low, high = box[:3]
        first, last = box[2 * column + 3 : 2 * column + 5]
        if first == last == 0:
            return None
        return Place(page, first, low, last, high) if page > 0 else Place(-page, low, first, high, last)

    def page_of(self, row: int) -> int:
        """Return the page on which a row stands: a table may go on over several."""
        return abs(self.boxes[row][0]) if self.boxes and row < len(self.boxes) and self.boxes[row] else self.page


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside another one: a document of its own with the path `container!/name`.

    `metadata` is what the container knows of it (who signed it, how it was sent); what the file says itself counts more.
    """

    name: str
    data: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser makes of a file.

    `format` is the detected type by its usual extension without the dot (`pdf`, `docx`, …), `language` a two-letter
    code or "" when there is too little text, `pages` the number of pages, slides or sheets (at least 1).
    `metadata` has plain strings (author, created, subject, sender, …); `warnings` what was left out and why. `records` are the typed
    records of a business paper as JSON data (`tasks/office/records.py`).
    """

    format: str
    title: str
    language: str
    pages: int
    elements: tuple[Element, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    warnings: tuple[str, ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """An indexed document as the analyses read it back from the lake; `parsed.attachments` is empty here."""

    document_id: str
    collection: str
    path: str
    content_hash: str
    parsed: Parsed


MARKS = str.maketrans(dict.fromkeys(',;:()[]"“”«»•*_—–$€£%', " "))
AMOUNT = re.compile(r"[\s$€£%()\-–—+*.,\d]*")
YEAR = re.compile(r"\s*(?:19|20)\d\d\s*")


def as_read(text: str) -> str:
    """Return what the encoder reads of a text: no frames and amounts of tables, but for years, and no marks between words.

    Each of these costs it several tokens and tells a model of meaning nothing; full-text search keeps them all.
    """
    if " | " in text:
        text = "\n".join(
            " ".join(filter(_tells, line.split(" | "))) if " | " in line else line for line in text.split("\n")
        )
    return unmarked(text)


def unmarked(text: str) -> str:
    """Return a text without frames of tables and marks between words; amounts stay."""
    return text.replace(" | ", " ").translate(MARKS)


def _tells(cell: str) -> bool:
    return not AMOUNT.fullmatch(cell) or bool(YEAR.fullmatch(cell))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document that is embedded and searched.

    `context` is the line that says where the piece stands (document · section > subsection); `text` is the piece itself; `embedded` is
    what the encoder reads of both. `hash` is over that, so that equal chunks share a vector.
    """

    ordinal: int
    context: str
    text: str
    embedded: str
    page_first: int
    page_last: int
    section: str
    kind: str
    tokens: int

    @property
    def indexed(self) -> str:
        """What full-text search reads."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def hash(self) -> str:
        return hashlib.blake2b(self.embedded.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be processed, as it stands in quarantine and in a job's result."""

    path: str
    stage: str
    kind: str
    message: str
