"""What HTML says by an element where plain text needs a sign: raised figures, formulas, what is filled into forms.

A note's mark behind a figure is no figure of it: `1.250<sup>2</sup>` is 1.250 with a note, or a power, and never 12502.
"""

from __future__ import annotations

from typing import Any

from tasks.index.formats.base import raised
from tasks.index.formats.markup import formula_text

_TYPED = frozenset({"", "text", "number", "date", "email", "tel", "url", "search", "month", "time", "datetime-local"})
_TICKED = frozenset({"checkbox", "radio"})


def write_signs(root: Any) -> None:
    """Put text into a tree of HTML for what its elements say."""
    for node in list(root.iter("math", "sup", "input")):
        if node.tag == "math":
            _say(node, f" {formula_text(node)} ")
        elif node.tag == "input":
            _say(node, _entry(node))
        else:
            text = "".join(node.itertext()).strip()
            if (shown := raised(_before(node), text)) != text:
                _say(node, shown)


def _say(node: Any, text: str) -> None:
    """Make a plain run of text of a node, wherever it stands."""
    tail = node.tail
    node.clear()
    node.tag, node.text, node.tail = "span", text, tail


def _entry(node: Any) -> str:
    """Return what a field of a form shows: its value, or whether it is ticked."""
    kind = (node.get("type") or "").lower()
    if kind in _TICKED:
        return " ☒ " if node.get("checked") is not None else " ☐ "
    return f" {node.get('value') or ''} " if kind in _TYPED else ""


def _before(node: Any) -> str:
    """Return the text right before a node."""
    previous = node.getprevious()
    if previous is None:
        return (node.getparent().text or "") if node.getparent() is not None else ""
    return previous.tail or "".join(previous.itertext())
