"""Papers that are tables or texts, and tables that are none of these."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.office import wording
from tasks.office.checks import check_statement
from tasks.office.recognise.cells import amount, day, decimal_mark, month_first
from tasks.office.records import Book, Expiry, Record, Statement, TaxPayment, VatRegister, from_data


def records(text: str, name: str = "x.csv") -> list[Record]:
    return from_data(read(text.encode(), Context(name, Limits())).records)


BANK = """Data operazione;Data valuta;Addebiti;Accrediti;Descrizione
02/04/2026;02/04/2026;;12.500,00;BONIFICO SALDO FT 221
07/04/2026;08/04/2026;1.882,00;;BONIFICO A OFFICINA FT 2026/0417
;;;;SALDO FINALE AL 30/04/2026 EUR 48.210,33
"""


def test_a_bank_statement_with_two_columns_and_a_closing_line() -> None:
    (found,) = records(BANK)
    assert isinstance(found, Statement)
    assert [(m.line, m.day, m.value_day, m.amount) for m in found.movements] == [
        (2, date(2026, 4, 2), date(2026, 4, 2), Decimal("12500.00")),
        (3, date(2026, 4, 7), date(2026, 4, 8), Decimal("-1882.00")),
    ]
    assert (found.closing, found.closing_day, found.opening) == (Decimal("48210.33"), date(2026, 4, 30), None)


@pytest.mark.parametrize("newest_first", [False, True])
def test_running_balances_tie_whichever_way_round(newest_first: bool) -> None:
    rows = ["2026-04-01,Opening shop,100.00,1100.00", "2026-04-03,Rent,-350.00,750.00", "2026-04-09,Sale,25.50,775.50"]
    text = "Date,Description,Amount,Balance\n" + "\n".join(rows[::-1] if newest_first else rows) + "\n"
    (found,) = records(text)
    assert isinstance(found, Statement)
    assert (found.opening, found.closing) == (1000, Decimal("775.50"))
    assert check_statement(found) == []
    (off,) = records(text.replace("25.50", "26.50", 1))
    assert isinstance(off, Statement)
    assert [f.rule for f in check_statement(off)] == ["balances"]


REGISTER = """Prot.;Data reg.;N. doc;Data doc;Fornitore;P.IVA;Aliq.;Imponibile;Imposta;Totale
101;31/03/2026;9/26;12/03/2026;FONDERIA TASSELLO SRL;98000019996;22;3.000,00;660,00;
101;31/03/2026;9/26;12/03/2026;FONDERIA TASSELLO SRL;98000019996;4;100,00;4,00;3.764,00
102;31/03/2026;NC/1;28/03/2026;FONDERIA TASSELLO SRL;98000019996;22;-500,00;-110,00;-610,00
;;;;TOTALI;;;2.600,00;554,00;
"""


def test_a_vat_register_with_its_stated_sums() -> None:
    (found,) = records(REGISTER)
    assert isinstance(found, VatRegister)
    assert (found.side, len(found.rows), sum(r.taxable or 0 for r in found.rows)) == ("purchase", 3, 2600)
    assert (found.stated_taxable, found.stated_tax) == (2600, 554)
    assert (found.rows[0].vat, found.rows[2].tax) == ("IT98000019996", -110)


def test_a_trial_balance_and_a_day_book() -> None:
    (trial,) = records(
        "Conto;Descrizione;Dare;Avere\n10.01;Cassa;100,00;0,00\n30.01;Capitale;0,00;100,00\n;TOTALI;100,00;100,00\n"
    )
    assert isinstance(trial, Book)
    assert (trial.kind, trial.debit, trial.credit, trial.stated_debit) == ("trial_balance", 100, 100, 100)
    (days,) = records(
        "Data;N. reg.;Causale;Conto;Descrizione;Dare;Avere\n12/03/2026;1;Fattura;60.03;Manutenzioni;3100,00;\n"
        "12/03/2026;1;Fattura;40.01;Fornitore;;3100,00\n"
    )
    assert isinstance(days, Book)
    assert (days.kind, [(a.code, a.day, a.balance) for a in days.accounts]) == (
        "day_book",
        [("60.03", date(2026, 3, 12), 3100), ("40.01", date(2026, 3, 12), -3100)],
    )


def two_columns() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    sink = io.BytesIO()
    page = Canvas(sink)
    page.drawString(40, 800, "CARTIERA LODOLINA S.P.A. - SITUAZIONE PATRIMONIALE AL 31/12/2025")
    rows = [
        ("ATTIVITA'", "", "PASSIVITA'", ""),
        ("10.05.001 Impianti", "6.000,00", "30.01.001 Capitale sociale", "1.000,00"),
        ("20.01.001 Clienti", "1.500,50", "40.01.001 Fornitori", "5.900,50"),
        ("", "", "42.01.001 Ratei passivi", "100,00"),
        ("TOTALE ATTIVITA'", "7.500,50", "TOTALE PASSIVITA'", "7.000,50"),
        ("", "", "UTILE DI ESERCIZIO", "500,00"),
    ]
    for i, (left, debit, right, credit) in enumerate(rows):
        for x, text in ((40, left), (320, right)):
            page.drawString(x, 770 - 16 * i, text)
        for x, text in ((290, debit), (560, credit)):
            page.drawRightString(x, 770 - 16 * i, text)
    page.save()
    return sink.getvalue()


def test_accounts_in_two_columns_of_a_pdf() -> None:
    (found,) = from_data(read(two_columns(), Context("x.pdf", Limits())).records)
    assert isinstance(found, Book)
    assert (found.kind, found.day, found.debit, found.credit) == (
        "two_sided",
        date(2025, 12, 31),
        Decimal("7500.50"),
        Decimal("7000.50"),
    )
    assert (found.stated_debit, found.stated_credit, found.stated_result) == (
        Decimal("7500.50"),
        Decimal("7000.50"),
        500,
    )
    assert found.debit - found.credit == found.stated_result


@pytest.mark.parametrize(
    ("text", "kind", "when", "notice"),
    [
        (
            "Durc On Line\n\nScadenza validità 08/07/2026\n\nDenominazione FONDERIA TASSELLO S.R.L.",
            "durc",
            date(2026, 7, 8),
            None,
        ),
        (
            "CONTRATTO DI FORNITURA\n\nIl contratto scade il 31 dicembre 2027, salvo disdetta da inviarsi entro il 30 settembre 2027.",
            "contract",
            date(2027, 12, 31),
            date(2027, 9, 30),
        ),
        (
            "CONTRATTO DI LOCAZIONE\n\nDurata sei anni, scadenza 30/09/2031, deposito euro 6.000,00",
            "lease",
            date(2031, 9, 30),
            None,
        ),
        (
            "VISURA ORDINARIA\n\nAmministratore unico nominato il 29/04/2024, in carica fino al 31/12/2026",
            "office",
            date(2026, 12, 31),
            None,
        ),
    ],
)
def test_papers_that_expire(text: str, kind: str, when: date, notice: date | None) -> None:
    (found,) = records(text, "x.txt")
    assert isinstance(found, Expiry)
    assert (found.kind, found.day, found.notice) == (kind, when, notice)


@pytest.mark.parametrize(
    "text",
    [
        "Articolo;Descrizione;Prezzo\nA1;Vite;1,20\nA2;Dado;0,80\nA3;Rondella;0,10\n",
        "Data;Cliente;Importo\n02/04/2026;Rossi;12,00\n03/04/2026;Verdi;13,00\n04/04/2026;Neri;1,00\n",
        "Gentile cliente, la Sua offerta vale fino al 31/12/2026 e resta riservata.\n\nCordiali saluti.",
    ],
)
def test_other_tables_and_letters_are_none_of_these(text: str) -> None:
    assert records(text) == []


CENTS = st.integers(-(10**11), 10**11).map(lambda n: Decimal(n) / 100)


@settings(max_examples=200, deadline=None)
@given(CENTS, st.sampled_from(["it", "en"]), st.sampled_from(["{}", "€ {}", "{} €", "EUR {}"]))
def test_an_amount_is_read_as_it_was_written(value: Decimal, language: str, frame: str) -> None:
    """Grouped, signed, with or without a currency, in either language: what comes out is what went in."""
    text = frame.format(wording.amount(value, "", language))
    assert amount(text, "," if language == "it" else ".") == value
    assert decimal_mark([text]) == ("," if language == "it" else ".")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dates(date(1990, 1, 1), date(2060, 1, 1)), min_size=1))
def test_dates_are_day_first_unless_that_is_impossible(days: list[date]) -> None:
    italian = [f"{d:%d/%m/%Y}" for d in days]
    assert [day(text, month_first(italian)) for text in italian] == days
    american = [f"{d:%m/%d/%Y}" for d in days]
    if any(d.day > 12 for d in days):
        assert [day(text, month_first(american)) for text in american] == days


FORM = """MODELLO DI PAGAMENTO UNIFICATO F24;;;;
CODICE FISCALE 98000019996 STUDIO MARLETTO SRL;;;;
Codice tributo;Rateazione;Anno di riferimento;Importi a debito versati;Importi a credito compensati
6003;0003;2026;1.500,00;
1040;0003;2026;40,00;
6099;;2025;;200,00
TOTALE;;;1.540,00;200,00
SALDO FINALE EUR 1.340,00;;;;
DATA DI VERSAMENTO 16/04/2026;;;;
IT60X0542811101000000123456;;;;
"""


def test_a_payment_form_with_its_taxes_and_what_is_set_off() -> None:
    (form,) = records(FORM)
    assert isinstance(form, TaxPayment)
    assert [(item.code, item.amount, item.period, item.year) for item in form.items] == [
        ("6003", Decimal("1500.00"), "0003", "2026"),
        ("1040", Decimal("40.00"), "0003", "2026"),
        ("6099", Decimal("-200.00"), "", "2025"),
    ]
    assert (form.tax_code, form.name) == ("98000019996", "STUDIO MARLETTO SRL")
    assert (form.balance, form.day) == (Decimal("1340.00"), date(2026, 4, 16))
    assert form.iban == "IT60X0542811101000000123456"
    assert sum(item.amount for item in form.items) == form.balance


@pytest.mark.parametrize(
    "text",
    [FORM.replace("F24", "").replace("MODELLO DI PAGAMENTO UNIFICATO", "PROSPETTO"), FORM.split("6003")[0]],
    ids=["does not say that it is one", "no taxes"],
)
def test_what_is_no_payment_form(text: str) -> None:
    assert not any(isinstance(record, TaxPayment) for record in records(text))


LAYOUTS = {
    "preamble": "Conto Corrente: 12\nSaldo Iniziale: 100,00\nSaldo Finale: 1.346,50\n\nData_Operazione;Data_Valuta;Entrate;Uscite;"
    "Descrizione\n02/04/2026;02/04/2026;1.250,00;;Bonifico\n03/04/2026;03/04/2026;;-3,50;Commissioni\n",
    "currency": "Data Contabile;Data Valuta;Addebiti (euro);Accrediti (euro);Descrizione operazioni\n02/04/26;02/04/26;;1.250,00;BONIFICO\n"
    "03/04/26;03/04/26;3,50;;COMMISSIONE\n",
    "side": "Data;Descrizione;Importo;D/A\n02/04/2026;BONIFICO;1.250,00;A\n03/04/2026;COMMISSIONE;3,50;D\n",
    "english": '"Booking Date","Value Date","Partner Name","Payment Reference","Amount (EUR)"\n2026-04-02,2026-04-02,Rossi,FT 12,1250.00\n'
    "2026-04-03,2026-04-03,Bank,Fee,-3.50\n",
    "german": '"Buchungstag";"Valutadatum";"Verwendungszweck";"Betrag"\n"02.04.26";"02.04.26";"RG 12";"1.250,00"\n'
    '"03.04.26";"03.04.26";"ENTGELT";"-3,50"\n',
    "moments": "Type,Started Date,Completed Date,Description,Amount,Currency,Balance\nTRANSFER,2026-04-02 10:00:00,2026-04-02 10:00:01,Rossi,"
    "1250.00,EUR,1350.00\nFEE,2026-04-03 10:00:00,2026-04-03 10:00:01,Plan,-3.50,EUR,1346.50\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_tables_of_many_banks_give_the_same_movements(layout: str) -> None:
    (statement,) = records(LAYOUTS[layout])
    assert isinstance(statement, Statement)
    moved = [(str(one.day), one.amount) for one in statement.movements]
    assert moved == [("2026-04-02", Decimal("1250.00")), ("2026-04-03", Decimal("-3.50"))]
    balances = (statement.opening, statement.closing)
    assert balances == ((Decimal(100), Decimal("1346.50")) if layout in {"preamble", "moments"} else (None, None))
