"""HTML: blocks and sections, what is left out, pages, tables as statements lay them out, inline XBRL."""

import pytest

from infra.errors import DocumentError
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.html import elements_of_html
from tasks.index.read import read

FILING = """
<table>
 <tr><td></td><td colspan="3">Years ended December 31,</td><td></td><td colspan="3"></td></tr>
 <tr><td></td><td colspan="3">2024</td><td>&nbsp;</td><td colspan="3">2023</td></tr>
 <tr><td>Net sales</td><td>$</td><td>1,234</td><td></td><td></td><td>$</td><td>1,100</td><td></td></tr>
 <tr><td>Loss on sale</td><td colspan="2">(56</td><td>)</td><td></td><td colspan="2">—</td><td></td></tr>
 <tr><td>Margin</td><td colspan="2">4.5</td><td>%</td><td></td><td colspan="2">4.1</td><td>%</td></tr>
</table>"""


def test_blocks_titles_lists_and_sections() -> None:
    page = """<html><head><title>Chi siamo</title><style>p{}</style></head>
    <body><nav><a href="/">Home</a></nav>
    <h1>Il frantoio</h1>
    <p>Dal 1931 <b>olio</b><br>extravergine.</p><h2>Orari</h2>
    <ul><li>lunedì</li><li>martedì</li></ul>
    <p style="display:none">nascosto</p><script>var x = "codice";</script>
    <footer>Partita IVA 123</footer></body></html>"""
    parsed = read(page.encode(), Context("x.html", Limits()))
    assert parsed.title == "Chi siamo"
    assert [(e.kind, e.level, e.text, e.section) for e in parsed.elements] == [
        ("header", 0, "Home", ""),
        ("title", 1, "Il frantoio", ""),
        ("text", 0, "Dal 1931 olio\nextravergine.", "Il frantoio"),
        ("title", 2, "Orari", "Il frantoio"),
        ("list", 0, "lunedì", "Il frantoio > Orari"),
        ("list", 0, "martedì", "Il frantoio > Orari"),
        ("footer", 0, "Partita IVA 123", "Il frantoio > Orari"),
    ]


def test_figures_stand_under_their_years() -> None:
    [table] = elements_of_html(FILING)
    assert table.rows == (
        ("", "Years ended December 31,", ""),
        ("", "2024", "2023"),
        ("Net sales", "$1,234", "$1,100"),
        ("Loss on sale", "(56)", "—"),
        ("Margin", "4.5%", "4.1%"),
    )


def test_spans_repeat_heads_and_labels_but_no_figures() -> None:
    [table] = elements_of_html(
        "<table><tr><th>Area</th><th colspan=2>Ricavi</th></tr><tr><th></th><th>2024</th><th>2023</th></tr>"
        "<tr><td rowspan=2>Nord</td><td>10</td><td rowspan=2>9</td></tr><tr><td>11</td></tr></table>"
    )
    assert table.rows == (("Area", "Ricavi", "Ricavi"), ("", "2024", "2023"), ("Nord", "10", "9"), ("Nord", "11", ""))


def test_layout_tables_are_no_tables() -> None:
    elements = elements_of_html(
        "<table><tr><td><p>Prima colonna</p><table><tr><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table>"
        "</td><td><p>Seconda</p></td></tr></table>"
    )
    assert [e.kind for e in elements] == ["text", "table", "text"]
    bullets = elements_of_html("<table><tr><td>•</td><td>Una voce</td></tr></table>")
    assert [(e.kind, e.text) for e in bullets] == [("list", "• Una voce")]


def test_page_breaks_and_bold_titles_of_filings() -> None:
    elements = elements_of_html(
        '<div><p><b>Item 1. Business</b></p><p>We make things.</p><hr style="page-break-after: always"/>'
        '<p style="font-weight:700">Item 2. Properties</p><p>We own <b>one</b>.</p></div>'
    )
    assert [(e.kind, e.page) for e in elements] == [("title", 1), ("text", 1), ("title", 2), ("text", 2)]


def test_deep_nesting_is_no_danger() -> None:
    assert elements_of_html("<div>" * 2_000 + "fondo")[0].text == "fondo"
    with pytest.raises(DocumentError, match="nests deeper"):
        elements_of_html("<div>" * 3_000 + "lost")


INLINE = """<html xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"><body>
<div style="display:none"><ix:header><ix:resources>
<xbrli:context id="c1"><xbrli:period><xbrli:startDate>2024-01-01</xbrli:startDate>
<xbrli:endDate>2024-12-31</xbrli:endDate>
</xbrli:period></xbrli:context>
<xbrli:context id="c2"><xbrli:entity><xbrli:segment><xbrldi:explicitMember
dimension="us-gaap:SegmentAxis">x:North</xbrldi:explicitMember></xbrli:segment></xbrli:entity>
<xbrli:period><xbrli:instant>2024-12-31</xbrli:instant></xbrli:period>
</xbrli:context>
<xbrli:unit id="u"><xbrli:measure>iso4217:EUR</xbrli:measure></xbrli:unit></ix:resources></ix:header></div>
<p>Ricavi <ix:nonFraction name="x:Revenue" contextRef="c1" unitRef="u" scale="3" decimals="-3"
format="ixt:num-comma-decimal">
1.234,5</ix:nonFraction></p>
<p>Perdita (<ix:nonFraction name="x:Profit" contextRef="c2" unitRef="u" sign="-" scale="0">12
</ix:nonFraction>)
<ix:nonFraction name="x:Zero" contextRef="c1" unitRef="u" format="ixt:fixed-zero">—</ix:nonFraction></p>
</body></html>"""


def test_inline_facts_are_a_table_of_plain_numbers() -> None:
    parsed = read(INLINE.encode(), Context("x.html", Limits()))
    facts = parsed.elements[-1]
    assert facts.section == "XBRL facts"
    assert facts.rows == (
        ("concept", "period", "unit", "decimals", "value", "dimensions"),
        ("x:Revenue", "2024-01-01/2024-12-31", "EUR", "-3", "1234500", ""),
        ("x:Profit", "2024-12-31", "EUR", "", "-12", "us-gaap:SegmentAxis=x:North"),
        ("x:Zero", "2024-01-01/2024-12-31", "EUR", "", "0", ""),
    )
    assert "Ricavi 1.234,5" in parsed.elements[0].text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    page = "<html><body><p>Perché la società è così</p></body></html>".encode(encoding)
    assert read(page, Context("x.html", Limits())).elements[0].text == "Perché la società è così"


def test_a_small_table_in_a_cell_leaves_the_outer_one_whole() -> None:
    page = """<table><tr><th>Sede</th><th>Dettaglio</th><th>Totale</th></tr>
    <tr><td>Milano</td><td><table><tr><td>uff.</td><td>3</td></tr><tr><td>mag.</td><td>2</td></tr></table></td><td>310</td></tr>
    <tr><td>Torino</td><td>nessuno</td><td>275</td></tr></table>"""
    [table] = read(page.encode(), Context("x.html", Limits())).elements
    assert table.rows == (
        ("Sede", "Dettaglio", "Totale"),
        ("Milano", "uff. 3 mag. 2", "310"),
        ("Torino", "nessuno", "275"),
    )


def test_a_table_that_holds_the_page_stays_layout() -> None:
    inner = "<table><tr><th>Voce</th><th>2024</th></tr><tr><td>Ricavi</td><td>10</td></tr></table>"
    page = f"<table><tr><td>Menu</td><td>{inner}</td></tr><tr><td>Note</td><td><p>Testo.</p>{inner}</td></tr></table>"
    tables = [e for e in read(page.encode(), Context("x.html", Limits())).elements if e.kind == "table"]
    assert [t.rows for t in tables] == [(("Voce", "2024"), ("Ricavi", "10"))] * 2


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("Ricavi 1.250<sup>2</sup> euro", "Ricavi 1.250² euro"),
        ("Ricavi <b>1.250</b><sup><a>12</a></sup>", "Ricavi 1.250¹²"),
        ("nota<sup>3</sup> e 4 <sup>5</sup>", "nota3 e 4 5"),
        (
            'Nome <input value="Rossi"> <input type="hidden" value="x"><input type="checkbox" checked> sì',
            "Nome Rossi ☒ sì",
        ),
    ],
)
def test_raised_figures_and_filled_forms(markup: str, shown: str) -> None:
    for text in (
        f"<p>{markup}</p>",
        f"<table><tr><td>A</td><td>1</td></tr><tr><td>{markup}</td><td>2</td></tr></table>",
    ):
        element = read(f"<html><body>{text}</body></html>".encode(), Context("x.html", Limits())).elements[-1]
        assert (element.rows[-1][0] if element.rows else element.text) == shown


def test_the_reading_of_characters_stands_in_brackets() -> None:
    page = "<html><body><p><ruby>東京<rt>とうきょう</rt></ruby> <ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby></p></body></html>"
    assert read(page.encode(), Context("x.html", Limits())).elements[0].text == "東京(とうきょう) 漢(かん)"
