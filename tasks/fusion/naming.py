"""Which documents a question means, by what they are called: words of title and file name, and names on the first page.

A first page has many words, so of these only names and numbers count (the question writes them with a capital or a digit), and numbers only
beside a word: so `doc-1.pdf` is meant by the firm and the year on its first page, and no document by the year alone. A word weighs by its
rarity among the candidates: a fit of 1 is one word that a single document has. A document has one year of those that a question names.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tasks.collection import terms
from tasks.collection.chunks import heading_of

NAMED = 3  # most documents that a question means by name
FITTING = 0.8  # of the best fit: what still counts as meant
MOST = 3.0  # of a fit: more words of a name make nothing surer
SMALL = 0.4  # of its weight has a word that a question with names writes small: `fiscal year` names no firm
EARLIER = 0.5  # of its weight has a year beside a later one: the later report shows both
YEAR = re.compile(r"(?:19|20)\d\d")
NAME_WORD = re.compile(r"[^\W_]+")
NAME_PART = re.compile(r"[^\W\d_]+|\d+")
POSSESSIVE = re.compile(r"['’]s\b")

Row = Mapping[str, Any]
Terms = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Named:
    """How well each document's name fits (0 … MOST), and the few that are meant, best first."""

    fit: Mapping[str, float]
    best: list[str]


def named_documents(query: str, rows: Mapping[str, Row], first_pages: Mapping[str, str] | None = None) -> Named:
    """Compare the query's words with those by which documents are called.

    Args:
        rows: chunks by id, with `document_id`, `title` and `path`.
        first_pages: words by which documents name themselves there (`tasks/first_page.py`).
    """
    headings = {row["document_id"]: (row["title"], row["path"]) for row in rows.values()}
    names = {document: name_terms(heading_of(*heading)) for document, heading in headings.items()}
    pages = {document: name_terms(text) for document, text in (first_pages or {}).items()}
    proper = proper_terms(query)
    held = _held(names, pages, query_name_terms(query), proper)
    weights = _weights(Counter(term for found in held.values() for term in found), proper, len(names))
    fit = {document: min(MOST, sum(weights[term] for term in found)) for document, found in held.items()}
    top = max(fit.values(), default=0.0)
    order = sorted(fit, key=lambda document: (-fit[document], document))
    best = [document for document in order[:NAMED] if fit[document] >= FITTING * top] if top >= 1 else []
    return Named(fit, best)


def _held(names: Terms, pages: Terms, asked: frozenset[str], proper: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return the asked terms of each document: of its name and, if the question writes them as names, of its first page; one year."""
    held = {document: (own & asked) | (pages.get(document, frozenset()) & proper) for document, own in names.items()}
    if all(term[0].isdigit() for found in held.values() for term in found):
        held = {document: own & asked for document, own in names.items()}
    years = {document: sorted(term for term in found if YEAR.fullmatch(term)) for document, found in held.items()}
    return {document: found - set(years[document][:-1]) for document, found in held.items()}


def _weights(counts: Counter[str], proper: frozenset[str], documents: int) -> dict[str, float]:
    """Weigh terms by their rarity: 1 for what one document has; less for small words beside names, and for years before the last."""
    most = math.log(1 + documents)
    weights = {term: math.log(1 + documents / count) / most for term, count in counts.items()}
    if any(term in proper and not term[0].isdigit() for term in counts):
        weights = {term: weight if term in proper else SMALL * weight for term, weight in weights.items()}
    for year in sorted(term for term in counts if YEAR.fullmatch(term))[:-1]:
        weights[year] *= EARLIER
    return weights


@lru_cache(maxsize=10_000)  # the same few documents answer query after query; stemming their names took 12 ms of each
def name_terms(text: str) -> frozenset[str]:
    """Return terms of a name, words that letters and digits make up together also in parts: `10K`, `10`, `K`."""
    parts = (part for word in NAME_WORD.findall(text) for part in {word, *NAME_PART.findall(word)})
    return frozenset(term for part in parts if (term := terms.stem(part, "en")))


def proper_terms(query: str) -> frozenset[str]:
    """Return `query_name_terms` of the words of a query that are names or numbers by how they are written."""
    words = NAME_WORD.findall(POSSESSIVE.sub("", query))
    return query_name_terms(" ".join(w for w in words if not w[0].islower()))


def query_name_terms(query: str) -> frozenset[str]:
    """Return `name_terms` of a query, and its neighbours joined: files are called `rossibruni` and firms Rossi Bruni.

    Words that say nothing in either language are left out.
    """
    words = NAME_WORD.findall(POSSESSIVE.sub("", query))
    joined = {"".join(words[i : i + n]) for n in (2, 3) for i in range(len(words) - n + 1)}
    said = " ".join(word for word in words if terms.stem(word, "en") and terms.stem(word, "it"))
    return name_terms(said) | {terms.stem(word, "en") for word in joined}
