"""Say what a classifier's results depend on: a fingerprint of its files, cheap enough to take before every run."""

from __future__ import annotations

from infra.encoders import load_encoders
from infra.models import fingerprint
from infra.settings import Settings
from tasks.classifiers.predict import find


def fingerprint_of(settings: Settings, model: str) -> str:
    """Return 16 hexadecimal digits over the model's description and weights, and as many of the encoder that reads for it.

    Raises:
        UsageError: there is no such model.
    """
    return f"{fingerprint(find(settings, model))}:{load_encoders(settings).first.fingerprint}"
