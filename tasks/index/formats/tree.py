"""A view of an XML tree by local names, for readers of one vocabulary: real files use any prefix, or none.

A path is names joined by `/`; texts come out clean. What should be a number or a date and is not one is None, and its place is remembered in
`problems`, so that a reader can say what it left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tasks.index.formats.base import clean

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)")
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")


@dataclass(frozen=True, slots=True)
class Node:
    """An element; `problems` is shared by all nodes of a tree."""

    element: Any
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return local_name(self.element)

    def children(self, name: str = "") -> Iterator[Node]:
        """Yield child elements, all or those of a local name."""
        for child in self.element:
            if isinstance(child.tag, str) and (not name or local_name(child) == name):
                yield Node(child, self.problems)

    def all(self, path: str) -> list[Node]:
        """Return every element at a path below this one, in document order."""
        found = [self]
        for name in path.split("/"):
            found = [child for node in found for child in node.children(name)]
        return found

    def first(self, *paths: str) -> Node | None:
        """Return the first element at the first path that has one."""
        for path in paths:
            if found := self.all(path):
                return found[0]
        return None

    def text(self, *paths: str) -> str:
        """Return the text at the first path that has one, "" when none has."""
        for path in paths:
            for node in self.all(path) if path else [self]:
                if value := " ".join(clean(node.element.text or "").split()):
                    return value
        return ""

    def texts(self, path: str) -> list[str]:
        return [value for node in self.all(path) if (value := node.text(""))]

    def number(self, *paths: str) -> Decimal | None:
        """Return a decimal; a comma counts as the decimal point, as forms of the tax office write it."""
        value = self.text(*paths)
        if not value:
            return None
        if _NUMBER.fullmatch(compact := value.replace(" ", "")):
            try:
                return Decimal(compact.replace(",", "."))
            except InvalidOperation:  # longer than any amount
                pass
        self._problem(paths[-1], value, "number")
        return None

    def day(self, *paths: str) -> date | None:
        """Return a date: `2026-03-12`, `20260312`, with or without a time or an offset behind it."""
        value = self.text(*paths)
        if not value:
            return None
        if match := _DAY.match(value):
            try:
                return date(*(int(part) for part in match.groups()))
            except ValueError:
                pass
        self._problem(paths[-1], value, "date")
        return None

    def moment(self, path: str) -> datetime | None:
        value = self.text(path)
        if not value:
            return None
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self._problem(path, value, "time")
            return None

    def attribute(self, name: str) -> str:
        return clean(str(self.element.get(name) or ""))

    def _problem(self, path: str, value: str, what: str) -> None:
        if len(self.problems) < 20:
            self.problems.append(f"{path or self.name}: {value[:40]!r} is no {what} and was left out")


def local_name(element: Any) -> str:
    """Return a tag without its namespace, be it declared or only written as a prefix (a repaired file keeps `p:` in the name)."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2] if isinstance(tag, str) else ""
