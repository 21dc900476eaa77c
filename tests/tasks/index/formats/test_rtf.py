"""RTF: code pages, tables, notes, heads, text boxes, files, and whatever Word opens; plain texts are written by pandoc."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutes import minutes

from containers import ole2
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed


@pytest.mark.parametrize("kind", ["odt", "rtf"])
def test_texts_keep_titles_lists_and_tables(kind: str, tmp_path: Path) -> None:
    parsed = read(minutes(kind, tmp_path), Context("x.bin", Limits()))
    assert parsed.format == kind
    assert parsed.language == "it"
    title = next(e for e in parsed.elements if e.text == "Ordine del giorno")
    assert title.kind == "title"
    [table] = [e for e in parsed.elements if e.kind == "table"]
    assert table.rows == (("Voce", "Importo"), ("Utile", "1200"))
    assert table.section.endswith("Ordine del giorno")
    assert [e.text.lstrip("• -") for e in parsed.elements if e.kind == "list"] == ["bilancio", "nomine"]


def parsed(body: bytes) -> Parsed:
    return read(b"{\\rtf1\\ansi\\ansicpg1252\\deff0 " + body + b"}", Context("x.rtf", Limits()))


def texts(body: bytes) -> list[str]:
    return [element.text for element in parsed(body).elements]


def escaped(text: str, codec: str) -> bytes:
    return b"".join(
        b"\\'%02x" % byte if byte > 127 or byte in b"\\{}" else bytes([byte]) for byte in text.encode(codec)
    )


CODED = st.sampled_from(
    [
        (238, "cp1250", "Žádost o příspěvek č. 12"),
        (204, "cp1251", "Договор № 7 от 5 мая"),
        (161, "cp1253", "Σύμβαση 33"),
        (162, "cp1254", "Sözleşme ığ"),
        (186, "cp1257", "Līgums ņ 8"),
        (128, "cp932", "契約 第九"),
        (134, "cp936", "合同 九"),
        (0, "cp1252", "Società à 5 €"),
        (77, "mac_roman", "Città è"),
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(CODED, min_size=1, max_size=4))
def test_each_font_has_its_code_page(pieces: list[tuple[int, str, str]]) -> None:
    fonts = b"".join(b"{\\f%d\\fnil\\fcharset%d Tipo;}" % (i, charset) for i, (charset, _, _) in enumerate(pieces))
    body = b"".join(b"{\\f%d %s}\\par " % (i, escaped(text, codec)) for i, (_, codec, text) in enumerate(pieces))
    assert texts(b"{\\fonttbl" + fonts + b"}" + body) == [text for _, _, text in pieces]


def test_the_code_page_of_the_whole_text_counts_where_the_font_says_nothing() -> None:
    data = b"{\\rtf1\\ansi\\ansicpg1250 " + escaped("Přehled", "cp1250") + b"\\par}"
    assert read(data, Context("x.rtf", Limits())).elements[0].text == "Přehled"


@pytest.mark.parametrize(
    "data",
    [
        b"{\\rtf1 Saldo {\\rtf1\\ansi 81}\\par}",
        b"{\\rtf1 Saldo 81\\par}}}",
        b"{\\rtf1 {{Saldo} 81\\par",
        b"{\\rtf1 Saldo{\\*\\unknown via{\\b via}} 81\\par}\0\0",
        b"{\\rtf1 Saldo \\bin4 }{\\x81\\par}",
        b"{\\rtf1 Saldo\\uc2\\u32\\'20\\'2081\\par}",
        b"{\\rtf1 {\\upr{Salto 18}{\\*\\ud{Saldo 81}}}\\par}",
        b"{\\rtf1 Sal{\\deleted via}do{\\pict 0102ff} 81\\par}",
        b"{\\rtf1 {\\field{\\*\\fldinst SUM}{\\fldrslt Saldo 81}}\\par}",
        b"{\\rtf Saldo 81",
        b"{\\rtf1\\ansicpg1 Saldo 81\\par}",
        b"{\\rtf1 {\\f2\\fs24\\*\\cs7\\cf0 Saldo 81}\\par}",
        b"{\\rtf1 {\r\n\\*\\unknown via}Saldo 81\\par}",
    ],
)
def test_what_word_opens_is_read(data: bytes) -> None:
    [element] = read(data, Context("x.rtf", Limits())).elements
    assert element.text == "Saldo 81"


def test_a_text_that_breaks_off_says_so() -> None:
    assert "breaks off" in read(b"{\\rtf1 Saldo 81", Context("x.rtf", Limits())).warnings[0]


def row(*cells: tuple[int, str, str]) -> bytes:
    """A row of cells: right edge, words that define it, text."""
    defined = "".join(f"{words}\\cellx{right}" for right, words, _ in cells)
    return ("\\trowd " + defined + "".join(f"\\pard\\intbl {text}\\cell" for *_, text in cells) + "\\row ").encode()


def test_cells_stand_under_their_heads_by_their_edges() -> None:
    body = (
        b"Prima\\par "
        + row((2000, "", "Voce"), (6000, "", "2025"), (8000, "", "2024"))
        + row((2000, "", ""), (4000, "", "Italia"), (6010, "", "Estero"), (8000, "", "Italia"))
        + row((2000, "", "Vendite"), (4000, "", "61"), (6000, "", "17"), (8000, "", "58"))
        + b"\\pard Dopo\\par"
    )
    found = parsed(body).elements
    assert [e.text for e in (found[0], found[-1])] == ["Prima", "Dopo"]
    assert found[1].rows == (
        ("Voce", "2025", "2025", "2024"),
        ("", "Italia", "Estero", "Italia"),
        ("Vendite", "61", "17", "58"),
    )


def test_cells_merged_downwards() -> None:
    body = row((2000, "\\clvmgf", "Lazio"), (4000, "", "Roma"), (6000, "", "52")) + row(
        (2000, "\\clvmrg", ""), (4000, "", "Rieti"), (6000, "", "9")
    )
    assert parsed(body).elements[0].rows == (("Lazio", "Roma", "52"), ("Lazio", "Rieti", "9"))


def test_notes_heads_feet_boxes_and_comments() -> None:
    body = (
        b"{\\header Foro di Lodi\\par}{\\footer\\chpgn\\par}Importo 12{\\footnote di cui 3\\par}{\\*\\annotation da rivedere 3\\par}"
        b"{\\shp{\\*\\shpinst{\\sp{\\sn w}{\\sv 9}}{\\shptxt Riquadro 3\\par}}{\\shprslt Riquadro 3\\par}}\\par Fine\\par"
    )
    found = [(e.kind, e.section, e.text) for e in parsed(body).elements]
    assert found == [
        ("header", "", "Foro di Lodi"),
        ("text", "", "Importo 12"),
        ("text", "", "Riquadro 3"),
        ("text", "", "Fine"),
        ("text", "Footnotes", "di cui 3"),
        ("text", "Comments", "da rivedere 3"),
    ]


def test_titles_lists_and_form_boxes() -> None:
    body = (
        b"{\\stylesheet{\\s0 Normal;}{\\s1 heading 1;}{\\s5\\outlinelevel1 Articolo;}}{\\info{\\title Atto}{\\author Rossi}}"
        b"\\pard\\s1 Parte\\par\\pard\\s5 Art. 1\\par\\pard{\\listtext 1.\\tab}uno\\par"
        b"\\pard{\\pntext\\'b7\\tab}due\\par\\pard "
        b"{\\field{\\*\\fldinst FORMCHECKBOX{\\*\\formfield{\\fftype1\\ffres25\\ffdefres1}}}{\\fldrslt}} accetto\\par"
    )
    result = parsed(body)
    assert (result.title, result.metadata["author"]) == ("Atto", "Rossi")
    assert [(e.kind, e.level, e.text) for e in result.elements] == [
        ("title", 1, "Parte"),
        ("title", 2, "Art. 1"),
        ("list", 0, "1. uno"),
        ("list", 0, "due"),
        ("text", 0, "☒ accetto"),
    ]


def packaged(name: bytes, data: bytes) -> bytes:
    """An OLE 1 object that holds a file."""
    inner = b"\2\0" + name + b"\0" + b"C:\\" + name + b"\0\0\0\3\0"
    path = b"C:\\" + name + b"\0"
    inner += struct.pack("<I", len(path)) + path + struct.pack("<I", len(data)) + data
    head = struct.pack("<II", 0x501, 2)
    names = b"".join(struct.pack("<I", len(n)) + n for n in (b"Package\0", b"", b""))
    return head + names + struct.pack("<I", len(inner)) + inner


def test_embedded_files() -> None:
    hexed = packaged(b"penali.csv", b"Giorni;Penale\n10;2%\n").hex().encode()
    body = b"Vedi {\\object\\objemb{\\*\\objclass Package}{\\*\\objdata " + hexed + b"}{\\result allegato}}\\par"
    result = parsed(body)
    assert [e.text for e in result.elements] == ["Vedi allegato"]
    assert [(a.name, a.data[:6]) for a in result.attachments] == [("penali.csv", b"Giorni")]


def test_embedded_documents_of_other_programs() -> None:
    sheet = ole2({"Workbook": b"x" * 5000})
    names = b"".join(struct.pack("<I", len(n)) + n for n in (b"Excel.Sheet.8\0", b"", b""))
    data = struct.pack("<II", 0x501, 2) + names + struct.pack("<I", len(sheet)) + sheet
    result = parsed(b"Foglio{\\object{\\*\\objdata " + data.hex().encode() + b"}}\\par")
    assert [a.name for a in result.attachments] == ["object.xls"]


def test_characters_by_number_do_not_swallow_their_neighbours() -> None:
    text = rb"{\rtf1\ansi\deff0 L\u8217'investimento \u8211- \u232\'e8 {\uc0\u224}pi\u249 ?\par}"
    assert read(text, Context("x.rtf", Limits())).elements[0].text == "L’investimento – è àpiù"
