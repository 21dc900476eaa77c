"""Step 4: elements to chunks that the encoder reads whole.

A chunk ends where a title begins, where the page of a long document turns (so that a hit names one page), or where the next element would
not fit. What is longer than a chunk is split at sentences, then at words, then inside a word; a table is split between rows, with its
head rows repeated. Headers and footers of pages are left out. Every other word of the document is in some chunk, and no chunk is longer
than the encoder reads: both are tested with arbitrary text.

A chunk's context line says where it stands: document · section > subsection. Full-text search reads all of it; the encoder only the
document and the last heading, and that only where the text does not begin with it: a path of headings is a fifth of all tokens.

The encoder reads no amounts of tables and no marks between words (`tasks.records.as_read`). Lengths are its own tokens of what it reads.
Each piece is counted once; a chunk's length is the sum of its pieces: exact for WordPiece, which never joins across blanks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tasks.collection.chunks import heading_of
from tasks.records import SECTION, Chunk, Element, Parsed, as_read, unmarked

VERSION = "3"
SPECIAL_TOKENS = 4  # [CLS] and [SEP], and two for models that use more
CHARACTERS = 16  # of text for each token at the most; prose has four or five
LEAD_SHARE = 0.125  # of a chunk's tokens at the most
SKIPPED = {"header", "footer"}
HEAD_ROWS = 3  # most head rows of a table that are repeated
SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+|\n+")

Count = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    tokens: int
    page: int
    section: str
    kind: str
    starts: bool  # a chunk must begin here


def chunk(parsed: Parsed, path: str, count: Count, max_tokens: int) -> list[Chunk]:
    """Return the chunks of a document in reading order.

    Args:
        path: of the document; its file name is part of the context line.
        count: tokens of each text, without special tokens.
        max_tokens: most tokens of a chunk, its context line and the special tokens included.
    """
    heading = heading_of(parsed.title, path)
    body = [part for e in parsed.elements if e.kind not in SKIPPED and e.text.strip() for part in _by_page(e)]
    read = partial(_lengths, count, as_read)
    at_most = partial(_lengths, count, unmarked)  # whatever line it stands in later: an amount beside a word is read
    leads = _leads({element.section for element in body}, heading, read, int(max_tokens * LEAD_SHARE))
    room = {s: max(8, max_tokens - SPECIAL_TOKENS - tokens) for s, (_, tokens) in leads.items()}
    groups = _groups(_pieces(body, read, at_most, room), room)
    return [_finish(ordinal, group, heading, leads[group[-1].section][0]) for ordinal, group in enumerate(groups)]


def _by_page(element: Element) -> list[Element]:
    """Return a table that goes on over several pages, cut where they turn; its head rows are repeated on each."""
    pages = [element.page_of(row) for row in range(len(element.rows or ()))]
    if not element.rows or len(set(pages)) < 2:
        return [element]
    lines = [" | ".join(filter(None, row)) for row in element.rows]
    heads = lines[: _head_rows(lines)]
    parts = []
    for page in sorted(set(pages)):
        mine = [line for line, where in zip(lines, pages, strict=True) if where == page and line]
        text = "\n".join(mine if page == pages[0] else heads + mine)
        parts.append(replace(element, page=page, text=text, rows=None, boxes=None))
    return parts


def _lengths(count: Count, seen: Callable[[str], str], texts: Sequence[str]) -> list[int]:
    """Return tokens of what is seen of each text; no less than its length deserves, or a table of amounts would be one chunk."""
    lengths = count([seen(text) for text in texts])
    return [max(tokens, math.ceil(len(text) / CHARACTERS)) for tokens, text in zip(lengths, texts, strict=True)]


def _leads(sections: set[str], heading: str, count: Count, most: int) -> dict[str, tuple[str, int]]:
    """Return section → (document and last heading, tokens); too long a line loses words from its middle: both ends say most."""
    lines = {s: _joined(heading, s.rsplit(SECTION, 1)[-1]) for s in sections}
    result = {}
    for section, tokens in zip(lines, count(list(lines.values())) if lines else [], strict=True):
        line = lines[section]
        while tokens > most and line:
            words = line.split()
            middle = len(words) // 2
            line = " ".join(words[: middle // 2] + words[-(middle // 2) :]) if middle > 1 else ""
            tokens = count([line])[0]
        result[section] = (line, tokens + 2)  # 2: the line break may count as one in other tokenizers
    return result


def _joined(heading: str, section: str) -> str:
    return f"{heading} · {section}" if heading and section else heading or section


def _pieces(elements: Sequence[Element], read: Count, at_most: Count, room: dict[str, int]) -> Iterator[_Piece]:
    lengths = read([element.text for element in elements]) if elements else []
    for element, tokens in zip(elements, lengths, strict=True):
        whole = _Piece(element.text, tokens, element.page, element.section, element.kind, element.kind == "title")
        most = room[element.section]
        if tokens <= most:
            yield whole
        elif element.kind == "table":
            yield from _split_table(whole, read, at_most, most)
        else:
            yield from _split_text(whole, at_most, most)


def _split_table(piece: _Piece, read: Count, at_most: Count, most: int) -> Iterator[_Piece]:
    """Split between rows; the head rows (those before the first row with a number beside its label) are repeated in each part."""
    lines = piece.text.split("\n")
    lengths = read(lines)
    heads = _head_rows(lines)
    if sum(lengths[:heads]) > most // 3:
        heads = 0
    head, head_tokens = lines[:heads], sum(lengths[:heads])
    part, tokens = list(head), head_tokens
    shown = False  # the head rows, which are repeated beside rows only
    for line, length in zip(lines[heads:], lengths[heads:], strict=True):
        if length > most - head_tokens:
            if len(part) > heads or (heads and not shown):
                yield replace(piece, text="\n".join(part), tokens=tokens, starts=True)
                shown = True
            yield from _split_text(replace(piece, text=line, tokens=length, starts=True), at_most, most)
            part, tokens = list(head), head_tokens
        else:
            if tokens + length > most:
                yield replace(piece, text="\n".join(part), tokens=tokens, starts=True)
                shown = True
                part, tokens = list(head), head_tokens
            part.append(line)
            tokens += length
    if len(part) > heads or heads == len(lines):
        yield replace(piece, text="\n".join(part), tokens=tokens, starts=True)


def _head_rows(lines: Sequence[str]) -> int:
    for index, line in enumerate(lines[: HEAD_ROWS + 1]):
        cells = line.split(" | ")
        if any(re.search(r"\d", cell) and not re.search(r"\b(?:19|20)\d\d\b", cell) for cell in cells[1:]):
            return index if index <= HEAD_ROWS else 0
    return 0


def _split_text(piece: _Piece, count: Count, most: int) -> Iterator[_Piece]:
    """Yield sentences packed up to `most` tokens; a longer sentence is halved at blanks until it fits."""
    sentences = [part for part in SENTENCE_END.split(piece.text) if part.strip()]
    part: list[str] = []
    tokens = 0
    first = piece.starts
    for sentence, length in _halved(sentences, count, most):
        if part and tokens + length > most:
            yield replace(piece, text=" ".join(part), tokens=tokens, starts=first)
            part, tokens, first = [], 0, False
        part.append(sentence)
        tokens += length
    if part:
        yield replace(piece, text=" ".join(part), tokens=tokens, starts=first)


def _halved(texts: Sequence[str], count: Count, most: int) -> Iterator[tuple[str, int]]:
    """Yield every text with its length, those above `most` cut in two until they fit."""
    for text, length in zip(texts, count(list(texts)) if texts else [], strict=True):
        if length <= most:
            yield text, length
            continue
        words = text.split()
        if len(words) > 1:
            parts = [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])]
        else:
            parts = [text[: len(text) // 2], text[len(text) // 2 :]]
        yield from _halved(parts, count, most) if len(text) > 1 else [(text, most)]


def _groups(pieces: Iterator[_Piece], room: dict[str, int]) -> Iterator[list[_Piece]]:
    """Yield pieces that stand in one chunk: same page, same section, within the room; a title goes with what follows it."""
    group: list[_Piece] = []
    tokens = 0
    for piece in pieces:
        only_titles = all(p.kind == "title" for p in group)
        breaks = piece.starts and not only_titles
        # a title stands in the section above it: what follows it has the section that the title opens
        moved = group and (piece.page != group[-1].page or (piece.section != group[-1].section and not only_titles))
        if group and (breaks or moved or tokens + piece.tokens + 1 > min(room[p.section] for p in [*group, piece])):
            yield group
            group, tokens = [], 0
        group.append(piece)
        tokens += piece.tokens + (len(group) > 1)
    if group:
        yield group


def _finish(ordinal: int, group: Sequence[_Piece], heading: str, lead: str) -> Chunk:
    text = "\n".join(piece.text for piece in group)
    last = group[-1]
    title = last.section.rsplit(SECTION, 1)[-1]
    if title and text.startswith(title):
        lead = lead.removesuffix(title).removesuffix(" · ")
    kind = "table" if any(piece.kind == "table" for piece in group) else "text"
    tokens = sum(piece.tokens for piece in group)
    context = _joined(heading, last.section)
    return Chunk(ordinal, context, lead, text, group[0].page, last.page, last.section, kind, tokens)
