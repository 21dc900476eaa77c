"""From blocks to elements: which blocks are headings, of which level, and under which section each element stands.

A heading is set off by larger type, by weight, by capitals or by its own number ("Item 7.", "Parte seconda"), it is
short and it does not end like a sentence. Weight counts only where the document is not bold throughout. Levels are
the ranks of the styles that are in use, so they have no holes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tasks.index.formats.base import with_sections
from tasks.index.formats.pdf_layout import Block
from tasks.records import Element, ElementKind

_NUMBERED = re.compile(
    r"^(?:(part|parte|titolo|chapter|capitolo)|(item|section|sezione|article|articolo|art\.|allegato|annex|exhibit|note|nota))"
    r"\s+(?:\d+[A-Z]?|[IVXL]+|prima|seconda|terza|quarta)\b\s*[.:)–—-]?",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_BODY = frozenset({"text", "list", "table"})
_MAX_WORDS = 24


def to_elements(blocks: Sequence[Block]) -> tuple[Element, ...]:
    """Return the document's elements with titles, levels and sections."""
    body = body_size(blocks)
    bold_counts = _bold_is_rare(blocks)
    ranks = [_rank(block, body, bold_counts) for block in blocks]
    levels = {rank: level for level, rank in enumerate(sorted({rank for rank in ranks if rank}), start=1)}
    return with_sections(
        Element(
            kind=_kind(block, rank),
            text=block.text,
            page=block.page,
            level=levels[rank] if rank else 0,
            rows=block.rows,
            boxes=block.boxes,
        )
        for block, rank in zip(blocks, ranks, strict=True)
    )


def _kind(block: Block, rank: int) -> ElementKind:
    return "title" if rank else block.kind


def body_size(blocks: Sequence[Block]) -> float:
    """Return the type size in points in which most of the running text is set; tables speak where there is little of it."""
    sizes: Counter[float] = Counter()
    for block in blocks:
        if block.kind in _BODY and block.size:
            weight = 1.0 if block.kind != "table" and block.lines > 1 else 0.3
            sizes[round(block.size * 2) / 2] += round(weight * len(block.text))
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _bold_is_rare(blocks: Sequence[Block]) -> bool:
    text = [block for block in blocks if block.kind in _BODY]
    return sum(len(block.text) for block in text if block.bold) < 0.4 * sum(len(block.text) for block in text)


def _rank(block: Block, body: float, bold_counts: bool) -> int:
    """Return 0 for running text, else the rank of a heading's style, 1 the highest."""
    if block.kind not in {"text", "list"} or block.lines > 4 or not _set_off(block.text):
        return 0
    ratio = block.size / body
    for rank, least in ((1, 1.8), (2, 1.4), (3, 1.14)):
        if ratio >= least and block.kind == "text":
            return rank
    if ratio < 0.85:
        return 0
    bold, caps = block.bold and bold_counts, block.text.isupper()
    numbered = _NUMBERED.match(block.text) if bold or caps or len(block.text.split()) <= 12 else None
    if numbered:
        return 4 if numbered.group(1) else 5
    if block.kind == "list" and not bold:
        return 0
    if bold and caps:
        return 6
    return 7 if bold else 8 if caps and block.lines <= 2 and len(_LETTER.findall(block.text)) > 4 else 0


def _set_off(text: str) -> bool:
    """Tell whether a text can be a heading at all: some letters, few words, no sentence's end."""
    words = text.split()
    if len(words) > _MAX_WORDS or len(_LETTER.findall(text)) < 3:
        return False
    return not text.endswith((",", ";")) and (not text.endswith(".") or len(words) <= 6)
