"""A document's running text as sentences with their pages: what is summarised, judged and embedded, once for all.

Tables, page heads and feet are left out, and lines that are not prose (contents, form fields, addresses) are marked. A
paragraph that a page break cuts in two is put together again. Rules instead of a model: a full stop is an end unless
an abbreviation, an initial or a number stands before it; the abbreviations are those of Italian and English business
papers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tasks.analyse.words import ABBREVIATIONS, SHORT_MONTHS
from tasks.readings import Sentence
from tasks.records import Element, Parsed

KINDS = {"text", "list", "caption"}
HEADING = 45  # characters: a line shorter than that was not broken by the width of the page
FORMS = frozenset({"fatturapa", "ubl", "cii", "sdi", "mt940", "camt", "pain", "ofx", "qif", "cbi", "lipe"})
"""Formats of records: their text is our rendering of fields, and nobody's prose to be judged or summarised."""

LONGEST = 1_200  # characters of one sentence: what is longer is a list without stops, cut at semicolons, then at words

_END = re.compile(r"""[.!?…]+["'»”’)\]]*(?=\s)""")
_BULLET = re.compile(r"^\s*(?:[•·▪◦‣–—*-]|\d{1,2}[.)]|[a-zA-Z][.)]|\([a-z0-9]{1,3}\))\s+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LEADERS = re.compile(r"\.{4,}|(?:\. ){4,}|_{4,}|…{2,}")
_FIELD = re.compile(r"^[\w /.’'-]{2,40}: ?\S")


def sentences_of(parsed: Parsed) -> list[Sentence]:
    """Return the sentences of a document in reading order; a line that repeats on three pages counts as a page head."""
    paragraphs = list(_paragraphs(parsed.elements))
    repeated, form = _repeated(paragraphs), parsed.format in FORMS
    return [
        Sentence(text, element.page, element.section, number, not form and is_prose(text))
        for number, element in enumerate(paragraphs)
        if element.text not in repeated
        for text in split(element.text)
    ]


def _paragraphs(elements: Sequence[Element]) -> Iterator[Element]:
    """Yield text elements, those that a page break cuts joined; nothing is joined across a title."""
    open_one: Element | None = None
    for element in elements:
        if element.kind == "title" and open_one:
            yield open_one
            open_one = None
        if element.kind not in KINDS or not element.text.strip():
            continue
        if open_one and _goes_on(open_one, element):
            open_one = replace(open_one, text=f"{open_one.text.rstrip()} {element.text.lstrip()}")
            continue
        if open_one:
            yield open_one
        open_one = element
    if open_one:
        yield open_one


def _goes_on(before: Element, after: Element) -> bool:
    first = after.text.lstrip()[:1]
    return (
        after.page == before.page + 1
        and first.islower()
        and before.text.rstrip()[-1:] not in ".!?:;"
        and after.kind != "caption"
    )


def _repeated(paragraphs: Sequence[Element]) -> set[str]:
    pages: dict[str, set[int]] = {}
    for element in paragraphs:
        if len(element.text) < 200:
            pages.setdefault(element.text, set()).add(element.page)
    return {text for text, on in pages.items() if len(on) >= 3}


def split(text: str) -> list[str]:
    """Return a paragraph's sentences, without bullets, blanks made one."""
    result = []
    for line in _lines(text):
        start = 0
        for match in _END.finditer(line):
            if _is_end(line, start, match):
                result.append(line[start : match.end()])
                start = match.end()
        result.append(line[start:])
    return [part for piece in result for part in _bounded(_BULLET.sub("", piece).strip()) if part]


def _lines(text: str) -> Iterator[str]:
    """Yield wrapped lines made one; a form field, a bullet and a heading (a short line without a stop) stand alone."""
    whole = ""
    for line in text.split("\n"):
        blank = " ".join(line.split())
        if whole and (_BULLET.match(blank) or _FIELD.match(blank) or _ends_alone(whole, blank)):
            yield whole
            whole = blank
        else:
            whole = f"{whole} {blank}".strip()
    yield whole


def _ends_alone(whole: str, after: str) -> bool:
    return len(whole) < HEADING and whole[-1] not in ".,;-" and after[:1].isupper()


def _is_end(line: str, start: int, match: re.Match[str]) -> bool:
    rest = line[match.end() :].lstrip()
    if not rest or rest[0].islower():
        return False
    if match[0][0] != ".":
        return True
    before = line[start : match.start()].rsplit(None, 1)[-1] if line[start : match.start()].strip() else ""
    word = before.lstrip("(«“\"'").lower()
    word = re.split(r"[’']", word)[-1]  # l'avv.
    if word in ABBREVIATIONS and (rest[0].isdigit() or len(word) < 6):
        return False
    if word in SHORT_MONTHS | {"no"} and rest[0].isdigit():
        return False
    if len(word) == 1 and word.isalpha():  # an initial, or a letter of an enumeration
        return False
    return not (word.isdigit() and match.start() - start <= 3)  # "1." opens a list item


def _bounded(sentence: str) -> Iterator[str]:
    """Yield a sentence in pieces of at most LONGEST characters, cut at semicolons where there are any."""
    rest = sentence
    while len(rest) > LONGEST:
        cut = max(rest.rfind("; ", 0, LONGEST), rest.rfind(" • ", 0, LONGEST)) + 1 or rest.rfind(" ", 0, LONGEST)
        cut = cut if cut > 0 else LONGEST
        yield rest[:cut].strip()
        rest = rest[cut:].strip()
    yield rest


def is_prose(text: str) -> bool:
    """Tell whether a line is running text: five words or more, mostly letters, no leaders, capitals or form field."""
    words = _WORD.findall(text)
    if len(words) < 5 or _LEADERS.search(text):
        return False
    field = _FIELD.match(text)
    if field and " " not in field[0][:-3] and len(words) < 12 and field[0][0].isupper():
        return False
    letters = sum(len(word) for word in words)
    capitals = sum(word[0].isupper() for word in words)
    if letters < 0.55 * len(text.replace(" ", "")) or capitals > 0.7 * len(words):
        return False
    return any(len(word) > 1 and word.islower() for word in words)
