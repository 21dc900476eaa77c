"""Documents made in the test, without a lake."""

from __future__ import annotations

from typing import Any

from tasks.records import Document, Element, Parsed


def paper(
    *parts: str | Element, language: str = "en", title: str = "", path: str = "/papers/one.txt", **more: Any
) -> Document:
    """A document of paragraphs (strings, or elements for anything else), each paragraph on a page of its own."""
    elements = tuple(part if isinstance(part, Element) else Element("text", part, i) for i, part in enumerate(parts, 1))
    parsed = Parsed("txt", title, language, max((e.page for e in elements), default=1), elements, **more)
    return Document("d1", "c", path, "hash", parsed)
