"""EML: the mail's head and body as one document, its attachments as documents of their own.

Read with the standard library. Of two versions of a body the HTML one is taken when it has a table, else the plain
one, which has no layout to go wrong. Mails forwarded as attachments (a certified Italian mail wraps the real one so)
are attachments `….eml`. Pictures that the HTML shows inline are logos and signatures: they are left out, with a
warning.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, load, with_sections
from tasks.index.formats.html import elements_of_html
from tasks.index.formats.text import paragraphs
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("eml",)
VERSION = "1"
EXTENSIONS = {"eml": "eml"}
SAMPLES = {"eml": b"From: a@b.it\nTo: c@d.it\nSubject: Fattura\n\nCiao"}

_HEADER = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]?\S?.*$")
_TELLING = frozenset({"from", "received", "message-id", "return-path", "mime-version"})
_USUAL = frozenset({"to", "subject", "date", "delivered-to", "content-type"})
_HEADS = ("From", "To", "Cc", "Date", "Subject")


def sniff(look: Look) -> str:
    """Know a mail by three of its headers before the first empty line, where nothing stands that is no header."""
    found = set()
    for line in look.text.split("\n\n", 1)[0].split("\n"):
        if line.startswith((" ", "\t", "From ", ">From ")):
            continue
        header = _HEADER.match(line)
        if not header:
            return ""
        found.add(header.group(1).lower())
    return "eml" if len(found & (_USUAL | _TELLING)) >= 3 and found & _TELLING else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a mail.

    Raises:
        DocumentError: ENCRYPTED (S/MIME or PGP).
    """
    mail = email.message_from_bytes(
        load(source), _class=EmailMessage, policy=email.policy.compat32.clone(mangle_from_=False)
    )
    heads = {name: head(mail, name) for name in _HEADS}
    if mail.get_content_type() in {"multipart/encrypted", "application/pkcs7-mime"} and "signed" not in str(
        mail.get_param("smime-type", "")
    ):
        raise DocumentError(FailureKind.ENCRYPTED, "the mail is encrypted: only its recipient can open it")
    bodies, files, left_out = _parts(mail)
    elements = [*mail_head(heads), *(element for body in bodies for element in body)]
    attachments, warnings = held(files, context.limits)
    return Parsed(
        format="eml",
        title=heads["Subject"],
        language="",
        pages=1,
        elements=with_sections(elements),
        metadata=mail_metadata(heads),
        attachments=attachments,
        warnings=(*warnings, *([f"{left_out} inline picture(s) were left out"] if left_out else [])),
    )


def head(mail: Message, name: str) -> str:
    """A header, decoded, on one line; "" when it is absent."""
    from email.header import decode_header, make_header

    value = mail.get(name)
    if value is None:
        return ""
    try:
        text = str(make_header(decode_header(str(value))))
    except (LookupError, UnicodeError, ValueError, email.errors.HeaderParseError):
        text = str(value)
    return " ".join(clean(text).split())


def mail_head(heads: dict[str, str]) -> Iterator[Element]:
    """The subject as title, sender, recipients and date as text: they are what mails are searched by."""
    if heads["Subject"]:
        yield Element("title", heads["Subject"], level=1)
    lines = [f"{name}: {heads[name]}" for name in ("From", "To", "Cc", "Date") if heads.get(name)]
    if lines:
        yield Element("text", "\n".join(lines))


def mail_metadata(heads: dict[str, str]) -> dict[str, str]:
    """Sender, recipients, subject and the date in ISO 8601."""
    found = {"sender": heads["From"], "recipients": heads["To"], "cc": heads["Cc"], "subject": heads["Subject"]}
    try:
        created: datetime | None = parsedate_to_datetime(heads["Date"]) if heads["Date"] else None
    except (ValueError, TypeError, IndexError):
        created = None
    found["created"] = created.isoformat() if created else heads["Date"]
    return {name: value for name, value in found.items() if value}


def _parts(mail: Message) -> tuple[list[list[Element]], list[tuple[str, bytes]], int]:
    """The bodies in order, the files, and how many inline pictures were left out."""
    bodies: list[list[Element]] = []
    files: list[tuple[str, bytes]] = []
    left_out = 0
    stack = [mail]
    while stack:
        part = stack.pop()
        kind = part.get_content_type()
        if kind == "multipart/alternative":
            stack += reversed(_best(part))
        elif part.is_multipart() and kind != "message/rfc822":
            stack += reversed([child for child in part.get_payload() if isinstance(child, Message)])
        elif kind == "message/rfc822" or _is_file(part):
            files.append(_file(part))
        elif kind.startswith("image/") and part.get("Content-ID"):
            left_out += 1
        elif kind in {"text/plain", "text/html"}:
            bodies.append(_body(part))
        else:
            files.append(_file(part))
    return bodies, files, left_out


def _best(part: Message) -> list[Message]:
    """Of the versions of a body the one to read, with what else stands beside it (calendars and the like)."""
    versions = [child for child in part.get_payload() if isinstance(child, Message)]
    plain = [child for child in versions if child.get_content_type() == "text/plain"]
    rich = [child for child in versions if child not in plain and _holds_html(child)]
    others = [child for child in versions if child not in plain and child not in rich and not _is_text(child)]
    has_words = any(_text(child).strip() for child in plain)
    has_table = any("<table" in _html(child).lower() and "<th" in _html(child).lower() for child in rich)
    return ((plain if has_words and not has_table else rich) or plain or rich) + others


def _holds_html(part: Message) -> bool:
    return any(child.get_content_type() == "text/html" for child in part.walk())


def _html(part: Message) -> str:
    return "".join(_text(child) for child in part.walk() if child.get_content_type() == "text/html")


def _is_text(part: Message) -> bool:
    return part.get_content_maintype() == "text" and not _is_file(part)


def _is_file(part: Message) -> bool:
    disposition = part.get_content_disposition()
    named = part.get_filename() is not None
    is_body = part.get_content_type() in {"text/plain", "text/html"}
    return disposition == "attachment" or (
        named and not is_body and not (disposition == "inline" or part.get("Content-ID"))
    )


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    """The text of a part in the charset that it names, or the likeliest one when that is wrong."""
    data = _payload(part)
    charset = part.get_content_charset()
    try:
        return data.decode(charset, errors="strict") if charset else decode(data, declared=True)
    except (LookupError, UnicodeDecodeError):
        return decode(data, declared=True)


def _body(part: Message) -> list[Element]:
    if part.get_content_type() == "text/html":
        return elements_of_html(_text(part))
    return list(paragraphs(_text(part).replace("\r\n", "\n")))


def _file(part: Message) -> tuple[str, bytes]:
    """(name, bytes) of an attachment; a mail in a mail is written out again."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        message = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], Message) else part
        name = part.get_filename() or f"{head(message, 'Subject') or 'message'}.eml"
        data = message.as_bytes()
        return (name if name.lower().endswith(".eml") else f"{name}.eml"), data
    extension = {"text/calendar": "ics", "text/csv": "csv", "application/pdf": "pdf"}.get(
        part.get_content_type(), "bin"
    )
    return head_text(part.get_filename()) or f"attachment.{extension}", _payload(part)


def head_text(value: str | None) -> str:
    """A file name that a header carries, decoded."""
    from email.header import decode_header, make_header

    if not value:
        return ""
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError):
        return value
