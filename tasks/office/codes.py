"""Codes of invoices and tax papers in words, Italian and English; the tables are data: `wordings/codes.csv`.

Sources of the lists: the Italian tax agency's technical specification of the e-invoice (types, natures, payments, funds, regimes),
UNTDID 1001 and 4461 and UNCL 5305 as EN 16931 uses them (types, payments and VAT categories of UBL and CII).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from tasks.wordings import load_table

List = Literal[
    "type", "nature", "payment", "terms", "withholding", "fund", "regime", "due", "exchange", "state", "reference"
]


@lru_cache(maxsize=1)
def _words() -> dict[tuple[str, str], dict[str, str]]:
    rows = load_table("tasks.office", "codes.csv", ("list", "code", "it", "en"))
    return {(row["list"], row["code"]): {"it": row["it"], "en": row["en"]} for row in rows}


def in_words(which: List, code: str, language: str = "it") -> str:
    """Return the words for a code, "" for one that the list does not have."""
    return _words().get((which, code), {}).get(language if language in {"it", "en"} else "en", "")


def with_words(which: List, code: str, language: str = "it") -> str:
    """Return `MP05 bonifico`: the code and its words, or the code alone."""
    return f"{code} {in_words(which, code, language)}".strip()


def known(which: List, code: str) -> bool:
    return (which, code) in _words()
