"""PPTX, with PPTM, PPSX and templates: Unstructured reads titles, lists and tables, a slide a page.

Its titles below depth 1 are short lines that it took for titles: they are text here. What it does not see (diagrams,
labels of charts, shapes that python-pptx does not know) is added from the slide's XML, and so are speaker notes, which
it would put before their slide.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError
from tasks.index.formats.base import Context, clean, corrupt, load, title_of, with_sections
from tasks.index.formats.ooxml import core_properties, has_main_part, is_plain, open_package, read_xml, rewritten
from tasks.index.formats.partition import elements_of, partition
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("pptx",)
VERSION = "1"
SAMPLES = {"pptx": {"ppt/presentation.xml": b"<a/>"}}

_WORDS = re.compile(r"\w+")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TEXTUAL = ("/chart", "/diagramData", "/notesSlide", "/comments")


def sniff(look: Look) -> str:
    """Know a package by its main part."""
    return "pptx" if has_main_part(look, "ppt/presentation", "presentationml|ms-powerpoint") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a presentation; hidden slides are read too.

    Raises:
        DocumentError: CORRUPT; TOO_LARGE above `limits.pages` slides.
    """
    data = load(source)
    with open_package(data) as package:
        properties = core_properties(package)
        if not is_plain(package, "ppt/"):
            data = rewritten(package)
    with open_package(data) as package:
        slides = list(_slide_names(package))
        elements = list(elements_of(_partitioned(data), deepest_title=1))
        elements = _complete(package, slides, elements)
    return Parsed(
        format="pptx",
        title=title_of(elements, properties.pop("title", None)),
        language="",
        pages=max(1, len(slides)),
        elements=with_sections(elements, by_page=True),
        metadata=properties,
    )


def _partitioned(data: bytes) -> list[Any]:
    """Unstructured's elements; a package that it cannot open is tried again without its dangling references."""
    try:
        return partition("pptx", file=io.BytesIO(data), include_page_breaks=False, include_slide_notes=False)
    except DocumentError:
        with open_package(data) as package:
            mended = rewritten(package)
        return partition("pptx", file=io.BytesIO(mended), include_page_breaks=False, include_slide_notes=False)


def _slide_names(package: zipfile.ZipFile) -> Iterator[str]:
    """The parts of the slides in the order in which they are shown."""
    main = next((n for n in package.namelist() if re.fullmatch(r"ppt/presentation\d*\.xml", n)), None)
    if main is None:
        raise corrupt("the package has no presentation part (ppt/presentation.xml)")
    targets = _relations(package, main)
    for slide in read_xml(package, main).iter("{*}sldId"):
        if (target := targets.get(slide.get(_RELATION, ""))) and target[0] in package.namelist():
            yield target[0]


def _relations(package: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Relation id → (part that it leads to, its type)."""
    folder, name = posixpath.split(part)
    rels = f"{folder}/_rels/{name}.rels"
    if rels not in package.namelist():
        return {}
    found = {}
    for relation in read_xml(package, rels).iterchildren("{*}Relationship"):
        if relation.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join(folder, relation.get("Target", ""))).lstrip("/")
            found[relation.get("Id", "")] = (target, relation.get("Type", ""))
    return found


def _complete(package: zipfile.ZipFile, slides: list[str], elements: list[Element]) -> list[Element]:
    """The elements slide by slide, each followed by the paragraphs of the slide's XML that are in none of them."""
    whole: list[Element] = []
    for page, part in enumerate(slides, start=1):
        own = [element for element in elements if element.page == page]
        have = _joined(" ".join(element.text for element in own))
        for text in _slide_paragraphs(package, part):
            if (words := _joined(text)).strip() and words not in have:
                own.append(Element("text", text, page))
                have += words
        whole += own
    beyond = [replace(element, page=max(1, len(slides))) for element in elements if element.page > len(slides)]
    return whole + beyond


def _slide_paragraphs(package: zipfile.ZipFile, part: str) -> Iterator[str]:
    """Paragraphs of a slide and of its charts, diagrams, notes and comments."""
    parts = [part]
    parts += [
        t for t, kind in _relations(package, part).values() if kind.endswith(_TEXTUAL) and t in package.namelist()
    ]
    for name in parts:
        root = read_xml(package, name)
        for node in root.iter("{*}p", "{*}v", "{*}text"):
            if node.tag.endswith("}p"):
                if any(ancestor.tag.endswith("}Fallback") for ancestor in node.iterancestors()):
                    continue
                text = "".join(
                    (run.text or "") if run.tag.endswith("}t") else "\n" for run in node.iter("{*}t", "{*}br")
                )
                if any(child.tag.endswith("}fld") and child.get("type") == "slidenum" for child in node):
                    continue
            else:
                text = node.text or ""
            if text := clean(text):
                yield text


def _joined(text: str) -> str:
    return f" {' '.join(_WORDS.findall(text.lower()))} "
