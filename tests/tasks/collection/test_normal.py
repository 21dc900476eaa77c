"""Amounts, dates and numbers of papers: every form that people write is one term, on both sides of the index."""

from __future__ import annotations

from datetime import date

import pytest
from babel.dates import format_date
from babel.numbers import format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.collection import normal, terms

CENTS = st.integers(1, 10**10)


@settings(deadline=None)  # the first call loads a locale
@given(CENTS, st.sampled_from(["it", "en", "fr", "de_CH"]))
def test_an_amount_is_one_term_in_every_locale(cents: int, locale: str) -> None:
    written = format_decimal(cents / 100, "#,##0.00", locale)
    plain = f"{cents // 100}.{cents % 100:02d}"
    assert terms.query_terms(written) == terms.query_terms(plain), written
    assert normal.plain(written) == normal.plain(plain)
    assert normal.marks(written) & normal.marks(plain)
    assert set(terms.query_terms(plain)) <= set(terms.analyse(f"Totale € {written} entro", "it").split())


@settings(deadline=None)
@given(st.dates(date(1901, 1, 1), date(2099, 12, 31)), st.sampled_from(["it", "en"]))
def test_a_date_in_figures_or_words_is_one_term(day: date, language: str) -> None:
    forms = [day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}", f"{day.day}-{day.month}-{day.year}"]
    forms += [format_date(day, "d MMMM y", language), format_date(day, "long", "en")]
    for form in forms:
        assert normal.dates(f"entro il {form}, salvo") == [day.isoformat()], form
        assert day.isoformat() in terms.query_terms(form)
        assert day.isoformat() in terms.analyse(form, language).split()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("RE-2026-881 e re/2026/881", ["re/2026/881", "re/2026/881"]),
        ("Fattura 2026/0417 · NC/12 · 58/A", ["2026/0417", "nc/12", "58/a"]),
        ("P.IVA IT01234567890, 01234567890", ["01234567890", "01234567890"]),
        ("nel 2026, FY2018, 10 pezzi, art. 7, 12,50 €, 1.234.567", []),
        ("30/04/2026 2026-04-30", []),
        ("https://example.com/a-very-long-path/1234567890123456789012345678901234567890", []),
    ],
)
def test_numbers_of_papers_are_whole_and_nothing_else_is_one(text: str, codes: list[str]) -> None:
    assert normal.codes(text) == codes


@pytest.mark.parametrize("word", ["0417", "1.2.3", "30.04.2026", "007", "12", "a1"])
def test_what_is_no_amount_stays_as_it_is(word: str) -> None:
    assert normal.number(word) == word


@given(st.text(alphabet="0123456789.,/- '°aprile2026\n", max_size=60))
def test_any_text_is_taken_and_a_second_time_changes_nothing(text: str) -> None:
    assert normal.plain(normal.plain(text)) == normal.plain(text)
    asked = normal.marks(text)
    found = frozenset().union(*(held for _, held in normal.lines_with(asked, text)))
    inside = frozenset().union(*(asked & normal.marks(line) for line in text.split("\n")))
    assert found == inside, "the quick look leaves nothing out"


IBAN = "IT60X0542811101000000123456"
GROUPED = "IT60 X054 2811 1010 0000 0123 456"


@pytest.mark.parametrize(
    "form", [IBAN, GROUPED, GROUPED.lower(), f"bonifico su {GROUPED} da noi", f"IBAN {GROUPED}, il 3"]
)
def test_an_iban_is_one_term_in_groups_too(form: str) -> None:
    assert normal.marks(form) >= {IBAN.casefold()}
    assert not {mark for mark in normal.marks(form) if mark != IBAN.casefold()}
    assert IBAN.casefold() in terms.query_terms(form)
    assert IBAN.casefold() in terms.analyse(form, "it").split()


@pytest.mark.parametrize("text", ["FY20 2019 2018 2017 2016", GROUPED.replace("456", "457"), "IT60 X054 2811"])
def test_groups_whose_check_digits_are_wrong_are_no_iban(text: str) -> None:
    assert normal.ibans(text) == []


@pytest.mark.parametrize(
    ("asked", "printed"),
    [
        ("2026/417", "2026/0417"),
        ("2026/0417", "2026/417"),
        ("RE-2026-0881", "RE/2026/881"),
        ("PO77410", "PO-77410"),
        ("PO-77410", "PO77410"),
        ("1234/A", "1234A"),
    ],
)
def test_a_number_of_a_paper_is_looked_for_as_others_write_it(asked: str, printed: str) -> None:
    assert normal.variants(normal.marks(asked)) & normal.marks(printed)
    assert set(terms.query_terms(asked)) & set(terms.analyse(f"Fattura {printed}", "it").split())


@pytest.mark.parametrize("text", ["30/04/2026", "1.882,00", "7700112299", "nel 2026"])
def test_amounts_dates_and_numbers_without_parts_are_written_in_one_way(text: str) -> None:
    assert normal.variants(normal.marks(text)) == frozenset()


@pytest.mark.parametrize(
    ("text", "day"),
    [("otto luglio 2026", "2026-07-08"), ("Primo Marzo 2024", "2024-03-01"), ("trentuno aprile 2026", "")],
)
def test_a_day_may_be_in_words(text: str, day: str) -> None:
    assert normal.dates(f"scade il {text}.") == ([day] if day else [])
