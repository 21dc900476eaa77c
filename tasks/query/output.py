"""A table of rows as CSV, XLSX, Parquet or JSON data; numbers stay numbers and dates dates."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from infra.errors import UsageError
from tasks.query.views import View

FORMATS = ("csv", "xlsx", "parquet", "json")
_ARROW = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "moment": pa.timestamp("us", tz="UTC"),
    "flag": pa.bool_(),
    "numbers": pa.list_(pa.float64()),
}
_UNSAFE = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula."""


def as_bytes(view: View, form: str) -> bytes:
    """Return the whole file.

    Raises:
        UsageError: the format is none of `csv`, `xlsx`, `parquet`.
    """
    if form == "csv":
        return as_csv(view).encode("utf-8")
    if form == "xlsx":
        return _xlsx(view)
    if form == "parquet":
        return _parquet(view)
    raise UsageError(f"there is no format {form!r}: choose among csv, xlsx, parquet")


def as_csv(view: View) -> str:
    """Return comma-separated with a head; numbers with a point, dates ISO, nothing for what is not known."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(view.kinds)
    writer.writerows([_csv_cell(row[name]) for name in view.kinds] for row in view.rows)
    return sink.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.2f}" if round(value, 2) == value else repr(value)
    if isinstance(value, list):
        return " ".join(f"{number:g}" for number in value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_UNSAFE) else value
    return str(as_json_value(value))


def as_json_value(value: Any) -> Any:
    """Return a value as JSON has it: dates and times as ISO text."""
    return value.isoformat() if isinstance(value, date | datetime) else value


def as_json_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: as_json_value(value) for name, value in row.items()} for row in rows]


def _parquet(view: View) -> bytes:
    from pyarrow import parquet

    table = pa.Table.from_pylist(
        view.rows, schema=pa.schema([(name, _ARROW[kind]) for name, kind in view.kinds.items()])
    )
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue())


def _xlsx(view: View) -> bytes:
    """Return one sheet with a bold head that stays while scrolling, and a filter."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet(view.table[:31])
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(view.kinds))}{len(view.rows) + 1}"
    for number, (name, kind) in enumerate(view.kinds.items(), 1):
        sheet.column_dimensions[get_column_letter(number)].width = max(len(name) + 2, 12 if kind != "text" else 20)

    def cell(value: Any, kind: str = "text") -> Any:
        made = WriteOnlyCell(sheet, value=value)
        if isinstance(value, str):
            made.data_type = "s"  # never a formula
        if kind == "number":
            made.number_format = "#,##0.00"
        return made

    head = [cell(name) for name in view.kinds]
    for one in head:
        one.font = Font(bold=True)
    sheet.append(head)
    for row in view.rows:
        sheet.append([cell(_plain(row[name]), kind) for name, kind in view.kinds.items()])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _plain(value: Any) -> Any:
    """Return a value as spreadsheets take it: they know no time zones, no lists and no control characters."""
    if isinstance(value, list):
        return " ".join(f"{number:g}" for number in value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, str):
        return "".join(c for c in value if c >= " " or c in "\n\t")[:32_767]
    return value
