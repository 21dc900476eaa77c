"""Plain text: paragraphs by empty lines, pages by form feeds, titles only where the typist marked them.

A title is a line that is underlined with `===` or `---`, one that stands alone in capitals, or a question with its answer
below it, as in lists of questions. Anything cleverer would make titles of the short paragraphs of a letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.index.decode import decode
from tasks.index.formats.base import Context, clean, load, title_of, with_sections
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("txt",)
VERSION = "2"
SAMPLES = {"txt": b"plain words"}

LONGEST_QUESTION = 250  # characters of a title that asks

_ITEM = re.compile(r"^(?:[-*•·–—]|\d{1,3}[.)]|[a-z][.)])\s+\S")
_RULE = re.compile(r"^(={3,}|-{3,}|~{3,})$")


def guess(look: Look) -> str:
    """Take every text that no reader before this one wants."""
    return "txt"


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a text file in whatever encoding it is."""
    pages = decode(load(source)).split("\f")
    elements = [
        element for number, page in enumerate(pages, start=1) for element in paragraphs(page, number, questions=True)
    ]
    return Parsed("txt", title_of(elements), "", max(1, len(pages)), with_sections(elements))


def paragraphs(text: str, page: int = 1, questions: bool = False) -> Iterator[Element]:
    """Yield the blocks of a text between empty lines, as titles, lists or prose.

    Args:
        questions: a question that begins a block is a title; in mails it is part of what is said.
    """
    for block in re.split(r"\n[ \t]*(?:\n[ \t]*)+", text.strip("\n")):
        lines = [line for line in clean(block).split("\n") if line]
        if not lines:
            continue
        if len(lines) >= 2 and _RULE.match(lines[1]):
            yield Element("title", lines[0], page, 1 if lines[1][0] == "=" else 2)
            lines = lines[2:]
        elif len(lines) == 1 and _is_capitals(lines[0]):
            yield Element("title", lines[0], page, 2)
            continue
        elif questions and len(lines) >= 2 and _asks(lines[0]):
            yield Element("title", lines[0], page, 2)
            lines = lines[1:]
        if lines:
            items = sum(bool(_ITEM.match(line)) for line in lines)
            yield Element("list" if 2 * items >= len(lines) and items else "text", "\n".join(lines), page)


def _asks(line: str) -> bool:
    """Return whether a line is one question and nothing else."""
    return line.endswith("?") and len(line) <= LONGEST_QUESTION and not re.search(r"[.?!] ", line)


def _is_capitals(line: str) -> bool:
    """Return a short line with some letters, none of them small, that does not end like a sentence."""
    letters = sum(character.isalpha() for character in line)
    return letters >= 4 and line.isupper() and len(line) <= 90 and not line.endswith((".", ",", ";"))
