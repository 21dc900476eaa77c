"""Outlook messages: heads, bodies, attachments."""

import struct
from pathlib import Path

from containers import ole2
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.outlook import unpacked_rtf
from tasks.index.read import read

SAMPLES = Path(__file__).parents[4] / "samples" / "documents"


def test_outlook_messages() -> None:
    [path] = SAMPLES.glob("*.msg")
    parsed = read(path, Context(path.name, Limits()))
    assert parsed.format == "msg"
    assert parsed.title == parsed.metadata["subject"]
    assert parsed.attachments
    assert len(parsed.elements) >= 3


def test_compressed_rtf_of_the_specification() -> None:
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpacked_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def message(
    texts: dict[int, str], *files: dict[str, bytes], raw: dict[int, bytes] | None = None, head: int = 32
) -> dict[str, bytes]:
    """The streams of a message: its texts and bytes by property id, and its attachments' streams."""
    streams, segments = {}, b""
    for pid, text in texts.items():
        data = text.encode("utf-16-le")
        streams[f"__substg1.0_{pid:04X}001F"] = data
        segments += struct.pack("<HHIII", 0x1F, pid, 6, len(data) + 2, 0)
    for pid, data in (raw or {}).items():
        streams[f"__substg1.0_{pid:04X}0102"] = data
        segments += struct.pack("<HHIII", 0x102, pid, 6, len(data), 0)
    streams["__properties_version1.0"] = b"\0" * head + segments
    for number, file in enumerate(files):
        streams |= {f"__attach_version1.0_#{number:08X}/{name}": data for name, data in file.items()}
    return streams


def attached(name: str, data: bytes) -> dict[str, bytes]:
    return message({0x3707: name}, raw={0x3701: data}, head=8)


def attached_message(name: str, inner: dict[str, bytes]) -> dict[str, bytes]:
    file = message({0x3001: name}, head=8)
    file["__properties_version1.0"] += struct.pack("<HHIII", 0xD, 0x3701, 6, 0xFFFFFFFF, 0)
    return file | {f"__substg1.0_3701000D/{path}": data for path, data in inner.items()}


def test_a_mail_attached_to_a_mail_is_a_document_with_its_own_files() -> None:
    deepest = message({0x37: "Terzo livello", 0x1000: "Fondo"}, head=24)
    inner = message(
        {
            0x37: "Delibera più ampia",
            0x1000: "Dividendo di 46.800 euro.",
            0x0C1A: "Società Però",
            0x0C1F: "s@esempio.it",
        },
        attached("nota.txt", b"Nota 9201."),
        attached_message("terzo", deepest),
        head=24,
    )
    data = ole2(message({0x37: "Inoltro", 0x1000: "In allegato."}, attached_message("delibera", inner)))
    parsed = read(data, Context("x.msg", Limits()))
    [mail] = parsed.attachments
    assert mail.name == "Delibera più ampia.eml"
    within = read(mail.data, Context(mail.name, Limits()))
    assert (within.format, within.title) == ("eml", "Delibera più ampia")
    assert "Società Però" in within.metadata["sender"]
    assert "46.800 euro" in within.elements[-1].text
    assert (within.attachments[0].name, within.attachments[0].data[:4]) == ("nota.txt", b"Nota")
    assert read(within.attachments[1].data, Context("y", Limits())).title == "Terzo livello"


def test_objects_without_bytes_are_told() -> None:
    data = ole2(message({0x37: "x", 0x1000: "Testo."}, message({0x3707: "collegato.xlsx"}, head=8)))
    parsed = read(data, Context("x.msg", Limits()))
    assert parsed.warnings == ("attachment collegato.xlsx was left out: the message only points to it",)


def test_senders_with_encoded_words_and_stubs() -> None:
    heads = "From: =?iso-8859-1?Q?L'=C9quipe?= <l@esempio.fr>\r\nTo: a@esempio.it\r\n"
    html = b"<html><body><p>Ordine 7781 di 1.240,00 euro</p></body></html>"
    texts = {0x37: "Ordine", 0x7D: heads, 0x1000: "Questo messaggio è in formato HTML."}
    parsed = read(ole2(message(texts, raw={0x1013: html})), Context("x.msg", Limits()))
    assert parsed.metadata["sender"] == "L'Équipe <l@esempio.fr>"
    assert parsed.elements[-1].text == "Ordine 7781 di 1.240,00 euro"


def test_text_that_breaks_its_code_page_costs_nothing() -> None:
    streams = message({0x37: "Conti"})
    streams["__substg1.0_1000001E"] = "Città: 1.250 €".encode("cp1252")
    streams["__properties_version1.0"] += struct.pack("<HHIII", 0x3, 0x3FDE, 6, 65001, 0)  # says UTF-8
    streams["__properties_version1.0"] += struct.pack("<HHIII", 0x1E, 0x1000, 6, 15, 0)
    parsed = read(ole2(streams), Context("x.msg", Limits()))
    assert [e.text for e in parsed.elements] == ["Conti", "Città: 1.250 €"]
