"""Chunks: no word is lost, no chunk is longer than the encoder reads, and they end where a reader would end them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.encoders import load_encoders
from infra.settings import Settings
from tasks.index.chunk import chunk, heading_of
from tasks.records import Element, Parsed, as_read

ENCODER = load_encoders(Settings()).first
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=400)
WORDY = st.lists(
    st.sampled_from("ricavi profit €1.234,56 2018 (5) | dell'azienda supercalifragilistic - . ; 漢字 e".split()),
    max_size=500,
)
FRAMED = st.lists(st.lists(WORDY.map(lambda words: " ".join(words[:6])), max_size=9).map(" | ".join), max_size=40)


def parsed(*elements: Element, title: str = "Annual report") -> Parsed:
    return Parsed("pdf", title, "en", 1, elements)


def texts(kinds: st.SearchStrategy[str]) -> st.SearchStrategy[list[Element]]:
    one = st.builds(
        Element,
        kinds,
        TEXT | WORDY.map(" ".join) | WORDY.map("\n".join) | FRAMED.map("\n".join),
        st.integers(1, 4),
        st.integers(0, 3),
        section=st.sampled_from(["", "Notes", "Notes > 12. Debiti verso fornitori", "x " * 200]),
        gist=st.none() | st.sampled_from(["", "Notes"]) | TEXT | WORDY.map("\n".join),
    )
    return st.lists(one, max_size=8)


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(texts(st.sampled_from(["title", "text", "list", "table"])), TEXT, st.sampled_from([40, 128, 256]))
def test_every_word_is_in_some_chunk_and_no_chunk_is_too_long(elements: list[Element], title: str, most: int) -> None:
    chunks = chunk(parsed(*elements, title=title), "/papers/2018 bilancio.pdf", ENCODER.count_tokens, most)
    assert all(n <= most - 2 for n in ENCODER.count_tokens([c.embedded for c in chunks]))
    found = Counter(re.sub(r"\s", "", "".join(c.text for c in chunks)))
    wanted = Counter(re.sub(r"\s", "", "".join(e.text for e in elements)))
    assert not wanted - found
    assert [c.ordinal for c in chunks] == list(range(len(chunks)))


def test_headers_and_footers_of_pages_are_left_out() -> None:
    chunks = chunk(
        parsed(Element("header", "ACME"), Element("text", "Body."), Element("footer", "3")),
        "a.pdf",
        ENCODER.count_tokens,
        256,
    )
    assert [c.text for c in chunks] == ["Body."]


def test_a_title_begins_a_chunk_and_goes_with_its_text() -> None:
    chunks = chunk(
        parsed(
            Element("text", "Before."),
            Element("title", "Liquidity", level=1),
            Element("text", "Cash rose.", section="Liquidity"),
        ),
        "a.pdf",
        ENCODER.count_tokens,
        256,
    )
    assert [c.text for c in chunks] == ["Before.", "Liquidity\nCash rose."]
    assert chunks[1].context == "a · Annual report · Liquidity"


def test_the_encoder_reads_the_document_and_the_last_heading_and_words_find_the_whole_path() -> None:
    section = "Report > Notes > 12. Payables"
    titled = [Element("title", "12. Payables", level=3), Element("text", "To suppliers.", section=section)]
    first, second = chunk(
        parsed(*titled, Element("text", "Due | 2018", 2, section=section)), "a.pdf", ENCODER.count_tokens, 256
    )
    assert first.embedded == "a · Annual report\n12. Payables\nTo suppliers."
    assert second.embedded == "a · Annual report · 12. Payables\nDue 2018"
    assert second.indexed == "a · Annual report · Report > Notes > 12. Payables\nDue | 2018"
    assert first.text == "12. Payables\nTo suppliers."


def test_the_encoder_reads_the_gist_where_there_is_one_and_words_find_the_whole() -> None:
    rows = (("Goods", "Price"), *((f"Bolt of kind {i}", f"{i},00") for i in range(60)))
    text = "\n".join(" | ".join(row) for row in rows)
    gist = "\n".join(["", *(f"Bolt of kind {i}" for i in range(60))])
    title = Element("title", "Invoice 7/25 of 10/03/2025 · A → B", level=1, gist="Invoice March 2025")
    parts = [Element("text", "VAT number IT98000019996", gist=""), Element("table", text, rows=rows, gist=gist)]
    first, *others = chunk(
        parsed(title, *(replace(part, section=title.text) for part in parts)), "a.xml", ENCODER.count_tokens, 128
    )
    assert first.embedded == "Invoice March 2025"
    assert "IT98000019996" in first.indexed
    assert [c.embedded.split("\n")[0] for c in others] == ["Invoice March 2025"] * len(others)
    assert [line for c in others for line in c.embedded.split("\n")[1:]] == gist.split("\n")[1:]
    assert all(c.text.startswith("Goods | Price\nBolt") for c in others)


def test_of_a_long_text_the_gist_goes_with_its_first_part() -> None:
    dues = Element("text", "\n".join(f"Due 10/03/2025 {i},00" for i in range(2_000)), gist="Instalments")
    first, *others = chunk(parsed(dues), "a.xml", ENCODER.count_tokens, 128)
    assert first.embedded == "a · Annual report\nInstalments"
    assert len(others) > 10
    assert {c.embedded for c in others} == {"a · Annual report"}


def test_a_chunk_stays_on_its_page() -> None:
    chunks = chunk(parsed(Element("text", "One.", 1), Element("text", "Two.", 2)), "a.pdf", ENCODER.count_tokens, 256)
    assert [(c.page_first, c.page_last) for c in chunks] == [(1, 1), (2, 2)]


def test_a_long_table_repeats_its_head() -> None:
    rows = [("", "2018", "2017")] + [(f"Costs of kind {i}", f"{i},234", f"{i},567") for i in range(200)]
    text = "\n".join(" | ".join(cell for cell in row if cell) for row in rows)
    chunks = chunk(parsed(Element("table", text, rows=tuple(rows))), "a.pdf", ENCODER.count_tokens, 256)
    assert len(chunks) > 2
    assert all(c.text.startswith("2018 | 2017\n") for c in chunks)
    assert all(c.kind == "table" for c in chunks)


def test_the_encoder_reads_the_words_of_a_table_and_its_years() -> None:
    table = "(in millions) | 2018 | 2017\nNet sales | $1,493 | (2.009)\nGrowth | 49% | —\nNote 7 | 3 items | 5"
    assert as_read(table).split() == "in millions 2018 2017 Net sales Growth Note 7 3 items".split()
    assert as_read("Ricavi: «1.234,5», e (altro).").split() == "Ricavi 1.234 5 e altro .".split()


def test_a_table_of_amounts_alone_is_cut_too() -> None:
    text = "\n".join(f"{i},{i % 1000:03d} | {i * 7}" for i in range(5_000))
    chunks = chunk(parsed(Element("table", text)), "a.csv", ENCODER.count_tokens, 256)
    assert max(len(c.text) for c in chunks) < 256 * 20
    assert sum(len(c.text.split("\n")) for c in chunks) >= 5_000


def test_a_text_of_marks_alone_is_cut_too() -> None:
    chunks = chunk(parsed(Element("text", "_" * 50_000)), "form.txt", ENCODER.count_tokens, 256)
    assert max(len(c.text) for c in chunks) < 256 * 20
    assert sum(len(c.text) for c in chunks) >= 50_000


def test_the_context_names_the_file_where_the_title_does_not() -> None:
    assert heading_of("Form 10-K", "/x/ACME_2018_10K.pdf") == "ACME 2018 10K · Form 10-K"
    assert heading_of("ACME 2018 report", "/x/acme_2018.pdf") == "ACME 2018 report"
    assert heading_of("", "/x/mail.eml!/fattura 12.pdf") == "fattura 12"


def test_a_table_over_two_pages_is_cut_where_they_turn() -> None:
    rows = (("Voce", "Importo"), ("Ricavi", "910"), ("Costi", "420"))
    boxes = ((3, 10, 20, 50, 90, 100, 130), (3, 30, 40, 50, 90, 100, 130), (4, 10, 20, 50, 90, 100, 130))
    table = Element("table", "\n".join(" | ".join(row) for row in rows), 3, rows=rows, boxes=boxes)
    pieces = [
        (piece.page_first, piece.page_last, piece.text)
        for piece in chunk(parsed(table), "x.pdf", ENCODER.count_tokens, 200)
    ]
    assert pieces == [(3, 3, "Voce | Importo\nRicavi | 910"), (4, 4, "Voce | Importo\nCosti | 420")]
