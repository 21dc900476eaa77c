"""Tables of business papers: the typed records that readers found, as rows for polars and any SQL tool.

They are written in the same commit order as elements and chunks (`commit.py`), so a document's rows come and go with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from infra.lake import Lake
from tasks.collection.staging import staged
from tasks.collection.table import Table
from tasks.office.kinds import kind_of_text
from tasks.office.records import from_data
from tasks.office.rows import COLUMNS, Paper, Row, kind_row, rows
from tasks.records import Parsed

_TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int32(),
    "date": pa.date32(),
    "moment": pa.timestamp("us", tz="UTC"),
    "flag": pa.bool_(),
}


def _schema(columns: Mapping[str, str]) -> pa.Schema:
    base = [
        pa.field("row_id", pa.string(), nullable=False),
        *((name, pa.string()) for name in ("document_id", "path", "content_hash")),
    ]
    return pa.schema([*base, *((name, _TYPES[kind]) for name, kind in columns.items())])


PAPERS: tuple[Table, ...] = tuple(Table(kind, _schema(columns), "row_id") for kind, columns in COLUMNS.items())
BY_KIND = {table.kind: table for table in PAPERS}


def paper_rows(documents: Iterable[tuple[Paper, Parsed]]) -> dict[Table, pa.Table]:
    """Make the rows of some documents, for each table that has any."""
    found: dict[str, list[Row]] = {kind: [] for kind in COLUMNS}
    for paper, parsed in documents:
        records = from_data(parsed.records)
        for kind, row in rows(paper, records):
            found[kind].append(row)
        head = "\n".join((parsed.title, *(element.text for element in parsed.elements[:12])))
        row = kind_row(paper, records, dict(parsed.metadata), kind_of_text(head, parsed.metadata))
        if any(row[name] for name in COLUMNS["papers"]):
            found["papers"].append(row)
    return {table: table.rows(found[table.kind]) for table in PAPERS if found[table.kind]}


def commit_papers(lake: Lake, collection: str, stems: Mapping[str, Sequence[str]], documents: Sequence[str]) -> None:
    """Merge staged rows and take out the others of these documents; a table comes to be with its first row.

    Args:
        stems: of the batches that have rows, by kind of table.
        documents: whose rows are replaced, or go where there are no new ones.
    """
    there = set(lake.folders(f"{collection}.*"))  # asked once: each absent table would cost the requests of an opening
    for table in PAPERS:
        if table.kind in stems:
            table.ensure(lake, collection)
            table.replace(lake, collection, staged(stems[table.kind], table), documents)
        elif table.name(collection) in there:
            table.delete(lake, collection, documents)
