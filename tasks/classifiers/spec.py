"""The records of training: what was asked, what each step found.

They are small and go into JSON as they are; the texts themselves stay in the work folder's Parquet file, so that
nothing large passes between tasks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from infra.encoders import AUTO
from infra.errors import UsageError
from infra.lake import COLLECTION_NAME
from infra.machine import replace_file

Mode = Literal["auto", "linear", "head", "full"]
MODES: tuple[Mode, ...] = ("auto", "linear", "head", "full")
NAME = COLLECTION_NAME  # models are named like collections


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """What to train, as the user asked for it.

    `base` `auto` means the model for the language of the texts, as for collections. `epochs` 0 means the default of the mode;
    `learning_rate` 0 means the one derived from the size of the base model.
    `collection`: take the texts of its documents, and from `data` only paths (or ids) and labels.
    """

    data: str
    name: str
    mode: Mode = "auto"
    base: str = AUTO
    epochs: int = 0
    text_column: str = "text"
    label_column: str = "label"
    collection: str = ""
    seed: int = 0
    batch_size: int = 16
    learning_rate: float = 0.0

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise UsageError(
                f"model name {self.name!r}: use 1 to 63 lower-case letters, digits, - and _, "
                "beginning with a letter or a digit"
            )
        if self.mode not in MODES:
            raise UsageError(f"mode {self.mode!r}: choose {', '.join(MODES)}")
        if self.epochs < 0 or self.batch_size < 1 or self.learning_rate < 0:
            raise UsageError("epochs and the learning rate must not be negative, and the batch size must be at least 1")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A work folder with a clean data set: counts, the hash of the texts and labels in it, and the model to build on."""

    folder: str
    rows: int
    duplicates: int
    conflicts: int
    labels: tuple[str, ...]
    data_hash: str
    base: str


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """One epoch: mean training loss, validation loss, accuracy and macro-F1, seconds and texts a second."""

    epoch: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    validation_f1_macro: float
    seconds: float
    samples_per_second: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the training stands: `done` of `total` texts (over all epochs), and the expected seconds to the end."""

    done: int
    total: int
    eta_seconds: float
    stage: str
    epochs: tuple[EpochFigures, ...] = ()

    @property
    def figures(self) -> str:
        """What the last finished epoch came to, in a few words."""
        if not self.epochs:
            return ""
        last = self.epochs[-1]
        return f"loss {last.loss:.3f}, validation macro-F1 {last.validation_f1_macro:.3f}"


@dataclass(frozen=True, slots=True)
class Fitted:
    """What training ended with; the model's files are in `folder`/model. `mode` is the one that was taken."""

    folder: str
    epochs: tuple[EpochFigures, ...]
    best_epoch: int
    seconds: float
    resumed_from: int
    settings: Mapping[str, float | int | str] = field(default_factory=dict)
    mode: str = ""

    @property
    def validation_f1(self) -> float:
        """Macro-F1 of the model on the validation texts."""
        return next(epoch.validation_f1_macro for epoch in self.epochs if epoch.epoch == self.best_epoch)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures on held-out texts. `confusion[i][j]`: texts of label i that were given label j, in sorted order."""

    texts: int
    accuracy: float
    f1_macro: float
    f1_weighted: float
    loss: float
    precision: Mapping[str, float]
    recall: Mapping[str, float]
    f1: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...]

    def summary(self) -> dict[str, float]:
        return {
            "accuracy": self.accuracy,
            "f1_macro": self.f1_macro,
            "f1_weighted": self.f1_weighted,
            "loss": self.loss,
            "texts": self.texts,
        }


@dataclass(frozen=True, slots=True)
class Promotion:
    """Whether `current` moved, why, and both models' macro-F1 on the same texts (None: there was no current model)."""

    promoted: bool
    reason: str
    new_f1: float
    current_f1: float | None
    texts: int


def digest(*parts: object) -> str:
    """Return 16 hexadecimal digits of BLAKE2b over the parts' JSON."""
    return hashlib.blake2b(json.dumps(parts, default=str, sort_keys=True).encode(), digest_size=8).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write a record or plain values as JSON, in place of what was there, all at once."""
    plain = asdict(value) if hasattr(value, "__dataclass_fields__") else value
    replace_file(path, json.dumps(plain, indent=1, ensure_ascii=False))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
