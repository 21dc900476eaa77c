"""F24, the Italian payment form: taxes by code, what is paid and what is set off, the balance and the day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from tasks.office.recognise.bank import MONEY
from tasks.office.recognise.cells import amount, day
from tasks.office.recognise.heads import grids, words
from tasks.office.records import TaxItem, TaxPayment
from tasks.records import Parsed

ROLES = words(
    code="codice tributo|cod tributo|tributo|causale contributo|codice",
    period="rateazione|rateazione regione prov mese rif|rateazione mese rif|periodo di riferimento|mese|rateazione regione provincia mese rif",
    year="anno di riferimento|anno rif|anno|anno riferimento",
    debit="importi a debito versati|importo a debito|debito|importi a debito",
    credit="importi a credito compensati|importo a credito|credito|importi a credito",
)
_FORM = re.compile(r"\bF\s?24\b|MODELLO DI PAGAMENTO\s+UNIFICATO", re.IGNORECASE)
_BALANCE = re.compile(r"SALDO FINALE[^\d]{0,40}(" + MONEY.pattern + ")", re.IGNORECASE)
_PAID = re.compile(r"DATA (?:DI |DEL )?VERSAMENTO[^\d]{0,20}(\d{1,2}[/.\-]\d{1,2}[/.\-]\d{4})", re.IGNORECASE)
_CODE = re.compile(
    r"CODICE FISCALE[^\dA-Z]{0,20}([0-9]{11}|[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z])\s*([^\n]*)", re.IGNORECASE
)
_IBAN = re.compile(r"\bIT\d\d[A-Z]\d{10}[A-Z0-9]{12}\b")
_TAX = re.compile(r"[0-9A-Z]{3,4}")


def find(parsed: Parsed) -> Iterator[TaxPayment]:
    """Yield the form of a document that says that it is one and has a table of taxes."""
    text = "\n".join(element.text for element in parsed.elements)
    if not _FORM.search(f"{parsed.title}\n{text[:2000]}"):
        return
    items = list(_items(parsed))
    if not items:
        return
    owner, balance, paid, iban = _CODE.search(text), _BALANCE.search(text), _PAID.search(text), _IBAN.search(text)
    yield TaxPayment(
        items=tuple(items),
        tax_code=owner.group(1) if owner else "",
        name=owner.group(2).strip() if owner else "",
        balance=amount(balance.group(1), ",") if balance else None,
        day=day(paid.group(1)) if paid else None,
        iban=iban.group() if iban else "",
    )


def _items(parsed: Parsed) -> Iterator[TaxItem]:
    for table in grids(parsed, ROLES, (("code",), ("debit",), ("credit",))):
        for row in table.rows:
            code = table.cell(row, "code")
            if _TAX.fullmatch(code):
                yield from _item(
                    code,
                    table.cell(row, "period"),
                    table.cell(row, "year"),
                    [table.amount(row, name) for name in ("debit", "credit")],
                )


def _item(code: str, period: str, year: str, values: Sequence[Decimal | None]) -> Iterator[TaxItem]:
    debit, credit = values
    if debit:
        yield TaxItem(code, debit, period, year)
    if credit:
        yield TaxItem(code, -abs(credit), period, year)
