"""The door to a mailbox: read-only, over TLS, each message by its UID.

`imaps://user@host[:993]/Folder` speaks TLS from the first byte, `imap://…[:143]` turns it on (STARTTLS) and goes no
further without it. The folder is opened with EXAMINE and read with BODY.PEEK, so nothing is marked as seen, moved or
deleted. UIDs rise within a folder for as long as its UIDVALIDITY stays (RFC 3501, 2.3.1.1).
"""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from infra.errors import TransientError, UsageError

PORTS = {"imaps": 993, "imap": 143}
TIMEOUT = 60.0  # s for one answer
UID, SIZE = re.compile(rb"\bUID (\d+)"), re.compile(rb"\bRFC822\.SIZE (\d+)")
FORM = "write imaps://user@host/Folder"


@dataclass(frozen=True, slots=True)
class Address:
    """A folder of a mailbox; `tls` from the first byte, else after STARTTLS."""

    tls: bool
    host: str
    port: int
    user: str
    folder: str


def is_mailbox(location: str) -> bool:
    """Tell whether a location is a mailbox."""
    return location.split("://", 1)[0].lower() in PORTS and "://" in location


def parse(location: str) -> Address:
    """Read the URL of a mailbox; without a folder it is INBOX.

    Raises:
        UsageError: it names no user or host, or holds a password.
    """
    try:
        parts = urlsplit(location)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise UsageError(f"{location}: no mailbox: {FORM}") from None
    if parts.password is not None:
        raise UsageError(f"{parts.scheme}://{parts.hostname}: a password does not belong into the address: {FORM}")
    if not parts.hostname or not parts.username:
        raise UsageError(f"{location}: the user or the host is missing: {FORM}")
    folder = unquote(parts.path.strip("/")) or "INBOX"
    if re.search(r"[\x00-\x1f\x7f]", folder + unquote(parts.username)):
        raise UsageError(f"{location!r}: a control character cannot be part of a name: {FORM}")
    return Address(parts.scheme == "imaps", parts.hostname, port, unquote(parts.username), folder)


class Mailbox:
    """An open folder. `validity` is its UIDVALIDITY: with another one, UIDs mean other messages."""

    def __init__(self, client: imaplib.IMAP4, validity: int) -> None:
        self._client = client
        self.validity = validity

    def sizes(self, after: int) -> dict[int, int]:
        """List the messages with a UID above `after`, by UID, each with its size in bytes."""
        found = {}
        for part in self._fetch(f"{after + 1}:*", "(UID RFC822.SIZE)"):
            head = part[0] if isinstance(part, tuple) else part or b""
            uid, size = UID.search(head), SIZE.search(head)
            if uid and size and int(uid[1]) > after:  # `n:*` names the last message even where its UID is below n
                found[int(uid[1])] = int(size[1])
        return dict(sorted(found.items()))

    def message(self, uid: int) -> bytes | None:
        """Read a message; None when it is gone from the server."""
        for part in self._fetch(str(uid), "(UID BODY.PEEK[])"):
            if isinstance(part, tuple) and (named := UID.search(part[0])) and int(named[1]) == uid:
                return bytes(part[1])
        return None

    def _fetch(self, uids: str, items: str) -> list[Any]:
        status, data = self._client.uid("FETCH", uids, items)
        if status != "OK":
            raise TransientError(f"{self._client.host}: the mailbox refused to list messages: {_words(data)}")
        return list(data)


@contextmanager
def opened(location: str, password: str, setting: str) -> Iterator[Mailbox]:
    """Open a folder for reading.

    Args:
        setting: which holds the password, to be named where it is refused.

    Raises:
        UsageError: the address is wrong, the credentials are refused, the certificate is not trusted, or there is no
            such folder.
        TransientError: the server is away.
    """
    place = parse(location)
    try:
        client = _connected(place)
        try:
            _log_in(client, place, password, setting)
            yield Mailbox(client, _examine(client, place, location))
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                client.logout()
    except ssl.SSLCertVerificationError as error:
        raise UsageError(
            f"{place.host}:{place.port}: its certificate is not trusted here ({error.verify_message}): SSL_CERT_FILE names "
            "a file of certificates to trust"
        ) from None
    except (OSError, imaplib.IMAP4.abort) as error:
        reason = str(error) or type(error).__name__
        raise TransientError(f"{place.host}:{place.port}: the mail server cannot be reached: {reason}") from error


def _connected(place: Address) -> imaplib.IMAP4:
    trusted = ssl.create_default_context()
    if place.tls:
        return imaplib.IMAP4_SSL(place.host, place.port, ssl_context=trusted, timeout=TIMEOUT)
    client = imaplib.IMAP4(place.host, place.port, timeout=TIMEOUT)
    try:
        client.starttls(trusted)
    except imaplib.IMAP4.error as error:
        _shut(client)
        raise UsageError(f"{place.host}:{place.port} offers no TLS ({error}): nothing was sent") from None
    except BaseException:
        _shut(client)
        raise
    return client


def _shut(client: imaplib.IMAP4) -> None:
    with suppress(OSError):
        client.shutdown()


def _log_in(client: imaplib.IMAP4, place: Address, password: str, setting: str) -> None:
    try:
        if "AUTH=PLAIN" in client.capabilities:  # LOGIN takes ASCII alone
            client.authenticate("PLAIN", lambda _: f"\0{place.user}\0{password}".encode())
        else:
            client.login(place.user, password)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeEncodeError):  # what a server says here may repeat what it was sent
        raise UsageError(f"{place.host} refused the credentials of {place.user}: set {setting}") from None


def _examine(client: imaplib.IMAP4, place: Address, location: str) -> int:
    name = encoded(place.folder).replace("\\", "\\\\").replace('"', '\\"')
    status, data = client.select(f'"{name}"', readonly=True)
    if status != "OK":
        raise UsageError(f"{location}: there is no folder {place.folder}: {_words(data)}")
    _, told = client.response("UIDVALIDITY")
    if not told or told[0] is None:
        raise UsageError(f"{place.host} gives no UIDVALIDITY, so new messages cannot be told from old ones")
    return int(told[0])


def _words(data: list[Any]) -> str:
    return b" ".join(part for part in data if isinstance(part, bytes)).decode("utf-8", "replace")[:200]


def encoded(name: str) -> str:
    """Encode a folder's name in the modified UTF-7 of RFC 3501, 5.1.3."""
    parts = re.split(r"([^\x20-\x7e]+)", name)
    return "".join(_base64(part) if number % 2 else part.replace("&", "&-") for number, part in enumerate(parts))


def _base64(text: str) -> str:
    return "&" + base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
