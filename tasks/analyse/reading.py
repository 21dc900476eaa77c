"""A document as its readers share it: sentences, and their vectors, computed once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from infra.encoder import Encoder, Vectors
from infra.encoders import load_encoders
from infra.settings import Settings
from tasks.analyse.sentences import sentences_of
from tasks.classifiers.measure import Scores
from tasks.classifiers.predict import Classifier, clip
from tasks.readings import Sentence
from tasks.records import Document


class Reading:
    """The sentences of a document and, on first use, their unit vectors [sentences, dimension] in the same order."""

    def __init__(self, document: Document, settings: Settings) -> None:
        self.document = document
        self._settings = settings
        self.sentences: list[Sentence] = sentences_of(document.parsed)

    @cached_property
    def encoder(self) -> Encoder:
        return load_encoders(self._settings).first

    @cached_property
    def vectors(self) -> Vectors:
        """Equal sentences are encoded once; what is longer than the encoder reads is judged by its beginning."""
        texts = clip(self.encoder, [sentence.text for sentence in self.sentences])
        order = {text: index for index, text in enumerate(dict.fromkeys(texts))}
        unique = self.encoder.encode(list(order))
        return unique[[order[text] for text in texts]] if texts else unique

    def scores(self, classifier: Classifier, chosen: Sequence[int]) -> Scores:
        """Return probabilities [chosen, labels] of these sentences; a head over this encoder takes the vectors that are there."""
        texts = [self.sentences[index].text for index in chosen]
        return classifier.scores_of(texts, lambda: self.vectors[list(chosen)], self.encoder.fingerprint)
