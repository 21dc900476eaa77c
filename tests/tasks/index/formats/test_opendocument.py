"""OpenDocument: texts with all that hangs on them, sheets, slides and drawings, in packages and as one flat file."""

import io
import zipfile
from pathlib import Path

import pypandoc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed

SPACES = " ".join(
    f'xmlns:{p}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
    for p, n in [
        ("office", "office"),
        ("table", "table"),
        ("text", "text"),
        ("draw", "drawing"),
        ("presentation", "presentation"),
        ("style", "style"),
        ("form", "form"),
        ("chart", "chart"),
        ("fo", "xsl-fo-compatible"),
    ]
)
SPACES += ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def packed(
    mimetype: str, content: str, styles: str = "", parts: dict[str, str] | None = None, local: str = ""
) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("mimetype", f"application/vnd.oasis.opendocument.{mimetype}")
        body = f"{local}<office:body>{content}</office:body>"
        file.writestr("content.xml", f"<office:document-content {SPACES}>{body}</office:document-content>")
        if styles:
            file.writestr("styles.xml", f"<office:document-styles {SPACES}>{styles}</office:document-styles>")
        for name, part in (parts or {}).items():
            file.writestr(name, f"<office:document-content {SPACES}>{part}</office:document-content>")
    return target.getvalue()


def text(content: str, **more: str) -> Parsed:
    return read(packed("text", f"<office:text>{content}</office:text>", **more), Context("x.odt", Limits()))  # type: ignore[arg-type]


def cell(text: str, **attributes: str) -> str:
    written = " ".join(f'{name.replace("__", ":").replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f"<table:table-cell {written}><text:p>{text}</text:p></table:table-cell>"


def test_spreadsheets_give_stored_values() -> None:
    content = (
        '<office:spreadsheet><table:table table:name="Conti"><table:table-row>'
        + cell("Voce")
        + cell("31/12/24", office__value_type="date", office__date_value="2024-12-31")
        + "</table:table-row><table:table-row>"
        + cell("Ricavi")
        + cell("1.234,50 €", office__value_type="currency", office__value="1234.5")
        + '</table:table-row><table:table-row table:number-rows-repeated="1048000"><table:table-cell/>'
        "</table:table-row>" + "</table:table></office:spreadsheet>"
    )
    parsed = read(packed("spreadsheet", content), Context("x.ods", Limits()))
    assert parsed.elements[1].rows == (("Voce", "2024-12-31"), ("Ricavi", "1234.5"))


def test_slides_are_pages() -> None:
    content = (
        '<office:presentation><draw:page><draw:frame presentation:class="title"><draw:text-box>'
        "<text:p>Risultati</text:p>"
        "</draw:text-box></draw:frame><draw:frame><draw:text-box><text:list><text:list-item>"
        "<text:p>Ricavi in crescita</text:p>"
        "</text:list-item></text:list></draw:text-box></draw:frame></draw:page><draw:page/></office:presentation>"
    )
    parsed = read(packed("presentation", content), Context("x.odp", Limits()))
    assert parsed.pages == 2
    assert [(e.kind, e.text) for e in parsed.elements] == [("title", "Risultati"), ("list", "Ricavi in crescita")]


def test_texts_of_other_programs(tmp_path: Path) -> None:
    target = tmp_path / "x.odt"
    given_text = "# Ordine del giorno\n\n- bilancio\n- nomine\n\n| Voce | Importo |\n|---|---|\n| Utile | 1200 |\n"
    pypandoc.convert_text(given_text, "odt", format="markdown", outputfile=str(target))
    parsed = read(target, Context("x.odt", Limits()))
    assert [(e.kind, e.text) for e in parsed.elements if not e.rows] == [
        ("title", "Ordine del giorno"),
        ("list", "bilancio"),
        ("list", "nomine"),
    ]
    assert parsed.elements[-1].rows == (("Voce", "Importo"), ("Utile", "1200"))


PIECES = [
    "{}",
    "<text:span>{}</text:span>",
    "<text:a>{}</text:a>",
    "<text:user-field-get text:name='u'>{}</text:user-field-get>",
    "<text:variable-set>{}</text:variable-set>",
    "<text:expression>{}</text:expression>",
    "<text:text-input>{}</text:text-input>",
    "<text:placeholder>{}</text:placeholder>",
    "<text:date>{}</text:date>",
    "<text:title>{}</text:title>",
    "<text:creator>{}</text:creator>",
    "<text:bookmark-ref>{}</text:bookmark-ref>",
]
ASIDE = [
    "<text:note text:note-class='footnote'><text:note-citation>1</text:note-citation><text:note-body><text:p>{}</text:p>"
    "</text:note-body></text:note>",
    "<office:annotation><dc:creator>Anna</dc:creator><text:p>{}</text:p></office:annotation>",
    "<draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>",
    "<draw:custom-shape><text:p>{}</text:p></draw:custom-shape>",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(PIECES + ASIDE)), min_size=1, max_size=8))
def test_fields_stay_in_their_sentence_and_what_hangs_on_it_is_kept(pieces: list[tuple[int, str]]) -> None:
    markup = "".join(piece.format(f"n{number} ") for number, piece in pieces)
    parsed = text(f"<text:p>Somma {markup}</text:p>")
    inside = " ".join(["Somma", *(f"n{number}" for number, piece in pieces if piece in PIECES)])
    beside = sorted(f"n{number}" for number, piece in pieces if piece in ASIDE)
    assert parsed.elements[0].text == inside
    assert sorted(e.text for e in parsed.elements[1:]) == beside


def test_heads_feet_deletions_and_forms() -> None:
    styles = (
        "<office:master-styles><style:master-page><style:header><text:p>Comune di Lodi</text:p></style:header>"
        "<style:footer><text:p>pagina <text:page-number>2</text:page-number></text:p></style:footer>"
        "<style:footer-left><text:p><text:page-number>2</text:page-number></text:p></style:footer-left>"
        "</style:master-page></office:master-styles>"
    )
    content = (
        "<office:forms><form:form><form:text form:id='c1' form:label='Ditta' form:current-value='Rossi'/>"
        "<form:checkbox form:id='c2' form:label='Accetto' form:current-state='checked'/></form:form></office:forms>"
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>tolto 9</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes>"
        "<text:p>Domanda</text:p><text:p><draw:control draw:control='c1'/></text:p><text:p><draw:control draw:control='c2'/></text:p>"
    )
    found = [(e.kind, e.text) for e in text(content, styles=styles).elements]
    assert found == [
        ("header", "Comune di Lodi"),
        ("text", "Domanda"),
        ("text", "Ditta Rossi"),
        ("text", "☒ Accetto"),
        ("footer", "pagina 2"),
    ]


def test_merged_cells_lists_titles_and_pages() -> None:
    local = (
        "<office:automatic-styles><style:style style:name='P1' style:parent-style-name='Title'/>"
        "<style:style style:name='P2'><style:paragraph-properties fo:break-before='page'/></style:style>"
        "<text:list-style style:name='L1'><text:list-level-style-number text:level='1' style:num-format='1' style:num-suffix='.'/>"
        "<text:list-level-style-number text:level='2' style:num-format='a' style:num-suffix=')' text:display-levels='2'/>"
        "</text:list-style></office:automatic-styles>"
    )
    table = (
        "<table:table><table:table-header-rows><table:table-row>"
        + cell("Voce", table__number_rows_spanned="2")
        + cell("2025", table__number_columns_spanned="2")
        + "<table:covered-table-cell/></table:table-row></table:table-header-rows>"
        + "<table:table-row><table:covered-table-cell/>"
        + cell("Italia")
        + cell("Estero")
        + "</table:table-row><table:table-row>"
        + cell("Vendite")
        + cell("35", table__number_columns_spanned="2")
        + "<table:covered-table-cell/></table:table-row></table:table>"
    )
    inner = "<text:list><text:list-item><text:p>sotto</text:p></text:list-item></text:list>"
    items = f"<text:list-item><text:p>uno</text:p>{inner}</text:list-item><text:list-item><text:p>due</text:p></text:list-item>"
    content = (
        "<text:p text:style-name='P1'>Atto</text:p><text:h text:outline-level='2'>Parte</text:h>"
        f"<text:list text:style-name='L1'>{items}</text:list>{table}<text:p text:style-name='P2'>fine</text:p>"
        "<text:soft-page-break/><text:p>oltre</text:p>"
    )
    parsed = text(content, local=local)
    assert [(e.kind, e.level, e.text, e.page) for e in parsed.elements if not e.rows] == [
        ("title", 1, "Atto", 1),
        ("title", 2, "Parte", 1),
        ("list", 0, "1. uno", 1),
        ("list", 0, "1.a) sotto", 1),
        ("list", 0, "2. due", 1),
        ("text", 0, "fine", 2),
        ("text", 0, "oltre", 3),
    ]
    [rows] = [e.rows for e in parsed.elements if e.rows]
    assert rows == (("Voce", "2025", "2025"), ("Voce", "Italia", "Estero"), ("Vendite", "35", ""))


CHART = (
    "<office:body><office:chart><chart:chart><chart:title><text:p>Consumi</text:p></chart:title><table:table><table:table-row>"
    + cell("")
    + cell("Nord")
    + "</table:table-row><table:table-row>"
    + cell("gennaio")
    + "<table:table-cell office:value-type='float' office:value='12'/></table:table-row></table:table></chart:chart>"
    "</office:chart></office:body>"
)


def test_charts_are_tables() -> None:
    frame = "<text:p><draw:frame><draw:object xlink:href='./Object 1'/></draw:frame></text:p>"
    parsed = text(frame, parts={"Object 1/content.xml": CHART})  # type: ignore[arg-type]
    assert [e.text for e in parsed.elements] == ["Consumi", "Nord\ngennaio | 12"]


@pytest.mark.parametrize(("kind", "name"), [("text", "odt"), ("spreadsheet", "ods"), ("presentation", "odp")])
def test_flat_files_are_what_they_declare(kind: str, name: str) -> None:
    rows = f"<table:table><table:table-row>{cell('Voce')}{cell('Anno')}</table:table-row></table:table>"
    bodies = {
        "text": rows,
        "spreadsheet": rows,
        "presentation": f"<draw:page><draw:frame>{rows}</draw:frame></draw:page>",
    }
    body = f"<office:body><office:{kind}>{bodies[kind]}</office:{kind}></office:body>"
    flat = f'<?xml version="1.0"?><office:document {SPACES} office:mimetype="application/vnd.oasis.opendocument.{kind}">{body}</office:document>'
    parsed = read(flat.encode(), Context(f"x.f{name}", Limits()))
    assert (parsed.format, parsed.elements[0].rows) == (name, (("Voce", "Anno"),))


def test_sheets_keep_codes_comments_and_formulas_without_values() -> None:
    note = "<office:annotation><dc:creator>Anna</dc:creator><text:p>stima 12</text:p></office:annotation>"
    content = (
        "<office:spreadsheet><table:table><table:table-row>"
        + cell("CAP")
        + cell("Anni", table__number_columns_spanned="2")
        + "<table:covered-table-cell/>"
        + "</table:table-row><table:table-row>"
        + cell("00146", office__value_type="float", office__value="146")
        + cell("125", office__value_type="float", office__value="125", table__number_columns_spanned="2").replace(
            "><", f">{note}<", 1
        )
        + "<table:covered-table-cell/></table:table-row><table:table-row><table:table-cell table:formula='of:=[.A1]+1'/>"
        + "</table:table-row></table:table></office:spreadsheet>"
    )
    parsed = read(packed("spreadsheet", content), Context("x.ods", Limits()))
    assert parsed.elements[0].rows == (("CAP", "Anni", "Anni"), ("00146", "125", ""), ("=[.A1]+1", "", ""))
    assert [e.text for e in parsed.elements[1:]] == ["stima 12"]
    assert "formulas" in parsed.warnings[0]


def test_formulas_keep_what_belongs_together() -> None:
    power = "<msup><mi>b</mi><mn>2</mn></msup>"
    math = f'<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow><mi>x</mi><mo>=</mo><mfrac><mrow>{power}<mo>-</mo><mn>1</mn></mrow><mi>a</mi></mfrac></mrow><annotation>x</annotation></math>'
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed("text", FORMULA))) as given, zipfile.ZipFile(target, "w") as made:
        for name in given.namelist():
            made.writestr(name, given.read(name))
        made.writestr("Object 1/content.xml", math)
    assert [e.text for e in read(target.getvalue(), Context("x.odt", Limits())).elements] == ["x=(b^2-1)/a"]


FORMULA = "<office:text><text:p><draw:frame><draw:object xlink:href='./Object 1'/></draw:frame></text:p></office:text>"


def test_ids_that_stand_twice_are_no_damage() -> None:
    twice = '<text:list xml:id="list1"><text:list-item><text:p>uno</text:p></text:list-item></text:list>' * 2
    assert [e.text for e in text(twice).elements] == ["uno", "uno"]


def test_a_text_within_a_text_is_read() -> None:
    frame = '<text:p>prima<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame></text:p>'
    inner = "<office:body><office:text><text:p>Penale 4472</text:p></office:text></office:body>"
    found = text(frame, parts={"Object 1/content.xml": inner})
    assert [e.text for e in found.elements] == ["prima", "Penale 4472"]


def test_hidden_text_and_readings() -> None:
    hiding = (
        '<style:style style:name="H" style:family="text"><style:text-properties text:display="none"/></style:style>'
    )
    styles = f"<office:automatic-styles>{hiding}</office:automatic-styles>"
    ruby = "<text:ruby><text:ruby-base>東京</text:ruby-base><text:ruby-text>とうきょう</text:ruby-text></text:ruby>"
    found = text(f'<text:p>{ruby} <text:span text:style-name="H">sconto 18</text:span></text:p>', local=styles)
    assert [e.text for e in found.elements] == ["東京(とうきょう) sconto 18"]
    assert found.warnings == ("1 passage(s) of hidden text were read like the rest",)


def test_heads_and_feet_of_sheets_without_their_fields() -> None:
    number = "<text:p>Page <text:page-number>1</text:page-number></text:p>"
    head = "<style:header><text:p><text:sheet-name>???</text:sheet-name></text:p></style:header>"
    own = f"<style:footer><text:p>Riservato 4417</text:p>{number}</style:footer>"
    masters = [head + own, f"<style:footer>{number.replace('</text:p>', ' of 3</text:p>')}</style:footer>"]
    pages = "".join(f"<style:master-page>{one}</style:master-page>" for one in masters)
    row = f"<table:table-row>{cell('x')}{cell('y')}</table:table-row>"
    sheet = f'<office:spreadsheet><table:table table:name="a">{row}</table:table></office:spreadsheet>'
    found = read(
        packed("spreadsheet", sheet, f"<office:master-styles>{pages}</office:master-styles>"),
        Context("x.ods", Limits()),
    )
    assert [(e.kind, e.text) for e in found.elements if e.kind != "title"] == [
        ("table", "x | y"),
        ("footer", "Riservato 4417"),
    ]


def test_cells_whose_value_stands_in_an_attribute_alone() -> None:
    def stored(kind: str, **values: str) -> str:
        told = "".join(f' office:{name.replace("_", "-")}="{value}"' for name, value in values.items())
        return f'<table:table-cell office:value-type="{kind}"{told}/>'

    cells = [
        stored("string", string_value="Canone"),
        stored("float", value="1250.5"),
        stored("percentage", value="0.125"),
        stored("boolean", boolean_value="true"),
        stored("date", date_value="2025-03-03"),
        stored("time", time_value="PT26H30M00S"),
    ]
    row = f"<table:table-row>{''.join(cells)}</table:table-row>"
    sheet = f'<office:spreadsheet><table:table table:name="a">{row}</table:table></office:spreadsheet>'
    (table,) = [e for e in read(packed("spreadsheet", sheet), Context("x.ods", Limits())).elements if e.rows]
    assert table.rows == (("Canone", "1250.5", "12.5%", "TRUE", "2025-03-03", "26:30"),)
