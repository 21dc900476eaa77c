"""What invoices, receipts of the exchange system and credit notes say about each other.

Everything works on plain rows and adds columns to them; nothing is written. Two invoices are the same when supplier, number, year and type
are; a rejected one may be sent again under its number, so it is nobody's duplicate.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]

RANK = ("rejected", "refused", "accepted", "term lapsed", "not deliverable", "delivered", "not delivered", "received")
"""States by weight: where several receipts speak of one invoice, the first of these counts."""


def plain_number(number: str) -> str:
    """Return a number as it is compared: no blanks, capitals, no leading zeros in its parts: `0058 / a` is `58/A`."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", "".join(str(number).split()).upper())


def plain_file(name: str) -> str:
    """Return a file name as the exchange system knows it: no folder, no endings of envelope and XML."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"(?i)(\.(xml|p7m|zip))+$", "", stem).casefold()


def party_key(row: Mapping[str, Any], side: str) -> str:
    """Return a party by VAT number, else tax code, else name."""
    return str(row[f"{side}_vat"] or row[f"{side}_cf"] or row[side] or "").removeprefix("IT").casefold()


def link(invoices: Sequence[Row], receipts: Sequence[Row], office: Sequence[str]) -> None:
    """Add to each invoice: direction, sdi_id, sdi_state, sdi_errors, duplicate_of, copies, credits, credited, self_invoice."""
    ours = {vat.removeprefix("IT").casefold() for vat in office}
    for row in invoices:
        row["direction"] = _direction(row, ours)
        row.update(sdi_id="", sdi_state="", sdi_errors="", duplicate_of="", copies="", same_bytes=None)
        row.update(credits="", credited=0.0, self_invoice="")
    _states(invoices, receipts)
    _duplicates(invoices)
    _credits(invoices)
    _self_invoices(invoices)


def _direction(row: Row, ours: set[str]) -> str:
    if row["self_billed"]:
        return "self"
    if party_key(row, "supplier") in ours:
        return "sale"
    return "purchase" if party_key(row, "customer") in ours else ""


def _states(invoices: Sequence[Row], receipts: Iterable[Row]) -> None:
    """Link by file name; a renamed copy counts where its name begins with the file's and its sender's number is the same."""
    by_file: dict[str, list[Row]] = defaultdict(list)
    for receipt in receipts:
        by_file[plain_file(receipt["file"])].append(receipt)
    for row in invoices:
        names = [plain_file(part) for part in str(row["path"]).split("!/")[::-1]]
        sent = row["transmission"].casefold()
        if sent and any(name.startswith(f"{sent}_") for name in names):
            names.append(sent)
        found = next((by_file[name] for name in names if name and name in by_file), [])
        if found:
            first = min(found, key=lambda r: RANK.index(r["state"]) if r["state"] in RANK else len(RANK))
            row.update(sdi_id=first["sdi_id"], sdi_state=first["state"], sdi_errors=first["errors"])


def invoice_key(row: Mapping[str, Any]) -> tuple[str, str, Any, str]:
    return party_key(row, "supplier"), plain_number(row["number"]), row["year"], str(row["type"])


def _duplicates(invoices: Sequence[Row]) -> None:
    groups: dict[tuple[str, str, Any, str], list[Row]] = defaultdict(list)
    for row in invoices:
        if row["number"] and row["sdi_state"] != "rejected":
            groups[invoice_key(row)].append(row)
    for group in groups.values():
        group.sort(key=lambda row: (str(row["path"]), row["body"]))
        for row in group[1:]:
            row["duplicate_of"] = group[0]["path"]
        for row in group if len(group) > 1 else ():
            others = [other for other in group if other is not row]
            row["copies"] = ", ".join(other["path"] for other in others)
            row["same_bytes"] = all(other["content_hash"] == row["content_hash"] for other in others)


def _credits(invoices: Sequence[Row]) -> None:
    """Link a credit note to the invoice that it names; the invoice then knows what was credited."""
    by_number: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in invoices:
        if (row["signed_total"] or 0) >= 0 and not row["duplicate_of"]:
            by_number[party_key(row, "supplier"), plain_number(row["number"])].append(row)
    for row in invoices:
        if (row["signed_total"] or 0) >= 0 or row["duplicate_of"] or row["sdi_state"] == "rejected":
            continue
        for number in filter(None, str(row["refers_to"]).split(", ")):
            for invoice in by_number.get((party_key(row, "supplier"), plain_number(number)), [])[:1]:
                row["credits"] = invoice["path"]
                invoice["credited"] = round(invoice["credited"] + row["signed_total"], 2)


def _self_invoices(invoices: Sequence[Row]) -> None:
    """Link a foreign invoice and the self-invoice that its customer made for it."""
    by_number: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in invoices:
        if not row["self_billed"]:
            by_number[party_key(row, "supplier"), plain_number(row["number"])].append(row)
    for row in invoices:
        if row["self_billed"]:
            for number in filter(None, str(row["refers_to"]).split(", ")):
                for invoice in by_number.get((party_key(row, "supplier"), plain_number(number)), []):
                    invoice["self_invoice"] = row["number"]
