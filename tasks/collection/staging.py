"""Batches that workers leave for the one writer: an Arrow file a table, under one stem.

No row of a document ever travels through the flow: a worker writes its rows here and hands on the stem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from infra.files import read_bytes, write_bytes
from tasks.collection.table import Table


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
    """Read the rows of a table back from some batches."""
    parts = [pa.ipc.open_file(pa.BufferReader(read_bytes(_file(stem, table)))).read_all() for stem in stems]
    return pa.concat_tables(parts)


def _file(stem: str, table: Table) -> str:
    return f"{stem}.{table.kind}.arrow"
