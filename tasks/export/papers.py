"""From the typed tables to what the reports on papers read, and the few look-ups that they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from infra.lake import Lake
from tasks.export.records import Papers
from tasks.export.words import Words
from tasks.query.crosschecks import all_findings
from tasks.query.office import Office

Row = Mapping[str, Any]


def collect_papers(
    lake: Lake, collection: str, owner: Sequence[str], on: date, documents: Sequence[str] = ()
) -> Papers:
    """Return an office's papers on a day.

    Args:
        owner: VAT numbers of the office; none: the party of most invoices.
        documents: ids of documents to look at; none means all.

    Raises:
        UsageError: there is no such collection.
    """
    guessed = not owner
    if guessed:
        owner = _commonest(Office(lake, collection))
    office = Office(lake, collection, owner)
    chosen = set(documents)

    def mine(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if not chosen or row["document_id"] in chosen]

    dues = [_on(row, on) for row in mine(office.dues)]
    invoices = mine(office.invoices)
    return Papers(
        on=on,
        owner=tuple(owner),
        owner_name=_name(invoices, owner),
        guessed=guessed,
        invoices=invoices,
        dues=dues,
        vat=mine(office.stored("invoice_vat")),
        lines=mine(office.stored("invoice_lines")),
        findings=mine(all_findings(office)),
        vat_periods=mine(office.stored("vat_periods")),
    )


def _on(row: dict[str, Any], on: date) -> dict[str, Any]:
    """Return an instalment as it stood on a day: a later payment has not happened yet."""
    if row["paid_on"] and row["paid_on"] > on:
        return row | {"paid_on": None, "paid": 0.0, "paid_by": "", "state": "ordered" if row["ordered_on"] else "open"}
    return row


def _commonest(office: Office) -> tuple[str, ...]:
    """Return the VAT number that stands on most invoices; none where two stand on as many."""
    counts: Counter[str] = Counter()
    for row in office.invoices:
        counts.update({vat for vat in (row["supplier_vat"], row["customer_vat"]) if vat})
    first = counts.most_common(2)
    return (first[0][0],) if first and (len(first) == 1 or first[0][1] > first[1][1]) else ()


def _name(invoices: Sequence[Row], owner: Sequence[str]) -> str:
    """Return how invoices call the office."""
    ours = {vat.removeprefix("IT") for vat in owner}
    for row in invoices:
        for side in ("customer", "supplier"):
            if str(row[f"{side}_vat"]).removeprefix("IT") in ours and row[side]:
                return f"{row[side]} ({row[f'{side}_vat']})"
    return ", ".join(owner) or "?"


def office_notes(papers: Papers, words: Words, left_out: bool = True) -> list[str]:
    """Return whose papers these are, and what the report leaves out."""
    notes = [words("office_guessed" if papers.guessed else "office_named", name=papers.owner_name)]
    if not left_out:
        return notes
    groups = (
        ("left_duplicates", [row for row in papers.invoices if row["duplicate_of"]]),
        ("left_rejected", [row for row in papers.invoices if row["sdi_state"] == "rejected"]),
        ("left_self", [row for row in papers.invoices if row["self_billed"]]),
        ("other_firms", [row for row in papers.invoices if not row["direction"]]),
    )
    for key, rows in groups:
        if rows:
            names = ", ".join(dict.fromkeys(str(row["number"]) for row in rows[:10])) + (" …" if len(rows) > 10 else "")
            notes.append(words(key, count=words.format.integer(len(rows)), names=names))
    foreign = [row for row in papers.invoices if row["direction"] and row["currency"] != main_currency(papers)]
    if foreign:
        codes = ", ".join(sorted({str(row["currency"]) for row in foreign}))
        notes.append(words("other_currencies", count=words.format.integer(len(foreign)), names=codes))
    return notes


def main_currency(papers: Papers) -> str:
    """Return the currency of most invoices: sums are made in it alone."""
    counts = Counter(str(row["currency"]) for row in papers.invoices if row["direction"])
    return min(counts, key=lambda code: (-counts[code], code), default="EUR")


def counted(papers: Papers) -> list[Row]:
    """Return invoices that count: no duplicates, none that the exchange system rejected, none in another currency."""
    currency = main_currency(papers)
    kept = [row for row in papers.invoices if not row["duplicate_of"] and row["sdi_state"] != "rejected"]
    return [row for row in kept if row["currency"] == currency]


def party(row: Row, side: str) -> str:
    return str(row[side] or row[f"{side}_vat"] or "–")
