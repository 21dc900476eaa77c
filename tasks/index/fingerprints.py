"""What a worker needs to know to process a batch, and the fingerprints that say when a document must be done again."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from infra.encoders import load_encoders
from infra.settings import Settings
from tasks.collection import terms
from tasks.index import chunk
from tasks.index.formats import formats
from tasks.index.plan import Fingerprints
from tasks.office.recognise import VERSION as RECOGNITION

CHUNK_TOKENS = 256  # the limit, for encoders that read more: longer passages blur a vector


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How a batch is processed. Secrets do not travel with it: a worker takes those from its own environment."""

    settings: Settings
    collection: str
    staging: str
    fingerprints: Fingerprints

    @property
    def scratch(self) -> Path | None:
        """The run's folder on this machine, which is swept when the run dies; None on another machine."""
        folder = self.settings.scratch / "staging" / self.staging.rsplit("/", 1)[-1]
        return folder if folder.is_dir() else None


def fingerprints(settings: Settings) -> Fingerprints:
    """Return the pipeline as it is now with these settings.

    Raises:
        UsageError: the encoder cannot be loaded.
    """
    encoders = load_encoders(settings)
    chunker = f"{chunk.VERSION}:{terms.VERSION}:{min(encoders.max_tokens, CHUNK_TOKENS)}"
    # with workers elsewhere this machine, which only submits, says nothing of what reads
    here = settings.dask in {"auto", "threads", "local"}
    eyes = settings.ocr != "off" and (not here or shutil.which("tesseract") is not None)
    parsers = {name: _parser(name, settings.ocr, settings.languages, eyes) for name in formats()}
    parsers[""] = hashlib.blake2b("".join(parsers.values()).encode(), digest_size=6).hexdigest()
    return Fingerprints(parsers, chunker, encoders.fingerprint)


@lru_cache(maxsize=256)
def _parser(name: str, ocr: str, languages: tuple[str, ...], tesseract: bool) -> str:
    packages = [f"{package}={version(package)}" for package in ("pypdfium2", "openpyxl", "xlrd", "python-calamine")]
    # a document with pages that nobody could read is read again once tesseract is there
    eyes = [ocr, ",".join(languages), str(tesseract)]
    parts = [name, formats()[name].version, RECOGNITION, *packages, *eyes]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=6).hexdigest()
