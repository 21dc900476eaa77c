"""Classification with any trained model: a label for the document, and the probability of each.

A document is judged piece by piece (models read a few hundred tokens), and its probabilities are the mean of its
pieces', weighted by their words. A piece is a run of whole sentences of about 120 words, titles and tables included:
a delivery note is little else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from infra.errors import DocumentError, FailureKind, UsageError
from infra.settings import Settings
from tasks.analyse.model import fingerprint_of
from tasks.analyse.sentiment import model_name
from tasks.classifiers.predict import load_classifier
from tasks.records import Document, Parsed

NAME = "classify"
VERSION = "1"

WORDS = 120
MOST = 400  # pieces that are judged, spread over the whole document: a longer one gives the same mean


def analyse(document: Document, settings: Settings, model: str | None = None) -> dict[str, Any]:
    """Return the classify RESULT: label, the scores of all labels, and the model.

    Raises:
        UsageError: no model is named, or there is no such model.
        DocumentError: the document has no text.
    """
    classifier = load_classifier(settings, _named(model))
    texts = _spread(list(pieces(document.parsed)))
    if not texts:
        raise DocumentError(FailureKind.NO_TEXT, "there is no text to classify", NAME)
    scores = classifier.scores(texts)
    weights = np.asarray([len(text.split()) for text in texts], np.float32)
    mean = weights @ scores / weights.sum()
    best = int(mean.argmax())
    return {
        "document_id": document.document_id,
        "path": document.path,
        "label": classifier.labels[best],
        "scores": {label: round(float(p), 4) for label, p in zip(classifier.labels, mean, strict=True)},
        "model": model_name(classifier),
        "pieces": len(texts),
    }


def fingerprint(settings: Settings, model: str | None = None) -> str:
    """Return what the results depend on: the model's files.

    Raises:
        UsageError: no model is named, or there is no such model.
    """
    return fingerprint_of(settings, _named(model))


def _named(model: str | None) -> str:
    if not model:
        raise UsageError("classify needs a trained model: --model NAME (see faldone models list)")
    return model


def pieces(parsed: Parsed) -> Iterator[str]:
    """Yield the document's text in pieces of about WORDS words; page heads and feet are left out."""
    held: list[str] = []
    words = 0
    for element in parsed.elements:
        if element.kind in {"header", "footer"} or not element.text.strip():
            continue
        for line in element.text.splitlines():
            count = len(line.split())
            if held and words + count > WORDS:
                yield "\n".join(held)
                held, words = [], 0
            held.append(line)
            words += count
    if held:
        yield "\n".join(held)


def _spread(texts: list[str]) -> list[str]:
    if len(texts) <= MOST:
        return texts
    return [texts[int(index)] for index in np.linspace(0, len(texts) - 1, MOST)]
