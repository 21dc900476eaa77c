"""Pictures: those that are pages are read, illustrations are counted in a warning, and all are read of a document without text."""

import io
import shutil

import openpyxl
import pytest
from PIL import Image, ImageDraw, ImageFont

from infra.settings import Limits
from office import DRAWING, docx, p, packed, parsed, part, relations
from tasks.index.formats.base import Context
from tasks.index.read import read

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


@pytest.fixture(scope="module")
def scan() -> bytes:
    image = Image.new("L", (900, 160), 255)
    ImageDraw.Draw(image).text((30, 40), "Delibera numero 318", font=ImageFont.load_default(60), fill=0)
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def drawing(wide: int, high: int) -> str:
    extent = f'<wp:extent xmlns:wp="{DRAWING}/wordprocessingDrawing" cx="{wide}" cy="{high}"/>'
    inner = '<a:graphic><a:graphicData><a:blip r:embed="i"/></a:graphicData></a:graphic>'
    return f'<w:r><w:drawing><wp:inline xmlns:wp="{DRAWING}/wordprocessingDrawing">{extent}{inner}</wp:inline></w:drawing></w:r>'


def texts(data: bytes, ocr: str = "auto") -> list[str]:
    return [e.text for e in read(data, Context("x.docx", Limits(), ocr=ocr)).elements]  # type: ignore[arg-type]


@needs_tesseract
@pytest.mark.parametrize(("wide", "found"), [(7_000_000, True), (900_000, False)])
@pytest.mark.slow
def test_a_scan_in_a_text_is_read_in_its_place_and_an_illustration_is_not(scan: bytes, wide: int, found: bool) -> None:
    data = docx(p("Prima") + p(drawing(wide, 9_900_000)) + p("Dopo"), {"word/media/i.png": scan}, i="image media/i.png")
    read_texts = texts(data)
    assert (read_texts[0], read_texts[-1]) == ("Prima", "Dopo")
    assert any("318" in text for text in read_texts) == found


@needs_tesseract
@pytest.mark.slow
def test_a_document_without_text_gives_that_of_its_pictures(scan: bytes) -> None:
    data = docx(p(drawing(900_000, 900_000)), {"word/media/i.png": scan}, i="image media/i.png")
    assert "318" in " ".join(texts(data))


@pytest.mark.slow
@needs_tesseract
def test_slides_and_sheets_of_pictures(scan: bytes) -> None:
    shape = '<p:pic><p:blipFill><a:blip r:embed="i"/></p:blipFill><p:spPr><a:xfrm><a:ext cx="{}" cy="6000000"/></a:xfrm></p:spPr></p:pic>'
    deck = packed(
        {
            "_rels/.rels": relations(m="officeDocument ppt/presentation.xml"),
            "ppt/presentation.xml": part(
                "p:presentation", '<p:sldIdLst><p:sldId r:id="s"/></p:sldIdLst><p:sldSz cx="9000000" cy="6800000"/>'
            ),
            "ppt/_rels/presentation.xml.rels": relations(s="slide slides/slide1.xml"),
            "ppt/slides/slide1.xml": part("p:sld", f"<p:cSld><p:spTree>{shape.format(8_000_000)}</p:spTree></p:cSld>"),
            "ppt/slides/_rels/slide1.xml.rels": relations(i="image ../media/i.png"),
            "ppt/media/i.png": scan,
        }
    )
    book, target = openpyxl.Workbook(), io.BytesIO()
    book.active.add_image(openpyxl.drawing.image.Image(io.BytesIO(scan)))
    book.save(target)
    for data in (deck, target.getvalue()):
        assert "318" in " ".join(texts(data))


def test_without_recognition_the_picture_is_named(scan: bytes) -> None:
    data = docx(p("Prima") + p(drawing(7_000_000, 9_900_000)), {"word/media/i.png": scan}, i="image media/i.png")
    result = read(data, Context("x.docx", Limits(), ocr="off"))
    assert "word/media/i.png" in result.warnings[0]


def test_a_picture_that_is_not_there_costs_nothing() -> None:
    assert [e.text for e in parsed(docx(p("Prima") + p(drawing(7_000_000, 9_900_000)))).elements] == ["Prima"]


@pytest.mark.parametrize(("wide", "told"), [(3_000_000, True), (200_000, False)])
def test_illustrations_are_counted_and_ornaments_are_not(scan: bytes, wide: int, told: bool) -> None:
    data = docx(p("Prima") + p(drawing(wide, wide)), {"word/media/i.png": scan}, i="image media/i.png")
    warnings = read(data, Context("x.docx", Limits(), ocr="off")).warnings
    assert any(warning.startswith("1 picture was not read") and "i.png" in warning for warning in warnings) == told


def test_pictures_of_a_workbook_with_figures_are_counted(scan: bytes) -> None:
    book, target = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Ricavi", 4120])
    for cell in ("D2", "D40"):
        book.active.add_image(openpyxl.drawing.image.Image(io.BytesIO(scan)), cell)
    book.save(target)
    (warning,) = read(target.getvalue(), Context("x.xlsx", Limits())).warnings
    assert warning.startswith("2 pictures were not read")


@pytest.mark.parametrize(
    ("markup", "count"),
    [
        ('<p>Ricavi <img src="grafici/ricavi.png?v=2"> <img src="spazio.gif" width="1"><svg><path/></svg></p>', 2),
        ('<p>Ricavi <img src="data:image/png;base64,AAAA"><img></p>', 1),
        ("<p>Ricavi <b>4.120</b></p>", 0),
    ],
)
def test_pictures_of_a_web_page_are_counted(markup: str, count: int) -> None:
    warnings = read(f"<html><body>{markup}</body></html>".encode(), Context("x.html", Limits())).warnings
    assert [warning.split()[0] for warning in warnings] == ([str(count)] if count else [])


def test_pictures_of_markdown_and_rtf_are_counted() -> None:
    for name, text in (
        ("x.md", "# Ricavi\n\n![grafico](ricavi.png)\n"),
        ("x.rtf", r"{\rtf1 Ricavi{\*\shppict{\pict\pngblip 00}}{\nonshppict{\pict\wmetafile8 00}}\par}"),
    ):
        (warning,) = read(text.encode(), Context(name, Limits())).warnings
        assert warning.startswith("1 picture was not read")


def test_formulas_of_web_pages_are_read_in_their_sentence() -> None:
    formula = "<math><msup><mi>r</mi><mn>2</mn></msup><annotation>r^2</annotation></math>"
    (element,) = read(f"<html><p>Area {formula} per piano</p></html>".encode(), Context("x.html", Limits())).elements
    assert element.text == "Area r^2 per piano"
