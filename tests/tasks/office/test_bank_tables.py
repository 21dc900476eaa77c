"""Bank tables of many layouts: which are read, what comes out, and which tables are none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.office.checks import check_statement
from tasks.office.records import Statement, from_data


def statements(text: str, name: str = "x.csv") -> list[Statement]:
    found = from_data(read(text.encode(), Context(name, Limits())).records)
    return [one for one in found if isinstance(one, Statement)]


def moved(found: Statement) -> list[tuple[str, Decimal]]:
    return [(str(one.day), one.amount) for one in found.movements]


LAYOUTS = {
    "account in each row": "Number,Date,Account,Amount,Subcategory,Memo\n,02/04/2026,20-11-22 33445566,1250.00,Counter Credit,ROSSI FT 12\n"
    ",03/04/2026,20-11-22 33445566,-3.50,Debit,MONTHLY FEE\n",
    "created": "id,created,amount,currency,local_amount,local_currency,category,description\nt1,2026-04-02 10:00:00 +0000,1250.00,EUR,1300.00,"
    "USD,general,Rossi\nt2,2026-04-03 10:00:00 +0000,-3.50,EUR,-3.70,USD,fees,Plan\n",
    "Dutch": '"Datum","Naam","Rekening","Tegenrekening","Af Bij","Bedrag (EUR)","Mededelingen"\n20260402,"Rossi","NL02ABNA0123456789",'
    '"NL91ABNA0417164300","Bij","1250,00","FT 12"\n20260403,"Bank","NL02ABNA0123456789","","Af","3,50","Kosten"\n',
    "Spanish head, no value date": "Fecha operación;Concepto;Cargo;Abono;Saldo\n02/04/2026;ROSSI;;1.250,00;1.350,00\n"
    "03/04/2026;COMISIÓN;3,50;;1.346,50\n",
    "months by name": "Transaction Date,Description,Withdrawals (SGD),Deposits (SGD),Status\n02 Apr 2026,ROSSI,,1250.00,Posted\n"
    "03-Apr-2026,FEE,3.50,,Posted\n",
    "no head": "02.04.2026;GUTSCHRIFT ROSSI;02.04.2026;1.250,00;EUR\n03.04.2026;ENTGELT;04.04.2026;-3,50;EUR\n",
    "suffixes": "Data;Descrizione;Importo;Saldo\n02/04/2026;ROSSI;1.250,00 C;1.350,00\n03/04/2026;SPESE;3,50 D;1.346,50\n",
    "newest first, spent is positive": "Date,Description,Amount,Balance\n2026-04-03,Card fee,3.50,-1246.50\n2026-04-03,Groceries,6.50,-1243.00\n"
    "2026-04-02,Repaid,-1240.00,-1236.50\n".replace("-1246.50", "1246.50")
    .replace("-1243.00", "1243.00")
    .replace("-1236.50", "1236.50"),
}


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if "spent" not in name])
def test_layouts_of_many_banks(layout: str) -> None:
    (found,) = statements(LAYOUTS[layout])
    assert moved(found) == [("2026-04-02", Decimal("1250.00")), ("2026-04-03", Decimal("-3.50"))]
    assert all(one.text or one.counterpart for one in found.movements)
    assert check_statement(found) == []


def test_running_balances_prove_the_signs_of_a_credit_card() -> None:
    """What is owed rises by what is spent: amounts that stand the other way about are turned round."""
    (found,) = statements(LAYOUTS["newest first, spent is positive"])
    assert [one.amount for one in found.movements] == [Decimal("3.50"), Decimal("6.50"), Decimal("-1240.00")]
    owed = "Date,Description,Amount,Balance\n2026-04-02,Groceries,6.50,-106.50\n2026-04-03,Fee,3.50,-110.00\n2026-04-04,Repaid,-50,-60.00\n"
    (card,) = statements(owed)
    assert [one.amount for one in card.movements] == [Decimal("-6.50"), Decimal("-3.50"), Decimal(50)]
    assert (card.opening, card.closing, check_statement(card)) == (Decimal(-100), Decimal(-60), [])


def test_several_accounts_and_currencies_are_a_statement_each() -> None:
    text = (
        "Date,Account,Currency,Description,Amount,Type\n2026-04-02,IT60X0542811101000000123456,EUR,A,10.00,X\n"
        "2026-04-02,IT60X0542811101000000123456,USD,B,-4.00,X\n2026-04-03,IT60X0542811101000000123456,EUR,C,-1.50,X\n"
    )
    euros, dollars = statements(text)
    assert (euros.currency, moved(euros)) == (
        "EUR",
        [("2026-04-02", Decimal("10.00")), ("2026-04-03", Decimal("-1.50"))],
    )
    assert (dollars.currency, dollars.account, len(dollars.movements)) == ("USD", "IT60X0542811101000000123456", 1)


def test_a_line_of_words_does_not_make_another_table_of_one_without_a_head() -> None:
    rows = [f"{day:02d}.04.2026;KAUF;{day:02d}.04.2026;-{day},10;EUR" for day in range(1, 29)]
    (found,) = statements("\n".join([*rows[:9], "Hinweis der Bank;;;;", *rows[9:]]) + "\n")
    assert (len(found.movements), found.left_out) == (28, 0)
    assert statements("\n".join([*rows[:3], "Summe;;;;", "Hinweis;;;;"]) + "\n") == []


def test_what_is_not_booked_is_left_out_and_counted() -> None:
    text = (
        "Date,Description,Amount,Balance,Status\n2026-04-02,Sale,10.00,110.00,Posted\nPending,Hotel,-7.00,,Pending\n"
        "2026-04-03,Shop,-9.00,,Declined\n2026-04-04,Fee,-1.00,109.00,Posted\n"
    )
    (found,) = statements(text)
    assert moved(found) == [("2026-04-02", Decimal("10.00")), ("2026-04-04", Decimal("-1.00"))]
    assert [(f.rule, f.level, f.values["rows"]) for f in check_statement(found)] == [("rows_left_out", "note", "2")]


OTHERS = {
    "expenses": "Date,Description,Category,Amount,Currency\n2026-04-02,Train,Travel,12.00,EUR\n2026-04-03,Hotel,Travel,80.00,EUR\n",
    "bills": "Data fattura;Numero fattura;Cliente;Importo;Valuta;Scadenza\n02/04/2026;12;Rossi;-12,00;EUR;30/04/2026\n",
    "day book": "Data;Conto;Descrizione;Dare;Avere;Saldo\n02/04/2026;10.01;Cassa;5,00;;5,00\n02/04/2026;30.01;Vendite;;5,00;0,00\n",
    "prices": "Date,Symbol,Shares,Price,Amount,Balance\n2026-04-02,ABC,2,3.00,-6.00,94.00\n",
    "no head, one date": "02.04.2026;Rossi;-12,00;EUR;x\n03.04.2026;Verdi;13,00;EUR;x\n",
    "measurements": "Date,Station,Amount,Unit\n2026-04-02,Brenta,-1.5,mm\n2026-04-03,Brenta,2.5,mm\n",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_tables_with_dates_and_amounts_are_no_statements(kind: str) -> None:
    assert statements(OTHERS[kind]) == []


CENTS = st.integers(1, 10**9).map(lambda n: Decimal(n) / 100)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.dates(min_value=date(2001, 1, 1)), CENTS, st.booleans()),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_any_order_of_columns_gives_the_same_movements(
    rows: list[tuple[date, Decimal, bool]], data: st.DataObject
) -> None:
    """However a bank orders its columns, and with columns that say nothing among them."""
    heads = ["Data contabile", "Data valuta", "Addebiti", "Accrediti", "Causale", "Filiale", "Canale"]
    cells = [
        [
            f"{d:%d/%m/%Y}",
            f"{d:%d/%m/%Y}",
            f"{a:.2f}".replace(".", ",") if out else "",
            "" if out else f"{a:.2f}".replace(".", ","),
            "TESTO",
            "12",
            "WEB",
        ]
        for d, a, out in rows
    ]
    order = data.draw(st.permutations(range(len(heads))))
    text = "\n".join(";".join(row[c] for c in order) for row in [heads, *cells]) + "\n"
    (found,) = statements(text)
    assert moved(found) == [(str(d), -a if out else a) for d, a, out in rows]


DAYS = [(f"{day:02d}/05/2026", f"RATA {'ABCDEFGH'[day - 1]}", f"{10 * day},50") for day in range(1, 9)]
FOUR = "Data;Descrizione;Importo;Saldo\n" + "".join(
    f"{day};{text};-{value};{1000 - i}0,00\n" for i, (day, text, value) in enumerate(DAYS)
)
SIDES = "Data;Valuta;Descrizione;Dare;Avere;Saldo\n" + "".join(
    f"{day};{day};{text};{value};;9.000,00\n" for day, text, value in DAYS
).replace("80,50;", ";80,50")


@pytest.mark.parametrize(
    ("table", "row", "read_as"),
    [
        pytest.param(FOUR, "10/05/2026;SALDO FT; ROSSI;-1.882,00;16.000,00", "-1882", id="a text with the separator"),
        pytest.param(SIDES, "10/05/2026;10/05/2026;A; B; C;7,00;;1,00", "-7", id="twice"),
        pytest.param(FOUR, "10/05/2026;SALDO FT; 117;-1.882,00;16.000,00", None, id="what may be an amount"),
        pytest.param(FOUR, "10/05/2026;SPESE;-1882,00;16000,00;0,00", None, id="an amount too many"),
        pytest.param(FOUR, "10/05/2026;-1.882,00;16.000,00", None, id="no text"),
        pytest.param(FOUR, "SPESE;-1.882,00;16.000,00", None, id="no date"),
        pytest.param(SIDES, "10/05/2026;OFFICINA;1.882,00;;16.000,00", None, id="no value date"),
        pytest.param(SIDES, "10/05/2026;10/05/2026;OFFICINA;1.882,00;16.000,00", None, id="an empty cell dropped"),
        pytest.param(SIDES, "10/05/2026;10/05/2026;OFFICINA;1.882,00", "-1882", id="nothing but the end is wanting"),
    ],
)
def test_a_row_of_another_length_is_read_rightly_or_left_out_and_counted(
    table: str, row: str, read_as: str | None
) -> None:
    (found,) = statements(table + row + "\n")
    assert [abs(m.amount) for m in found.movements[:8]] == [Decimal(v.replace(",", ".")) for _, _, v in DAYS]
    assert [m.amount for m in found.movements[8:]] == ([Decimal(read_as)] if read_as else [])
    assert found.left_out == (read_as is None)


def test_a_table_cut_at_its_decimal_commas_is_no_statement() -> None:
    rows = "".join(f"2026-05-0{day},TRANSFER {day},-{day}0,00,{1000 - day},00\n" for day in range(1, 9))
    assert statements("Date,Description,Amount,Balance\n" + rows) == []
