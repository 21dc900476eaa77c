"""What every format module shares: the context that it is called with and the few helpers that shape elements.

A format module is one file with the same body:

    NAMES = ("docx",)                   the formats it reads, by their usual extension
    VERSION = "1"                       raised when its elements come out otherwise: exactly its documents are read again
    SAMPLES = {"docx": …}               for each name the least that is known as it, for the test of detection: bytes,
                                        the parts of a ZIP as a mapping, or the streams of an OLE2 container as a tuple
    def parse(source: Path | bytes, context: Context) -> Parsed

and says by at least one of these what its files look like (`detect.py` asks in this order, all readers each time):

    SIGNATURES = {b"II*\\0": "tiff"}   first bytes → format
    def sniff(look: Look) -> str        the format by what is in the file, "" when it is none of this reader's
    EXTENSIONS = {"htm": "html"}        only for plain texts that nobody knows so far: extension → format
    def guess(look: Look) -> str        the likeliest format by the shape of a plain text, "" for none

`source` is a local file, or its bytes when it never was a file (an attachment). The module raises DocumentError for
all that it foresees; whatever else escapes it is named by the caller (`tasks/index/parse.py`), never lost. It runs
in a child process with a memory cap, without network. Heavy libraries are imported inside its functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from infra.errors import DocumentError, FailureKind
from tasks.records import LONGEST_TITLE, SECTION, Element

if TYPE_CHECKING:
    from infra.settings import Limits

_SPACES = re.compile(r"[ \t\r\f\v\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")

_BULLET = re.compile(r"^[•●▪◦‣■□➢·]\s+")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _nothing() -> None:
    """Do nothing: the default of Context.extend, where nobody watches the clock."""


@dataclass(frozen=True, slots=True)
class Context:
    """How one document is to be read.

    `name` is the file's own name (a tie-breaker among text types and the last resort for a title). `extend` is to be
    called before each page that goes to OCR: it grants `limits.seconds_per_page` more before the deadline.
    """

    name: str
    limits: Limits
    ocr: Literal["auto", "off", "always"] = "auto"
    languages: tuple[str, ...] = ("ita", "eng")
    extend: Callable[[], None] = _nothing


def load(source: Path | bytes) -> bytes:
    """Return the whole file in memory; its size was checked against the limit before."""
    return source if isinstance(source, bytes) else source.read_bytes()


def clean(text: str) -> str:
    """Return text without control and invisible characters, runs of blanks made one; line breaks stay.

    Lone surrogates go too: they cannot be written as UTF-8, so they would fail only when the row is stored.
    """
    lines = (_SPACES.sub(" ", line).strip() for line in _CONTROL.sub("", text).replace("\v", "\n").split("\n"))
    return "\n".join(lines).strip()


def raised(before: str, text: str) -> str:
    """Return raised text as it stands behind `before`: figures behind a figure stay raised.

    1.250 with a note 2 is not 1.2502, nor 10² 102.
    """
    behind_figure = before[-1:].isdecimal() and text.strip().isdecimal()
    return text.translate(_RAISED) if behind_figure else text


def hidden_text(passages: int) -> str:
    """Return the warning about text that the program which made the document does not show; it is read like the rest."""
    return f"{passages} passage(s) of hidden text were read like the rest"


def hidden_parts(what: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the warning about hidden sheets or slides, which are read like the rest; none where there are none."""
    named = ", ".join(name[:60] for name in names[:5]) + (" …" if len(names) > 5 else "")
    return (f"{len(names)} hidden {what}(s) were read like the rest: {named}",) if names else ()


def without_bullet(text: str) -> str:
    """Return a line without the bullet that somebody typed before it, or an automatic list printed."""
    return _BULLET.sub("", text)


def table(rows: Iterable[Sequence[str]], page: int = 1, section: str = "") -> Element | None:
    """Return a table element of equally long rows; empty rows and empty columns at the edges go, None when nothing is left."""
    cells = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        return None
    width = max(len(row) for row in cells)
    padded = [row + [""] * (width - len(row)) for row in cells]
    used = [column for column in range(width) if any(row[column] for row in padded)]
    body = tuple(tuple(row[used[0] : used[-1] + 1]) for row in padded)
    text = "\n".join(" | ".join(cell for cell in row if cell) for row in body)
    return Element("table", text, page, rows=body, section=section)


def with_sections(elements: Iterable[Element], by_page: bool = False) -> tuple[Element, ...]:
    """Give each element the path of the titles above it; a title closes those of its own level and deeper.

    Args:
        elements: in reading order; those that have a section already keep it.
        by_page: whether each page begins without titles, as slides and sheets do.
    """
    path: list[tuple[int, str]] = []
    placed: list[Element] = []
    page = 1
    for element in elements:
        if by_page and element.page != page:
            path, page = [], element.page
        if element.kind == "title":
            level = max(element.level, 1)
            path = [(depth, text) for depth, text in path if depth < level]
        section = SECTION.join(text for _, text in path)
        placed.append(element if element.section else replace(element, section=section))
        if element.kind == "title":
            path.append((level, " ".join(element.text.split())[:LONGEST_TITLE]))
    return tuple(placed)


def title_of(elements: Sequence[Element], *candidates: str | None) -> str:
    """Return the first candidate (a title from the metadata, say) that is one, else the document's first title, else ""."""
    for candidate in candidates:
        if candidate and (one_line := " ".join(clean(candidate).split())):
            return one_line[:300]
    best = min((e.level or 1 for e in elements[:50] if e.kind == "title"), default=0)
    first = (e.text for e in elements[:50] if e.kind == "title" and (e.level or 1) == best)
    return " ".join(next(first, "").split())[:300]


def corrupt(message: str) -> DocumentError:
    """Return the error of a file that says that it is of a format, and is broken."""
    return DocumentError(FailureKind.CORRUPT, message)


def too_large(message: str) -> DocumentError:
    """Return the file asks for more than the limits grant."""
    return DocumentError(FailureKind.TOO_LARGE, message)
