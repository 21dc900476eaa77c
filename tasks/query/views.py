"""Each typed table as rows with their types, completed by what follows from all papers together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from infra.errors import UsageError
from infra.lake import Lake
from tasks.collection.facts import FACTS
from tasks.office.rows import COLUMNS
from tasks.query.crosschecks import all_findings
from tasks.query.office import Office

Row = dict[str, Any]

BASE = {"document_id": "text", "path": "text"}
DERIVED: dict[str, dict[str, str]] = {
    "invoices": {
        "direction": "text",
        "sdi_id": "text",
        "sdi_state": "text",
        "sdi_errors": "text",
        "duplicate_of": "text",
        "copies": "text",
        "same_bytes": "flag",
        "credits": "text",
        "credited": "number",
        "self_invoice": "text",
        "signed_by": "text",
        "paid": "number",
        "open": "number",
    },
    "dues": {
        "direction": "text",
        "state": "text",
        "paid": "number",
        "paid_on": "date",
        "paid_by": "text",
        "ordered_on": "date",
        "duplicate": "flag",
        "rejected": "flag",
    },
    "movements": {"matched": "text", "same_as": "text"},
    "findings": {"message": "text"},
    "parties": {"documents": "integer", "roles": "text", "names": "text"},
}
"""Columns that only all papers together give."""


@dataclass(frozen=True, slots=True)
class View:
    """Rows of a table and the type of each column, in the order in which they are shown."""

    table: str
    rows: list[Row]
    kinds: Mapping[str, str]


def _dues(office: Office) -> list[Row]:
    return office.dues


_READERS: dict[str, Callable[[Office], list[Row]]] = {
    "invoices": Office.settled_invoices,
    "dues": _dues,
    "movements": Office.matched_movements,
    "parties": Office.parties,
    "findings": all_findings,
}

_FACTS = {fact.table.kind: fact.table for fact in FACTS}
TABLES = (*COLUMNS, *_FACTS)


def view(office: Office, table: str, lake: Lake) -> View:
    """Return a table with all its columns.

    Raises:
        UsageError: there is no such table.
    """
    if table in COLUMNS:
        kinds = {**BASE, **COLUMNS[table], **DERIVED.get(table, {})}
        found = _READERS[table](office) if table in _READERS else office.stored(table)
        rows = [{name: row.get(name) for name in kinds} for row in found]
        return View(table, rows, kinds)
    if table in _FACTS:
        facts = _FACTS[table].read(lake, office.collection)
        kinds = {field.name: kind_of(field.type) for field in facts.schema if field.name != "content_hash"}
        return View(table, facts.select(list(kinds)).to_pylist(), kinds)
    raise UsageError(f"there is no table {table!r}: choose among {', '.join(TABLES)}")


def kind_of(kind: pa.DataType) -> str:
    """Return the kind of a column by its Arrow type, as conditions compare it."""
    for test, name in (
        (pa.types.is_floating, "number"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_boolean, "flag"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "moment"),
        (pa.types.is_list, "numbers"),
    ):
        if test(kind):
            return name
    return "text"
