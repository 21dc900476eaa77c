"""Rows of the typed tables: what each record writes where. Columns and their types are data: `wordings/columns.csv`.

Amounts become floats here, at the very end, rounded to what a float holds exactly enough (cents below 10^13); checks are made before, in
Decimal. `signed` amounts have the sign that they have in an account: a credit note's are negative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tasks.office import identifiers
from tasks.office.checks import Finding, check, check_statement
from tasks.office.codes import in_words
from tasks.office.invoice import Instalment, Invoice
from tasks.office.kinds import kind_of_record
from tasks.office.records import Book, ExchangeReceipt, Expiry, Record, Statement, TaxPayment, VatRegister, VatReturn
from tasks.wordings import load_table

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]


def _columns() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in load_table("tasks.office", "columns.csv", ("table", "column", "type", "meaning")):
        found.setdefault(row["table"], {})[row["column"]] = row["type"]
    return found


COLUMNS = _columns()
"""Table → column → type (text, number, integer, date, moment, flag): `wordings/columns.csv`, which says what each means.

Every table also has `row_id` (its key), `document_id`, `path` and `content_hash`.
"""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document whose records are turned into rows."""

    document_id: str
    path: str
    content_hash: str


def rows(paper: Paper, records: Iterable[Record]) -> Iterator[tuple[str, Row]]:
    """Yield (table, row) for every record of a document, keyed by document, table and order."""
    counts: dict[str, int] = {}
    for record in records:
        for table, row in _MAKERS[type(record)](record):
            counts[table] = counts.get(table, 0) + 1
            base = {"row_id": f"{paper.document_id}-{counts[table]:06d}", "document_id": paper.document_id}
            yield table, {**base, "path": paper.path, "content_hash": paper.content_hash, **row}


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _joined(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


# ---- invoices --------------------------------------------------------------------------------------------------------


def _invoice(invoice: Invoice) -> Rows:
    found = check(invoice)
    yield "invoices", _head(invoice, found)
    named = {"body": invoice.body, "number": invoice.number, "date": invoice.day}
    seller = {"supplier": invoice.supplier.name, "supplier_vat": invoice.supplier.vat}
    for line in invoice.lines:
        yield (
            "invoice_lines",
            {
                **named,
                **seller,
                **{name: getattr(line, name) for name in ("text", "unit", "nature")},
                **{name: _number(getattr(line, name)) for name in ("quantity", "price", "rate")},
                "line": line.number,
                "amount": _signed(line.amount, invoice),
            },
        )
    for row in invoice.vat:
        yield (
            "invoice_vat",
            {
                **named,
                "type": invoice.type,
                "supplier_vat": invoice.supplier.vat,
                "customer_vat": invoice.customer.vat,
                "rate": _number(row.rate),
                "nature": row.nature,
                "taxable": _signed(row.taxable, invoice),
                "tax": _signed(row.tax, invoice),
                "due": row.due,
                "self_billed": invoice.self_billed,
            },
        )
    for number, instalment in enumerate(_dues(invoice), 1):
        yield "dues", {**named, **seller, **_due(instalment, invoice), "instalment": number}
    for role, party in (("supplier", invoice.supplier), ("customer", invoice.customer)):
        if party.name or party.vat or party.tax_code:
            plain = {name: getattr(party, name) for name in ("name", "vat", "country", "address", "regime", "email")}
            yield "parties", {"role": role, "cf": party.tax_code, **plain}
    yield from _findings(found, {"body": invoice.body, "number": invoice.number})


def _head(invoice: Invoice, found: list[Finding]) -> Row:
    linked = [r for r in invoice.references if r.kind == "invoice"]
    total = invoice.total_or_summed
    return {
        "body": invoice.body,
        "syntax": invoice.syntax,
        "format": invoice.format,
        "type": invoice.type,
        "type_words": in_words("type", invoice.type, invoice.language),
        "number": invoice.number,
        "date": invoice.day,
        "year": invoice.day.year if invoice.day else None,
        "supplier": invoice.supplier.name,
        "supplier_vat": invoice.supplier.vat,
        "supplier_cf": invoice.supplier.tax_code,
        "customer": invoice.customer.name,
        "customer_vat": invoice.customer.vat,
        "customer_cf": invoice.customer.tax_code,
        "currency": invoice.currency,
        "taxable": _number(invoice.taxable),
        "tax": _number(invoice.tax),
        "total": _number(total),
        "total_source": "stated" if invoice.total is not None else "summed",
        "signed_total": _number(total * invoice.sign),
        "withheld": _number(invoice.withheld),
        "fund": float(sum(f.amount for f in invoice.funds if f.amount is not None)),
        "stamp": _number(invoice.stamp),
        "split": invoice.split_payment,
        "self_billed": invoice.self_billed,
        "to_pay": _number(invoice.to_pay * invoice.sign),
        "refers_to": _joined(r.number for r in linked),
        "refers_to_date": next((r.day for r in linked if r.day), None),
        "contract": _joined(r.number for r in invoice.references if r.kind in ("contract", "agreement")),
        "order": _joined(r.number for r in invoice.references if r.kind == "order"),
        "cig": _joined(r.cig for r in invoice.references),
        "cup": _joined(r.cup for r in invoice.references),
        "terms": invoice.terms,
        "subject": invoice.notes,
        "transmission": invoice.transmission,
        "attachments": _joined(invoice.attachments),
        "findings": _joined(f.rule for f in found),
    }


def _signed(value: Decimal | None, invoice: Invoice) -> float | None:
    return None if value is None else float(value * invoice.sign)


def _dues(invoice: Invoice) -> tuple[Instalment, ...]:
    """Return the stated instalments; where there are none, one without a date for what is owed. A self-billed document owes nothing."""
    if invoice.self_billed:
        return ()
    if len(invoice.instalments) == 1 and invoice.instalments[0].amount is None and invoice.to_pay > 0:
        return (replace(invoice.instalments[0], amount=invoice.to_pay, source="computed"),)  # a day, and no amount
    if invoice.instalments or invoice.sign < 0 or invoice.to_pay <= 0:
        return invoice.instalments
    return (Instalment(amount=invoice.to_pay, source="computed"),)


def _due(instalment: Instalment, invoice: Invoice) -> Row:
    return {
        "type": invoice.type,
        "customer": invoice.customer.name,
        "customer_vat": invoice.customer.vat,
        "due": instalment.due,
        "amount": _signed(instalment.amount, invoice),
        "currency": invoice.currency,
        "method": instalment.method,
        "method_words": in_words("payment", instalment.method, invoice.language),
        "iban": instalment.iban,
        "iban_ok": identifiers.iban(instalment.iban) == "right" if instalment.iban else None,
        "other_accounts": ", ".join(instalment.accounts),
        "source": instalment.source,
    }


def _findings(found: Iterable[Finding], named: Row) -> Rows:
    import json

    for finding in found:
        yield (
            "findings",
            {
                **named,
                "rule": finding.rule,
                "level": finding.level,
                "values": json.dumps(dict(finding.values), ensure_ascii=False),
                "difference": _number(finding.difference),
            },
        )


def _receipt(receipt: ExchangeReceipt) -> Rows:
    plain = {name: getattr(receipt, name) for name in ("kind", "state", "sdi_id", "file", "number", "text")}
    errors = _joined(" ".join(error).strip() for error in receipt.errors)
    moments = {"received_at": receipt.received_at, "delivered_at": receipt.delivered_at}
    yield "receipts", {**plain, **moments, "errors": errors}


# ---- money -----------------------------------------------------------------------------------------------------------


def _statement(statement: Statement) -> Rows:
    common = {name: getattr(statement, name) for name in ("kind", "format", "account", "currency")}
    moved = sum((m.amount for m in statement.movements), Decimal(0))
    found = check_statement(statement)
    known = statement.opening is not None and statement.closing is not None
    yield (
        "balances",
        {
            **common,
            "holder": statement.holder,
            "number": statement.number,
            "opening": _number(statement.opening),
            "opening_date": statement.opening_day,
            "movements": len(statement.movements),
            "moved": float(moved),
            "closing": _number(statement.closing),
            "closing_date": statement.closing_day,
            "difference": float(next((f.difference or 0 for f in found if f.rule == "balances"), 0)) if known else None,
        },
    )
    for movement in statement.movements:
        plain = {name: getattr(movement, name) for name in ("line", "text", "counterpart", "iban", "reference")}
        dates = {"date": movement.day, "value_date": movement.value_day}
        yield "movements", {**common, **plain, **dates, "amount": float(movement.amount)}
    yield from _findings(found, {"number": statement.number or statement.account})


# ---- books and taxes -------------------------------------------------------------------------------------------------


def _register(register: VatRegister) -> Rows:
    for row in register.rows:
        plain = {
            name: getattr(row, name) for name in ("line", "protocol", "registered", "number", "party", "vat", "nature")
        }
        amounts = {name: _number(getattr(row, name)) for name in ("rate", "taxable", "tax", "total")}
        yield "register", {"side": register.side, **plain, **amounts, "date": row.day}


def _book(book: Book) -> Rows:
    for row in book.accounts:
        plain = {name: getattr(row, name) for name in ("line", "page", "code", "name", "text")}
        amounts = {name: float(getattr(row, name)) for name in ("debit", "credit", "balance")}
        yield "accounts", {"book": book.kind, **plain, **amounts, "date": row.day or book.day}


def _tax_payment(payment: TaxPayment) -> Rows:
    common = {"tax_code": payment.tax_code, "name": payment.name, "date": payment.day}
    for item in payment.items:
        plain = {name: getattr(item, name) for name in ("section", "code", "period", "year")}
        yield "taxes", {**common, **plain, "amount": float(item.amount), "form_balance": _number(payment.balance)}


def _vat_return(found: VatReturn) -> Rows:
    for period in found.periods:
        plain = {name: getattr(period, name) for name in ("year", "month", "quarter")}
        names = ("sales", "purchases", "output_tax", "input_tax", "due", "to_pay")
        yield "vat_periods", {"vat": found.vat, **plain, **{name: _number(getattr(period, name)) for name in names}}


def _expiry(expiry: Expiry) -> Rows:
    plain = {name: getattr(expiry, name) for name in ("kind", "notice", "party", "text", "page")}
    yield "expiries", {**plain, "date": expiry.day}


_MAKERS: dict[type, Callable[[Any], Rows]] = {
    Invoice: _invoice,
    ExchangeReceipt: _receipt,
    Statement: _statement,
    VatRegister: _register,
    Book: _book,
    TaxPayment: _tax_payment,
    VatReturn: _vat_return,
    Expiry: _expiry,
}


STATED = (
    *("signed_by", "signed_by_tax_code", "signed_at", "signature_covers_content", "signature_value"),
    *("pec_kind", "certified_at", "sender"),
)
"""What signatures and certified mail say of any document, as it stands in its metadata."""


def kind_row(paper: Paper, records: Iterable[Record], metadata: dict[str, str], guessed: str) -> Row:
    """Return the row of `papers`: what kind of paper a document is, by its records or else by what its text says, and who signed it."""
    kind = next((kind_of_record(record) for record in records), "") or guessed
    return {
        "row_id": paper.document_id,
        "document_id": paper.document_id,
        "path": paper.path,
        "content_hash": paper.content_hash,
        "document_kind": kind,
        **{name: metadata.get(name, "") for name in STATED},
    }
