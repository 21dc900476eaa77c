"""An extractive summary: the sentences that stand for the rest, none twice, with their pages.

Centrality is that of continuous LexRank's first step (Erkan & Radev, JAIR 22, 2004): a sentence's mean similarity to
all others, which for unit vectors is one product with their mean and so costs nothing for long documents. What
business papers add: sentences near the beginning of the document and of a section weigh more, so do those that state
results or decisions with figures; cautionary and procedural boilerplate is left out. The choice is by maximal
marginal relevance (Carbonell & Goldstein, SIGIR 1998), so that five sentences say five things. They are given in
reading order, word for word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from infra.encoder import Vectors
from tasks.analyse.words import BOILERPLATE, FIGURE, GOOD_SECTION, HEADLINE, LEANING, MATTER, POOR_SECTION
from tasks.readings import Sentence

COUNT = 5
WORDS = (8, 55)  # of a sentence that can stand for itself
COMFORTABLE = 38  # words from which a sentence is hard to take in
DIVERSITY = 0.35  # weight of not repeating what was chosen
TOO_ALIKE = 0.9  # cosine above which two sentences say the same

Weights = npt.NDArray[np.float32]


def summarise(sentences: Sequence[Sentence], vectors: Vectors, title: str = "", count: int = COUNT) -> list[Sentence]:
    """Return at most `count` sentences in reading order; fewer where the document has fewer that are prose.

    Args:
        vectors: unit vectors of the sentences, [sentences, dimension].
        title: of the document; its words weigh.
    """
    usable = candidates(sentences)
    if len(usable) <= count:
        return [sentences[index] for index in usable]
    weights = relevance([sentences[index] for index in usable], vectors[usable], len(sentences), usable, title)
    chosen = select(weights, vectors[usable], count)
    return [sentences[usable[index]] for index in sorted(chosen)]


def candidates(sentences: Sequence[Sentence]) -> list[int]:
    """Return indices of sentences that can stand alone; without the boilerplate, unless nothing else is there."""
    seen: set[str] = set()
    whole = []
    for index, sentence in enumerate(sentences):
        text = sentence.text
        if sentence.prose and WORDS[0] <= len(sentence.words) <= WORDS[1] and text not in seen and stands_alone(text):
            seen.add(text)
            whole.append(index)
    substantial = [index for index in whole if not BOILERPLATE.search(sentences[index].text)]
    if len(substantial) >= COUNT:
        return substantial
    return whole or [index for index, sentence in enumerate(sentences) if sentence.prose]


def stands_alone(text: str) -> bool:
    """Tell whether a sentence begins and ends as one, and does not lean on the one before it."""
    first = text.lstrip("«“\"'")[:1]
    return (first.isupper() or first.isdigit()) and text.rstrip("»”\"')")[-1:] in ".!?;" and not LEANING.match(text)


def relevance(
    sentences: Sequence[Sentence], vectors: Vectors, total: int, places: Sequence[int], title: str
) -> Weights:
    """Return how much each candidate stands for the document, about 0 … 1; `places` are indices among `total` sentences."""
    centre = vectors.mean(axis=0)
    central = _scaled(vectors @ centre)
    at = np.asarray(places, np.float32)
    early = 0.7 * np.exp(-at / max(12.0, 0.05 * total)) + 0.3 * (1 - at / total)
    words = set(re.findall(r"\w{4,}", title.lower()))
    rest = np.asarray([_substance(sentence, words) for sentence in sentences], np.float32)
    result: Weights = (0.4 * central + 0.2 * early + 0.4 * rest).astype(np.float32)
    return result


def _substance(sentence: Sentence, title: set[str]) -> float:
    """Return signs of content in the sentence itself and in the section it stands in, 0 … 1."""
    text = sentence.text
    matter = min(1.0, len({match.lower() for match in MATTER.findall(text)}) / 3)
    signs = (
        (0.25, bool(FIGURE.search(text))),
        (0.2, bool(HEADLINE.search(text) and FIGURE.search(text))),
        (0.1, bool(title & {word.lower() for word in sentence.words})),
        (0.2, bool(GOOD_SECTION.search(sentence.section))),
        (-0.5, bool(POOR_SECTION.search(sentence.section))),
        (-0.25, sum(char.isdigit() for char in text) > 0.12 * len(text)),  # a row of figures rather than a statement
        (-0.15, len(sentence.words) > COMFORTABLE),
    )
    return max(0.0, 0.3 * matter + sum(weight for weight, there in signs if there))


def _scaled(values: npt.NDArray[np.float32]) -> Weights:
    low, high = np.percentile(values, [5, 99])
    scaled: Weights = np.clip((values - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
    return scaled


def select(weights: Weights, vectors: Vectors, count: int) -> list[int]:
    """Return indices by maximal marginal relevance, best first; nothing that says what was chosen already."""
    chosen: list[int] = []
    alike = np.zeros(len(weights), np.float32)
    while len(chosen) < min(count, len(weights)):
        value = (1 - DIVERSITY) * weights - DIVERSITY * alike
        value[chosen] = -np.inf
        value[alike > TOO_ALIKE] = -np.inf
        best = int(value.argmax())
        if not np.isfinite(value[best]):
            break
        chosen.append(best)
        alike = np.maximum(alike, vectors @ vectors[best])
    return chosen
