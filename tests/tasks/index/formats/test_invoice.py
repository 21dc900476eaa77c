"""Electronic invoices: one record whatever the syntax, and a rendering for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from samples.make import einvoices as make
from samples.make.binder import FILES
from tasks.index.formats.base import Context
from tasks.index.formats.invoices.rendering import _WORDS
from tasks.index.read import read
from tasks.office.checks import check
from tasks.office.codes import in_words
from tasks.office.invoice import Instalment, Invoice, Vat
from tasks.office.records import ExchangeReceipt, from_data
from tasks.office.rows import Paper, rows
from tasks.records import Parsed


def parsed(data: bytes) -> Parsed:
    return read(data, Context("file.xml", Limits()))


def invoices(data: bytes) -> list[Invoice]:
    found = [record for record in from_data(parsed(data).records) if isinstance(record, Invoice)]
    assert len(found) == len(parsed(data).records)
    return found


FEES = make.Body(
    "7/P",
    "2026-02-10",
    (make.Row("Consulenza", price="1000.00", withheld=True),),
    type="TD06",
    withholding=("RT02", "200.00", "20.00", "A"),
    fund=("TC04", "4.00", "40.00"),
    stamp="2.00",
    dues=(("2026-03-31", "1070.80"),),
)


def test_every_figure_of_an_ordinary_invoice() -> None:
    body = make.Body(
        "2026/9",
        "2026-03-12",
        (make.Row("Carta", "2.00", "50.00"), make.Row("Manuale", "1.00", "100.00", "4.00")),
        dues=(("2026-04-30", "113.00"), ("2026-05-31", "113.00")),
        note="Ordine di marzo",
        contract=("CTR-1", "B12C34000560001", "Z1A2B3C4D5"),
    )
    (found,) = invoices(make.fatturapa([body]))
    assert (found.type, found.number, found.day, found.format) == ("TD01", "2026/9", date(2026, 3, 12), "FPR12")
    assert (found.supplier.vat, found.customer.vat) == (f"IT{make.FORGE.vat}", f"IT{make.OFFICE.vat}")
    assert [(row.rate, row.taxable, row.tax) for row in found.vat] == [
        (Decimal("22.00"), Decimal("100.00"), Decimal("22.00")),
        (Decimal("4.00"), Decimal("100.00"), Decimal("4.00")),
    ]
    assert (found.taxable, found.tax, found.total, found.to_pay) == (200, 26, 226, 226)
    assert [(i.due, i.amount, i.method, i.iban) for i in found.instalments] == [
        (date(2026, 4, 30), 113, "MP05", make.IBAN),
        (date(2026, 5, 31), 113, "MP05", make.IBAN),
    ]
    assert [(r.kind, r.number, r.cup, r.cig) for r in found.references] == [
        ("contract", "CTR-1", "B12C34000560001", "Z1A2B3C4D5")
    ]
    assert found.transmission == f"IT{make.FORGE.vat}_00001"


def test_withholding_fund_and_stamp() -> None:
    (found,) = invoices(make.fatturapa([FEES], make.STUDIO))
    assert (found.taxable, found.tax, found.total, found.summed) == (
        1040,
        Decimal("228.80"),
        Decimal("1270.80"),
        Decimal("1268.80"),
    )
    assert (found.withheld, found.stamp, found.to_pay) == (200, 2, Decimal("1070.80"))
    assert (found.funds[0].type, found.funds[0].amount) == ("TC04", 40)


def test_split_payment_owes_the_taxable_amount() -> None:
    (found,) = invoices(
        make.fatturapa([make.Body("PA/1", "2026-03-15", vat_due="S")], customer=make.TOWN, form="FPA12")
    )
    assert (found.total, found.to_pay, found.split_payment) == (122, 100, True)


def test_credit_notes_and_self_invoices() -> None:
    (credit,) = invoices(
        make.fatturapa([make.Body("NC/1", "2026-03-28", type="TD04", linked=(("2026/9", "2026-03-12"),))])
    )
    assert (credit.sign, credit.references[0].number, credit.references[0].day) == (-1, "2026/9", date(2026, 3, 12))
    (own,) = invoices(make.fatturapa([make.Body("AF/1", "2026-04-03", type="TD17")], make.ABROAD))
    assert (own.self_billed, own.to_pay, own.supplier.vat) == (True, 0, f"DE{make.ABROAD.vat}")


def test_each_body_is_an_invoice_under_its_title() -> None:
    data = make.fatturapa([make.Body("1", "2026-05-04"), make.Body("2", "2026-05-05")])
    assert [(i.body, i.number) for i in invoices(data)] == [(1, "1"), (2, "2")]
    titles = [e.text for e in parsed(data).elements if e.kind == "title"]
    assert titles == [f"Fattura {n} del 0{n + 3}/05/2026 · {make.FORGE.name} → {make.OFFICE.name}" for n in (1, 2)]
    assert parsed(data).title.startswith("Lotto di 2 fatture: 1, 2 · ")


def test_a_simplified_invoice() -> None:
    (found,) = invoices(make.simplified("S/4", "2026-06-12", "Pranzo", "88.00", "8.00"))
    assert (found.format, found.type, found.gross, found.tax, found.taxable, found.to_pay) == (
        "FSM10",
        "TD07",
        88,
        8,
        80,
        88,
    )


def test_ubl_and_its_credit_note() -> None:
    (found,) = invoices(make.ubl())
    assert (found.syntax, found.number, found.total, found.to_pay) == ("UBL 2.1", "BW-2026-77", 1500, 1500)
    assert (found.supplier.vat, found.vat[0].nature, found.instalments[0].due) == (
        "DE136695976",
        "AE",
        date(2026, 4, 19),
    )
    (credit,) = invoices(make.ubl(credit=True))
    assert (credit.type, credit.sign, len(credit.lines)) == ("381", -1, 1)


def test_cii_in_english_where_no_party_is_italian() -> None:
    (found,) = invoices(make.cii())
    assert (found.number, found.day, found.total, found.tax) == ("BW-2026-78", date(2026, 3, 22), 238, 38)
    assert (found.instalments[0].due, found.instalments[0].amount) == (date(2026, 4, 21), 238)
    read_back = parsed(make.cii())
    assert read_back.language == "en"
    assert "Due date 21 April 2026 · €238.00 · 58 SEPA credit transfer" in "\n".join(e.text for e in read_back.elements)


def test_one_text_names_all_that_a_query_puts_together() -> None:
    found = parsed(make.fatturapa([FEES], make.STUDIO))
    text = "\n".join(e.text for e in found.elements)
    for words in (
        "TD06 parcella",
        "RT02 ritenuta d'acconto",
        "TC04 Cassa ingegneri",
        "1.270,80 €",
        "Scadenza 31/03/2026",
        "MP05 bonifico",
    ):
        assert words in text
    assert not [word for word in ("DatiGenerali", "IdCodice", "Denominazione") if word in text]


def test_a_blank_in_the_namespace_is_repaired_and_said() -> None:
    data = make.fatturapa(
        [make.Body("1", "2026-01-01")], namespace="http://ivaservizi.agenziaentrate.gov.it/ docs/xsd/fatture/v1.2"
    )
    assert invoices(data)[0].number == "1"
    assert "repaired" in parsed(data).warnings[0]


@pytest.mark.parametrize("cut", [200, 900, 1500])
def test_a_cut_file_is_corrupt_not_repaired(cut: int) -> None:
    with pytest.raises(DocumentError) as caught:
        parsed(make.fatturapa([FEES])[:cut])
    assert caught.value.kind == FailureKind.CORRUPT


def test_attachments_come_out_as_files_and_bad_ones_are_said() -> None:
    data = make.fatturapa([make.Body("1", "2026-01-01", attachments=(("foglio.txt", b"ore lavorate"),))])
    assert [(a.name, a.data) for a in parsed(data).attachments] == [("foglio.txt", b"ore lavorate")]
    broken = parsed(data.replace(b"<Attachment>b3Jl", b"<Attachment>!!!!"))
    assert not broken.attachments
    assert any("foglio.txt was left out" in warning for warning in broken.warnings)


def test_what_is_no_amount_or_date_is_left_out_and_said() -> None:
    data = make.fatturapa([make.Body("1", "2026-01-01", total="12,,00")]).replace(
        b"<Data>2026-01-01<", b"<Data>2026-13-01<"
    )
    (found,) = invoices(data)
    assert (found.total, found.day, found.total_or_summed) == (None, None, 122)
    assert len(parsed(data).warnings) == 2


def test_messages_of_the_exchange_system() -> None:
    extra = "<ListaErrori><Errore><Codice>00422</Codice><Descrizione>non calcolato</Descrizione></Errore></ListaErrori>"
    found = parsed(make.receipt("NotificaScarto", "IT1_1.xml", "77", extra))
    (message,) = from_data(found.records)
    assert isinstance(message, ExchangeReceipt)
    assert (message.kind, message.state, message.sdi_id, message.file, message.errors) == (
        "NS",
        "rejected",
        "77",
        "IT1_1.xml",
        (("00422", "non calcolato"),),
    )
    assert "Stato della fattura: scartata" in found.elements[1].text


@pytest.mark.parametrize(("outcome", "state"), [("EC01", "accepted"), ("EC02", "refused")])
def test_the_outcome_of_the_customer(outcome: str, state: str) -> None:
    extra = f"<EsitoCommittente><Esito>{outcome}</Esito></EsitoCommittente>"
    (message,) = from_data(parsed(make.receipt("NotificaEsito", "IT1_1.xml", "77", extra)).records)
    assert isinstance(message, ExchangeReceipt)
    assert message.state == state


def test_every_code_that_is_read_has_words_in_both_languages() -> None:
    for language in ("it", "en"):
        assert all(in_words("exchange", kind, language) for kind in "RC NS MC NE DT AT MT EC SE".split())
        assert all(in_words("type", f"TD{n:02}", language) for n in [*range(1, 10), *range(16, 30)])
        assert all(in_words("payment", f"MP{n:02}", language) for n in range(1, 24))
    assert _WORDS["it"].keys() == _WORDS["en"].keys()


AMOUNTS = st.decimals(min_value=0, max_value=10**7, places=2)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(AMOUNTS, st.sampled_from(["22.00", "10.00", "4.00"])), min_size=1, max_size=5),
    st.text(max_size=30),
)
def test_amounts_and_texts_survive_the_way_through_json(rows: list[tuple[Decimal, str]], text: str) -> None:
    """Whatever the amounts and the wording: nothing is rounded, and what the record says is what was written."""
    plain = "".join(c for c in text if c.isprintable())
    body = make.Body(
        "1", "2026-01-01", tuple(make.Row(plain or "x", "1.00", str(amount), rate) for amount, rate in rows)
    )
    (found,) = invoices(make.fatturapa([body]))
    assert [line.amount for line in found.lines] == [amount for amount, _ in rows]
    assert found.taxable == sum(amount for amount, _ in rows)
    assert str(found.total) == body.stated_total()


def test_an_invoice_in_peppol_s_envelope_is_the_invoice(tmp_path: Path) -> None:
    FILES["estera.xml"](tmp_path / "plain.xml")
    plain = (tmp_path / "plain.xml").read_text(encoding="utf-8")
    space = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
    head, _, body = plain.partition("?>")
    start = f'{head}?><StandardBusinessDocument xmlns="{space}"><StandardBusinessDocumentHeader/>'
    wrapped = f"{start}{body}</StandardBusinessDocument>"
    found, wanted = (read(text.encode(), Context("x.xml", Limits())) for text in (wrapped, plain))
    assert (found.format, found.title, found.records) == ("ubl", wanted.title, wanted.records)
    order = wrapped.replace("<Invoice", "<Order").replace("</Invoice", "</Order").replace("Invoice-2", "Order-2")
    assert read(order.encode(), Context("x.xml", Limits())).format == "xml", "an order in it is none"


def test_a_day_without_an_amount_is_owed_what_is_to_be_paid() -> None:
    invoice = Invoice("FatturaPA", number="1", total=Decimal(122), instalments=(Instalment(due=date(2026, 4, 30)),))
    (due,) = [row for kind, row in rows(Paper("d", "p", "h"), [invoice]) if kind == "dues"]
    assert (due["amount"], due["due"], due["source"]) == (122.0, date(2026, 4, 30), "computed")


def test_every_account_is_kept_and_only_an_iban_is_one() -> None:
    """A supplier may name several accounts, and a national number is none of the wrong IBANs."""
    means = "<cac:PaymentMeans><cac:PayeeFinancialAccount><cbc:ID>{}</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>"
    first = make.ubl().decode().index("<cac:PaymentMeans>")
    text = make.ubl().decode()
    text = (
        text[:first]
        + means.format("1122-3344")
        + text[first:].replace("<cac:TaxTotal>", means.format("NL91 ABNA 0417 1643 00") + "<cac:TaxTotal>", 1)
    )
    (found,) = invoices(text.encode())
    (due,) = found.instalments
    assert (due.iban, due.accounts) == ("DE89370400440532013000", ("1122-3344", "NL91ABNA0417164300"))
    assert [f.rule for f in check(found) if f.rule.startswith("iban")] == []
    wrong = replace(found, instalments=(replace(due, accounts=("NL92ABNA0417164300",)),))
    assert [f.rule for f in check(wrong) if f.rule.startswith("iban")] == ["iban_mod97"]


def test_words_between_the_lines_are_read_and_counted_as_nothing() -> None:
    note = "<ram:AssociatedDocumentLineDocument><ram:IncludedNote><ram:Content>{}</ram:Content></ram:IncludedNote>"
    line = "<ram:IncludedSupplyChainTradeLineItem>"
    between = (
        line
        + note.format("Consegna del 12 marzo")
        + "</ram:AssociatedDocumentLineDocument></ram:IncludedSupplyChainTradeLineItem>"
    )
    (found,) = invoices(make.cii().decode().replace(line, between + line, 1).encode())
    assert (found.lines[0].text, found.lines[0].amount) == ("Consegna del 12 marzo", None)
    assert [f.rule for f in check(found) if f.level == "error" and "lines" in f.rule] == []
    dearer = replace(found, lines=(found.lines[0], replace(found.lines[1], amount=Decimal("999.00"))))
    assert "lines_and_summary" in [f.rule for f in check(dearer)]


def test_the_forerunner_of_zugferd_and_its_tax_registration() -> None:
    older = make.cii().decode().replace('schemeID="VA"', 'schemeID="VAT"')
    assert [one.supplier.vat for one in invoices(older.encode())] == [one.supplier.vat for one in invoices(make.cii())]
    oldest = (
        '<r:Invoice xmlns:r="urn:un:unece:uncefact:data:standard:CBFBUY:5"><r:HeaderExchangedDocument><ID>RE-9</ID>'
        "</r:HeaderExchangedDocument></r:Invoice>"
    )
    assert [one.number for one in invoices(oldest.encode())] == ["RE-9"]


def test_a_currency_without_cents_rounds_its_tax_to_a_unit() -> None:
    vat = Vat(rate=Decimal(27), taxable=Decimal(69180), tax=Decimal(18679))
    forint = Invoice("UBL 2.1", number="1", day=date(2026, 3, 1), currency="HUF", vat=(vat,), total=Decimal(87859))
    assert check(forint) == []
    assert [f.rule for f in check(replace(forint, currency="EUR"))] == ["tax_of_taxable"]


def test_the_encoder_reads_what_an_invoice_is_about_and_nothing_exact() -> None:
    body = replace(FEES, note="Bilancio 2025", rows=(*FEES.rows, *FEES.rows, make.Row("Visure")), linked=(("4/P", ""),))
    gists = [element.gist for element in parsed(make.fatturapa([body])).elements]
    about = f"Parcella · febbraio 2026 · {make.FORGE.name} · {make.OFFICE.name}"
    fees = "Imposta di bollo\nRitenuta: ritenuta d'acconto di persona giuridica"
    assert gists[:3] == [about, "Bilancio 2025", f"{fees}\nContributo cassa previdenziale: {in_words('fund', 'TC04')}"]
    assert gists[3:-2] == ["", ""]
    assert gists[-1] == "\nConsulenza\n\nVisure", "equal lines are read once, and of the head row nothing"
