"""RTF's signs, code pages and states, each written as its specification says, and read back to the letter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.rtf import elements_of_rtf
from tasks.index.read import read
from tasks.records import Parsed

PLAIN = "abc 0159,;€éßΩжÅ中😀𝄞{}\\"
BY_SIGN = {
    "~": (rb"\~", " "),
    "_": (rb"\_", "-"),
    "—": (rb"\emdash ", "—"),
    "’": (rb"\rquote ", "’"),
    "“": (rb"\ldblquote ", "“"),
}


def parsed(body: bytes) -> Parsed:
    return read(b"{\\rtf1\\ansi\\ansicpg1252\\deff0 " + body + b"}", Context("x.rtf", Limits(), "off"))


def lines(body: bytes) -> list[str]:
    return [element.text for element in parsed(body).elements]


def written(letter: str, stand_ins: int) -> bytes:
    """A letter as a program may write it: itself, escaped, or by number with stand-ins of any kind."""
    if letter in "{}\\":
        return b"\\" + letter.encode()
    if letter in BY_SIGN:
        return BY_SIGN[letter][0]
    if letter.isascii():
        return letter.encode()
    units = letter.encode("utf-16-le")
    numbers = [int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2)]
    shown = (b"", b"?", b"\\'3f?", b"\\bullet\\'3f?")[stand_ins]
    return b"".join(b"\\u%d %s" % (number, shown) for number in numbers)


@settings(max_examples=60)
@given(st.text(st.sampled_from(PLAIN + "".join(BY_SIGN)), min_size=1, max_size=20), st.integers(0, 3))
def test_any_letter_is_read_back_however_it_is_written(text: str, stand_ins: int) -> None:
    body = b"\\uc%d a" % stand_ins + b"".join(written(letter, stand_ins) for letter in text) + b"z\\par"
    shown = "".join(BY_SIGN[letter][1] if letter in BY_SIGN else letter for letter in text)
    assert lines(body) == [" ".join(f"a{shown}z".split())]


@pytest.mark.parametrize(
    ("word", "codec"),
    [("mac", "mac_roman"), ("pc", "cp437"), ("pca", "cp850"), ("ansicpg1251", "cp1251"), ("ansicpg65001", "utf-8")],
)
def test_the_code_page_of_the_text(word: str, codec: str) -> None:
    text = "Ж" if codec == "cp1251" else "é"
    coded = b"".join(b"\\'%02x" % byte for byte in text.encode(codec))
    [found] = read(b"{\\rtf1\\%s Caff%s\\par}" % (word.encode(), coded), Context("x.rtf", Limits())).elements
    assert found.text == f"Caff{text}"


def test_a_font_names_its_code_page_by_number() -> None:
    fonts = b"{\\fonttbl{\\f0 A;}{\\f1\\cpg1250 B;}{\\f2\\cpg9 C;}}"
    assert lines(fonts + b"{\\f1 \\'8a}{\\f2 \\'8a}\\par") == ["ŠŠ"]  # a page that nobody knows is that of Windows


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"Ricavi 1.250\super 2\nosupersub  euro\par", "Ricavi 1.250² euro"),
        (rb"Ricavi 1.250{\super 2} euro\par", "Ricavi 1.250² euro"),
        (rb"Ricavi 1.250\super 2\plain  euro\par", "Ricavi 1.250² euro"),
        (rb"Ricavi 1.250\super0 2 euro\par", "Ricavi 1.2502 euro"),
        (rb"Sal\deleted via\deleted0 do\par", "Saldo"),
        (rb"Sal\deleted via\plain do\par", "Saldo"),
        (b"Saldo\\\n", "Saldo"),
    ],
)
def test_a_state_ends_where_it_is_ended(body: bytes, text: str) -> None:
    assert lines(body) == [text]


@pytest.mark.parametrize(
    ("body", "passages"),
    [(rb"Saldo{\v  18}\par", 1), (rb"\v Sal\b do\v0  18 \v 9\plain  a\par", 2), (rb"Saldo{\v\xe via} 18\par", 0)],
)
def test_hidden_text_is_read_and_said(body: bytes, passages: int) -> None:
    warnings = [f"{passages} passage(s) of hidden text were read like the rest"] if passages else []
    assert list(parsed(body).warnings) == warnings
    assert "18" in parsed(body).elements[0].text


def test_a_paragraph_may_end_by_an_escaped_line_end() -> None:
    assert lines(b"uno\\\ndue\\\r\ntre\\par") == ["uno", "due", "tre"]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (rb"\fftype1\ffres1", "☒ accetto"),
        (rb"\fftype1\ffres0", "☐ accetto"),
        (rb"\fftype1\ffdefres1\ffres25", "☒ accetto"),
        (rb"\fftype0\ffres1{\*\ffdeftext Rossi}", "accetto"),
        (rb"\fftype1", "☐ accetto"),
        (rb"\ffres1\fftype1", "☒ accetto"),
        (rb"\fftype2\ffres1{\*\ffl mensile}{\*\ffl annuale}", "annuale accetto"),
        (rb"\fftype2\ffres25\ffdefres0{\*\ffl mensile}{\*\ffl annuale}", "mensile accetto"),
        (rb"\fftype2\ffres7{\*\ffl mensile}", "accetto"),
    ],
)
def test_boxes_of_forms_as_they_are_ticked(field: bytes, text: str) -> None:
    assert lines(rb"{\field{\*\fldinst FORM{\*\formfield{" + field + rb"}}}{\fldrslt}} accetto\par") == [text]


def test_an_object_that_nobody_reads_is_named_and_an_empty_one_is_nothing() -> None:
    found = parsed(rb"Vedi{\object{\*\objdata 0105000002000000}}{\object{\*\objdata  }}\par")
    assert [e.text for e in found.elements] == ["Vedi"]
    assert found.warnings == ("an embedded object of another program was not read",)


def cells(*texts: bytes, right: int = 2000, words: tuple[bytes, ...] = ()) -> bytes:
    edges = b"".join(
        (words[i] if i < len(words) else b"") + b"\\cellx%d" % (right * (i + 1)) for i in range(len(texts))
    )
    return b"\\trowd " + edges + b"".join(b"\\pard\\intbl %s\\cell" % text for text in texts)


def test_tables_in_heads_merged_cells_and_rows_that_break_off() -> None:
    head = b"{\\header " + cells(b"Foro", b"Lodi") + b"\\row\\pard 12\\par}"
    merged = cells(b"2025", b"", b"2024", words=(b"\\clmgf", b"\\clmrg")) + b"\\row "
    table = merged + cells(b"Italia", b"Estero", b"Italia") + b"\\row " + cells(b"1", b"2", b"3")
    found = parsed(head + table).elements
    assert [e.rows for e in found] == [
        (("Foro", "Lodi"),),
        (("2025", "2025", "2024"), ("Italia", "Estero", "Italia"), ("1", "2", "3")),
    ]


def test_pages_and_lists() -> None:
    found = parsed(rb"uno\page due\par\pard\ls3 voce\par\pard\s9\outlinelevel0 Titolo\par").elements
    assert [(e.page, e.kind, e.text) for e in found] == [
        (1, "text", "uno"),
        (2, "text", "due"),
        (2, "list", "voce"),
        (2, "title", "Titolo"),
    ]


def test_the_levels_of_styles_and_what_is_about_the_text() -> None:
    styles = rb"{\stylesheet{\s1\outlinelevel0 Capo;}{\s2\outlinelevel9 Corpo;}{\s3 Titolo 2;}}"
    about = rb"{\info{\title Atto}{\subject Locazione}{\keywords canone}{\operator Anna}}"
    found = parsed(styles + about + rb"\pard\s1 Parte\par\pard\s2 testo\par\pard\s3 Capo II\par")
    assert [(e.kind, e.level, e.text) for e in found.elements] == [
        ("title", 1, "Parte"),
        ("text", 0, "testo"),
        ("title", 2, "Capo II"),
    ]
    assert (found.title, found.metadata) == ("Atto", {"subject": "Locazione", "keywords": "canone"})


def test_what_is_no_rtf_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        elements_of_rtf(b"Caro collega")
    assert caught.value.kind == FailureKind.CORRUPT
    assert [e.text for e in elements_of_rtf(b"{\\rtf1 ciao}")] == ["ciao"]


PIECES = st.sampled_from(
    rb"""{ } \ \' \'9 \par \trowd \cell \row \cellx9 \u-5 \u55357 \bin9 \upr \ud {\* \objdata \super \page \f0 \uc9 \deleted \s1
    \pict \footnote \header \formfield \ffres1 \intbl0 \cpg0 \ansicpg-1 \clvmrg \field \nestcell \pntext testo 81""".split()
)


@settings(max_examples=80)
@given(st.lists(PIECES, max_size=25))
def test_any_words_in_any_order_are_read_or_refused(pieces: list[bytes]) -> None:
    try:
        parsed(b" ".join(pieces))
    except DocumentError as error:
        assert error.kind in {FailureKind.CORRUPT, FailureKind.NO_TEXT}, error
