"""Whose accounts a document shows: the firm's name as the document itself states it.

In order: what its XBRL facts state, what a filing calls the exact name of the registrant, and the name with a legal form
(S.p.A., S.r.l., Inc., plc …) that its running headers, titles and first page name most often. Titles in the metadata
are often the program's or the office's that printed the file, so they count only where they hold such a name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tasks.analyse.statements.join_pages import FACTS
from tasks.records import Document, Element

_CONCEPTS = re.compile(
    r":(?:EntityRegistrantName|DatiAnagraficiDenominazione|"
    r"NameOfReportingEntityOrOtherMeansOfIdentification)$"
)
_WORD = r"(?:\d*[A-ZÀ-Ý][\w&.’'À-ÿ-]*|&)"
_JOINT = r"(?:d[ei]|del|della|dei|degli|delle|da|dal|e|ed|et|for|of|the|and|in|von|van)"
_FORM = (
    r"(?:(?i:S\.?\s?p\.?\s?A\.?|S\.?\s?r\.?\s?l\.?(?:s\.?)?|S\.n\.c\.?|S\.a\.s\.?|soc(?:iet[àa]|\.) coop(?:erativa|\.)?)|"
    r"Inc\.?|INC\.?|Corp(?:oration|\.)?|CORP(?:ORATION|\.)?|Company|COMPANY|Co\.|Ltd\.?|LTD\.?|Limited|LIMITED|PLC|plc|"
    r"LLC|L\.P\.|N\.V\.|AG|SE|GmbH|S\.A\.|& Co\.?)"
)
_NAMED = re.compile(rf"(?<![\w.])({_WORD}(?:\s(?:{_WORD}|{_JOINT})){{0,7}}?,?\s{_FORM})(?![\w])")
_REGISTRANT = re.compile(r"\(?\s*exact name of (?:the )?registrant", re.IGNORECASE)
_NO_NAMES = frozenset({"the company", "this company", "our company", "parent company", "a company", "holding company"})
_LETTERS = re.compile(r"[^\W\d_]{2}")
_PAGES = 2  # from the front that are searched for names
_LONGEST = 400  # characters of a text whose names count: a cover has short ones


def company_of(document: Document) -> str:
    """Find the name of the firm whose accounts a document shows, "" where it states none."""
    elements = document.parsed.elements
    return _stated(elements) or _registrant(elements) or _most_named(document)


def _stated(elements: Sequence[Element]) -> str:
    """Return the name among the XBRL facts: a concept in one cell, the name in another of its row."""
    for element in elements:
        if element.section == FACTS and element.rows:
            value = element.rows[0].index("value") if "value" in element.rows[0] else -1
            for row in element.rows[1:]:
                if _CONCEPTS.search(f":{row[0].rpartition(':')[2]}") and row[value].strip():
                    return row[value].strip()
    return ""


def _registrant(elements: Sequence[Element]) -> str:
    """Return the line above «(Exact name of registrant as specified in its charter)» on the cover of a filing."""
    above = ""
    for element in elements[:80]:
        match = _REGISTRANT.search(element.text)
        before = element.text[: match.start()] if match else element.text
        lines = [line.strip(" |_") for line in before.split("\n") if _LETTERS.search(line)]
        if match:
            name = lines[-1] if lines else above
            return name if len(name) <= 80 and not name.endswith((":", ";")) else ""
        above = lines[-1] if lines else above
    return ""


def _most_named(document: Document) -> str:
    votes: Counter[str] = Counter()
    shown: dict[str, Counter[str]] = {}
    for text, weight in _texts(document):
        for match in _NAMED.finditer(text):
            name = " ".join(match[1].split())
            if name.casefold() in _NO_NAMES:
                continue
            votes[name.casefold()] += weight
            shown.setdefault(name.casefold(), Counter())[name] += weight
    if not votes:
        return ""
    best = max(votes, key=lambda folded: votes[folded])
    return shown[best].most_common(1)[0][0]


def _texts(document: Document) -> Iterator[tuple[str, int]]:
    yield document.parsed.title, 2
    for element in document.parsed.elements:
        if element.kind in ("header", "footer"):
            yield element.text, 3
        elif element.page <= _PAGES and element.kind != "table" and len(element.text) <= _LONGEST:
            yield element.text, 3 if element.kind == "title" else 1
