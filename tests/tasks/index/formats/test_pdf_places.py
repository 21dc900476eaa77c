"""Where things stand on a page: each box of an element covers its ink, whatever way page and text are turned."""

from __future__ import annotations

import io
import math

import numpy as np
import pypdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from tasks.index.formats import pdf
from tasks.index.formats.pdf_places import SHOWN, Rect, frame, row_box
from tasks.records import Element
from tests.tasks.index.formats.paper import context, make, statement, write


def _turned(text_turn: int) -> bytes:
    def page(canvas: Canvas) -> None:
        canvas.translate(300, 420)
        canvas.rotate(90 * text_turn)
        canvas.translate(-300, -420)
        write(canvas, 60, 40, "Filanda Morelli srl")
        statement(canvas)

    return make(page)


def _shown(data: bytes, rotation: int, shift: float) -> bytes:
    """The document shown turned by quarters, its visible part moved by `shift` points."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    page = writer.pages[0]
    page.rotate(90 * rotation)
    page.cropbox = pypdf.generic.RectangleObject((-140 - shift, -10 - 2 * shift, 730, 850 + shift))
    page.mediabox = pypdf.generic.RectangleObject((-300, -300, 900, 1100))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("shift", [0.0, 40.0])
@pytest.mark.parametrize("text_turn", range(4))
@pytest.mark.parametrize("rotation", range(4))
def test_boxes_cover_all_ink_and_nothing_else(rotation: int, text_turn: int, shift: float) -> None:
    data = _shown(_turned(text_turn), rotation, shift)
    elements = pdf.parse(data, context()).elements
    assert any(element.kind == "table" for element in elements)
    ink = np.asarray(pypdfium2.PdfDocument(data)[0].render(scale=1, grayscale=True).to_pil()) < 160
    covered = np.zeros_like(ink)
    for element in elements:
        for row in range(len(element.rows or ("",))):
            for column in range(len(element.rows[row]) if element.rows else 1):
                place = element.place(row, column)
                assert (place is None) == bool(element.rows and not element.rows[row][column])
                if place:
                    area = (slice(place.top - 1, place.bottom + 2), slice(place.left - 1, place.right + 2))
                    assert ink[area].any(), (element.text, place)
                    covered[area] = True
    assert ink[~covered].sum() < 0.02 * ink.sum()


def test_an_element_without_boxes_has_no_places() -> None:
    assert Element("text", "a").place() is None
    assert Element("table", "a", 3, rows=(("a",),)).page_of(0) == 3


def test_the_form_of_a_row() -> None:
    upright = row_box([Rect(10, 20, 30, 31), None], 7, SHOWN)
    assert upright == (7, 20, 31, 10, 30, 0, 0)
    table = Element("table", "a", 6, rows=(("a", ""),), boxes=(upright,))
    assert table.place(0, 0) == (7, 10, 20, 30, 31)
    assert table.place(0, 1) is None
    assert table.page_of(0) == 7
    up_the_page = row_box([Rect(10, 20, 30, 31)], 7, frame((0, 0, 200, 100), 0, 1))
    assert up_the_page == (-7, 20, 31, 70, 90)
    assert Element("text", "a", boxes=(up_the_page,)).place() == (7, 20, 70, 31, 90)


@given(
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
    rotation=st.integers(0, 3),
    turn=st.integers(0, 3),
)
def test_a_frame_can_be_inverted(x: float, y: float, rotation: int, turn: int) -> None:
    there = frame((10, 20, 300, 500), rotation, turn)
    assert there.inverse().point(*there.point(x, y)) == pytest.approx((x, y))


def test_damaged_numbers_have_a_place_all_the_same() -> None:
    for number in (math.nan, math.inf, -math.inf):
        assert all(abs(n) <= 32_767 for n in row_box([Rect(number, 1.0, number, 2.0)], 1, SHOWN))
