"""What kind of paper a document is: by its typed record, else by rules on its first lines.

A rule is a phrase that the paper itself carries as its heading (`DOCUMENTO DI TRASPORTO`, `Durc On Line`). Where no rule fits, the kind is
"": absent is better than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tasks.office.invoice import CREDIT_NOTES, Invoice
from tasks.office.records import Book, ExchangeReceipt, Expiry, Record, Statement

HEAD = 400
"""Characters of a document in which its heading stands."""

_STATEMENTS = {
    "statement": "bank_statement",
    "advice": "bank_statement",
    "orders": "payment_order",
    "receivables": "receivables",
}
_RECORDS = {
    "receipt": "exchange_receipt",
    "vat_register": "vat_register",
    "tax_payment": "tax_payment",
    "vat_return": "vat_return",
}

_RULES: tuple[tuple[str, str], ...] = (
    ("durc", r"\bdurc\s+on\s*-?line\b|documento unico di regolarit[aà] contributiva"),
    ("company_register", r"\bvisura (?:ordinaria|storica|camerale|di evasione)|registro imprese\b.{0,80}\bvisura"),
    ("delivery_note", r"\bdocumento di trasporto\b|\bd\.?\s?d\.?\s?t\.?\s+n(?:\.|°|umero)|\bdelivery note\b"),
    ("quote", r"^\W*(?:preventivo|offerta|quotation)\b\s*(?:commerciale\s*)?(?:n\.|n°|no\.|nr)"),
    (
        "minutes",
        r"\bverbale (?:di |dell['’ ]\s*)?(?:assemblea|consiglio|riunione)|\bminutes of (?:the )?(?:meeting|board)",
    ),
    ("lease", r"\bcontratto di locazione\b|\blease agreement\b"),
    (
        "contract",
        r"^\W*contratto (?:di|per)\b|\bcontratto di (?:fornitura|somministrazione|appalto|servizi)|^\W*[\w ]{0,40}\bagreement\b",
    ),
    ("order", r"^\W*(?:ordine (?:d['’]acquisto|di acquisto|n\.)|purchase order)"),
    ("invoice", r"^\W*(?:fattura|invoice|rechnung|facture)\s+(?:n\.|n°|no\.|nr|number)"),
    ("receipt", r"\bdocumento commerciale\b.{0,40}\bvendita\b|\bscontrino\b"),
    ("payslip", r"\b(?:cedolino|busta) paga\b|\bcedolino (?:del )?mese"),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE | re.DOTALL | re.MULTILINE)) for kind, pattern in _RULES)


def kind_of_record(record: Record) -> str:
    """Return the kind of paper that a record comes from; "" for an expiry, which any paper may have."""
    if isinstance(record, Expiry):
        return ""
    if isinstance(record, Invoice):
        return "credit_note" if record.type in CREDIT_NOTES else "invoice"
    if isinstance(record, Statement):
        return _STATEMENTS[record.kind]
    if isinstance(record, Book):
        return "trial_balance" if record.kind != "day_book" else "day_book"
    return _RECORDS["receipt" if isinstance(record, ExchangeReceipt) else record.record]


def kind_of_text(head: str, metadata: Mapping[str, str]) -> str:
    """Return the kind of a document by its first lines; certified mail states its kind itself."""
    if metadata.get("pec_kind"):
        return "certified_mail"
    text = head[:HEAD]
    return next((kind for kind, pattern in _COMPILED if pattern.search(text)), "")
