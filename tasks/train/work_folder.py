"""The work folder of a training, and the steps that read data into it: prepare → split (→ fit → register → promote).

The folder's name is a hash of what was asked and of the data, so the same command after a kill finds what was done:
each step that is complete is read back, and `fit` goes on from its last checkpoint. It lives in the scratch folder
under `training/` and is removed once the model has been registered and compared.
"""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import numpy as np

from infra import files, multilingual
from infra.encoders import AUTO, ENGLISH, ENGLISH_MODEL
from infra.errors import DocumentError, UsageError
from infra.machine import replace_file
from infra.models import model_folder
from infra.settings import Settings
from tasks import languages
from tasks.classifiers.measure import Targets
from tasks.classifiers.spec import Prepared, TrainSpec, digest
from tasks.train.data import Labelled, read_labelled
from tasks.train.split import assign

log = logging.getLogger("faldone.train")

SPLITS = ("train", "validation", "test")
LOOKED_AT = 200  # texts whose language decides on the base model
NEARLY_ALL = 0.9  # share of texts; an English model reads the few others too
LARGEST_DATA = 2 * 2**30  # bytes of a remote data file


@dataclass(frozen=True, slots=True)
class Part:
    """The texts of one split and the index of each one's label."""

    texts: list[str]
    targets: Targets


def prepare(settings: Settings, spec: TrainSpec) -> Prepared:
    """Read and check the data, and put the distinct texts into the work folder.

    Raises:
        UsageError: as `read_labelled`, or the base model is not there.
    """
    if spec.base != AUTO:
        model_folder(spec.base)  # a wrong base should fail before anything is read
    labelled = _read(settings, spec)
    asked = asdict(spec) | {"data": "", "name": ""}
    key = digest(asked, labelled.hash, package_version("transformers"))
    folder = settings.scratch / "training" / f"{spec.name}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    prepared = Prepared(
        folder=str(folder),
        rows=len(labelled.texts),
        duplicates=labelled.duplicates,
        conflicts=labelled.conflicts,
        labels=tuple(sorted(set(labelled.labels))),
        data_hash=labelled.hash,
        base=base_for(labelled.texts) if spec.base == AUTO else spec.base,
    )
    _write_rows(folder, labelled.texts, labelled.labels, labelled.splits)
    log.info(
        "%d texts, %d labels, %d duplicates left out (%d with another label); base model %s",
        prepared.rows,
        len(prepared.labels),
        prepared.duplicates,
        prepared.conflicts,
        prepared.base,
    )
    return prepared


def base_for(texts: Sequence[str]) -> str:
    """Return the name of the model for these texts: the English one when nearly all are English, else the multilingual one."""
    sample = texts[:: -(-len(texts) // LOOKED_AT)]
    found = [language for text in sample if (language := languages.of_texts([text]))]
    english = sum(language == ENGLISH for language in found) >= NEARLY_ALL * len(found)
    return ENGLISH_MODEL if english or not multilingual.installed() else multilingual.NAME


def _read(settings: Settings, spec: TrainSpec) -> Labelled:
    inbox = settings.scratch / "training"
    inbox.mkdir(parents=True, exist_ok=True)
    try:
        path = str(files.fetch(spec.data, inbox, LARGEST_DATA))
    except DocumentError as error:
        raise UsageError(f"{spec.data}: {error}") from error
    try:
        texts_of = _collection_texts(settings, spec.collection) if spec.collection else None
        return read_labelled(path, spec.text_column, spec.label_column, texts_of)
    finally:
        if files.is_url(spec.data):
            Path(path).unlink()


def _collection_texts(settings: Settings, collection: str) -> dict[str, str]:
    from infra.lake import Lake
    from tasks.collection.elements import read_documents

    found: dict[str, str] = {}
    for document in read_documents(Lake(settings.root), collection):
        text = "\n".join(element.text for element in document.parsed.elements)
        found[document.document_id] = found[document.path] = text
    return found


def split(spec: TrainSpec, prepared: Prepared) -> dict[str, int]:
    """Assign each text to training, validation or test; gives the number of texts in each."""
    frame = _rows(prepared)
    texts, labels = frame["text"].to_list(), frame["label"].to_list()
    given = frame["split"].to_list()
    places = assign(texts, labels, given, spec.seed, spec.data)
    _write_rows(Path(prepared.folder), texts, labels, places)
    return {name: places.count(name) for name in SPLITS}


def part(prepared: Prepared, name: str) -> Part:
    """Return the texts of a split with the indices of their labels."""
    import polars as pl

    frame = _rows(prepared).filter(pl.col("split") == name)
    index = {label: i for i, label in enumerate(prepared.labels)}
    return Part(frame["text"].to_list(), np.array([index[label] for label in frame["label"]], np.int64))


def _rows(prepared: Prepared) -> Any:
    import polars as pl

    return pl.read_parquet(Path(prepared.folder) / "rows.parquet")


def _write_rows(folder: Path, texts: list[str], labels: list[str], splits: list[str]) -> None:
    import polars as pl

    schema = dict.fromkeys(("text", "label", "split"), pl.String)
    table = io.BytesIO()
    pl.DataFrame({"text": texts, "label": labels, "split": splits}, schema=schema).write_parquet(table)
    replace_file(folder / "rows.parquet", table.getvalue())


def finish(prepared: Prepared) -> None:
    """Remove the work folder; the model stands in the registry."""
    shutil.rmtree(prepared.folder, ignore_errors=True)
