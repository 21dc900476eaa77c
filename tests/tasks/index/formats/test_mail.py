"""Mails: heads, bodies, attachments and their limits."""

from email.message import EmailMessage

import pytest

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.attachments import held, plain_name
from tasks.index.formats.base import Context
from tasks.index.read import read


def reminder() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ufficio crediti <crediti@esempio.it>"
    mail["To"] = "cliente@esempio.it"
    mail["Subject"] = "Sollecito: è urgente"
    mail["Date"] = "Mon, 03 Mar 2025 10:00:00 +0100"
    mail.set_content("Gentile cliente,\n\nla fattura 41 risulta scaduta.\n")
    mail.add_alternative("<p>Gentile cliente, la <b>fattura 41</b> risulta scaduta.</p>", subtype="html")
    mail.add_attachment(b"a;b\n1;2\n", maintype="text", subtype="csv", filename="../estratto conto.csv")
    return mail


def test_heads_body_and_attachments() -> None:
    parsed = read(reminder().as_bytes(), Context("x.eml", Limits()))
    assert (parsed.format, parsed.title) == ("eml", "Sollecito: è urgente")
    assert parsed.metadata["created"] == "2025-03-03T10:00:00+01:00"
    assert parsed.metadata["sender"] == "Ufficio crediti <crediti@esempio.it>"
    assert [e.text for e in parsed.elements[2:]] == ["Gentile cliente,", "la fattura 41 risulta scaduta."]
    assert [(a.name, a.data) for a in parsed.attachments] == [("estratto conto.csv", b"a;b\n1;2\n")]


def test_a_mail_in_a_mail_is_an_attachment() -> None:
    outer = EmailMessage()
    outer["From"], outer["To"], outer["Subject"] = "pec@esempio.it", "b@esempio.it", "POSTA CERTIFICATA"
    outer.set_content("Il messaggio originale è allegato.")
    outer.add_attachment(reminder())
    [inner] = read(outer.as_bytes(), Context("x.eml", Limits())).attachments
    assert inner.name == "Sollecito è urgente.eml" or inner.name.endswith(".eml")
    assert read(inner.data, Context(inner.name, Limits())).title == "Sollecito: è urgente"


def test_html_with_a_table_is_preferred() -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@b.it", "c@d.it", "Ordine"
    mail.set_content("Articolo Prezzo Olio 12")
    mail.add_alternative(
        "<table><tr><th>Articolo</th><th>Prezzo</th></tr><tr><td>Olio</td><td>12</td></tr></table>", "html"
    )
    parsed = read(mail.as_bytes(), Context("x.eml", Limits()))
    assert parsed.elements[-1].rows == (("Articolo", "Prezzo"), ("Olio", "12"))


def test_an_encrypted_mail_says_so() -> None:
    mail = b"From: a@b.it\nTo: c@d.it\nSubject: x\nMIME-Version: 1.0\n"
    mail += b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB"
    with pytest.raises(DocumentError) as caught:
        read(mail, Context("x.eml", Limits()))
    assert caught.value.kind == FailureKind.ENCRYPTED


def test_attachments_are_held_to_the_limits() -> None:
    limits = Limits(attachments=2, file_size=10)
    kept, warnings = held([("a/../x.txt", b"123"), ("X.txt", b"456"), ("y", b"7")], limits)
    assert [attachment.name for attachment in kept] == ["x.txt", "X (2).txt"]
    assert "limits.attachments" in warnings[0]
    _, warnings = held([("big", b"0" * 11)], limits)
    assert "limits.file_size" in warnings[0]


@pytest.mark.parametrize(
    ("name", "plain"),
    [("..\\..\\boot.ini", "boot.ini"), ("/etc/passwd", "passwd"), ("..", "attachment"), ("a\nb", "a b")],
)
def test_names_of_attachments_are_plain(name: str, plain: str) -> None:
    assert plain_name(name) == plain
