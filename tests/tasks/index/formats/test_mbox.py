"""Mailboxes: each mail a document; what only looks like the beginning of one stays where it is."""

import base64

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read


def mail(subject: str, body: str, *heads: str) -> str:
    return "\n".join(
        [f"Subject: {subject}", "From: x@esempio.it", "Date: Mon, 3 Mar 2025 09:00:00 +0100", *heads, "", body]
    )


def boxed(*mails: str) -> bytes:
    return "\n\n".join(f"From a@esempio.it Mon Mar  3 10:00:00 2025\n{one}" for one in mails).encode()


def test_each_mail_is_a_document() -> None:
    coded = mail("Seconda", base64.b64encode(b"caparra 6200").decode(), "Content-Transfer-Encoding: base64")
    quoted = mail("Terza/3", "Testo.\n\n>From qui in poi\n\nFrom Roma con amore\n\nfine 71")
    parsed = read(boxed(mail("Prima", "Corpo 61."), coded, quoted), Context("posta", Limits()))
    assert (parsed.format, parsed.metadata["mails"]) == ("mbox", "3")
    assert [a.name for a in parsed.attachments] == ["0001 Prima.eml", "0002 Seconda.eml", "0003 Terza-3.eml"]
    texts = ["\n".join(e.text for e in read(a.data, Context(a.name, Limits())).elements) for a in parsed.attachments]
    assert "caparra 6200" in texts[1]
    assert "From qui in poi" in texts[2]
    assert "fine 71" in texts[2]


def test_a_box_of_one_mail_is_that_mail() -> None:
    parsed = read(boxed(mail("Sola", "Corpo 62.")), Context("posta.mbox", Limits()))
    assert (parsed.format, parsed.title, parsed.attachments) == ("eml", "Sola", ())


def test_more_mails_than_the_limit_are_named() -> None:
    box = boxed(*[mail(f"n {n}", "x") for n in range(5)])
    parsed = read(box, Context("posta", Limits(members=3)))
    assert len(parsed.attachments) == 3
    assert parsed.warnings == ("2 files within were left out: more than 3 (limits.members)",)


def test_mails_without_heads_and_with_html() -> None:
    start = "From a@esempio.it Mon Jun 01 10:00:00 2009\n"
    parsed = read(f"{start}\nUno 1\n\n{start}\nDue 2".encode(), Context("x", Limits()))
    assert [(a.name, a.data.strip()) for a in parsed.attachments] == [
        ("0001 message.eml", b"Uno 1"),
        ("0002 message.eml", b"Due 2"),
    ]
    page = f"{start}Comments: c\nContent-Type: text/html; charset=utf-8\n\n<html><body>Prezzo 5</body></html>"
    assert read(page.encode(), Context("x", Limits())).elements[0].text == "Prezzo 5"
