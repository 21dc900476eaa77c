"""Rows in a run's own folder, written and read in a stream, so that they are never all in memory.

A spool is a folder of Parquet files, one for each time that rows were added: a single file would keep its footer in memory as it grows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from infra.files import remove_tree

READ_ROWS = 10_000
READS = 256  # of a spool or a file, however many rows it has


class Spool:
    """Rows that gather under another name, and take their own when all are there.

    Leave it by an error and nothing is there: neither what was written nor what an earlier try left.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = 0
        self._growing = folder.with_suffix(".growing")
        self._files = 0

    def __enter__(self) -> Self:
        for folder in (self.folder, self._growing):
            remove_tree(str(folder))
        self._growing.mkdir()
        return self

    def add(self, rows: pl.DataFrame) -> None:
        """Append rows; the first ones, of which there may be none, say what columns there are."""
        if rows.height or not self._files:
            rows.write_parquet(self._growing / f"{self._files:06}.parquet", row_group_size=READ_ROWS)
            self._files += 1
            self.rows += rows.height

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            os.replace(self._growing, self.folder)
        else:
            remove_tree(str(self._growing))


def stream(place: str | Path, columns: Sequence[str] | None = None, rows: int = READ_ROWS) -> Iterator[pl.DataFrame]:
    """Yield the rows of a Parquet file or a spool in their order: so many at a time, and more where it has more than `READS` times as many.

    Each read looks at the footers of all its files.
    """
    scan = pl.scan_parquet(place)
    height = int(scan.select(pl.len()).collect().item())
    step = max(rows, -(-height // READS))
    chosen = scan.select(columns) if columns else scan
    for start in range(0, height, step):
        yield chosen.slice(start, step).collect()
