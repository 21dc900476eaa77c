"""Look-ups among the chunks of a collection, by words and by meaning: in memory while it is small, else by LanceDB's indexes.

Both give the same rows. `SMALL` is the size up to which a collection has no vector index, so that its look-up by meaning is exact anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from infra.lake import SCORE, Lake
from infra.lake_filters import Filter
from infra.lake_memory import Floats, LakeMemory, Places, best
from infra.lake_upkeep import FLAT_ROWS as SMALL
from tasks.collection.chunks import VECTOR

Row = dict[str, Any]
Scored = Mapping[str, float]

LATELY = 8  # full-text queries whose scores are kept: a search asks twice for the same words


class Lookups(Protocol):
    """One version of a collection's chunks; rows have the columns asked for and their vector, an array."""

    version: int

    def by_words(self, words: Sequence[str], limit: int, where: Filter) -> tuple[list[Row], Scored]:
        """Return the best rows that hold any of the words, and their BM25 scores by chunk id."""
        ...

    def by_meaning(self, vector: Floats, limit: int, where: Filter) -> list[Row]:
        """Return the rows nearest to a unit vector, nearest first."""
        ...

    def read(self, columns: Sequence[str], where: Filter) -> list[Row]:
        """Return columns of all rows that match: of those that the look-ups have, or `ordinal`."""
        ...


def open_lookups(lake: Lake, table: str, columns: Sequence[str]) -> Lookups:
    """Open the newest version of a table of chunks."""
    return InMemory(lake, table, columns) if lake.count(table) < SMALL else InLake(lake, table, columns)


class InMemory:
    """Look-ups of a small collection."""

    def __init__(self, lake: Lake, table: str, columns: Sequence[str]) -> None:
        self._memory = LakeMemory(lake, table, [*columns, "ordinal"], VECTOR)
        self.version = self._memory.version
        self._scores = lru_cache(maxsize=LATELY)(self._memory.scores)

    def by_words(self, words: Sequence[str], limit: int, where: Filter) -> tuple[list[Row], Scored]:
        scores = self._scores(tuple(words))
        among = scores > 0
        if where:
            among &= self._memory.mask(where)
        places = best(scores, limit, among)
        rows = self._rows(places)
        return rows, {row["chunk_id"]: float(score) for row, score in zip(rows, scores[places], strict=True)}

    def by_meaning(self, vector: Floats, limit: int, where: Filter) -> list[Row]:
        among = self._memory.mask(where) if where else None
        return self._rows(best(self._memory.vectors @ vector, limit, among))

    def read(self, columns: Sequence[str], where: Filter) -> list[Row]:
        rows: list[Row] = self._memory.rows.select(list(columns)).filter(self._memory.mask(where)).to_pylist()
        return rows

    def _rows(self, places: Places) -> list[Row]:
        return _with_vectors(self._memory.rows.take(places), self._memory.vectors[places])


class InLake:
    """Look-ups of a large collection; each sees the newest version."""

    def __init__(self, lake: Lake, table: str, columns: Sequence[str]) -> None:
        self._lake, self._table, self._columns = lake, table, (*columns, VECTOR)
        self.version = lake.version(table)

    def by_words(self, words: Sequence[str], limit: int, where: Filter) -> tuple[list[Row], Scored]:
        rows = _split(self._lake.matching(self._table, words, limit, self._columns, where))
        return rows, {row["chunk_id"]: row[SCORE] for row in rows}

    def by_meaning(self, vector: Floats, limit: int, where: Filter) -> list[Row]:
        return _split(self._lake.nearest(self._table, vector, limit, self._columns, where))

    def read(self, columns: Sequence[str], where: Filter) -> list[Row]:
        rows: list[Row] = self._lake.read(self._table, columns, where).to_pylist()
        return rows


def _split(table: pa.Table) -> list[Row]:
    """Return the rows of a look-up."""
    if not table.num_rows:
        return []
    column = table[VECTOR].combine_chunks()
    vectors = np.asarray(column.flatten()).reshape(len(column), -1).astype(np.float32)
    return _with_vectors(table.drop_columns([VECTOR]), vectors)


def _with_vectors(table: pa.Table, vectors: npt.NDArray[Any]) -> list[Row]:
    """Return rows as dictionaries, their vectors as arrays: as lists of numbers these would take longer than the look-up."""
    rows: list[Row] = table.to_pylist()
    for row, vector in zip(rows, vectors, strict=True):
        row[VECTOR] = vector
    return rows
