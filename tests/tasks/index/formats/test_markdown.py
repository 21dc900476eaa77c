"""Markdown, read as the HTML that it stands for."""

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read


def test_markdown_with_front_matter_and_table() -> None:
    text = "---\ntitle: Procedura\nauthor: HR\n---\n# Spese\n\nTesto *breve*.\n\n"
    text += "| Voce | Max |\n|---|---:|\n| Cena | 40 |\n"
    parsed = read(text.encode(), Context("x.md", Limits()))
    assert (parsed.title, dict(parsed.metadata)) == ("Procedura", {"author": "HR"})
    assert [e.kind for e in parsed.elements] == ["title", "text", "table"]
    assert parsed.elements[2].rows == (("Voce", "Max"), ("Cena", "40"))
    assert parsed.elements[2].section == "Spese"
