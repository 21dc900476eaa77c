"""Scale and currency: what is stated near a table, and what is not a statement of scale."""

from __future__ import annotations

import pytest

from tasks.analyse.statements.read_scale import currency_of, scale_in, statement_scale


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("(In thousands, except per share data)", 1_000),
        ("(Millions, except per share amounts)", 1_000_000),
        ("(shares in thousands, dollars in millions)", 1_000_000),
        ("(in billions)", 1_000_000_000),
        ("Importi in migliaia di euro", 1_000),
        ("(€/000)", 1_000),
        ("Euro/000", 1_000),
        ("valori in milioni di euro", 1_000_000),
        ("€ mln", 1_000_000),
        ("importi espressi in unità di euro", 1),
        ("Consolidated balance sheet", None),
    ],
)
def test_stated_scales(text: str, factor: int | None) -> None:
    assert scale_in(text) == factor


def test_the_nearest_statement_counts() -> None:
    assert statement_scale("Other table (in thousands)\nBalance sheet (in millions)") == 1_000_000
    assert statement_scale("Balance sheet", "(in thousands)") == 1_000


def test_a_sentence_with_amounts_is_no_statement_of_scale() -> None:
    assert statement_scale("Net sales rose by $3.2 million to $5 million in the year.") is None


def test_currency() -> None:
    assert currency_of(["$ 12", "(in millions of dollars)"], "en") == "USD"
    assert currency_of(["importi in euro", "€ 5"], "it") == "EUR"
    assert currency_of(["Stato patrimoniale"], "it") == "EUR"
    assert currency_of(["Balance sheet"], "en") is None
