"""Figures of a classifier on held-out texts, in NumPy.

Definitions as in scikit-learn: macro-F1 is the mean over the labels that occur in truth or prediction; a label that is
never predicted has precision 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.classifiers.spec import Metrics

Scores = npt.NDArray[np.float32]
Targets = npt.NDArray[np.int64]


def measure(scores: Scores, targets: Targets, labels: Sequence[str]) -> Metrics:
    """Return accuracy, F1 and the confusion matrix.

    Args:
        scores: probabilities, float32 [texts, labels].
        targets: the index of the true label, int64 [texts].
    """
    size = len(labels)
    guesses = scores.argmax(1)
    confusion = np.bincount(targets * size + guesses, minlength=size * size).reshape(size, size)
    right, true, said = confusion.diagonal().astype(float), confusion.sum(1), confusion.sum(0)
    precision = right / np.maximum(said, 1)
    recall = right / np.maximum(true, 1)
    f1 = 2 * right / np.maximum(true + said, 1)
    occurs = (true + said) > 0
    chosen = np.clip(scores[np.arange(len(targets)), targets], 1e-12, 1)
    return Metrics(
        texts=len(targets),
        accuracy=_round(right.sum() / max(1, len(targets))),
        f1_macro=_round(f1[occurs].mean()),
        f1_weighted=_round((f1 * true).sum() / max(1, true.sum())),
        loss=_round(float(-np.log(chosen).mean())),
        precision=_named(labels, precision),
        recall=_named(labels, recall),
        f1=_named(labels, f1),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def f1_macro(guesses: Sequence[str], truth: Sequence[str]) -> float:
    """Return Macro-F1 over the labels of the truth, for two models whose labels may differ."""
    labels = sorted(set(truth))
    total = 0.0
    for label in labels:
        right = sum(g == t == label for g, t in zip(guesses, truth, strict=True))
        total += 2 * right / max(1, sum(g == label for g in guesses) + sum(t == label for t in truth))
    return _round(total / len(labels))


def softmax(logits: npt.NDArray[np.floating]) -> Scores:
    """Return probabilities along the last axis, float32."""
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    result: Scores = (raised / raised.sum(-1, keepdims=True)).astype(np.float32)
    return result


def _named(labels: Sequence[str], values: npt.NDArray[np.float64]) -> dict[str, float]:
    return {label: _round(value) for label, value in zip(labels, values, strict=True)}


def _round(value: float) -> float:
    return round(float(value), 6)
