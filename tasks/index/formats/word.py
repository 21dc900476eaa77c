"""DOCX, with DOCM, DOTX, DOTM and the strict flavour: Unstructured reads the body, this module what it leaves out.

Two things need care. python-docx, which Unstructured stands on, opens neither macro documents, nor templates, nor
strict OOXML (other namespaces): the package is rewritten in memory to what it knows. And Unstructured does not see text
boxes, footnotes, endnotes and comments, nor tables nested in content controls: their paragraphs are added, so that
every word of the document can be found.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError
from tasks.index.formats.base import Context, clean, corrupt, load, title_of, with_sections
from tasks.index.formats.ooxml import core_properties, has_main_part, is_plain, open_package, read_xml, rewritten
from tasks.index.formats.partition import elements_of, partition
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("docx",)
VERSION = "1"
SAMPLES = {"docx": {"word/document.xml": b"<a/>"}}

_NOTES = (("footnotes", "Footnotes"), ("endnotes", "Endnotes"), ("comments", "Comments"))
_WORDS = re.compile(r"\w+")


def sniff(look: Look) -> str:
    """Know a package by its main part."""
    return "docx" if has_main_part(look, "word/document", "wordprocessingml|ms-word") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a Word document.

    Pages are those at the page breaks that Word saved, 1 throughout when it saved none.

    Raises:
        DocumentError: CORRUPT.
    """
    data = load(source)
    with open_package(data) as package:
        properties = core_properties(package)
        known = data if is_plain(package, "word/") else rewritten(package)
        left_out = list(_left_out(package))
    elements = list(elements_of(_partitioned(known)))
    elements += _missing(left_out, elements)
    return Parsed(
        format="docx",
        title=title_of(elements, properties.pop("title", None)),
        language="",
        pages=max((element.page for element in elements), default=1),
        elements=with_sections(elements),
        metadata=properties,
    )


def _partitioned(data: bytes) -> list[Any]:
    """Unstructured's elements; a package that it cannot open is tried again without its dangling references."""
    try:
        return partition("docx", file=io.BytesIO(data), include_page_breaks=False)
    except DocumentError:
        with open_package(data) as package:
            mended = rewritten(package)
        return partition("docx", file=io.BytesIO(mended), include_page_breaks=False)


def _left_out(package: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """(section, paragraph) of the parts that Unstructured does not read, in reading order."""
    main = next((name for name in package.namelist() if re.fullmatch(r"/?word/document\d*\.xml", name)), None)
    if main is None:
        raise corrupt("the package has no main document part (word/document.xml)")
    for paragraph in _paragraphs(read_xml(package, main)):
        yield "", paragraph
    for stem, section in _NOTES:
        for name in package.namelist():
            if re.fullmatch(rf"/?word/{stem}\d*\.xml", name):
                for paragraph in _paragraphs(read_xml(package, name)):
                    yield section, paragraph


def _paragraphs(root: Any) -> Iterator[str]:
    """The text of each paragraph of a part, the fallback copies of drawings left out.

    A text box stands inside the paragraph that anchors it, so a paragraph's own runs are those without another
    paragraph between.
    """
    for paragraph in root.iter("{*}p"):
        if any(ancestor.tag.endswith("}Fallback") for ancestor in paragraph.iterancestors()):
            continue
        runs = paragraph.iter("{*}t", "{*}tab", "{*}br")
        own = (node for node in runs if next(node.iterancestors("{*}p"), None) is paragraph)
        pieces = [(node.text or "") if node.tag.endswith("}t") else " " for node in own]
        if text := clean("".join(pieces)):
            yield text


def _missing(paragraphs: list[tuple[str, str]], elements: list[Element]) -> list[Element]:
    """Those paragraphs that are in no element, as text at the end: by words, since numbering and blanks may differ."""
    read = [_joined(element.text) for element in elements if element.kind != "table"]
    read += [_joined(" ".join(row)) for element in elements for row in element.rows or ()]
    whole = {words.lstrip(" 0123456789") for words in read}  # the search below alone would be quadratic
    have = "".join(read)
    missing = []
    for section, text in paragraphs:
        words = _joined(text)
        bare = words.lstrip(" 0123456789")
        if words.strip() and bare not in whole and words not in have:
            missing.append(Element("text", text, section=section))
            whole.add(bare)
    return missing


def _joined(text: str) -> str:
    return f" {' '.join(_WORDS.findall(text.lower()))} "
