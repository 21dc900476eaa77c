"""Entities that rules find surely: what has check digits, a currency, a calendar or a format of its own.

VAT numbers, codici fiscali and IBANs are taken only when their check digits are right, amounts only with a currency,
dates only when there is such a day and its order of day and month is beyond doubt. Names of persons and firms are left
to models. Amounts alone in the cells of tables are figures, which the statements and the analysis `tables` give. Each
entity has its normalised value, the text as first found with the words around it, its first page and how often it
occurs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tasks.analyse.find_amounts import find_amounts, find_percentages
from tasks.analyse.find_dates import find_dates, first_of_dates
from tasks.analyse.find_identifiers import (
    find_domains,
    find_eins,
    find_emails,
    find_ibans,
    find_labelled,
    find_tax_codes,
    find_vat_numbers,
)
from tasks.analyse.statements.prepare_tables import document_mark
from tasks.analyse.statements.read_numbers import Mark
from tasks.readings import Entity, Value
from tasks.records import Element, Parsed

MOST = 200  # entities of one kind in a result, the most frequent ones; the counts say how many there are
AROUND = 70  # characters on either side of an entity that say what it is about

_WORD = re.compile(r"[^\W\d_]{3}")
_FIGURES = frozenset({"amount", "percentage"})
_CLAUSE = re.compile(r"[.;:!?]\s|\n| \| ")


@dataclass(frozen=True, slots=True)
class Style:
    """How a document writes: its decimal sign, and whether its numeric dates put "day" or "month" first, or ""."""

    mark: Mark
    first: str


def entities(parsed: Parsed) -> tuple[list[Entity], dict[str, int]]:
    """Find the entities of a document.

    Returns:
        The entities by first appearance, at most MOST a kind, and how many different ones a kind has.
    """
    texts = (element.text for element in parsed.elements if element.text)
    how = Style(document_mark(parsed.elements, parsed.language), first_of_dates(texts, parsed.language))
    firsts: dict[tuple[str, Value, str], Entity] = {}
    counts: Counter[tuple[str, Value, str]] = Counter()
    for element in parsed.elements:
        for found in _of_element(element, how):
            key = (found.kind, found.value, found.currency)
            counts[key] += 1
            firsts.setdefault(key, found)
    totals = Counter(kind for kind, _, _ in counts)
    kept = {key for kind in totals for key in _most_frequent(counts, kind)}
    rows = [replace(entity, count=counts[key]) for key, entity in firsts.items() if key in kept]
    return rows, dict(totals)


def _most_frequent(counts: Counter[tuple[str, Value, str]], kind: str) -> list[tuple[str, Value, str]]:
    return sorted((key for key in counts if key[0] == kind), key=lambda key: -counts[key])[:MOST]


def _of_element(element: Element, how: Style) -> Iterator[Entity]:
    """Yield the entities of an element with page and surroundings; cells of a table that hold no words give no figures."""
    for found in find(element.text, how):
        if element.rows is None or found.kind not in _FIGURES:
            yield replace(found, page=element.page, about=around(element.text, found))
    for number, row in enumerate(element.rows or ()):
        page, about = element.page_of(number), " | ".join(cell for cell in row if cell)[: 2 * AROUND]
        for cell in row:
            for found in find(cell, how) if _WORD.search(cell) else ():
                if found.kind in _FIGURES and _WORD.search(cell.replace(found.text, "")):
                    yield replace(found, page=page, about=about)
    for found in find_labelled(element.rows or ()):
        yield replace(found, page=element.page)


def find(text: str, how: Style) -> Iterator[Entity]:
    """Find the entities of one text, each occurrence."""
    for finder in (find_emails, find_domains, find_ibans, find_tax_codes, find_vat_numbers, find_eins):
        yield from finder(text)
    yield from find_dates(text, how.first)
    yield from find_amounts(text, how.mark)
    yield from find_percentages(text, how.mark)


def around(text: str, entity: Entity) -> str:
    """Return the words of the clause in which an entity stands, cut at whole words."""
    start, end = entity.start, entity.start + len(entity.text)
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    cuts = list(_CLAUSE.finditer(before))
    before = before[cuts[-1].end() :] if cuts else before.split(" ", 1)[-1] if start > AROUND else before
    cut = _CLAUSE.search(after)
    after = after[: cut.start()] if cut else after.rsplit(" ", 1)[0] if end + AROUND < len(text) else after
    return " ".join(f"{before}{text[start:end]}{after}".split())
