"""The door to LanceDB: named tables of Arrow rows in the data folder.

Tables are named `COLLECTION.kind`. Every write is one commit, so a reader sees all of it or nothing. Writers of one collection take
`infra.lanes.writer_lane` first, and each write asks it once more (`Lake.writing`): LanceDB's merge silently duplicates rows under concurrent
writers unless the table has an unenforced primary key and the merge does not use the key's index; both are done here as a second belt.

Not fork-safe: open a Lake inside the process that uses it. Object stores take their credentials from the environment (AWS_…).
"""

from __future__ import annotations

import errno
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pyarrow as pa

from infra import lake_folder, lake_format, locks
from infra.errors import StorageError, TransientError, UsageError, first_line
from infra.files import is_url, private_folder, remove_tree
from infra.lake_filters import Filter, predicates, single
from infra.object_store import guarded, raise_trouble, reaching, troubled

COLLECTION_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
COLLECTION_NAME = re.compile(COLLECTION_PATTERN[1:-1])
_SYSTEM = re.compile(r"\(os error (\d+)\)")
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}
PRIMARY_KEY = {b"lance-schema:unenforced-primary-key:position": b"1"}  # as Lance marks the column of the key
METADATA_BYTES = 64 * 2**20  # of tables, kept by LanceDB: each commit adds some, and its own limit is 1 GiB
# of a request to an object store; Lance's 3 are too few where a third are refused: each batch makes some fifty
RETRIES = "6"
SECOND_LOOK = 200  # candidates compared at full precision: 500 take 5 ms more and find no more
AHEAD = 20_000  # rows of one query that is read in batches: Lance reads ahead of whoever takes them, up to 2 GiB
MEND = "restore it from a backup, or drop its collection"
SCORE = "_score"
DISTANCE = "_distance"


def check_collection(name: str) -> str:
    """Return the name itself.

    Raises:
        UsageError: it is not a name that a collection can have.
    """
    if not COLLECTION_NAME.fullmatch(name):
        raise UsageError(
            f"collection {name!r}: use 1 to 63 lower-case letters, digits, - and _, beginning with a letter or a digit"
        )
    return name


class NoTableError(UsageError):
    """There is no such table, or none yet."""


class Lake:
    """The tables under one data folder (a path or a URL)."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.location = f"{root}/lake"
        if not is_url(root):
            private_folder(Path(root))
        self._db = _connect(root)

    def __reduce__(self) -> tuple[type[Lake], tuple[str]]:
        return Lake, (self._root,)  # another process opens its own

    def names(self, pattern: str = "*") -> list[str]:
        """Return every table whose name matches a pattern of the shell's kind, sorted."""
        return [name for name in self.folders(pattern) if self.exists(name)]

    def folders(self, pattern: str = "*") -> list[str]:
        """Return the names of tables and of what making or removing one has left, sorted."""
        found: list[str] = []
        token: str | None = None
        while True:
            with reaching(self.location):
                answer = self._db.list_tables(page_token=token, limit=1000)
            found += answer.tables
            token = answer.page_token
            if not token:
                return sorted(name for name in found if fnmatchcase(name, pattern))

    def exists(self, name: str) -> bool:
        """Tell whether there is a table, be it one that cannot be read.

        The folder of one which is just being made or removed is none, nor is one where a kill came between.
        """
        try:
            self._db.open_table(name)
        except (OSError, RuntimeError, ValueError) as error:
            raise_trouble(self.location, error)
            return not _is_absence(error) or self._has_lived(name)
        return True

    def broken(self, name: str) -> str:
        """Say why a table that is there cannot be opened; "" when it can.

        Raises:
            TransientError: the store or the system is in trouble, which tells nothing of the table.
        """
        try:
            self._db.open_table(name)
        except (OSError, RuntimeError, ValueError) as error:
            raise_trouble(self.location, error)
            if _SYSTEM.search(str(error)) or getattr(error, "errno", None):
                raise TransientError(f"{self.location}: {first_line(error)}") from error
            return f"it has lost its versions: {MEND}" if _is_absence(error) else first_line(error)
        return ""

    def _has_lived(self, name: str) -> bool:
        """Tell whether what cannot be opened has been a table. Of a store one request tells those apart that are not there at all."""
        remote = is_url(self._root)
        return (not remote or name in self.folders()) and lake_folder.has_lived(self._folder(name))

    def _folder(self, name: str) -> str:
        return f"{self.location}/{name}.lance"

    @guarded
    def read(
        self, name: str, columns: Sequence[str] | None = None, where: Filter | None = None, limit: int | None = None
    ) -> pa.Table:
        """Return rows that match every condition.

        Raises:
            NoTableError: there is no such table.
            UsageError: a condition names a column that it does not have.
        """
        table = self._open(name)
        parts = [
            self._query(table, columns, condition, limit).to_arrow() for condition in predicates(table.schema, where)
        ]
        rows = pa.concat_tables(parts)
        return rows.slice(0, limit) if limit is not None else rows

    def batches(
        self, name: str, columns: Sequence[str] | None = None, where: Filter | None = None, size: int = 1024
    ) -> Iterator[pa.RecordBatch]:
        """Yield rows as `read` does, a batch of `size` at a time, for what does not fit in memory; all of one version of the table."""
        with troubled(self.location):
            table = self._open(name)
            if not where:
                table.checkout(table.version)
                for start in range(0, table.count_rows(), AHEAD):
                    yield from self._query(table, columns, None, AHEAD).offset(start).to_batches(size)
                return
            for condition in predicates(table.schema, where):
                yield from self._query(table, columns, condition, None).to_batches(size)

    @staticmethod
    def _query(table: Any, columns: Sequence[str] | None, condition: str | None, limit: int | None) -> Any:
        query = table.search()
        if condition:
            query = query.where(condition)
        if columns is not None:
            query = query.select(list(columns))
        return query.limit(limit)

    @guarded
    def count(self, name: str, where: Filter | None = None) -> int:
        """Return rows that match; 0 when there is no such table."""
        table = self._find(name)
        if table is None:
            return 0
        return sum(int(table.count_rows(condition)) for condition in predicates(table.schema, where))

    @guarded
    def upsert(self, name: str, rows: pa.Table, key: str, replace: tuple[str, Sequence[str]] | None = None) -> int:
        """Insert rows or update those with the same key, in one commit; create the table when there is none.

        Args:
            key: the column that identifies a row: never null, no duplicate in `rows`.
            replace: (column, values): rows of the table whose `column` is in `values` and which are not in `rows`
                are removed in the same commit, so that a document's old rows leave as its new ones come.

        Returns:
            The version of the table after the commit.
        """
        table = self._find(name)
        if table is None:
            return self._create(name, rows, key)
        merge = table.merge_insert(key).when_matched_update_all().when_not_matched_insert_all()
        if replace and replace[1]:
            column, values = replace
            merge = merge.when_not_matched_by_source_delete(single(table.schema, {column: values}))
        rows = rows.select(table.schema.names).cast(table.schema)
        with self.writing():
            return int(merge.use_index(False).execute(rows).version)

    @guarded
    def append(self, name: str, rows: pa.Table, key: str) -> None:
        """Add rows with keys that the table does not have, in one commit; create the table when there is none.

        Unlike `upsert` it does not look at the rows that are there, of which a large table has hundreds of megabytes of keys.
        """
        table = self._find(name)
        if table is None:
            self._create(name, rows, key)
        elif rows.num_rows:
            rows = rows.select(table.schema.names).cast(table.schema)
            with self.writing():
                table.add(rows)

    def _create(self, name: str, rows: pa.Table, key: str) -> int:
        """Make a table with its rows and its key in one commit."""
        if not self.folders():
            locks.check()
            lake_format.mark(self._root)
        fields = [f.with_nullable(False).with_metadata(PRIMARY_KEY) if f.name == key else f for f in rows.schema]
        schema = pa.schema(fields, metadata=rows.schema.metadata)
        with self.writing():
            return int(self._db.create_table(name, rows.cast(schema), schema=schema).version)

    @guarded
    def ensure(self, name: str, schema: pa.Schema, key: str) -> None:
        """Create an empty table when there is none, and add columns that a newer release knows (null for old rows)."""
        table = self._find(name)
        if table is None:
            self._create(name, schema.empty_table(), key)
            return
        missing = [field for field in schema if field.name not in table.schema.names]
        if missing:
            with self.writing():
                table.add_columns(pa.schema([field.with_nullable(True) for field in missing]))

    @guarded
    def overwrite(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], key: str) -> None:
        """Replace all rows of a table in one commit, with another schema if need be; its indexes go with the old rows.

        Readers that opened the former version go on with it.
        """
        marked = self._open(name).schema.field(key)  # it carries the mark of the primary key
        fields = [marked if f.name == key else f for f in schema]
        whole = pa.schema(fields, metadata=schema.metadata)
        check = locks.checker()  # no fence keeps an overwrite out: each batch asks again

        def asking() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                yield pa.RecordBatch.from_arrays(batch.select(whole.names).columns, schema=whole)
                check()

        rows = pa.RecordBatchReader.from_batches(whole, asking())
        with self.writing():
            self._db.create_table(name, rows, schema=whole, mode="overwrite")

    @guarded
    def delete(self, name: str, where: Filter) -> int:
        """Remove the rows that match, in one commit where the list is short; the number removed.

        Raises:
            ValueError: an empty condition, which would remove everything: use `drop`.
        """
        if not where:
            raise ValueError("a delete needs a condition")
        locks.check()
        table = self._find(name)
        if table is None:
            return 0
        before = table.count_rows()
        for condition in predicates(table.schema, where):
            with self.writing():
                table.delete(condition)
        return int(before - table.count_rows())

    @guarded
    def fence(self, name: str) -> None:
        """Commit the table as it is, so that LanceDB refuses what another process began to write before and has not committed.

        A restored version conflicts with every merge, append, delete and compaction that began before it; after any other commit LanceDB
        would put the late one on top.
        """
        table = self._open(name)
        table.checkout(table.version)
        with self.writing():
            table.restore()

    @guarded
    def drop(self, name: str) -> None:
        """Remove a table with all its versions; nothing happens when there is none. A kill leaves all of it, or none that can be opened."""
        with self.writing():
            if name in self.folders():
                lake_folder.forget(self._folder(name))
                self._db.drop_table(name)
                if is_url(self._root):
                    remove_tree(self._folder(name))  # an S3 server may keep, and list, its empty folders

    @guarded
    def schema(self, name: str) -> pa.Schema:
        """Return the Arrow schema of a table."""
        return self._open(name).schema

    @guarded
    def version(self, name: str) -> int:
        """Return the newest version of a table."""
        return int(self._open(name).version)

    @guarded
    def bytes(self, name: str) -> int:
        """Return bytes of a table's current data and indexes."""
        return int(self._open(name).stats()["total_bytes"])

    def table(self, name: str) -> Any:
        """Return the LanceDB table itself, for the maintenance jobs of this floor."""
        return self._open(name)

    # ---- search ----------------------------------------------------------------------------------------------------

    @guarded
    def nearest(
        self,
        name: str,
        vector: npt.NDArray[Any],
        limit: int,
        columns: Sequence[str],
        where: Filter | None = None,
        column: str = "vector",
    ) -> pa.Table:
        """Return the rows nearest to a unit vector by cosine, nearest first, with the distance in `_distance` (0 … 2)."""
        table = self._open(name)
        query = table.search(vector, vector_column_name=column).distance_type("cosine").limit(limit)
        # with an approximate index: enough partitions and a second look at full precision for recall@10 ≥ 0.98
        refine = min(5, max(2, SECOND_LOOK // limit))
        query = query.nprobes(32).refine_factor(refine).select([*columns, DISTANCE])
        condition = single(table.schema, where)
        return (query.where(condition, prefilter=True) if condition else query).to_arrow()

    @guarded
    def matching(
        self,
        name: str,
        terms: Sequence[str],
        limit: int,
        columns: Sequence[str],
        where: Filter | None = None,
        column: str = "terms",
    ) -> pa.Table:
        """Return the rows that hold any of the terms, best BM25 score first, with the score in `_score`.

        `column` holds space-separated analysed terms and has the index that `index_text` makes.
        """
        table = self._open(name)
        query = matching_any(table, terms, column).limit(limit).select([*columns, SCORE])
        condition = single(table.schema, where)
        return (query.where(condition, prefilter=True) if condition else query).to_arrow()

    @guarded
    def index_text(self, name: str, column: str = "terms", behind: int = 10_000) -> bool:
        """Make the full-text index of a column of analysed terms where there is none.

        Rows that are not yet in the index are still found: LanceDB scans them.

        Returns:
            Whether the index is more than `behind` rows late, so that `lake_upkeep.refresh_indexes` is worth its time.
        """
        from lancedb.index import FTS

        table = self._open(name)
        existing = [index.name for index in table.list_indices() if column in index.columns]
        if not existing:
            config = FTS(
                base_tokenizer="whitespace",
                language="English",
                stem=False,
                remove_stop_words=False,
                ascii_folding=False,
                lower_case=False,
                with_position=False,
                max_token_length=64,
            )
            with self.writing():
                table.create_index(column, config=config, replace=True)
            return False
        stats = table.index_stats(existing[0])
        return stats is not None and stats.num_unindexed_rows > behind

    @guarded
    def has_index(self, name: str, column: str) -> bool:
        """Tell whether a column of a table has an index of any kind."""
        return any(column in index.columns for index in self._open(name).list_indices())

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Ask the lanes as late as can be before a commit, and again where it failed: another writer's fence is then the reason.

        Raises:
            LockLost: a lane is not held any more.
            StorageError: the disk is full, broken or may not be written.
        """
        locks.check()
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            locks.check()
            if (reason := _refusal(error)) and not is_url(self._root):
                raise StorageError(f"{self.location} cannot be written: {reason}") from error
            raise

    def _open(self, name: str) -> Any:
        for _ in range(2):  # it may have been made meanwhile
            with reaching(self.location):
                try:
                    return self._db.open_table(name)
                except ValueError as error:
                    if not _is_absence(error):
                        raise
            if not self._has_lived(name):
                raise NoTableError(f"there is no table {name} in {self.location}")
        raise UsageError(f"table {name} in {self.location} has lost its versions: {MEND}")

    def _find(self, name: str) -> Any:
        """Open a table, or return None where there is none."""
        try:
            return self._open(name)
        except NoTableError:
            return None


def matching_any(table: Any, terms: Sequence[str], column: str) -> Any:
    """Begin a full-text query for the rows of a LanceDB table that hold any of the terms."""
    from lancedb.query import FullTextOperator, MatchQuery

    return table.search(MatchQuery(" ".join(terms), column, operator=FullTextOperator.OR), query_type="fts")


@lru_cache(maxsize=8)
def _connect(root: str) -> Any:
    import lancedb

    location = f"{root}/lake"
    os.environ.setdefault("OBJECT_STORE_CLIENT_MAX_RETRIES", RETRIES)
    # LanceDB warns of a coming change for each search that selects columns without the distance: we always select it
    warnings.filterwarnings("ignore", message=".*_distance.*", category=DeprecationWarning)
    try:
        with reaching(location):
            session = lancedb.Session(metadata_cache_size_bytes=METADATA_BYTES)
            connected = lancedb.connect(location, read_consistency_interval=timedelta(0), session=session)
    except OSError as error:
        raise TransientError(f"the data folder {location} cannot be opened: {error}") from error
    lake_format.found(root)
    return connected


def _is_absence(error: Exception) -> bool:
    return isinstance(error, ValueError) and "not found" in str(error).lower()


def _refusal(error: Exception) -> str:
    """Say why the disk did not take a write, by the number of the system's error, also in the middle of what LanceDB says; "" for all else."""
    found = _SYSTEM.search(str(error))
    number = int(found[1]) if found else getattr(error, "errno", None)
    return os.strerror(number) if number in _DISK else ""
