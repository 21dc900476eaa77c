"""Books: chapters as pages, titles, lists and tables."""

from pathlib import Path

import pypandoc

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


def made(tmp_path: Path) -> bytes:
    target = tmp_path / "x.epub"
    pypandoc.convert_text(MARKDOWN, "epub", format="markdown", outputfile=str(target), extra_args=["--standalone"])
    return target.read_bytes()


def test_chapters_of_a_book_are_pages(tmp_path: Path) -> None:
    parsed = read(made(tmp_path), Context("x.epub", Limits()))
    assert (parsed.title, parsed.metadata["author"]) == ("Verbale", "Segretario")
    assert parsed.pages == max(e.page for e in parsed.elements) > 1


def test_chapters_keep_titles_lists_and_tables(tmp_path: Path) -> None:
    parsed = read(made(tmp_path), Context("x.bin", Limits()))
    assert (parsed.format, parsed.language) == ("epub", "it")
    [table] = [e for e in parsed.elements if e.kind == "table"]
    assert table.rows == (("Voce", "Importo"), ("Utile", "1200"))
    assert table.section.endswith("Ordine del giorno")
    assert [e.text.lstrip("• -") for e in parsed.elements if e.kind == "list"] == ["bilancio", "nomine"]
