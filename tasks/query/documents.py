"""Which documents fulfil conditions, whatever table their columns stand in: for `search --where` and `documents list --where`.

Conditions on columns of one table must hold in one row of it (supplier and due date of one instalment); where no table has them all, each
condition is asked of the first table that has its column, and a document must answer every one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.errors import UsageError
from infra.lake import Lake
from infra.lake_filters import Compare
from tasks.collection.ledger import LEDGER
from tasks.office.rows import COLUMNS
from tasks.query.conditions import Condition, bounds, conditions, selected
from tasks.query.office import Office
from tasks.query.views import BASE, DERIVED, kind_of, view

ORDER = (
    "papers",
    "invoices",
    "dues",
    "movements",
    "balances",
    "receipts",
    "expiries",
    "invoice_lines",
    "invoice_vat",
    "register",
    "accounts",
    "taxes",
    "vat_periods",
    "parties",
    "findings",
)
PASSAGES = ("document_id", "path", "language", "format", "kind", "title", "section", "page_first", "page_last")
"""Columns of passages: they are compared passage by passage, all others document by document."""
LISTED = (
    "state",
    "stage",
    "message",
    "attempts",
    "format",
    "language",
    "title",
    "pages",
    "chunks",
    "size",
    "indexed_at",
    "modified_at",
)


def columns() -> list[str]:
    """Return every column that a condition may name."""
    typed = [name for table in ORDER for name in (*COLUMNS[table], *DERIVED.get(table, {}))]
    return list(dict.fromkeys([*PASSAGES, *LISTED, *typed]))


def search_filter(lake: Lake, collection: str, texts: Sequence[str], office: Sequence[str] = ()) -> dict[str, Any]:
    """Return conditions as a filter on passages.

    Raises:
        UsageError: a condition that cannot be read, on an unknown column, or with a value that its column cannot have.
    """
    wanted = conditions(texts)
    _check(wanted)
    passage = [c for c in wanted if c.column in PASSAGES]
    found: dict[str, Any] = {}
    for condition in passage:
        if condition.column in found:
            raise UsageError(f"--where names {condition.column} twice: write a range, {condition.column}=A..B")
        found[condition.column] = _passage(condition, "integer" if condition.column.startswith("page_") else "text")
    rest = [c for c in wanted if c.column not in PASSAGES]
    if rest:
        ids = documents(lake, collection, rest, office)
        if "document_id" in found:
            ids = [one for one in ids if one == found["document_id"]]
        found["document_id"] = ids
    return found


def _check(wanted: Sequence[Condition]) -> None:
    known = columns()
    for condition in wanted:
        if condition.column not in known:
            raise UsageError(
                f"--where {condition}: there is no column {condition.column!r}: choose among {', '.join(known)}"
            )


def _passage(condition: Condition, kind: str) -> Any:
    if condition.operator == "~":
        return Compare(holds=condition.text)
    if condition.operator == "=" and ".." not in condition.text:
        return condition.text
    if kind == "text":
        low, _, high = (
            condition.text.partition("..") if ".." in condition.text else (condition.text, "", condition.text)
        )
    else:
        low, high = bounds(condition, kind)
    ends: dict[str, dict[str, Any]] = {
        "=": {"low": low, "high": high},
        "!=": {"low": low, "high": high, "negated": True},
        "<": {"low": low, "negated": True},
        "<=": {"high": high},
        ">": {"high": high, "negated": True},
        ">=": {"low": low},
    }
    return Compare(**ends[condition.operator])


def documents(lake: Lake, collection: str, wanted: Sequence[Condition], office: Sequence[str] = ()) -> list[str]:
    """Return the ids of documents that fulfil every condition.

    Raises:
        UsageError: an unknown column, or a value that its column cannot have.
    """
    _check(wanted)
    papers = Office(lake, collection, office)
    found: set[str] | None = None
    for table, part in _tables(wanted):
        rows = _ledger(lake, collection) if table == LEDGER.kind else view(papers, table, lake).rows
        ids = {str(row["document_id"]) for row in selected(rows, part, _kinds(table))}
        found = ids if found is None else found & ids
    return sorted(found or ())


def _tables(wanted: Sequence[Condition]) -> list[tuple[str, list[Condition]]]:
    """Return (table, conditions): one table for all where there is one, else the first that has each."""
    names = {c.column for c in wanted}
    for table in (LEDGER.kind, *ORDER):
        if names <= _kinds(table).keys():
            return [(table, list(wanted))]
    groups: dict[str, list[Condition]] = {}
    for condition in wanted:
        table = next(t for t in (LEDGER.kind, *ORDER) if condition.column in _kinds(t))
        groups.setdefault(table, []).append(condition)
    return list(groups.items())


def _kinds(table: str) -> dict[str, str]:
    if table == LEDGER.kind:
        return {**BASE, **{name: kind_of(LEDGER.schema.field(name).type) for name in LISTED}}
    return {**BASE, **COLUMNS[table], **DERIVED.get(table, {})}


def _ledger(lake: Lake, collection: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = LEDGER.read(lake, collection, ["document_id", "path", *LISTED]).to_pylist()
    return rows


def narrowed(
    rows: Sequence[dict[str, Any]], lake: Lake, collection: str, texts: Sequence[str], office: Sequence[str] = ()
) -> list[Any]:
    """Return rows of the ledger whose document fulfils the conditions.

    Raises:
        UsageError: as `documents`.
    """
    if not texts:
        return list(rows)
    ids = set(documents(lake, collection, conditions(texts), office))
    return [row for row in rows if row["document_id"] in ids]
