"""What a question for a figure asks: item, period, accounts of the group or of the firm alone, and the words that name the firm.

Words that only ask (`quanto`, `how much`) are left out. Every other word must name the firm: a word that nobody understood may be what the
question is about (`ricavi esclusi i servizi`, `revenue per employee`), and a value without it would be another one (`tasks/ask.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tasks.analyse.statements.match_labels import canonical, match_items
from tasks.analyse.statements.wordings import STATEMENTS
from tasks.collection import terms
from tasks.export.finance import BY_NAME, ITEMS
from tasks.query.matching import name_words

LONGEST = 8  # words of an item's wording
NO_WORD = "qqq"  # stands for any word
_QUARTERS = {
    word: n
    for n, words in enumerate(("primo first i", "secondo second ii", "terzo third iii", "quarto fourth iv"), 1)
    for word in words.split()
}
QUARTER = re.compile(
    rf"\bQ([1-4])\b|\b([1-4]|{'|'.join(_QUARTERS)})(?:°|º|o|st|nd|rd|th)? (?:trimestre|quarter)\b", re.IGNORECASE
)
YEAR = re.compile(r"(?<![\d.,])(?:FY[ -]?)?((?:19|20)\d\d)(?![\d.,]*\d)", re.IGNORECASE)
YEAR_END = re.compile(r"\b(?:31[ /.-](?:dicembre|december|dec|12)|(?:december|dec) 31(?:st)?)\b[,/.-]?", re.IGNORECASE)
WORD = re.compile(r"[^\W_]+(?:[.'’&-][^\W_]+)*")
POSSESSIVE = re.compile(r"['’]s\b")
ELISION = re.compile(
    r"\b(?:l|un|d|(?:d|n|qu|s)?[ae]ll|dall|coll|sull|quant|qual|com|dov|cos|c|s)['’](?=\w)", re.IGNORECASE
)

ASKING = frozenset(
    """quanto quanta quanti quante quant qual com ammonta ammontano ammontava ammontavano vale valgono valeva risulta risultano stato stati stata
    state fatto fatta fatti fatte avuto registrato realizzato conseguito incassato chiuso chiude dammi dimmi mostra mostrami vorrei voglio sapere
    fine anno annuo annui annua annuale esercizio bilancio societa azienda impresa valore importo cifra dato euro eur dollari usd soldi totale
    totali complessivo complessivi ultimo ultima presso durante pari sapere suo sua
    much many tell give show value amount figure year annual end ended fiscal company firm report reported hold held have made make earn earned
    total dollars latest last during""".split()
)
EVERYDAY = {
    "net_income": "utile utili guadagno guadagni profitto profitti profit profits earnings",
    "cash_and_equivalents": "cassa liquidita cash",
}
"""Words by which people ask for items that statements call by longer names."""
GROUP = frozenset("consolidato consolidati consolidata consolidate consolidated gruppo group".split())
ALONE = frozenset(
    "capogruppo controllante separato separati individuale civilistico parent standalone statutory".split()
)
SILENT = ASKING | GROUP | ALONE | {terms.fold(word) for stop in terms.STOP.values() for word in stop}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for.

    `item` is "" where no wording fits, `period` "" for the newest, `years` all that are named; `names` are the words that are left; `scope` is
    `consolidated`, `alone` or "" where the question does not say.
    """

    item: str
    period: str
    names: tuple[str, ...]
    years: tuple[int, ...] = ()
    scope: str = ""


def understand(question: str) -> Asked:
    """Split a question into item, period and the words that may name a firm."""
    years = tuple(sorted({int(year) for year in YEAR.findall(question)}))
    quarter = QUARTER.search(question)
    period = ""
    if years:
        number = _quarter(quarter) if quarter else 0
        period = f"{years[-1]}Q{number}" if number else f"FY{years[-1]}"
    text = YEAR.sub(" ", QUARTER.sub(" ", question)) if years else question
    text = POSSESSIVE.sub("", ELISION.sub(" ", YEAR_END.sub(" ", text)))
    words = WORD.findall(text)
    item, start, end = _item(words)
    said = {terms.fold(word) for word in words}
    scope = "alone" if said & ALONE else "consolidated" if said & GROUP else ""
    names = tuple(word for word in words[:start] + words[end:] if _is_name(terms.fold(word)))
    return Asked(item, period, names, years, scope)


def _quarter(match: re.Match[str]) -> int:
    found = (match[1] or match[2]).casefold()
    return _QUARTERS.get(found) or int(found)


def _is_name(word: str) -> bool:
    """Tell whether a word may name a firm: no legal form, and none that only asks."""
    asks = word in ASKING or word in GROUP or word in ALONE
    return (
        not asks and bool(name_words(word)) and not any(word in map(terms.fold, stop) for stop in terms.STOP.values())
    )


def _item(words: Sequence[str]) -> tuple[str, int, int]:
    """Find the longest run of words that is a wording of an item or the name of a metric, and its place."""
    for length in range(min(LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            if item := _item_of(words[start : start + length]):
                return item, start, start + _needed(words[start : start + length], item)
    return "", len(words), len(words)


def _needed(run: Sequence[str], item: str) -> int:
    """Return how many words of a run make the item: wordings with an open end take in what they do not say, such as the firm."""
    for length in range(1, len(run)):
        if _item_of(run[:length]) == item and _item_of([*run[:length], NO_WORD]) == item:
            return length
    return len(run)


def _item_of(words: Sequence[str]) -> str:
    label = canonical(" ".join(words))
    return METRIC_NAMES.get(label) or _of_statement(label) or _EVERYDAY.get(label, "")


def _of_statement(label: str) -> str:
    found = [(rank, item) for statement in STATEMENTS for item, rank in match_items(label, statement)]
    return min(found)[1] if label and found else ""


def _names(pairs: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, str]]:
    for name, wordings in pairs:
        for wording in (name.replace("_", " "), *wordings):
            yield canonical(wording), name


METRIC_NAMES = dict(_names((name, (measure.en, measure.it)) for name, measure in BY_NAME.items())) | dict(
    _names(ITEMS.items())
)
_EVERYDAY = {word: item for item, words in EVERYDAY.items() for word in words.split()}
