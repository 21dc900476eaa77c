"""What the styles of an OpenDocument text make of a paragraph: a title, a new page, an item of a list with its number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.index.formats.odf import OpenDocument
from tasks.index.formats.ooxml import attribute, local
from tasks.index.formats.word_styles import written

_TITLES = {"Title": 1, "Subtitle": 2}
_FORMATS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}


class OdfStyles:
    """The paragraph and list styles of a document."""

    def __init__(self, document: OpenDocument) -> None:
        roots = list(document.style_roots())
        self._paragraphs = {attribute(n, "name"): n for root in roots for n in root.iterchildren("{*}style")}
        self._lists = {attribute(n, "name"): n for root in roots for n in root.iterchildren("{*}list-style")}

    def _chain(self, name: str) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        while name in self._paragraphs and name not in seen:
            seen.add(name)
            yield name, self._paragraphs[name]
            name = attribute(self._paragraphs[name], "parent-style-name")

    def title_level(self, name: str) -> int:
        """Return the level of a paragraph in the style of a title, 0 in any other."""
        if name in _TITLES:
            return _TITLES[name]
        found = ([key, attribute(node, "parent-style-name")] for key, node in self._chain(name))
        return next((_TITLES[key] for keys in found for key in keys if key in _TITLES), 0)

    def raises(self, name: str) -> bool:
        """Tell whether characters in this style stand above the line."""
        nodes = (n for _, node in self._chain(name) for n in node.iterchildren("{*}text-properties"))
        place = next(filter(None, (attribute(node, "text-position") for node in nodes)), "")
        return place.startswith("super") or (place[:1].isdigit() and not place.startswith("0%"))

    def hidden(self, content: Any) -> int:
        """Return how many passages and sections of a document with text in them are not shown."""
        hiding = {
            name
            for name, node in self._paragraphs.items()
            if any(attribute(n, "display") == "none" for n in node.iterchildren("{*}text-properties"))
        }
        spans = (n for n in content.iter("{*}span", "{*}p", "{*}h") if attribute(n, "style-name") in hiding)
        sections = (n for n in content.iter("{*}section") if attribute(n, "display") in {"none", "condition"})
        found = (*spans, *sections, *content.iter("{*}hidden-text", "{*}hidden-paragraph"))
        return sum("".join(node.itertext()).strip() != "" for node in found)

    def begins_page(self, name: str) -> bool:
        """Tell whether a paragraph in this style begins a page."""
        own = self._paragraphs.get(name)
        if own is None:
            return False
        return any(attribute(n, "break-before") == "page" for n in own.iterchildren("{*}paragraph-properties"))

    def level(self, name: str, depth: int) -> Any | None:
        """Return how a list of this style is numbered at a depth, None with bullets or without anything."""
        for node in self._lists.get(name, ()):
            if local(node) == "list-level-style-number" and attribute(node, "level") == str(depth):
                return node
        return None


@dataclass(slots=True)
class ListNumbers:
    """The open lists: the style of the outermost, and how far each level has counted."""

    styles: OdfStyles
    style: str
    counts: list[int]

    def label(self, start: str) -> str:
        """Return the label of the next item on the innermost level.

        Args:
            start: the number that the item itself demands, "" for none.
        """
        depth = len(self.counts)
        level = self.styles.level(self.style, depth)
        if level is None:
            return ""
        first = attribute(level, "start-value", "1")
        if start.isdigit():
            self.counts[-1] = int(start)
        else:
            self.counts[-1] += 1 if self.counts[-1] else int(first) if first.isdigit() else 1
        shown = attribute(level, "display-levels", "1")
        levels = range(max(1, depth - int(shown) + 1), depth + 1) if shown.isdigit() else range(depth, depth + 1)
        numbers = (self._number(at) for at in levels)
        text = ".".join(number for number in numbers if number)
        return f"{attribute(level, 'num-prefix')}{text}{attribute(level, 'num-suffix')}" if text else ""

    def _number(self, depth: int) -> str:
        level = self.styles.level(self.style, depth)
        style = _FORMATS.get(attribute(level, "num-format")) if level is not None else None
        return written(max(1, self.counts[depth - 1]), style) if style else ""
