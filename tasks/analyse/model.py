"""What a classifier's results depend on: a fingerprint of its files, cheap enough to take before every run."""

from __future__ import annotations

import hashlib
from pathlib import Path

from infra.encoder import load_encoder
from infra.settings import Settings
from tasks.train.predict import find

HEAD = 1 << 20  # bytes of each weights file that are read: with its size enough to tell two trainings apart


def fingerprint_of(settings: Settings, model: str) -> str:
    """16 hexadecimal digits over the model's description and weights, and over the encoder that reads for it.

    Raises:
        UsageError: there is no such model.
    """
    folder = find(settings, model)
    return f"{files_fingerprint(folder)}:{load_encoder(settings).fingerprint}"


def files_fingerprint(folder: Path) -> str:
    """16 hexadecimal digits over a model folder's description and the beginnings of its weights."""
    digest = hashlib.blake2b(digest_size=8)
    for name in ("classifier.json", "config.json", "vocabulary.json"):
        path = folder / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    for weights in sorted(folder.glob("*.safetensors")):
        with weights.open("rb") as file:
            digest.update(f"{weights.name}:{weights.stat().st_size}".encode() + file.read(HEAD))
    return digest.hexdigest()
