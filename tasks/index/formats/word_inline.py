"""The inside of a Word paragraph: its words as they are shown, and what hangs on it (boxes, charts, page breaks).

Everything that merely wraps text is looked through where it stands: content controls, insertions, moves, fields, smart
tags, hyperlinks. What was deleted or moved away goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tasks.index.formats.base import raised
from tasks.index.formats.ooxml import attribute, local
from tasks.index.formats.word_styles import child, value

_GONE = frozenset(
    "del moveFrom delText delInstrText instrText fldData pPr rPr sdtPr sdtEndPr customXmlPr smartTagPr ctrlPr rubyPr".split()
)
_SIGNS = {"noBreakHyphen": "-", "tab": " ", "ptab": " ", "cr": "\n", "br": "\n"}
_SYMBOLS = dict(zip("F0FE F0FD F0A8 F0FC F0FB F0A7 F0B7 F0E0 F052 F0A3 F06F F0D8".split(), "☒☒☐✓✗▪•→☑☐☐➢", strict=True))
"""Signs of the Wingdings fonts that people write with: boxes ticked and empty, bullets, arrows."""
_ANCHORED = frozenset({"txbxContent", "chart", "relIds", "blip", "imagedata"})


@dataclass(slots=True)
class Inline:
    """What a paragraph is made of: its text, the nodes that hang on it, and the page breaks that Word saved in it.

    `breaks_before` are the breaks before its first word, `breaks` all of them.
    """

    pieces: list[str] = field(default_factory=list)
    anchored: list[Any] = field(default_factory=list)
    breaks_before: int = 0
    breaks: int = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def inline(paragraph: Any, break_tag: str) -> Inline:
    """Read a paragraph.

    Args:
        paragraph: `w:p`.
        break_tag: what counts as a page break: `lastRenderedPageBreak`, or `br` where Word saved none of these.
    """
    found = Inline()
    _walk(paragraph, found, break_tag)
    return found


def _walk(node: Any, found: Inline, break_tag: str) -> None:
    for item in node:
        tag = local(item)
        if tag in _GONE or not tag or (tag == "rubyBase" and item.getprevious() is not None):
            continue
        if tag == break_tag and (tag != "br" or attribute(item, "type") == "page"):
            found.breaks += 1
            found.breaks_before += not found.text.strip()
        if tag in _ANCHORED:
            found.anchored.append(item)
        elif tag == "t":
            found.pieces.append(_run_text(item, found))
        elif tag in _SIGNS:
            found.pieces.append(_SIGNS[tag])
        elif tag == "sym":
            found.pieces.append(_symbol(item))
        elif tag == "fldChar" and (data := child(item, "ffData")) is not None:
            found.pieces.append(_form_value(data))
        elif tag == "textpath":
            found.pieces.append(f" {attribute(item, 'string')} ")
        elif tag == "rt":
            _reading(item, found, break_tag)
        elif tag in {"f", "sSup", "rad"}:
            _formula(item, tag, found, break_tag)
        else:
            _walk(item, found, break_tag)


def _reading(node: Any, found: Inline, break_tag: str) -> None:
    """Put the reading of characters behind them in brackets: Word writes it first (`w:ruby`)."""
    base = next(node.getparent().iterchildren("{*}rubyBase"), None)
    if base is not None and node.getnext() is not None:
        _walk(base, found, break_tag)
    inner = Inline()
    _walk(node, inner, break_tag)
    if inner.text.strip():
        found.pieces.append(f"({inner.text.strip()})")


def _run_text(node: Any, found: Inline) -> str:
    """Return the text of a run; figures raised behind a figure stay raised: 1.250 with a note 2 is not 1.2502, nor 10² 102."""
    text = node.text or ""
    if text.strip().isdigit() and value(child(node.getparent(), "rPr"), "vertAlign") == "superscript":
        return raised(found.pieces[-1] if found.pieces else "", text)
    return text


def _symbol(node: Any) -> str:
    code = attribute(node, "char").upper()
    if code in _SYMBOLS:
        return _SYMBOLS[code]
    number = int(code, 16) if code and all(c in "0123456789ABCDEF" for c in code) and len(code) <= 5 else 0
    return chr(number) if number and not 0xE000 <= number <= 0xF8FF else ""


def _form_value(data: Any) -> str:
    """Return what a form's box or list is set to; what was typed into a form is text anyway."""
    if (box := child(data, "checkBox")) is not None:
        told = child(box, "checked") if child(box, "checked") is not None else child(box, "default")
        return "☒" if told is not None and attribute(told, "val", "1") not in {"0", "false"} else "☐"
    if (entries := child(data, "ddList")) is not None:
        names = [attribute(node, "val") for node in entries if local(node) == "listEntry"]
        chosen = value(entries, "result") or value(entries, "default") or "0"
        return names[int(chosen)] if chosen.isdigit() and int(chosen) < len(names) else ""
    return ""


def _formula(node: Any, tag: str, found: Inline, break_tag: str) -> None:
    """Write fractions with a stroke, powers with a caret, roots with their sign; what is more than one figure in brackets."""
    parts = []
    for part in (p for p in node if local(p) in {"num", "den", "e", "sup"}):
        inner = Inline()
        _walk(part, inner, break_tag)
        parts.append(inner.text if re.fullmatch(r"\w*", inner.text) else f"({inner.text})")
    found.pieces.append({"f": "/", "sSup": "^"}.get(tag, "").join(parts) if tag != "rad" else "√" + "".join(parts))
