"""Mail and alert channels, against a real SMTP server and a real webhook on this machine."""

from __future__ import annotations

import email
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from imap_server import certificate
from infra import mail
from infra.errors import TransientError, UsageError
from infra.machine import free_port
from infra.settings import Settings


class Inbox:
    """Keeps what arrives; refuses recipients of nowhere.example."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.endswith("nowhere.example"):
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@contextmanager
def smtp_server(host: str = "127.0.0.1", **options: Any) -> Iterator[tuple[Inbox, int]]:
    """A running SMTP server and its port."""
    box = Inbox()
    controller = Controller(box, hostname=host, port=free_port(), **options)
    controller.start()
    try:
        yield box, controller.port
    finally:
        controller.stop()


@contextmanager
def webhook() -> Iterator[tuple[list[dict[str, Any]], int]]:
    """A running webhook: what it was sent, and its port."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield bodies, server.server_address[1]
    finally:
        server.shutdown()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def hook() -> Iterator[tuple[list[dict[str, Any]], int]]:
    with webhook() as running:
        yield running


def settings(port: int = 0, to: str = "a@here.example,b@here.example", *urls: str) -> Settings:
    smtp = SecretStr(f"smtp://127.0.0.1:{port}/?from=faldone@here.example&to={to}") if port else None
    return Settings(smtp_url=smtp, alert_urls=tuple(SecretStr(url) for url in urls))


def test_a_mail_arrives_with_its_text_in_italian_and_its_attachment(inbox: tuple[Inbox, int]) -> None:
    box, port = inbox
    assert mail.send(
        settings(port), "La settimana è\nfinita", "Tutto è andato bene: città, perché.", [("week.pdf", b"%PDF-1.7 x")]
    )
    (message,) = box.messages
    assert message["To"] == "a@here.example, b@here.example"
    assert email.header.make_header(email.header.decode_header(message["Subject"])) == "La settimana è finita"
    parts = list(message.walk())
    assert "città, perché" in parts[1].get_payload(decode=True).decode()
    assert parts[2].get_filename() == "week.pdf"
    assert parts[2].get_content_type() == "application/pdf"
    assert parts[2].get_payload(decode=True) == b"%PDF-1.7 x"


def test_without_an_address_nothing_is_sent() -> None:
    assert mail.send(settings(), "x", "y") is False
    assert not mail.configured(settings())


def test_a_refused_recipient_is_the_user_s_to_mend_and_a_silent_server_passes(inbox: tuple[Inbox, int]) -> None:
    _, port = inbox
    with pytest.raises(UsageError, match="refused"):
        mail.send(settings(port, "x@nowhere.example"), "s", "t")
    with pytest.raises(TransientError):
        mail.send(settings(1), "s", "t")


@pytest.mark.parametrize("url", ["http://host", "smtp://host", "smtp://host/?to=a@b.it", "smtp://user@host/?from=x"])
def test_a_url_that_lacks_something_says_what(url: str) -> None:
    with pytest.raises(UsageError, match="FALDONE_SMTP_URL"):
        mail.server(url)


def test_a_url_with_everything_is_read() -> None:
    to = mail.server("smtps://me%40x.it:s%3Acret@mail.x.it/?to=you@y.it")
    assert (to.host, to.port, to.tls, to.user, to.password) == ("mail.x.it", 465, True, "me@x.it", "s:cret")
    assert (to.sender, to.recipients) == ("me@x.it", ("you@y.it",))


def test_every_channel_is_told_and_one_that_fails_does_not_keep_the_others(
    inbox: tuple[Inbox, int], hook: tuple[list[dict[str, Any]], int]
) -> None:
    box, port = inbox
    bodies, hook_port = hook
    good, bad = f"json://127.0.0.1:{hook_port}/x", "json://127.0.0.1:1/x"
    assert mail.notify(settings(port, "a@here.example", good), "subject", "text") == 2
    with pytest.raises(TransientError, match="json://… did not take"):
        mail.notify(settings(port, "a@here.example", bad, good), "subject", "text")
    assert len(box.messages) == 2
    assert [body["title"] for body in bodies] == ["subject", "subject"]


def admitted(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    return AuthResult(success=given == LoginPassword(b"me", "pässword".encode()), handled=False)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server with a certificate of its own shows; it is trusted here."""
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def sent(scheme: str, port: int, user: str = "", host: str = "127.0.0.1") -> bool:
    url = f"{scheme}://{user}{host}:{port}/?from=faldone@here.example&to=a@here.example"
    return mail.send(Settings(smtp_url=SecretStr(url)), "s", "t")


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_goes_over_tls_alone_and_a_wrong_one_is_refused(tls: ssl.SSLContext, scheme: str) -> None:
    options: dict[str, Any] = {"authenticator": admitted, "auth_required": True}
    options |= {"ssl_context": tls} if scheme == "smtps" else {"tls_context": tls, "require_starttls": True}
    if scheme == "smtps":
        options |= {"auth_require_tls": False}  # aiosmtpd counts only STARTTLS as TLS
    with smtp_server(**options) as (box, port):
        assert sent(scheme, port, "me:p%C3%A4ssword@")
        for wrong in ("me:wrong@", "me:falsch%C3%A4@"):
            with pytest.raises(UsageError, match="refused"):
                sent(scheme, port, wrong)
        with pytest.raises((UsageError, TransientError)):
            sent(scheme, port)
    assert len(box.messages) == 1


def test_no_password_goes_to_another_machine_in_clear_text() -> None:
    with smtp_server("127.0.0.2", authenticator=admitted, auth_require_tls=False) as (box, port):
        with pytest.raises(UsageError, match=r"127\.0\.0\.2 has no TLS"):
            sent("smtp", port, "me:p%C3%A4ssword@", "127.0.0.2")
        assert sent("smtp", port, "", "127.0.0.2")
    assert len(box.messages) == 1


def test_a_certificate_that_is_not_trusted_is_the_user_s_to_mend(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp_server(ssl_context=tls) as (box, port):
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(UsageError, match=r"is not trusted here .*SSL_CERT_FILE"):
            sent("smtps", port)
    assert not box.messages


def test_channels_get_every_attachment_though_two_have_one_name(hook: tuple[list[dict[str, Any]], int]) -> None:
    bodies, port = hook
    assert mail.push([f"json://127.0.0.1:{port}/x"], "s", "t", [("a/x.txt", b"one"), ("b/x.txt", b"two")]) == 1
    assert [one["base64"] for one in bodies[0]["attachments"]] == ["b25l", "dHdv"]
    with pytest.raises(TransientError, match="nosuch://… is not an Apprise URL") as caught:
        mail.push(["nosuch://secret@host", f"json://127.0.0.1:{port}/x"], "s", "t")
    assert "secret" not in str(caught.value)
    assert len(bodies) == 2
