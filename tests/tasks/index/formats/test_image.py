"""Pictures through text recognition, and what becomes of them without it."""

import io
import shutil

import pytest
from PIL import Image, ImageDraw, ImageFont

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read


def picture(kind: str) -> bytes:
    image = Image.new("L", (900, 160), 255)
    ImageDraw.Draw(image).text((30, 40), "Fattura numero 214", font=ImageFont.load_default(60), fill=0)
    target = io.BytesIO()
    image.save(target, kind)
    return target.getvalue()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
@pytest.mark.parametrize(("kind", "name"), [("PNG", "png"), ("TIFF", "tiff")])
def test_pictures_are_read(kind: str, name: str) -> None:
    parsed = read(picture(kind), Context("x.bin", Limits()))
    assert parsed.format == name
    assert "214" in parsed.elements[0].text


def test_without_recognition_a_picture_is_no_text() -> None:
    with pytest.raises(DocumentError) as caught:
        read(picture("PNG"), Context("x.png", Limits(), ocr="off"))
    assert caught.value.kind == FailureKind.NO_TEXT


def test_pixels_are_limited() -> None:
    with pytest.raises(DocumentError) as caught:
        read(picture("PNG"), Context("x.png", Limits(pixels=1000)))
    assert caught.value.kind in {FailureKind.TOO_LARGE, FailureKind.MISSING_PROGRAM}
