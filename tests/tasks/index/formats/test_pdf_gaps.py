"""Letters that their font does not map to text: noticed in every way they come out, and read from the picture."""

import importlib.util
import io
import re
import shutil
from pathlib import Path

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from tasks.index.formats import pdf
from tasks.index.formats.pdf_gaps import with_letters
from tasks.index.formats.pdf_words import PageWords, Word
from tests.tasks.index.formats.paper import context

LINES = ("La società è così già costituita, 1.250.000", "Più attività: 77.415 nel 2024", "Parole comuni 9.120")
ENTRY = rb"<(0[1-7])> <[0-9A-F]{4}>"  # of the map of a font: letters beyond ASCII


def paper(lost: bytes = b"", mapped: bool = True) -> bytes:
    """A page whose letters beyond ASCII map to `lost`, or have no map at all."""
    spec = importlib.util.find_spec("font_source_sans_pro")
    assert spec is not None
    folder = Path(next(iter(spec.submodule_search_locations or ())), "files")
    pdfmetrics.registerFont(TTFont("Prova", str(folder / "SourceSansPro-Regular.ttf")))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pageCompression=0)
    canvas.setFont("Prova", 12)
    for number, line in enumerate(LINES):
        canvas.drawString(60, 760 - 24 * number, line)
    canvas.save()
    data = buffer.getvalue()
    data = re.sub(ENTRY, rb"<\1> <" + lost + b">", data) if lost else data
    return data if mapped else data.replace(b"/ToUnicode", b"/ToUnicodX")


@pytest.mark.parametrize(("lost", "mapped"), [(b"0000", True), (b"FFFD", True), (b"E001", True), (b"", False)])
def test_lost_letters_are_told_where_nothing_can_read_them(lost: bytes, mapped: bool) -> None:
    [warning] = pdf.parse(paper(lost, mapped), context(ocr="off")).warnings
    assert "page 1 has letters that their fonts do not map to text" in warning


def test_a_page_with_all_its_letters_is_left_alone() -> None:
    assert pdf.parse(paper(), context(ocr="off")).warnings == ()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_lost_letters_are_read_from_the_picture() -> None:
    parsed = pdf.parse(paper(b"0000"), context())
    text = " ".join(element.text for element in parsed.elements)
    assert all(word in text for word in ("società", "così", "già", "Più", "attività", "1.250.000", "9.120"))
    assert "word(s) were read from the picture" in parsed.warnings[0]


def word(text: str, x0: float, x1: float) -> Word:
    return Word(text, x0, x1, 100, 10, False)


@pytest.mark.parametrize(
    ("known", "seen", "text"),
    [
        ([("us-", 10, 25), ("ug", 25, 35)], ("usług", 10, 36), "usług"),
        ([("Sprzeda", 10, 50)], ("Sprzedaż", 10, 55), "Sprzedaż"),
        ([("1.250", 10, 40)], ("1.2500", 10, 40), "1.250"),  # a figure is never touched
        ([("Totale", 10, 40)], ("Totale", 10, 40), "Totale"),
        ([("Totale", 10, 40)], ("xyzwvkj", 10, 40), "Totale"),  # another word: recognition is wrong there
        ([("di", 10, 20), ("9", 22, 30)], ("di9", 10, 30), "di 9"),
    ],
)
def test_only_words_that_lack_letters_are_replaced(
    known: list[tuple[str, float, float]], seen: tuple[str, float, float], text: str
) -> None:
    words, count = with_letters(PageWords(tuple(word(*one) for one in known)), PageWords((word(*seen),)))
    assert " ".join(one.text for one in words.words) == text
    assert count == (text != " ".join(one[0] for one in known))
