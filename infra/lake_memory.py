"""One version of a small table in memory: exact look-ups by meaning in one product, and rows without reading them again.

A query of LanceDB costs some milliseconds however small the table is, and a search asks up to ten. Up to some ten thousand rows the product of
all vectors with a query takes less than one of them. Full-text search stays with LanceDB's index, which is asked for row ids and scores alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from infra.lake import SCORE, Lake, matching_any
from infra.lake_filters import Filter, single
from infra.object_store import guarded

ROW_ID = "_rowid"

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class LakeMemory:
    """The rows of a table as they were when it was opened; rows are numbered from 0 as they lie in it.

    Attributes:
        version: of the table.
        rows: the columns asked for, without the vectors.
        vectors: float32 [rows, dimension].
    """

    def __init__(self, lake: Lake, name: str, columns: Sequence[str], vector: str) -> None:
        """Read a table whole.

        Raises:
            UsageError: there is no such table.
        """
        self.location = lake.location
        self._read(lake, name, columns, vector)

    @guarded
    def _read(self, lake: Lake, name: str, columns: Sequence[str], vector: str) -> None:
        self._table = lake.table(name)
        self.version = int(self._table.version)
        self._table.checkout(self.version)  # full-text search must know the same row ids
        whole = self._table.search().select([*columns, vector]).with_row_id(True).to_arrow().combine_chunks()
        self.rows: pa.Table = whole.drop_columns([vector, ROW_ID])
        column = whole[vector].combine_chunks()
        self.vectors: Floats = np.asarray(column.flatten()).reshape(-1, column.type.list_size).astype(np.float32)
        ids = whole[ROW_ID].to_numpy()
        self._order: Places = np.argsort(ids)
        self._ids = ids[self._order]

    @guarded
    def scores(self, terms: Sequence[str], column: str = "terms") -> Floats:
        """Return the BM25 score of every row, float32 [rows], 0 for those that hold none of the terms."""
        found = np.zeros(len(self.rows), np.float32)
        query = matching_any(self._table, terms, column).limit(max(1, len(self.rows)))
        hits = query.select([SCORE]).with_row_id(True).to_arrow()
        found[self._places(hits[ROW_ID].to_numpy())] = hits[SCORE].to_numpy()
        return found

    @guarded
    def mask(self, where: Filter) -> Mask:
        """Return which rows match every condition, bool [rows]; columns that are here are compared here with plain values.

        Raises:
            UsageError: a condition names a column that the table does not have.
        """
        found, others = np.ones(len(self.rows), bool), dict[str, Any]()
        for column, value in where.items():
            values = self._values(column, value)
            if values is None:
                others[column] = value
            else:
                found &= pc.is_in(self.rows[column], value_set=values).to_numpy()
        if others:
            found &= self._matching(others)
        return found

    def _values(self, column: str, value: Any) -> pa.Array | None:
        """Return what a column that is here must be; None for other columns and for conditions that LanceDB knows better."""
        kind = self.rows.schema.field(column).type if column in self.rows.column_names else None
        wanted = {pa.string(): str, pa.int32(): int}.get(kind)
        values = [value] if isinstance(value, str | int) else value
        if not wanted or not isinstance(values, Sequence) or not all(type(one) is wanted for one in values):
            return None
        return pa.array(values, kind)

    def _matching(self, where: Filter) -> Mask:
        condition = single(self._table.schema, where)
        hits = self._table.search().where(condition).select([]).with_row_id(True).to_arrow()
        found = np.zeros(len(self.rows), bool)
        found[self._places(hits[ROW_ID].to_numpy())] = True
        return found

    def _places(self, ids: npt.NDArray[Any]) -> Places:
        places: Places = self._order[np.searchsorted(self._ids, ids)]
        return places


def best(scores: Floats, limit: int, among: Mask | None = None) -> Places:
    """Return the rows of the `limit` highest scores among some, the best first, equal ones as they lie in the table."""
    rows = np.arange(len(scores)) if among is None else np.flatnonzero(among)
    values = scores[rows]
    if len(rows) > limit:
        least = np.partition(values, len(rows) - limit)[len(rows) - limit]
        rows, values = rows[values >= least], values[values >= least]
    order: Places = rows[np.argsort(-values, kind="stable")][:limit]
    return order
