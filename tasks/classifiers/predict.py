"""Trained classifiers in use: one name for heads, fine-tuned networks and transformers folders.

`load_classifier` finds a model by its name in the registry (`name` or `name@version`), among those that come with
Faldone, as a folder, or by a Hugging Face id. Weights are safetensors, always: nothing is unpickled. Texts longer than
the model reads are judged by their beginning.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from infra import multilingual
from infra.encoder import Encoder, Vectors, load_encoder
from infra.errors import UsageError
from infra.models import best_device, model_folder
from infra.settings import Settings
from tasks.classifiers import registry
from tasks.classifiers.measure import Scores

BATCH = 4_096  # texts at a time: bounds the memory of their vectors and n-grams
BUILT_IN = Path(__file__).parent.parent / "analyse" / "models"
BUILT_IN_VERSION = "built-in"
SENTIMENT = "default-sentiment"
SENTIMENT_ENGLISH = "default-sentiment-english"  # in its place where there is no wheel of the multilingual encoder


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label with the highest probability, and the probability of each label."""

    label: str
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float:
        return self.scores[self.label]


class Scorer(Protocol):
    """What each kind of model does: probabilities float32 [texts, labels]."""

    def __call__(self, texts: Sequence[str]) -> Scores: ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model ready to predict."""

    name: str
    version: str
    labels: tuple[str, ...]
    scorer: Scorer

    def scores(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Scores:
        """Return probabilities, float32 [len(texts), len(labels)], in the order given."""
        out = np.empty((len(texts), len(self.labels)), np.float32)
        for start in range(0, len(texts), BATCH):
            part = texts[start : start + BATCH]
            out[start : start + len(part)] = self.scorer(part)
            if progress:
                progress(len(part))
        return out

    def scores_of(self, texts: Sequence[str], vectors: Callable[[], Vectors], fingerprint: str) -> Scores:
        """Do as `scores` does, for a caller that has the texts' unit vectors already, of the encoder with this fingerprint.

        Args:
            vectors: gives them, float32 [len(texts), dimension]; called only if the model is a head over that encoder.
        """
        if isinstance(self.scorer, _HeadScorer) and self.scorer.fingerprint == fingerprint:
            return self.scorer.over(vectors(), texts)
        return self.scores(texts)

    def predict(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> list[Prediction]:
        """Return a prediction for each text.

        Args:
            texts: in any order and of any length; they are sorted by length and packed inside.
            progress: called with the number of texts done after each part.
        """
        rows = self.scores(texts, progress)
        return [
            Prediction(
                self.labels[int(row.argmax())], {n: round(float(p), 6) for n, p in zip(self.labels, row, strict=True)}
            )
            for row in rows
        ]


def load_classifier(settings: Settings, model: str) -> Classifier:
    """Return a classifier by name, `name@version`, folder or Hugging Face id; loaded once a process.

    Raises:
        UsageError: there is no such model, or it was trained over an encoder that is not the one here.
    """
    folder = find(settings, model)
    marker = folder / "classifier.json"
    stamp = (marker if marker.is_file() else folder / "config.json").stat().st_mtime_ns
    return _load(settings, str(folder), stamp, model)


def find(settings: Settings, model: str) -> Path:
    """Return the folder of a model as `load_classifier` takes it.

    Raises:
        UsageError: there is no such model.
    """
    found = registry.find(settings, model)
    if found is not None:
        return found
    if model == SENTIMENT and not multilingual.installed():
        model = SENTIMENT_ENGLISH
    if (BUILT_IN / model / "classifier.json").is_file() and "/" not in model:
        return BUILT_IN / model
    folder = Path(model).expanduser()
    if (folder / "classifier.json").is_file():
        return folder.resolve()
    if folder.is_dir() or "/" in model:
        return model_folder(model)
    names = sorted(
        {m.name for m in registry.versions(settings)} | {p.parent.name for p in BUILT_IN.glob("*/classifier.json")}
    )
    raise UsageError(f"there is no model {model!r}; there are {', '.join(names) or 'none: train one first'}")


@lru_cache(maxsize=4)
def _load(settings: Settings, folder: str, stamp: int, model: str) -> Classifier:
    return open_folder(settings, Path(folder), model)


def open_folder(settings: Settings, folder: Path, model: str) -> Classifier:
    """Return the classifier in a folder: one of ours (it has classifier.json) or one in the transformers layout.

    Raises:
        UsageError: the folder is neither, or its encoder is not the one it was trained over.
    """
    marker = folder / "classifier.json"
    if not marker.is_file():
        labels, scorer = _transformers(folder, model, settings.device)
        return Classifier(model, "", labels, scorer)
    about = json.loads(marker.read_text(encoding="utf-8"))
    labels = tuple(about["labels"])
    version = about.get("version") or BUILT_IN_VERSION
    if about["kind"] == "head":
        return Classifier(about["name"], version, labels, _HeadScorer(folder, about, settings))
    return Classifier(about["name"], version, labels, _NetworkScorer(folder, about, settings.device))


def base_settings(settings: Settings, base: str) -> Settings:
    """Return the settings under which `load_encoder` gives a base model; prefixes stay only with the model they belong to."""
    if base == settings.embedding_model:
        return settings
    return settings.model_copy(update={"embedding_model": base, "query_prefix": "", "passage_prefix": ""})


class _HeadScorer:
    def __init__(self, folder: Path, about: Mapping[str, Any], settings: Settings) -> None:
        from tasks.classifiers import head

        self._encoder = load_encoder(base_settings(settings, about["base"]))
        if self._encoder.fingerprint != about["fingerprint"]:
            raise UsageError(
                f"model {about['name']} was trained with another encoder than {about['base']} here: train it again"
            )
        self._head = head.load(folder)

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    def over(self, vectors: Vectors, texts: Sequence[str]) -> Scores:
        """Return probabilities from vectors that are there."""
        return self._head.scores(vectors, texts)

    def __call__(self, texts: Sequence[str]) -> Scores:
        if not self._head.dense.any():  # of the mode `linear`
            return self.over(np.zeros((len(texts), self._encoder.dimension), np.float32), texts)
        return self.over(self._encoder.encode(clip(self._encoder, texts)), texts)


class _NetworkScorer:
    def __init__(self, folder: Path, about: Mapping[str, Any], device: str) -> None:
        from tasks.classifiers.network import load_network

        self._folder, self._about = folder, about
        self._device = best_device(device)
        self._network = load_network(folder, len(about["labels"])).to(self._device)

    def __call__(self, texts: Sequence[str]) -> Scores:
        from tasks.classifiers.network import probabilities, tokenise

        tokens = tokenise(self._folder, texts, self._about["max_tokens"])
        return probabilities(self._network, tokens, self._about["pad"], self._device, len(self._about["labels"]))


def _transformers(folder: Path, model: str, device: str) -> tuple[tuple[str, ...], Scorer]:
    """Return a sequence classifier as transformers saves it, for instance FinBERT."""
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging

    from tasks.classifiers.network import probabilities, tokenise

    config = json.loads((folder / "config.json").read_text())
    if not any("ForSequenceClassification" in name for name in config.get("architectures") or ()):
        raise UsageError(f"model {model}: {folder} is not a text classifier")
    logging.disable_progress_bar()
    network = AutoModelForSequenceClassification.from_pretrained(
        str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False
    )
    there = best_device(device)
    network = network.to(there).eval()
    labels = tuple(str(network.config.id2label[i]) for i in range(network.config.num_labels))
    most = int(config.get("max_position_embeddings", 512)) - (2 if "roberta" in config.get("model_type", "") else 0)

    def forward(ids: Any, mask: Any) -> Any:
        return network(ids, attention_mask=mask).logits

    def score(texts: Sequence[str]) -> Scores:
        return probabilities(
            forward, tokenise(folder, texts, most), config.get("pad_token_id") or 0, there, len(labels)
        )

    return labels, score


def clip(encoder: Encoder, texts: Sequence[str]) -> list[str]:
    """Return texts cut to what an encoder reads: its `encode` refuses longer ones rather than cut them unseen."""
    room = encoder.max_tokens - 2 - encoder.prefix_tokens
    out = list(texts)
    long = [i for i, text in enumerate(texts) if len(text) > room]  # a token has at least one character
    for i, encoding in zip(
        long, encoder.tokenizer.encode_batch([texts[i] for i in long], add_special_tokens=False), strict=True
    ):
        if len(encoding.ids) > room:
            out[i] = texts[i][: encoding.offsets[room - 1][1]]
    return out
