"""PPTX: a slide a page, its title as section; shapes in their order, charts, merged cells, notes, files."""

import io

import pptx
from hypothesis import given, settings
from hypothesis import strategies as st
from pptx.util import Inches

from infra.settings import Limits
from office import chart, packed, parsed, part, relations, rows, texts
from tasks.index.formats.base import Context
from tasks.index.read import read


def test_slides_are_pages_with_titles_tables_and_notes() -> None:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Piano industriale"
    first.placeholders[1].text = "Crescita dei ricavi\nNuovi mercati"
    first.notes_slide.notes_text_frame.text = "Ricordare i rischi di cambio."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    second.element.set("show", "0")
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
    assert parsed.warnings == ("1 hidden slide(s) were read like the rest: 2",)
    [found] = [e for e in parsed.elements if e.kind == "table"]
    assert (found.page, found.rows, found.section) == (2, (("Anno", "Ricavi"), ("2025", "120")), "")


def slide(tree: str, parts: dict[str, str | bytes] | None = None, **targets: str) -> bytes:
    """A presentation of one slide with these shapes."""
    return packed(
        {
            "_rels/.rels": relations(m="officeDocument ppt/presentation.xml"),
            "ppt/presentation.xml": part("p:presentation", '<p:sldIdLst><p:sldId r:id="s"/></p:sldIdLst>'),
            "ppt/_rels/presentation.xml.rels": relations(s="slide slides/slide1.xml"),
            "ppt/slides/slide1.xml": part("p:sld", f"<p:cSld><p:spTree>{tree}</p:spTree></p:cSld>"),
            "ppt/slides/_rels/slide1.xml.rels": relations(**targets),
            **(parts or {}),
        }
    )


def shape(text: str, top: int = 0, left: int = 0, role: str = "") -> str:
    place = f'<p:spPr><a:xfrm><a:off x="{left}" y="{top}"/></a:xfrm></p:spPr>'
    mark = f'<p:nvSpPr><p:nvPr><p:ph type="{role}"/></p:nvPr></p:nvSpPr>' if role else ""
    return f"<p:sp>{mark}{place}<p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"


def frame(content: str) -> str:
    return f"<p:graphicFrame><a:graphic><a:graphicData>{content}</a:graphicData></a:graphic></p:graphicFrame>"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["12", "120", "1", "0"]), min_size=3, max_size=3), min_size=1, max_size=4))
def test_charts_keep_every_value_with_series_and_category(values: list[list[str]]) -> None:
    series = [(f"Serie {i}", dict(zip(["T1", "T2", "T3"], row, strict=True))) for i, row in enumerate(values)]
    data = slide(
        shape("12", 0) + frame('<c:chart r:id="c"/>'),
        {"ppt/charts/chart1.xml": chart(*series)},
        c="chart ../charts/chart1.xml",
    )
    [found] = rows(data)
    assert [list(column) for column in zip(*found, strict=True)][1:] == [
        [f"Serie {i}", *row] for i, row in enumerate(values)
    ]


def test_equal_texts_of_different_shapes_are_all_kept_in_the_order_of_the_slide() -> None:
    tree = shape("150", 900) + shape("Conti", 0, role="title") + shape("50", 300) + shape("50", 600)
    assert texts(slide(tree)) == ["Conti", "50", "50", "150"]


def test_merged_cells_of_slides() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<a:tc {properties}><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"

    head = cell("Voce", 'rowSpan="2"') + cell("2025", 'gridSpan="2"') + cell("", 'hMerge="1"')
    second = cell("", 'vMerge="1"') + cell("Italia") + cell("Estero")
    body = cell("Vendite") + cell("33", 'gridSpan="2"') + cell("", 'hMerge="1"')
    table = f"<a:tbl>{''.join(f'<a:tr>{row}</a:tr>' for row in (head, second, body))}</a:tbl>"
    assert rows(slide(frame(table))) == [
        [("Voce", "2025", "2025"), ("Voce", "Italia", "Estero"), ("Vendite", "33", "")]
    ]


def test_notes_comments_and_files_of_a_slide() -> None:
    data = slide(
        shape("Piano"),
        {
            "ppt/notesSlides/notes1.xml": part("p:notes", shape("Dire 41", role="body") + shape("9", role="sldNum")),
            "ppt/comments/comment1.xml": part("p:cmLst", "<p:cm><p:text>Verificare 41</p:text></p:cm>"),
            "ppt/embeddings/oggetto.docx": b"PK\3\4 word/document.xml",
        },
        n="notesSlide ../notesSlides/notes1.xml",
        c="comments ../comments/comment1.xml",
        o="package ../embeddings/oggetto.docx",
    )
    result = parsed(data)
    assert [e.text for e in result.elements] == ["Piano", "Dire 41", "Verificare 41"]
    assert [a.name for a in result.attachments] == ["oggetto.docx"]


def test_one_of_two_versions_of_a_shape_is_read() -> None:
    both = f"<mc:AlternateContent><mc:Choice>{shape('Formula 7')}</mc:Choice><mc:Fallback>{shape('Formula 7')}</mc:Fallback>"
    assert texts(slide(f"{both}</mc:AlternateContent>")) == ["Formula 7"]


def test_a_slide_that_is_not_there_is_named() -> None:
    data = packed(
        {
            "_rels/.rels": relations(m="officeDocument ppt/presentation.xml"),
            "ppt/presentation.xml": part(
                "p:presentation", '<p:sldIdLst><p:sldId r:id="s"/><p:sldId r:id="t"/></p:sldIdLst>'
            ),
            "ppt/_rels/presentation.xml.rels": relations(s="slide slides/slide1.xml", t="slide slides/slide2.xml"),
            "ppt/slides/slide1.xml": part("p:sld", f"<p:cSld><p:spTree>{shape('Ordine 3')}</p:spTree></p:cSld>"),
        }
    )
    result = parsed(data)
    assert [e.text for e in result.elements] == ["Ordine 3"]
    assert "slide" in result.warnings[0]
