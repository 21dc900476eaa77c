"""Trial balances: the result and the items they amount to, and nothing where the accounts do not tell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.query.books import items, result

Row = dict[str, Any]

BOOK = (
    ("10.01", "Fabbricati industriali", 900.00, 0.0),
    ("15.01", "Banca c/c ordinario", 250.50, 0.0),
    ("15.02", "Cassa contanti", 49.50, 0.0),
    ("16.01", "Rimanenze finali di merci", 120.00, 0.0),
    ("30.01", "Capitale sociale", 0.0, 700.00),
    ("40.01", "Debiti verso fornitori", 0.0, 480.00),
    ("60.01", "Acquisti di materie", 400.00, 0.0),
    ("61.01", "Salari e stipendi", 210.00, 0.0),
    ("70.01", "Ricavi delle vendite", 0.0, 750.00),
)


def rows(book: tuple[tuple[str, str, float, float], ...] = BOOK, kind: str = "trial_balance") -> list[Row]:
    return [
        {"book": kind, "code": code, "name": name, "debit": debit, "credit": credit, "balance": debit - credit}
        for code, name, debit, credit in book
    ]


def test_the_result_is_what_the_accounts_of_the_income_statement_leave() -> None:
    assert result(rows()) == pytest.approx(750 - 400 - 210)


def test_items_stand_by_the_names_of_annual_accounts() -> None:
    assert items(rows()) == {
        "cash_and_equivalents": 300.0,
        "inventory": 120.0,
        "revenue": 750.0,
        "net_income": 140.0,
    }


def test_a_loss_is_negative() -> None:
    book = (
        ("1", "Banca", 20.0, 0.0),
        ("2", "Capitale", 0.0, 50.0),
        ("6", "Acquisti", 80.0, 0.0),
        ("7", "Ricavi", 0.0, 50.0),
    )
    assert result(rows(book)) == -30.0


@pytest.mark.parametrize(
    "book",
    [
        (*BOOK, ("99", "Conto che non dice nulla", 5.0, 5.0)),  # a class of no known word
        (*BOOK, ("70.02", "Erario c/imposte", 0.0, 0.0), ("70.03", "Cassa", 0.0, 0.0)),  # words of both kinds
        BOOK[:-1],  # does not balance
        (),
    ],
    ids=["unknown class", "mixed class", "unbalanced", "empty"],
)
def test_where_the_accounts_do_not_tell_there_is_no_result(book: tuple[tuple[str, str, float, float], ...]) -> None:
    assert result(rows(book)) is None
    assert "net_income" not in items(rows(book))


def test_an_account_on_the_wrong_side_is_no_item() -> None:
    """An overdraft is a debt, and a return is no revenue."""
    book = (("1", "Banca c/c passivo", 0.0, 60.0), ("2", "Clienti", 100.0, 0.0), ("7", "Ricavi", 0.0, 40.0))
    assert items(rows(book)) == {"net_income": 40.0}


def test_a_two_sided_page_is_its_difference() -> None:
    book = (("", "Costi", 70.10, 0.0), ("", "Ricavi", 0.0, 50.05))
    assert result(rows(book, "two_sided")) == 20.05


def test_a_day_book_and_two_books_at_once_have_none() -> None:
    assert result(rows(kind="day_book")) is None
    assert result(rows() + rows(kind="day_book")) is None


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_cents_are_exact(revenue: int, costs: int) -> None:
    r, c = float(Decimal(revenue) / 100), float(Decimal(costs) / 100)
    bank = round(r - c, 2)
    cash = ("1", "Banca", max(bank, 0.0), max(-bank, 0.0))
    found = result(rows((cash, ("6", "Acquisti", c, 0.0), ("7", "Ricavi", 0.0, r))))
    assert found == bank
