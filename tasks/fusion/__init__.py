"""One score of a candidate out of what speaks for it, each between 0 and 1 or counted in words.

The score is a weighted sum. The weights of `weights.json` are fitted by `benchmarks/fusion.py` on one half of every public set of
questions and reported on the other (docs/evaluation.md); none is set by hand. Stretched scores instead of ranks, as Bruch, Gai and
Ingber found (ACM TOIS 2023): what a list is sure of stays visible.

words            BM25 of the question's terms, as a share of the best candidate's
meaning_it       of an Italian question: cosine, in deviations from that of unrelated texts, stretched over the candidates' range
meaning_en       the same of a question in any other language: its encoder is another one
                 (both are 0 where the encoder does not know the question's language: fitted, it counts nothing)
exact            numbers of papers, dates and amounts of the question that the document holds, fewer others holding them more
beside           the same by the share of the question's other words that stand on that line
named            how well the document's name fits the question, in words that a single document has (`naming.py`)
wording_words    within the documents that are named: BM25 of the wording in which statements answer (tasks/glossary), stretched
wording_meaning  the same by cosine
table            a table of a document that is named: who names an account and a year asks for figures as a rule
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.encoder import Encoder
from tasks.collection import normal, terms
from tasks.collection.chunks import heading_of
from tasks.fusion.naming import Named

FEATURES = (
    "words",
    "meaning_it",
    "meaning_en",
    "exact",
    "beside",
    "named",
    "wording_words",
    "wording_meaning",
    "table",
)
MEANING = slice(1, 3)  # of FEATURES; of a candidate one is above 0

Row = dict[str, Any]
Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Candidates:
    """What the look-ups found: rows by chunk id with their `vector` and `encoder`, and the BM25 scores of question and wording."""

    rows: dict[str, Row] = field(default_factory=dict)
    words: dict[str, float] = field(default_factory=dict)
    wording_words: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Candidates, and what speaks for each: float64 [rows, len(FEATURES)] in the order of `candidates.rows`."""

    candidates: Candidates
    features: Floats

    def scores(self) -> Floats:
        """Return the score of each candidate, float64 [rows].

        What holds every number, date and amount of the question that anything holds, on lines with all its other words,
        is above all else, since a match is more than a resemblance; among such the document that is called so is the paper itself.
        """
        scores: Floats = self.features @ load_weights()
        exact, beside, named = (self.features[:, FEATURES.index(name)] for name in ("exact", "beside", "named"))
        if exact.any():
            matches = (exact == exact.max()) & (beside == exact)
            scores += scores.max() * matches * (1 + named)
        return scores

    def first_by_both(self) -> str | None:
        """Return the candidate that is first by words and first by meaning, None where these differ or tie."""
        words, meaning = self.features[:, 0], self.features[:, MEANING].sum(axis=1)
        first = [np.flatnonzero(column == 1) for column in (words, meaning)]
        if [len(rows) for rows in first] != [1, 1] or first[0] != first[1]:
            return None
        return list(self.candidates.rows)[int(first[0][0])]


@lru_cache(maxsize=1)
def load_weights() -> Floats:
    """Return the fitted weights, float64 [len(FEATURES)]."""
    stored = json.loads(files(__name__).joinpath("weights.json").read_text(encoding="utf-8"))["weights"]
    return np.array([stored[name] for name in FEATURES], np.float64)


def weigh(
    candidates: Candidates, question: str, wording: str, named: Named, encoders: Mapping[str, Encoder], mode: str
) -> Evidence:
    """Say what speaks for each candidate: only words in mode `text`, only meaning in mode `vector`.

    Args:
        question: as it is compared by meaning.
        wording: that of the glossary, "" where there is none.
        encoders: by fingerprint, "" for the only one.
    """
    rows = list(candidates.rows.values())
    table = np.zeros((len(rows), len(FEATURES)))
    if rows:
        if mode != "vector":
            words = _column(rows, candidates.words)
            table[:, 0] = words / (words.max() or 1.0)
        if mode != "text":
            table[:, MEANING] = _meaning(rows, question, encoders, foreign_too=mode == "vector")
        if mode == "hybrid":
            table[:, MEANING.stop :] = _documents(rows, candidates, question, wording, named, encoders)
    return Evidence(candidates, table)


def _meaning(rows: Sequence[Row], question: str, encoders: Mapping[str, Encoder], foreign_too: bool) -> Floats:
    """Return `meaning_it` and `meaning_en`, of which one is above 0."""
    found = _stretched(similarity(rows, question, encoders))
    italian = terms.language_of(question) == "it"
    if italian and not foreign_too:
        found = np.where([_encoder(row, encoders).english_only for row in rows], 0, found)
    return np.column_stack([found * italian, found * (not italian)])


def _documents(
    rows: Sequence[Row],
    candidates: Candidates,
    question: str,
    wording: str,
    named: Named,
    encoders: Mapping[str, Encoder],
) -> Floats:
    """Return the columns from `exact` on, which are of documents or within them."""
    table = np.zeros((len(rows), len(FEATURES) - MEANING.stop))
    exact = exactly(question, rows)
    table[:, :2] = [exact.get(row["document_id"], (0.0, 0.0)) for row in rows]
    table[:, 2] = [named.fit.get(row["document_id"], 0.0) for row in rows]
    inside = [number for number, row in enumerate(rows) if row["document_id"] in named.best]
    table[inside, 5] = [rows[number]["kind"] == "table" for number in inside]
    if wording and inside:
        chosen = [rows[number] for number in inside]
        table[inside, 3] = _stretched(_column(chosen, candidates.wording_words))
        table[inside, 4] = _stretched(similarity(chosen, wording, encoders))
    return table


def similarity(rows: Sequence[Row], text: str, encoders: Mapping[str, Encoder]) -> Floats:
    """Return the cosine of each row and a text by the row's own encoder, in deviations from the cosine of unrelated texts."""
    found = np.zeros(len(rows))
    for encoder in {id(_encoder(row, encoders)): _encoder(row, encoders) for row in rows}.values():
        own = [number for number, row in enumerate(rows) if _encoder(row, encoders) is encoder]
        vectors = np.stack([rows[number]["vector"] for number in own]).astype(np.float32)
        mean, deviation = encoder.unrelated
        found[own] = (vectors @ encoder.encode_query(text) - mean) / deviation
    return found


def exactly(query: str, rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """Weigh the documents that hold a number, date or amount of the query exactly.

    A number of a paper that nothing holds is looked for as others write it, `2026/417` for `2026/0417`, and by its longest
    part: `PD-999123` is printed `PD - 999123` too.

    Returns:
        `exact` and `beside` of documents that hold any: 1 for what one of many holds, less for what most hold.
    """
    written = normal.marks(query)
    words = frozenset(terms.query_terms(normal.unmarked(query)))
    for asked in (written, normal.variants(written), normal.long_parts(written)):
        held = _holders(asked, words, rows) if asked else {}
        if any(held.values()):
            break
    else:
        return {}
    count = {mark: sum(mark in marks for marks in held.values()) for mark in asked}
    scale = math.log(1 + len(held)) * len(asked)
    rarity = {mark: math.log((1 + len(held)) / n) / scale for mark, n in count.items() if n}
    return {
        document: (
            sum(rarity[mark] for mark in marks),
            sum(rarity[mark] * share for mark, share in marks.items()),
        )
        for document, marks in held.items()
        if marks
    }


def _holders(asked: frozenset[str], words: frozenset[str], rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return of each document the marks that it holds, with the largest share of the words on a line with each."""
    held: dict[str, dict[str, float]] = {row["document_id"]: {} for row in rows}
    for row in rows:
        text = "\n".join((heading_of(row["title"], row["path"]), row["section"], row["text"]))
        for line, marks in normal.lines_with(asked, text):
            share = len(words.intersection(terms.query_terms(line))) / len(words) if words else 1.0
            found = held[row["document_id"]]
            found.update({mark: max(share, found.get(mark, 0.0)) for mark in marks})
    return held


def _encoder(row: Row, encoders: Mapping[str, Encoder]) -> Encoder:
    return encoders[row.get("encoder") or ""] if len(encoders) > 1 else next(iter(encoders.values()))


def _column(rows: Sequence[Row], scores: Mapping[str, float]) -> Floats:
    return np.array([scores.get(row["chunk_id"], 0.0) for row in rows], np.float64)


def _stretched(values: Floats) -> Floats:
    """Put values between 0 (the lowest) and 1; all 0 where none differs."""
    low, width = values.min(), np.ptp(values)
    return (values - low) / width if width else np.zeros(len(values))
