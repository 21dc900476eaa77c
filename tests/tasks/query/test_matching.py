"""Matching payments: what counts as naming an invoice, several invoices in one payment, one movement in two files."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.query.links import plain_file, plain_number
from tasks.query.matching import match, name_words, names_number

DAY = date(2026, 4, 7)


def due(
    number: str, amount: float, when: date = date(2026, 4, 30), supplier: str = "Fonderia Tassello S.r.l."
) -> dict[str, Any]:
    return {
        "number": number,
        "amount": amount,
        "due": when,
        "date": date(2026, 3, 12),
        "supplier": supplier,
        "supplier_vat": "",
        "customer": "Cartiera",
        "customer_vat": "",
        "iban": "IT86Y9990112300000000654321",
        "duplicate": False,
        "rejected": False,
    }


def movement(
    amount: float, text: str, line: int = 1, document: str = "a", kind: str = "statement", **more: Any
) -> dict[str, Any]:
    return {
        "document_id": document,
        "path": document,
        "line": line,
        "amount": amount,
        "date": DAY,
        "text": text,
        "counterpart": "",
        "iban": "",
        "reference": "",
        "account": "",
        "kind": kind,
        **more,
    }


def paid(dues: list[dict[str, Any]], movements: list[dict[str, Any]]) -> list[bool]:
    match(dues, movements)
    return [d["paid_on"] is not None for d in dues]


@pytest.mark.parametrize(
    ("text", "number", "named"),
    [
        ("BONIFICO FT 2026/0417 RATA 1", "2026/0417", True),
        ("FATT. N. 2026-417", "2026/0417", True),
        ("SALDO FT 58/A E 59/A", "59/A", True),
        ("SALDO FT 158/A", "58/A", False),
        ("RATA 1 DI 2", "1", False),
        ("SALDO FATTURA N. 1", "1", True),
        ("PAGAMENTO 417,00", "417", False),
        ("BONIFICO", "ABC", False),
    ],
)
def test_naming_a_number(text: str, number: str, named: bool) -> None:
    assert names_number(text, number) is named


def test_the_amount_alone_pays_nothing() -> None:
    assert paid([due("900", 61.0)], [movement(-61.0, "BONIFICO A SOCIETA IGNOTA")]) == [False]


def test_a_party_pays_only_where_it_is_the_only_one() -> None:
    two = [due("900", 61.0), due("901", 61.0, supplier="Tassello Fonderia Bronzi")]
    assert paid(two, [movement(-61.0, "TASSELLO FONDERIA BRONZI SPA")]) == [False, False]
    assert paid([due("900", 61.0)], [movement(-61.0, "A FONDERIA TASSELLO SRL")]) == [True]
    assert paid([due("900", 61.0)], [movement(-61.0, "", iban="IT86Y9990112300000000654321")]) == [True]


def test_one_payment_of_several_invoices_by_their_sum() -> None:
    both = [due("900", 61.0), due("901", 39.0), due("902", 5.0)]
    assert paid(both, [movement(-100.0, "SALDO FT 900 E FT 901")]) == [True, True, False]
    assert paid([due("900", 61.0), due("901", 39.0)], [movement(-99.0, "SALDO FT 900 E FT 901")]) == [False, False]


def test_instalments_are_paid_in_order_and_orders_only_announce() -> None:
    two = [due("900", 61.0, date(2026, 5, 31)), due("900", 61.0, date(2026, 4, 30))]
    assert paid(two, [movement(-61.0, "FT 900")]) == [False, True]
    one = [due("900", 61.0)]
    assert paid(one, [movement(-61.0, "FT 900", kind="orders")]) == [False]
    assert one[0]["ordered_on"] == DAY


def test_one_movement_in_two_files_is_one_and_two_in_one_file_are_two() -> None:
    two = [due("900", 61.0), due("900", 61.0, date(2026, 5, 31))]
    twice = [movement(-61.0, "FT 900", 1, "mt940", account="IT86"), movement(-61.0, "FT 900", 5, "csv")]
    assert paid(two, twice) == [True, False]
    assert [m["same_as"] for m in twice] == ["", "mt940#1"]
    real = [movement(-61.0, "FT 900", 1, "mt940"), movement(-61.0, "FT 900", 2, "mt940")]
    assert paid([dict(d) for d in two], real) == [True, True]
    other = [movement(-61.0, "FT 900", 1, "x", account="IT1"), movement(-61.0, "FT 900", 1, "y", account="IT2")]
    assert paid([dict(d) for d in two], other) == [True, True]


def test_a_payment_long_before_the_invoice_is_for_something_else() -> None:
    assert paid([due("900", 61.0)], [movement(-61.0, "FT 900") | {"date": date(2026, 1, 7)}]) == [False]


def test_names_and_numbers_as_they_are_compared() -> None:
    assert name_words("Studio Verdolini & Associati S.r.l.") == name_words("VERDOLINI SRL")
    assert (plain_number("0058 / a"), plain_number("2026/0417")) == ("58/A", "2026/417")
    assert plain_file("posta.eml!/IT01_00011.XML.p7m") == "it01_00011"


PAYMENTS = st.lists(st.tuples(st.integers(1, 50), st.sampled_from(["FT 900", "FT 901", "X"])), max_size=12)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["900", "901"]), st.integers(1, 50)), max_size=8), PAYMENTS)
def test_nothing_is_paid_twice_and_nothing_pays_twice(
    invoices: list[tuple[str, int]], payments: list[tuple[int, str]]
) -> None:
    """Whatever the amounts: what movements settle is what they move, and each instalment is settled by one."""
    dues = [due(number, float(amount)) for number, amount in invoices]
    moves = [movement(-float(amount), text, line) for line, (amount, text) in enumerate(payments, 1)]
    match(dues, moves)
    settled: dict[str, float] = {}
    for d in dues:
        if d["paid_by"]:
            settled[d["paid_by"]] = settled.get(d["paid_by"], 0.0) + d["amount"]
    assert all(abs(moves[int(place.split("#")[1]) - 1]["amount"]) == amount for place, amount in settled.items())
