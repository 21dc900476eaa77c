"""Intervals of a mean, and paired tests of two runs over the same questions.

A share of hits has Wilson's interval and McNemar's exact test (two-sided binomial over the questions on which the runs differ);
a graded measure has the percentile bootstrap for both. The bootstrap draws with a fixed seed: the same values, the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tasks.evaluate.measures import is_binary

DRAWS = 10_000
Z95 = 1.959964  # the normal quantile of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure of two runs over the `questions` that both have; `p` is two-sided."""

    measure: str
    before: float
    after: float
    questions: int
    better: int
    worse: int
    p: float

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as a JSON object."""
        return asdict(self)


def interval(name: str, values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of a measure's mean."""
    if is_binary(name):
        return _wilson(sum(values), len(values))
    draws = _bootstrap(np.asarray(values))
    return round(float(np.quantile(draws, 0.025)), 4), round(float(np.quantile(draws, 0.975)), 4)


def compare(name: str, before: Sequence[float], after: Sequence[float]) -> Comparison:
    """Compare a measure of two runs, value by value of the same questions."""
    old, new = np.asarray(before, float), np.asarray(after, float)
    better, worse = int((new > old).sum()), int((new < old).sum())
    p = mcnemar(better, worse) if is_binary(name) else _bootstrap_p(new - old)
    return Comparison(name, round(float(old.mean()), 4), round(float(new.mean()), 4), len(old), better, worse, p)


def mcnemar(better: int, worse: int) -> float:
    """Return the exact two-sided p of McNemar's test: a fair coin for each question on which the runs differ."""
    n = better + worse
    tail = float(sum(math.comb(n, i) for i in range(min(better, worse) + 1)) / 2**n)
    return round(min(1.0, 2 * tail), 6)


def _bootstrap(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return means of DRAWS samples with replacement, in blocks that keep memory small."""
    random = np.random.default_rng(0)
    block = max(1, 4_000_000 // max(len(values), 1))
    sizes = [min(block, DRAWS - start) for start in range(0, DRAWS, block)]
    return np.concatenate([values[random.integers(0, len(values), (n, len(values)))].mean(axis=1) for n in sizes])


def _bootstrap_p(differences: np.ndarray[Any, Any]) -> float:
    if not differences.any():
        return 1.0
    draws = _bootstrap(differences)
    return round(min(1.0, 2 * min(float((draws <= 0).mean()), float((draws >= 0).mean()))), 6)


def _wilson(hits: float, n: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share, JASA 22 (1927)."""
    share, z2 = hits / n, Z95 * Z95
    centre, width = share + z2 / (2 * n), Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return round(max(0.0, (centre - width) / (1 + z2 / n)), 4), round(min(1.0, (centre + width) / (1 + z2 / n)), 4)
