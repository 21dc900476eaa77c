"""Batches that workers leave for the one writer: an Arrow file a table, under one stem.

No row of a document ever travels through the flow: a worker writes its rows here and hands on the stem.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping

import pyarrow as pa
from filelock import FileLock

from infra.errors import StorageError, TransientError
from infra.files import private_folder, read_bytes, remove_tree, write_bytes
from infra.settings import Settings
from tasks.collection.table import Table

log = logging.getLogger("faldone.collection")


class Staging:
    """A run's folder for batches: `folder` on this machine, `location` where workers and writer meet.

    Its lock is held as long as this process lives: a folder whose lock is free belongs to a dead run, and cleanup removes it.
    """

    def __init__(self, settings: Settings) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.folder = private_folder(settings.scratch) / "staging" / self.id
        self.folder.mkdir(parents=True)
        self._alive = FileLock(self.folder / "alive.lock")
        self._alive.acquire()
        self.location = f"{settings.root}/staging/{self.id}" if settings.remote else str(self.folder)

    def close(self) -> None:
        """Remove everything staged; may be called twice."""
        self._alive.release()
        try:
            remove_tree(self.location)
        except TransientError as error:
            log.warning("what was staged is left to `faldone cleanup`: %s", error)
            return  # the folder here tells it what to remove there
        remove_tree(str(self.folder))


def stage(folder: str, name: str, rows: Mapping[Table, pa.Table]) -> str:
    """Write a batch's rows under `folder` (a path or a URL that the writer reads too). Returns the stem."""
    stem = f"{folder}/{name}"
    for table, part in rows.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, part.schema) as writer:
            writer.write_table(part)
        # no folder is made here: a run that was stopped has removed it, and nothing may be left behind
        write_bytes(_file(stem, table), memoryview(sink.getvalue()), parents=False)
    return stem


def staged(stems: Iterable[str], table: Table) -> pa.Table:
    """Read the rows of a table back from some batches.

    Raises:
        StorageError: a file cannot be read.
        TransientError: the object store does not answer.
    """
    return pa.concat_tables([_rows(_file(stem, table)) for stem in stems])


def _rows(file: str) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.BufferReader(read_bytes(file))).read_all()
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror or error}") from error


def _file(stem: str, table: Table) -> str:
    return f"{stem}.{table.kind}.arrow"
