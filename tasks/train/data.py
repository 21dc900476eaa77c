"""Labelled texts from CSV, JSONL or Parquet, checked before anything is trained.

What is wrong with a file is said in one line with its name, the row (1 is the first row of data) and the column.
Texts that differ only in case, spaces or Unicode form count as one: a copy that lands on both sides of the split would
flatter every figure. Needs polars, imported late.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

LEAST_OF_A_CLASS = 3  # one text each for training, validation and test
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """Distinct texts with their labels, in the order of the file.

    `splits` is "" for each text unless the file says where it belongs. `duplicates` counts the texts that were left out
    because an equal one came before; `conflicts`, those among them whose label was another one.
    """

    texts: list[str]
    labels: list[str]
    splits: list[str]
    duplicates: int
    conflicts: int

    @property
    def hash(self) -> str:
        """32 hexadecimal digits over texts, labels and given splits."""
        whole = hashlib.blake2b(digest_size=16)
        for row in zip(self.texts, self.labels, self.splits, strict=True):
            whole.update("\0".join(row).encode() + b"\n")
        return whole.hexdigest()


def read_labelled(
    path: str, text_column: str, label_column: str, texts_of: Mapping[str, str] | None = None
) -> Labelled:
    """Read, check and deduplicate a file of labelled texts.

    Args:
        path: a CSV (`,` `;` or tab), JSONL or Parquet file.
        text_column, label_column: where the texts and the labels are.
        texts_of: the text of each document by its path and by its id, when the texts come from a collection; the file
            then has a column `path` or `document_id` in place of the texts.

    Raises:
        UsageError: the file cannot be read, a column is missing, a text or a label is empty, there is one class only,
            or a class has fewer than three distinct texts.
    """
    frame = read_table(path)
    if texts_of is not None:
        frame, text_column = _join_documents(path, frame, texts_of, text_column)
    for column in (text_column, label_column):
        if column not in frame.columns:
            raise UsageError(f"{path}: there is no column {column!r}; the columns are {', '.join(frame.columns)}")
    texts = _strings(path, frame, text_column)
    labels = _strings(path, frame, label_column)
    labelled = _distinct(texts, labels, _given_splits(frame))
    _check_classes(path, label_column, labels, labelled)
    return labelled


def read_table(path: str) -> pl.DataFrame:
    """Return the rows of a CSV, JSONL or Parquet file; the columns of a CSV are strings."""
    import polars as pl

    file = Path(path).expanduser()
    if not file.is_file():
        raise UsageError(f"{path}: no such file")
    if file.stat().st_size == 0:
        raise UsageError(f"{path}: the file is empty")
    try:
        match file.suffix.lower():
            case ".csv" | ".tsv" | ".txt":
                return _read_csv(file)
            case ".jsonl" | ".ndjson":
                return pl.read_ndjson(file, infer_schema_length=None)
            case ".parquet":
                return pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UsageError(f"{path}: {_why(file, str(error))}") from None
    raise UsageError(f"{path}: training reads .csv, .jsonl and .parquet files, not {file.suffix or 'this one'}")


def _read_csv(file: Path) -> pl.DataFrame:
    import polars as pl

    with file.open("rb") as source:
        head = source.readline()
    separator = max(",;\t", key=lambda mark: head.count(mark.encode()))
    return pl.read_csv(file, separator=separator, infer_schema=False)


def _why(file: Path, message: str) -> str:
    """Return one line that says where a text file is broken; the reader's own first line where that cannot be found."""
    if file.suffix.lower() != ".parquet":
        for number, line in enumerate(file.read_bytes().splitlines(), 1):
            row = number - (file.suffix.lower() not in {".jsonl", ".ndjson"})
            try:
                text = line.decode()
                if file.suffix.lower() in {".jsonl", ".ndjson"} and text.strip():
                    json.loads(text)
            except UnicodeDecodeError:
                return f"row {row} is not UTF-8 text; save the file as UTF-8"
            except json.JSONDecodeError as error:
                return f"row {row}, character {error.colno} is not JSON: {error.msg}"
    return message.strip().splitlines()[0] if message.strip() else "cannot be read"


def _join_documents(
    path: str, frame: pl.DataFrame, texts_of: Mapping[str, str], text_column: str
) -> tuple[pl.DataFrame, str]:
    import polars as pl

    key = next((c for c in ("document_id", "path") if c in frame.columns), None)
    if key is None:
        raise UsageError(f"{path}: with a collection the file needs a column 'path' or 'document_id'")
    texts: list[str] = []
    for row, value in enumerate(_strings(path, frame, key), 1):
        found = texts_of.get(value) or (
            texts_of.get(str(Path(value).expanduser().resolve())) if key == "path" else None
        )
        if not found:
            raise UsageError(f"{path}: row {row}, column {key!r}: {value} is not an indexed document with text")
        texts.append(found)
    return frame.with_columns(pl.Series(text_column, texts)), text_column


def _strings(path: str, frame: pl.DataFrame, column: str) -> list[str]:
    import polars as pl

    series = frame.get_column(column)
    if series.dtype.is_nested():
        raise UsageError(f"{path}: row 1, column {column!r}: a text was expected, not {series.dtype}")
    values = series.cast(pl.String).fill_null("").str.strip_chars().to_list()
    empty = [row for row, value in enumerate(values, 1) if not value]
    if empty:
        more = f" (and {len(empty) - 1} more rows)" if len(empty) > 1 else ""
        raise UsageError(f"{path}: row {empty[0]}, column {column!r} is empty{more}")
    return values


def _given_splits(frame: pl.DataFrame) -> list[str]:
    """Return what a `split` column says, when it names both training and test rows by the usual words; else "" for each row.

    A file that is one part of a published set says "train" in every row: that splits nothing, so it is passed over.
    """
    import polars as pl

    blank = [""] * frame.height
    if "split" not in frame.columns or frame.get_column("split").dtype != pl.String:
        return blank
    given = [SPLIT_NAMES.get((value or "").strip().lower(), "") for value in frame.get_column("split").to_list()]
    return given if {"train", "test"} <= set(given) and "" not in given else blank


def same_text(text: str) -> str:
    """Return what two texts have in common when they are one for our purpose."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def text_key(text: str) -> int:
    """Return a 63-bit number of a text, equal for texts that count as one: orders the split, and is kept with a model."""
    whole = hashlib.blake2b(same_text(text).encode(), digest_size=8).digest()
    return int.from_bytes(whole, "big") >> 1


def _distinct(texts: Sequence[str], labels: Sequence[str], splits: Sequence[str]) -> Labelled:
    # test rows come first, so that of two equal texts the one in the test part stays where it is
    order = sorted(range(len(texts)), key=lambda i: splits[i] != "test")
    first: dict[str, int] = {}
    conflicts = 0
    for i in order:
        kept = first.setdefault(same_text(texts[i]), i)
        conflicts += labels[kept] != labels[i]
    keep = sorted(first.values())
    return Labelled(
        [texts[i] for i in keep],
        [labels[i] for i in keep],
        [splits[i] for i in keep],
        len(texts) - len(keep),
        conflicts,
    )


def _check_classes(path: str, column: str, labels: Sequence[str], labelled: Labelled) -> None:
    counts: dict[str, int] = dict.fromkeys(labels, 0)
    for label in labelled.labels:
        counts[label] += 1
    if len(counts) == 1:
        raise UsageError(f"{path}: column {column!r} has one class only ({labels[0]}); a classifier needs two")
    for label, count in counts.items():
        if count < LEAST_OF_A_CLASS and not any(labelled.splits):
            row = labels.index(label) + 1
            raise UsageError(
                f"{path}: row {row}, column {column!r}: class {label!r} has {count} distinct "
                f"{'texts' if count > 1 else 'text'}; each needs {LEAST_OF_A_CLASS}, for training, validation and test"
            )
