"""Sentiment and classification with the built-in model and with others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from papers import paper

from infra.errors import DocumentError, UsageError
from infra.settings import Settings
from tasks.analyse import classify, sentiment
from tasks.analyse.reading import Reading
from tasks.analyse.sentiment import aligned, overall_scores, strongest
from tasks.classifiers.predict import SENTIMENT, SENTIMENT_ENGLISH, Classifier, load_classifier
from tasks.readings import Sentence

GOOD = "Profits rose sharply and the company raised its dividend after a record year."
BAD = "The company reported a heavy loss and cut hundreds of jobs as orders collapsed."


def test_passages_have_pages_labels_and_scores(settings: Settings) -> None:
    result = sentiment.analyse(paper(GOOD, BAD, "12 | 14"), settings)
    assert set(result) >= {"document_id", "path", "label", "score", "model", "passages"}
    assert [p["page"] for p in result["passages"]] == [1, 2]
    assert [p["text"] for p in result["passages"]] == [GOOD, BAD]
    assert all(
        p["label"] in {"positive", "neutral", "negative"} and 1 / 3 <= p["score"] <= 1 for p in result["passages"]
    )
    assert sum(result["scores"].values()) == pytest.approx(1, abs=1e-3)
    assert sum(result["counts"].values()) == 2
    assert result["model"].startswith(SENTIMENT)


def test_shared_vectors_give_the_model_s_own_scores(settings: Settings) -> None:
    reading = Reading(paper(GOOD, BAD), settings)
    classifier = load_classifier(settings, SENTIMENT_ENGLISH)
    assert np.allclose(reading.scores(classifier, [0, 1]), classifier.scores([GOOD, BAD]), atol=2e-3)


def test_a_document_without_prose_is_neutral_and_says_why(settings: Settings) -> None:
    result = sentiment.analyse(paper("12 | 14"), settings)
    assert (result["label"], result["score"], result["passages"]) == ("neutral", 0.0, [])
    assert "no running text" in result["reason"]


def _classifier(*labels: str) -> Classifier:
    def score(texts: Sequence[str]) -> np.ndarray:  # type: ignore[type-arg]
        return np.tile(np.arange(1, len(labels) + 1, dtype=np.float32), (len(texts), 1))

    return Classifier("m", "", labels, score)


def test_labels_of_other_models_are_put_in_order() -> None:
    model = _classifier("NEG", "Neutral", "positive")
    assert aligned(model, model.scores(["x"])).tolist() == [[3, 2, 1]]
    two = _classifier("negative", "positive")
    assert aligned(two, two.scores(["x"])).tolist() == [[2, 0, 1]]


@pytest.mark.parametrize("labels", [("LABEL_0", "LABEL_1"), ("positive", "other"), ("1 star", "5 stars")])
def test_a_model_of_something_else_is_refused(labels: tuple[str, ...]) -> None:
    model = _classifier(*labels)
    with pytest.raises(UsageError, match="sentiment needs positive, neutral and negative"):
        aligned(model, model.scores(["x"]))


def test_passages_with_a_tone_weigh_more() -> None:
    same = Sentence("five words are in here", 1, "", 0)
    scores = np.asarray([[0, 1, 0], [1, 0, 0]], np.float32)
    positive, neutral, negative = overall_scores(scores, [same, same])
    assert (positive, neutral, negative) == pytest.approx((1.25 / 1.5, 0.25 / 1.5, 0))
    assert strongest(np.asarray([[0.9, 0, 0.1], [0.2, 0.1, 0.7], [0.8, 0, 0.2]], np.float32), 1) == [0, 1]


def test_an_unknown_model_is_named(settings: Settings) -> None:
    with pytest.raises(UsageError, match="'nowhere'"):
        sentiment.analyse(paper(GOOD), settings, "nowhere")


def test_classify_gives_every_label_and_judges_the_whole_document(settings: Settings) -> None:
    result = classify.analyse(paper(*[GOOD] * 30), settings, SENTIMENT)
    assert set(result) >= {"document_id", "path", "label", "scores", "model"}
    assert result["label"] == max(result["scores"], key=result["scores"].get)
    assert sum(result["scores"].values()) == pytest.approx(1, abs=1e-3)
    assert result["pieces"] > 1
    assert sum(len(piece.split()) for piece in classify.pieces(paper(*[GOOD] * 30).parsed)) == 30 * len(GOOD.split())


def test_classify_needs_a_model_and_a_text(settings: Settings) -> None:
    with pytest.raises(UsageError, match="--model NAME"):
        classify.analyse(paper(GOOD), settings)
    with pytest.raises(UsageError, match="--model NAME"):
        classify.fingerprint(settings)
    with pytest.raises(DocumentError, match="no text"):
        classify.analyse(paper(), settings, SENTIMENT)
