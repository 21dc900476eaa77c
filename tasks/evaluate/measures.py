"""Measures of one ranked list of hits.

A hit is right by document when its document, or one that holds the same passage, is relevant, and right by page when one of the
question's pages lies in it too.
Documents are counted once, at their first hit. nDCG: Järvelin and Kekäläinen, ACM TOIS 20 (2002), gain = grade, discount log2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tasks.evaluate.questions import Question

CUTS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hit leads: a document by id and path, its pages, and the paths of other documents with the same passage."""

    document_id: str
    path: str
    page_first: int
    page_last: int
    copies: tuple[str, ...] = ()

    @property
    def own_names(self) -> frozenset[str]:
        """Every name by which a question may mean this document."""
        return frozenset((self.document_id, *_names(self.path)))

    @property
    def names(self) -> frozenset[str]:
        """Every name of this document and of those that hold the same passage."""
        return self.own_names.union(*map(_names, self.copies))


def _names(path: str) -> tuple[str, str, str]:
    pure = PurePosixPath(path)
    return path, pure.name, pure.stem


def measure(question: Question, hits: Sequence[Place], k: int = 10) -> dict[str, float]:
    """Measure the first `k` hits of one question, by document and, where the question names pages, by page.

    Returns:
        `document_hit@1` …, `document_mrr`, `document_ndcg@k`, and `page_hit@1` …, `page_mrr`; each between 0 and 1.
    """
    grades = [_grade(question, hit) for hit in hits[:k]]
    found: dict[str, int] = {}
    for hit, grade in zip(hits[:k], grades, strict=True):
        found.setdefault(hit.document_id, grade)
    by_document = list(found.values())
    values = _ranked("document", by_document, k)
    values[f"document_ndcg@{k}"] = ndcg(by_document, sorted(question.grades.values(), reverse=True)[:k])
    if question.pages:
        by_page = [grade if _on_page(question, hit) else 0 for hit, grade in zip(hits[:k], grades, strict=True)]
        values |= _ranked("page", by_page, k)
    return values


def ndcg(grades: Sequence[int], ideal: Sequence[int]) -> float:
    """Return the normalised discounted cumulative gain of a list of grades against the best possible list."""
    best = sum(grade / math.log2(rank + 1) for rank, grade in enumerate(ideal, 1))
    gain = sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))
    return min(gain / best, 1.0) if best else 0.0


def is_binary(name: str) -> bool:
    """Tell whether a measure is 0 or 1 for each question."""
    return "_hit@" in name


def means(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Average each measure over its questions."""
    return {name: round(sum(column) / len(column), 4) for name, column in values.items() if column}


def _ranked(unit: str, grades: Sequence[int], k: int) -> dict[str, float]:
    rank = next((rank for rank, grade in enumerate(grades, 1) if grade), 0)
    hits = {f"{unit}_hit@{cut}": float(0 < rank <= cut) for cut in sorted({*CUTS, k}) if cut <= k}
    return hits | {f"{unit}_mrr": 1 / rank if rank else 0.0}


def _grade(question: Question, hit: Place) -> int:
    return max((question.grades[name] for name in hit.names & question.grades.keys()), default=0)


def _on_page(question: Question, hit: Place) -> bool:
    """Tell whether a hit leads to a page of the question; of copies only the one that is shown has known pages."""
    return not hit.own_names.isdisjoint(question.grades) and any(
        hit.page_first <= page <= hit.page_last for page in question.pages
    )
