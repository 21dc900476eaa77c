"""An invoice as a person reads it: the elements that are shown, chunked and searched in place of tags.

The first text names everything that a query may put together (type, number, date, both parties, object, sums, references), so that one
chunk answers; due dates, VAT summary and lines follow. Amounts and dates are written as readers of the invoice's language write them.

What the encoder reads (the gist) is what an invoice is about: its kind, month and parties, its object, what is particular about its taxes,
and its goods. All the rest is exact, and found by words and typed columns; with it a passage took thrice the tokens, and questions in other
words than the invoice's found it less often.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from tasks.index.formats.base import clean, table
from tasks.office import wording
from tasks.office.codes import in_words, with_words
from tasks.office.invoice import Fund, Instalment, Invoice, Line, Party, Reference, Vat, Withholding
from tasks.records import Element

_WORDS = {
    "it": {
        "dated": "del",
        "type": "Tipo di documento",
        "supplier": "Fornitore",
        "customer": "Cliente",
        "object": "Oggetto",
        "vat_id": "P.IVA",
        "tax_code": "C.F.",
        "regime": "regime fiscale",
        "taxable": "Imponibile",
        "tax": "IVA",
        "total": "Totale documento",
        "summed": "Totale (somma del riepilogo)",
        "to_pay": "Netto a pagare",
        "stamp": "Imposta di bollo",
        "withheld": "Ritenuta",
        "fund": "Contributo cassa previdenziale",
        "split": "Scissione dei pagamenti (split payment): l'IVA è versata dal cliente",
        "adjustment": "Sconti e maggiorazioni",
        "rounding": "Arrotondamento",
        "prepaid": "Già pagato",
        "terms": "Condizioni di pagamento",
        "due": "Scadenza",
        "undated": "Pagamento senza scadenza",
        "computed": "calcolata dai giorni indicati",
        "attached": "Allegati",
        "reverse": "Documento in reverse charge o autofattura: nulla è dovuto al fornitore",
        "reason": "causale",
        "on": "del",
        "vat_head": "Aliquota IVA|Imponibile|Imposta|Natura|Esigibilità",
        "line_head": "N.|Descrizione|Quantità|UM|Prezzo unitario|Importo|IVA",
        "format": "formato",
        "sdi": "Codice trasmissione SdI",
    },
    "en": {
        "dated": "of",
        "type": "Document type",
        "supplier": "Supplier",
        "customer": "Customer",
        "object": "Subject",
        "vat_id": "VAT number",
        "tax_code": "tax code",
        "regime": "tax regime",
        "taxable": "Taxable amount",
        "tax": "VAT",
        "total": "Total",
        "summed": "Total (sum of the VAT summary)",
        "to_pay": "Amount due",
        "stamp": "Stamp duty",
        "withheld": "Withholding",
        "fund": "Professional fund contribution",
        "split": "Split payment: the customer pays the VAT to the state",
        "adjustment": "Charges less allowances",
        "rounding": "Rounding",
        "prepaid": "Paid before",
        "terms": "Payment terms",
        "due": "Due date",
        "undated": "Payment without a due date",
        "computed": "computed from the days stated",
        "attached": "Attachments",
        "reverse": "Reverse charge or self-billed: nothing is owed to the supplier",
        "reason": "reason",
        "on": "of",
        "vat_head": "VAT rate|Taxable amount|VAT|Category|Due",
        "line_head": "No.|Description|Quantity|Unit|Unit price|Amount|VAT",
        "format": "format",
        "sdi": "Transmission id",
    },
}


def title(invoice: Invoice) -> str:
    """Return `Fattura 2026/0417 del 12/03/2026 · supplier → customer`."""
    head = f"{_kind(invoice)} {invoice.number}"
    if invoice.day:
        head += f" {_WORDS[invoice.language]['dated']} {wording.day(invoice.day, invoice.language)}"
    parties = " → ".join(_parties(invoice))
    return f"{head} · {parties}" if parties else head


def _kind(invoice: Invoice) -> str:
    kind = in_words("type", invoice.type, invoice.language).split(" (")[0] or in_words("type", "380", invoice.language)
    return f"{kind[:1].upper()}{kind[1:]}"


def _parties(invoice: Invoice) -> list[str]:
    return [name for p in (invoice.supplier, invoice.customer) if (name := p.name or p.vat or p.tax_code)]


def elements(invoice: Invoice) -> Iterator[Element]:
    """Yield the elements of one invoice, its title first; the caller gives them their sections."""
    about = (_kind(invoice), wording.month(invoice.day, invoice.language), *_parties(invoice))
    yield Element("title", clean(title(invoice)), level=1, gist=_lines(about).replace("\n", " · "))
    for lines, gist in (
        (_head(invoice), [invoice.notes]),
        (_sums(invoice), _particulars(invoice)),
        (_instalments(invoice), []),
        (_others(invoice), []),
    ):
        if text := _lines(lines):
            yield Element("text", text, gist=_lines(gist))
    for rows, gist in (
        (_vat_table(invoice), _natures(invoice)),
        (_line_table(invoice), [i.text for i in invoice.lines]),
    ):
        if len(rows) > 1 and (found := table(rows)):
            yield replace(found, gist=_by_row(gist))


def _lines(lines: Iterable[str]) -> str:
    return clean("\n".join(line for line in lines if line))


def _by_row(words: Sequence[str]) -> str:
    """Return a line for the head row, of which nothing is read, and for each row: what stood in one before is not read again."""
    told = {text: row for row, text in reversed(list(enumerate(words)))}
    rows = [clean(text).replace("\n", " ") if told[text] == row else "" for row, text in enumerate(words)]
    return "\n".join(["", *rows])


def _particulars(invoice: Invoice) -> list[str]:
    """Return what is not as in every invoice, without its amounts."""
    words, language = _WORDS[invoice.language], invoice.language
    return [
        words["stamp"] if invoice.stamp else "",
        *(f"{words['withheld']}: {in_words('withholding', w.type, language)}" for w in invoice.withholdings),
        *(f"{words['fund']}: {in_words('fund', f.type, language)}" for f in invoice.funds),
        words["split"] if invoice.split_payment else "",
        words["reverse"] if invoice.self_billed else "",
    ]


def _natures(invoice: Invoice) -> list[str]:
    return [" ".join(filter(None, (in_words("nature", v.nature, invoice.language), v.law))) for v in invoice.vat]


def _head(invoice: Invoice) -> list[str]:
    words = _WORDS[invoice.language]
    form = " · ".join(filter(None, (invoice.syntax, invoice.format)))
    kind = with_words("type", invoice.type, invoice.language)
    return [
        f"{words['type']}: {kind} ({words['format']} {form})",
        _party(words["supplier"], invoice.supplier, invoice.language),
        _party(words["customer"], invoice.customer, invoice.language),
        f"{words['object']}: {invoice.notes}" if invoice.notes else "",
        *(_reference(reference, invoice.language) for reference in invoice.references),
    ]


def _party(label: str, party: Party, language: str) -> str:
    words = _WORDS[language]
    regime = with_words("regime", party.regime, language)
    parts = (
        party.name,
        f"{words['vat_id']} {party.vat}" if party.vat else "",
        f"{words['tax_code']} {party.tax_code}" if party.tax_code else "",
        party.address,
        f"{words['regime']} {regime}" if regime else "",
        party.email,
    )
    return f"{label}: {' · '.join(filter(None, parts))}" if any(parts) else ""


def _reference(reference: Reference, language: str) -> str:
    words = in_words("reference", reference.kind, language)
    parts = (
        f"{words[:1].upper()}{words[1:]}: {reference.number}"
        if reference.number
        else f"{words[:1].upper()}{words[1:]}",
        f"{_WORDS[language]['on']} {wording.day(reference.day, language)}" if reference.day else "",
        f"CIG {reference.cig}" if reference.cig else "",
        f"CUP {reference.cup}" if reference.cup else "",
    )
    return " ".join(filter(None, parts))


def _sums(invoice: Invoice) -> list[str]:
    words = _WORDS[invoice.language]
    if not invoice.vat and invoice.total is None:
        return []
    # without a VAT summary there is nothing to sum: what the file does not state is not printed as zero
    parts = [(words[name], getattr(invoice, name)) for name in ("taxable", "tax") if invoice.vat]
    sums = [f"{label} {_money(value, invoice)}" for label, value in parts]
    total = invoice.total_or_summed
    # the total also as the file writes it, which is what people copy into a search
    stated = f"{words['total' if invoice.total is not None else 'summed']} {_money(total, invoice)} ({total})"
    lines = [" · ".join([*sums, stated])]
    others = ("stamp", "adjustment", "rounding", "prepaid")
    lines.extend(f"{words[name]}: {_money(value, invoice)}" for name in others if (value := getattr(invoice, name)))
    lines.extend(_withheld(invoice, w) for w in invoice.withholdings)
    lines.extend(_fund(invoice, f) for f in invoice.funds)
    if invoice.split_payment:
        lines.append(words["split"])
    lines.append(words["reverse"] if invoice.self_billed else f"{words['to_pay']}: {_money(invoice.to_pay, invoice)}")
    return lines


def _withheld(invoice: Invoice, row: Withholding) -> str:
    words = _WORDS[invoice.language]
    kind = with_words("withholding", row.type, invoice.language)
    line = f"{words['withheld']}: {kind} {_percent(row.rate, invoice)} {_money(row.amount, invoice)}"
    return f"{line} ({words['reason']} {row.reason})" if row.reason else line


def _fund(invoice: Invoice, row: Fund) -> str:
    kind = with_words("fund", row.type, invoice.language)
    return f"{_WORDS[invoice.language]['fund']}: {kind} {_percent(row.rate, invoice)} {_money(row.amount, invoice)}"


def _instalments(invoice: Invoice) -> Iterator[str]:
    """Yield a line each; what all of them are paid by and to stands once, behind the days: an IBAN is as long as a sentence to a reader."""
    found = invoice.instalments
    ways = list(dict.fromkeys(_way(i, invoice) for i in found))
    if len(found) == 1 or len(ways) > 1:
        yield from (" · ".join(filter(None, (_due(i, invoice), _way(i, invoice)))) for i in found)
    else:
        yield from (_due(i, invoice) for i in found)
        yield from ways


def _way(instalment: Instalment, invoice: Invoice) -> str:
    parts = (
        with_words("payment", instalment.method, invoice.language),
        f"IBAN {instalment.iban}" if instalment.iban else "",
        ", ".join(instalment.accounts),
        instalment.bank,
    )
    return " · ".join(filter(None, parts))


def _due(instalment: Instalment, invoice: Invoice) -> str:
    words = _WORDS[invoice.language]
    day = wording.day(instalment.due, invoice.language)
    parts = (
        f"{words['due']} {day}" + (f" ({words['computed']})" if instalment.source == "computed" else "")
        if day
        else words["undated"],
        _money(instalment.amount, invoice),
    )
    return " · ".join(filter(None, parts))


def _others(invoice: Invoice) -> list[str]:
    words = _WORDS[invoice.language]
    terms = with_words("terms", invoice.terms, invoice.language)
    return [
        f"{words['terms']}: {terms}" if terms else "",
        f"{words['sdi']}: {invoice.transmission}" if invoice.transmission else "",
        f"{words['attached']}: {', '.join(invoice.attachments)}" if invoice.attachments else "",
    ]


def _vat_table(invoice: Invoice) -> list[list[str]]:
    return [_WORDS[invoice.language]["vat_head"].split("|"), *(_vat_row(row, invoice) for row in invoice.vat)]


def _vat_row(row: Vat, invoice: Invoice) -> list[str]:
    nature = with_words("nature", row.nature, invoice.language)
    return [
        _percent(row.rate, invoice),
        wording.amount(row.taxable, "", invoice.language),
        wording.amount(row.tax, "", invoice.language),
        " – ".join(filter(None, (nature, row.law))),
        in_words("due", row.due, invoice.language) or row.due,
    ]


def _line_table(invoice: Invoice) -> list[list[str]]:
    return [_WORDS[invoice.language]["line_head"].split("|"), *(_line_row(line, invoice) for line in invoice.lines)]


def _line_row(line: Line, invoice: Invoice) -> list[str]:
    price = wording.amount if _cents(line.price) else None
    return [
        line.number,
        line.text,
        wording.quantity(line.quantity, invoice.language),
        line.unit,
        price(line.price, "", invoice.language) if price else wording.quantity(line.price, invoice.language),
        wording.amount(line.amount, "", invoice.language),
        line.nature or _percent(line.rate, invoice),
    ]


def _cents(value: Decimal | None) -> bool:
    return value is None or value == round(value, 2)


def _money(value: Decimal | None, invoice: Invoice) -> str:
    return wording.amount(value, invoice.currency, invoice.language)


def _percent(value: Decimal | None, invoice: Invoice) -> str:
    if value is None:
        return ""
    return f"{wording.quantity(value, invoice.language)}%"
