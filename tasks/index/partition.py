"""Divide the manifest and the ledger into parts small enough for memory, each with all that belongs to its documents.

Up to `PART_ROWS` rows there is one part, read as it is. Beyond, one pass over the manifest and one over the ledger deal their rows into part
files in the run's own folder. A document's part is drawn from a hash of its id, so each part is a fair sample of the sizes, folders and
states of all; an attachment goes to the part of its container. A part is as large as its share, or as its largest container: the attachments
of one container are not divided.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from infra.files import remove_tree
from tasks.index.spool import stream

PART_ROWS = 20_000  # of the manifest and of the ledger in one part: some 20 MB while it is planned
MOST_PARTS = 256  # files that are open at a time; more rows make larger parts
SEED = 1  # of the hash: a document's part must be the same on both sides


class Known(NamedTuple):
    """The ledger as a stream: about how many rows it has, and the rows."""

    rows: int
    batches: Iterable[pa.RecordBatch]


class Part(NamedTuple):
    """Documents of the manifest, and what the ledger has of documents with the same share of ids and of their attachments."""

    found: pl.DataFrame
    known: pl.DataFrame


def rows_of_part(rows: int, most: int = PART_ROWS) -> int:
    """Return how many rows a part has, of so many rows in all."""
    return -(-rows // _number(rows, most))


def _number(rows: int, most: int) -> int:
    return min(MOST_PARTS, max(1, -(-rows // most)))


def parts(
    manifest: str, known: Known, schema: pa.Schema, folder: Path, most: int = PART_ROWS
) -> Generator[Part, None, None]:
    """Yield the parts one after the other. Part files take as much disk as manifest and ledger do uncompressed, and go as they are read.

    Args:
        schema: of the ledger's rows; `document_id` and `parent_id` are among them.
        folder: of the run; part files are made in it where there is more than one part.
        most: rows of a part, more only where there would be more than `MOST_PARTS`.
    """
    rows = max(pq.read_metadata(manifest).num_rows, known.rows)
    number = _number(rows, most)
    ledger = (pl.DataFrame(batch.select(schema.names)) for batch in known.batches)
    nothing = Part(pl.DataFrame(pq.read_schema(manifest).empty_table()), pl.DataFrame(schema.empty_table()))
    if number == 1:
        yield Part(pl.read_parquet(manifest), pl.concat([nothing.known, *ledger], rechunk=True))
        return
    place = folder / "parts"
    remove_tree(str(place))  # of a try that was killed
    try:
        container = pl.when(pl.col("parent_id") != "").then("parent_id").otherwise("document_id")
        held = rows_of_part(rows, most)
        _deal(stream(manifest), pl.col("document_id"), number, place / "found", held)
        _deal(ledger, container, number, place / "known", held)
        for part in range(number):
            yield Part(
                _taken(place / "found" / str(part), nothing.found), _taken(place / "known" / str(part), nothing.known)
            )
    finally:
        remove_tree(str(place))


def _deal(frames: Iterable[pl.DataFrame], document: pl.Expr, number: int, place: Path, held: int) -> None:
    """Write the rows to a file for each part, in their order; a part that gets none may have no file.

    Args:
        document: the id by which rows are dealt.
        held: rows that are gathered before they are written, so that files are not made of crumbs.
    """
    place.mkdir(parents=True)
    with ExitStack() as stack:
        writers: list[pa.RecordBatchStreamWriter] = []
        for rows in _gathered(frames, held):
            dealt = rows.with_columns((document.hash(SEED) % number).alias("part")).sort("part", maintain_order=True)
            lengths = dealt.group_by("part", maintain_order=True).len().rows()
            table = dealt.drop("part").to_arrow(compat_level=pl.CompatLevel.oldest())
            if not writers:
                made = (pa.ipc.new_stream(str(place / str(part)), table.schema) for part in range(number))
                writers = [stack.enter_context(writer) for writer in made]
            start = 0
            for part, length in lengths:
                writers[part].write_table(table.slice(start, length))
                start += length
            del rows, dealt, table  # before more is read


def _gathered(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Yield the frames joined to at least so many rows, but for the last."""
    held: list[pl.DataFrame] = []
    for frame in frames:
        held.append(frame)
        if sum(one.height for one in held) >= rows:
            yield pl.concat([held.pop(0) for _ in range(len(held))])  # whoever takes it has the only hold of it
    if held:
        yield pl.concat(held)


def _taken(file: Path, nothing: pl.DataFrame) -> pl.DataFrame:
    """Read a part's file and remove it."""
    if not file.exists():
        return nothing
    rows = pl.read_ipc_stream(file)
    file.unlink()
    return rows
