"""Tables over several pages: wherever the pages break, the rows are those of one long page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from tasks.index.formats import pdf
from tasks.records import Element
from tests.tasks.index.formats.paper import HEIGHT, LOREM, WIDTH, context, make, paragraph, right, write

LINES: tuple[tuple[float, str, tuple[str, ...]], ...] = (
    (0, "A) Patrimonio netto", ()),
    (8, "I - Capitale", ("500.000", "500.000")),
    (8, "IV - Riserva legale", ("61.250", "58.100")),
    (8, "IX - Utile (perdita) dell'esercizio", ("48.300", "(12.400)")),
    (0, "Totale patrimonio netto", ("609.550", "545.700")),
    (0, "C) Trattamento di fine rapporto di lavoro subordinato", ("82.114", "79.903")),
    (0, "D) Debiti", ()),
    (8, "4) debiti verso banche", ()),
    (16, "esigibili entro l'esercizio successivo", ("1.200.000", "1.150.000")),
    (16, "esigibili oltre l'esercizio successivo", ("3.000.000", "3.250.000")),
    (8, "Totale debiti verso banche", ("4.200.000", "4.400.000")),
    (8, "7) debiti verso fornitori", ()),
    (16, "esigibili entro l'esercizio successivo", ("2.000.000", "1.870.500")),
    (8, "Totale debiti verso fornitori", ("2.000.000", "1.870.500")),
    (8, "12) debiti tributari per imposte dirette e indirette di competenza di piu' esercizi che", ()),
    (8, "scadono dopo la chiusura", ("92.008", "-")),
    (0, "Totale debiti", ("6.292.008", "6.270.500")),
    (0, "E) Ratei e risconti", ("13.402", "9.113")),
    (0, "Totale passivo", ("6.997.074", "6.905.216")),
)
EDGES = (430.0, 530.0)

Style = str
STYLES = ("bare", "heads", "title and heads", "marked", "book")


def _heads(canvas: Canvas, y: float, shift: float) -> float:
    for edge, period in zip(EDGES, ("31-12-2024", "31-12-2023"), strict=True):
        right(canvas, edge + shift, y, period, 9)
    return y + 14


def _sheet(first: int, last: int, style: Style, number: int) -> Callable[[Canvas], None]:
    """The lines first ≤ i < last on a page; a statement that goes on repeats what its style says."""

    def draw(canvas: Canvas) -> None:
        shift, y = (24.0 * (number % 2) if style == "book" else 0.0), 70.0
        if first == 0:
            write(canvas, 60 + shift, y, "Stato patrimoniale passivo", 13, bold=True)
            y = _heads(canvas, y + 26, shift)
        elif style in {"heads", "book"}:
            y = _heads(canvas, y, shift)
        elif style != "bare":
            name = "Stato patrimoniale passivo" + (" (segue)" if style == "marked" else "")
            write(canvas, 60 + shift, y, name, 13, bold=True)
            y = _heads(canvas, y + 26, shift)
        for indent, label, figures in LINES[first:last]:
            write(canvas, 60 + shift + indent, y, label, 9)
            for edge, figure in zip(EDGES, figures, strict=False):
                right(canvas, edge + shift, y, figure, 9)
            y += 13
        if last == len(LINES):
            paragraph(canvas, 60, y + 40, 470, LOREM)
        write(canvas, WIDTH / 2, HEIGHT - 30, f"{number} / 9", 8)

    return draw


def _elements(breaks: Sequence[int], style: Style) -> tuple[Element, ...]:
    ends = [*sorted(set(breaks)), len(LINES)]
    sheets = [_sheet(a, b, style, n) for n, (a, b) in enumerate(zip([0, *ends], ends, strict=False), start=1)]
    return pdf.parse(make(*sheets), context()).elements


def _tables(elements: Sequence[Element]) -> list[Element]:
    return [element for element in elements if element.kind == "table"]


@lru_cache(maxsize=1)
def _whole() -> tuple[tuple[str, ...], ...]:
    (table,) = _tables(_elements((), "bare"))
    assert table.rows is not None
    assert ("4) debiti verso banche", "", "") in table.rows
    return table.rows


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("position", range(1, len(LINES)))
def test_one_break_anywhere_changes_no_row(position: int, style: Style) -> None:
    elements = _elements([position], style)
    (table,) = _tables(elements)
    assert table.rows == _whole()
    assert table.page == 1
    pages = [table.page_of(row) for row in range(len(table.rows))]
    assert pages == sorted(pages)
    assert pages[-1] == 2
    assert [element.page for element in elements] == sorted(element.page for element in elements)


@settings(max_examples=25, deadline=None)
@given(
    breaks=st.lists(st.integers(1, len(LINES) - 1), min_size=2, max_size=4, unique=True), style=st.sampled_from(STYLES)
)
def test_several_breaks_change_no_row(breaks: list[int], style: Style) -> None:
    ends = [0, *sorted(breaks), len(LINES)]
    # one row of figures alone on a page is too little to tell its columns by: such a page is read, but not joined
    assume(all(sum(bool(line[2]) for line in LINES[a:b]) >= 2 for a, b in pairwise(ends)))
    (table,) = _tables(_elements(breaks, style))
    assert table.rows == _whole()


def _other(*above: tuple[str, float, bool], periods: tuple[str, ...] = ()) -> Callable[[Canvas], None]:
    """A page with figures in the same columns below other words."""

    def draw(canvas: Canvas) -> None:
        y = 70.0
        for text, size, bold in above:
            write(canvas, 60, y, text, size, bold=bold)
            y += 2 * size
        for edge, period in zip(EDGES, periods, strict=False):
            right(canvas, edge, y, period, 9)
        for label, *figures in (("Ricavi delle vendite", "910", "870"), ("Altri ricavi", "12", "9")):
            y += 14
            write(canvas, 60, y, label, 9)
            for edge, figure in zip(EDGES, figures, strict=True):
                right(canvas, edge, y, figure, 9)

    return draw


@pytest.mark.parametrize(
    "following",
    [
        _other(("Conto economico", 13, True), periods=("31-12-2024", "31-12-2023")),
        _other(periods=("2022", "2021")),
        _other(("I ricavi di cui si tratta sono esposti al netto di sconti e abbuoni.", 9, False)),
        _other(("Nota 7. Ricavi", 11, True)),
    ],
    ids=["title", "periods", "sentence", "heading"],
)
def test_another_table_in_the_same_columns_stays_apart(following: Callable[[Canvas], None]) -> None:
    tables = _tables(pdf.parse(make(_sheet(0, 8, "bare", 1), following), context()).elements)
    assert [table.page for table in tables] == [1, 2]


def test_what_is_repeated_is_kept_as_a_header() -> None:
    elements = _elements([9], "marked")
    headers = [element.text for element in elements if element.kind == "header"]
    assert headers == ["Stato patrimoniale passivo (segue)", "31-12-2024 31-12-2023"]
    assert all(element.page == 2 for element in elements if element.kind == "header")
