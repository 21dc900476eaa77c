"""Kinds of PDF that lost something once: each with a page that is made for it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Sequence

import pypdf
import pypdfium2
import pytest
from PIL import Image
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, TextStringObject
from pypdf.generic import RectangleObject as Rectangle
from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas

from tasks.index.formats import pdf
from tasks.index.formats.pdf_shapes import read_shapes
from tasks.records import Element, Parsed
from tests.tasks.index.formats.paper import HEIGHT, LOREM, context, make, paragraph, right, write


def read(*pages: Callable[[Canvas], None], **info: str) -> Parsed:
    return pdf.parse(make(*pages, **info), context())


def tables(elements: Sequence[Element]) -> list[tuple[tuple[str, ...], ...]]:
    return [element.rows for element in elements if element.rows]


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("blank", [" ", "\u00a0"])
def test_blanks_between_thousands_and_in_brackets(blank: str) -> None:
    lines = (
        ("Crediti verso clienti", "1 234 567", "987 600"),
        ("Fondo rischi", "( 45 300 )", "(12 800)"),
        ("Cassa", "1 250,40", "- 3 100,00"),
        ("Ratei", "12", "345"),
    )

    def page(canvas: Canvas) -> None:
        for number, (label, *figures) in enumerate(lines):
            write(canvas, 60, 100 + 14 * number, label)
            for edge, figure in zip((380, 480), figures, strict=True):
                right(canvas, edge, 100 + 14 * number, figure.replace(" ", blank))

    assert tables(read(page).elements) == [
        (
            ("Crediti verso clienti", "1 234 567", "987 600"),
            ("Fondo rischi", "(45 300)", "(12 800)"),
            ("Cassa", "1 250,40", "- 3 100,00"),
            ("Ratei", "12", "345"),
        )
    ]


# ---------------------------------------------------------------- ruled tables

CELLS = (
    ("Reparto", "Responsabile", "Compito", "Ore"),
    ("Tessitura", "Anna Belli", "Controllo dei telai e dei fusi nuovi", "12"),
    ("Tintoria", "", "Vasche, scarichi e depurazione delle acque", "8"),
    ("Magazzino", "Ugo Ferri", "Spedizioni", ""),
)
EDGES = (50, 130, 210, 330, 380)


def ruled(rows: Sequence[Sequence[str]], style: str = "lines", shift: float = 0) -> Callable[[Canvas], None]:
    """A page with a ruled table; long texts wrap. Rules are strokes, boxes a cell, or thin filled bars."""

    def page(canvas: Canvas) -> None:
        y = 120.0
        tops = [y]
        for row in rows:
            depth = y
            for left, end, text in zip(EDGES, EDGES[1:], row, strict=False):
                if text:
                    depth = max(depth, paragraph(canvas, left + 4 + shift, y + 12, end - left - 8, text, 9))
            y = max(depth - 6, y + 16)
            tops.append(y)
        for y in tops:
            _rule(canvas, EDGES[0] + shift, y, EDGES[-1] + shift, y, style)
        for x in EDGES:
            _rule(canvas, x + shift, tops[0], x + shift, tops[-1], style)
        if style == "boxes":
            for top, bottom in itertools.pairwise(tops):
                for left, end in itertools.pairwise(EDGES):
                    canvas.rect(left + shift, HEIGHT - bottom, end - left, bottom - top)

    return page


def _rule(canvas: Canvas, x0: float, y0: float, x1: float, y1: float, style: str) -> None:
    if style == "lines":
        canvas.line(x0, HEIGHT - y0, x1, HEIGHT - y1)
    elif style == "bars":
        canvas.rect(x0, HEIGHT - y1, max(x1 - x0, 0.7), max(y1 - y0, 0.7), stroke=0, fill=1)


@pytest.mark.parametrize("style", ["lines", "boxes", "bars"])
def test_a_ruled_table_of_words_has_its_cells(style: str) -> None:
    parsed = read(ruled(CELLS, style))
    assert tables(parsed.elements) == [CELLS]
    assert parsed.elements[0].place(1, 2) is not None


def test_text_above_and_below_a_ruled_table_stays_there() -> None:
    def page(canvas: Canvas) -> None:
        write(canvas, 50, 80, "Mansionario dei reparti")
        ruled(CELLS)(canvas)
        paragraph(canvas, 50, 400, 480, LOREM)

    kinds = [(element.kind, element.text[:11]) for element in read(page).elements]
    assert kinds == [("text", "Mansionario"), ("table", "Reparto | R"), ("text", "The board m")]


def test_a_ruled_table_goes_on_on_the_next_page() -> None:
    more = (CELLS[0], ("Officina", "Lia Neri", "Manutenzione", "30"))
    (table,) = [e for e in read(ruled(CELLS), ruled(more, shift=12)).elements if e.rows]
    assert table.rows == (*CELLS, more[1])
    assert [table.page_of(row) for row in range(5)] == [1, 1, 1, 1, 2]


def test_a_box_around_columns_of_figures_is_no_cell() -> None:
    def page(canvas: Canvas) -> None:
        for x in (50, 300, 400, 500):
            canvas.line(x, HEIGHT - 90, x, HEIGHT - 180)
        for y in (90, 110, 180):
            canvas.line(50, HEIGHT - y, 500, HEIGHT - y)
        lines = (("", "2024", "2023"), ("Ricavi", "910", "870"), ("Costi", "420", "400"), ("Utile", "490", "470"))
        for number, (label, *figures) in enumerate(lines):
            write(canvas, 56, 104 + 18 * number, label, 9)
            for edge, figure in zip((390, 490), figures, strict=True):
                right(canvas, edge, 104 + 18 * number, figure, 9)

    (rows,) = tables(read(page).elements)
    assert rows[1:] == (("Ricavi", "910", "870"), ("Costi", "420", "400"), ("Utile", "490", "470"))


# ---------------------------------------------------------------- turned and slanted text


@pytest.mark.parametrize("angle", [90, -90])
def test_turned_heads_stand_over_their_columns(angle: int) -> None:
    def page(canvas: Canvas) -> None:
        write(canvas, 50, 60, "Consumi per reparto")
        for x, text in ((210, "Energia elettrica"), (260, "Gas naturale"), (310, "Acqua potabile")):
            canvas.saveState()
            canvas.setFont("Helvetica", 9)
            canvas.translate(x, HEIGHT - (190 if angle == 90 else 105))
            canvas.rotate(angle)
            canvas.drawString(0, 0, text)
            canvas.restoreState()
        for number, (label, *figures) in enumerate(
            (("Tessitura", "1.240", "310", "88"), ("Tintoria", "980", "455", "612"))
        ):
            write(canvas, 50, 205 + 15 * number, label)
            for edge, figure in zip((222, 272, 322), figures, strict=True):
                right(canvas, edge, 205 + 15 * number, figure)

    (rows,) = tables(read(page).elements)
    assert rows[0] == ("", "Energia elettrica", "Gas naturale", "Acqua potabile")
    assert rows[1] == ("Tessitura", "1.240", "310", "88")


def test_a_watermark_is_neither_title_nor_text() -> None:
    def page(canvas: Canvas) -> None:
        canvas.saveState()
        canvas.setFillColor(Color(0.8, 0.8, 0.8))
        canvas.translate(150, 300)
        canvas.rotate(45)
        canvas.setFont("Helvetica-Bold", 70)
        canvas.drawString(0, 0, "COPIA RISERVATA")
        canvas.restoreState()
        write(canvas, 50, 90, "Relazione sulla gestione", 15, bold=True)
        paragraph(canvas, 50, 120, 480, LOREM)

    parsed = read(page)
    assert parsed.title == "Relazione sulla gestione"
    assert [(e.kind, e.text) for e in parsed.elements if "RISERVATA" in e.text] == [("header", "COPIA RISERVATA")]
    assert [e.text for e in parsed.elements if e.kind == "text"] == [LOREM]


def test_a_ruled_table_goes_on_with_a_single_row() -> None:
    last = [["Totale", "", "tre pagine", "fine"][: len(CELLS[0])]]
    pages = ruled(CELLS), ruled(last, shift=12)
    (table,) = [e for e in read(*pages).elements if e.rows]
    assert table.rows and table.rows[-1] == tuple(last[0])
    assert table.page_of(len(table.rows) - 1) == 2
    alone = [e for e in read(ruled(last)).elements if e.rows]
    assert not alone


# ---------------------------------------------------------------- what is filled in and pinned


def form(canvas: Canvas) -> None:
    write(canvas, 60, 100, "Consenso al trattamento:")
    canvas.acroForm.checkbox(name="yes", x=190, y=HEIGHT - 104, size=12, checked=True)
    write(canvas, 60, 130, "Invio della newsletter:")
    canvas.acroForm.checkbox(name="no", x=190, y=HEIGHT - 134, size=12, checked=False)


def test_a_ticked_box_leaves_a_trace() -> None:
    texts = " ".join(element.text for element in read(form).elements)
    assert "Consenso al trattamento: ☒" in texts
    assert "Invio della newsletter: ☐" in texts


def _annotated(**entries: object) -> bytes:
    """A page with a text and one annotation of these entries (`page` in the title's place at 60, 700)."""
    writer = pypdf.PdfWriter(
        clone_from=io.BytesIO(make(lambda canvas: write(canvas, 60, 100, "Lettera accompagnatoria")))
    )
    note = DictionaryObject(
        {NameObject("/Type"): NameObject("/Annot"), NameObject("/Rect"): Rectangle((60, 650, 300, 664))}
    )
    for name, value in entries.items():
        note[NameObject(f"/{name}")] = value(writer) if callable(value) else value
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_a_value_without_a_picture_of_it_is_read() -> None:
    data = _annotated(
        Subtype=NameObject("/Widget"),
        FT=NameObject("/Tx"),
        T=TextStringObject("a"),
        V=TextStringObject("50.000,00 euro"),
    )
    assert [element.text for element in pdf.parse(data, context()).elements][-1] == "50.000,00 euro"


def test_a_file_pinned_to_a_page_is_an_attachment() -> None:
    def specification(writer: pypdf.PdfWriter) -> DictionaryObject:
        stream = DecodedStreamObject()
        stream.set_data(b"voce;importo\nPenale;7.300\n")
        return DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Filespec"),
                NameObject("/F"): TextStringObject("penali.csv"),
                NameObject("/UF"): TextStringObject("penali.csv"),
                NameObject("/EF"): DictionaryObject({NameObject("/F"): writer._add_object(stream)}),
            }
        )

    parsed = pdf.parse(_annotated(Subtype=NameObject("/FileAttachment"), FS=specification), context())
    assert [(a.name, a.data) for a in parsed.attachments] == [("penali.csv", b"voce;importo\nPenale;7.300\n")]


def test_pictures_without_text_are_counted_by_page() -> None:
    """A photograph and a letterhead are told of, a mere bullet and the ground below the text are not."""
    grey = Image.effect_noise((200, 200), 40)

    def illustrated(canvas: Canvas) -> None:
        write(canvas, 60, 40, "Relazione sulla gestione")
        canvas.drawInlineImage(grey, 60, 300, 200, 200)
        canvas.drawInlineImage(grey, 300, 300, 90, 90)
        canvas.drawInlineImage(grey, 20, 20, 8, 8)

    def grounded(canvas: Canvas) -> None:
        canvas.drawInlineImage(grey, 50, 500, 500, 300)
        for line in range(24):
            write(
                canvas,
                60,
                50 + 12 * line,
                "Il consiglio approva il bilancio e propone di riportare a nuovo l'utile.",
                11,
            )

    def plain(canvas: Canvas) -> None:
        write(canvas, 60, 40, "Nota integrativa")

    assert read(illustrated, plain, grounded, illustrated).warnings == (
        "pages 1, 4 have 4 pictures without lines of text, of which nothing was read",
    )


@pytest.mark.parametrize("kind", ["/Text", "/Highlight", "/Square"])
def test_comments_on_a_page_are_read_behind_it(kind: str) -> None:
    comment = {"Contents": TextStringObject("Il canone è 1.250 €: da verificare")}
    parsed = pdf.parse(_annotated(Subtype=NameObject(kind), **comment), context())
    assert [(e.text, e.section) for e in parsed.elements] == [
        ("Lettera accompagnatoria", ""),
        ("Il canone è 1.250 €: da verificare", "Comments"),
    ]


def test_a_pinned_file_that_is_damaged_costs_only_itself() -> None:
    def specification(writer: pypdf.PdfWriter) -> DictionaryObject:
        return DictionaryObject(
            {NameObject("/Type"): NameObject("/Filespec"), NameObject("/F"): TextStringObject("a.csv")}
        )

    parsed = pdf.parse(_annotated(Subtype=NameObject("/FileAttachment"), FS=specification), context())
    assert [e.text for e in parsed.elements] == ["Lettera accompagnatoria"]
    assert "pinned to it cannot be taken out" in parsed.warnings[0]


def test_files_in_a_pdf_without_text_are_read() -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    writer.add_attachment("fattura.xml", b"<a>1512</a>")
    target = io.BytesIO()
    writer.write(target)
    parsed = pdf.parse(target.getvalue(), context())
    assert [a.name for a in parsed.attachments] == ["fattura.xml"]
    assert parsed.warnings == ("0 elements from 1 page: the pages are empty",)


def test_a_picture_and_rules_amid_many_words_are_seen() -> None:
    """A program that writes a text object a word has drawn the one picture of the page between two of them."""
    noise = Image.effect_noise((200, 200), 40)

    def crowded(canvas: Canvas) -> None:
        for number in range(300):
            write(canvas, 50 + 9 * (number % 50), 40 + 12 * (number // 50), "ab", 6)
            if number == 131:
                canvas.drawInlineImage(noise, 60, 300, 200, 200)

    assert len(read_shapes(pypdfium2.PdfDocument(make(crowded))[0]).pictures) == 1
