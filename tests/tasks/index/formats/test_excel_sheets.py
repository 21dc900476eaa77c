"""Workbooks: what stands beside the cells, in the parts that programs write for it, and parts that are away or damaged."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment

from containers import zipped
from infra.settings import Limits
from office import relations
from tasks.index.formats.base import Context
from tasks.index.formats.excel_sheets import margin_text
from tasks.index.read import read
from tasks.records import Parsed

SHEET, RELATIONS = "xl/worksheets/sheet1.xml", "xl/worksheets/_rels/sheet1.xml.rels"
THREADS = (
    '<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">'
    '<threadedComment ref="A1"><text>è il conto 12?</text></threadedComment>'
    '<threadedComment ref="A1"><text>sì</text></threadedComment><threadedComment ref="B1"><text> </text></threadedComment>'
    "</ThreadedComments>"
)
CONTROLS = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:x="urn:schemas-microsoft-com:office:excel">'
    '<v:shape><v:textbox><div>Calcola</div></v:textbox><x:ClientData ObjectType="Button"/></v:shape>'
    '<v:shape><v:textbox><div>nota</div></v:textbox><x:ClientData ObjectType="Note"/></v:shape>'
    '<v:shape><x:ClientData ObjectType="Drop"/></v:shape></xml>'
)


def book(**comments: str) -> bytes:
    made, target = openpyxl.Workbook(), io.BytesIO()
    made.active.append(["Ricavi", 640])
    for cell, text in comments.items():
        made.active[cell].comment = Comment(text, "Anna")
    made.save(target)
    return target.getvalue()


def with_parts(data: bytes, parts: dict[str, str], **targets: str) -> Parsed:
    """A workbook with more parts, and relations of its first sheet to them beside those that it has."""
    with zipfile.ZipFile(io.BytesIO(data)) as given:
        whole = {name: given.read(name) for name in given.namelist()}
    added = relations(**targets).partition(">")[2]
    old = whole.get(RELATIONS, b"</Relationships>").decode()
    head = relations().removesuffix("</Relationships>") if RELATIONS not in whole else ""
    whole[RELATIONS] = (head + old.replace("</Relationships>", added)).encode()
    whole |= {name: text.encode() for name, text in parts.items()}
    return read(zipped(whole), Context("x.xlsx", Limits()))


def test_a_comment_that_became_a_conversation_is_read_once() -> None:
    parts = {"xl/threadedComments/t1.xml": THREADS}
    found = with_parts(
        book(A1="[Threaded comment] è il conto 12?", B1="a parte"),
        parts,
        t="threadedComment ../threadedComments/t1.xml",
    )
    assert [e.text for e in found.elements if not e.rows] == ["è il conto 12?", "sì"]


@pytest.mark.parametrize("kind", ["threadedComment", "comments", "drawing", "vmlDrawing"])
@pytest.mark.parametrize("content", [None, "<a><b"])
def test_a_part_beside_the_cells_that_is_away_or_damaged_costs_only_itself(kind: str, content: str | None) -> None:
    parts = {} if content is None else {"xl/x1.xml": content}
    found = with_parts(book(), parts, x=f"{kind} ../x1.xml")
    assert [e.rows for e in found.elements] == [(("Ricavi", "640"),)]
    assert len(found.warnings) == (content is None or kind != "vmlDrawing"), "browsers' markup is mended"


def test_labels_of_buttons_are_read_and_those_of_comments_are_not_read_twice() -> None:
    found = with_parts(book(), {"xl/drawings/v1.vml": CONTROLS}, v="vmlDrawing ../drawings/v1.vml")
    assert [e.text for e in found.elements if not e.rows] == ["Calcola"]


def test_a_sheet_that_is_not_in_the_package_is_named() -> None:
    made, target = openpyxl.Workbook(), io.BytesIO()
    made.active.append(["Ricavi", 640])
    made.create_sheet("Via").append(["Costi", 1])
    made.save(target)
    with zipfile.ZipFile(target) as given:
        whole = {name: given.read(name) for name in given.namelist()}
    part = "xl/_rels/workbook.xml.rels"
    whole[part] = whole[part].replace(b'Id="rId2"', b'Id="rId99"')
    found = read(zipped(whole), Context("x.xlsx", Limits()))
    assert [e.rows for e in found.elements] == [(("Ricavi", "640"),)]
    assert any("the sheet Via was left out" in warning for warning in found.warnings)


PRINTED = st.text(st.sampled_from("abcàè€<>'; 1"), min_size=1, max_size=12).filter(
    lambda text: any(map(str.isalpha, text))
)


@settings(max_examples=20)
@given(PRINTED, PRINTED)
def test_what_is_printed_around_a_sheet_stands_as_openpyxl_reads_it(head: str, foot: str) -> None:
    made, target = openpyxl.Workbook(), io.BytesIO()
    made.active.append(["Ricavi", 640])
    made.active.oddHeader.center.text, made.active.oddHeader.center.font = head, "Arial,Bold"
    made.active.oddFooter.right.text, made.active.evenFooter.left.text = foot, "&P/&N"
    made.save(target)
    theirs = openpyxl.load_workbook(io.BytesIO(target.getvalue())).active
    found = read(target.getvalue(), Context("x.xlsx", Limits())).elements
    printed = {e.kind: e.text for e in found if e.kind in {"header", "footer"}}
    wanted = {"header": theirs.oddHeader.center.text, "footer": theirs.oddFooter.right.text}
    assert printed == {kind: " ".join(text.split()) for kind, text in wanted.items()}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('&L&"Arial"&10Conti&RPagina &P', "Conti Pagina"),
        ("&P di &N", "di"),
        ("&C&12&P/&N", ""),
        ("Rossi && figli", "Rossi & figli"),
    ],
)
def test_codes_of_margins_go_and_words_stay(code: str, text: str) -> None:
    assert margin_text(code) == text
