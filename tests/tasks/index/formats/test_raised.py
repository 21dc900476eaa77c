"""Figures that stand above the line behind a figure: a note's mark or a power, and never a figure of the number."""

import io

import pptx
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from pptx.util import Inches
from reportlab.pdfgen.canvas import Canvas

from infra.settings import Limits
from tasks.index.formats.base import Context, raised
from tasks.index.formats.excel import _plain
from tasks.index.read import read
from tests.tasks.index.formats.paper import make, right, write

SHOWN = "Ricavi 1.250² euro"
_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "style")
)


def flat_odt(position: str) -> bytes:
    look = f'<style:text-properties style:text-position="{position}"/>'
    return (
        f'<office:document {_SPACES} office:mimetype="application/vnd.oasis.opendocument.text"><office:automatic-styles>'
        f'<style:style style:name="T1" style:family="text">{look}</style:style></office:automatic-styles><office:body>'
        '<office:text><text:p>Ricavi 1.250<text:span text:style-name="T1">2</text:span> euro</text:p></office:text>'
        "</office:body></office:document>"
    ).encode()


def deck(baseline: int) -> bytes:
    show, target = pptx.Presentation(), io.BytesIO()
    box = show.slides.add_slide(show.slide_layouts[6]).shapes.add_textbox(0, 0, Inches(4), Inches(1))
    for text, place in (("Ricavi 1.250", 0), ("2", baseline), (" euro", 0)):
        run = box.text_frame.paragraphs[0].add_run()
        run.text = text
        run.font._element.set("baseline", str(place))
    show.save(target)
    return target.getvalue()


def page(rise: float) -> bytes:
    def draw(canvas: Canvas) -> None:
        text = canvas.beginText(60, 700)
        for piece, size, up in (("Ricavi 1.250", 10, 0.0), ("2", 6 if rise else 10, rise), (" euro", 10, 0.0)):
            text.setFont("Helvetica", size)
            text.setRise(up)
            text.textOut(piece)
        canvas.drawText(text)

    return make(draw)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (flat_odt("super 58%"), SHOWN),
        (flat_odt("33% 58%"), SHOWN),
        (flat_odt("sub 58%"), "Ricavi 1.2502 euro"),
        (deck(30_000), SHOWN),
        (deck(0), "Ricavi 1.2502 euro"),
        (page(4), SHOWN),
        (page(0), "Ricavi 1.2502 euro"),
    ],
)
def test_a_raised_figure_is_none_of_the_number(data: bytes, shown: str) -> None:
    assert read(data, Context("x", Limits(), ocr="off")).elements[-1].text == shown


def test_marked_figures_keep_their_columns() -> None:
    def statement(canvas: Canvas) -> None:
        for number, (label, *figures) in enumerate((("Ricavi", "4.120", "3.900"), ("Costi", "1.250", "1.100"))):
            y = 100 + 14 * number
            write(canvas, 60, y, label)
            right(canvas, 300, y, figures[0])
            if label == "Costi":
                write(canvas, 300.2, y - 4, "2", size=6)
            right(canvas, 400, y, figures[1])

    (element,) = read(make(statement), Context("x.pdf", Limits())).elements
    assert element.rows == (("Ricavi", "4.120", "3.900"), ("Costi", "1.250²", "1.100"))


def test_runs_of_a_cell() -> None:
    up = TextBlock(InlineFont(vertAlign="superscript"), "2")
    assert _plain(CellRichText("Ricavi 1.250", up, " euro")) == SHOWN


def test_only_figures_behind_figures_are_raised() -> None:
    assert [raised("10", "3"), raised("nota", "3"), raised("10", "th"), raised("", "2")] == ["³", "3", "th", "2"]
