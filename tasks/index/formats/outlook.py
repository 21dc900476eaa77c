"""MSG, a mail as Outlook saves it: as EML, read with python-oxmsg.

Some mails have their body only as compressed RTF; that is unpacked here and read as RTF. Notes, contacts and
appointments are MSG files too: their subject and body are read. A mail attached to a mail has no bytes of its own, only
a storage: it is written out as EML, and so is a document like any forwarded mail.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.index.decode import decode, decode_as
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, corrupt, load, with_sections
from tasks.index.formats.html import elements_of_html
from tasks.index.formats.mail import mail_head, mail_metadata
from tasks.index.formats.mail_text import as_meant, decoded_words, one_line, versions_to_read
from tasks.index.formats.text import paragraphs
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("msg",)
VERSION = "3"
SAMPLES = {"msg": ("__properties_version1.0",)}

_PID_BODY = 0x1000
_PID_RTF_COMPRESSED = 0x1009
_PID_HTML = 0x1013
_PID_DISPLAY_NAME = 0x3001
_PID_SHORT_NAME = 0x3704
_EMBEDDED = "__SUBSTG1.0_3701000D"
_PROPERTIES = "__properties_version1.0"
_MOST_NESTED = 8
_RTF_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def sniff(look: Look) -> str:
    """Know a message by the stream of its properties."""
    return "msg" if "__properties_version1.0" in look.streams else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read an Outlook message.

    Raises:
        DocumentError: CORRUPT.
    """
    data = load(source)
    try:
        message = _message(data)
        heads = _heads(message)
        body = list(_body(message))
        files, left_out = _files(message)
    except MemoryError:
        raise
    except Exception as error:
        raise corrupt(f"the message is damaged and cannot be read: {type(error).__name__}: {error}") from error
    attachments, warnings = held(files, context.limits)
    return Parsed(
        format="msg",
        title=heads["Subject"],
        language="",
        pages=1,
        elements=with_sections([*mail_head(heads), *body]),
        metadata=mail_metadata(heads),
        attachments=attachments,
        warnings=(*warnings, *left_out),
    )


def _message(data: bytes) -> Any:
    """Open a message; texts of one byte a character are decoded as they were meant.

    The library takes the code page that the message names at its word, and fails as a whole where one text breaks it.
    """
    from oxmsg import Message
    from oxmsg.properties import String8Property

    String8Property.value = property(_text8)
    return Message.load(data)


def _text8(text: Any) -> str:
    named = text._body_encoding if text.pid == _PID_BODY else text._str_prop_encoding
    guessed = named == "iso-8859-15"  # what the library says where the message says nothing
    return decode_as(text._storage.property_stream_bytes(text.pid, text.ptyp), None if guessed else named)


def _heads(message: Any) -> dict[str, str]:
    """Return the heads of a mail, from its recipients and properties when the transport wrote none."""
    written = {name.lower(): value for name, value in message.message_headers.items()}
    people = ", ".join(_person(person) for person in message.recipients)
    date = message.sent_date.strftime("%a, %d %b %Y %H:%M:%S %z") if message.sent_date else ""
    found = {
        "From": message.sender or "",
        "To": written.get("to") or people,
        "Cc": written.get("cc", ""),
        "Date": written.get("date") or date,
        "Subject": message.subject,
    }
    return {name: one_line(decoded_words(as_meant(value))) for name, value in found.items()}


def _person(person: Any) -> str:
    name, address = clean(person.name or ""), clean(person.email_address or "")
    return f"{name} <{address}>" if name and address and name != address else name or address


def _body(message: Any) -> Iterator[Element]:
    """Yield the version of the body that says more, as for EML; RTF when there is no other."""
    plain, markup = (message.body or "").replace("\r\n", "\n"), _html(message)
    rich = elements_of_html(markup) if markup else []
    words = "\n".join(element.text for element in rich)
    with_plain, with_rich = versions_to_read(plain, words, "<th" in markup.lower())
    if with_plain:
        yield from paragraphs(plain)
    if with_rich:
        yield from rich
    if not plain.strip() and not rich and (packed := message.properties.binary_prop_value(_PID_RTF_COMPRESSED)):
        from tasks.index.formats.rtf import elements_of_rtf

        yield from elements_of_rtf(unpacked_rtf(packed))


def _html(message: Any) -> str:
    """Return the HTML body; where the code page that the message names is wrong, the likeliest one."""
    try:
        return message.html_body or ""
    except (LookupError, UnicodeDecodeError):
        return decode(message.properties.binary_prop_value(_PID_HTML) or b"", declared=True)


def _files(message: Any, depth: int = 0) -> tuple[list[tuple[str, bytes]], list[str]]:
    """Return the attached files with their names, mails as EML, and warnings for what cannot be taken out."""
    found: list[tuple[str, bytes]] = []
    left_out: list[str] = []
    for attachment in message.attachments:
        name = _name(attachment)
        inner = next((s for s in attachment._storage.storages if s.name.upper() == _EMBEDDED), None)
        if attachment.file_bytes:
            found.append((name or "attachment", attachment.file_bytes))
        elif inner is not None and any(stream.name == _PROPERTIES for stream in inner.streams):
            if depth >= _MOST_NESTED:
                left_out.append(f"attached mail {name} was left out: mails nest deeper than {_MOST_NESTED}")
                continue
            mail = _embedded(inner)
            data, deeper = _as_eml(mail, depth + 1)
            found.append((f"{one_line(mail.subject) or name or 'message'}.eml", data))
            left_out += deeper
        elif inner is not None:
            left_out.append(f"the embedded object {name} was left out: it is no file".replace("  ", " "))
        else:
            left_out.append(f"attachment {name} was left out: the message only points to it".replace("  ", " "))
    return found, left_out


def _name(attachment: Any) -> str:
    """Return the name of an attached file: the long one, else the short one, else what Outlook shows."""
    properties = attachment.properties
    names = (attachment.file_name, *(properties.str_prop_value(pid) for pid in (_PID_SHORT_NAME, _PID_DISPLAY_NAME)))
    return next((one_line(decoded_words(name)) for name in names if name and name.strip()), "")


def _embedded(storage: Any) -> Any:
    """Return a message that is attached to another: its properties begin 8 bytes earlier ([MS-OXMSG] 2.4.1.2)."""
    from oxmsg import Message
    from oxmsg.properties import Properties

    class Embedded(Message):  # type: ignore[misc]
        @property
        def _properties(self) -> Any:
            return Properties(self._storage, properties_header_offset=24)

    return Embedded(storage)


def _as_eml(message: Any, depth: int) -> tuple[bytes, list[str]]:
    """Return an attached message written as EML, with its own attachments; heads stand there raw, as the reader takes them."""
    mail = EmailMessage()
    plain, markup = message.body or "", _html(message)
    mail.set_content(plain)
    if markup:
        mail.add_alternative(markup, subtype="html")
    files, left_out = _files(message, depth)
    packed = message.properties.binary_prop_value(_PID_RTF_COMPRESSED)
    if packed and not plain.strip() and not markup:
        files.append(("message.rtf", unpacked_rtf(packed)))
    for name, data in files:
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    heads = "".join(f"{name}: {value}\n" for name, value in _heads(message).items() if value)
    return heads.encode() + mail.as_bytes(), left_out


def unpacked_rtf(packed: bytes) -> bytes:
    """Return the RTF of a compressed body: LZFu of [MS-OXRTFCP] 2.2, a 4 KiB ring that starts with common RTF words.

    Raises:
        ValueError: it is not a compressed RTF.
    """
    _, size, kind, _ = struct.unpack_from("<4I", packed)
    if kind == 0x414C454D:  # "MELA": stored
        return packed[16 : 16 + size]
    if kind != 0x75465A4C:  # "LZFu"
        raise ValueError("unknown compression of the RTF body")
    ring = bytearray(_RTF_DICTIONARY.ljust(4096, b"\0"))
    write, out, place = len(_RTF_DICTIONARY), bytearray(), 16
    while place < len(packed) and len(out) < size:
        control = packed[place]
        place += 1
        for bit in range(8):
            if place >= len(packed) or len(out) >= size:
                break
            if control >> bit & 1:
                token = int.from_bytes(packed[place : place + 2], "big")
                place += 2
                start, length = token >> 4, (token & 15) + 2
                if start == write % 4096:
                    return bytes(out)
                piece = bytearray()
                for step in range(length):
                    byte = ring[(start + step) % 4096]
                    piece.append(byte)
                    ring[write % 4096] = byte
                    write += 1
                out += piece
            else:
                out.append(packed[place])
                ring[write % 4096] = packed[place]
                write += 1
                place += 1
    return bytes(out[:size])
