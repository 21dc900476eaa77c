"""The papers of a collection, read once, with what only all of them together say: duplicates, states, payments, parties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from infra.lake import Lake
from tasks.collection import ledger
from tasks.collection.facts import FACTS
from tasks.collection.papers import BY_KIND
from tasks.query import links, matching

Row = dict[str, Any]

_FACTS = {fact.table.kind: fact.table for fact in FACTS}


class Office:
    """The papers of a collection, read once; `office` are the VAT numbers of the firm whose binder it is."""

    def __init__(self, lake: Lake, collection: str, office: Sequence[str] = ()) -> None:
        """Open the typed tables of collections.

        Raises:
            UsageError: there is no such collection.
        """
        ledger.require(lake, collection)
        self._lake, self.collection, self.office = lake, collection, tuple(office)

    def stored(self, table: str) -> list[Row]:
        """Return the rows as the lake holds them, in order of path and place."""
        rows: list[Row] = BY_KIND[table].read(self._lake, self.collection).to_pylist()
        return sorted(rows, key=lambda row: (str(row["path"]), row["row_id"]))

    @cached_property
    def invoices(self) -> list[Row]:
        """Invoices with direction, state, duplicates, credit notes; what is paid follows with `dues`."""
        rows = self.stored("invoices")
        links.link(rows, self.stored("receipts"), self.office)
        signers = {row["document_id"]: row["signed_by"] for row in self.stored("papers") if _as_signed(row)}
        for row in rows:
            row["signed_by"] = signers.get(row["document_id"], "")
        return rows

    @cached_property
    def dues(self) -> list[Row]:
        """Instalments with their state: open, ordered, paid; duplicates and rejected ones are marked."""
        invoices = {(row["document_id"], row["body"]): row for row in self.invoices}
        rows = self.stored("dues")
        for row in rows:
            invoice = invoices.get((row["document_id"], row["body"]), {})
            row["direction"] = invoice.get("direction", "")
            row["duplicate"] = bool(invoice.get("duplicate_of"))
            row["rejected"] = invoice.get("sdi_state") == "rejected"
        matching.match(rows, self.movements)
        for row in rows:
            row["state"] = _state(row)
        paid: dict[tuple[str, int], float] = defaultdict(float)
        for row in rows:
            paid[row["document_id"], row["body"]] += row["paid"]
        for key, invoice in invoices.items():
            invoice["paid"] = round(paid.get(key, 0.0), 2)
            settled = invoice["duplicate_of"] or invoice["sdi_state"] == "rejected"
            invoice["open"] = 0.0 if settled else round((invoice["to_pay"] or 0.0) - invoice["paid"], 2)
        return rows

    @cached_property
    def figures(self) -> list[Row]:
        """Figures of annual accounts, where they were analysed."""
        rows: list[Row] = _FACTS["figures"].read(self._lake, self.collection).to_pylist()
        return rows

    def document(self, path: str) -> str:
        """Return the id of a document by its path."""
        return next((row["document_id"] for row in self.figures if row["path"] == path), "")

    @cached_property
    def movements(self) -> list[Row]:
        return self.stored("movements")

    def settled_invoices(self) -> list[Row]:
        """Return invoices with what is paid and open."""
        self.dues  # noqa: B018  matching fills the last columns of the invoices
        return self.invoices

    def matched_movements(self) -> list[Row]:
        """Return movements with the invoices that they pay."""
        self.dues  # noqa: B018  matching says which invoices a movement pays
        return self.movements

    def parties(self) -> list[Row]:
        """Return one row a firm, by VAT number, else tax code, else name: how it is called, its roles, in how many documents it stands."""
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in self.stored("parties"):
            groups[(row["vat"] or row["cf"] or row["name"]).casefold()].append(row)
        return [_party(group) for _, group in sorted(groups.items())]


def _as_signed(paper: Row) -> bool:
    """Tell a paper of which nothing was seen to be changed after its signature: nobody signed what such an invoice says."""
    return paper.get("signature_covers_content") != "no" and paper.get("signature_value") != "differs"


def _state(row: Row) -> str:
    if row["duplicate"] or row["rejected"]:
        return "duplicate" if row["duplicate"] else "rejected"
    return "paid" if row["paid_on"] else "ordered" if row["ordered_on"] else "open"


def _party(group: Sequence[Row]) -> Row:
    first = dict(group[0])
    names = dict.fromkeys(row["name"] for row in group if row["name"])
    return first | {
        "cf": next((row["cf"] for row in group if row["cf"]), ""),
        "name": next(iter(names), ""),
        "names": ", ".join(names),
        "roles": ", ".join(sorted({row["role"] for row in group})),
        "documents": len({row["document_id"] for row in group}),
    }
