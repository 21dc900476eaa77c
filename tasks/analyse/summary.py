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
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.encoder import Vectors
from tasks.analyse.sentences import Sentence

COUNT = 5
WORDS = (8, 55)  # of a sentence that can stand for itself
DIVERSITY = 0.35  # weight of not repeating what was chosen
TOO_ALIKE = 0.9  # cosine above which two sentences say the same

Weights = npt.NDArray[np.float32]

BOILERPLATE = re.compile(
    r"forward[- ]looking|safe harbor|undersigned|incorporated (?:herein )?by reference|pursuant to|hereby|hereunto|hereof|thereunto"
    r"|in accordance with|(?:refer|see|included in|described in|discussed in|contained in|set forth in).{0,40}\b(?:note|item|part|section|exhibit|table)s?\b"
    r"|the following (?:table|discussion|section|chart|graph)|table of contents|check ?mark|registrant|this (?:annual |quarterly )?report"
    r"|we (?:have )?audit|our (?:audit|opinion)|internal control over|reasonable assurance|material(?:ly)? (?:misstate|adverse|differ)|generally accepted"
    r"|could (?:adversely|materially)|may (?:adversely|materially|not be able)|no assurance|accounting (?:standards? )?(?:update|standard)|\bASU\b|\bFASB\b"
    r"|non-gaap|all rights reserved|press release|conference call|website|www\.|webcast|critical (?:audit|accounting)"
    r"|ai sensi|ai fini|redatt[oaie] (?:secondo|in conformità|in base)|in ottemperanza|si rinvia|si rimanda|si veda|nota integrativa|principi contabili"
    r"|la seguente tabella|nella tabella|seguente prospetto|di seguito|presente (?:documento|relazione|bilancio)|il sottoscritto|letto,? approvato"
    r"|abbiamo svolto|revisione (?:contabile|legale)|cordiali saluti|codice in materia|d\.lgs|art\. ?\d+",
    re.IGNORECASE,
)  # fmt: skip
SUBSTANCE = re.compile(
    r"\b(?:net sales|sales|revenues?|income|earnings|margin|profit|loss|cash flow|dividends?|orders?|backlog|outlook|expects?|increas\w+|decreas\w+"
    r"|grew|growth|declin\w+|acquir\w+|acquisition|agree[sd]?|agreement|approved|appointed|resigned|elected|announced|terminat\w+|supplier|customers?"
    r"|designs?|manufactur\w+|provides?|operates?|leader|strategy|segments?|must|shall|price|term"
    r"|ricavi|fatturato|vendite|utile|perdita|margine|risultato|dividend[oi]|ordini|portafoglio|previsioni|cresciut\w+|crescita|aument\w+"
    r"|diminu\w+|calo|ridu\w+|acqui\w+|contratto|fornitore|committente|approva\w*|delibera\w*|nomina\w*|investiment\w+|produ\w+|mercat\w+|client\w+"
    r"|progetta|costruisce|prezzo|durata|obbliga|recedere|pagament\w+|scadut\w+|fattur\w+)\b",
    re.IGNORECASE,
)  # fmt: skip
FIGURE = re.compile(
    r"\d[\d.,]*\s?(?:%|percent|per cento|million|billion|milion|miliard|mila|euro|dollars)|[$€£]\s?\d", re.IGNORECASE
)
GOOD_SECTION = re.compile(
    r"overview|highlights|results of operations|business\b|outlook|summary|executive|performance|general|item 1\.|sintesi|andamento"
    r"|relazione sulla gestione|relazione intermedia|evoluzione|prospettive|premessa|oggetto|risultati|mercat",
    re.IGNORECASE,
)  # fmt: skip
POOR_SECTION = re.compile(
    r"risk factors|legal proceedings|signature|exhibit|certification|controls and procedures|critical accounting|new accounting|report of independent"
    r"|notes? to|significant accounting|mine safety|unresolved|properties|fattori di rischio|principi contabili|criteri di|relazione del(?:la società|) (?:di revis|revis)"
    r"|nota integrativa|note (?:illustrative|al bilancio|esplicative)|firme|privacy",
    re.IGNORECASE,
)  # fmt: skip


def summarise(sentences: Sequence[Sentence], vectors: Vectors, title: str = "", count: int = COUNT) -> list[Sentence]:
    """At most `count` sentences in reading order; fewer where the document has fewer that are prose.

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
    """Indices of sentences that can stand alone; without the boilerplate, unless nothing else is there."""
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
    """Whether a sentence begins and ends as one, and does not lean on the one before it."""
    first = text.lstrip("«“\"'(")[:1]
    return (first.isupper() or first.isdigit()) and text.rstrip("»”\"')")[-1:] in ".!?;" and not LEANING.match(text)


LEANING = re.compile(
    r"(?:this|these|those|such|it|they|he|she|however|therefore|thus|moreover|also|accordingly|as a result|the above|in addition|additionally"
    r"|further(?:more)?|see|note|questo|questa|questi|queste|tal[ei]|esso|essa|essi|inoltre|pertanto|tuttavia|peraltro|quest[’'])\b",
    re.IGNORECASE,
)  # fmt: skip


def relevance(
    sentences: Sequence[Sentence], vectors: Vectors, total: int, places: Sequence[int], title: str
) -> Weights:
    """How much each candidate stands for the document, about 0 … 1. `places` are their indices among `total` sentences."""
    centre = vectors.mean(axis=0)
    central = _scaled(vectors @ centre)
    early = np.exp(-np.asarray(places, np.float32) / max(12.0, 0.08 * total))
    words = set(re.findall(r"\w{4,}", title.lower()))
    rest = np.asarray([_substance(sentence, words) for sentence in sentences], np.float32)
    result: Weights = (0.5 * central + 0.2 * early + 0.3 * rest).astype(np.float32)
    return result


def _substance(sentence: Sentence, title: set[str]) -> float:
    """Signs of content in the sentence itself and in the section it stands in, 0 … 1."""
    matter = min(1.0, len({match.lower() for match in SUBSTANCE.findall(sentence.text)}) / 3)
    figure = 0.3 if FIGURE.search(sentence.text) else 0.0
    named = 0.1 if title & {word.lower() for word in sentence.words} else 0.0
    section = 0.2 if GOOD_SECTION.search(sentence.section) else 0.0
    poor = 0.6 if POOR_SECTION.search(sentence.section) else 0.0
    crowded = 0.3 if sum(char.isdigit() for char in sentence.text) > 0.15 * len(sentence.text) else 0.0
    return max(0.0, 0.4 * matter + figure + named + section - poor - crowded)


def _scaled(values: npt.NDArray[np.float32]) -> Weights:
    low, high = np.percentile(values, [5, 99])
    scaled: Weights = np.clip((values - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
    return scaled


def select(weights: Weights, vectors: Vectors, count: int) -> list[int]:
    """Indices by maximal marginal relevance, best first; nothing that says what was chosen already."""
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


def as_json(sentences: Sequence[Sentence]) -> list[dict[str, Any]]:
    """The summary as the RESULT has it."""
    return [{"text": sentence.text, "page": sentence.page, "section": sentence.section} for sentence in sentences]
