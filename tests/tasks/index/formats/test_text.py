"""Plain text."""

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read


def test_paragraphs_titles_lists_and_pages() -> None:
    text = "VERBALE DI ASSEMBLEA\n\nSono presenti\ntutti i soci.\n\n"
    text += "Delibere\n========\n\n- prima\n- seconda\n\fPagina due."
    parsed = read(text.encode("cp1252"), Context("x.txt", Limits()))
    assert [(e.kind, e.level, e.page, e.text) for e in parsed.elements] == [
        ("title", 2, 1, "VERBALE DI ASSEMBLEA"),
        ("text", 0, 1, "Sono presenti\ntutti i soci."),
        ("title", 1, 1, "Delibere"),
        ("list", 0, 1, "- prima\n- seconda"),
        ("text", 0, 2, "Pagina due."),
    ]
    assert parsed.pages == 2
