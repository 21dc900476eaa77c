"""The door to Unstructured: its partition functions called safely, its elements turned into ours.

Unstructured reads DOCX, PPTX and what pandoc turns into them (ODT, RTF) well: numbering, headings, notes,
headers and footers, tables. Three things have to be put right first, once a process:

- It splits sentences with spaCy's English model, which it downloads from GitHub at first use. A blank multilingual
  pipeline with a rule-based sentence splitter takes that place: no network, many times faster, and Italian is not
  judged by English verbs. (The verb test only told prose from titles by guessing; titles here come from styles alone.)
- It reports its use unless told not to.
- It keeps no column spans of HTML tables, which is why web pages do not come through here (see html.py).
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from infra.errors import DocumentError
from tasks.index.formats.base import clean, corrupt, table
from tasks.records import Element, ElementKind

_KINDS: dict[str, ElementKind] = {
    "ListItem": "list",
    "Header": "header",
    "Footer": "footer",
    "PageNumber": "footer",
    "FigureCaption": "caption",
}
_SKIPPED = frozenset({"PageBreak", "Image"})


@functools.cache
def _prepared() -> bool:
    """Telemetry off, and a local sentence splitter in place of the downloaded English model."""
    for name in ("DO_NOT_TRACK", "SCARF_NO_ANALYTICS", "UNSTRUCTURED_DISABLE_NOTICE"):
        os.environ[name] = "1"
    import spacy
    from unstructured.nlp import tokenize

    splitter = spacy.blank("xx")
    splitter.add_pipe("sentencizer")
    tokenize._get_nlp = lambda: splitter
    return True


def partition(kind: str, **options: Any) -> list[Any]:
    """The elements that `unstructured.partition.KIND.partition_KIND(**options)` makes.

    Raises:
        DocumentError: CORRUPT with the reader's own words; memory and deadline errors pass through.
    """
    _prepared()
    module = importlib.import_module(f"unstructured.partition.{kind}")
    try:
        return list(getattr(module, f"partition_{kind}")(**options, detect_language_per_element=False, languages=[""]))
    except (MemoryError, DocumentError):
        raise
    except Exception as error:  # the readers below raise whatever their XML library does
        raise corrupt(f"the file is damaged and cannot be read: {type(error).__name__}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message, at most 200 characters."""
    return (str(error).strip().splitlines() or [""])[0][:200]


def elements_of(items: Iterable[Any], deepest_title: int = 9) -> Iterator[Element]:
    """Our elements for Unstructured's.

    Args:
        items: Unstructured elements in reading order.
        deepest_title: titles below this depth are prose: in slides only depth 1 is the slide's own title, what
            Unstructured calls deeper titles are short lines of text.
    """
    for item in items:
        name = type(item).__name__
        page = item.metadata.page_number or 1
        if name in _SKIPPED:
            continue
        if name == "Table":
            found = table(rows_of(item.metadata.text_as_html or ""), page) or _plain("text", item.text, page)
        elif name == "Title":
            level = (item.metadata.category_depth or 0) + 1
            found = _plain("title" if level <= deepest_title else "text", item.text, page, level)
        else:
            found = _plain(_KINDS.get(name, "text"), item.text, page)
        if found:
            yield found


def _plain(kind: ElementKind, text: str, page: int, level: int = 0) -> Element | None:
    text = clean(text)
    return Element(kind, text, page, level if kind == "title" else 0) if text else None


def rows_of(markup: str) -> Sequence[Sequence[str]]:
    """The cells of Unstructured's HTML of a table (it has no spans; line breaks are `<br/>`)."""
    from lxml import html

    if not markup:
        return []
    root = html.fragment_fromstring(markup, create_parent="div")
    return [[" ".join(cell.itertext()) for cell in row.iterfind("./*")] for row in root.iter("tr")]
