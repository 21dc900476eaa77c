"""OpenDocument, RTF and EPUB; the text ones are written by pandoc, which is also how they are read."""

import io
import zipfile
from pathlib import Path

import pypandoc
import pytest

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read

MARKDOWN = """---
title: Verbale
author: Segretario
---
# Ordine del giorno

Il presidente apre la seduta e constata la presenza di tutti i consiglieri.

- bilancio
- nomine

| Voce | Importo |
|------|---------|
| Utile | 1200 |
"""


def made(kind: str, tmp_path: Path) -> bytes:
    target = tmp_path / f"x.{kind}"
    pypandoc.convert_text(MARKDOWN, kind, format="markdown", outputfile=str(target), extra_args=["--standalone"])
    return target.read_bytes()


@pytest.mark.parametrize("kind", ["odt", "rtf", "epub"])
def test_texts_keep_titles_lists_and_tables(kind: str, tmp_path: Path) -> None:
    parsed = read(made(kind, tmp_path), Context("x.bin", Limits()))
    assert parsed.format == kind
    assert parsed.language == "it"
    title = next(e for e in parsed.elements if e.text == "Ordine del giorno")
    assert title.kind == "title"
    [table] = [e for e in parsed.elements if e.kind == "table"]
    assert table.rows == (("Voce", "Importo"), ("Utile", "1200"))
    assert table.section.endswith("Ordine del giorno")
    assert [e.text.lstrip("• -") for e in parsed.elements if e.kind == "list"] == ["bilancio", "nomine"]


def test_chapters_of_a_book_are_pages(tmp_path: Path) -> None:
    parsed = read(made("epub", tmp_path), Context("x.epub", Limits()))
    assert (parsed.title, parsed.metadata["author"]) == ("Verbale", "Segretario")
    assert parsed.pages == max(e.page for e in parsed.elements) > 1


def test_characters_by_number_do_not_swallow_their_neighbours() -> None:
    text = rb"{\rtf1\ansi\deff0 L\u8217'investimento \u8211- \u232\'e8 {\uc0\u224}pi\u249 ?\par}"
    assert read(text, Context("x.rtf", Limits())).elements[0].text == "L’investimento – è àpiù"


def packed(mimetype: str, content: str) -> bytes:
    target = io.BytesIO()
    spaces = " ".join(
        f'xmlns:{p}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
        for p, n in [
            ("office", "office"),
            ("table", "table"),
            ("text", "text"),
            ("draw", "drawing"),
            ("presentation", "presentation"),
        ]
    )
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("mimetype", f"application/vnd.oasis.opendocument.{mimetype}")
        body = f"<office:body>{content}</office:body>"
        file.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")
    return target.getvalue()


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


def test_old_office_files_need_libreoffice(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.index.formats import office_old

    monkeypatch.setattr(office_old, "detect", lambda *_: "doc")
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(DocumentError) as caught:
        office_old.parse(b"x", Context("x.doc", Limits()))
    assert caught.value.kind == FailureKind.MISSING_PROGRAM
    assert "LibreOffice" in caught.value.message
