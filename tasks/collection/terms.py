"""The words of full-text search: folded, stemmed, without stop words.

LanceDB's full-text index knows one language a column; our documents mix two. So the analysis is done here and the index sees finished
terms: a chunk is stemmed in its own language (Italian, else English), a query in both, which finds either. Stems are marked with
nothing: an Italian and an English stem that look alike are one term, which for `bonus`, `marketing` or `budget` is right.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from tasks.collection import normal

VERSION = "3"
WORD = re.compile(r"[^\W_]+(?:[.,][0-9]+)*", re.UNICODE)  # keeps 1.234,56 in one piece, splits dell'azienda
LONGEST = 60  # characters: longer runs are keys and hashes, cut so that the index stays small

# articles, prepositions, pronouns, auxiliaries: the words that say nothing about what a passage is about
STOP = {
    "it": frozenset(
        """a ad ai agli al all alla alle allo anche avere aveva c che chi ci coi col come con cui d da dagli dai dal dall dalla dalle dallo
        degli dei del dell della delle dello di dove e è ed era erano essere fu furono gli ha hanno ho i il in io l la le lei li lo loro lui
        ma mi ne negli nei nel nell nella nelle nello noi non nostra nostre nostri nostro o per perché più qual quale quali quando quanta
        quante quanti quanto quella quelle quelli quello questa queste questi questo s se si sia siano sono sta stata stato su sua sue sugli
        sui sul sull sulla sulle sullo suo suoi tra fra tu un una uno vi voi""".split()
    ),
    "en": frozenset(
        """a about all also am an and any are as at be been being but by can could did do does doing for from had has have having he her
        here hers him his how i if in into is it its just me more most my no nor not of on only or other our out over own s same she should
        so some such t than that the their them then there these they this those to too under until up very was we were what when where
        which while who whom why will with would you your""".split()
    ),
}


def fold(text: str) -> str:
    """Lower case without accents: `Perché` → `perche`."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def analyse(text: str, language: str) -> str:
    """Return the terms of a passage in its order, separated by blanks; its dates and numbers of papers in one form follow."""
    closed = normal.grouped(text)
    words = [term for word in WORD.findall(closed) if (term := stem(word, language))]
    return " ".join([*words, *_exact(closed)])


def stem(word: str, language: str) -> str:
    """Return the term of one word; "" for a stop word."""
    return _term(word, language if language in STOP else "en")


def _exact(text: str) -> list[str]:
    """Return terms beside those of the words: dates in one form, numbers of papers whole."""
    if not any(sign.isdecimal() for sign in text):
        return []
    numbers = [code for code in normal.codes(text) if "/" in code or not code[0].isalpha()]
    return normal.dates(text) + numbers + normal.ibans(text)


def language_of(query: str) -> str:
    """Tell `it` or `en` for a few words: by their function words, else by how they end (Italian words end in a vowel)."""
    words = [word.casefold() for word in WORD.findall(query)]
    italian = sum(word in STOP["it"] and word not in STOP["en"] for word in words)
    english = sum(word in STOP["en"] and word not in STOP["it"] for word in words)
    if italian != english:
        return "it" if italian > english else "en"
    long = [fold(word) for word in words if len(word) > 2 and word.isalpha()]
    return "it" if sum(word[-1] in "aeiou" for word in long) > 0.7 * len(long) else "en"


def query_terms(text: str) -> list[str]:
    """Return the terms of a query in both languages, each once; a date is one term, and its year another."""
    found: dict[str, None] = {}
    closed = normal.grouped(text)
    for word in WORD.findall(normal.without_dates(closed)):
        stems = [_term(word, "it"), _term(word, "en")]
        if all(stems):  # a stop word of either language says nothing
            found.update(dict.fromkeys(stems))
    return list(
        found | dict.fromkeys(_exact(closed)) | dict.fromkeys(sorted(normal.variants(frozenset(normal.codes(closed)))))
    )


@lru_cache(maxsize=200_000)
def _term(word: str, language: str) -> str:
    lower = word.casefold()
    if lower in STOP[language]:
        return ""
    folded = fold(word)[:LONGEST]
    if folded[:1].isdigit():
        return normal.number(folded)
    return fold(str(_stemmer(language).stemWord(lower[:LONGEST])))


@lru_cache(maxsize=2)
def _stemmer(language: str) -> Any:
    import Stemmer

    return Stemmer.Stemmer({"it": "italian", "en": "english"}[language])
