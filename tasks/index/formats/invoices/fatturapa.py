"""FatturaPA: ordinary invoices (FPR12, FPA12 and the older versions) and simplified ones (FSM10).

A file has one header and one or more bodies; each body is an invoice. Elements are found by local names, because real files declare the
namespace in every possible way. Amounts are taken as written, never recomputed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from tasks.index.formats.tree import Node
from tasks.office.invoice import ZERO, Fund, Instalment, Invoice, Line, Party, Reference, Vat, Withholding

SYNTAX = "FatturaPA"
CENT = Decimal("0.01")
_REFERENCES = {
    "DatiOrdineAcquisto": "order",
    "DatiContratto": "contract",
    "DatiConvenzione": "agreement",
    "DatiRicezione": "receipt",
    "DatiFattureCollegate": "invoice",
}


def invoices(root: Node) -> list[Invoice]:
    """Return the invoices of a file, a body each."""
    header = root.first("FatturaElettronicaHeader") or root
    simplified = root.name == "FatturaElettronicaSemplificata"
    form = header.text("DatiTrasmissione/FormatoTrasmissione") or root.attribute("versione")
    party = _simple_party if simplified else _party
    supplier, customer = party(header.first("CedentePrestatore")), party(header.first("CessionarioCommittente"))
    bodies = root.all("FatturaElettronicaBody")
    read = _simplified if simplified else _ordinary
    return [
        read(body, number, form, supplier, customer, _transmission(header)) for number, body in enumerate(bodies, 1)
    ]


def _transmission(header: Node) -> str:
    """Return the name by which the exchange system knows the file: `IT01234567890_00001`."""
    sender = header.first("DatiTrasmissione/IdTrasmittente")
    progressive = header.text("DatiTrasmissione/ProgressivoInvio")
    return f"{sender.text('IdPaese')}{sender.text('IdCodice')}_{progressive}" if sender and progressive else ""


# ---- parties ---------------------------------------------------------------------------------------------------------


def _vat_id(node: Node | None) -> str:
    """Join country and number; a number that repeats its country is left as it is."""
    if node is None:
        return ""
    country, number = node.text("IdPaese").upper(), node.text("IdCodice").replace(" ", "").upper()
    return number if not number or number.startswith(country) else country + number


def _name(node: Node) -> str:
    return node.text("Denominazione") or " ".join(filter(None, (node.text("Nome"), node.text("Cognome"))))


def _party(node: Node | None) -> Party:
    if node is None:
        return Party()
    data = node.first("DatiAnagrafici") or node
    party = _person(data, data.first("Anagrafica"), node.first("Sede"))
    return replace(party, regime=data.text("RegimeFiscale"), email=node.text("Contatti/Email"))


def _simple_party(node: Node | None) -> Party:
    """Return a party of a simplified invoice: the same data one level higher, or under `AltriDatiIdentificativi`."""
    if node is None:
        return Party()
    ids = node.first("IdentificativiFiscali") or node
    names = node.first("AltriDatiIdentificativi") or node
    return replace(_person(ids, names, names.first("Sede")), regime=node.text("RegimeFiscale"))


def _person(ids: Node, names: Node | None, seat: Node | None) -> Party:
    return Party(
        name=_name(names) if names else "",
        vat=_vat_id(ids.first("IdFiscaleIVA")),
        tax_code=ids.text("CodiceFiscale").upper(),
        country=seat.text("Nazione") if seat else "",
        address=_address(seat),
    )


def _address(seat: Node | None) -> str:
    if seat is None:
        return ""
    street = " ".join(filter(None, (seat.text("Indirizzo"), seat.text("NumeroCivico"))))
    place = " ".join(filter(None, (seat.text("CAP"), seat.text("Comune"), seat.text("Provincia"))))
    return ", ".join(filter(None, (street, place, seat.text("Nazione"))))


# ---- bodies ----------------------------------------------------------------------------------------------------------


def _ordinary(body: Node, number: int, form: str, supplier: Party, customer: Party, transmission: str) -> Invoice:
    general = body.first("DatiGenerali") or body
    head = general.first("DatiGeneraliDocumento") or general
    goods = body.first("DatiBeniServizi") or body
    day = head.day("Data")
    payments = body.all("DatiPagamento")
    vat = tuple(_vat(row) for row in goods.all("DatiRiepilogo"))
    return Invoice(
        syntax=SYNTAX,
        format=form,
        body=number,
        type=head.text("TipoDocumento"),
        number=head.text("Numero"),
        day=day,
        currency=head.text("Divisa") or "EUR",
        supplier=supplier,
        customer=customer,
        lines=tuple(_line(row) for row in goods.all("DettaglioLinee")),
        vat=vat,
        total=head.number("ImportoTotaleDocumento"),
        rounding=head.number("Arrotondamento"),
        adjustment=_adjustment(head),
        stamp=head.number("DatiBollo/ImportoBollo"),
        withholdings=tuple(_withholding(row) for row in head.all("DatiRitenuta")),
        funds=tuple(_fund(row) for row in head.all("DatiCassaPrevidenziale")),
        instalments=tuple(_instalment(row) for p in payments for row in p.all("DettaglioPagamento")),
        terms=payments[0].text("CondizioniPagamento") if payments else "",
        references=_references(general),
        notes=" ".join(head.texts("Causale")),
        transmission=transmission,
        attachments=tuple(body.texts("Allegati/NomeAttachment")),
    )


def _adjustment(head: Node) -> Decimal | None:
    rows = head.all("ScontoMaggiorazione")
    amounts = [(row.number("Importo") or ZERO) * (-1 if row.text("Tipo") == "SC" else 1) for row in rows]
    return sum(amounts, ZERO) if rows else None


def _line(row: Node) -> Line:
    return Line(
        number=row.text("NumeroLinea"),
        text=row.text("Descrizione"),
        quantity=row.number("Quantita"),
        unit=row.text("UnitaMisura"),
        price=row.number("PrezzoUnitario"),
        amount=row.number("PrezzoTotale"),
        rate=row.number("AliquotaIVA"),
        nature=row.text("Natura"),
        withheld=row.text("Ritenuta") == "SI",
    )


def _vat(row: Node) -> Vat:
    return Vat(
        rate=row.number("AliquotaIVA"),
        nature=row.text("Natura"),
        taxable=row.number("ImponibileImporto"),
        tax=row.number("Imposta"),
        due=row.text("EsigibilitaIVA"),
        rounding=row.number("Arrotondamento"),
        law=row.text("RiferimentoNormativo"),
    )


def _withholding(row: Node) -> Withholding:
    return Withholding(
        row.text("TipoRitenuta"),
        row.number("AliquotaRitenuta"),
        row.number("ImportoRitenuta"),
        row.text("CausalePagamento"),
    )


def _fund(row: Node) -> Fund:
    return Fund(
        type=row.text("TipoCassa"),
        rate=row.number("AlCassa"),
        amount=row.number("ImportoContributoCassa"),
        vat_rate=row.number("AliquotaIVA"),
        nature=row.text("Natura"),
        withheld=row.text("Ritenuta") == "SI",
    )


def _instalment(row: Node) -> Instalment:
    stated = due = row.day("DataScadenzaPagamento")
    start, days = row.day("DataRiferimentoTerminiPagamento"), row.number("GiorniTerminiPagamento")
    if due is None and start is not None and days is not None and 0 <= days < 10_000:
        due = start + timedelta(days=int(days))
    return Instalment(
        due=due,
        amount=row.number("ImportoPagamento"),
        method=row.text("ModalitaPagamento"),
        iban=row.text("IBAN").replace(" ", "").upper(),
        bank=row.text("IstitutoFinanziario"),
        source="stated" if due == stated else "computed",
    )


def _references(general: Node) -> tuple[Reference, ...]:
    found = []
    for node in general.children():
        if kind := _REFERENCES.get(node.name):
            day, cig, cup = node.day("Data"), node.text("CodiceCIG").upper(), node.text("CodiceCUP").upper()
            found.append(Reference(kind, node.text("IdDocumento"), day, cig, cup))
        elif node.name == "DatiDDT":
            found.append(Reference("transport", node.text("NumeroDDT"), node.day("DataDDT")))
    return tuple(dict.fromkeys(found))


# ---- simplified ------------------------------------------------------------------------------------------------------


def _simplified(body: Node, number: int, form: str, supplier: Party, customer: Party, transmission: str) -> Invoice:
    """Return a simplified invoice states gross amounts and their tax, or the rate within them."""
    head = body.first("DatiGenerali/DatiGeneraliDocumento") or body
    goods = body.all("DatiBeniServizi")
    gross = [row.number("Importo") for row in goods]
    linked = body.all("DatiGenerali/DatiFatturaRettificata")
    return Invoice(
        syntax=SYNTAX,
        format=form,
        body=number,
        type=head.text("TipoDocumento"),
        number=head.text("Numero"),
        day=head.day("Data"),
        currency=head.text("Divisa") or "EUR",
        supplier=supplier,
        customer=customer,
        lines=tuple(
            Line(
                str(i),
                row.text("Descrizione"),
                amount=row.number("Importo"),
                rate=row.number("DatiIVA/Aliquota"),
                nature=row.text("Natura"),
            )
            for i, row in enumerate(goods, 1)
        ),
        vat=tuple(_gross_vat(row) for row in goods),
        gross=sum((g for g in gross if g is not None), ZERO),
        stamp=head.number("BolloVirtuale/ImportoBollo", "DatiBollo/ImportoBollo"),
        references=tuple(Reference("invoice", n.text("NumeroFR"), n.day("DataFR")) for n in linked),
        transmission=transmission,
        attachments=tuple(body.texts("Allegati/NomeAttachment")),
    )


def _gross_vat(row: Node) -> Vat:
    gross, tax, rate = row.number("Importo"), row.number("DatiIVA/Imposta"), row.number("DatiIVA/Aliquota")
    if gross is None:
        return Vat(rate, row.text("Natura"))
    if tax is None and rate is not None:
        tax = (gross * rate / (100 + rate)).quantize(CENT, ROUND_HALF_UP)
    tax = tax if tax is not None else ZERO
    return Vat(rate, row.text("Natura"), gross - tax, tax, law=row.text("RiferimentoNormativo"))
