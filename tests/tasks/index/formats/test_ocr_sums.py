"""Totals of pages that were recognised: right ones are seen to be right, and one digit that is wrong is noticed."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tasks.index.formats.ocr_sums import settled, wrong_totals
from tasks.index.formats.ocr_vote import Doubt, Seen
from tasks.index.formats.pdf_words import Word

GROUPS = st.lists(
    st.lists(st.integers(1_000, 9_000_000), min_size=2, max_size=5), min_size=2, max_size=4
)  # the items of each subtotal


def shown(value: int) -> str:
    return f"({abs(value):,})".replace(",", ".") if value < 0 else f"{value:,}".replace(",", ".")


def page(lines: list[tuple[str, tuple[int, ...]]]) -> list[Word]:
    """Lines of a label and figures, each set flush right in its column."""
    words = []
    for number, (label, figures) in enumerate(lines):
        y = 100.0 + 15 * number
        words += [Word(piece, 50.0 + 60 * i, 100.0 + 60 * i, y, 10, False) for i, piece in enumerate(label.split())]
        words += [Word(shown(f), 340.0 + 90 * i, 400.0 + 90 * i, y, 10, False) for i, f in enumerate(figures)]
    return words


def statement(groups: list[list[int]]) -> list[tuple[str, tuple[int, ...]]]:
    lines: list[tuple[str, tuple[int, ...]]] = [("Voci al", (2024, 2023))]
    for number, items in enumerate(groups):
        lines += [(f"voce {number}", (item, -item)) for item in items]
        lines.append((f"Totale {number})", (sum(items), -sum(items))))
    whole = sum(map(sum, groups))
    return [*lines, ("TOTALE ATTIVO", (whole, -whole))]


@settings(max_examples=60, deadline=None)
@given(GROUPS, st.data())
def test_totals_add_up_and_a_wrong_digit_is_noticed(groups: list[list[int]], data: st.DataObject) -> None:
    words = page(statement(groups))
    assert wrong_totals(words) == 0
    figures = [index for index, word in enumerate(words) if word.text[-3:-2].isdigit() and index > 3]
    place = data.draw(st.sampled_from(figures))
    text = words[place].text
    digit = data.draw(st.sampled_from([i for i, char in enumerate(text) if char.isdigit() and i < len(text) - 2]))
    other = data.draw(st.sampled_from([char for char in "123456789" if char != text[digit]]))
    misread = text[:digit] + other + text[digit + 1 :]
    assume(misread not in {word.text for word in words})  # an item that is misread as its total proves that total
    words[place] = words[place]._replace(text=misread)
    assert wrong_totals(words) > 0


@pytest.mark.parametrize(
    "lines",
    [
        [("voce", (120,)), ("voce", (240,)), ("Totale", (362,))],  # rounded
        [("Total", (120,)), ("voce", (240,))],  # nothing above it
        [("totale generale", (999_999,))],
        [("voce", (7_000,)), ("totalmente", (1_000,)), ("voce", (12,))],
    ],
)
def test_what_cannot_be_checked_is_not_wrong(lines: list[tuple[str, tuple[int, ...]]]) -> None:
    assert wrong_totals(page(lines)) == 0


@pytest.mark.parametrize("label", ["Totale attivo", "TOTALI", "Subtotal", "Flusso finanziario (A)", "Net cash used in"])
def test_what_sums_up_is_known_by_its_label(label: str) -> None:
    assert wrong_totals(page([("a", (1_234,)), ("b", (9_500,)), (label, (10_784,))])) == 1


def test_a_total_decides_between_the_engines() -> None:
    words = [Seen(word, 90.0) for word in page([("a", (1_284,)), ("b", (9_500,)), ("Totale", (10_734,))])]
    doubts = [Doubt(3, "9.500", "9.600"), Doubt(1, "1.284", "1.234"), Doubt(5, "10.734", "?")]
    assert [seen.word.text for seen in settled(words, doubts)] == ["a", "1.234", "b", "9.500", "Totale", "10.734"]
