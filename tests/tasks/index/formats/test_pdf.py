"""The PDF reader as a whole: text, titles, margins, columns, limits and everything that can be wrong with a file."""

from __future__ import annotations

import io
import re
import time
from collections import Counter
from pathlib import Path

import pypdf
import pypdfium2
import pytest
from reportlab.pdfgen.canvas import Canvas

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats import pdf
from tasks.index.formats.base import Context
from tasks.index.formats.pdf_layout import Block
from tasks.index.formats.pdf_titles import to_elements
from tests.tasks.index.formats.paper import HEIGHT, LOREM, WIDTH, context, make, paragraph, statement, write


def report(canvas: Canvas) -> None:
    """A page with a running head, two headings, text and a page number."""
    number = canvas.getPageNumber()
    write(canvas, 50, 30, f"Annual report {2000 + number}", 8)
    write(canvas, 50, 90, "Review of the year" if number == 1 else f"Chapter {'ABCDEFGH'[number % 8]}", 16, bold=True)
    y = paragraph(canvas, 50, 120, 480, LOREM)
    write(canvas, 50, y + 20, "Outlook", 12, bold=True)
    words = LOREM.split()
    paragraph(canvas, 50, y + 44, 480, " ".join(["Ahead", *words[number:], *words[:number]]))
    write(canvas, WIDTH / 2, HEIGHT - 30, str(number), 8)


def two_columns(canvas: Canvas) -> None:
    write(canvas, 50, 60, "A study of two columns", 18, bold=True)
    for column, name in enumerate(("left", "right")):
        text = " ".join(f"The {name} column begins sentence {number} here and ends it." for number in range(1, 25))
        paragraph(canvas, 50 + 255 * column, 100 + 5 * column, 235, text)


def failure(data: bytes, **changes: object) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        pdf.parse(data, context(**changes))
    return caught.value


def test_titles_sections_and_paragraphs() -> None:
    parsed = pdf.parse(make(report, title="Annual report 2001", author="A. Rossi", subject="Accounts"), context())
    titles = [(element.text, element.level) for element in parsed.elements if element.kind == "title"]
    assert titles == [("Review of the year", 1), ("Outlook", 2)]
    texts = [element for element in parsed.elements if element.kind == "text"]
    assert any(element.text == LOREM for element in texts), "the lines of a paragraph are one text"
    assert texts[-1].section == "Review of the year > Outlook"
    assert parsed.title == "Annual report 2001"
    assert parsed.metadata["author"] == "A. Rossi"
    assert parsed.metadata["subject"] == "Accounts"
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", parsed.metadata["created"])
    assert (parsed.format, parsed.pages, parsed.warnings) == ("pdf", 1, ())


@pytest.mark.parametrize(
    "title",
    ["Studio Bianchi Associati", "Microsoft Word - budget.doc", "C:\\temp\\report.indd", "Untitled", "Documento1", "x"],
)
def test_a_poor_metadata_title_gives_way_to_the_first_heading(title: str) -> None:
    assert pdf.parse(make(report, title=title), context()).title == "Review of the year"


def test_running_heads_and_page_numbers_are_kept_apart() -> None:
    parsed = pdf.parse(make(*[report] * 6), context())
    kinds = Counter(element.kind for element in parsed.elements)
    assert kinds["header"] == 6
    assert kinds["footer"] == 6
    assert [element.page for element in parsed.elements if element.kind == "footer"] == [1, 2, 3, 4, 5, 6]
    assert not any("Annual report" in element.text for element in parsed.elements if element.kind != "header")


def test_columns_are_read_one_after_the_other() -> None:
    parsed = pdf.parse(make(two_columns), context())
    text = " ".join(element.text for element in parsed.elements)
    assert re.findall(r"(\w+) column begins sentence (\d+)", text) == [
        (side, str(number)) for side in ("left", "right") for number in range(1, 25)
    ]


def test_words_broken_at_line_ends_are_made_whole() -> None:
    def page(canvas: Canvas) -> None:
        write(canvas, 50, 100, "The consolidated balance sheet was pre-")
        write(canvas, 50, 112, "pared under the rules, and a non-")
        write(canvas, 50, 124, "EU firm was left out of it, as stated.")

    (element,) = pdf.parse(make(page), context()).elements
    assert element.text == (
        "The consolidated balance sheet was prepared under the rules, and a non- EU firm was left out of it, as stated."
    )


def test_a_statement_is_one_table_below_its_title() -> None:
    parsed = pdf.parse(make(statement), context())
    assert [element.kind for element in parsed.elements] == ["title", "table"]
    table = parsed.elements[1]
    assert table.section == "Consolidated Statement of Income"
    assert table.rows == (
        ("", "Years ended December 31", "Years ended December 31", "Years ended December 31"),
        ("(Millions)", "2018", "2017", "2016"),
        ("Net sales", "$32,765", "$31,657", "$30,109"),
        ("Operating expenses", "", "", ""),
        ("Cost of sales", "16,682", "16,055", "15,118"),
        ("Gain on sale of businesses", "(547)", "(586)", "(111)"),
        ("Proceeds from issuance of treasury stock pursuant to stock option and benefit plans", "485", "—", "804"),
        ("Total", "$25,558", "$23,965", "$23,082"),
    )
    assert table.text.splitlines()[2:4] == ["Net sales | $32,765 | $31,657 | $30,109", "Operating expenses"]


@pytest.mark.parametrize("drawing", [report, two_columns, statement])
def test_no_word_of_a_page_is_lost(drawing: object) -> None:
    data = make(drawing, drawing, drawing)  # type: ignore[arg-type]
    parsed = pdf.parse(data, context())
    rows = [(e, [" ".join(row) for row in e.rows] if e.rows else [e.text]) for e in parsed.elements]
    texts = [(e.page_of(place), text) for e, lines in rows for place, text in enumerate(lines)]
    with pypdfium2.PdfDocument(data) as document:
        for number, page in enumerate(document, start=1):
            wanted = Counter(re.findall(r"\w+", page.get_textpage().get_text_range()))
            found = Counter(re.findall(r"\w+", " ".join(text for page, text in texts if page == number)))
            assert sum((wanted & found).values()) >= 0.99 * sum(wanted.values())


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_turned_pages_read_like_upright_ones(angle: int) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make(statement)))
    writer.pages[0].rotate(angle)
    assert tables(written(writer)) == tables(make(statement))


@pytest.mark.parametrize("angle", [90, 270])
def test_text_that_is_set_sideways_reads_like_upright_text(angle: int) -> None:
    def page(canvas: Canvas) -> None:
        canvas.translate(*((WIDTH, 0) if angle == 90 else (0, HEIGHT)))
        canvas.rotate(angle if angle == 90 else -90)
        statement(canvas)

    assert tables(make(page)) == tables(make(statement))


def tables(data: bytes) -> list[object]:
    return [element.rows for element in pdf.parse(data, context()).elements if element.kind == "table"]


def written(writer: pypdf.PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_text_beside_the_reading_direction_is_kept() -> None:
    def stamped(canvas: Canvas) -> None:
        write(canvas, 50, 100, "Minutes of the meeting of the board")
        canvas.rotate(90)
        canvas.drawString(300, -20, "Received 3 May")

    texts = [element.text for element in pdf.parse(make(stamped), context()).elements]
    assert texts == ["Minutes of the meeting of the board", "Received 3 May"]


def test_only_text_without_a_size() -> None:
    assert to_elements([Block("text", "Received", 1)])[0].kind == "text"


def test_what_is_filled_into_a_form_is_read() -> None:
    def form(canvas: Canvas) -> None:
        write(canvas, 50, 100, "Name of the applicant:")
        canvas.acroForm.textfield(name="applicant", x=170, y=HEIGHT - 106, width=200, height=20, value="Rosa Bianchi")

    text = " ".join(element.text for element in pdf.parse(make(form), context()).elements)
    assert "Name of the applicant:" in text
    assert "Rosa Bianchi" in text


def test_encrypted_files() -> None:
    locked = pypdf.PdfWriter(clone_from=io.BytesIO(make(report)))
    locked.encrypt("secret", algorithm="RC4-128")
    error = failure(written(locked))
    assert error.kind is FailureKind.ENCRYPTED
    assert "password" in str(error)
    owned = pypdf.PdfWriter(clone_from=io.BytesIO(make(report)))
    owned.encrypt("", "owner", algorithm="RC4-128")
    assert pdf.parse(written(owned), context()).elements[1].text == "Review of the year"


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.4\n1 0 obj\n<<", b"not a pdf", b""])
def test_broken_files_say_so(data: bytes) -> None:
    error = failure(data)
    assert error.kind is FailureKind.CORRUPT
    assert "damaged" in str(error)


def test_a_file_that_is_cut_off_is_repaired_or_corrupt() -> None:
    whole = make(*[report] * 5)
    for share in (0.2, 0.5, 0.9, 0.99):
        try:
            parsed = pdf.parse(whole[: int(share * len(whole))], context(ocr="off"))
        except DocumentError as error:
            assert error.kind in {FailureKind.CORRUPT, FailureKind.NO_TEXT}
        else:
            assert parsed.elements


def test_embedded_files_come_out() -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make(report)))
    writer.add_attachment("bilancio.xbrl", b"<xbrl/>")
    writer.add_attachment("note.txt", b"note")
    data = written(writer)
    found = {attachment.name: attachment.data for attachment in pdf.parse(data, context()).attachments}
    assert found == {"bilancio.xbrl": b"<xbrl/>", "note.txt": b"note"}
    limited = pdf.parse(data, Context("x.pdf", Limits(attachments=1)))
    assert len(limited.attachments) == 1
    assert limited.warnings == ("1 files within were left out: more than 1 (limits.attachments)",)


def test_too_many_pages() -> None:
    with pytest.raises(DocumentError, match="3 pages, the limit is 2") as caught:
        pdf.parse(make(report, report, report), Context("x.pdf", Limits(pages=2)))
    assert caught.value.kind is FailureKind.TOO_LARGE


def box(canvas: Canvas) -> None:
    canvas.rect(100, 100, 200, 200, fill=1)


def test_pages_without_text_are_named_when_ocr_is_off() -> None:
    parsed = pdf.parse(make(report, box, box, report, box), context(ocr="off"))
    assert parsed.warnings == ("pages 2–3, 5 have no text and text recognition is off (FALDONE_OCR)",)
    error = failure(make(box), ocr="off")
    assert (error.kind, str(error)) == (
        FailureKind.NO_TEXT,
        "0 elements from 1 page: page 1 has no text and text recognition is off (FALDONE_OCR)",
    )


def test_without_tesseract_the_rest_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    parsed = pdf.parse(make(report, box), context())
    assert parsed.warnings == (
        "page 2 has no text and tesseract is not installed: apt-get install tesseract-ocr tesseract-ocr-ita",
    )
    assert failure(make(box)).kind is FailureKind.MISSING_PROGRAM


def test_empty_pages_are_no_text() -> None:
    error = failure(make(lambda canvas: None))
    assert error.kind is FailureKind.NO_TEXT
    assert "the pages are empty" in str(error)


def mapped(ranges: bytes, count: int) -> bytes:
    """A page whose font maps codes to characters by these ranges."""
    text = "secret message in a font that lacks the meaning of some letters"
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make(lambda canvas: write(canvas, 50, 100, text))))
    fonts = writer.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    for font in fonts.values():
        codes = pypdf.generic.StreamObject()
        body = b"1 begincodespacerange <00> <FF> endcodespacerange %d beginbfrange %b endbfrange" % (count, ranges)
        codes.set_data(b"/CIDInit /ProcSet findresource begin begincmap " + body + b" endcmap end")
        font.get_object()[pypdf.generic.NameObject("/ToUnicode")] = writer._add_object(codes)
    return written(writer)


def test_a_garbage_text_layer_counts_as_no_text() -> None:
    error = failure(mapped(b"<00> <FF> <E000>", 1), ocr="off")
    assert error.kind is FailureKind.NO_TEXT


@pytest.mark.parametrize(("letter", "told"), [(b"E073", True), (b"F0B7", False), (b"0073", False)])
def test_pages_of_which_some_letters_have_no_meaning_are_told(letter: bytes, told: bool) -> None:
    ranges = b"<00> <72> <0000> <73> <73> <%b> <74> <FF> <0074>" % letter
    warnings = pdf.parse(mapped(ranges, 3), context(ocr="off")).warnings
    assert any("page 1 has letters that their fonts do not map" in warning for warning in warnings) == told


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "Relazione è così.pdf"
    path.write_bytes(make(report))
    assert pdf.parse(path, context()).title == "Review of the year"


def test_speed_of_plain_pages() -> None:
    """A generous floor (the aim is some hundred pages a second): it catches a quadratic step, not a slow machine."""
    data = make(*[report] * 60)
    begin = time.process_time()
    pdf.parse(data, context())
    assert time.process_time() - begin < 6.0


@pytest.mark.parametrize("number", ["1e39", "-1e39", "3.4e38", "99999999999999999999999999999999999999999"])
@pytest.mark.parametrize("place", range(6))
def test_a_number_beyond_all_pages_costs_no_page(number: str, place: int) -> None:
    matrix = ["1", "0", "0", "1", "60", "600"]
    matrix[place] = number

    def page(canvas: Canvas) -> None:
        write(canvas, 60, 100, "Ricavi 4.120")
        canvas._code.append(f"BT {' '.join(matrix)} Tm /F1 12 Tf (Costi 3.900) Tj ET")

    assert "4.120" in " ".join(element.text for element in pdf.parse(make(page), context(ocr="off")).elements)
