"""What people ask in accounting terms, and the words in which statements and notes answer.

A question about «capital expenditure» is answered by a line «Purchases of property, plant and equipment», one about the quick ratio by a
balance sheet that never says «quick ratio». A row of `wordings/asked.csv` has a phrase that is asked (in Italian or English, as whole
words), the wording where the answer stands, in the language of the phrase, and the captions of `captions.csv` that stand around it. It is
general accounting vocabulary: civil code, IFRS and US GAAP captions.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tasks.wordings import load_table

CAPTIONS = {row["caption"]: row["wording"] for row in load_table(__name__, "captions.csv", ("caption", "wording"))}
ENTRIES = tuple(
    (row["asked"], " ".join([row["wording"], *(CAPTIONS[name] for name in row["captions"].split())]).strip())
    for row in load_table(__name__, "asked.csv", ("asked", "wording", "captions"))
)
"""What is asked, and the wording of the answer with the captions of the statement that it stands in."""

WORD = re.compile(r"[^\W_]+(?:[&-][^\W_]+)*")


def wordings(question: str) -> str:
    """Return the wording of statements and notes that would answer the question, "" where the glossary has nothing to say."""
    text = f" {' '.join(WORD.findall(question.casefold()))} "
    found: dict[str, None] = {}
    for pattern, wording in _patterns():
        if pattern.search(text):
            found.update(dict.fromkeys(wording.split()))
    return " ".join(found)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(f" {_spaced(phrase)} "), wording) for phrase, wording in ENTRIES)


def _spaced(phrase: str) -> str:
    return re.escape(" ".join(WORD.findall(phrase)))
