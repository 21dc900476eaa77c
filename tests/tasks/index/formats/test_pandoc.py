"""RTF and OpenDocument texts, written by pandoc, which is also how they are read."""

from pathlib import Path

import pypandoc
import pytest

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


@pytest.mark.parametrize("kind", ["odt", "rtf"])
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


def test_characters_by_number_do_not_swallow_their_neighbours() -> None:
    text = rb"{\rtf1\ansi\deff0 L\u8217'investimento \u8211- \u232\'e8 {\uc0\u224}pi\u249 ?\par}"
    assert read(text, Context("x.rtf", Limits())).elements[0].text == "L’investimento – è àpiù"
