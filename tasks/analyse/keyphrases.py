"""Key phrases: the terms that a document is about, in its own words.

Candidates are runs of content words, in Italian with prepositions inside (`portafoglio ordini`, `collegio sindacale`,
`costo del venduto`). They are ranked by C-value (Frantzi, Ananiadou & Mima 2000: frequency times length, less what
longer terms explain), then the best by nearness to the document's centre in the encoder's space, and chosen so that
no two say the same.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from infra.encoder import Encoder, Vectors
from tasks.analyse.words import BOILERPLATE, EMPTY, JOINTS, NOT_AT_EDGE, NOT_AT_END
from tasks.collection.terms import STOP, analyse
from tasks.readings import Phrase, Sentence

COUNT = 15
RANKED = 60  # candidates that are embedded: some 300 tokens, so next to nothing
LONGEST = 4  # content words
TOO_ALIKE = 0.82

_TOKEN = {
    "it": re.compile(r"[^\W\d_]+[’']|[^\W\d_]+(?:[-&][^\W\d_]+)*|\S"),  # dell'utile is two words
    "en": re.compile(r"[^\W\d_]+(?:[-’'&][^\W\d_]+)*|\S"),
}
_FIELD_NAME = re.compile(r"^[\w /.’'-]{2,40}: (?=\S)")  # of a form or an XML tag: it names, it is not content
TITLED = 1.5  # what stands in titles too weighs so much more
FEW = 10  # sentences of prose below which form fields and fragments count too
SINGLE = 0.2  # of a single word: alone it says little


@dataclass(slots=True)
class _Candidate:
    forms: Counter[str]
    words: int
    page: int
    sentences: int = 0


def keyphrases(
    sentences: Sequence[Sentence],
    vectors: Vectors | None,
    encoder: Encoder,
    language: str,
    titles: Sequence[str] = (),
    count: int = COUNT,
) -> list[Phrase]:
    """Return the key phrases of a document, the weightiest first.

    Args:
        vectors: unit vectors of the sentences; None ranks by frequency and length alone, as is enough for a form.
        language: `it` or `en`; any other is treated as English.
        titles: the document's headings; what they speak of weighs more.
    """
    code = language if language in STOP else "en"
    found = _candidates(sentences, code)
    titled = {analyse(form, code) for title in titles for form, _ in _runs(title, code)}
    values = {key: value * (TITLED if key in titled else 1.0) for key, value in _c_values(found).items()}
    best = sorted(values, key=lambda key: -values[key])[:RANKED]
    if not best:
        return []
    texts = [_form(found[key]) for key in best]
    strength = (np.log1p([values[key] for key in best]) / math.log1p(values[best[0]])).astype(np.float32)
    if vectors is None:
        weights, embedded = strength, np.zeros((len(best), 1), np.float32)
    else:
        embedded = encoder.encode(texts)
        near = embedded @ _centre(sentences, vectors)
        closeness = (near - near.min()) / max(float(near.max() - near.min()), 1e-6)
        weights = (0.65 * strength + 0.35 * closeness).astype(np.float32)
    order = _different(weights, embedded, best, count)
    return [Phrase(texts[i], sum(found[best[i]].forms.values()), found[best[i]].page, float(weights[i])) for i in order]


def _centre(sentences: Sequence[Sentence], vectors: Vectors) -> Vectors:
    prose = [index for index, sentence in enumerate(sentences) if sentence.prose]
    mean: Vectors = (vectors[prose] if prose else vectors).mean(axis=0)
    centre: Vectors = mean / max(float(np.linalg.norm(mean)), 1e-6)
    return centre


def _different(weights: Vectors, embedded: Vectors, keys: Sequence[str], count: int) -> list[int]:
    """Choose the best first, without phrases that mean, or are contained in, what was chosen."""
    chosen: list[int] = []
    for index in map(int, np.argsort(-weights, kind="stable")):
        words = set(keys[index].split())
        alike = any(
            float(embedded[index] @ embedded[other]) > TOO_ALIKE
            or words <= (kept := set(keys[other].split()))
            or kept <= words
            for other in chosen
        )
        if not alike:
            chosen.append(index)
        if len(chosen) == count:
            break
    return chosen


def _form(candidate: _Candidate) -> str:
    """Return the form that is written most often; a tie goes to the one in small letters."""
    return max(candidate.forms, key=lambda form: (candidate.forms[form], form.islower(), form))


def _candidates(sentences: Sequence[Sentence], language: str) -> dict[str, _Candidate]:
    """Return runs of one to LONGEST content words by their stems."""
    found: dict[str, _Candidate] = {}
    scarce = sum(sentence.prose for sentence in sentences) < FEW
    for sentence in sentences:
        if BOILERPLATE.search(sentence.text) or not (sentence.prose or scarce):
            continue
        seen: set[str] = set()
        text = sentence.text if sentence.prose else _FIELD_NAME.sub("", sentence.text)
        for form, words in _runs(text, language):
            key = analyse(form, language)
            if not key:
                continue
            entry = found.setdefault(key, _Candidate(Counter(), words, sentence.page))
            entry.forms[form] += 1
            entry.sentences += key not in seen
            seen.add(key)
    return found


def _runs(text: str, language: str) -> Iterator[tuple[str, int]]:
    """Yield every run within a stretch of content words and inner prepositions, with the number of its content words."""
    stretch: list[tuple[str, bool]] = []
    for token in [*_TOKEN[language].findall(text), "."]:
        if stretch and token.lower().rstrip("’'") in JOINTS[language]:
            stretch.append((token, False))
        elif _content(token, language):
            stretch.append((token, True))
        else:
            yield from _within(stretch, language)
            stretch = []


def _content(token: str, language: str) -> bool:
    """Return a word that says something; in English without its possessive ending."""
    lower = re.split(r"[’']", token.lower())[0]
    return len(lower) > 2 and token[-1] not in "’'" and lower[0].isalpha() and lower not in STOP[language] | EMPTY


def _within(stretch: Sequence[tuple[str, bool]], language: str) -> Iterator[tuple[str, int]]:
    places = [index for index, (_, content) in enumerate(stretch) if content]
    capital = [stretch[index][0][0].isupper() for index in places]
    barred = [bool(NOT_AT_EDGE[language].fullmatch(stretch[index][0].lower())) for index in places]
    open_end = [bool(NOT_AT_END[language].fullmatch(stretch[index][0].lower())) for index in places]
    for start, first in enumerate(places):
        for end in range(start, min(start + LONGEST, len(places))):
            if barred[start] or barred[end] or open_end[end]:
                continue
            if not (_cut_name(places, capital, start) or _cut_name(places, capital, end + 1)):
                tokens = [token for token, _ in stretch[first : places[end] + 1]]
                tokens[-1] = re.sub(r"[’']s$", "", tokens[-1])
                yield re.sub(r"(?<=[’']) ", "", " ".join(tokens)), end - start + 1


def _cut_name(places: Sequence[int], capital: Sequence[bool], at: int) -> bool:
    """Tell whether a cut before the word `at` would go through a name: two words with capitals side by side."""
    return 0 < at < len(places) and capital[at - 1] and capital[at] and places[at] == places[at - 1] + 1


def _c_values(found: dict[str, _Candidate]) -> dict[str, float]:
    """Return C-value of each candidate that is frequent enough for the length of the text."""
    total = sum(entry.forms.total() for entry in found.values())
    least = 1 if total < 2_000 else 2 if total < 20_000 else 4
    frequent = {key: entry for key, entry in found.items() if _enough(entry, least)}
    longer: dict[str, list[int]] = defaultdict(list)
    for key, entry in frequent.items():
        stems = key.split()
        parts = {" ".join(stems[i:j]) for i in range(len(stems)) for j in range(i + 1, len(stems) + 1)} - {key}
        for part in parts:
            longer[part].append(entry.forms.total())
    return {key: _c_value(entry, longer.get(key, ())) for key, entry in frequent.items()}


def _enough(entry: _Candidate, least: int) -> bool:
    """Return what is written only once is a term only if it is short: long runs of words are half a sentence."""
    count = entry.forms.total()
    return count >= least and (count > 1 or 1 < entry.words < LONGEST - 1)


def _c_value(entry: _Candidate, longer: Sequence[int]) -> float:
    explained = sum(longer) / len(longer) if longer else 0.0
    length = math.log2(entry.words + 1) if entry.words > 1 else SINGLE
    return max(0.0, length * (entry.forms.total() - explained))
