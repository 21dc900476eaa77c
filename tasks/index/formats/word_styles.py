"""What Word's styles and numbering make of a paragraph: the level of a title, the label of a list item as it is shown.

A style inherits from another; a list's numbers are counted while reading, so `Numbering.label` has to be called once
for each paragraph, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.index.formats.ooxml import attribute, local

_HEADING = re.compile(r"heading ([1-9])\b", re.IGNORECASE)
_NAMED_LEVELS = {"title": 1, "subtitle": 2, "toc heading": 1}
_DEEPEST = 9
_ROMAN = tuple(
    zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), "m cm d cd c xc l xl x ix v iv i".split(), strict=True)
)


def child(node: Any, name: str) -> Any | None:
    """Return the first child of a name, whatever its namespace."""
    return next((c for c in node if local(c) == name), None) if node is not None else None


def value(node: Any, *path: str) -> str:
    """Return the `val` of the element at a path of names below a node, "" when it is not there."""
    for name in path:
        node = child(node, name)
    return attribute(node, "val") if node is not None else ""


def is_on(switch: Any | None) -> bool:
    """Tell whether a switch such as `w:vanish` is there and not set to off."""
    return switch is not None and attribute(switch, "val", "1") not in {"0", "false", "off"}


@dataclass(frozen=True, slots=True)
class Look:
    """What a style says of its paragraphs: "" is nothing."""

    name: str = ""
    outline: str = ""
    list_id: str = ""
    list_level: str = ""


class Styles:
    """The paragraph styles of a document; `hiding` are the styles whose text Word does not show."""

    def __init__(self, root: Any | None) -> None:
        nodes = list(root.iterchildren("{*}style")) if root is not None else []
        self._nodes = {attribute(node, "styleId"): node for node in nodes}
        usual = (n for n in nodes if attribute(n, "default") in {"1", "true"} and attribute(n, "type") == "paragraph")
        self._default = next((attribute(n, "styleId") for n in usual), "")
        self._looks: dict[str, Look] = {}
        hiding = {key for key, node in self._nodes.items() if is_on(child(child(node, "rPr"), "vanish"))}
        self.hiding = {key for key in self._nodes if any(attribute(n, "styleId") in hiding for n in self._chain(key))}

    def look(self, properties: Any | None) -> Look:
        """Return the look of a paragraph with these properties (`w:pPr`); they override those of its style."""
        style = self._look(value(properties, "pStyle") or self._default)
        return Look(
            name=style.name,
            outline=value(properties, "outlineLvl") or style.outline,
            list_id=value(properties, "numPr", "numId") or style.list_id,
            list_level=value(properties, "numPr", "ilvl") or style.list_level,
        )

    def _look(self, key: str) -> Look:
        if key not in self._looks:
            chain = list(self._chain(key))
            properties = [child(node, "pPr") for node in chain]
            self._looks[key] = Look(
                name=value(chain[0], "name") if chain else key,
                outline=next(filter(None, (value(p, "outlineLvl") for p in properties)), ""),
                list_id=next(filter(None, (value(p, "numPr", "numId") for p in properties)), ""),
                list_level=next(filter(None, (value(p, "numPr", "ilvl") for p in properties)), ""),
            )
        return self._looks[key]

    def _chain(self, key: str) -> Iterator[Any]:
        seen: set[str] = set()
        while key in self._nodes and key not in seen:
            seen.add(key)
            yield self._nodes[key]
            key = value(self._nodes[key], "basedOn")

    def list_of(self, style: str) -> str:
        """Return the list that a numbering style stands for."""
        return value(child(self._nodes.get(style), "pPr"), "numPr", "numId")


def title_level(look: Look) -> int:
    """Return the level of a title, 0 for what is not one: by the built-in names, else by the level in the outline."""
    if match := _HEADING.match(look.name):
        return int(match.group(1))
    if look.name.lower() in _NAMED_LEVELS:
        return _NAMED_LEVELS[look.name.lower()]
    return int(look.outline) + 1 if look.outline in set("012345678") else 0


def is_listed(look: Look) -> bool:
    """Tell whether a paragraph is an item of a list."""
    return look.list_id not in {"", "0"} or look.name.lower().startswith("list")


class Numbering:
    """The lists of a document and how far each has counted."""

    def __init__(self, root: Any | None, styles: Styles) -> None:
        nodes = list(root) if root is not None else []
        self._styles = styles
        self._lists = {attribute(n, "numId"): n for n in nodes if local(n) == "num"}
        self._kinds = {attribute(n, "abstractNumId"): n for n in nodes if local(n) == "abstractNum"}
        self._counts: dict[str, dict[int, int]] = {}
        self._begun: set[tuple[str, int]] = set()

    def label(self, look: Look) -> str:
        """Return the label that Word shows before a paragraph, "" for none and for bullets; counts it."""
        found = self._lists.get(look.list_id)
        kind = self._kind(found, 0) if found is not None else None
        if found is None or kind is None:
            return ""
        level = int(look.list_level) if look.list_level.isdigit() else self._level_of_style(kind, look.name)
        if level >= _DEEPEST or self._definition(found, kind, level) is None:
            return ""
        self._count(found, kind, level)
        definition = self._definition(found, kind, level)
        if value(definition, "numFmt") in {"bullet", "none"}:
            return ""
        return re.sub(r"%([1-9])", lambda m: self._number(found, kind, int(m[1]) - 1), value(definition, "lvlText"))

    def _kind(self, found: Any, depth: int) -> Any | None:
        """Return the abstract list behind a list, by way of a numbering style where there is one."""
        kind = self._kinds.get(value(found, "abstractNumId"))
        style = value(kind, "numStyleLink") if kind is not None else ""
        if style and depth < 3 and (other := self._lists.get(self._styles.list_of(style))) is not None:
            return self._kind(other, depth + 1)
        return kind

    def _level_of_style(self, kind: Any, name: str) -> int:
        """Return the level that a paragraph style is linked to; the first when none is."""
        for level in kind.iterchildren("{*}lvl"):
            if (style := value(level, "pStyle")) and self._styles._look(style).name == name:
                return _whole(attribute(level, "ilvl"), 0)
        return 0

    def _definition(self, found: Any, kind: Any, level: int) -> Any | None:
        """Return how a level is written: the list's own way before that of its kind."""
        own = (child(o, "lvl") for o in self._overrides(found, level))
        theirs = (n for n in kind.iterchildren("{*}lvl") if attribute(n, "ilvl") == str(level))
        return next((n for n in (*own, *theirs) if n is not None), None)

    def _overrides(self, found: Any, level: int) -> Iterator[Any]:
        return (n for n in found.iterchildren("{*}lvlOverride") if attribute(n, "ilvl") == str(level))

    def _start(self, found: Any, kind: Any, level: int) -> int:
        told = [value(o, "startOverride") for o in self._overrides(found, level)]
        told.append(value(self._definition(found, kind, level), "start"))
        return next((_whole(text, 1) for text in told if text), 1)

    def _count(self, found: Any, kind: Any, level: int) -> None:
        """Count one more on a level; the levels below begin anew."""
        counts = self._counts.setdefault(attribute(kind, "abstractNumId"), {})
        key = (attribute(found, "numId"), level)
        anew = any(value(o, "startOverride") for o in self._overrides(found, level)) and key not in self._begun
        self._begun.add(key)
        counts[level] = self._start(found, kind, level) if anew or level not in counts else counts[level] + 1
        for deeper in [other for other in counts if other > level]:
            restart = value(self._definition(found, kind, deeper), "lvlRestart")
            if restart != "0" and (not restart or level < _whole(restart, 0)):
                del counts[deeper]

    def _number(self, found: Any, kind: Any, level: int) -> str:
        counts = self._counts[attribute(kind, "abstractNumId")]
        count = counts.get(level, self._start(found, kind, level))
        return written(count, value(self._definition(found, kind, level), "numFmt"))


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isdigit() and len(text) < 9 else otherwise


def written(number: int, style: str) -> str:
    """Return a number in one of Word's ways; those that spell it in words give digits."""
    if style in {"lowerLetter", "upperLetter"} and 0 < number <= 780:
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letters if style == "lowerLetter" else letters.upper()
    if style in {"lowerRoman", "upperRoman"} and 0 < number < 4000:
        letters = _roman(number)
        return letters if style == "lowerRoman" else letters.upper()
    if style == "decimalZero":
        return f"{number:02d}"
    return f"{number}°" if style == "ordinal" else "" if style in {"bullet", "none"} else str(number)


def _roman(number: int) -> str:
    letters = ""
    for size, letter in _ROMAN:
        letters += letter * (number // size)
        number %= size
    return letters
