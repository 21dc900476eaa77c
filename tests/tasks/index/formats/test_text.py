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


def test_a_question_with_its_answer_below_is_a_title() -> None:
    text = "Quanto costa?\nCosta 3 euro.\n\nSapete? Io no.\nCiao\n\nViene?"
    parsed = read(text.encode(), Context("x.txt", Limits()))
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("title", "Quanto costa?"),
        ("text", "Costa 3 euro."),
        ("text", "Sapete? Io no.\nCiao"),
        ("text", "Viene?"),
    ]
    mail = read(b"From: a@b.it\nSubject: x\n\nHow much?\nThanks", Context("x.eml", Limits()))
    assert "title" not in {e.kind for e in mail.elements if "How" in e.text}
