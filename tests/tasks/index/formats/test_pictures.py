"""Pictures in Office documents: those that are pages are read, illustrations are not, all of a document without text."""

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
def test_a_scan_in_a_text_is_read_in_its_place_and_an_illustration_is_not(scan: bytes, wide: int, found: bool) -> None:
    data = docx(p("Prima") + p(drawing(wide, 9_900_000)) + p("Dopo"), {"word/media/i.png": scan}, i="image media/i.png")
    read_texts = texts(data)
    assert (read_texts[0], read_texts[-1]) == ("Prima", "Dopo")
    assert any("318" in text for text in read_texts) == found


@needs_tesseract
def test_a_document_without_text_gives_that_of_its_pictures(scan: bytes) -> None:
    data = docx(p(drawing(900_000, 900_000)), {"word/media/i.png": scan}, i="image media/i.png")
    assert "318" in " ".join(texts(data))


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
