"""Step 4: elements to chunks that the encoder reads whole.

A chunk ends where a title begins, where the page of a long document turns (so that a hit names one page), or where the next element would
not fit. What is longer than a chunk is split at sentences, then at words, then inside a word; a table is split between rows, with its
head rows repeated. Headers and footers of pages are left out. Every other word of the document is in some chunk, and no chunk is longer
than the encoder reads: both are tested with arbitrary text.

A chunk's context line says where it stands: document · section > subsection. Full-text search reads all of it; the encoder only the
document and the last heading, and that only where the text does not begin with it: a path of headings is a fifth of all tokens.

The encoder reads no amounts of tables and no marks between words (`tasks.records.as_read`), and of an element with a gist only that.
Lengths are its own tokens of what it reads. Each piece is counted once; a chunk's length is the sum of its pieces: exact for WordPiece,
which never joins across blanks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tasks.collection.chunks import heading_of
from tasks.records import LONGEST_TITLE, SECTION, Chunk, Element, Parsed, as_read, unmarked

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
    gist: str | None
    tokens: int
    page: int
    section: str
    kind: str
    starts: bool  # a chunk must begin here

    @property
    def read(self) -> list[str]:
        """Return what the encoder reads of it: the lines of its gist, or its text as one."""
        if self.gist is None:
            return [as_read(self.text)]
        return [as_read(line) for line in self.gist.split("\n") if line.strip()]

    @property
    def lines(self) -> list[tuple[str, str | None]]:
        """Return each line with what is read of it."""
        texts = self.text.split("\n")
        gists = self.gist.split("\n") if self.gist is not None else []
        return list(zip(texts, gists if len(gists) == len(texts) else [None] * len(texts), strict=True))


def chunk(parsed: Parsed, path: str, count: Count, max_tokens: int) -> list[Chunk]:
    """Return the chunks of a document in reading order.

    Args:
        path: of the document; its file name is part of the context line.
        count: tokens of each text, without special tokens.
        max_tokens: most tokens of a chunk, its context line and the special tokens included.
    """
    heading = heading_of(parsed.title, path)
    body = [part for e in parsed.elements if e.kind not in SKIPPED and e.text.strip() for part in _by_page(e)]
    leads = _leads(body, heading, count, int(max_tokens * LEAD_SHARE))
    room = {s: max(8, max_tokens - SPECIAL_TOKENS - tokens) for s, (_, tokens) in leads.items()}
    groups = _groups(_pieces(body, count, room), room)
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
        parts.append(replace(element, page=page, text=text, rows=None, boxes=None, gist=None))
    return parts


def _lengths(count: Count, pairs: Sequence[tuple[str, str | None]]) -> list[int]:
    """Return tokens of what is read of (text, gist); no less than a text's length deserves, or a table of amounts would be one chunk."""
    lengths = count([as_read(text if gist is None else gist) for text, gist in pairs])
    return [max(tokens, math.ceil(len(text) / CHARACTERS)) for tokens, (text, _) in zip(lengths, pairs, strict=True)]


def _at_most(count: Count, texts: Sequence[str]) -> list[int]:
    """Return tokens of texts whatever line they stand in later: an amount beside a word is read."""
    lengths = count([unmarked(text) for text in texts])
    return [max(tokens, math.ceil(len(text) / CHARACTERS)) for tokens, text in zip(lengths, texts, strict=True)]


def _leads(body: Sequence[Element], heading: str, count: Count, most: int) -> dict[str, tuple[str, int]]:
    """Return section → (document and last heading, tokens); too long a line loses words from its middle: both ends say most.

    A heading with a gist stands for itself: it names the paper.
    """
    gists = {" ".join(e.text.split())[:LONGEST_TITLE]: e.gist for e in body if e.kind == "title" and e.gist}
    ends = {element.section: element.section.rsplit(SECTION, 1)[-1] for element in body}
    lines = {section: gists.get(end) or _joined(heading, end) for section, end in ends.items()}
    result = {}
    for section, tokens in zip(lines, _lengths(count, [(line, None) for line in lines.values()]), strict=True):
        line = lines[section]
        while tokens > most and line:
            words = line.split()
            middle = len(words) // 2
            line = " ".join(words[: middle // 2] + words[-(middle // 2) :]) if middle > 1 else ""
            tokens = _lengths(count, [(line, None)])[0]
        result[section] = (line, tokens + 2)  # 2: the line break may count as one in other tokenizers
    return result


def _joined(heading: str, section: str) -> str:
    return f"{heading} · {section}" if heading and section else heading or section


def _pieces(elements: Sequence[Element], count: Count, room: dict[str, int]) -> Iterator[_Piece]:
    lengths = _lengths(count, [(element.text, element.gist) for element in elements])
    for e, tokens in zip(elements, lengths, strict=True):
        whole = _Piece(e.text, e.gist, tokens, e.page, e.section, e.kind, e.kind == "title")
        most = room[e.section]
        if tokens <= most:
            yield whole
        elif e.kind == "table":
            yield from _split_table(whole, count, most)
        else:
            yield from _split_text(whole, count, most)


def _split_table(piece: _Piece, count: Count, most: int) -> Iterator[_Piece]:
    """Split between rows; the head rows (those before the first row with a number beside its label) are repeated in each part."""
    lines = piece.lines
    lengths = _lengths(count, lines)
    heads = _head_rows([text for text, _ in lines])
    if sum(lengths[:heads]) > most // 3:
        heads = 0
    head, head_tokens = lines[:heads], sum(lengths[:heads])
    part, tokens = list(head), head_tokens
    shown = False  # the head rows, which are repeated beside rows only
    for line, length in zip(lines[heads:], lengths[heads:], strict=True):
        if length > most - head_tokens:
            if len(part) > heads or (heads and not shown):
                yield _of_lines(piece, part, tokens)
                shown = True
            one = replace(piece, text=line[0], gist=line[1], tokens=length, starts=True)
            yield from _split_text(one, count, most)
            part, tokens = list(head), head_tokens
        else:
            if tokens + length > most:
                yield _of_lines(piece, part, tokens)
                shown = True
                part, tokens = list(head), head_tokens
            part.append(line)
            tokens += length
    if len(part) > heads or heads == len(lines):
        yield _of_lines(piece, part, tokens)


def _of_lines(piece: _Piece, lines: Sequence[tuple[str, str | None]], tokens: int) -> _Piece:
    """Return some lines of a table as a piece that begins a chunk."""
    gists = [gist for _, gist in lines if gist is not None]
    text = "\n".join(text for text, _ in lines)
    return replace(piece, text=text, gist="\n".join(gists) if gists else None, tokens=tokens, starts=True)


def _head_rows(lines: Sequence[str]) -> int:
    for index, line in enumerate(lines[: HEAD_ROWS + 1]):
        cells = line.split(" | ")
        if any(re.search(r"\d", cell) and not re.search(r"\b(?:19|20)\d\d\b", cell) for cell in cells[1:]):
            return index if index <= HEAD_ROWS else 0
    return 0


def _split_text(piece: _Piece, count: Count, most: int) -> Iterator[_Piece]:
    """Yield sentences packed up to `most` tokens; a longer sentence is halved at blanks until it fits.

    A gist that fits goes with the first part, and nothing is read of the others; one that is too long itself is given up.
    """
    gist = piece.gist if piece.gist is not None and count([as_read(piece.gist)])[0] <= most else None
    if gist is not None:
        parts = _packed(replace(piece, gist=""), _by_characters, most)
        yield from (replace(part, gist="" if number else gist) for number, part in enumerate(parts))
    else:
        yield from _packed(replace(piece, gist=None), partial(_at_most, count), most)


def _by_characters(texts: Sequence[str]) -> list[int]:
    return [math.ceil(len(text) / CHARACTERS) for text in texts]


def _packed(piece: _Piece, count: Count, most: int) -> Iterator[_Piece]:
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
    first = group[0]
    if title and text.startswith(title):
        lead = "" if first.gist == lead else lead.removesuffix(title).removesuffix(" · ")
    seen = [read for piece in group for read in piece.read]
    kind = "table" if any(piece.kind == "table" for piece in group) else "text"
    tokens = sum(piece.tokens for piece in group)
    context = _joined(heading, last.section)
    embedded = "\n".join([as_read(lead), *seen] if lead else seen)
    return Chunk(ordinal, context, text, embedded, first.page, last.page, last.section, kind, tokens)
