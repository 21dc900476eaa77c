"""Data files: the invoice register (CSV), bank movements (TSV), statements as CSV, an e-invoice, an XBRL instance."""

from __future__ import annotations

import csv
import datetime
import random
from pathlib import Path
from xml.sax.saxutils import escape

from samples.make import american, civil, firms
from samples.make.statement import written

CUSTOMERS = (
    "Sartoria Belvedere S.r.l.",
    "Confezioni Arno Verde S.p.A.",
    "Maison Clairval S.A.S.",
    "Weber & Linde GmbH",
    "Nishikawa Tailors K.K.",
    "Camiceria Portobuono S.n.c.",
    "Atelier Moncrivello",
    "Harrow Lane Clothing Ltd",
    "Tappezzerie Ferroviarie Rosaspina S.p.A.",
    "Uniformi Castelforte S.r.l.",
)


def comma(cents: int) -> str:
    return f"{cents / 100:.2f}".replace(".", ",")


def invoice_register(path: Path) -> None:
    """300 invoices of 2024; semicolons, decimal commas, Italian dates, a byte order mark as Excel writes it."""
    dice, day = random.Random(300), datetime.date(2024, 1, 8)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        sheet = csv.writer(stream, delimiter=";", lineterminator="\r\n")
        sheet.writerow(
            [
                "Numero",
                "Data",
                "Cliente",
                "Descrizione",
                "Imponibile",
                "Aliquota IVA",
                "IVA",
                "Totale",
                "Scadenza",
                "Stato",
            ]
        )
        for number in range(1, 301):
            day += datetime.timedelta(days=dice.choice((0, 1, 1, 1, 2)))
            net = dice.randrange(45_000, 3_800_000)
            who = dice.choice(CUSTOMERS)
            abroad = who.endswith(("S.A.S.", "GmbH", "K.K.", "Ltd"))
            vat = 0 if abroad else round(net * 0.22)
            due = day + datetime.timedelta(days=dice.choice((30, 60, 90)))
            what = dice.choice(("Flanella", "Gabardina", "Lanaviva", "Grisaglia", "Ignifugo treno"))
            state = "insoluta" if number % 41 == 0 else "pagata" if due < datetime.date(2024, 12, 31) else "aperta"
            sheet.writerow(
                [
                    f"{number}/2024",
                    f"{day:%d/%m/%Y}",
                    who,
                    f"{what}, metri {dice.randrange(40, 900)}",
                    comma(net),
                    "N3.1" if abroad else "22",
                    comma(vat),
                    comma(net + vat),
                    f"{due:%d/%m/%Y}",
                    state,
                ]
            )


def bank_movements(path: Path) -> None:
    """A quarter of an account's movements with a running balance."""
    dice, balance = random.Random(77), 18_420_355
    rows = ["Data\tValuta\tDescrizione\tDare\tAvere\tSaldo"]
    day = datetime.date(2024, 10, 1)
    while day < datetime.date(2025, 1, 1):
        what, sign = dice.choice(
            (
                ("Bonifico da conferente oli sfusi", 1),
                ("Incasso POS bottega", 1),
                ("Addebito SDD energia elettrica", -1),
                ("Pagamento F24", -1),
                ("Bonifico a fornitore vetro", -1),
                ("Commissioni e spese", -1),
            )
        )
        amount = dice.randrange(1_200, 640_000) if "spese" not in what else dice.randrange(200, 4_000)
        balance += sign * amount
        paid, got = (comma(amount), "") if sign < 0 else ("", comma(amount))
        rows.append(f"{day:%d/%m/%Y}\t{day:%d/%m/%Y}\t{what}\t{paid}\t{got}\t{comma(balance)}")
        day += datetime.timedelta(days=dice.choice((1, 1, 2, 3)))
    path.write_text("\n".join(rows) + "\n", "utf-8")


def statements_csv(path: Path) -> None:
    """The English statements as one CSV, as a spreadsheet exports them."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        sheet = csv.writer(stream)
        for statement in american.annual():
            sheet.writerow([f"{statement.title} {statement.caption}", *statement.columns])
            sheet.writerows([line.label, *written(statement, line)] for line in statement.lines)
            sheet.writerow([])


def electronic_invoice(path: Path) -> None:
    """An e-invoice in the shape of FatturaPA 1.2 (FPR12)."""
    lines = (
        ("Olio extravergine biologico, cassetta da 5 bottiglie", 40, 6200),
        ("Latta 3 l", 50, 5850),
        ("Trasporto", 1, 9000),
    )
    net = sum(quantity * price for _, quantity, price in lines)
    vat = (net * 4 + 50) // 100
    rows = "\n".join(
        f"      <DettaglioLinee><NumeroLinea>{number}</NumeroLinea><Descrizione>{text}</Descrizione>"
        f"<Quantita>{quantity:.2f}</Quantita><PrezzoUnitario>{price / 100:.2f}</PrezzoUnitario>"
        f"<PrezzoTotale>{quantity * price / 100:.2f}</PrezzoTotale><AliquotaIVA>4.00</AliquotaIVA></DettaglioLinee>"
        for number, (text, quantity, price) in enumerate(lines, 1)
    )
    seller, buyer = firms.TREBBIO, firms.MONTESCARO
    path.write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<p:FatturaElettronica versione="FPR12" xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2">
  <FatturaElettronicaHeader>
    <DatiTrasmissione><IdTrasmittente><IdPaese>IT</IdPaese><IdCodice>{seller.vat}</IdCodice></IdTrasmittente>
      <ProgressivoInvio>00214</ProgressivoInvio><FormatoTrasmissione>FPR12</FormatoTrasmissione>
      <CodiceDestinatario>0000000</CodiceDestinatario></DatiTrasmissione>
    <CedentePrestatore>{_party(seller)}</CedentePrestatore>
    <CessionarioCommittente>{_party(buyer)}</CessionarioCommittente>
  </FatturaElettronicaHeader>
  <FatturaElettronicaBody>
    <DatiGenerali><DatiGeneraliDocumento><TipoDocumento>TD01</TipoDocumento><Divisa>EUR</Divisa><Data>2025-03-14</Data>
      <Numero>214/2025</Numero><ImportoTotaleDocumento>{(net + vat) / 100:.2f}</ImportoTotaleDocumento>
      <Causale>Fornitura confezioni regalo, contratto del 1 marzo 2025</Causale></DatiGeneraliDocumento></DatiGenerali>
    <DatiBeniServizi>
{rows}
      <DatiRiepilogo><AliquotaIVA>4.00</AliquotaIVA><ImponibileImporto>{net / 100:.2f}</ImponibileImporto>
        <Imposta>{vat / 100:.2f}</Imposta><EsigibilitaIVA>I</EsigibilitaIVA></DatiRiepilogo>
    </DatiBeniServizi>
    <DatiPagamento><CondizioniPagamento>TP02</CondizioniPagamento><DettaglioPagamento><ModalitaPagamento>MP05</ModalitaPagamento>
      <DataScadenzaPagamento>2025-05-31</DataScadenzaPagamento>
      <ImportoPagamento>{(net + vat) / 100:.2f}</ImportoPagamento></DettaglioPagamento></DatiPagamento>
  </FatturaElettronicaBody>
</p:FatturaElettronica>
""",
        "utf-8",
    )


def _party(firm: firms.Firm) -> str:
    return (
        f"<DatiAnagrafici><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>{firm.vat}</IdCodice></IdFiscaleIVA><Anagrafica>"
        f"<Denominazione>{escape(firm.name)}</Denominazione></Anagrafica></DatiAnagrafici>"
        f"<Sede><Indirizzo>{escape(firm.seat)}</Indirizzo><Nazione>IT</Nazione></Sede>"
    )


def instance() -> bytes:
    """The mill's accounts as an XBRL instance of the Italian taxonomy, the same figures as its PDF."""
    firm, facts = firms.TREBBIO, []
    for statement in civil.abbreviated(firms.mill()):
        letter = "i" if statement.kind == "balance" else "d"
        for line in statement.lines:
            for year, value in zip(statement.years, line.values, strict=False):
                if line.tag and value is not None:
                    facts.append(
                        f'  <itcc-ci:{line.tag} contextRef="{letter}_{year}" unitRef="eur" decimals="0">'
                        f"{value}</itcc-ci:{line.tag}>"
                    )
    who = f'<entity><identifier scheme="http://www.infocamere.it">{firm.vat}</identifier></entity>'
    contexts = "\n".join(
        f'  <context id="{letter}_{year}">{who}<period>{period}</period></context>'
        for year in (2024, 2023)
        for letter, period in (
            ("d", f"<startDate>{year}-01-01</startDate><endDate>{year}-12-31</endDate>"),
            ("i", f"<instant>{year}-12-31</instant>"),
        )
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:link="http://www.xbrl.org/2003/linkbase"
      xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:iso4217="http://www.xbrl.org/2003/iso4217"
      xmlns:itcc-ci="http://www.infocamere.it/itnn/fr/itcc/ci/2018-11-04">
  <link:schemaRef xlink:type="simple" xlink:href="itcc-ci-abb-2018-11-04.xsd"/>
{contexts}
  <unit id="eur"><measure>iso4217:EUR</measure></unit>
  <itcc-ci:DatiAnagraficiDenominazione contextRef="i_2024">{firm.name.upper()}</itcc-ci:DatiAnagraficiDenominazione>
  <itcc-ci:DatiAnagraficiSede contextRef="i_2024">{firm.seat}</itcc-ci:DatiAnagraficiSede>
  <itcc-ci:DatiAnagraficiCodiceFiscale contextRef="i_2024">{firm.vat}</itcc-ci:DatiAnagraficiCodiceFiscale>
{chr(10).join(facts)}
</xbrl>
""".encode()


def xbrl_file(path: Path) -> None:
    path.write_bytes(instance())


FILES = {
    "montescaro-registro-fatture-2024.csv": invoice_register,
    "trebbio-movimenti-banca.tsv": bank_movements,
    "quillmere-statements-2024.csv": statements_csv,
    "trebbio-fattura-214.xml": electronic_invoice,
    "trebbio-bilancio-2024.xbrl": xbrl_file,
}
