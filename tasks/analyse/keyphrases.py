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
from typing import Any

import numpy as np

from infra.encoder import Encoder, Vectors
from tasks.analyse.sentences import Sentence
from tasks.analyse.summary import BOILERPLATE
from tasks.index.terms import STOP, analyse

COUNT = 15
RANKED = 60  # candidates that are embedded: some 300 tokens, so next to nothing
LONGEST = 4  # content words
TOO_ALIKE = 0.82

_TOKEN = re.compile(r"[^\W\d_]+(?:[-’'&][^\W\d_]+)*|\S")
_JOINTS = {
    "it": frozenset("di del della dello dei degli delle dell d a al alla per da dal in".split()),
    "en": frozenset("of".split()),
}
EMPTY = frozenset(
    """company companies year years fiscal quarter period periods date time number amount amounts percent million millions billion thousand
    total december january february march april may june july august september october november certain various following prior current
    related including included includes based due primarily respectively approximately compared result results new use used using well within
    first second third one two three per inc corp llc ltd ended ending end item items part note notes table page form set forth see however
    addition example generally particular order case also many several may might must shall would could upon
    whether among both either each every either because during while since between against above below further future general several three four
    month months day days number way means made make taken take given give subject applicable respect connection basis
    società anno anni esercizio periodo data euro mila milione milioni miliardi migliaia numero importo importi totale gennaio febbraio marzo
    aprile maggio giugno luglio agosto settembre ottobre novembre dicembre relativo relativa relativi relative seguente seguenti precedente
    pari circa base parte articolo art comma presente presenti stesso stessa stessi stesse altro altra altri altre primo prima secondo dopo
    entro ogni tutti tutte tutto ciascuno ciascuna nonché ovvero oppure mentre così già ancora solo molto oltre verso presso mediante tramite
    può possono deve devono viene vengono essere stato nota pag caso modo fine
    mesi mese giorno giorni volte senza fino invece infine dopo dunque quindi sede legale via""".split()
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """A key phrase as the document writes it most often, how often, its first page, and its weight 0 … 1."""

    text: str
    count: int
    page: int
    score: float

    def as_json(self) -> dict[str, Any]:
        return {"phrase": self.text, "count": self.count, "page": self.page, "score": round(self.score, 4)}


@dataclass(slots=True)
class _Candidate:
    forms: Counter[str]
    words: int
    page: int
    sentences: int = 0


def keyphrases(
    sentences: Sequence[Sentence], vectors: Vectors, encoder: Encoder, language: str, count: int = COUNT
) -> list[Phrase]:
    """The key phrases of a document, the weightiest first.

    Args:
        vectors: unit vectors of the sentences.
        language: `it` or `en`; any other is treated as English.
    """
    found = _candidates(sentences, language if language in STOP else "en")
    values = _c_values(found)
    best = sorted(values, key=lambda key: -values[key])[:RANKED]
    if not best:
        return []
    texts = [_form(found[key]) for key in best]
    embedded = encoder.encode(texts)
    near = embedded @ _centre(sentences, vectors)
    strength = np.log1p([values[key] for key in best]) / math.log1p(values[best[0]])
    weights = (0.65 * strength + 0.35 * (near - near.min()) / max(float(near.max() - near.min()), 1e-6)).astype(
        np.float32
    )
    order = _different(weights, embedded, best, count)
    return [Phrase(texts[i], sum(found[best[i]].forms.values()), found[best[i]].page, float(weights[i])) for i in order]


def _centre(sentences: Sequence[Sentence], vectors: Vectors) -> Vectors:
    prose = [index for index, sentence in enumerate(sentences) if sentence.prose]
    mean: Vectors = (vectors[prose] if prose else vectors).mean(axis=0)
    centre: Vectors = mean / max(float(np.linalg.norm(mean)), 1e-6)
    return centre


def _different(weights: Vectors, embedded: Vectors, keys: Sequence[str], count: int) -> list[int]:
    """Best first, without phrases that mean, or are contained in, what was chosen."""
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
    """The form that is written most often; a tie goes to the one in small letters."""
    return max(candidate.forms, key=lambda form: (candidate.forms[form], form.islower(), form))


def _candidates(sentences: Sequence[Sentence], language: str) -> dict[str, _Candidate]:
    """Runs of one to LONGEST content words by their stems."""
    found: dict[str, _Candidate] = {}
    for sentence in sentences:
        if BOILERPLATE.search(sentence.text):
            continue
        seen: set[str] = set()
        for form, words in _runs(sentence.text, language):
            key = analyse(form, language)
            if not key:
                continue
            entry = found.setdefault(key, _Candidate(Counter(), words, sentence.page))
            entry.forms[form] += 1
            entry.sentences += key not in seen
            seen.add(key)
    return found


def _runs(text: str, language: str) -> Iterator[tuple[str, int]]:
    """Every run within a stretch of content words and inner prepositions, with the number of its content words."""
    stretch: list[tuple[str, bool]] = []
    for token in [*_TOKEN.findall(text), "."]:
        lower = token.lower()
        joint = lower in _JOINTS[language] or (language == "it" and lower.endswith(("'", "’")))
        if joint and stretch:
            stretch.append((token, False))
        elif _content(token, language):
            stretch.append((token, True))
        else:
            yield from _within(stretch)
            stretch = []


def _content(token: str, language: str) -> bool:
    lower = token.lower()
    parts = re.split(r"[’']", lower)
    bare = parts[-1] if language == "it" else parts[0]  # dell'azienda → azienda; company's → company
    return (
        len(bare) > 2
        and bare.isascii() | bare.isalpha()
        and bare[0].isalpha()
        and bare not in STOP[language]
        and bare not in EMPTY
    )


def _within(stretch: Sequence[tuple[str, bool]]) -> Iterator[tuple[str, int]]:
    places = [index for index, (_, content) in enumerate(stretch) if content]
    for start, first in enumerate(places):
        for words, last in enumerate(places[start : start + LONGEST], 1):
            tokens = [token for token, _ in stretch[first : last + 1]]
            tokens[0] = re.sub(r"^\w{1,6}[’'](?=\w)", "", tokens[0])
            yield re.sub(r"(?<=[’']) ", "", " ".join(tokens)), words


def _c_values(found: dict[str, _Candidate]) -> dict[str, float]:
    """C-value of each candidate that occurs twice or, in a short text, once; single words weigh half."""
    total = sum(entry.forms.total() for entry in found.values())
    least = 1 if total < 2_000 else 2 if total < 20_000 else 4
    frequent = {key: entry for key, entry in found.items() if entry.forms.total() >= least}
    longer: dict[str, list[int]] = defaultdict(list)
    for key, entry in frequent.items():
        stems = key.split()
        parts = {" ".join(stems[i:j]) for i in range(len(stems)) for j in range(i + 1, len(stems) + 1)} - {key}
        for part in parts:
            longer[part].append(entry.forms.total())
    return {key: _c_value(entry, longer.get(key, ())) for key, entry in frequent.items()}


def _c_value(entry: _Candidate, longer: Sequence[int]) -> float:
    explained = sum(longer) / len(longer) if longer else 0.0
    length = math.log2(entry.words + 1) if entry.words > 1 else 0.5
    return max(0.0, length * (entry.forms.total() - explained))
