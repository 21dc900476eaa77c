"""DOCX: titles, lists, tables, headers, footnotes, text boxes, and the flavours that python-docx does not open."""

import io
import zipfile
from collections.abc import Callable

import docx
import pytest

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed

TRANSITIONAL = b"http://schemas.openxmlformats.org/officeDocument/2006/"
STRICT = b"http://purl.oclc.org/ooxml/officeDocument/"
MAIN = b"http://schemas.openxmlformats.org/wordprocessingml/2006/"
PLAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


@pytest.fixture(scope="module")
def contract() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Contratto di fornitura"
    document.core_properties.author = "Ufficio legale"
    document.sections[0].header.paragraphs[0].text = "Riservato"
    document.add_heading("Oggetto", 1)
    document.add_paragraph("Il fornitore consegna le merci entro trenta giorni dalla data dell'ordine.")
    document.add_heading("Penali", 2)
    document.add_paragraph("Ritardo", style="List Bullet")
    table = document.add_table(rows=2, cols=3)
    for row, cells in zip(table.rows, [("Giorni", "Penale", "Massimo"), ("10", "2%", "20%")], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def changed(data: bytes, change: Callable[[str, bytes], bytes], extra: dict[str, str] | None = None) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(target, "w") as made:
        for name in given.namelist():
            made.writestr(name, change(name, given.read(name)))
        for name, text in (extra or {}).items():
            made.writestr(name, text)
    return target.getvalue()


def parsed(data: bytes) -> Parsed:
    return read(data, Context("x.docx", Limits()))


def test_structure_is_kept(contract: bytes) -> None:
    result = parsed(contract)
    assert (result.format, result.title, result.language) == ("docx", "Contratto di fornitura", "it")
    assert result.metadata["author"] == "Ufficio legale"
    kinds = [(element.kind, element.section) for element in result.elements]
    assert kinds == [
        ("header", ""),
        ("title", ""),
        ("text", "Oggetto"),
        ("title", "Oggetto"),
        ("list", "Oggetto > Penali"),
        ("table", "Oggetto > Penali"),
    ]
    assert result.elements[-1].rows == (("Giorni", "Penale", "Massimo"), ("10", "2%", "20%"))


def test_macro_documents_templates_and_strict_files_open(contract: bytes) -> None:
    plain = parsed(contract).elements
    macro = changed(
        contract, lambda _, part: part.replace(PLAIN, b"application/vnd.ms-word.document.macroEnabled.main+xml")
    )
    strict = changed(
        contract,
        lambda _, part: part.replace(TRANSITIONAL, STRICT).replace(
            MAIN, b"http://purl.oclc.org/ooxml/wordprocessingml/"
        ),
    )
    assert parsed(macro).elements == plain
    assert [e.text for e in parsed(strict).elements] == [e.text for e in plain]


def test_footnotes_and_text_boxes_are_found(contract: bytes) -> None:
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    note = "<w:p><w:r><w:t>Escluse le festività.</w:t></w:r></w:p>"
    notes = f'<w:footnotes xmlns:w="{w}"><w:footnote>{note}</w:footnote></w:footnotes>'
    inner = b"<w:p><w:r><w:t>Nota a margine</w:t></w:r></w:p>"
    box = b"<w:p><w:r><w:pict><w:txbxContent>" + inner + b"</w:txbxContent></w:pict></w:r></w:p><w:sectPr"
    data = changed(
        contract,
        lambda name, part: part.replace(b"<w:sectPr", box, 1) if name == "word/document.xml" else part,
        {"word/footnotes.xml": notes},
    )
    found = {element.text: element.section for element in parsed(data).elements}
    assert found["Escluse le festività."] == "Footnotes"
    assert "Nota a margine" in found


def test_a_dangling_picture_does_not_hide_the_text(contract: bytes) -> None:
    relation = (
        b'<Relationship Id="rId99" Target="media/none.png" Type="http://schemas.openxmlformats.org/officeDocument'
        b'/2006/relationships/image"/></Relationships>'
    )
    data = changed(
        contract,
        lambda name, part: part.replace(b"</Relationships>", relation) if name.endswith("document.xml.rels") else part,
    )
    assert len(parsed(data).elements) == 6


def test_a_document_with_broken_xml_is_corrupt(contract: bytes) -> None:
    data = changed(contract, lambda name, part: part[:500] if name == "word/document.xml" else part)
    with pytest.raises(DocumentError) as caught:
        parsed(data)
    assert caught.value.kind == FailureKind.CORRUPT
    assert "word/document.xml" in caught.value.message
