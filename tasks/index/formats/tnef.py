"""TNEF (`winmail.dat`): what Outlook packs a mail into when it thinks that the receiver is Outlook.

A stream of attributes ([MS-OXTNEF]): the message's own (subject, body as text, HTML or compressed RTF) and, for each
attachment, its name and bytes. Messages within it are TNEF streams of their own. Checksums are not looked at: what can be
read is read, and what is cut off is told.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.index.decode import decode_as
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, corrupt, load, with_sections
from tasks.index.formats.html import elements_of_html
from tasks.index.formats.mail_text import one_line, versions_to_read
from tasks.index.formats.outlook import unpacked_rtf
from tasks.index.formats.text import paragraphs
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    pass

NAMES = ("tnef",)
VERSION = "2"
SIGNATURES = {b"\x78\x9f\x3e\x22": "tnef"}
SAMPLES = {"tnef": b"\x78\x9f\x3e\x22\x01\x00"}

_SUBJECT, _BODY, _PROPERTIES, _CODE_PAGE = 0x18004, 0x2800C, 0x69003, 0x69007
_ATTACHMENT, _DATA, _TITLE, _ATTACHMENT_PROPERTIES = 0x69002, 0x6800F, 0x18010, 0x69005
_PID_SUBJECT, _PID_BODY, _PID_HTML, _PID_RTF = 0x0037, 0x1000, 0x1013, 0x1009
_PID_DATA, _PID_LONG_NAME, _PID_NAME = 0x3701, 0x3707, 0x3704
_FIXED = {0x2: 4, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING8, _STRING, _OBJECT, _BINARY = 0x1E, 0x1F, 0xD, 0x102
_MULTIPLE = 0x1000


@dataclass(slots=True)
class _File:
    name: str = ""
    data: bytes = b""


@dataclass(slots=True)
class _Message:
    """What is found in a stream, in the order of its attributes."""

    charset: str = "cp1252"
    subject: str = ""
    plain: str = ""
    html: bytes = b""
    rtf: bytes = b""
    files: list[_File] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a TNEF stream: subject and body as text, attachments as documents.

    Raises:
        DocumentError: CORRUPT, nothing of it can be read.
    """
    data = load(source)
    message, warnings = _Message(), []
    try:
        for attribute, value in _attributes(data):
            _take(message, attribute, value)
    except (struct.error, ValueError, IndexError, KeyError) as error:
        if not (message.subject or message.plain or message.html or message.rtf or message.files):
            raise corrupt(f"the TNEF stream is damaged: {error}") from None
        warnings.append(f"the TNEF stream is damaged: what stands behind the damage was left out ({error})")
    warnings += [f"the embedded object {name} was left out: it is no file" for name in message.objects]
    files = [(file.name or "attachment", file.data) for file in message.files]
    attachments, too_much = held(files, context.limits)
    title = one_line(message.subject)
    elements = [*([Element("title", title, level=1)] if title else []), *_body(message)]
    return Parsed("tnef", title, "", 1, with_sections(elements), {}, attachments, (*warnings, *too_much))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield level, id, length, value and checksum again and again, behind the signature and a key.

    Raises:
        ValueError: the stream ends within an attribute.
    """
    place = 6
    while place + 9 <= len(data):
        _, attribute, length = struct.unpack_from("<BII", data, place)
        place += 9
        if place + length > len(data):
            raise ValueError("it is cut off")
        yield attribute, data[place : place + length]
        place += length + 2


def _take(message: _Message, attribute: int, value: bytes) -> None:
    if attribute == _CODE_PAGE and len(value) >= 4:
        message.charset = f"cp{struct.unpack_from('<I', value)[0]}"
    elif attribute == _SUBJECT:
        message.subject = message.subject or _text(value, message.charset)
    elif attribute == _BODY:
        message.plain = message.plain or _text(value, message.charset)
    elif attribute == _ATTACHMENT:
        message.files.append(_File())
    elif attribute == _PROPERTIES:
        _take_properties(message, _properties(value, message.charset))
    elif message.files and attribute == _TITLE:
        message.files[-1].name = message.files[-1].name or _text(value, message.charset)
    elif message.files and attribute == _DATA:
        message.files[-1].data = value
    elif message.files and attribute == _ATTACHMENT_PROPERTIES:
        found = _properties(value, message.charset)
        name = found.get(_PID_LONG_NAME) or found.get(_PID_NAME)
        message.files[-1].name = name if isinstance(name, str) and name else message.files[-1].name
        inner = found.get(_PID_DATA)
        if isinstance(inner, bytes) and not message.files[-1].data:
            if inner[16:20] == b"\x78\x9f\x3e\x22":  # a message, behind its class id
                message.files[-1].data = inner[16:]
            else:
                message.objects.append(message.files.pop().name)


def _take_properties(message: _Message, found: dict[int, str | bytes]) -> None:
    subject, plain, html, rtf = (found.get(pid) for pid in (_PID_SUBJECT, _PID_BODY, _PID_HTML, _PID_RTF))
    message.subject = subject if isinstance(subject, str) and subject else message.subject
    message.plain = plain if isinstance(plain, str) and plain else message.plain
    message.html = html if isinstance(html, bytes) else html.encode() if isinstance(html, str) else message.html
    message.rtf = rtf if isinstance(rtf, bytes) else message.rtf


def _properties(data: bytes, charset: str) -> dict[int, str | bytes]:
    """Return the properties that have a text or bytes, by their id ([MS-OXTNEF] 2.1.3.4.1)."""
    found: dict[int, str | bytes] = {}
    (count,) = struct.unpack_from("<I", data)
    place = 4
    for _ in range(count):
        kind, pid = struct.unpack_from("<HH", data, place)
        place += 4
        if pid >= 0x8000:  # named: a class id, then a number or a name
            place += 16
            (by_name,) = struct.unpack_from("<I", data, place)
            place += 8 if not by_name else 8 + _padded(struct.unpack_from("<I", data, place + 4)[0])
        base = kind & ~_MULTIPLE
        if kind & _MULTIPLE or base in {_STRING8, _STRING, _OBJECT, _BINARY}:
            (values,) = struct.unpack_from("<I", data, place)
            place += 4
        else:
            values = 1
        for _ in range(values):
            if base in _FIXED:
                place += _FIXED[base]
                continue
            if base not in {_STRING8, _STRING, _OBJECT, _BINARY}:
                return found  # a type that nobody knows: where the next property begins is not known either
            (length,) = struct.unpack_from("<I", data, place)
            value = data[place + 4 : place + 4 + length]
            place += 4 + _padded(length)
            if base == _STRING:
                found[pid] = value.decode("utf-16-le", "replace").rstrip("\0")
            else:
                found[pid] = _text(value, charset) if base == _STRING8 else value
    return found


def _padded(length: int) -> int:
    return -(-length // 4) * 4


def _text(value: bytes, charset: str) -> str:
    return decode_as(value.rstrip(b"\0"), charset)


def _body(message: _Message) -> Iterator[Element]:
    """Yield the version of the body that says more; compressed RTF when there is no other."""
    rich = elements_of_html(decode_as(message.html, message.charset)) if message.html else []
    words = "\n".join(element.text for element in rich)
    with_plain, with_rich = versions_to_read(message.plain, words, b"<th" in message.html.lower())
    if with_plain:
        yield from paragraphs(message.plain.replace("\r\n", "\n"))
    if with_rich:
        yield from rich
    if not message.plain.strip() and not rich and message.rtf:
        from tasks.index.formats.rtf import elements_of_rtf

        yield from elements_of_rtf(unpacked_rtf(message.rtf))
