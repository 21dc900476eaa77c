"""The words by which summaries, key phrases and sentences tell matter from form, Italian and English.

They stand in `wordings/words.csv` and `wordings/patterns.csv`, a word or an expression a row, so that they can be read and added to. None names
a firm or a trade: they hold for any business paper.
"""

from __future__ import annotations

import re

from tasks.wordings import load_table


def _any(name: str) -> re.Pattern[str]:
    """Return a pattern for any expression of a list, at the beginning of a word, in any case."""
    return re.compile(rf"\b(?:{'|'.join(row['pattern'] for row in _PATTERNS if row['list'] == name)})", re.IGNORECASE)


def _words(name: str) -> frozenset[str]:
    return frozenset(row["word"] for row in _WORDS if row["list"] == name)


_WORDS = load_table("tasks.analyse", "words.csv", ("list", "word"))
_PATTERNS = load_table("tasks.analyse", "patterns.csv", ("list", "pattern"))

ABBREVIATIONS = _words("abbreviations")
"""Before a full stop that ends no sentence."""

SHORT_MONTHS = _words("short_months")
BOILERPLATE = _any("boilerplate")
"""Caution, procedure and reference: true of every paper of its kind."""

MATTER = _any("matter")
"""What papers of business are about."""

HEADLINE = _any("headline")
"""The figures that a reader asks for first."""

FIGURE = re.compile(
    r"\d[\d.,]*\s?(?:%|percent|per cento|million|billion|milion|miliard|mila|euro|dollars)|[$€£]\s?\d", re.IGNORECASE
)
GOOD_SECTION = _any("good_section")
POOR_SECTION = _any("poor_section")
LEANING = _any("leaning")
"""First words of a sentence that needs the one before it."""

JOINTS = {"it": _words("joints_it"), "en": _words("joints_en")}
"""Prepositions inside a term: `portafoglio degli ordini`, `cost of sales`."""

EMPTY = _words("empty")
"""Words that are not a key phrase by themselves nor begin or end one."""

NOT_AT_EDGE = {
    "it": re.compile(
        r"(?!soft|hard|immobili|alimentar|cantier|gener|pian|italian|poter|affar|sanitar|metan|uman|urban)"
        r"\w{3,}(?:mente|iscono|iscano|ando|endo|ano|ono|are|ere|ire|arsi|ersi|irsi|erà|eranno)"
    ),
    "en": re.compile(
        r"(?!suppl|assembl|famil)\w{3,}ly|recorded|received|paid|sold|sends?|proposes?|shared|including|resulting"
    ),
}
"""Adverbs and verb forms, with which a term neither begins nor ends; the look-ahead names nouns that look like them."""

NOT_AT_END = {
    "it": re.compile(
        r"(?!mercat|risultat|fatturat|contribut|statut|istitut|semilavorat|sindacat|comunicat|entrat|consolidat|tribut|operat|privat)"
        r"\w{3,}(?:at[oaie]|ut[oaie]|isce|ende|onde|uce|iene)"
    ),
    "en": re.compile(r"\w{3,}ed"),
}
"""Participles may begin a term (`adjusted free cash flow`), not end it."""
