"""A table of a collection: `COLLECTION.kind` in the lake, with its schema and its key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from infra.lake import Lake, NoTableError, check_collection
from infra.lake_filters import Filter

FEW = 1_000  # rows that a delete names in one commit
BATCH_ROWS = 10_000  # read at a time


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A kind of rows that every collection may have.

    `schema` names every column; `key` identifies a row and is never null. Rows belong to documents by `document_id`.
    """

    kind: str
    schema: pa.Schema
    key: str

    def name(self, collection: str) -> str:
        """Name the table of a collection.

        Raises:
            UsageError: the collection's name is not one.
        """
        return f"{check_collection(collection)}.{self.kind}"

    def exists(self, lake: Lake, collection: str) -> bool:
        """Tell whether the collection has this table."""
        return lake.exists(self.name(collection))

    def ensure(self, lake: Lake, collection: str) -> None:
        """Make the table where there is none, and add columns that a newer release knows."""
        lake.ensure(self.name(collection), self.schema, self.key)

    def read(
        self,
        lake: Lake,
        collection: str,
        columns: Sequence[str] | None = None,
        where: Filter | None = None,
        limit: int | None = None,
    ) -> pa.Table:
        """Read rows that match; none where the table is absent."""
        try:
            return lake.read(self.name(collection), columns, where, limit)
        except NoTableError:
            empty = self.schema.empty_table()
            return empty.select(list(columns)) if columns else empty

    def batches(
        self, lake: Lake, collection: str, columns: Sequence[str], where: Filter | None = None, size: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield rows that match, a batch at a time, for what may not fit in memory; none where the table is absent."""
        with suppress(NoTableError):
            yield from lake.batches(self.name(collection), columns, where, size)

    def count(self, lake: Lake, collection: str) -> int:
        """Return the number of rows; 0 where the table is absent."""
        return lake.count(self.name(collection))

    def write(self, lake: Lake, collection: str, rows: pa.Table) -> None:
        """Insert rows or update those with the same key, in one commit."""
        lake.upsert(self.name(collection), rows, self.key)

    def replace(self, lake: Lake, collection: str, rows: pa.Table, documents: Sequence[str]) -> None:
        """Write rows of documents, and remove all others of these documents.

        A merge reads every key of the table, and four times as much where it also removes rows. So rows of documents that have none yet are
        appended, and a few that are left over go first, in a commit of their own: until the next one readers miss them.
        """
        name, where = self.name(collection), {"document_id": list(documents)}
        there = set(self.read(lake, collection, [self.key], where)[self.key].to_pylist())
        left = there - set(rows[self.key].to_pylist())
        if not there:
            lake.append(name, rows, self.key)
        elif len(left) > FEW:
            lake.upsert(name, rows, self.key, ("document_id", documents))
        else:
            if left:
                lake.delete(name, {**where, self.key: sorted(left)})
            if rows.num_rows:
                lake.upsert(name, rows, self.key)

    def delete(self, lake: Lake, collection: str, documents: Sequence[str]) -> int:
        """Remove the rows of documents. Returns their number."""
        return lake.delete(self.name(collection), {"document_id": list(documents)}) if documents else 0

    def rows(self, values: Sequence[dict[str, object]]) -> pa.Table:
        """Turn rows into Arrow; a column that a row leaves out is null."""
        return pa.Table.from_pylist(list(values), schema=self.schema)
