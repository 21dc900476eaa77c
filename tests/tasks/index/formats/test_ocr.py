"""Text recognition: pictures, scanned pages, crooked and turned ones. Skipped only where tesseract is absent."""

from __future__ import annotations

import io
import shutil
from functools import lru_cache
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageFilter, ImageOps
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats import image, ocr, ocr_second, pdf
from tasks.index.formats.base import Context
from tasks.index.formats.ocr_vote import Seen, vote
from tasks.index.formats.pdf_words import Word
from tests.tasks.index.formats.paper import HEIGHT, WIDTH, context, make, statement, write

pytestmark = pytest.mark.slow

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


@lru_cache(maxsize=1)
def scan() -> Image.Image:
    """The statement as a grey picture at 200 dots per inch."""
    with pypdfium2.PdfDocument(make(statement)) as document:
        return document[0].render(scale=200 / 72, grayscale=True).to_pil().copy()


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def on_page(picture: Image.Image) -> bytes:
    return make(lambda canvas: canvas.drawImage(ImageReader(picture), 0, 0, WIDTH, HEIGHT))


def figures(data: bytes) -> dict[str, tuple[str, ...]]:
    """Label → figures of all tables of a PDF."""
    parsed = pdf.parse(data, context())
    return {row[0]: row[1:] for element in parsed.elements for row in element.rows or ()}


@needs_tesseract
def test_a_scanned_statement_gives_rows() -> None:
    rows = figures(on_page(scan()))
    assert rows["Cost of sales"] == ("16,682", "16,055", "15,118")
    assert rows["Gain on sale of businesses"] == ("(547)", "(586)", "(111)")
    assert rows["(Millions)"] == ("2018", "2017", "2016")


@needs_tesseract
def test_a_crooked_scan_gives_the_same_rows() -> None:
    rows = figures(on_page(scan().rotate(1.0, fillcolor=255)))
    assert rows["Cost of sales"] == ("16,682", "16,055", "15,118")


@needs_tesseract
def test_a_scan_on_its_side_is_turned() -> None:
    picture = scan().crop((0, 0, scan().width, scan().height // 2)).rotate(90, expand=True)
    parsed = image.parse(saved(picture, "PNG", dpi=(200, 200)), context())
    assert any("16,682" in element.text for element in parsed.elements)


@needs_tesseract
def test_only_pages_without_text_are_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    extended: list[int] = []
    asked = Context("x.pdf", Limits(), extend=lambda: extended.append(1))

    def scanned(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(scan()), 0, 0, WIDTH, HEIGHT)
        write(canvas, 500, 20, "Page 2", 8)  # a stamp over the scan is no text layer

    parsed = pdf.parse(make(statement, scanned), asked)
    assert len(extended) == 1, "one page asked for more time"
    assert {element.page for element in parsed.elements if element.kind == "table"} == {1, 2}


@needs_tesseract
def test_a_picture_without_letters_is_no_text() -> None:
    with pytest.raises(DocumentError, match="no text was recognised") as caught:
        image.parse(saved(Image.new("L", (400, 300), 255), "PNG"), context())
    assert caught.value.kind is FailureKind.NO_TEXT


@needs_tesseract
def test_frames_are_pages(tmp_path: Path) -> None:
    top = scan().crop((0, 150, scan().width, 700))
    path = tmp_path / "two.tif"
    top.save(path, "TIFF", save_all=True, append_images=[top], dpi=(200, 200))
    parsed = image.parse(path, context())
    assert (parsed.format, parsed.pages) == ("tiff", 2)
    assert {element.page for element in parsed.elements} == {1, 2}
    with pytest.raises(DocumentError, match="2 frames, the limit is 1"):
        image.parse(path, Context("two.tif", Limits(pages=1)))


@needs_tesseract
def test_the_camera_says_which_side_is_up() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to view
    turned = scan().crop((0, 150, scan().width, 700)).rotate(90, expand=True)
    parsed = image.parse(saved(turned, "JPEG", exif=exif, dpi=(200, 200)), context())
    assert any("16,682" in element.text for element in parsed.elements)


def test_limits_and_broken_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture = saved(Image.new("L", (400, 300), 255), "PNG")
    cases: list[tuple[bytes, Context, FailureKind]] = [
        (picture, context(ocr="off"), FailureKind.NO_TEXT),
        (picture, Context("x.png", Limits(pixels=1000)), FailureKind.TOO_LARGE),
        (picture[:60], context(), FailureKind.CORRUPT),
    ]
    for data, asked, kind in cases:
        if kind is FailureKind.NO_TEXT or shutil.which("tesseract"):
            with pytest.raises(DocumentError) as caught:
                image.parse(data, asked)
            assert caught.value.kind is kind
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DocumentError, match="apt-get install tesseract-ocr") as caught:
        image.parse(picture, context())
    assert caught.value.kind is FailureKind.MISSING_PROGRAM


@needs_tesseract
@pytest.mark.parametrize("degrees", [0, 90, 180, 270, 3, -2.5])
def test_a_turned_or_crooked_scan_gives_the_same_rows(degrees: float) -> None:
    turned = scan().rotate(degrees, expand=degrees % 90 == 0, fillcolor=255)
    parsed = image.parse(saved(turned, "PNG", dpi=(200, 200)), context())
    rows = {row[0]: row[1:] for element in parsed.elements for row in element.rows or ()}
    assert rows["Cost of sales"] == ("16,682", "16,055", "15,118")
    assert parsed.metadata["ocr_pages"] == "1"
    assert int(parsed.metadata["ocr_confidence"]) > 80


@needs_tesseract
@pytest.mark.parametrize("kind", ["inverted", "16 bits", "CMYK", "palette"])
def test_pictures_of_all_kinds_are_made_grey(kind: str) -> None:
    top = scan().crop((0, 150, scan().width, 700))
    pictures = {
        "inverted": lambda: saved(ImageOps.invert(top), "PNG", dpi=(200, 200)),
        "16 bits": lambda: saved(Image.fromarray(np.asarray(top).astype(np.uint16) * 257), "TIFF", dpi=(200, 200)),
        "CMYK": lambda: saved(top.convert("RGB").convert("CMYK"), "JPEG", dpi=(200, 200)),
        "palette": lambda: saved(top.convert("P"), "GIF"),
    }
    parsed = image.parse(pictures[kind](), context())
    assert any("16,682" in element.text for element in parsed.elements)


@needs_tesseract
def test_a_scan_under_a_printed_line_keeps_both() -> None:
    def page(canvas: Canvas) -> None:
        write(canvas, 50, 30, "Comune di Brughiera - prot. 4471 del 3 marzo 2025")
        canvas.drawImage(ImageReader(scan().crop((0, 150, scan().width, 900))), 40, 300, 515, 240)

    text = " ".join(element.text for element in pdf.parse(make(page), context()).elements)
    assert "prot. 4471" in text
    assert "16,682" in text


def test_a_scan_with_a_recognised_layer_is_not_read_again() -> None:
    asked: list[int] = []

    def page(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(scan()), 0, 0, WIDTH, HEIGHT)
        canvas.saveState()
        canvas._code.append("3 Tr")  # invisible text, as recognition writes it over a scan
        statement(canvas)
        canvas.restoreState()

    parsed = pdf.parse(make(page), Context("x.pdf", Limits(), extend=lambda: asked.append(1)))
    assert asked == []
    assert " ".join(element.text for element in parsed.elements).count("16,682") == 1


def test_a_picture_that_cannot_be_read_is_told() -> None:
    def page(canvas: Canvas) -> None:
        write(canvas, 50, 30, "Comune di Brughiera")
        canvas.drawImage(ImageReader(scan()), 40, 100, 515, 700)

    warnings = pdf.parse(make(page), context(ocr="off")).warnings
    assert warnings == ("page 1 has a picture of text that was not read: text recognition is off (FALDONE_OCR)",)


@needs_tesseract
def test_languages_that_are_not_installed() -> None:
    found = ocr.find_tesseract(("eng", "xyz"))
    assert isinstance(found, ocr.Tesseract)
    assert found.languages == "eng"
    assert ocr.find_tesseract(("xyz",)) == "tesseract has no data for xyz: apt-get install tesseract-ocr-xyz"


needs_both = pytest.mark.skipif(
    shutil.which("tesseract") is None or not ocr_second.available(), reason="an engine is not installed"
)


@needs_both
def test_the_second_engine_is_asked_where_the_first_doubts() -> None:
    poor = scan().resize((scan().width // 2, scan().height // 2)).filter(ImageFilter.GaussianBlur(1.1))
    parsed = image.parse(saved(poor, "PNG", dpi=(100, 100)), context())
    assert parsed.metadata["ocr_engines"] == "rapidocr, tesseract"
    assert parsed.metadata["ocr_pages_read_twice"] == "1"


def seen(text: str, x: float, confidence: float) -> Seen:
    return Seen(Word(text, x, x + 30, 100, 10, False), confidence)


def test_figures_are_voted_on() -> None:
    first = [
        seen("16,682", 0, 95),
        seen("1.234", 50, 40),
        seen("9S0", 100, 90),
        seen("Ricavi", 150, 97),
        seen("~", 200, 99),
    ]
    second = [seen("16,632", 0, 80), seen("1.284", 50, 99), seen("950", 100, 85), seen("Ricavl", 150, 98)]
    words, disputed = vote(first, second)
    assert [word.word.text for word in words] == ["16,682", "1.284", "950", "Ricavl"]
    assert [*map(str, disputed)] == ["16,682 (or 16,632)", "1.284 (or 1.234)", "950 (or 9S0)"]


def test_the_first_engine_says_how_thousands_are_separated() -> None:
    first = [seen("3,865", 0, 70), seen("3,618", 50, 95), seen("2818", 100, 70)]
    second = [seen("3.865", 0, 99), seen("3.618", 50, 99), seen("2.318", 100, 99)]
    words, disputed = vote(first, second)
    assert [word.word.text for word in words] == ["3,865", "3,618", "2.318"]
    assert [*map(str, disputed)] == ["2.318 (or 2818)"]
