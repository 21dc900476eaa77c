"""Statements that lie in a document as lines of text: plain text files, e-mails, recognised scans, undetected tables.

A run of lines of one page that end in numbers (`Total assets   1,234   5,678`) is cut into labels and numbers, with the
lines just above it as head. It is only asked for when the document's own tables hold no statement of a kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tasks.records import Element

_NUMBER = r"(?:[$€£]\s?)?(?:[-–—−]\s?)?\(?\s?(?:[$€£]\s?)?\d[\d.,'’]*\s?\)?%?|[-–—]"
_TAIL = re.compile(rf"^(?P<label>.*?[^\W\d_].*?)[\s.:|]+(?P<numbers>(?:{_NUMBER})(?:[\s|]+(?:{_NUMBER}))*)$")
_ONE = re.compile(_NUMBER)
_HEAD = re.compile(r"(?:19|20)\d\d")
_DATE_WORDS = re.compile(r"\b\d{1,2}\s*[,./-]|\b\d{1,2}\s+(?=[^\W\d])|[./-]\d{1,2}\b")
_LONGEST = 200
_FEWEST = 6
"""Lines with numbers that make a run worth reading as a table."""


def text_tables(elements: Sequence[Element]) -> list[tuple[int, Element]]:
    """Return tables made of text lines: the index of the first element of each run, and the table element."""
    found = []
    for page, indexes in _pages(elements).items():
        lines = [line.strip() for index in indexes for line in elements[index].text.split("\n") if line.strip()]
        rows = list(_rows(lines))
        if sum(len(row) > 1 for row in rows) >= _FEWEST:
            width = max(len(row) for row in rows)
            padded = tuple((*row, *([""] * (width - len(row)))) for row in rows)
            first = elements[indexes[0]]
            found.append((indexes[0], Element("table", "\n".join(lines), page, rows=padded, section=first.section)))
    return found


def _pages(elements: Sequence[Element]) -> dict[int, list[int]]:
    pages: dict[int, list[int]] = {}
    for index, element in enumerate(elements):
        if element.kind != "table":
            pages.setdefault(element.page, []).append(index)
    return pages


def _rows(lines: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield cells of each line: a head with years, a label with its numbers, or the words alone."""
    columns = 0  # years in the last head: what a line has beyond them belongs to its label
    for line in lines:
        match = _TAIL.match(line)
        years = _HEAD.findall(line)
        if is_head_line(line):
            columns = len(years)
            yield _head_row(line)
        elif match and len(match["label"]) < 110:
            cells = _cells(match["numbers"])
            extra = len(cells) - columns if columns else 0
            own = " ".join([match["label"].strip(" ."), *cells[: max(0, extra)]])  # `net of allowance of $20 and $30`
            yield (own, *cells[max(0, extra) :])
        else:
            yield (line[:200],)


def amounts_of(line: str) -> tuple[str, tuple[str, ...]]:
    """Return a line cut into its label and the amounts at its end; no amounts when it ends in words."""
    match = _TAIL.match(line) if len(line) <= _LONGEST else None  # on prose the pattern is slow
    return (match["label"].strip(" ."), tuple(_cells(match["numbers"]))) if match else (line, ())


def is_head_line(line: str) -> bool:
    """Tell whether a line holds years or dates and nothing numeric but years, days and the numbers of months."""
    if not _HEAD.search(line) or len(line) >= 90:
        return False
    rest = _DATE_WORDS.sub(" ", _HEAD.sub(" ", line))
    return not re.search(r"\d", rest)


def _cells(numbers: str) -> list[str]:
    return [cell.strip() for cell in _ONE.findall(numbers)]


def _head_row(line: str) -> tuple[str, ...]:
    """Return `December 31, 2019   December 31, 2018` or `(in millions) 2019 2018` as a label and one cell a year."""
    ends = [match.end() for match in _HEAD.finditer(line)]
    cells, start = [], 0
    for end in ends:
        cells.append(line[start:end].strip(" |"))
        start = end
    label = re.match(r"^(\([^)]*\)|[^\d]*?:)\s*", cells[0])
    return (label[1] if label else "", cells[0][label.end() :] if label else cells[0], *cells[1:])
