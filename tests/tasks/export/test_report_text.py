"""Text is data: cleaning, breaking, linking."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.export import fonts
from tasks.export.text import MISSING, clean, link, shorten, wrap


def test_markup_stays_text() -> None:
    assert clean("<b>A & B</b> &amp; %s {0}") == "<b>A & B</b> &amp; %s {0}"


def test_controls_and_direction_marks_go() -> None:
    assert clean("a\x00b\x07c\td\u202eevil\u202c\u200b\ufeff") == "a b c devil"


def test_what_the_typeface_lacks_is_a_box_each() -> None:
    assert clean("年報 2025") == f"{MISSING}{MISSING} 2025"
    assert clean("ok 👩‍👩‍👧!") == f"ok {MISSING * 3}!"


def test_latin_greek_cyrillic_and_signs_are_kept() -> None:
    text = "Società Ελλάδα Москва € £ → ▲ “x” – — … ≥ ≤ ½ ¼ §"
    assert clean(text) == text


def test_letters_are_composed() -> None:
    assert clean("e\u0300") == "è"


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_cleaned_text_can_always_be_drawn(text: str) -> None:
    cleaned = clean(text)
    covered = fonts.register()
    assert all(ord(character) in covered or character == " " for character in cleaned)
    assert not any(unicodedata.category(character) in {"Cc", "Cf"} for character in cleaned)
    assert clean(cleaned) == cleaned


@given(st.text(max_size=400), st.floats(20, 300))
@settings(max_examples=80, deadline=None)
def test_lines_fit_and_lose_nothing(text: str, room: float) -> None:
    cleaned = clean(text)
    lines = wrap(cleaned, fonts.TEXT, 9, room)
    assert all(fonts.width(line, fonts.TEXT, 9) <= room + 0.01 for line in lines)
    assert "".join("".join(lines).split(" ")) == "".join(cleaned.split(" "))


def test_the_most_lines_end_with_an_ellipsis() -> None:
    lines = wrap("parola " * 100, fonts.TEXT, 9, 100, most=2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert fonts.width(lines[-1], fonts.TEXT, 9) <= 100


def test_a_path_is_broken_after_its_separators() -> None:
    lines = wrap("/archivio/documenti/bilanci/relazione", fonts.TEXT, 9, 90)
    assert all(line.endswith("/") for line in lines[:-1])


@pytest.mark.parametrize("text", ["x" * 200_000, "ab " * 70_000, "/" * 200_000])
def test_long_texts_break_in_linear_time(text: str) -> None:
    began = time.process_time()
    lines = wrap(text, fonts.TEXT, 9, 400)
    assert time.process_time() - began < 3
    assert sum(len(line) for line in lines) >= len(text) * 0.66


def test_shorten_cuts_at_a_word() -> None:
    assert shorten("uno due tre quattro", 12) == "uno due tre…"
    assert shorten("corto", 12) == "corto"


@pytest.mark.parametrize(
    ("path", "page", "expected"),
    [
        ("/a b/c#d.pdf", 12, "file:///a%20b/c%23d.pdf#page=12"),
        ("/a/b.docx", 3, "file:///a/b.docx"),
        ("/a/mail.eml!/x.pdf", 2, "file:///a/mail.eml"),
        ("https://example.org/r.pdf?x=1", 4, "https://example.org/r.pdf?x=1"),
        ("javascript:alert(1)", 1, ""),
        ("s3://bucket/key.pdf", 1, ""),
        ("relative.pdf", 1, ""),
        ("http://[broken", 1, ""),
    ],
)
def test_only_safe_addresses_are_linked(path: str, page: int, expected: str) -> None:
    assert link(path, page) == expected
