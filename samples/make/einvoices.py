"""Electronic invoices of invented firms: FatturaPA (ordinary, several bodies, simplified), UBL, CII, and the exchange system's messages.

The functions write XML from amounts, and the sums follow from the lines unless a caller overrides them, so that a test can make exactly the
fault that it looks for. VAT numbers carry the office code 999, which no office has, and right check digits.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from xml.sax.saxutils import escape

CENT = Decimal("0.01")
NAMESPACE = "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"
IBAN = "IT86Y9990112300000000654321"
STUDIO_IBAN = "IT57K9990145600000000111222"


@dataclass(frozen=True)
class Firm:
    """A party of an invoice; a person has a tax code of 16 characters."""

    name: str
    vat: str
    town: str = "Borgo Finto"
    country: str = "IT"
    tax_code: str = ""
    regime: str = "RF01"


FORGE = Firm("Fonderia Tassello S.r.l.", "98000019996", "Colle Inventato")
STUDIO = Firm("Studio Ginepraio e Associati", "98000029995", "Piana Supposta")
OFFICE = Firm("Cartiera Lodolina S.p.A.", "98000039994", "Ponte Irreale")
TOWN = Firm("Comune di Vallescura Immaginaria", "98000049993", "Vallescura")
ABROAD = Firm("Beispielwerk GmbH", "136695976", "Musterstadt", "DE")


@dataclass(frozen=True)
class Row:
    """A line: text, quantity, price, VAT rate, nature when there is no VAT."""

    text: str
    quantity: str = "1.00"
    price: str = "100.00"
    rate: str = "22.00"
    nature: str = ""
    withheld: bool = False

    @property
    def amount(self) -> Decimal:
        return (Decimal(self.quantity) * Decimal(self.price)).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Body:
    """An invoice of a file. `total` and `tax` override what follows from the rows."""

    number: str
    day: str
    rows: tuple[Row, ...] = (Row("Fornitura"),)
    type: str = "TD01"
    dues: tuple[tuple[str, str], ...] = ()
    iban: str = IBAN
    method: str = "MP05"
    terms: str = "TP02"
    withholding: tuple[str, str, str, str] | None = None  # type, amount, percent, reason of payment
    fund: tuple[str, str, str] | None = None  # type, percent, amount
    stamp: str = ""
    total: str | None = None
    tax: str | None = None
    vat_due: str = "I"
    linked: tuple[tuple[str, str], ...] = ()
    contract: tuple[str, str, str] | None = None  # number, CUP, CIG
    note: str = ""
    attachments: tuple[tuple[str, bytes], ...] = field(default=())

    def vat(self) -> list[tuple[str, str, Decimal, Decimal]]:
        """(rate, nature, taxable, tax), a row each."""
        bases: dict[tuple[str, str], Decimal] = {}
        for row in self.rows:
            bases[row.rate, row.nature] = bases.get((row.rate, row.nature), Decimal(0)) + row.amount
        if self.fund:
            bases["22.00", ""] = bases.get(("22.00", ""), Decimal(0)) + Decimal(self.fund[2])
        found = []
        for (rate, nature), base in bases.items():
            tax = (
                Decimal(self.tax)
                if self.tax is not None
                else (base * Decimal(rate) / 100).quantize(CENT, ROUND_HALF_UP)
            )
            found.append((rate, nature, base, tax))
        return found

    def stated_total(self) -> str:
        if self.total is not None:
            return self.total
        return str(sum((base + tax for _, _, base, tax in self.vat()), Decimal(self.stamp or 0)))


def fatturapa(
    bodies: Sequence[Body],
    supplier: Firm = FORGE,
    customer: Firm = OFFICE,
    progressive: str = "00001",
    form: str = "FPR12",
    namespace: str = NAMESPACE,
) -> bytes:
    """A file of one or more ordinary invoices."""
    code = "UF0X0X" if form == "FPA12" else "ABCDE12"
    head = (
        f"<DatiTrasmissione><IdTrasmittente><IdPaese>IT</IdPaese><IdCodice>{_sender(supplier, customer)}</IdCodice></IdTrasmittente>"
        f"<ProgressivoInvio>{progressive}</ProgressivoInvio><FormatoTrasmissione>{form}</FormatoTrasmissione>"
        f"<CodiceDestinatario>{code}</CodiceDestinatario></DatiTrasmissione>"
        f"<CedentePrestatore>{_party(supplier, True)}</CedentePrestatore>"
        f"<CessionarioCommittente>{_party(customer, False)}</CessionarioCommittente>"
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<p:FatturaElettronica versione="{form}" xmlns:p="{namespace}">'
        f"<FatturaElettronicaHeader>{head}</FatturaElettronicaHeader>{''.join(_body(b) for b in bodies)}</p:FatturaElettronica>"
    )
    return text.encode()


def _sender(supplier: Firm, customer: Firm) -> str:
    return supplier.vat if supplier.country == "IT" else customer.vat


def _party(firm: Firm, supplier: bool) -> str:
    code = f"<CodiceFiscale>{firm.tax_code}</CodiceFiscale>" if firm.tax_code else ""
    regime = f"<RegimeFiscale>{firm.regime}</RegimeFiscale>" if supplier else ""
    return (
        f"<DatiAnagrafici><IdFiscaleIVA><IdPaese>{firm.country}</IdPaese><IdCodice>{firm.vat}</IdCodice></IdFiscaleIVA>{code}"
        f"<Anagrafica><Denominazione>{escape(firm.name)}</Denominazione></Anagrafica>{regime}</DatiAnagrafici>"
        f"<Sede><Indirizzo>Via delle Ipotesi 3</Indirizzo><CAP>00000</CAP><Comune>{firm.town}</Comune><Provincia>ZZ</Provincia>"
        f"<Nazione>{firm.country}</Nazione></Sede>"
    )


def _body(body: Body) -> str:
    return (
        f"<FatturaElettronicaBody><DatiGenerali>{_general(body)}</DatiGenerali>"
        f"<DatiBeniServizi>{_rows(body)}{_summary(body)}</DatiBeniServizi>{_payment(body)}{_attached(body)}</FatturaElettronicaBody>"
    )


def _general(body: Body) -> str:
    parts = [
        f"<TipoDocumento>{body.type}</TipoDocumento><Divisa>EUR</Divisa><Data>{body.day}</Data><Numero>{body.number}</Numero>"
    ]
    if body.withholding:
        kind, amount, percent, reason = body.withholding
        parts.append(
            f"<DatiRitenuta><TipoRitenuta>{kind}</TipoRitenuta><ImportoRitenuta>{amount}</ImportoRitenuta>"
            f"<AliquotaRitenuta>{percent}</AliquotaRitenuta><CausalePagamento>{reason}</CausalePagamento></DatiRitenuta>"
        )
    if body.stamp:
        parts.append(
            f"<DatiBollo><BolloVirtuale>SI</BolloVirtuale><ImportoBollo>{body.stamp}</ImportoBollo></DatiBollo>"
        )
    if body.fund:
        kind, percent, amount = body.fund
        parts.append(
            f"<DatiCassaPrevidenziale><TipoCassa>{kind}</TipoCassa><AlCassa>{percent}</AlCassa>"
            f"<ImportoContributoCassa>{amount}</ImportoContributoCassa><AliquotaIVA>22.00</AliquotaIVA></DatiCassaPrevidenziale>"
        )
    if total := body.stated_total():
        parts.append(f"<ImportoTotaleDocumento>{total}</ImportoTotaleDocumento>")
    if body.note:
        parts.append(f"<Causale>{escape(body.note)}</Causale>")
    linked = "".join(
        f"<DatiFattureCollegate><IdDocumento>{n}</IdDocumento><Data>{d}</Data></DatiFattureCollegate>"
        for n, d in body.linked
    )
    contract = ""
    if body.contract:
        number, cup, cig = body.contract
        contract = f"<DatiContratto><IdDocumento>{number}</IdDocumento><CodiceCUP>{cup}</CodiceCUP><CodiceCIG>{cig}</CodiceCIG></DatiContratto>"
    return f"<DatiGeneraliDocumento>{''.join(parts)}</DatiGeneraliDocumento>{contract}{linked}"


def _rows(body: Body) -> str:
    return "".join(
        f"<DettaglioLinee><NumeroLinea>{i}</NumeroLinea><Descrizione>{escape(r.text)}</Descrizione><Quantita>{r.quantity}</Quantita>"
        f"<UnitaMisura>NR</UnitaMisura><PrezzoUnitario>{r.price}</PrezzoUnitario><PrezzoTotale>{r.amount}</PrezzoTotale>"
        f"<AliquotaIVA>{r.rate}</AliquotaIVA>{'<Ritenuta>SI</Ritenuta>' if r.withheld else ''}"
        f"{f'<Natura>{r.nature}</Natura>' if r.nature else ''}</DettaglioLinee>"
        for i, r in enumerate(body.rows, 1)
    )


def _summary(body: Body) -> str:
    return "".join(
        f"<DatiRiepilogo><AliquotaIVA>{rate}</AliquotaIVA>{f'<Natura>{nature}</Natura>' if nature else ''}"
        f"<ImponibileImporto>{base}</ImponibileImporto><Imposta>{tax}</Imposta><EsigibilitaIVA>{body.vat_due}</EsigibilitaIVA>"
        "</DatiRiepilogo>"
        for rate, nature, base, tax in body.vat()
    )


def _payment(body: Body) -> str:
    if not body.dues:
        return ""
    rows = "".join(
        f"<DettaglioPagamento><ModalitaPagamento>{body.method}</ModalitaPagamento>"
        f"{f'<DataScadenzaPagamento>{day}</DataScadenzaPagamento>' if day else ''}"
        f"<ImportoPagamento>{amount}</ImportoPagamento><IBAN>{body.iban}</IBAN></DettaglioPagamento>"
        for day, amount in body.dues
    )
    return f"<DatiPagamento><CondizioniPagamento>{body.terms}</CondizioniPagamento>{rows}</DatiPagamento>"


def _attached(body: Body) -> str:
    return "".join(
        f"<Allegati><NomeAttachment>{name}</NomeAttachment><FormatoAttachment>{name.rpartition('.')[2].upper()}</FormatoAttachment>"
        f"<Attachment>{base64.b64encode(data).decode()}</Attachment></Allegati>"
        for name, data in body.attachments
    )


def simplified(number: str, day: str, text: str, gross: str, tax: str, rate: str = "10.00") -> bytes:
    """A simplified invoice (FSM10): a gross amount and the tax within it."""
    ids = "<IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>{}</IdCodice></IdFiscaleIVA>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><p:FatturaElettronicaSemplificata versione="FSM10" '
        'xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.0"><FatturaElettronicaHeader>'
        "<DatiTrasmissione><ProgressivoInvio>00010</ProgressivoInvio></DatiTrasmissione>"
        f"<CedentePrestatore>{ids.format(FORGE.vat)}<Denominazione>{FORGE.name}</Denominazione></CedentePrestatore>"
        f"<CessionarioCommittente><IdentificativiFiscali>{ids.format(OFFICE.vat)}</IdentificativiFiscali></CessionarioCommittente>"
        "</FatturaElettronicaHeader><FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento><TipoDocumento>TD07</TipoDocumento>"
        f"<Divisa>EUR</Divisa><Data>{day}</Data><Numero>{number}</Numero></DatiGeneraliDocumento></DatiGenerali><DatiBeniServizi>"
        f"<Descrizione>{text}</Descrizione><Importo>{gross}</Importo><DatiIVA><Imposta>{tax}</Imposta><Aliquota>{rate}</Aliquota></DatiIVA>"
        "</DatiBeniServizi></FatturaElettronicaBody></p:FatturaElettronicaSemplificata>"
    ).encode()


def receipt(root: str, file: str, sdi_id: str, extra: str = "") -> bytes:
    """A message of the exchange system about a file."""
    return (
        f'<?xml version="1.0"?><n:{root} xmlns:n="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fattura/messaggi/v1.0" versione="1.0">'
        f"<IdentificativoSdI>{sdi_id}</IdentificativoSdI><NomeFile>{file}</NomeFile>"
        f"<DataOraRicezione>2026-03-12T10:01:00.000+01:00</DataOraRicezione>{extra}<MessageId>1</MessageId></n:{root}>"
    ).encode()


def ubl(
    number: str = "BW-2026-77",
    day: str = "2026-03-20",
    due: str = "2026-04-19",
    amount: str = "1500.00",
    credit: bool = False,
) -> bytes:
    """A Peppol BIS 3 invoice from abroad, reverse charge."""
    root = "CreditNote" if credit else "Invoice"
    kind = f"<cbc:{root}TypeCode>{'381' if credit else '380'}</cbc:{root}TypeCode>"
    party = (
        "<cac:Party><cac:PartyName><cbc:Name>{}</cbc:Name></cac:PartyName><cac:PartyTaxScheme><cbc:CompanyID>{}</cbc:CompanyID>"
        "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme></cac:Party>"
    )
    quantity = "CreditedQuantity" if credit else "InvoicedQuantity"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{root}-2" '
        'xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" '
        'xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">'
        "<cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0</cbc:CustomizationID>"
        f"<cbc:ID>{number}</cbc:ID><cbc:IssueDate>{day}</cbc:IssueDate><cbc:DueDate>{due}</cbc:DueDate>{kind}"
        "<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>"
        f"<cac:AccountingSupplierParty>{party.format(ABROAD.name, 'DE' + ABROAD.vat)}</cac:AccountingSupplierParty>"
        f"<cac:AccountingCustomerParty>{party.format(OFFICE.name, 'IT' + OFFICE.vat)}</cac:AccountingCustomerParty>"
        "<cac:PaymentMeans><cbc:PaymentMeansCode>30</cbc:PaymentMeansCode><cac:PayeeFinancialAccount><cbc:ID>DE89370400440532013000</cbc:ID>"
        "</cac:PayeeFinancialAccount></cac:PaymentMeans>"
        '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">0.00</cbc:TaxAmount><cac:TaxSubtotal>'
        f'<cbc:TaxableAmount currencyID="EUR">{amount}</cbc:TaxableAmount><cbc:TaxAmount currencyID="EUR">0.00</cbc:TaxAmount>'
        "<cac:TaxCategory><cbc:ID>AE</cbc:ID><cbc:Percent>0</cbc:Percent><cbc:TaxExemptionReason>Reverse charge</cbc:TaxExemptionReason>"
        "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal><cac:LegalMonetaryTotal>"
        f'<cbc:LineExtensionAmount currencyID="EUR">{amount}</cbc:LineExtensionAmount>'
        f'<cbc:TaxInclusiveAmount currencyID="EUR">{amount}</cbc:TaxInclusiveAmount>'
        f'<cbc:PayableAmount currencyID="EUR">{amount}</cbc:PayableAmount></cac:LegalMonetaryTotal>'
        f'<cac:{root}Line><cbc:ID>1</cbc:ID><cbc:{quantity} unitCode="C62">1</cbc:{quantity}>'
        f'<cbc:LineExtensionAmount currencyID="EUR">{amount}</cbc:LineExtensionAmount><cac:Item><cbc:Name>Pulp agitator licence</cbc:Name>'
        f'</cac:Item><cac:Price><cbc:PriceAmount currencyID="EUR">{amount}</cbc:PriceAmount></cac:Price></cac:{root}Line></{root}>'
    ).encode()


def cii(number: str = "BW-2026-78", day: str = "20260322", due: str = "20260421") -> bytes:
    """A Factur-X invoice in CII: 200.00 at 19 %, 38.00 of tax, 238.00 to pay."""
    party = '<ram:Name>{}</ram:Name><ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">{}</ram:ID></ram:SpecifiedTaxRegistration>'
    when = '<udt:DateTimeString format="102">{}</udt:DateTimeString>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rsm:CrossIndustryInvoice '
        'xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" '
        'xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100" '
        'xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"><rsm:ExchangedDocumentContext>'
        "<ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID>"
        "</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>"
        f"<rsm:ExchangedDocument><ram:ID>{number}</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime>{when.format(day)}"
        "</ram:IssueDateTime></rsm:ExchangedDocument><rsm:SupplyChainTradeTransaction><ram:IncludedSupplyChainTradeLineItem>"
        "<ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>"
        "<ram:SpecifiedTradeProduct><ram:Name>Filter cartridge</ram:Name></ram:SpecifiedTradeProduct><ram:SpecifiedLineTradeAgreement>"
        "<ram:NetPriceProductTradePrice><ram:ChargeAmount>20.00</ram:ChargeAmount></ram:NetPriceProductTradePrice>"
        '</ram:SpecifiedLineTradeAgreement><ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">10</ram:BilledQuantity>'
        "</ram:SpecifiedLineTradeDelivery><ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax><ram:TypeCode>VAT</ram:TypeCode>"
        "<ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>19</ram:RateApplicablePercent></ram:ApplicableTradeTax>"
        "<ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>200.00</ram:LineTotalAmount>"
        "</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement></ram:IncludedSupplyChainTradeLineItem>"
        f"<ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty>{party.format(ABROAD.name, 'DE' + ABROAD.vat)}</ram:SellerTradeParty>"
        f"<ram:BuyerTradeParty>{party.format('Papierhandel Beispiel KG', 'DE811907980')}</ram:BuyerTradeParty>"
        "</ram:ApplicableHeaderTradeAgreement><ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>"
        "<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>58</ram:TypeCode><ram:PayeePartyCreditorFinancialAccount>"
        "<ram:IBANID>DE89370400440532013000</ram:IBANID></ram:PayeePartyCreditorFinancialAccount></ram:SpecifiedTradeSettlementPaymentMeans>"
        "<ram:ApplicableTradeTax><ram:CalculatedAmount>38.00</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>"
        "<ram:BasisAmount>200.00</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>19</ram:RateApplicablePercent>"
        f"</ram:ApplicableTradeTax><ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime>{when.format(due)}</ram:DueDateDateTime>"
        "</ram:SpecifiedTradePaymentTerms><ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>200.00"
        "</ram:LineTotalAmount><ram:GrandTotalAmount>238.00</ram:GrandTotalAmount><ram:DuePayableAmount>238.00</ram:DuePayableAmount>"
        "</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction>"
        "</rsm:CrossIndustryInvoice>"
    ).encode()
