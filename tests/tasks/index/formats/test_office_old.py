"""Word and PowerPoint files before 2007, read without LibreOffice."""

import struct
from pathlib import Path

import pytest

import office
from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from old_office import HEADING, IN_TABLE, LISTED, ROW_END, doc, grid, ppt, record, shape, text
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Element, Parsed

LETTER = [
    ("Contratto di locazione\r", HEADING),
    ("Il canone è di 640 € – l’anno dopo \x13 REF x \x14650 €\x15.\r", 0),
    ("primo\r", LISTED),
    ("Voce\x07", IN_TABLE),
    ("Importo\x07", IN_TABLE),
    ("\x07", IN_TABLE | ROW_END),
    ("Acconto\rdue righe\x07", IN_TABLE),
    ("\x07", IN_TABLE),
    ("\x07", IN_TABLE | ROW_END),
    ("In fede da cancellare\x1efine.\x0c", 0),
    ("Seconda pagina.\r", 0),
]


@pytest.fixture(autouse=True)
def without_libreoffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)


def opened(data: bytes, name: str = "x.bin") -> Parsed:
    return read(data, Context(name, Limits()))


@pytest.mark.parametrize("packed", [True, False])
def test_word_97(packed: bool) -> None:
    parsed = opened(doc(LETTER, ["Nota con 12.500 euro"], ("da cancellare",), packed=packed))
    assert (parsed.format, parsed.title, parsed.pages) == ("doc", "Contratto di locazione", 2)
    assert parsed.metadata["read_by"] == "Faldone"
    assert [(e.kind, e.text, e.page) for e in parsed.elements if e.kind != "table"] == [
        ("title", "Contratto di locazione", 1),
        ("text", "Il canone è di 640 € – l’anno dopo 650 €.", 1),
        ("list", "primo", 1),
        ("text", "In fede -fine.", 1),
        ("text", "Seconda pagina.", 2),
        ("text", "Nota con 12.500 euro", 2),
    ]
    [table] = [e for e in parsed.elements if e.kind == "table"]
    assert table.rows == (("Voce", "Importo"), ("Acconto due righe", ""))


def test_word_6() -> None:
    parsed = opened(doc(LETTER, ["Nota"], ("da cancellare",), version=101))
    assert [e.text for e in parsed.elements if e.kind == "title"] == ["Contratto di locazione"]
    assert "l’anno dopo 650 €." in parsed.elements[1].text
    assert next(e for e in parsed.elements if e.kind == "table").rows == (
        ("Voce", "Importo"),
        ("Acconto due righe", ""),
    )
    assert "cancellare" not in " ".join(e.text for e in parsed.elements)


@pytest.mark.parametrize("version", [0xC1, 101])
def test_hidden_text_of_a_doc_is_read_and_said(version: int) -> None:
    parsed = opened(doc([("Canone 640, sconto 18\r", 0)], hidden=("sconto 18",), version=version))
    assert parsed.elements[0].text == "Canone 640, sconto 18"
    assert parsed.warnings[-1] == "1 passage(s) of hidden text were read like the rest"


def test_texts_of_other_alphabets() -> None:
    assert opened(doc([("Прибыль общества 12\r", 0)])).elements[0].text == "Прибыль общества 12"


def test_slides_with_titles_tables_and_notes() -> None:
    outline = text("Piano industriale", 0) + text("Ricavi in crescita\rCosti stabili", 1, wide=False)
    pointers = [shape(record(0x0F9E, struct.pack("<I", index))) for index in (0, 1)]
    table = grid([["Anno", "Ricavi"], ["2024", ""], ["2025", "640"]])
    data = ppt(
        [(outline, b"".join(pointers), "Da dire a voce"), (b"", table + shape(text("Fonte: conti")), "")], "vecchia"
    )
    parsed = opened(data)
    assert (parsed.format, parsed.pages, parsed.title) == ("ppt", 2, "Piano industriale")
    assert [(e.kind, e.page, e.rows or e.text) for e in parsed.elements] == [
        ("title", 1, "Piano industriale"),
        ("list", 1, "Ricavi in crescita"),
        ("list", 1, "Costi stabili"),
        ("text", 1, "Da dire a voce"),
        ("table", 2, (("Anno", "Ricavi"), ("2024", ""), ("2025", "640"))),
        ("text", 2, "Fonte: conti"),
    ]


def test_a_presentation_whose_directory_is_broken_gives_its_texts_with_a_warning() -> None:
    data = ppt([(b"", shape(text("Ricavi 640")), "")])
    parsed = opened(data.replace(struct.pack("<HHI", 0, 0x1772, 12), struct.pack("<HHI", 0, 0x1771, 12)))
    assert [e.text for e in parsed.elements] == ["Ricavi 640"]
    assert "older versions" in parsed.warnings[0]


def test_damage_is_named(tmp_path: Path) -> None:
    whole = doc(LETTER)
    for data in (
        whole[:600],
        whole.replace(b"1\0T\0a\0b\0l\0e\0", b"9\0T\0a\0b\0l\0e\0").replace(b"\xec\xa5\xc1\0", b"\xec\xa5\xc1\0"),
    ):
        try:
            parsed = opened(data)
        except DocumentError as error:
            assert error.kind in {FailureKind.CORRUPT, FailureKind.NO_TEXT}
        else:
            assert all(isinstance(element, Element) for element in parsed.elements)


def test_encrypted_files_say_so() -> None:
    locked = bytearray(doc(LETTER))
    place = locked.index(b"\xec\xa5\xc1\0")
    locked[place + 11] |= 1
    with pytest.raises(DocumentError) as caught:
        opened(bytes(locked))
    assert caught.value.kind == FailureKind.ENCRYPTED


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{\\rtf1 ciao}", "rtf"),
        (b"<html><body>Testo</body></html>", "html"),
        (b"MIME-Version: 1.0\nContent-Type: text/html\n\n<p>Testo salvato da Word</p>", "eml"),
    ],
)
def test_other_kinds_that_are_named_doc_go_to_their_readers(data: bytes, kind: str) -> None:
    assert opened(data, "x.doc").format == kind


def test_tables_of_word_6_behind_other_properties() -> None:
    """Where a paragraph is centred or indented, its place in a table stands behind that in its properties."""
    data = bytearray(doc([("Voce\x07", IN_TABLE), ("98\x07", IN_TABLE), ("\x07", IN_TABLE | ROW_END)], version=101))
    assert data.count(b"\x18\x01") == 3
    before = bytes(data)
    parsed = opened(before)
    assert parsed.elements[0].rows == (("Voce", "98"),)


def test_cells_of_a_row_that_does_not_end_stay() -> None:
    parsed = opened(doc([("Voce\x07", IN_TABLE), ("98\x07", IN_TABLE), ("Fine.\r", 0)]))
    assert [e.text for e in parsed.elements] == ["Voce | 98", "Fine."]


def test_old_word_files_of_a_mac_and_of_two_bytes_a_character() -> None:
    import io

    import olefile

    from containers import ole2

    data = doc([("Città e qualità\r", 0)], version=0x68)
    with olefile.OleFileIO(io.BytesIO(data)) as container:
        stream = bytearray(container.openstream("WordDocument").read())
    mac = stream.replace("Città e qualità".encode("cp1252"), "Città e qualità".encode("mac_roman"))
    struct.pack_into("<H", mac, 0x14, 256)
    assert opened(ole2({"WordDocument": bytes(mac)})).elements[0].text == "Città e qualità"
    (start,) = struct.unpack_from("<I", stream, 0x18)
    words = "Città 漢字\r"
    wide = stream[:start] + words.encode("utf-16-le")
    struct.pack_into("<H", wide, 10, 0x1000)
    struct.pack_into("<i", wide, 0x34, len(words))
    assert opened(ole2({"WordDocument": bytes(wide)})).elements[0].text == "Città 漢字"


def test_feet_that_all_slides_show() -> None:
    string = record(0x0FBA, "Riservato 4417".encode("utf-16-le"), instance=2)
    off = record(0x0FBA, "Spento".encode("utf-16-le"), instance=1)
    margins = record(0x0FD9, record(0x0FDA, struct.pack("<HH", 0, 0x20)) + off + string, instance=3, holds=True)
    parsed = opened(ppt([(text("Titolo", 0), b"", "")], margins=margins))
    assert [(e.kind, e.text) for e in parsed.elements] == [("title", "Titolo"), ("footer", "Riservato 4417")]


SOFFICE = """#!/bin/sh
# as LibreOffice does: the first start with a profile ends to be started again, and its socket stays in the way
for a in "$@"; do case "$a" in -env:UserInstallation=file://*) profile=${a#-env:UserInstallation=file://};; esac; done
echo "$@" >> "$LOG"
[ -e "$SOCKETS/$(echo "$profile" | tr / _)" ] && exit 1
touch "$SOCKETS/$(echo "$profile" | tr / _)"
[ -e "$profile/user/started" ] || { touch "$profile/user/started"; exit 81; }
while [ $# -gt 0 ]; do
  [ "$1" = --outdir ] && cp "$MADE" "$2/document.docx"
  shift
done
"""


def test_libreoffice_starts_once_without_a_document_and_then_with_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, log, made = tmp_path / "soffice", tmp_path / "log", tmp_path / "made.docx"
    program.write_text(SOFFICE)
    program.chmod(0o755)
    made.write_bytes(office.docx(office.p("Canone 640")))
    (tmp_path / "sockets").mkdir()
    for name, value in (("LOG", log), ("MADE", made), ("SOCKETS", tmp_path / "sockets")):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr("shutil.which", lambda _: str(program))
    for _ in range(2):
        parsed = opened(doc([("Canone 640\\r", 0)]))
        assert (parsed.metadata["read_by"], parsed.warnings) == ("LibreOffice", ())
        assert [e.text for e in parsed.elements] == ["Canone 640"]
    first, *others = log.read_text().splitlines()
    assert "--convert-to" not in first and all("--convert-to" in line for line in others) and len(others) == 2


def test_objects_without_an_end_mark_are_whole_when_their_size_says_so() -> None:
    import zlib

    from tasks.index.formats.office_ppt import _inflated

    packed = zlib.compress(b"%PDF " * 200)
    assert _inflated(packed[:-4], 1000) == b"%PDF " * 200
    with pytest.raises(ValueError, match="breaks off"):
        _inflated(packed[:-4], 1001)
