"""PPTX: a slide a page, its title as section, tables, speaker notes."""

import io

import pptx
from pptx.util import Inches

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read


def test_slides_are_pages_with_titles_tables_and_notes() -> None:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Piano industriale"
    first.placeholders[1].text = "Crescita dei ricavi\nNuovi mercati"
    first.notes_slide.notes_text_frame.text = "Ricordare i rischi di cambio."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    table = second.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for row, cells in enumerate([("Anno", "Ricavi"), ("2025", "120")]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    target = io.BytesIO()
    deck.save(target)

    parsed = read(target.getvalue(), Context("x.pptx", Limits()))

    assert (parsed.format, parsed.pages, parsed.title) == ("pptx", 2, "Piano industriale")
    titles = [(e.text, e.page) for e in parsed.elements if e.kind == "title"]
    assert titles == [("Piano industriale", 1)]
    texts = " ".join(e.text for e in parsed.elements if e.page == 1)
    assert "Nuovi mercati" in texts
    assert texts.endswith("Ricordare i rischi di cambio.")
    [found] = [e for e in parsed.elements if e.kind == "table"]
    assert (found.page, found.rows, found.section) == (2, (("Anno", "Ricavi"), ("2025", "120")), "")
