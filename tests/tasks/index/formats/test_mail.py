"""Mails: heads, bodies, attachments and their limits."""

import base64
import email
import email.policy
from email.message import EmailMessage

import pytest

import envelopes
from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.attachments import held, plain_name
from tasks.index.formats.base import Context
from tasks.index.formats.mail_text import decoded_words
from tasks.index.read import read
from tasks.records import Parsed


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


def raw(*lines: str, head: str = "From: Ufficio <u@esempio.it>\nTo: c@esempio.it\nSubject: Prova\n") -> bytes:
    return (head + "\n".join(lines)).encode()


def alternatives(plain: str, rich: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "u@esempio.it", "c@esempio.it", "Prova"
    mail.set_content(plain)
    mail.add_alternative(rich, subtype="html")
    return mail.as_bytes()


def body(data: bytes) -> str:
    return "\n".join(e.text for e in parsed_mail(data).elements[1:])


def parsed_mail(data: bytes) -> Parsed:
    return read(data, Context("x.eml", Limits()))


@pytest.mark.parametrize(
    ("plain", "rich", "there", "not_there"),
    [
        ("Messaggio in HTML.", "<p>Canone mensile di 640,00 euro dal primo marzo.</p>", "640,00", "Messaggio in HTML"),
        ("Canone 640,00 euro.\n-- \nAnna", "<p>Canone <b>640,00</b> euro.</p>", "Anna", "zzz"),
        (
            "Voce 5 e voce 6.",
            "<table><tr><th>Voce</th></tr><tr><td>5</td></tr><tr><td>6</td></tr></table>",
            "5",
            "e voce",
        ),
        (
            " ".join(f"parola{n}" for n in range(60)),
            "<p>Tutt'altro testo, di 42 euro, con molte altre cose.</p>",
            "parola59",
            "zzz",
        ),
        ("Solo testo 17.", "<html><body><img src='x'></body></html>", "Solo testo 17", "zzz"),
    ],
)
def test_the_version_that_says_more_is_read(plain: str, rich: str, there: str, not_there: str) -> None:
    text = body(alternatives(plain, rich))
    assert there in text
    assert not_there not in text


def test_two_versions_that_say_different_things_are_both_read() -> None:
    text = body(
        alternatives(" ".join(f"parola{n}" for n in range(60)), "<p>Tutt'altro: 42 euro, entro il 3 maggio.</p>")
    )
    assert "parola59" in text
    assert "42 euro" in text


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-8859-1", "costa 45 € – l’anno".encode("cp1252"), "costa 45 € – l’anno"),
        ("us-ascii", "qualità più".encode("cp1252"), "qualità più"),
        ("us-ascii", "qualità più".encode(), "qualità più"),
        ("iso-8859-1", "già “così”".encode(), "già “così”"),
        ("x-unknown", "Città e qualità".encode("cp1252"), "Città e qualità"),
        ("gb2312", "\u9555基".encode("gb18030"), "\u9555基"),
        ("windows-1251", "Прибыль".encode("cp1251"), "Прибыль"),
        ("utf-16", "Città".encode("utf-16"), "Città"),
    ],
)
def test_charsets_as_they_were_meant(charset: str, data: bytes, text: str) -> None:
    coded = base64.b64encode(data).decode()
    mail = raw(f'Content-Type: text/plain; charset="{charset}"', "Content-Transfer-Encoding: base64", "", coded)
    assert parsed_mail(mail).elements[-1].text == text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_raw_bytes_in_heads_and_names(encoding: str) -> None:
    mail = (
        "From: Società Però <p@esempio.it>\nTo: a@esempio.it\nSubject: Novità e qualità n° 12\n"
        'Content-Type: text/plain; name="Società.txt"\nContent-Disposition: attachment; filename="Società.txt"\n\nciao ciao'
    ).encode(encoding)
    parsed = parsed_mail(mail)
    assert parsed.title == "Novità e qualità n° 12"
    assert parsed.metadata["sender"] == "Società Però <p@esempio.it>"
    assert parsed.attachments[0].name == "Società.txt"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?iso-8859-1?Q?L'=C9quipe?= <x@y.z>", "L'Équipe <x@y.z>"),
        ("=?utf-8?B?4oKs?= =?utf-8?B?IDEy?=", "€ 12"),
        ("=?utf-8?B?4oI=?=\n =?utf-8?B?rA==?= fine", "€ fine"),
        ("=?windows-1252?q?45_=80?= e =?x-none?Q?citt=E0?=", "45 € e città"),
        ("=?utf-8*it?Q?citt=C3=A0?=", "città"),
        ("niente =? qui ?= di speciale", "niente =? qui ?= di speciale"),
    ],
)
def test_encoded_words(value: str, text: str) -> None:
    assert decoded_words(value) == text


def test_forwards_encoded_as_a_whole() -> None:
    inner = base64.encodebytes(raw("", "Il dividendo è di 2,35 euro.")).decode()
    mail = raw(
        "Content-Type: multipart/mixed; boundary=B",
        "",
        "--B",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: base64",
        "",
        inner,
        "--B--",
    )
    [forward] = parsed_mail(mail).attachments
    assert forward.name.endswith(".eml")
    assert "2,35 euro" in body(forward.data)


def test_a_forward_without_its_boundary_keeps_its_raw_letters() -> None:
    heads = "Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: message/rfc822\n\nSubject: Rata\n"
    mail = f"{heads}Content-Type: multipart/mixed\n\nLa rata è di 81 euro.\n--B--\n".encode()
    [forward] = parsed_mail(mail).attachments
    assert "La rata è di 81 euro." in body(forward.data)


def test_a_boundary_and_a_name_of_raw_letters() -> None:
    part = "--società\nContent-Type: text/plain; name=perché.txt\nContent-Disposition: attachment\n\nCanone 640\n"
    mail = f"Content-Type: multipart/mixed; boundary=società\n\n{part}--società--\n".encode()
    assert [(a.name, a.data) for a in parsed_mail(mail).attachments] == [("perché.txt", b"Canone 640")]


def test_a_calendar_beside_the_text_is_one_document() -> None:
    event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Assemblea\nEND:VEVENT\nEND:VCALENDAR"
    mail = raw(
        "Content-Type: multipart/mixed; boundary=A",
        "",
        "--A",
        "Content-Type: multipart/alternative; boundary=B",
        "",
        "--B",
        "Content-Type: text/plain",
        "",
        "Invito.",
        "--B",
        "Content-Type: text/calendar; method=REQUEST",
        "",
        event,
        "--B--",
        "--A",
        'Content-Type: application/ics; name="invito.ics"',
        'Content-Disposition: attachment; filename="invito.ics"',
        "",
        event,
        "--A--",
    )
    parsed = parsed_mail(mail)
    assert [a.name for a in parsed.attachments] == ["attachment.ics"]
    assert read(parsed.attachments[0].data, Context("x", Limits())).title == "Assemblea"


def test_a_mark_before_the_heads() -> None:
    parsed = read(b"\xef\xbb\xbf" + raw("", "Corpo 71."), Context("x.txt", Limits()))
    assert (parsed.format, parsed.title) == ("eml", "Prova")


def test_the_inside_of_a_signed_mail_is_its_body() -> None:
    inside = b"Content-Type: text/plain; charset=utf-8\r\n\r\nOrdine 5512 confermato.\r\n"
    coded = base64.encodebytes(envelopes.der(inside)).decode()
    mail = raw("Content-Type: application/x-pkcs7-mime; name=smime.p7m", "Content-Transfer-Encoding: base64", "", coded)
    parsed = parsed_mail(mail)
    assert "5512" in parsed.elements[-1].text
    assert parsed.attachments == ()
    assert parsed.metadata["signed_by"] == envelopes.SIGNER


def test_a_signature_beside_the_text_is_no_document() -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "u@esempio.it", "c@esempio.it", "Prova"
    mail.set_content("Testo firmato.")
    for data, name in (
        (envelopes.der(b"x", detached=True), "smime.p7s"),
        (b"-----BEGIN PGP SIGNATURE-----", "signature.asc"),
    ):
        kind = "pkcs7-signature" if name == "smime.p7s" else "pgp-signature"
        mail.add_attachment(data, maintype="application", subtype=kind, filename=name)
    parsed = parsed_mail(mail.as_bytes())
    assert parsed.attachments == ()
    assert parsed.metadata["signed_by"] == envelopes.SIGNER
    assert parsed.warnings == ()


def test_a_signed_file_packed_with_its_time_stamp() -> None:
    file = base64.encodebytes(envelopes.der(b"%PDF-1.4 ...")).decode()
    packed = "\n".join(
        [
            "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=M",
            "",
            "--M",
            'Content-Type: application/pkcs7-mime; smime-type=signed-data; name="atto.pdf.p7m"',
            "Content-Transfer-Encoding: base64",
            'Content-Disposition: attachment; filename="atto.pdf.p7m"',
            "",
            file,
            "--M",
            'Content-Type: application/timestamp-reply; name="atto.tsr"',
            "Content-Transfer-Encoding: base64",
            "",
            "MAoC",
            "--M--",
        ]
    )
    parsed = read(packed.encode(), Context("atto.m7m", Limits()))
    assert [a.name for a in parsed.attachments] == ["atto.pdf.p7m"]
    assert parsed.attachments[0].metadata == {"timestamp": "atto.tsr"}
    assert "cannot be read" in parsed.warnings[0]


def test_reports_of_mail_servers_are_read() -> None:
    mail = raw(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B",
        "",
        "--B",
        "Content-Type: text/plain",
        "",
        "Non consegnato.",
        "--B",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.esempio.it",
        "",
        "Final-Recipient: rfc822; chi@esempio.it",
        "Diagnostic-Code: smtp; 550 casella piena",
        "",
        "--B--",
    )
    assert "550 casella piena" in body(mail)


DATICERT = """<?xml version="1.0"?><postacert tipo="{0}" errore="{1}"><intestazione><mittente>a@pec.it</mittente>
<destinatari tipo="certificato">b@pec.it</destinatari><oggetto>Diffida</oggetto></intestazione><dati>
<gestore-emittente>Gestore</gestore-emittente><data zona="+0200"><giorno>02/07/2026</giorno><ora>09:00:01</ora></data>
<identificativo>opec1</identificativo><msgid>&lt;m1@pec.it&gt;</msgid></dati></postacert>"""


def certified(head: str, kind: str, error: str = "nessuno", message: bytes | None = None) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        '"Per conto di: a@pec.it" <p@gestore.it>',
        "b@pec.it",
        f"{kind}: Diffida",
    )
    mail[head] = kind
    mail["X-Riferimento-Message-ID"] = "<m1@pec.it>"
    mail.set_content("Il giorno 02/07/2026 alle ore 09:00:01 il messaggio è stato trattato.")
    mail.add_attachment(
        DATICERT.format(kind, error).encode(), maintype="application", subtype="xml", filename="daticert.xml"
    )
    if message:
        inner = email.message_from_bytes(message, _class=EmailMessage, policy=email.policy.default)
        mail.add_attachment(inner, filename="postacert.eml")
    mail.add_attachment(b"0\x80", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    return mail.as_bytes()


def test_a_certified_mail_and_its_envelope_are_one_document() -> None:
    inner = certified("X-Trasporto", "posta-certificata", message=raw("", "Vi diffidiamo."))
    parsed = parsed_mail(inner)
    assert (parsed.attachments, parsed.title) == ((), "Prova")
    assert parsed.elements[-1].text == "Vi diffidiamo."
    [forwarded] = parsed_mail(certified("X-Trasporto", "posta-certificata", message=inner)).attachments
    assert forwarded.name == "postacert.eml", "an envelope that was sent on is a message in a message"
    expected = {
        "pec_kind": "posta-certificata",
        "certified_at": "2026-07-02T09:00:01+02:00",
        "pec_answers": "m1@pec.it",
    }
    assert expected.items() <= parsed.metadata.items()
    assert parsed.metadata["sender"] == "a@pec.it"


@pytest.mark.parametrize("kind", ["accettazione", "avvenuta-consegna", "non-accettazione", "preavviso-errore-consegna"])
def test_receipts_of_certified_mail(kind: str) -> None:
    parsed = parsed_mail(certified("X-Ricevuta", kind, "no-dest" if "errore" in kind else "nessuno"))
    assert parsed.attachments == ()
    assert parsed.metadata["pec_kind"] == kind
    assert parsed.metadata["pec_answers"] == "m1@pec.it"
    assert parsed.metadata.get("pec_error", "") == ("no-dest" if "errore" in kind else "")
    assert "trattato" in parsed.elements[-1].text


def test_a_short_mail_with_a_page_is_a_mail() -> None:
    mail = b"From: a@b.it\nTo: c@d.it\nSubject: Prova\nContent-Type: text/html\n\n<html><body>Prezzo 5</body></html>"
    parsed = read(mail, Context("x", Limits()))
    assert (parsed.format, parsed.title, parsed.elements[-1].text) == ("eml", "Prova", "Prezzo 5")


def test_apple_mail_counts_its_bytes() -> None:
    mail = raw("", "Testo di prova.")
    parsed = read(
        b"%-10d\n" % len(mail) + mail + b'<?xml version="1.0"?><plist><dict/></plist>', Context("x", Limits())
    )
    assert (parsed.format, parsed.title, parsed.elements[-1].text) == ("eml", "Prova", "Testo di prova.")


def test_parts_that_say_they_have_parts() -> None:
    assert body(raw("Content-Type: multipart/mixed; boundary=B", "", "Solo testo 9.")).endswith("Solo testo 9.")


@pytest.mark.parametrize(
    "date",
    ["Mon, 12 Jan 99999999999 10:00:00 +0100", "Mon, 99 Jan 2025 10:00:00 +9999", "12", "Mon, 12 Jan 2025 1:2:3 +"],
)
def test_a_date_that_is_none_costs_no_mail(date: str) -> None:
    mail = parsed_mail(f"From: a@x.it\r\nSubject: Canone\r\nDate: {date}\r\n\r\nEuro 4.120\r\n".encode())
    assert "Euro 4.120" in [element.text for element in mail.elements]
    assert mail.metadata["created"]


def _raw(body: str, kind: str = "text/plain; charset=utf-8") -> bytes:
    return f"From: a@b.it\nTo: c@d.it\nSubject: Conti\nMIME-Version: 1.0\nContent-Type: {kind}\n\n{body}".encode()


def test_files_written_into_the_text_are_attachments() -> None:
    block = "begin 644 conti.csv\n" + base64.binascii.b2a_uu(b"voce;euro\ncanone;1512\n").decode() + "`\nend\n"
    parsed = read(_raw(f"In allegato i conti.\n\n{block}\nSaluti"), Context("x.eml", Limits()))
    assert [e.text for e in parsed.elements[2:]] == ["In allegato i conti.", "Saluti"]
    assert [(a.name, a.data) for a in parsed.attachments] == [("conti.csv", b"voce;euro\ncanone;1512\n")]
    broken = read(_raw("begin 644 conti.csv\nnessun blocco\nend\n"), Context("x.eml", Limits()))
    assert "nessun blocco" in broken.elements[-1].text and not broken.attachments


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_mails_saved_as_utf_16(encoding: str) -> None:
    parsed = read(_raw("Città e qualità: 1.250 €").decode().encode(encoding), Context("x.eml", Limits()))
    assert (parsed.title, parsed.elements[-1].text) == ("Conti", "Città e qualità: 1.250 €")


@pytest.mark.parametrize(
    ("plain", "rich", "told"),
    [
        ("Il totale è 1.250 euro.", "<p>Totale in allegato, ordine 7781.</p>", {"1.250", "7781"}),
        (
            "Gentile cliente, ecco il totale dovuto a oggi.",
            "<p>Gentile cliente, ecco il totale dovuto a oggi: 88,40</p>",
            {"88,40"},
        ),
    ],
)
def test_no_version_of_a_body_loses_a_figure(plain: str, rich: str, told: set[str]) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@b.it", "c@d.it", "Conti"
    mail.set_content(plain)
    mail.add_alternative(rich, subtype="html")
    text = " ".join(e.text for e in read(mail.as_bytes(), Context("x.eml", Limits())).elements)
    assert all(figure in text for figure in told)


def test_inline_pictures_that_no_text_shows_or_that_are_pages_are_files() -> None:
    from io import BytesIO

    from PIL import Image

    def picture(size: int) -> bytes:
        target = BytesIO()
        Image.new("1", (size, size), 1).save(target, "PNG")
        return target.getvalue()

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@b.it", "c@d.it", "Scansioni"
    mail.set_content('<p>Ecco <img src="cid:logo@x"><img src="cid:pagina@x"></p>', subtype="html")
    for name, size in (("logo", 90), ("pagina", 1200), ("sola", 90)):
        mail.add_related(picture(size), "image", "png", cid=f"<{name}@x>", filename=f"{name}.png", disposition="inline")
    parsed = read(mail.as_bytes(), Context("x.eml", Limits()))
    assert [a.name for a in parsed.attachments] == ["pagina.png", "sola.png"]
    assert parsed.warnings == ("1 inline picture(s) were left out",)


def test_empty_files_are_named() -> None:
    _, warnings = held([("vuoto.txt", b""), ("pieno.txt", b"x")], Limits())
    assert warnings == ("1 empty file within was left out: vuoto.txt",)
