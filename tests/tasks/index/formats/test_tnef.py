"""TNEF: bodies, files and their names, messages within, damage."""

import struct

import pytest

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed


def attribute(level: int, code: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, code, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def properties(values: dict[int, str | bytes | int]) -> bytes:
    data = struct.pack("<I", len(values) + 1)
    data += (
        struct.pack("<HH", 0x3, 0x8001) + b"\1" * 16 + struct.pack("<II", 0, 7) + struct.pack("<i", 5)
    )  # a named number
    for pid, value in values.items():
        if isinstance(value, int):
            data += struct.pack("<HHi", 0x3, pid, value)
            continue
        raw = value.encode("utf-16-le") + b"\0\0" if isinstance(value, str) else value
        data += struct.pack("<HHII", 0x1F if isinstance(value, str) else 0x102, pid, 1, len(raw)) + raw
        data += b"\0" * (-len(raw) % 4)
    return data


def stream(*attributes: bytes) -> bytes:
    return b"\x78\x9f\x3e\x22\x01\x00" + attribute(1, 0x69007, struct.pack("<II", 1252, 0)) + b"".join(attributes)


def file(name: str, data: bytes, long_name: str = "") -> bytes:
    made = attribute(2, 0x69002, b"\0" * 14) + attribute(2, 0x18010, name.encode("cp1252") + b"\0")
    made += attribute(2, 0x6800F, data)
    return made + (attribute(2, 0x69005, properties({0x3707: long_name})) if long_name else b"")


def opened(data: bytes) -> Parsed:
    return read(data, Context("winmail.dat", Limits()))


def test_subject_body_and_files() -> None:
    data = stream(
        attribute(1, 0x18004, "Offerta già scontata\0".encode("cp1252")),
        attribute(1, 0x2800C, b"Sconto del 18 per cento.\r\n\0"),
        file("OFFERT~1.TXT", b"totale 6.150", "offerta più bella.txt"),
        file("conto.csv", b"a;b\n1;2"),
    )
    parsed = opened(data)
    assert (parsed.format, parsed.title) == ("tnef", "Offerta già scontata")
    assert parsed.elements[-1].text == "Sconto del 18 per cento."
    assert [(a.name, a.data) for a in parsed.attachments] == [
        ("offerta più bella.txt", b"totale 6.150"),
        ("conto.csv", b"a;b\n1;2"),
    ]


def test_the_body_as_properties() -> None:
    html = b"<p>Confermiamo l'ordine 512 di 99,00 euro</p>"
    parsed = opened(
        stream(attribute(1, 0x69003, properties({0x37: "Ordine", 0x0E07: 1, 0x1000: "HTML.", 0x1013: html})))
    )
    assert [e.text for e in parsed.elements] == ["Ordine", "Confermiamo l'ordine 512 di 99,00 euro"]


def test_messages_within_are_documents_and_objects_are_told() -> None:
    inner = stream(attribute(1, 0x2800C, b"Il fondo 77.\0"))
    made = [
        attribute(2, 0x69002, b"\0" * 14) + attribute(2, 0x69005, properties({0x3707: name, 0x3701: b"\2" * 16 + data}))
        for name, data in (("inoltro", inner), ("grafico", b"\xd0\xcf\x11\xe0 niente"))
    ]
    parsed = opened(stream(attribute(1, 0x18004, b"Inoltro\0"), *made))
    [message] = parsed.attachments
    assert opened(message.data).elements[0].text == "Il fondo 77."
    assert parsed.warnings == ("the embedded object grafico was left out: it is no file",)


def test_damage_keeps_what_stands_before_it() -> None:
    data = stream(attribute(1, 0x2800C, b"Prima parte.\0"), file("a.txt", b"intero"), file("b.txt", b"x" * 900))
    parsed = opened(data[:-400])
    assert parsed.elements[0].text == "Prima parte."
    assert [a.name for a in parsed.attachments] == ["a.txt"]
    assert "damaged" in parsed.warnings[0]
    with pytest.raises(DocumentError) as caught:
        opened(data[:10])
    assert caught.value.kind in {FailureKind.CORRUPT, FailureKind.NO_TEXT}
