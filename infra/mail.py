"""The door to people: mail by SMTP, every channel that Apprise knows (Slack, Teams, …), and URLs of other programs.

FALDONE_SMTP_URL is `smtp://user:password@host:port/?from=a@x.it&to=b@x.it,c@x.it` (`smtps://` for TLS from the start, port 465). Plain
`smtp://` uses STARTTLS where the server offers it; a password goes to no other machine without it. FALDONE_ALERT_URLS holds Apprise URLs.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import mimetypes
import re
import smtplib
import ssl
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from infra.errors import TransientError, UsageError
from infra.settings import Settings

log = logging.getLogger("faldone.mail")

TIMEOUT = 30  # s
LOCAL = {"localhost", "127.0.0.1", "::1"}
Attachments = Sequence[tuple[str, bytes]]
Send = Callable[[str, str], object]


@dataclass(frozen=True, slots=True)
class Server:
    """What FALDONE_SMTP_URL says."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    sender: str
    recipients: tuple[str, ...]


def server(url: str) -> Server:
    """Read the URL.

    Raises:
        UsageError: it lacks something; the message says what.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise UsageError("FALDONE_SMTP_URL: must be like smtp://host:port/?from=me@example.com&to=you@example.com")
    query = parse_qs(parts.query)
    recipients = tuple(one.strip() for value in query.get("to", []) for one in value.split(",") if one.strip())
    user = unquote(parts.username or "")
    sender = (query.get("from") or [user])[0]
    if not recipients or "@" not in sender:
        raise UsageError("FALDONE_SMTP_URL: add ?from=me@example.com&to=you@example.com")
    tls = parts.scheme == "smtps"
    return Server(
        parts.hostname, parts.port or (465 if tls else 25), tls, user, unquote(parts.password or ""), sender, recipients
    )


def configured(settings: Settings) -> bool:
    """Tell whether anybody can be reached."""
    return settings.smtp_url is not None or bool(settings.alert_urls)


def send(
    settings: Settings,
    subject: str,
    text: str,
    attachments: Attachments = (),
    recipients: Sequence[str] = (),
    reference: str = "",
) -> bool:
    """Send a mail; returns False when FALDONE_SMTP_URL is not set.

    Args:
        recipients: instead of those of FALDONE_SMTP_URL.
        reference: makes the Message-ID, so that a mail that is sent twice can be told to be one.

    Raises:
        UsageError: the setting is wrong, or the server refuses the login or the addresses. TransientError: it does not answer.
    """
    if settings.smtp_url is None:
        return False
    to = server(settings.smtp_url.get_secret_value())
    if wrong := [one for one in recipients if not _ADDRESS.fullmatch(one)]:
        raise UsageError(f"{wrong[0]!r} is no mail address")
    message = compose(to, subject, text, attachments, recipients, reference)
    try:
        with _connect(to) as connection:
            connection.send_message(message)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
        raise UsageError(f"FALDONE_SMTP_URL: {to.host} refused: {error}") from error
    except ssl.SSLCertVerificationError as error:
        raise UsageError(
            f"FALDONE_SMTP_URL: the certificate of {to.host}:{to.port} is not trusted here ({error.verify_message}): "
            "SSL_CERT_FILE names a file of certificates to trust"
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise TransientError(f"FALDONE_SMTP_URL: {to.host}:{to.port}: {error}") from error
    return True


_ADDRESS = re.compile(r"[^\s@,<>\"]+@[^\s@,<>\"]+")


def compose(
    to: Server,
    subject: str,
    text: str,
    attachments: Attachments = (),
    recipients: Sequence[str] = (),
    reference: str = "",
) -> EmailMessage:
    """Return the message."""
    message = EmailMessage()
    domain = to.sender.rpartition("@")[2]
    message["Subject"] = " ".join(subject.split())
    message["From"] = to.sender
    message["To"] = ", ".join(recipients or to.recipients)
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = f"<{reference}@{domain}>" if reference else make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    for name, data in attachments:
        kind, _ = mimetypes.guess_type(name)
        main, _, sub = (kind or "application/octet-stream").partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return message


def _connect(to: Server) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if to.tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(to.host, to.port, timeout=TIMEOUT, context=context)
    else:
        connection = smtplib.SMTP(to.host, to.port, timeout=TIMEOUT)
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
        elif to.password and to.host not in LOCAL:
            connection.close()
            raise UsageError(f"FALDONE_SMTP_URL: {to.host} has no TLS; a password is not sent to it in clear text")
    if to.user:
        _log_in(connection, to)
    return connection


def _log_in(connection: smtplib.SMTP, to: Server) -> None:
    if f"{to.user}{to.password}".isascii():
        connection.login(to.user, to.password)
        return
    # smtplib writes ASCII alone, RFC 4616 wants UTF-8
    connection.ehlo_or_helo_if_needed()
    token = base64.b64encode(f"\0{to.user}\0{to.password}".encode()).decode()
    code, words = connection.docmd("AUTH", f"PLAIN {token}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, words)


def channels(settings: Settings) -> dict[str, Send]:
    """Return how to reach people, by the name of each channel: `mail`, and for an alert URL its scheme and what its hash begins with.

    What is sent raises UsageError or TransientError when the channel does not take it.
    """
    found: dict[str, Send] = {}
    if settings.smtp_url is not None:
        found["mail"] = lambda subject, text: send(settings, subject, text)
    for secret in settings.alert_urls:
        url = secret.get_secret_value()
        name = f"{url.partition('://')[0]} {hashlib.sha256(url.encode()).hexdigest()[:12]}"
        found[name] = lambda subject, text, url=url: push([url], subject, text)  # type: ignore[misc]
    return found


def notify(settings: Settings, subject: str, text: str) -> int:
    """Tell people by mail and by every alert URL, and return how many channels took it.

    Raises:
        UsageError, TransientError: a channel did not, after the others were tried.
    """
    errors: list[Exception] = []
    reached = channels(settings)
    for tell in reached.values():
        try:
            tell(subject, text)
        except (UsageError, TransientError) as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return len(reached)


def call(url: str, content: Mapping[str, object]) -> None:
    """Send JSON to a URL of another program.

    Raises:
        UsageError: it is no URL, or whoever answers there refuses. TransientError: nobody answers, or not now.
    """
    import httpx

    place = urlsplit(url)
    if place.scheme not in {"http", "https"} or not place.hostname:
        raise UsageError("the URL to call must begin with http:// or https://")
    try:
        status = httpx.post(url, json=dict(content), timeout=TIMEOUT, follow_redirects=False).status_code
    except httpx.HTTPError as error:
        raise TransientError(f"{place.hostname} does not answer: {error or type(error).__name__}") from error
    if status in {408, 425, 429} or status >= 500:
        raise TransientError(f"{place.hostname} answered {status}")
    if not 200 <= status < 300:
        raise UsageError(f"{place.hostname} answered {status} to a call of its URL")


def push(urls: Sequence[str], subject: str, text: str, attachments: Attachments = ()) -> int:
    """Send a message to channels of Apprise, and return how many took it.

    Raises:
        TransientError: one did not, after the others were tried; the message names no more of it than its scheme.
    """
    import apprise

    refused = []
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, str(number), Path(name).name) for number, (name, _) in enumerate(attachments)]
        for file, (_, data) in zip(files, attachments, strict=True):
            file.parent.mkdir()  # two attachments may have one name
            file.write_bytes(data)
        for url in urls:
            channel = apprise.Apprise()
            if not channel.add(url):
                refused.append(f"{url.partition('://')[0]}://… is not an Apprise URL")
            elif not channel.notify(body=text, title=subject, attach=[str(file) for file in files] or None):
                refused.append(f"{url.partition('://')[0]}://… did not take the message")
    if refused:
        raise TransientError(f"FALDONE_ALERT_URLS: {'; '.join(refused)}")
    return len(urls)
