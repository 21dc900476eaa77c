"""Sentences: where they end, what is prose, what a page break cuts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.analyse.sentences import LONGEST, is_prose, sentences_of, split
from tasks.records import Element, Parsed


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Rivetta S.p.A. ha sede a Biella. Produce tessuti.", 2),
        ("Il dott. Rossi e l'avv. Bianchi hanno firmato. La seduta è tolta.", 2),
        ("Sales rose 3.5 percent to $1.2 billion. Costs fell.", 2),
        ("Acme Corp. Reports were late.", 1),  # an abbreviation before a capital is taken as one
        ("See No. 12 of the list. It is long.", 2),
        ("J. K. Marlow signed it! Did you? Yes.", 3),
        ("The U.S. market grew. Others did not.", 2),
        ("Ha detto: «È finita.» Poi è uscito.", 2),
        ("1. Scope\nThe cell must load plates.", 2),
        ("Versione: FPR12\nImporto: 14,20", 2),
        ("This line was wrapped by the width of the page and goes\non here.", 1),
    ],
)
def test_where_sentences_end(text: str, count: int) -> None:
    assert len(split(text)) == count


@given(st.text(alphabet="abc DEF.!?;,\n123'’àè()", max_size=400))
def test_no_word_is_lost_or_made(text: str) -> None:
    kept = "".join("".join(split("x" + text)).split())  # the x: a bullet at the very beginning is dropped on purpose
    whole = "".join(("x" + text).split())
    assert set(kept) <= set(whole)
    assert len(kept) <= len(whole)


def test_a_text_without_stops_is_cut_into_bounded_pieces() -> None:
    pieces = split("clause number one; " * 300)
    assert max(map(len, pieces)) <= LONGEST
    assert "".join(pieces).replace(" ", "") == ("clause number one; " * 300).replace(" ", "")


def test_a_paragraph_cut_by_a_page_is_one_and_page_heads_are_none() -> None:
    parsed = Parsed(
        "pdf",
        "",
        "en",
        3,
        (
            Element("header", "Annual report", 1),
            Element("text", "Sales in Europe rose because demand for the new", 1),
            Element("footer", "1", 1),
            Element("text", "instruments was strong. Costs fell.", 2),
            Element("table", "a | b", 2, rows=(("a", "b"),)),
            *(Element("text", "Confidential draft for the board only", page) for page in (1, 2, 3)),
        ),
    )
    found = sentences_of(parsed)
    assert [(s.text, s.page) for s in found] == [
        ("Sales in Europe rose because demand for the new instruments was strong.", 1),
        ("Costs fell.", 1),
    ]


def test_what_is_prose() -> None:
    assert is_prose("Net sales rose by three percent in the year.")
    for line in (
        "Denominazione: Frantoio del Trebbio S.r.l.",
        "REVENUE ........... 12",
        "12 14 16 18 20 22",
        "Too short",
    ):
        assert not is_prose(line)
