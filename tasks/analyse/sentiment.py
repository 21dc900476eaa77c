"""Sentiment, Italian and English: a label for each passage, and one for the document.

A passage is a sentence: that is what financial sentiment models are trained on, and sentences are embedded anyway.
The model is a classifier by name, folder or Hugging Face id with labels positive, neutral and negative; without a
name, the registry's `sentiment` where one was trained, else the built-in head. Its accuracy is in its card; the score
here is its own, not calibrated.

The document's probabilities are the mean of its passages', weighted by words times (0.25 + 1 − p(neutral)): most
sentences of a report are neutral and say nothing of its tone, so a passage with a tone counts up to five times as
much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.errors import UsageError
from infra.settings import Settings
from tasks.analyse.model import fingerprint_of
from tasks.analyse.reading import Reading
from tasks.classifiers import registry
from tasks.classifiers.predict import SENTIMENT, Classifier, load_classifier
from tasks.readings import Sentence
from tasks.records import Document

NAME = "sentiment"
VERSION = "1"

LABELS = ("positive", "neutral", "negative")
TRAINED = "sentiment"
FLOOR = 0.25  # weight of a passage that is wholly neutral
LONG = 40  # words from which a passage weighs no more

Probabilities = npt.NDArray[np.float32]


def analyse(document: Document, settings: Settings, model: str | None = None) -> dict[str, Any]:
    """Return the sentiment RESULT: label, score, and every passage with page, label and score.

    Raises:
        UsageError: there is no such model, or its labels are not those of sentiment.
    """
    reading = Reading(document, settings)
    return {"document_id": document.document_id, "path": document.path} | judge(reading, settings, model)


def fingerprint(settings: Settings, model: str | None = None) -> str:
    """Return what the results depend on: the model's files."""
    return fingerprint_of(settings, chosen(settings, model))


def chosen(settings: Settings, model: str | None) -> str:
    """Return the model that is meant: the one named, else the registry's `sentiment`, else the built-in one."""
    return model or (TRAINED if registry.current(settings, TRAINED) else SENTIMENT)


def judge(reading: Reading, settings: Settings, model: str | None, passages: int | None = None) -> dict[str, Any]:
    """Return label, score and passages of a reading.

    Args:
        passages: keep only so many of the strongest positive and of the strongest negative ones; None keeps all.
    """
    classifier = load_classifier(settings, chosen(settings, model))
    judged = [index for index, sentence in enumerate(reading.sentences) if sentence.prose]
    sentences = [reading.sentences[index] for index in judged]
    if not sentences:
        return _nothing(classifier)
    scores = aligned(classifier, reading.scores(classifier, judged))
    overall = overall_scores(scores, sentences)
    label = int(overall.argmax())
    kept = range(len(sentences)) if passages is None else strongest(scores, passages)
    return {
        "label": LABELS[label],
        "score": _rounded(overall[label]),
        "scores": {name: _rounded(value) for name, value in zip(LABELS, overall, strict=True)},
        "polarity": _rounded(overall[0] - overall[2]),
        "model": model_name(classifier),
        "counts": _counts(scores),
        "passages": [_passage(sentences[index], scores[index]) for index in kept],
    }


def _nothing(classifier: Classifier) -> dict[str, Any]:
    reason = "The document has no running text to judge."
    return {
        "label": "neutral",
        "score": 0.0,
        "scores": {},
        "polarity": 0.0,
        "model": model_name(classifier),
        "counts": dict.fromkeys(LABELS, 0),
        "passages": [],
        "reason": reason,
    }


def model_name(classifier: Classifier) -> str:
    """Name and version of a model as results give it."""
    return f"{classifier.name}@{classifier.version}" if classifier.version else classifier.name


def aligned(classifier: Classifier, scores: Probabilities) -> Probabilities:
    """Return a model's probabilities as columns positive, neutral, negative; a model without neutral has zeros there.

    Raises:
        UsageError: the model has other labels.
    """
    columns = {_canonical(label): index for index, label in enumerate(classifier.labels)}
    if not {"positive", "negative"} <= set(columns) <= set(LABELS) or len(columns) != len(classifier.labels):
        names = ", ".join(classifier.labels)
        raise UsageError(
            f"model {classifier.name} has the labels {names}: sentiment needs positive, neutral and negative"
        )
    empty = np.zeros(len(scores), np.float32)
    return np.stack([scores[:, columns[label]] if label in columns else empty for label in LABELS], axis=1)


def _canonical(label: str) -> str:
    lower = label.lower()
    return next((name for name in LABELS if lower.startswith(name[:3])), lower)


def overall_scores(scores: Probabilities, sentences: Sequence[Sentence]) -> Probabilities:
    """Return the document's probabilities [3]: see the head of this module."""
    words = np.asarray([min(LONG, len(sentence.words)) for sentence in sentences], np.float32)
    weights = words * (FLOOR + 1 - scores[:, 1])
    mean: Probabilities = (weights @ scores / weights.sum()).astype(np.float32)
    return mean


def strongest(scores: Probabilities, count: int) -> list[int]:
    """Return the passages that the model is surest of, `count` positive and `count` negative, in reading order."""
    labels = scores.argmax(axis=1)
    return sorted(
        int(index)
        for column in (0, 2)
        for index in sorted(np.flatnonzero(labels == column), key=lambda i: -scores[i, column])[:count]
    )


def _counts(scores: Probabilities) -> dict[str, int]:
    labels = scores.argmax(axis=1)
    return {name: int((labels == column).sum()) for column, name in enumerate(LABELS)}


def _passage(sentence: Sentence, scores: Probabilities) -> dict[str, Any]:
    label = int(scores.argmax())
    return {
        "text": sentence.text,
        "page": sentence.page,
        "section": sentence.section,
        "label": LABELS[label],
        "score": _rounded(scores[label]),
    }


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
