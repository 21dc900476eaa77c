"""A certified mailbox on a real IMAP server: fifty messages, each read once, and each invoice in them once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr

from envelopes import der
from imap_server import PASSWORD, USER, client, deliver, imap_server
from infra import imap
from infra.errors import TransientError, UsageError
from infra.lake import Lake
from infra.machine import free_port
from infra.settings import Passwords, Settings
from samples.make.binder import FILES
from tasks.collect import saved, spool
from tasks.collection import ledger
from tasks.index.run import index
from tasks.query.office import Office
from tasks.query.views import view

INVOICES, RECEIPTS, PLAIN = 14, 16, 6
CERTIFICATE = """<?xml version="1.0" encoding="UTF-8"?><postacert tipo="{kind}" errore="nessuno"><intestazione>
<mittente>sdi@pec.example</mittente><destinatari tipo="certificato">office@pec.example</destinatari>
<oggetto>{subject}</oggetto></intestazione><dati><gestore-emittente>Gestore</gestore-emittente>
<data zona="+0200"><giorno>02/07/2026</giorno><ora>09:00:01</ora></data><identificativo>{id}</identificativo>
<msgid>&lt;{id}@pec.example&gt;</msgid></dati></postacert>"""


@dataclass(frozen=True)
class Server:
    """A server of the test and where its folder is."""

    port: int
    certificate: Path

    @property
    def location(self) -> str:
        return f"imap://{USER}@127.0.0.1:{self.port}/PEC"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with imap_server(tmp_path_factory.mktemp("imap")) as (port, file), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield Server(port, file)


def invoice(number: int, folder: Path) -> bytes:
    """The office's first invoice with another number."""
    FILES["IT98000019996_00001.xml"](folder / "one.xml")
    return (folder / "one.xml").read_bytes().replace(b"2026/9<", f"2026/{100 + number}<".encode())


def plain(subject: str, text: str, attachment: bytes = b"", name: str = "") -> EmailMessage:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "sdi@pec.example", "office@pec.example", subject
    mail["Date"] = "Thu, 02 Jul 2026 09:00:00 +0200"
    mail.set_content(text)
    if attachment:
        mail.add_attachment(attachment, maintype="application", subtype="octet-stream", filename=name)
    return mail


def certified(kind: str, header: str, inner: EmailMessage | None, number: int) -> bytes:
    """A transport envelope or a receipt, with the message in it, as providers send them."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = "posta-certificata@pec.example", "office@pec.example"
    mail["Subject"], mail[header] = f"{kind.upper()}: {number}", kind
    mail["Date"] = "Thu, 02 Jul 2026 09:00:02 +0200"
    mail.set_content("Messaggio di posta certificata")
    stated = CERTIFICATE.format(kind=kind, subject=f"Invio {number}", id=f"opec{number}").encode()
    mail.add_attachment(stated, maintype="application", subtype="xml", filename="daticert.xml")
    if inner is not None:
        mail.add_attachment(inner, filename="postacert.eml")
    mail.add_attachment(der(b"detached", detached=True), maintype="application", subtype="pkcs7-signature", filename="smime.p7s")  # fmt: skip
    return mail.as_bytes()


def fifty(folder: Path) -> list[bytes]:
    """Invoices by certified mail, each with its delivery receipt that repeats it; receipts alone; ordinary mail."""
    found = []
    for number in range(INVOICES):
        content = invoice(number, folder)
        signed = number % 3 == 0
        data, name = (der(content), f"IT_{number}.xml.p7m") if signed else (content, f"IT_{number}.xml")
        inner = plain(f"Invio {number}", "In allegato la fattura.", data, name)
        found.append(certified("posta-certificata", "X-Trasporto", inner, number))
        found.append(certified("avvenuta-consegna", "X-Ricevuta", inner, number))
    found += [certified("accettazione", "X-Ricevuta", None, 100 + number) for number in range(RECEIPTS)]
    return found + [plain(f"Riunione {n}", f"Ci vediamo alle {n + 9}.").as_bytes() for n in range(PLAIN)]


def with_password(settings: Settings, **passwords: str) -> Settings:
    return settings.model_copy(
        update={"passwords": Passwords(**{name: SecretStr(word) for name, word in passwords.items()})}
    )


@pytest.mark.slow
def test_a_certified_mailbox_is_read_once_and_each_invoice_in_it_counts_once(
    server: Server, settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    deliver(server.port, server.certificate, "PEC", fifty(tmp_path))
    settings = with_password(settings, pec=PASSWORD)
    source = saved.add(settings, server.location, "mail", name="pec")
    assert (source.every, source.location) == (saved.SELDOM, server.location)
    for table in lake.names():
        assert PASSWORD not in str(lake.read(table).to_pylist()), "a secret is no part of the lake"

    first = spool.fetch(settings, source)
    assert (first.new, first.again, first.too_large) == (50, 0, 0)
    result = index(settings, [str(first.folder)], "mail")
    assert result["status"] == "completed", result["failures"]
    assert result["documents"]["found"] == 50
    invoices_and_their_envelopes = INVOICES + -(-INVOICES // 3)
    receipts_repeat_the_message = INVOICES
    assert result["documents"]["attachments"] == 2 * invoices_and_their_envelopes + receipts_repeat_the_message
    tops = ledger.read(lake, "mail", ["path", "state"], {"parent_id": ""}).to_pylist()
    assert len({row["path"] for row in tops}) == 50
    assert {row["state"] for row in tops} == {"indexed"}
    rows = view(Office(lake, "mail", ()), "invoices", lake).rows
    counted = [row["number"] for row in rows if not row["duplicate_of"]]
    assert sorted(counted) == sorted(f"2026/{100 + number}" for number in range(INVOICES))

    again = spool.fetch(settings, source)
    assert (again.new, again.again) == (0, 0), "what was seen is not even listed"
    with client(server.port, server.certificate) as connection:
        connection.select("PEC", readonly=True)
        _, unseen = connection.search(None, "UNSEEN")
        assert len(unseen[0].split()) == 50, "nothing was marked as seen"


@pytest.mark.slow
def test_what_a_crash_or_new_numbers_make_fetched_again_is_the_same_file(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    deliver(server.port, server.certificate, "Twice", [plain("A", "a").as_bytes(), plain("B", "b").as_bytes()])
    settings = with_password(settings, twice=PASSWORD)
    location = server.location.replace("/PEC", "/Twice")
    source = saved.add(settings, location, "mail", name="twice")
    folder = spool.fetch(settings, source).folder
    before = sorted(folder.glob("*.eml"))
    digest = hashlib.blake2b(before[0].read_bytes(), digest_size=16).hexdigest()
    assert before[0].stem == digest
    for state in ("", "{", '{"validity": 1, "uid": 900, "too_large": 0}'):
        (folder / spool.STATE).write_text(state)
        again = spool.fetch(settings, source)
        assert (again.new, again.again) == (0, 2)
    assert sorted(folder.glob("*.eml")) == before
    (folder / spool.STATE).unlink()
    small = settings.model_copy(update={"limits": settings.limits.model_copy(update={"file_size": 10})})
    for _ in range(2):
        left = spool.fetch(small, source)
        assert (left.new, left.too_large) == (0, 2)
        assert "larger than 10 bytes" in left.notes(10)[0], "said each time, not only when it happened"


@pytest.mark.slow
def test_what_is_wrong_with_a_mailbox_is_said_when_it_is_added(server: Server, settings: Settings) -> None:
    known = with_password(settings, pec=PASSWORD, wrong="no")
    location = server.location
    with pytest.raises(UsageError, match="FALDONE_PASSWORDS__UNKNOWN"):
        saved.add(known, location, "mail", name="unknown")
    with pytest.raises(UsageError, match="refused the credentials of protocollo: set FALDONE_PASSWORDS__WRONG"):
        saved.add(known, location, "mail", name="wrong")
    with pytest.raises(UsageError, match="there is no folder Nowhere"):
        saved.add(known, location.replace("PEC", "Nowhere"), "mail", name="pec")
    with pytest.raises(UsageError, match="does not belong into the address") as caught:
        saved.add(known, location.replace("@", ":geheim@"), "mail", name="pec")
    assert "geheim" not in str(caught.value)
    with pytest.raises(TransientError, match="cannot be reached"):
        saved.add(known, f"imap://{USER}@127.0.0.1:{free_port()}/PEC", "mail", name="pec")
    with pytest.raises(UsageError, match="not under a source"):
        saved.add(known.model_copy(update={"sources": ("/srv",)}), location, "mail", name="pec")
    assert saved.listing(Lake(settings.root)) == []


@pytest.mark.slow
def test_a_certificate_that_is_not_trusted_ends_before_the_password_is_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UsageError, match="certificate is not trusted"), imap.opened(server.location, PASSWORD, "X"):
        pass


def test_folders_have_names_in_the_encoding_of_the_protocol() -> None:
    assert imap.encoded("Posta & più") == "Posta &- pi&APk-"
    assert imap.encoded("台北") == "&U,BTFw-"
    place = imap.parse("imaps://anna%40pec.example@mail.example/Archivio%2F2026/Fatture")
    assert place == imap.Address(True, "mail.example", 993, "anna@pec.example", "Archivio/2026/Fatture")
    assert imap.parse("imap://a@h").folder == "INBOX"
    for wrong in ("imap://h/INBOX", "imap://a@h:x/", "imap://a@/INBOX", "imap://a@h/a%0d%0aLOGOUT"):
        with pytest.raises(UsageError):
            imap.parse(wrong)
