"""What hangs on the text of OpenDocument, in a package and in one flat file: nothing goes without a word."""

import base64
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from containers import ole2
from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed
from tests.tasks.index.formats.test_opendocument import SPACES, cell, packed, text

SUPER = (
    "<office:automatic-styles><style:style style:name='T1' style:family='text'>"
    "<style:text-properties style:text-position='super 58%'/></style:style></office:automatic-styles>"
)
NOTE = (
    "<text:note text:note-class='{}note'><text:note-citation>1</text:note-citation>"
    "<text:note-body><text:p>nota</text:p></text:note-body></text:note>"
)
COMMENT = "<office:annotation><dc:creator>Anna</dc:creator><text:p>nota</text:p></office:annotation>"
BOX = "<draw:frame><draw:text-box><text:p>nota</text:p></draw:text-box></draw:frame>"


def flat(content: str) -> Parsed:
    body = f"<office:body><office:text>{content}</office:text></office:body>"
    kind = "application/vnd.oasis.opendocument.text"
    document = f'<?xml version="1.0"?><office:document {SPACES} office:mimetype="{kind}">{body}</office:document>'
    return read(document.encode(), Context("x.fodt", Limits(), "off"))


@pytest.mark.parametrize(
    ("hanging", "section"),
    [(NOTE.format("foot"), "Footnotes"), (NOTE.format("end"), "Endnotes"), (COMMENT, "Comments"), (BOX, "")],
)
@pytest.mark.parametrize("around", ["{}", "<text:span text:style-name='T1'>{}</text:span>", "<text:a>{}</text:a>"])
def test_what_hangs_on_a_raised_word_or_a_link_is_kept(hanging: str, section: str, around: str) -> None:
    found = text(f"<text:p>Canone 650{around.format(hanging)} euro</text:p>", local=SUPER).elements
    assert [(e.section, e.text) for e in found] == [("", "Canone 650 euro"), (section, "nota")]


def test_a_figure_raised_in_pieces_is_no_figure_of_the_number() -> None:
    mark = "<text:span text:style-name='T1'><text:a>2</text:a></text:span>"
    [found] = text(f"<text:p>Canone 650{mark} euro</text:p>", local=SUPER).elements
    assert found.text == "Canone 650² euro"


BLANKS = {"<text:s text:c='2'/>": " ", "<text:tab/>": " ", "<text:line-break/>": "\n", "<text:soft-page-break/>": ""}


@given(st.lists(st.sampled_from(sorted(BLANKS)), max_size=4), st.booleans())
def test_blanks_part_words_and_soft_breaks_count_pages(blanks: list[str], inside: bool) -> None:
    markup = "".join(f"{blank}n{number}" for number, blank in enumerate(blanks))
    markup = f"<text:span text:style-name='T1'>{markup}</text:span>" if inside else markup
    first, last = text(f"<text:p>uno{markup}</text:p><text:p>due</text:p>", local=SUPER).elements
    assert first.text == "uno" + "".join(f"{BLANKS[blank]}n{number}" for number, blank in enumerate(blanks))
    assert (first.page, last.page) == (1, 1 + blanks.count("<text:soft-page-break/>"))


def test_fields_of_forms_by_what_they_hold() -> None:
    fields = (
        "<form:checkbox form:id='a' form:label='Accetto' form:current-state='unchecked'/>"
        "<form:text form:id='b' form:value='Lodi'/><form:listbox form:id='c'/>"
    )
    places = "".join(
        f"<text:p>[<draw:control draw:control='{name}'/>]</text:p>" for name in ("a", "b", "c", "gone", "")
    )
    found = text(f"<office:forms><form:form>{fields}</form:form></office:forms>{places}").elements
    assert [e.text for e in found] == ["[☐ Accetto]", "[Lodi]", "[]", "[]", "[]"]


def framed(item: str, size: str = "9cm") -> str:
    return f"<text:p>Foglio</text:p><text:p><draw:frame draw:width='{size}' draw:height='{size}'>{item}</draw:frame></text:p>"


def with_part(content: str, name: str, data: bytes) -> Parsed:
    target = io.BytesIO(packed("text", f"<office:text>{content}</office:text>"))
    with zipfile.ZipFile(target, "a") as file:
        file.writestr(name, data)
    return read(target.getvalue(), Context("x.odt", Limits(), "off"))


@pytest.mark.parametrize("in_flat_file", [False, True])
def test_files_of_other_programs_are_attached_or_named(in_flat_file: bool) -> None:
    def opened(data: bytes) -> Parsed:
        if in_flat_file:
            coded = f"<office:binary-data>{base64.encodebytes(data).decode()}</office:binary-data>"
            return flat(framed(f"<draw:object-ole>{coded}</draw:object-ole>"))
        return with_part(framed("<draw:object-ole xlink:href='./Object 2'/>"), "Object 2", data)

    sheet = ole2({"Workbook": b"x" * 5000})
    [attached] = opened(sheet).attachments
    assert (attached.name.rpartition(".")[2], attached.data) == ("xls", sheet)
    foreign = opened(ole2({"VisioDocument": b"x" * 5000}))
    assert (foreign.attachments, len(foreign.warnings)) == ((), 1)
    assert "was not read" in foreign.warnings[0]


@pytest.mark.parametrize(
    ("item", "what"), [("object", "object"), ("object-ole", "object"), ("image", "picture"), ("plugin", "")]
)
@pytest.mark.parametrize("opened", [text, flat])
def test_what_a_frame_points_to_in_vain_is_named(opened, item: str, what: str) -> None:  # type: ignore[no-untyped-def]
    parsed = opened(framed(f"<draw:{item} xlink:href='./Gone 1'/>"))
    assert [e.text for e in parsed.elements] == ["Foglio"]
    assert [w.partition(": ")[2] for w in parsed.warnings] == (["./Gone 1 is not in the file"] if what else [])
    assert all(f"an embedded {what}" in warning for warning in parsed.warnings)


def test_pictures_of_flat_files_count_as_pictures() -> None:
    target = io.BytesIO()
    Image.new("L", (400, 500), 255).save(target, "PNG")
    coded = base64.b64encode(target.getvalue()).decode()
    parsed = flat(framed(f"<draw:image><office:binary-data>{coded}</office:binary-data></draw:image>", "20cm"))
    assert parsed.warnings == ("the picture picture1 was not read: text recognition is off (FALDONE_OCR)",)
    broken = flat(framed("<draw:image><office:binary-data>A</office:binary-data></draw:image>", "20cm"))
    assert "an embedded picture was left out" in broken.warnings[0]


def test_tables_that_only_arrange_give_what_they_hold() -> None:
    def rows(*lines: str) -> str:
        return f"<table:table>{''.join(f'<table:table-row>{line}</table:table-row>' for line in lines)}</table:table>"

    inner = rows(cell("Voce") + cell("Anno"), cell("Utile") + cell("17"))
    held = f"<table:table-cell>{inner}</table:table-cell>"
    assert [(e.kind, e.rows or e.text) for e in text(rows(cell("solo"))).elements] == [("text", "solo")]
    arranged = text(rows(held + cell("accanto"))).elements
    assert [(e.kind, e.rows or e.text) for e in arranged] == [
        ("table", (("Voce", "Anno"), ("Utile", "17"))),
        ("text", "accanto"),
    ]
    long = text(rows(cell("a"), cell("x" * 1600))).elements
    assert [e.kind for e in long] == ["text", "text"]


def test_a_head_may_be_a_table_and_a_body_must_be_there() -> None:
    table = f"<table:table><table:table-row>{cell('Comune')}{cell('Lodi')}</table:table-row></table:table>"
    styles = f"<office:master-styles><style:master-page><style:header>{table}</style:header></style:master-page></office:master-styles>"
    assert [e.rows for e in text("<text:p>Atto</text:p>", styles=styles).elements if e.rows] == [(("Comune", "Lodi"),)]
    with pytest.raises(DocumentError) as caught:
        read(packed("text", ""), Context("x.odt", Limits()))
    assert caught.value.kind == FailureKind.CORRUPT
