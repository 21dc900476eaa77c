"""Counts of a text and how hard it is to read.

Gulpease (Italian): 89 + (300 · sentences − 10 · letters) / words. P. Lucisano, M. E. Piemontese, «GULPEASE: una
formula per la predizione della difficoltà dei testi in lingua italiana», Scuola e città 3 (1988). 0 hard … 100 easy;
below 40 hard even with a secondary school diploma.

Flesch reading ease (English): 206.835 − 1.015 · words / sentences − 84.6 · syllables / words. R. Flesch, «A new
readability yardstick», Journal of Applied Psychology 32 (1948). About 0 hard … 100 easy; below 30 university level.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tasks.readings import Sentence
from tasks.records import Parsed

ENOUGH_WORDS = 100  # below this a readability index says nothing: both were made on samples of about 100 words
_VOWELS = re.compile(r"[aeiouyàèéìòùáíóú]+")
_SILENT_E = re.compile(r"(?<=[^aeiouyl])e$|(?<=[aeiouy]l)e$|(?<=[^aeiouytd])e[ds]$")


def statistics(parsed: Parsed, sentences: Sequence[Sentence]) -> dict[str, Any]:
    """Return counts of the running text, and the readability index of the document's language where there is enough text."""
    words = [word for sentence in sentences for word in sentence.words]
    counts: dict[str, Any] = {
        "pages": parsed.pages,
        "words": len(words),
        "sentences": len(sentences),
        "characters": sum(len(sentence.text) for sentence in sentences),
        "paragraphs": len({sentence.element for sentence in sentences}),
        "tables": sum(element.kind == "table" for element in parsed.elements),
        "titles": sum(element.kind == "title" for element in parsed.elements),
        "words_per_sentence": round(len(words) / len(sentences), 1) if sentences else 0.0,
    }
    return counts | _readability(parsed.language, [s for s in sentences if s.prose])


def _readability(language: str, prose: Sequence[Sentence]) -> dict[str, float]:
    words = [word for sentence in prose for word in sentence.words]
    if len(words) < ENOUGH_WORDS:
        return {}
    if language == "it":
        return {"readability_gulpease": round(gulpease(words, len(prose)), 1)}
    if language == "en":
        return {"readability_flesch": round(flesch(words, len(prose)), 1)}
    return {}


def gulpease(words: Sequence[str], sentences: int) -> float:
    """Return the Gulpease index, 0 … 100."""
    letters = sum(char.isalpha() for word in words for char in word)
    return max(0.0, min(100.0, 89 + (300 * sentences - 10 * letters) / len(words)))


def flesch(words: Sequence[str], sentences: int) -> float:
    """Return Flesch reading ease, at most 100 and not below 0."""
    count = sum(syllables(word) for word in words)
    return max(0.0, min(100.0, 206.835 - 1.015 * len(words) / sentences - 84.6 * count / len(words)))


def syllables(word: str) -> int:
    """Return syllables of an English word, estimated by groups of vowels without a silent e; some words are off by one."""
    return max(1, len(_VOWELS.findall(_SILENT_E.sub("", word.lower()))))
