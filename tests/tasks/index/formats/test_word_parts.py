"""DOCX: what wraps, hangs on or stands beside the text, each kind with the markup that programs write."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import DocumentError, FailureKind
from office import (
    SPACES,
    chart,
    docx,
    p,
    packed,
    parsed,
    part,
    r,
    relations,
    rows,
    tbl,
    tc,
    texts,
)

BOX = "<w:r><w:pict><v:shape><v:textbox><w:txbxContent>{}</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
NEW_BOX = (
    "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:wsp><wps:txbx><w:txbxContent>{0}"
    "</w:txbxContent></wps:txbx></wps:wsp></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox><w:txbxContent>{0}"
    "</w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)


def sdt(content: str) -> str:
    return f"<w:sdt><w:sdtPr><w:alias w:val='campo'/></w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"


WRAPPERS = [
    "{}",
    "<w:sdt><w:sdtPr/><w:sdtContent>{}</w:sdtContent></w:sdt>",
    "<w:ins w:id='1'>{}</w:ins>",
    "<w:moveTo w:id='2'>{}</w:moveTo>",
    "<w:fldSimple w:instr='=SUM(ABOVE)'>{}</w:fldSimple>",
    "<w:smartTag w:element='place'>{}</w:smartTag>",
    "<w:customXml w:element='x'>{}</w:customXml>",
    "<w:hyperlink r:id='rIdNowhere'>{}</w:hyperlink>",
]
REMOVED = ["<w:del w:id='3'>{}</w:del>", "<w:moveFrom w:id='4'>{}</w:moveFrom>"]

WRAPPED = st.lists(
    st.tuples(st.integers(0, 99_999), st.lists(st.sampled_from(WRAPPERS), max_size=3), st.sampled_from(["", *REMOVED])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(WRAPPED)
def test_whatever_wraps_a_figure_leaves_it_in_its_sentence_and_cell(
    pieces: list[tuple[int, list[str], str]],
) -> None:
    markup = ""
    for number, wrappers, removed in pieces:
        run = r(f"n{number} ")
        for wrapper in wrappers:
            run = wrapper.format(run)
        markup += (removed or "{}").format(run)
    kept = " ".join(f"n{number}" for number, _, removed in pieces if not removed)
    data = docx(p(markup) + tbl(tc("Voce") + tc("Valore") + tc("Nota"), tc("Canone") + tc(p(markup)) + tc("7,5")))
    assert texts(data)[0] == (kept or "Voce | Valore | Nota\nCanone | 7,5")
    assert rows(data)[0][1] == ("Canone", kept, "7,5")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30).map(str), min_size=1, max_size=8), st.sampled_from([BOX, NEW_BOX]))
def test_text_boxes_and_notes_that_look_alike_are_all_kept(figures: list[str], box: str) -> None:
    boxes = "".join(p(box.format(p(f"{figure} giugno"))) for figure in figures)
    notes = "".join(f"<w:footnote w:id='{i}'>{p(f'{figure} di cui')}</w:footnote>" for i, figure in enumerate(figures))
    data = docx(
        p("Scadenze: 30 giugno") + boxes,
        {"word/footnotes.xml": part("w:footnotes", notes)},
        f="footnotes footnotes.xml",
    )
    found = texts(data)
    assert found == ["Scadenze: 30 giugno", *(f"{f} giugno" for f in figures), *(f"{f} di cui" for f in figures)]


def test_content_controls_around_rows_and_cells_keep_the_columns() -> None:
    data = docx(
        tbl(
            tc("Articolo") + tc("Pezzi") + tc("Prezzo"),
            tc("Vite") + sdt(tc("40")) + tc("0,35"),
            sdt(f"<w:tr>{tc('Dado') + tc('15') + tc('0,12')}</w:tr>"),
            tc("Rondella") + tc(p("") + sdt(p("8"))) + tc(p(sdt(r("0,05")))),
        )
    )
    assert rows(data)[0][1:] == [("Vite", "40", "0,35"), ("Dado", "15", "0,12"), ("Rondella", "8", "0,05")]


def test_a_block_control_stays_in_its_place() -> None:
    assert texts(docx(p("primo") + sdt(p("secondo")) + p("terzo"))) == ["primo", "secondo", "terzo"]


def test_deleted_rows_and_joined_paragraphs() -> None:
    gone = f"<w:tr><w:trPr><w:del w:id='1'/></w:trPr>{tc('via') + tc('1')}</w:tr>"
    joined = p(r("Il prezzo è "), "<w:rPr><w:del w:id='2'/></w:rPr>") + p(r("di 90 euro."))
    data = docx(joined + tbl(tc("Voce") + tc("Anno"), gone, tc("resta") + tc("2")))
    assert texts(data)[0] == "Il prezzo è di 90 euro."
    assert rows(data)[0] == [("Voce", "Anno"), ("resta", "2")]


def test_merged_cells_keep_their_columns() -> None:
    down, on = "<w:vMerge w:val='restart'/>", "<w:vMerge/>"
    wide = "<w:gridSpan w:val='2'/>"
    head = tbl(
        tc("Voce", down) + tc("2025", wide) + tc("2024"),
        tc("", on) + tc("Italia") + tc("Estero") + tc("Italia"),
        tc("Vendite") + tc("71") + tc("18") + tc("64"),
    )
    side = tbl(
        tc("Regione") + tc("Punto") + tc("Incasso"),
        tc("Lazio", down) + tc("Roma") + tc("52"),
        tc("", on) + tc("Rieti") + tc("9"),
    )
    found = rows(docx(head + p("") + side))
    assert found[0] == [
        ("Voce", "2025", "2025", "2024"),
        ("Voce", "Italia", "Estero", "Italia"),
        ("Vendite", "71", "18", "64"),
    ]
    assert found[1][1:] == [("Lazio", "Roma", "52"), ("Lazio", "Rieti", "9")]


def test_an_amount_in_a_merged_cell_stands_once() -> None:
    wide, down = "<w:gridSpan w:val='2'/>", "<w:vMerge w:val='restart'/>"
    data = docx(
        tbl(
            tc("Voce") + tc("Alfa") + tc("Beta"),
            tc("Quota") + tc("4.410", wide),
            tc("Fondo", "") + tc("310", down) + tc("7"),
            tc("Altro") + tc("", "<w:vMerge/>") + tc("8"),
        )
    )
    assert rows(data)[0][1:] == [("Quota", "4.410", ""), ("Fondo", "310", "7"), ("Altro", "", "8")]


def test_tables_that_only_arrange_the_page_give_their_contents() -> None:
    inner = tbl(tc("Mese") + tc("Ore"), tc("maggio") + tc("151"))
    data = docx(tbl(f"<w:tc>{p('A sinistra')}</w:tc><w:tc>{inner}{p('')}</w:tc>"))
    assert texts(data)[0] == "A sinistra"
    assert rows(data) == [[("Mese", "Ore"), ("maggio", "151")]]


def test_heads_and_feet_by_their_part_and_without_mere_numbers() -> None:
    section = (
        "<w:sectPr><w:headerReference r:id='h'/><w:footerReference r:id='f'/><w:footerReference r:id='g'/></w:sectPr>"
    )
    number = "<w:fldSimple w:instr=' PAGE '><w:r><w:t>3</w:t></w:r></w:fldSimple>"
    data = docx(
        p("Importo 3") + section,
        {
            "word/header1.xml": part("w:hdr", tbl(tc("Pratica") + tc("88/2025")) + p(BOX.format(p("Copia 12")))),
            "word/footer1.xml": part("w:ftr", p(number)),
            "word/footer2.xml": part("w:ftr", p("Sede di Lodi")),
        },
        h="header header1.xml",
        f="footer footer1.xml",
        g="footer footer2.xml",
    )
    found = [(e.kind, e.text) for e in parsed(data).elements]
    assert found == [
        ("table", "Pratica | 88/2025"),
        ("header", "Copia 12"),
        ("text", "Importo 3"),
        ("footer", "Sede di Lodi"),
    ]


def test_charts_and_diagrams_stand_where_they_are_drawn() -> None:
    drawing = "<w:r><w:drawing><a:graphic><a:graphicData>{}</a:graphicData></a:graphic></w:drawing></w:r>"
    points = "".join(
        f'<dgm:pt modelId="{key}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'
        for key, text in (("3", "Verifica"), ("1", "Direzione"), ("2", "Acquisti"))
    )
    lines = '<dgm:cxn srcId="1" destId="2" srcOrd="0"/><dgm:cxn srcId="1" destId="3" srcOrd="1"/>'
    data = docx(
        p("Prima") + p(drawing.format('<c:chart r:id="c"/>')) + p(drawing.format('<dgm:relIds r:dm="d"/>')) + p("Dopo"),
        {
            "word/charts/chart1.xml": chart(
                ("Nord", {"gen": "40", "feb": "40"}), ("Sud", {"gen": "12", "feb": "40"}), title="Consumi"
            ),
            "word/diagrams/data1.xml": part(
                "dgm:dataModel", f"<dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst>{lines}</dgm:cxnLst>"
            ),
        },
        c="chart charts/chart1.xml",
        d="diagramData diagrams/data1.xml",
    )
    found = [(e.kind, e.text) for e in parsed(data).elements]
    assert found[1] == ("caption", "Consumi")
    assert rows(data) == [[("", "Nord", "Sud"), ("gen", "40", "12"), ("feb", "40", "40")]]
    assert [text for kind, text in found if kind == "list"] == ["Direzione", "Acquisti", "Verifica"]
    assert (found[0][1], found[-1][1]) == ("Prima", "Dopo")


@pytest.mark.parametrize("name", ["afchunk.html", "afchunk.docx", "afchunk.txt", "afchunk.rtf"])
def test_imported_parts_are_read_in_their_place(name: str) -> None:
    contents: dict[str, str | bytes] = {
        "afchunk.html": "<html><body><p>Verbale del 9 aprile</p></body></html>",
        "afchunk.docx": docx(p("Verbale del 9 aprile")),
        "afchunk.txt": "Verbale del 9 aprile",
        "afchunk.rtf": r"{\rtf1\ansi Verbale del 9 aprile\par}",
    }
    data = docx(
        p("Prima") + '<w:altChunk r:id="a"/>' + p("Dopo"), {f"word/{name}": contents[name]}, a=f"aFChunk {name}"
    )
    assert texts(data) == ["Prima", "Verbale del 9 aprile", "Dopo"]


def test_an_imported_part_that_cannot_be_read_is_named() -> None:
    data = docx(p("Prima") + '<w:altChunk r:id="a"/>', {"word/x.bin": b"\0\1\2\3" * 9}, a="aFChunk x.bin")
    [warning] = parsed(data).warnings
    assert "word/x.bin" in warning


def test_embedded_files_are_attachments_and_unknown_objects_are_named() -> None:
    book, target = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Filato", 4120])
    book.save(target)
    data = docx(
        p("Vedi allegato"),
        {"word/embeddings/Foglio.xlsx": target.getvalue(), "word/embeddings/nota.pdf": b"%PDF-1.4 ..."},
        e="package embeddings/Foglio.xlsx",
        n="oleObject embeddings/nota.pdf",
    )
    assert [a.name for a in parsed(data).attachments] == ["Foglio.xlsx", "nota.pdf"]


def test_a_dangling_relation_costs_nothing() -> None:
    link = '<w:hyperlink r:id="rIdNone"><w:r><w:t>Rif. 5518</w:t></w:r></w:hyperlink>'
    chart_node = '<w:r><w:drawing><c:chart r:id="rIdGone"/></w:drawing></w:r>'
    result = parsed(docx(p(link) + p(chart_node)))
    assert [e.text for e in result.elements] == ["Rif. 5518"]
    assert "chart" in result.warnings[0]


def test_parts_that_are_gone_are_named() -> None:
    head = "<w:sectPr><w:headerReference r:id='{}'/></w:sectPr>"
    picture = "<w:r><w:drawing><a:blip r:embed='{}'/></w:drawing></w:r>"
    gone = {"h": "header header7.xml", "n": "footnotes note.xml", "i": "image media/7.png", "t": "theme theme.xml"}
    lost = parsed(docx(p("Resta") + p(picture.format("i")) + head.format("h"), **gone)).warnings
    assert [name for name in ("header7.xml", "note.xml", "7.png") if sum(name in w for w in lost) == 1] == [
        "header7.xml",
        "note.xml",
        "7.png",
    ]
    assert len(lost) == 3
    unknown = parsed(docx(p("Resta") + p(picture.format("rId8")) + head.format("rId9"))).warnings
    assert ["rId8" in w or "rId9" in w for w in unknown] == [True, True]


def test_form_fields_symbols_and_raised_figures_as_shown() -> None:
    box = "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:checkBox><w:default w:val='{}'/></w:checkBox></w:ffData></w:fldChar></w:r>"
    choice = (
        "<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:ddList><w:result w:val='1'/><w:listEntry w:val='mensile'/>"
        "<w:listEntry w:val='annuale'/></w:ddList></w:ffData></w:fldChar></w:r>"
    )
    raised = "<w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>2</w:t></w:r>"
    tick = "<w:r><w:sym w:font='Wingdings' w:char='F0FE'/></w:r>"
    hyphen = "<w:r><w:t>12</w:t><w:noBreakHyphen/><w:t>bis</w:t></w:r>"
    found = texts(
        docx(
            p(box.format(1) + r("sì ") + box.format(0) + r("no"))
            + p(r("Rata: ") + choice)
            + p(r("1.250") + raised)
            + p(tick + r(" letto"))
            + p(hyphen)
        )
    )
    assert found == ["☒sì ☐no", "Rata: annuale", "1.250²", "☒ letto", "12-bis"]


def test_formulas_keep_what_belongs_together() -> None:
    def m(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    power = f"<m:sSup><m:e>{m('b')}</m:e><m:sup>{m('2')}</m:sup></m:sSup>"
    root = f"<m:rad><m:radPr/><m:e>{power}{m('-4ac')}</m:e></m:rad>"
    fraction = f"<m:f><m:fPr/><m:num>{m('-b±')}{root}</m:num><m:den>{m('2a')}</m:den></m:f>"
    assert texts(docx(p(f"<m:oMath>{m('x=')}{fraction}</m:oMath>"))) == ["x=(-b±√(b^2-4ac))/2a"]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 900), st.integers(1, 300))
def test_a_package_with_a_gap_is_read_or_fails_with_a_name(place: int, size: int) -> None:
    data = docx(p("Saldo 6.024"))
    try:
        parsed(data[:place] + data[place + size :])
    except DocumentError as error:
        assert error.kind != FailureKind.INTERNAL


def test_numbers_of_lists_are_counted_as_word_shows_them() -> None:
    levels = (
        "<w:lvl w:ilvl='0'><w:start w:val='3'/><w:numFmt w:val='upperRoman'/><w:lvlText w:val='%1.'/></w:lvl>"
        "<w:lvl w:ilvl='1'><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='%1.%2)'/></w:lvl>"
    )
    numbering = (
        f"<w:abstractNum w:abstractNumId='0'>{levels}</w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num>"
        "<w:num w:numId='2'><w:abstractNumId w:val='0'/><w:lvlOverride w:ilvl='0'><w:startOverride w:val='1'/></w:lvlOverride></w:num>"
    )

    def item(text: str, level: int, number: int = 1) -> str:
        return p(text, f"<w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{number}'/></w:numPr>")

    body = item("a", 0) + item("b", 1) + item("c", 1) + item("d", 0) + item("e", 1) + item("f", 0, 2)
    data = docx(body, {"word/numbering.xml": part("w:numbering", numbering)}, n="numbering numbering.xml")
    assert texts(data) == ["III. a", "III.a) b", "III.b) c", "IV. d", "IV.a) e", "I. f"]


def test_titles_by_style_inheritance_and_outline() -> None:
    styles = (
        "<w:style w:type='paragraph' w:styleId='T1'><w:name w:val='heading 1'/></w:style>"
        "<w:style w:type='paragraph' w:styleId='X'><w:name w:val='Articolo'/><w:basedOn w:val='Y'/></w:style>"
        "<w:style w:type='paragraph' w:styleId='Y'><w:name w:val='Base'/><w:pPr><w:outlineLvl w:val='1'/></w:pPr></w:style>"
    )
    body = p("Parte", "<w:pStyle w:val='T1'/>") + p("Art. 1", "<w:pStyle w:val='X'/>") + p("testo")
    result = parsed(docx(body, {"word/styles.xml": part("w:styles", styles)}, s="styles styles.xml"))
    assert [(e.kind, e.level, e.section) for e in result.elements] == [
        ("title", 1, ""),
        ("title", 2, "Parte"),
        ("text", 0, "Parte > Art. 1"),
    ]


def test_names_with_backslashes_and_other_case_are_found() -> None:
    with zipfile.ZipFile(io.BytesIO(docx(p("Saldo 6.021")))) as given:
        parts: dict[str, str | bytes] = {name.replace("/", "\\"): given.read(name) for name in given.namelist()}
    assert texts(packed(parts)) == ["Saldo 6.021"]


def test_a_damaged_part_beside_the_text_is_named() -> None:
    data = docx(p("Saldo 6.022"), {"word/footnotes.xml": "<w:footnotes"}, f="footnotes footnotes.xml")
    result = parsed(data)
    assert [e.text for e in result.elements] == ["Saldo 6.022"]
    assert "word/footnotes.xml" in result.warnings[0]


def test_strict_documents_need_no_rewriting() -> None:
    strict = SPACES.replace(
        "http://schemas.openxmlformats.org/wordprocessingml/2006/", "http://purl.oclc.org/ooxml/wordprocessingml/"
    )
    parts: dict[str, str | bytes] = {
        "_rels/.rels": relations(m="officeDocument word/document.xml"),
        "word/document.xml": f"<w:document {strict}><w:body>{p('Saldo 6.023')}</w:body></w:document>",
    }
    assert texts(packed(parts)) == ["Saldo 6.023"]


def test_elements_that_nobody_knows_are_read_for_their_text_and_said() -> None:
    found = parsed(docx(p("Prima") + f"<w:p2>{r('Canone 1.250')}</w:p2><w:block>{p('Seconda')}</w:block>"))
    assert [e.text for e in found.elements] == ["Prima", "Canone 1.250", "Seconda"]
    assert set(found.warnings) == {f"an unknown element ({n}) was read for its text" for n in ("p2", "block")}


def test_hidden_text_is_read_and_said() -> None:
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>sconto 18</w:t></w:r>"
    shown = "<w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>visibile</w:t></w:r>"
    found = parsed(docx(f"<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr>{hidden}{shown}</w:p>"))
    assert [e.text for e in found.elements] == ["sconto 18visibile"]
    assert found.warnings == ("1 passage(s) of hidden text were read like the rest",)


def test_text_hidden_by_its_style_is_said() -> None:
    off, on = "<w:vanish w:val='0'/>", "<w:vanish/>"
    styles = "".join(
        f"<w:style w:type='character' w:styleId='{name}'><w:basedOn w:val='{above}'/><w:rPr>{switch}</w:rPr></w:style>"
        for name, above, switch in (("A", "", on), ("B", "A", ""), ("C", "", off))
    )
    runs = "".join(f"<w:r><w:rPr><w:rStyle w:val='{name}'/></w:rPr><w:t>{name}</w:t></w:r>" for name in "ABC")
    data = docx(p(runs), {"word/styles.xml": part("w:styles", styles)}, s="styles styles.xml")
    found = parsed(data)
    assert [e.text for e in found.elements] == ["ABC"]
    assert found.warnings == ("2 passage(s) of hidden text were read like the rest",)


def test_the_reading_of_characters_stands_behind_them() -> None:
    reading, base = f"<w:rt>{r('とうきょう')}</w:rt>", f"<w:rubyBase>{r('東京')}</w:rubyBase>"
    ruby = f"<w:r><w:ruby><w:rubyPr><w:hps w:val='10'/></w:rubyPr>{reading}{base}</w:ruby></w:r>"
    assert texts(docx(f"<w:p>{r('a ')}{ruby}{r(' b')}</w:p>")) == ["a 東京(とうきょう) b"]
