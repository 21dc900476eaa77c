"""VAT registers as tables: a row for each rate of each document, with taxable amount and tax."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from tasks.office.recognise.cells import amount
from tasks.office.recognise.heads import Grid, fold, grids, words
from tasks.office.records import RegisterRow, VatRegister
from tasks.records import Parsed

ROLES = words(
    protocol="prot|protocollo|n prot|num prot|nr prot|n reg|numero protocollo|prot iva|protocollo iva",
    registered_date="data reg|data registrazione|data registr|data protocollo|registrazione",
    number="n doc|numero doc|numero documento|num doc|nr doc|n fattura|numero fattura|num fattura|nr fattura|n documento|numero|documento|"
    "invoice no|invoice number",
    date="data doc|data documento|data fattura|data|data fatt|date|invoice date",
    supplier="fornitore|cedente|ragione sociale fornitore|supplier",
    customer="cliente|cessionario|ragione sociale cliente|customer",
    party="ragione sociale|denominazione|cliente fornitore|intestatario",
    vat="p iva|partita iva|piva|p iva c f|partita iva codice fiscale|p iva cf|vat number|id fiscale iva",
    rate="aliq|aliquota|aliquota iva|aliq iva|cod iva|codice iva|% iva|iva %|vat rate|aliq %",
    nature="natura|cod natura|natura iva",
    taxable="imponibile|importo imponibile|imponibile eur|taxable|net|taxable amount|base imponibile",
    tax="imposta|iva|importo iva|imposta eur|vat|vat amount",
    total="totale|totale documento|totale fattura|tot documento|importo totale|total|totale doc",
)
_TOTAL = re.compile(r"\btotal[ei]\b|\btotali\b|\briepilogo\b")


def find(parsed: Parsed) -> Iterator[VatRegister]:
    """Yield the registers of a document."""
    for table in grids(
        parsed, ROLES, (("number", "protocol"), ("taxable",), ("tax",), ("supplier", "customer", "party", "vat"))
    ):
        if rows := [row for number, cells in enumerate(table.rows, table.first) if (row := _row(table, cells, number))]:
            stated = next((cells for cells in table.rows if _is_total(cells)), ())
            yield VatRegister(
                side=_side(table, parsed),
                rows=tuple(rows),
                stated_taxable=table.amount(stated, "taxable"),
                stated_tax=table.amount(stated, "tax"),
            )


def _is_total(cells: Sequence[str]) -> bool:
    return any(_TOTAL.match(fold(cell)) for cell in cells if cell and not cell[:1].isdigit())


def _row(table: Grid, cells: Sequence[str], line: int) -> RegisterRow | None:
    taxable = table.amount(cells, "taxable")
    tax = table.amount(cells, "tax")
    number = table.cell(cells, "number")
    if (taxable is None and tax is None) or _is_total(cells) or not (number or table.cell(cells, "protocol")):
        return None
    rate = table.cell(cells, "rate").rstrip("% ")
    return RegisterRow(
        line=line,
        protocol=table.cell(cells, "protocol"),
        registered=table.day(cells, "registered_date"),
        number=number,
        day=table.day(cells, "date"),
        party=table.cell(cells, "supplier") or table.cell(cells, "customer") or table.cell(cells, "party"),
        vat=_vat(table.cell(cells, "vat")),
        rate=_rate(rate),
        nature=table.cell(cells, "nature") or (rate if re.fullmatch(r"N\d(?:\.\d)?", rate) else ""),
        taxable=taxable,
        tax=tax,
        total=table.amount(cells, "total"),
    )


def _rate(text: str) -> Decimal | None:
    return amount(text, ",") if re.fullmatch(r"\d{1,2}(?:,\d{1,2})?", text) else amount(text, ".")


def _vat(text: str) -> str:
    """Return an Italian number gets its country: registers leave it out."""
    plain = text.replace(" ", "").upper()
    return f"IT{plain}" if re.fullmatch(r"\d{11}", plain) else plain


def _side(table: Grid, parsed: Parsed) -> Literal["purchase", "sale", ""]:
    if "supplier" in table.columns or re.search(r"acquist|purchase", parsed.title + table.before, re.IGNORECASE):
        return "purchase"
    if "customer" in table.columns or re.search(
        r"vendit|sales|corrispettiv", parsed.title + table.before, re.IGNORECASE
    ):
        return "sale"
    return ""
