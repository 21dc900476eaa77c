"""Books: chapters as pages, titles, lists and tables."""

from pathlib import Path

import pytest
from minutes import minutes

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from office import packed
from tasks.index.formats.base import Context
from tasks.index.read import read


def test_chapters_of_a_book_are_pages(tmp_path: Path) -> None:
    parsed = read(minutes("epub", tmp_path), Context("x.epub", Limits()))
    assert (parsed.title, parsed.metadata["author"]) == ("Verbale", "Segretario")
    assert parsed.pages == max(e.page for e in parsed.elements) > 1


def test_chapters_keep_titles_lists_and_tables(tmp_path: Path) -> None:
    parsed = read(minutes("epub", tmp_path), Context("x.bin", Limits()))
    assert (parsed.format, parsed.language) == ("epub", "it")
    [table] = [e for e in parsed.elements if e.kind == "table"]
    assert table.rows == (("Voce", "Importo"), ("Utile", "1200"))
    assert table.section.endswith("Ordine del giorno")
    assert [e.text.lstrip("• -") for e in parsed.elements if e.kind == "list"] == ["bilancio", "nomine"]


def book(parts: dict[str, str], *chapters: str, encrypted: str = "") -> bytes:
    """A book of these chapters."""
    items = "".join(f'<item id="{i}" href="{name}"/>' for i, name in enumerate(chapters))
    spine = "".join(f'<itemref idref="{i}"/>' for i in range(len(chapters)))
    more = (
        {"META-INF/encryption.xml": f'<encryption><CipherReference URI="{encrypted}"/></encryption>'}
        if encrypted
        else {}
    )
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="OEBPS/book.opf"/></container>',
            "OEBPS/book.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{f"OEBPS/{name}": f"<html><body><p>{text}</p></body></html>" for name, text in parts.items()},
            **more,
        }
    )


def test_a_chapter_that_is_not_there_is_named() -> None:
    parsed = read(
        book({"a%20b.xhtml": "uno", "C.xhtml": "tre"}, "a%20b.xhtml", "due.xhtml", "c.xhtml"),
        Context("x.epub", Limits()),
    )
    assert [e.text for e in parsed.elements] == ["uno", "tre"]
    assert "due.xhtml" in parsed.warnings[0]


def test_a_protected_book_is_encrypted_and_disguised_fonts_are_not() -> None:
    with pytest.raises(DocumentError) as caught:
        read(book({"a.xhtml": "uno"}, "a.xhtml", encrypted="OEBPS/a.xhtml"), Context("x.epub", Limits()))
    assert caught.value.kind == FailureKind.ENCRYPTED
    assert read(book({"a.xhtml": "uno"}, "a.xhtml", encrypted="OEBPS/f.otf"), Context("x.epub", Limits())).elements
