"""The terms of full-text search in Italian and English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.collection.terms import analyse, query_terms


@pytest.mark.parametrize(
    ("passage", "language", "query"),
    [
        ("Le FATTURE emesse", "it", "fattura"),
        ("somme pagate dall'azienda", "it", "pagata azienda"),
        ("perché l'università paga", "it", "universita"),
        ("purchases of property", "en", "purchase properties"),
        ("Umsatz 2018 über 1.234,56", "de", "uber 1.234,56"),
    ],
)
def test_a_query_finds_the_other_form_of_a_word(passage: str, language: str, query: str) -> None:
    assert set(query_terms(query)) & set(analyse(passage, language).split())


def test_stop_words_of_both_languages_say_nothing() -> None:
    assert query_terms("what is the, il lo la di che") == []


@given(st.text(max_size=200), st.sampled_from(["it", "en", "", "fr"]))
def test_any_text_gives_clean_terms(text: str, language: str) -> None:
    for term in analyse(text, language).split():
        assert 0 < len(term) <= 180
        assert "\0" not in term
