"""The checks of an invoice: each fault is found with its values, and nothing that a right invoice does is one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samples.make import einvoices as make
from tasks.index.formats.invoices import fatturapa
from tasks.index.formats.tree import Node
from tasks.index.formats.xml import root_of
from tasks.office import identifiers
from tasks.office.checks import Finding, check, check_statement
from tasks.office.records import Movement, Statement


def findings(body: make.Body, **changes: object) -> list[Finding]:
    root, _ = root_of(make.fatturapa([body], **changes).decode())  # type: ignore[arg-type]
    return check(fatturapa.invoices(Node(root))[0])


def rules(body: make.Body, **changes: object) -> list[tuple[str, str]]:
    return [(f.rule, f.level) for f in findings(body, **changes)]


DAY = "2026-03-12"
RIGHT = make.Body("1", DAY, dues=(("2026-04-30", "122.00"),))


def test_a_right_invoice_has_no_finding() -> None:
    assert rules(RIGHT) == []


@pytest.mark.parametrize(
    ("body", "rule", "difference"),
    [
        (make.Body("1", DAY, tax="20.00"), "tax_of_taxable", "-2.00"),
        (make.Body("1", DAY, total="150.00"), "total_and_summary", "28.00"),
        (make.Body("1", DAY, dues=(("2026-04-30", "100.00"),)), "instalments", "-22.00"),
    ],
)
def test_sums_that_do_not_tie(body: make.Body, rule: str, difference: str) -> None:
    (found,) = [f for f in findings(body) if f.rule == rule]
    assert (found.level, found.difference) == ("error", Decimal(difference))


def test_lines_that_do_not_sum_to_the_summary() -> None:
    root, _ = root_of(make.fatturapa([RIGHT]).decode().replace("<PrezzoTotale>100.00", "<PrezzoTotale>90.00"))
    (found,) = check(fatturapa.invoices(Node(root))[0])
    assert (found.rule, found.difference, found.values["rate"]) == ("lines_and_summary", 10, "22")


def test_stamp_duty_beside_the_summary_is_a_note() -> None:
    assert rules(make.Body("1", DAY, stamp="2.00", dues=(("2026-04-30", "124.00"),))) == [("total_explained", "note")]
    assert rules(make.Body("1", DAY, stamp="2.00", dues=(("2026-04-30", "122.00"),))) == [("total_explained", "note")]


def test_withholding_split_and_advances_are_understood() -> None:
    fees = make.Body("1", DAY, withholding=("RT02", "20.00", "20.00", "A"), dues=(("2026-04-30", "102.00"),))
    assert rules(fees) == []
    assert rules(make.Body("1", DAY, vat_due="S", dues=(("2026-04-30", "100.00"),))) == []
    assert rules(make.Body("1", DAY, terms="TP03", dues=(("2026-04-30", "10.00"),))) == []


@pytest.mark.parametrize(("stated", "stamp"), [("122.00", ""), ("102.00", ""), ("124.00", "2.00"), ("104.00", "2.00")])
def test_withholding_is_subtracted_once_whether_or_not_the_total_is_net_of_it(stated: str, stamp: str) -> None:
    fees = make.Body("1", DAY, withholding=("RT02", "20.00", "20.00", "A"), total=stated, stamp=stamp)
    root, _ = root_of(make.fatturapa([fees]).decode())
    (invoice,) = fatturapa.invoices(Node(root))
    assert invoice.to_pay == Decimal("104.00" if stamp else "102.00")
    split = make.Body("1", DAY, vat_due="S", total="100.00")
    (invoice,) = fatturapa.invoices(Node(root_of(make.fatturapa([split]).decode())[0]))
    assert invoice.to_pay == 100, "a total without the VAT that the customer pays to the state"


def test_a_missing_total_and_a_missing_nature() -> None:
    assert rules(make.Body("1", DAY, total="")) == []
    assert rules(make.Body("1", DAY, (make.Row("x", rate="0.00"),))) == [("nature_missing", "error")]


def test_identifiers_with_wrong_check_digits() -> None:
    wrong = make.Firm("Finta S.r.l.", "98000019997", tax_code="RSSMRA80A01H501X")
    assert rules(RIGHT, supplier=wrong) == [("vat_number", "error"), ("tax_code", "error")]
    assert rules(RIGHT, supplier=make.Firm("Elsewhere Ltd", "12345", country="TH")) == []


@pytest.mark.parametrize(
    ("iban", "verdict"),
    [
        (make.IBAN, "right"),
        ("DE89370400440532013000", "right"),
        ("IT00Y9990112300000000654321", "mod97"),
        ("IT86Y99901123", "mod97"),
    ],
)
def test_ibans(iban: str, verdict: str) -> None:
    assert identifiers.iban(iban) == verdict


def test_the_italian_check_letter_is_checked_beside_mod_97() -> None:
    from stdnum import iban

    letters = [chr(c) for c in range(ord("A"), ord("Z") + 1)]
    wrong = [f"{letter}{make.IBAN[5:]}" for letter in letters if letter != make.IBAN[4]]
    verdicts = {identifiers.iban(f"IT{iban.calc_check_digits('IT00' + bban)}{bban}") for bban in wrong}
    assert verdicts == {"cin"}


CENTS = st.integers(-(10**9), 10**9)


@settings(max_examples=60, deadline=None)
@given(st.lists(CENTS, max_size=20), CENTS, CENTS)
def test_a_statement_ties_exactly_or_says_by_how_much(moves: list[int], opening: int, error: int) -> None:
    """Opening + movements = closing to the cent, whatever the amounts."""
    amounts = [Decimal(m) / 100 for m in moves]
    first, off = Decimal(opening) / 100, Decimal(error) / 100
    movements = tuple(Movement(i, amount=a) for i, a in enumerate(amounts, 1))
    closing = first + sum(amounts, Decimal(0)) + off
    found = check_statement(Statement("statement", "x", opening=first, closing=closing, movements=movements))
    assert [f.difference for f in found] == ([off] if error else [])
