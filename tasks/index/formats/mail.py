"""EML: the mail's head and body as one document, its attachments as documents of their own.

Read with the standard library. Of two versions of a body the one that says more is read (`mail_text.versions_to_read`).
Mails forwarded as attachments are attachments `….eml`, calendars `….ics`. A mail whose whole body is a signed envelope
(S/MIME) is opened; a signature beside the text is metadata, and so are the certificates of certified mail. Its transport
envelope and the message in it are one document: the message, with what the envelope states. Pictures that the HTML shows
inline are logos and signatures: they are left out, with a warning.
"""

from __future__ import annotations

import email
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode
from tasks.index.formats import cms, pec
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, load, with_sections
from tasks.index.formats.html import elements_of_html
from tasks.index.formats.mail_text import (
    MeantPolicy,
    file_name,
    head,
    one_line,
    payload,
    text_of,
    transferred,
    versions_to_read,
    without_uuencoded,
    written_out,
)
from tasks.index.formats.pictures import is_large
from tasks.index.formats.text import paragraphs
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("eml",)
VERSION = "4"
EXTENSIONS = {"eml": "eml", "emlx": "eml"}
SAMPLES = {"eml": b"From: a@b.it\nTo: c@d.it\nSubject: Fattura\n\nCiao"}

_HEADER = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):(?:[ \t].*|\S.*)?$")
_TELLING = frozenset({"from", "received", "message-id", "return-path", "mime-version"})
_USUAL = frozenset({"to", "subject", "date", "delivered-to", "content-type"})
_HEADS = ("From", "To", "Cc", "Date", "Subject")
_ENVELOPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
_STAMPS = frozenset({"application/timestamp-reply", "application/timestamped-data"})
_REPORTS = frozenset({"message/delivery-status", "message/disposition-notification", "message/feedback-report"})
_BODIES = frozenset({"text/plain", "text/html"})
_OTHER_VERSIONS = frozenset({"text/enriched", "text/richtext", "text/rtf", "text/x-amp-html", "text/watch-html"})
_JUNK = frozenset({"application/applefile", "application/ms-tnef-empty"})
_COUNTED = re.compile(rb"(\d{1,12})[ \t]*\r?\n(?=[A-Za-z-]+:)")
_INNER_HEAD = re.compile(rb"\s*(?:Content-Type|MIME-Version|Content-Transfer-Encoding)\s*:", re.IGNORECASE)


def sniff(look: Look) -> str:
    """Know a mail by its headers before the first empty line, where nothing stands that is not a header.

    Three of the usual ones tell a mail; what begins with `Content-Type:` and says how it is encoded is the inside of one.
    """
    found: list[str] = []
    head = look.text.split("\n\n", 1)[0].split("\n")
    for line in head[1:] if head[0].strip().isdigit() else head:
        if line.startswith((" ", "\t", "From ", ">From ")):
            continue
        header = _HEADER.match(line)
        if not header:
            return ""
        found.append(header.group(1).lower())
    names = set(found)
    inside = "content-type" in names and bool(names & {"mime-version", "content-transfer-encoding"})
    return "eml" if (len(names & (_USUAL | _TELLING)) >= 3 and names & _TELLING) or inside else ""


@dataclass(slots=True)
class _Parts:
    """What is found in a mail: bodies in order, files, and what is not a document of its own."""

    bodies: list[list[Element]] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    signatures: list[cms.Signature] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stamp: dict[str, str] = field(default_factory=dict)
    certificate: bytes = b""
    pictures: list[Message] = field(default_factory=list)
    calendars: set[bytes] = field(default_factory=set)


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a mail.

    Raises:
        DocumentError: ENCRYPTED (S/MIME or PGP).
    """
    return _read(message_of(load(source)), context)


def _read(mail: Message, context: Context, wrapped: bool = False) -> Parsed:
    """Read a mail; one that stands in a transport envelope (`wrapped`) is not opened as another one."""
    if mail.get_content_type() == "multipart/encrypted":
        raise DocumentError(FailureKind.ENCRYPTED, "the mail is encrypted: only its recipient can open it")
    heads = {name: head(mail, name) for name in _HEADS}
    parts = _parts(mail)
    signed = cms.as_metadata(parts.signatures, "S/MIME" if parts.signatures else "") | parts.stamp
    certified = pec.certified(mail, parts.certificate)
    metadata = mail_metadata(heads) | _message_ids(mail) | signed | certified
    pictures = _pictures(mail, parts)
    attachments, warnings = held(parts.files, context.limits)
    if parts.stamp:
        attachments = tuple(replace(one, metadata=parts.stamp) if cms.kind_of(one.data) else one for one in attachments)
    warned = (*warnings, *parts.warnings, *cms.tampered(signed))
    message = next((one for one in attachments if one.name.lower() == pec.MESSAGE), None)
    if message is not None and pec.is_transport(certified) and not wrapped:
        inner = _read(message_of(message.data), context, wrapped=True)
        return replace(
            inner,
            title=inner.title or heads["Subject"],
            metadata=signed | dict(inner.metadata) | certified,
            attachments=(*inner.attachments, *(one for one in attachments if one is not message)),
            warnings=(*inner.warnings, *warned),
        )
    elements = [*mail_head(heads), *(element for body in parts.bodies for element in body)]
    if pictures:
        warned = (*warned, f"{pictures} inline picture(s) were left out")
    return Parsed(
        format="eml",
        title=heads["Subject"],
        language="",
        pages=1,
        elements=with_sections(elements),
        metadata=metadata,
        attachments=attachments,
        warnings=warned,
    )


def message_of(data: bytes) -> Message:
    """Return the mail in some bytes; a byte order mark before its heads is left out."""
    if b"\0" in data[:64]:  # saved as UTF-16 by an editor
        data = decode(data).encode("utf-8", "replace")
    bare = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if counted := _COUNTED.match(bare[:24]):  # Apple Mail: the length of the mail, the mail, and notes of the program
        bare = bare[counted.end() : counted.end() + int(counted.group(1))]
    return email.message_from_bytes(bare, _class=EmailMessage, policy=MeantPolicy(mangle_from_=False))


def mail_head(heads: dict[str, str]) -> Iterator[Element]:
    """Yield the subject as title, sender, recipients and date as text: they are what mails are searched by."""
    if heads["Subject"]:
        yield Element("title", heads["Subject"], level=1)
    lines = [f"{name}: {heads[name]}" for name in ("From", "To", "Cc", "Date") if heads.get(name)]
    if lines:
        yield Element("text", "\n".join(lines))


def mail_metadata(heads: dict[str, str]) -> dict[str, str]:
    """Return sender, recipients, subject and the date in ISO 8601."""
    found = {"sender": heads["From"], "recipients": heads["To"], "cc": heads["Cc"], "subject": heads["Subject"]}
    try:
        created: datetime | None = parsedate_to_datetime(heads["Date"]) if heads["Date"] else None
    except (ValueError, TypeError, IndexError, OverflowError):  # a year of eleven figures
        created = None
    found["created"] = created.isoformat() if created else heads["Date"]
    return {name: value for name, value in found.items() if value}


def _message_ids(mail: Message) -> dict[str, str]:
    """Return the message's own id and the one that it answers, without their angle brackets."""
    found = {"message_id": head(mail, "Message-ID"), "in_reply_to": head(mail, "In-Reply-To")}
    return {name: value.strip("<> ") for name, value in found.items() if value.strip("<> ")}


def _parts(mail: Message) -> _Parts:
    """Return everything in a mail, depth first."""
    found = _Parts()
    stack: list[Message] = [mail]
    while stack:
        part = stack.pop()
        kind = part.get_content_type()
        if kind == "multipart/alternative":
            stack += reversed(_best(part))
        elif kind in _REPORTS:
            found.bodies.append(_report(part))
        elif part.is_multipart() and kind != "message/rfc822":
            stack += reversed(_children(part))
        elif kind.startswith("multipart/"):  # says that it has parts, and has none
            found.bodies.append(list(paragraphs(text_of(part))))
        elif kind in _ENVELOPES and (inner := _opened(part, found)) is not None:
            stack.append(inner)
        else:
            _single(part, kind, found)
    return found


def _single(part: Message, kind: str, found: _Parts) -> None:
    """Put a part that holds no others where it belongs."""
    name = file_name(part)
    if kind in _SIGNATURES or (name.lower() == "smime.p7s" and kind.startswith("application/")):
        _add_signature(part, found)
    elif kind in _STAMPS or name.lower().endswith((".tsr", ".tst")):
        _add_stamp(part, name, found)
    elif name.lower() == pec.CERTIFICATE:
        found.certificate = payload(part)
    elif kind in _JUNK:
        found.warnings.append(f"{name or kind} was left out: it holds a file's icon, not its content")
    elif kind == "message/rfc822" or _is_file(part, name):
        _add_file(part, name, found)
    elif kind.startswith("image/") and part.get("Content-ID"):
        found.pictures.append(part)
    elif kind in _BODIES:
        found.bodies.append(_body(part, found))
    else:
        _add_file(part, name, found)


def _children(part: Message) -> list[Message]:
    return [child for child in part.get_payload() if isinstance(child, Message)]


def _best(part: Message) -> list[Message]:
    """Choose those versions of a body that are to be read, with what else stands beside them (calendars and the like)."""
    versions = _children(part)
    plain = [child for child in versions if child.get_content_type() == "text/plain" and not _is_file(child)]
    rich = [child for child in versions if child not in plain and _html(child)]
    others = [
        child
        for child in versions
        if child not in plain and child not in rich and child.get_content_type() not in _OTHER_VERSIONS
    ]
    if not plain or not rich:
        return plain + rich + others or versions
    markup = "\n".join(_html(child) for child in rich)
    words = "\n".join(element.text for element in elements_of_html(markup))
    tabular = "<table" in markup.lower() and "<th" in markup.lower()
    with_plain, with_rich = versions_to_read("\n".join(map(text_of, plain)), words, tabular)
    return plain * with_plain + rich * with_rich + others


def _html(part: Message) -> str:
    return "".join(text_of(child) for child in part.walk() if child.get_content_type() == "text/html")


def _is_file(part: Message, name: str | None = None) -> bool:
    name = file_name(part) if name is None else name
    disposition = part.get_content_disposition()
    is_body = part.get_content_type() in _BODIES
    shown = disposition == "inline" or part.get("Content-ID")
    return disposition == "attachment" or bool(name and not is_body and not shown)


def _body(part: Message, found: _Parts) -> list[Element]:
    text = text_of(part)
    if part.get_content_type() == "text/html":
        return elements_of_html(text)
    text, files = without_uuencoded(text)
    found.files += files
    return list(paragraphs(text))


def _pictures(mail: Message, found: _Parts) -> int:
    """Return how many inline pictures are ornaments; one that no text shows, or that is as large as a page, is a file."""
    shown = "".join(text_of(part) for part in mail.walk() if part.get_content_type() == "text/html")
    ornaments = 0
    for part in found.pictures:
        if f"cid:{one_line(str(part['Content-ID'])).strip('<>')}" in shown and not is_large(payload(part)):
            ornaments += 1
        else:
            _add_file(part, file_name(part), found)
    return ornaments


def _report(part: Message) -> list[Element]:
    """Return what a mail server reports (why a message was not delivered) as text: the heads of its blocks."""
    blocks = _children(part) if part.is_multipart() else [message_of(payload(part))]
    lines = [f"{name}: {one_line(str(value))}" for block in blocks for name, value in block.items()]
    return [Element("text", "\n".join(lines))] if lines else []


def _opened(part: Message, found: _Parts) -> Message | None:
    """Return the mail's own parts in a signed envelope, None when it holds a file (a signed invoice) or cannot be opened.

    Raises:
        DocumentError: ENCRYPTED, where the envelope is the mail's body.
    """
    data = payload(part)
    told = str(part.get_param("smime-type", "")).lower().startswith("enveloped")
    is_body = part.get_content_disposition() != "attachment" or file_name(part).lower() == "smime.p7m"
    if is_body and (told or cms.kind_of(data) == "encrypted"):
        raise DocumentError(FailureKind.ENCRYPTED, "the mail is encrypted: only its recipient can open it")
    try:
        envelope = cms.opened(data)
    except DocumentError:
        return None
    if envelope.content is None or not _INNER_HEAD.match(envelope.content):
        return None
    found.signatures += envelope.signatures
    return message_of(envelope.content)


def _add_signature(part: Message, found: _Parts) -> None:
    """Note the signers of a signature that stands beside what it signs."""
    if part.get_content_type() == "application/pgp-signature":
        return
    try:
        found.signatures += cms.opened(payload(part)).signatures
    except DocumentError:
        found.warnings.append("the mail's signature cannot be read: who signed it is not known")


def _add_stamp(part: Message, name: str, found: _Parts) -> None:
    """Note the time stamp of what the mail holds (a signed file with its stamp is packed as a mail, M7M)."""
    moment = cms.stamp_time(payload(part))
    found.stamp = {"timestamp": name or "time stamp"} | ({"timestamped_at": moment} if moment else {})
    if not moment:
        found.warnings.append(f"the time stamp {name} cannot be read: when it was given is not known")


def _add_file(part: Message, name: str, found: _Parts) -> None:
    """Add an attached file; a mail in a mail is written out again, a calendar that stands there twice is one."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        data = _forwarded(part)
        name = name or f"{head(message_of(data), 'Subject') or 'message'}.eml"
        found.files.append((name if name.lower().endswith(".eml") else f"{name}.eml", data))
        return
    data = payload(part)
    if kind == "text/calendar" or name.lower().endswith(".ics"):
        if data.strip() in found.calendars:
            return
        found.calendars.add(data.strip())
    if not data.strip() and part.get_payload():
        found.warnings.append(f"attachment {name or kind} is empty or cannot be decoded")
    found.files.append((name or f"attachment{_suffix(kind)}", data))


def _suffix(kind: str) -> str:
    return (
        {"text/calendar": ".ics", "text/rfc822-headers": ".eml"}.get(kind) or mimetypes.guess_extension(kind) or ".bin"
    )


def _forwarded(part: Message) -> bytes:
    """Return the bytes of a forwarded mail. It may not be encoded as a whole, but programs do it: then it is decoded first."""
    inner = part.get_payload()
    message = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], Message) else part
    written = written_out(message)
    return transferred(written, str(part.get("Content-Transfer-Encoding", "")))
