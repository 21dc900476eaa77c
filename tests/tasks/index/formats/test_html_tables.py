"""Tables of web pages: spans as the HTML standard forms a table from them, signs, layouts and captions."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.html_tables import _grid
from tasks.index.read import read
from tasks.records import Parsed

SPANS = st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=4), min_size=1, max_size=5)


def formed(rows: list[list[tuple[int, int]]]) -> dict[tuple[int, int], str] | None:
    """The slots of a table by the standard's algorithm («forming a table»); None where cells overlap, which is an error there."""
    slots: dict[tuple[int, int], str] = {}
    for y, row in enumerate(rows):
        x = 0
        for number, (wide, high) in enumerate(row):
            while (x, y) in slots:
                x += 1
            for dx in range(wide):
                for dy in range(min(high, len(rows) - y)):
                    if (x + dx, y + dy) in slots:
                        return None
                    slots[x + dx, y + dy] = f"c{y}{number}x"
            x += wide
    return slots


@settings(max_examples=150)
@given(SPANS)
def test_every_cell_covers_what_the_standard_says(rows: list[list[tuple[int, int]]]) -> None:
    slots = formed(rows)
    assume(slots is not None)
    assert slots is not None
    grid = _grid([[(f"c{y}{n}x", wide, high) for n, (wide, high) in enumerate(row)] for y, row in enumerate(rows)])
    ours = {(x, y): text for y, line in enumerate(grid) for x, (text, _) in enumerate(line) if text}
    assert ours == slots


def page(body: str) -> Parsed:
    return read(f"<html><body>{body}</body></html>".encode(), Context("x.html", Limits()))


def rows(body: str) -> list[tuple[tuple[str, ...], ...]]:
    return [element.rows for element in page(body).elements if element.rows]


def table(*lines: str, head: str = "<table>") -> str:
    return (
        head
        + "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line.split('|'))}</tr>" for line in lines)
        + "</table>"
    )


def test_a_caption_stands_before_its_table() -> None:
    found = page(table("Voce|2024", "Utile|17", head="<table><caption>Conto <b>economico</b></caption>")).elements
    assert (found[0].kind, found[0].text) == ("caption", "Conto economico")


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("Utile|$|1,234|", ("Utile", "$1,234")),
        ("Utile|(1,234|)|", ("Utile", "(1,234)")),
        ("Quota|4.5|%|", ("Quota", "4.5%")),
        ("Nota|$|testo|", ("Nota", "$", "testo")),
        ("Nota|testo|)|", ("Nota", "testo", ")")),
        ("Nota (a|)|7|", ("Nota (a)", "7")),
    ],
)
def test_signs_are_joined_to_their_figure_and_to_nothing_else(line: str, cells: tuple[str, ...]) -> None:
    body = table("Voce|||", line, "Altro|1|2|3")
    found = rows(body)[0][1]
    assert tuple(cell for cell in found if cell) == cells


def test_a_head_keeps_its_place_though_nothing_stands_below_it() -> None:
    assert rows(table("Voce|Note|2024", "Utile||17", "Costi||9")) == [
        (("Voce", "Note", "2024"), ("Utile", "", "17"), ("Costi", "", "9"))
    ]


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (table("uno|due", "tre|quattro", head='<table role="presentation">'), ["uno", "due", "tre", "quattro"]),
        (table("solo"), ["solo"]),
        (table("1.|Approvazione del bilancio"), ["1. Approvazione del bilancio"]),
        (table("|"), []),
        (table(f"a|{'x' * 1600}", "b|c"), ["a", "x" * 1600, "b", "c"]),
    ],
)
def test_tables_that_only_arrange_the_page_are_read_as_text(body: str, texts: list[str]) -> None:
    found = page(f"<p>Prima</p>{body}").elements
    assert [e.text for e in found] == ["Prima", *texts]


def test_hidden_words_and_comments_are_no_part_of_a_cell() -> None:
    cell = "17<!-- stima 18 --><span style='display:none'>99</span><script>x</script><style>y</style>"
    assert rows(table("Voce|2024", f"Utile|{cell}", "Costi|9")) == [(("Voce", "2024"), ("Utile", "17"), ("Costi", "9"))]
