"""MSG, a mail as Outlook saves it: as EML, read with python-oxmsg.

Some mails have their body only as compressed RTF; that is unpacked here and read as RTF. Notes, contacts and
appointments are MSG files too: their subject and body are read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.index.decode import decode
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, corrupt, load, with_sections
from tasks.index.formats.html import elements_of_html
from tasks.index.formats.mail import mail_head, mail_metadata
from tasks.index.formats.text import paragraphs
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("msg",)
VERSION = "1"
SAMPLES = {"msg": ("__properties_version1.0",)}

_PID_RTF_COMPRESSED = 0x1009
_PID_HTML = 0x1013
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
    from oxmsg import Message

    data = load(source)
    try:
        message = Message.load(data)
        heads = _heads(message)
        body = list(_body(message))
        files = list(_files(message))
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
        warnings=warnings,
    )


def _heads(message: Any) -> dict[str, str]:
    """The heads of a mail, from its recipients and properties when the transport wrote none."""
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
    return {name: " ".join(clean(value).split()) for name, value in found.items()}


def _person(person: Any) -> str:
    name, address = clean(person.name or ""), clean(person.email_address or "")
    return f"{name} <{address}>" if name and address and name != address else name or address


def _body(message: Any) -> Iterator[Element]:
    """Plain text when there is some, else HTML, else RTF."""
    plain = message.body or ""
    markup = _html(message)
    if markup and (not plain.strip() or "<th" in markup.lower()):
        yield from elements_of_html(markup)
    elif plain.strip():
        yield from paragraphs(plain.replace("\r\n", "\n"))
    elif packed := message.properties.binary_prop_value(_PID_RTF_COMPRESSED):
        from tasks.index.formats.rtf import elements_of_rtf

        yield from elements_of_rtf(unpacked_rtf(packed))


def _html(message: Any) -> str:
    """The HTML body; where the code page that the message names is wrong, the likeliest one."""
    try:
        return message.html_body or ""
    except (LookupError, UnicodeDecodeError):
        return decode(message.properties.binary_prop_value(_PID_HTML) or b"", declared=True)


def _files(message: Any) -> Iterator[tuple[str, bytes]]:
    for attachment in message.attachments:
        data = attachment.file_bytes
        if data:
            yield attachment.file_name or "attachment", data


def unpacked_rtf(packed: bytes) -> bytes:
    """The RTF of a compressed body: LZFu of [MS-OXRTFCP] 2.2, a 4 KiB ring that starts with common RTF words.

    Raises:
        ValueError: it is no compressed RTF.
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
