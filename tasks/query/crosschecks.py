"""What papers say about each other that does not agree: each a finding with its values, never a change.

Register against invoices, payment forms against VAT returns and withholdings, duplicates, credit notes without their invoice, invoices that
the exchange system rejected and the office kept.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from tasks.office.rules import sentence
from tasks.query.books import items
from tasks.query.links import party_key, plain_number
from tasks.query.office import Office

Row = dict[str, Any]

VAT_MONTHS = {f"60{month:02}": month for month in range(1, 13)}
"""F24 codes 6001 to 6012 pay the VAT of their month; 6031 to 6034 that of a quarter."""
VAT_QUARTERS = {f"603{quarter}": quarter for quarter in range(1, 5)}
WITHHOLDING = "1040"


def all_findings(office: Office) -> list[Row]:
    """Return what each paper contradicts itself in, and what papers contradict each other in, with a sentence each."""
    rows = [*office.stored("findings"), *cross_findings(office)]
    return [row | {"message": sentence(row["rule"], json.loads(row["values"] or "{}"))} for row in rows]


def cross_findings(office: Office) -> Iterator[Row]:
    """Yield every finding of papers about each other."""
    yield from _invoices(office)
    yield from _register(office)
    yield from _vat(office)
    yield from _withholdings(office)
    yield from _books(office)
    yield from _annual_accounts(office)


def _finding(row: Row, rule: str, level: str, difference: float | None = None, **values: Any) -> Row:
    plain = {name: str(value) for name, value in values.items() if value not in (None, "")}
    return {
        "document_id": row["document_id"],
        "path": row["path"],
        "body": row.get("body"),
        "number": row.get("number") or "",
        "rule": rule,
        "level": level,
        "values": json.dumps(plain, ensure_ascii=False),
        "difference": None if difference is None else round(difference, 2),
    }


def _equal(one: float, other: float) -> bool:
    """Tell whether two amounts are the same to the cent; a difference of floats may fall short of the cent that it means."""
    return round(one - other, 2) == 0


# ---- invoices --------------------------------------------------------------------------------------------------------


def _invoices(office: Office) -> Iterator[Row]:
    for row in office.invoices:
        if row["copies"]:
            level, same = ("note", "same") if row["same_bytes"] else ("error", "other")
            yield _finding(row, "duplicate", level, of=row["copies"], bytes=same)
        if row["sdi_state"] in ("rejected", "refused"):
            yield _finding(row, f"{row['sdi_state']}_but_kept", "error", sdi_id=row["sdi_id"], errors=row["sdi_errors"])
        credit = (row["signed_total"] or 0) < 0
        if credit and row["refers_to"] and not row["credits"] and not row["duplicate_of"]:
            yield _finding(row, "credited_invoice_absent", "note", refers_to=row["refers_to"])
        if credit and not row["refers_to"]:
            yield _finding(row, "credit_note_without_reference", "note")


# ---- register --------------------------------------------------------------------------------------------------------


def _register(office: Office) -> Iterator[Row]:
    """Yield documents of a register against the invoices by supplier (or customer) and number: each way, and their sums."""
    rows = office.stored("register")
    if not rows or not office.invoices:
        return
    known = {side: _by_number(office, side) for side in ("supplier", "customer")}
    seen: set[tuple[str, int]] = set()
    for key, part in _documents(rows).items():
        side = "customer" if part[0]["side"] == "sale" else "supplier"
        invoice = known[side].get((key[1], key[2]))
        if invoice is None and not key[1]:  # a register without VAT numbers: the number alone, where it is one party's
            invoice = known[side].get(("", key[2]))
        if invoice is None:
            values = {"party": part[0]["party"], "vat": part[0]["vat"], "protocol": part[0]["protocol"]}
            yield _finding(part[0], "registered_without_invoice", "error", **values)
            continue
        seen.add((invoice["document_id"], invoice["body"]))
        yield from _compare(part, invoice)
    yield from _unregistered(office, rows, seen)


def _documents(rows: list[Row]) -> dict[tuple[str, str, str], list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["document_id"], row["vat"].removeprefix("IT").casefold(), plain_number(row["number"])].append(row)
    return found


def _by_number(office: Office, side: str) -> dict[tuple[str, str], Row]:
    """Return invoices by (party, number) and, where a number is one party's alone, by ("", number)."""
    found: dict[tuple[str, str], Row] = {}
    counts: dict[str, int] = defaultdict(int)
    for row in office.invoices:
        if row["duplicate_of"]:
            continue
        number = plain_number(row["number"])
        found.setdefault((party_key(row, side), number), row)
        counts[number] += 1
    single = {("", number): row for (_, number), row in found.items() if counts[number] == 1}
    return {**single, **found}


def _compare(part: list[Row], invoice: Row) -> Iterator[Row]:
    sign = -1 if (invoice["signed_total"] or 0) < 0 else 1
    for name in ("taxable", "tax"):
        registered = sum(row[name] or 0 for row in part)
        stated = (invoice[name] or 0) * sign
        if not _equal(registered, stated):
            yield _finding(
                part[0],
                f"registered_{name}",
                "error",
                registered - stated,
                register=f"{registered:.2f}",
                invoice=f"{stated:.2f}",
            )


def _unregistered(office: Office, rows: list[Row], seen: set[tuple[str, int]]) -> Iterator[Row]:
    """Yield invoices dated in the months that a register of purchases covers and that are not in it."""
    months = {
        (row["registered"] or row["date"]).strftime("%Y-%m")
        for row in rows
        if row["side"] == "purchase" and (row["registered"] or row["date"])
    }
    owners = {vat.removeprefix("IT").casefold() for vat in office.office}
    for row in office.invoices:
        wanted = row["date"] is not None and f"{row['date']:%Y-%m}" in months and not row["duplicate_of"]
        if (
            wanted
            and party_key(row, "customer") in owners
            and not row["self_billed"]
            and (row["document_id"], row["body"]) not in seen
        ):
            yield _finding(row, "invoice_not_registered", "note", date=row["date"], supplier=row["supplier"])


# ---- payment forms against returns and withholdings --------------------------------------------------------------------


def _vat(office: Office) -> Iterator[Row]:
    """Yield VAT that a form pays against the settlement of that month or quarter; a code of another period whose amount fits is said so."""
    periods = office.stored("vat_periods")
    for row in office.stored("taxes"):
        month, quarter = VAT_MONTHS.get(row["code"]), VAT_QUARTERS.get(row["code"])
        if (month is None and quarter is None) or not periods:
            continue
        same_year = [p for p in periods if str(p["year"]) == row["year"]]
        own = [p for p in same_year if (p["month"] == month if month else p["quarter"] == quarter)]
        if own and _equal(own[0]["due"] or 0, row["amount"]):
            continue
        fits = next((p for p in same_year if _equal(p["due"] or 0, row["amount"])), None)
        values = {
            "code": row["code"],
            "paid": f"{row['amount']:.2f}",
            "due": f"{own[0]['due']:.2f}" if own and own[0]["due"] is not None else None,
        }
        if fits is not None:
            right = (
                next(code for code, m in VAT_MONTHS.items() if m == fits["month"])
                if fits["month"]
                else f"603{fits['quarter']}"
            )
            yield _finding(row, "vat_code_of_another_period", "error", **values, expected=right)
        elif own:
            yield _finding(row, "vat_paid_and_due", "error", row["amount"] - (own[0]["due"] or 0), **values)


def _withholdings(office: Office) -> Iterator[Row]:
    """Yield tax withheld (code 1040) of a month against the withholdings of the invoices that were paid in it."""
    paid: dict[str, float] = defaultdict(float)
    invoices = {
        (i["document_id"], i["body"]): i
        for i in office.invoices
        if i["direction"] == "purchase" and not i["duplicate_of"]
    }
    settled: set[tuple[str, int]] = set()
    for due in office.dues:
        key = (due["document_id"], due["body"])
        if due["paid_on"] and key in invoices and key not in settled:
            settled.add(key)
            paid[f"{due['paid_on']:%Y-%m}"] += invoices[key]["withheld"] or 0
    for row in office.stored("taxes"):
        month = f"{row['year']}-{row['period'][-2:]}"
        if row["code"] == WITHHOLDING and month in paid and not _equal(paid[month], row["amount"]):
            values = {"month": month, "paid": f"{row['amount']:.2f}", "withheld": f"{paid[month]:.2f}"}
            yield _finding(row, "withholding_paid_and_kept", "note", row["amount"] - paid[month], **values)


# ---- books -----------------------------------------------------------------------------------------------------------


def _books(office: Office) -> Iterator[Row]:
    """Yield debit equals credit in a trial balance and in every day of a day book."""
    groups: dict[tuple[str, str, date | None], list[Row]] = defaultdict(list)
    for row in office.stored("accounts"):
        if row["book"] != "two_sided":
            groups[row["document_id"], row["book"], row["date"] if row["book"] == "day_book" else None].append(row)
    for (_, book, day), rows in groups.items():
        debit, credit = (round(sum(row[name] for row in rows), 2) for name in ("debit", "credit"))
        if debit != credit:
            yield _finding(
                rows[0],
                "debit_and_credit",
                "error",
                debit - credit,
                book=book,
                date=day,
                debit=f"{debit:.2f}",
                credit=f"{credit:.2f}",
            )


# ---- annual accounts ---------------------------------------------------------------------------------------------------

ALIKE = 2
"""Items of a trial balance that must equal those of annual accounts before their other items are compared: both are of one firm then."""
ALIKE_ACCOUNTS = 0.6
"""Share of the common items of two sets of annual accounts that must be equal, for the same reason."""
FEWEST = 5


def _annual_accounts(office: Office) -> Iterator[Row]:
    """Yield trial balances against annual accounts, and annual accounts of one year against each other (PDF, XBRL, next year's)."""
    accounts = _figures(office)
    for rows in _trial_balances(office).values():
        year = rows[0]["date"].year if rows[0]["date"] else None
        own = items(rows)
        sets = [(other, found) for (other, period), found in accounts.items() if year is None or period == f"FY{year}"]
        for other, found in sets:
            yield from _compared(rows[0], own, other, found, "trial_balance_and_accounts", ALIKE)
    every = sorted(accounts.items())
    for i, ((path, period), found) in enumerate(every):
        for (other, same), theirs in every[i + 1 :]:
            common = {name: found[name] for name in found.keys() & theirs.keys()}
            if period == same and len(common) >= FEWEST:
                row = {"document_id": office.document(path), "path": path, "number": period}
                fewest = max(FEWEST, round(len(common) * ALIKE_ACCOUNTS))
                yield from _compared(row, common, other, theirs, "accounts_and_accounts", fewest)


def _figures(office: Office) -> dict[tuple[str, str], dict[str, float]]:
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in office.figures:
        found[row["path"], row["period"]].setdefault(row["item"], row["value"])
    return dict(found)


def _trial_balances(office: Office) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in office.stored("accounts"):
        if row["book"] == "trial_balance":
            found[row["path"]].append(row)
    return dict(found)


def _compared(
    row: Row, own: dict[str, float], other: str, theirs: dict[str, float], rule: str, fewest: int
) -> Iterator[Row]:
    """Yield a note where all common items agree to a unit, an error for each that does not; nothing where the two are not of one firm."""
    common = sorted(own.keys() & theirs.keys())
    equal = [name for name in common if abs(own[name] - theirs[name]) <= 1]
    if len(equal) < fewest:
        return
    for name in common:
        if name not in equal:
            values = {"item": name, "here": f"{own[name]:.2f}", "there": f"{theirs[name]:.2f}", "accounts": other}
            yield _finding(row, rule, "error", own[name] - theirs[name], **values)
    if len(equal) == len(common):
        yield _finding(row, rule, "note", 0.0, items=", ".join(common), accounts=other)
