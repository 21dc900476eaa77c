"""RTF and ODT, which Unstructured has pandoc turn into formats that it reads.

pandoc comes with the pypandoc_binary wheel: nothing to install. It runs as a process of its own under the same memory
cap, and ends with the parser child at the deadline. ODT goes by way of DOCX and keeps headings, lists and
tables; RTF by way of HTML, read by the HTML reader here because it keeps spans.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.index.formats.base import Context, clean, corrupt, load, title_of, with_sections
from tasks.index.formats.html import elements_of_html
from tasks.index.formats.ooxml import open_package, xml_root
from tasks.index.formats.partition import elements_of, first_line, partition
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("rtf", "odt")
VERSION = "1"
SIGNATURES = {b"{\\rtf": "rtf"}
SAMPLES = {
    "rtf": b"{\\rtf1 ciao}",
    "odt": {"mimetype": b"application/vnd.oasis.opendocument.text"},
}

_UNSPACED = re.compile(rb"(\\u-?\d{1,5})(?=[^\s\\{}\d])")
"""A character by number with its stand-in right behind, as in `\\u8217'`: pandoc would swallow the next letter too."""


def sniff(look: Look) -> str:
    """Know an OpenDocument text by the type that it declares."""
    return "odt" if look.mimetype.startswith("application/vnd.oasis.opendocument.text") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read an RTF or OpenDocument text.

    Raises:
        DocumentError: CORRUPT.
    """
    data = load(source)
    if data.startswith(b"{\\rtf"):
        elements = elements_of_rtf(data)
        return Parsed("rtf", title_of(elements), "", 1, with_sections(elements))
    metadata = odf_metadata(data)
    elements = list(elements_of(partition("odt", file=io.BytesIO(data))))
    title = title_of(elements, metadata.pop("title", None))
    pages = max((element.page for element in elements), default=1)
    return Parsed("odt", title, "", pages, with_sections(elements), metadata)


def elements_of_rtf(data: bytes) -> list[Element]:
    """The elements of an RTF text.

    Raises:
        DocumentError: CORRUPT, with pandoc's own words.
    """
    import pypandoc

    spaced = _UNSPACED.sub(rb"\1 ", data)
    try:
        markup = pypandoc.convert_text(spaced, "html", format="rtf", extra_args=["--wrap=none", "--sandbox"])
    except (RuntimeError, OSError, ValueError) as error:
        raise corrupt(f"the RTF is damaged and cannot be read: {first_line(error)}") from None
    return elements_of_html(markup)


def odf_metadata(data: bytes) -> dict[str, str]:
    """Title, author, dates and subject of meta.xml."""
    names = {"title": "title", "creator": "author", "initial-creator": "author", "creation-date": "created",
             "subject": "subject", "date": "modified", "keyword": "keywords"}  # fmt: skip
    found: dict[str, str] = {}
    with open_package(data) as package:
        if "meta.xml" not in package.namelist():
            return found
        root = xml_root(package.read("meta.xml"), "part meta.xml", recover=True)
    for node in root.iter("{*}*"):
        key = names.get(node.tag.rpartition("}")[2])
        if key and node.text and (text := clean(node.text)):
            found.setdefault(key, text)
    return found
