"""Numbers, dates and words in both languages."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from infra.errors import UsageError
from tasks.export import finance, words
from tasks.export.format import Format
from tasks.export.words import KINDS, PHRASES, Words

EN, IT = Format("en"), Format("it")


def test_numbers() -> None:
    assert (EN.decimal(1234567.891), IT.decimal(1234567.891)) == ("1,234,567.89", "1.234.567,89")
    assert (EN.integer(-1234), IT.integer(-1234)) == ("−1,234", "−1.234")
    assert IT.decimal(-0.001) == "0,00"
    assert EN.decimal(None) == EN.decimal(float("nan")) == EN.percent(float("inf")) == "–"


def test_percent() -> None:
    assert (EN.percent(12.345, sign=True), IT.percent(-3.21, sign=True), EN.percent(0.01, sign=True)) == (
        "+12.3%",
        "−3,2%",
        "0.0%",
    )


def test_money() -> None:
    assert (EN.money(32_765_000, "USD"), IT.money(-1_260_000_000, "EUR"), EN.money(950, "")) == (
        "US$ 32.8 m",
        "€ −1,3 mld",
        "950",
    )


def test_sizes_and_durations() -> None:
    assert (EN.size(999), IT.size(1_536_000)) == ("999 B", "1,5 MB")
    assert (EN.duration(0.25), EN.duration(61), EN.duration(600), EN.duration(10_000)) == (
        "250 ms",
        "61.0 s",
        "10.0 min",
        "2.8 h",
    )


def test_dates() -> None:
    moment = datetime(2026, 3, 9, 14, 5)
    assert (EN.date(moment), IT.date(moment)) == ("9 March 2026", "9 marzo 2026")
    assert IT.moment(moment) == "09/03/2026 14:05"
    assert IT.language("en") == "Inglese"


def test_every_phrase_is_in_both_languages_with_the_same_slots() -> None:
    slots = re.compile(r"\{(\w+)\}")
    for key, (english, italian) in PHRASES.items():
        assert english and italian, key
        assert set(slots.findall(english)) == set(slots.findall(italian)), key
    assert all(english and italian for english, italian in KINDS.values())


def test_every_phrase_that_code_asks_for_exists() -> None:
    folder = Path(words.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.name != "words.py")
    asked = set(re.findall(r'(?<!\w)words\(\s*"(\w+)"', source))
    assert len(asked) > 60
    assert not asked - set(PHRASES)


def test_values_with_braces_are_not_filled_in_again() -> None:
    assert Words("en")("summary_page", text="{page}", page="3") == "{page} (p. 3)"


def test_an_unknown_language_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="en, it"):
        Words("fr")


def test_every_item_and_metric_has_names() -> None:
    listed = {item for items in finance.STATEMENTS.values() for item in items}
    assert listed == set(finance.ITEMS)
    for measure in finance.BY_NAME.values():
        assert measure.en and measure.it and measure.means_en and measure.means_it
        assert (measure.sound is None) == (measure.weak is None)


def test_lights_know_which_way_is_better() -> None:
    assert [finance.light("current_ratio", value) for value in (2, 1.2, 0.8)] == ["good", "fair", "poor"]
    assert [finance.light("debt_to_equity", value) for value in (0.5, 1.5, 3)] == ["good", "fair", "poor"]
    assert [finance.light("working_capital", value) for value in (1, -1)] == ["good", "poor"]
    assert finance.light("gross_margin", 50) == finance.light("unheard_of", 1) == ""
