"""Texts in and predictions out as files, for `faldone predict`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from infra.errors import UsageError
from infra.outputs import delivered
from tasks.classifiers.predict import Prediction
from tasks.train.data import read_table


def read_texts(path: str, text_column: str) -> list[str]:
    """Return the texts of a file: the lines of a .txt, or a column of a CSV, JSONL or Parquet file; an empty cell is "".

    Raises:
        UsageError: the file cannot be read, or has no such column.
    """
    file = Path(path).expanduser()
    if file.suffix.lower() == ".txt":
        if not file.is_file():
            raise UsageError(f"{path}: no such file")
        try:
            return [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: byte {error.start + 1} is not UTF-8 text; save the file as UTF-8") from None
    import polars as pl

    frame = read_table(path)
    if text_column not in frame.columns:
        raise UsageError(f"{path}: there is no column {text_column!r}; the columns are {', '.join(frame.columns)}")
    return frame.get_column(text_column).cast(pl.String).fill_null("").to_list()


def write_predictions(path: str, texts: Sequence[str], predictions: Sequence[Prediction]) -> None:
    """Write text, label, score and the probability of each label, a row a text, to a path or a URL.

    Raises:
        UsageError: the file's name ends in something else than .csv, .jsonl or .parquet.
    """
    import polars as pl

    ending = Path(path).suffix.lower()
    if ending not in {".csv", ".jsonl", ".parquet"}:
        raise UsageError(f"{path}: predictions are written as .csv, .jsonl or .parquet")
    if ending == ".jsonl":
        rows = [
            {"text": t, "label": p.label, "scores": dict(p.scores)} for t, p in zip(texts, predictions, strict=True)
        ]
        with delivered(path) as file:
            file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return
    labels = sorted(predictions[0].scores) if predictions else []
    columns = {"text": list(texts), "label": [p.label for p in predictions], "score": [p.score for p in predictions]}
    frame = pl.DataFrame(columns | {f"score_{label}": [p.scores[label] for p in predictions] for label in labels})
    with delivered(path) as file:
        if ending == ".csv":
            frame.write_csv(file)
        else:
            frame.write_parquet(file)
