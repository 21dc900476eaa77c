"""Old presentations: what stands beside the texts of a slide, earlier savings, and streams that somebody damaged."""

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers import ole2
from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from old_office import HEADING, IN_TABLE, ROW_END, doc, grid, ppt, record, shape, text
from tasks.index.formats.base import Context
from tasks.index.formats.office_ppt import elements_of_ppt
from tasks.index.read import read
from tasks.records import Parsed

STRING, COMMENT, FOOTERS, POINTER = 0x0FBA, 0x2EE0, 0x0FD9, 0x0F9E


def opened(data: bytes) -> Parsed:
    import olefile

    with olefile.OleFileIO(data) as container:
        elements, pages, files, warnings = elements_of_ppt(container)
    return Parsed("ppt", "", "", pages, tuple(elements), {}, tuple(files), tuple(warnings))


def string(words: str, number: int) -> bytes:
    return record(STRING, words.encode("utf-16-le"), number)


def said(comment: list[tuple[str, int]]) -> bytes:
    return record(COMMENT, b"".join(string(words, number) for words, number in comment), holds=True)


def test_footers_and_comments_stand_with_their_slide() -> None:
    beside = record(FOOTERS, string("Riservato", 1) + record(0x0FDA, b"\0\0\0\0"), holds=True)
    beside += said([("Anna", 0), ("da rivedere", 1)]) + said([("senza autore", 1)]) + said([("Anna", 0)])
    found = opened(ppt([(text("Piano", 0), shape(text("Ricavi 640")), "")], beside=beside)).elements
    assert [(e.kind, e.text) for e in found] == [
        ("title", "Piano"),
        ("text", "Ricavi 640"),
        ("text", "Riservato"),
        ("text", "Anna: da rivedere"),
        ("text", "senza autore"),
    ]


SHEET, OTHER = ole2({"Workbook": b"x" * 5000}), ole2({"WordDocument": b"y" * 5000})


def packed(data: bytes) -> tuple[int, bytes]:
    return 1, struct.pack("<I", len(data)) + zlib.compress(data)


@pytest.mark.parametrize(
    ("objects", "kinds", "unread"),
    [
        ([(0, SHEET)], ["xls"], 0),
        ([packed(SHEET), packed(OTHER)], ["xls", "doc"], 0),
        ([packed(SHEET), (0, SHEET), packed(SHEET)], ["xls"], 0),
        ([packed(ole2({"VisioDocument": b"z" * 5000})), packed(SHEET)], ["xls"], 1),
        ([(1, b"\1\0\0\0no zlib"), (1, b"\1")], [], 2),
        ([(1, struct.pack("<I", 0) + zlib.compress(SHEET))], ["xls"], 0),
        ([(1, packed(SHEET)[1][:-9])], [], 1),
    ],
)
def test_embedded_objects_come_once_and_those_unread_are_counted(
    objects: list[tuple[int, bytes]], kinds: list[str], unread: int
) -> None:
    parsed = opened(ppt([(b"", shape(text("Vedi")), "")], objects=objects))
    names = [name for name, _ in parsed.attachments]  # type: ignore[misc]
    assert [name.rpartition(".")[2] for name in names] == kinds
    assert parsed.warnings == ((f"{unread} embedded object(s) were not read",) if unread else ())


@pytest.mark.parametrize(
    ("kinds", "count"), [([0xF01E], 1), ([0xF01A, 0xF02A, 0xF01D], 3), ([0xF007, 0xF01E], 1), ([], 0)]
)
def test_pictures_are_counted(kinds: list[int], count: int) -> None:
    stream = b"".join(record(kind, b"p" * 20) for kind in kinds) or b"\0\0\0"
    parsed = opened(ppt([(b"", shape(text("Vedi")), "")], pictures=stream))
    assert [warning.split()[0] for warning in parsed.warnings] == ([str(count)] if count else [])


def test_cells_without_a_place_and_groups_that_are_no_table() -> None:
    table = record(0xF003, grid([["Anno", "2024"], ["Ricavi", "640"]])[8:] + shape(text("senza posto")), holds=True)
    group = record(0xF003, b"".join(shape(text(word)) for word in ("uno", "due", "tre")), holds=True)
    other = record(0xF004, record(0xF122, struct.pack("<HI", 0x0181, 0), instance=1), holds=True)
    property_of_another_kind = record(0xF003, other + shape(text("quattro")) + shape(text("cinque")), holds=True)
    found = opened(ppt([(b"", table + group + property_of_another_kind, "")])).elements
    assert found[0].rows == (("Anno", "2024"), ("Ricavi", "640"))
    assert [e.text for e in found[1:]] == ["uno", "due", "tre", "quattro", "cinque"]


def test_a_pointer_into_the_outline_that_leads_nowhere_and_an_empty_text_are_nothing() -> None:
    pointers = [shape(record(POINTER, struct.pack("<I", index))) for index in (0, 7)]
    drawing = b"".join(pointers) + shape(text("*")) + shape(text(" ")) + shape(record(0x0FA1, b"\0" * 8))
    parsed = opened(ppt([(text("Ricavi", 1), drawing, "")]))
    assert [(e.kind, e.text) for e in parsed.elements] == [("list", "Ricavi")]


WHOLE = ppt(
    [(text("Piano", 0), shape(text("Ricavi 640")), "a voce"), (b"", grid([["a", "b"], ["c", "d"]]), "")], "vecchia"
)


def changed(data: bytes, kind: int, change: bytes, place: int) -> bytes:
    """A presentation with some bytes of the first record of a kind written over."""
    at = data.index(struct.pack("<H", kind), 512) - 2 + 8 + place
    return data[:at] + change + data[at + len(change) :]


@pytest.mark.parametrize(
    "data",
    [
        changed(WHOLE, 0x1772, struct.pack("<I", 0), 0),  # a directory of nothing
        changed(WHOLE, 0x0FF5, struct.pack("<I", 99), 12),  # the directory is elsewhere
        changed(WHOLE, 0x0FF5, struct.pack("<I", 2), 16),  # a slide is named as the document
    ],
)
def test_texts_of_a_broken_directory_are_read_with_a_warning(data: bytes) -> None:
    parsed = opened(data)
    assert {"Piano", "Ricavi 640", "vecchia"} <= {e.text for e in parsed.elements}
    assert "older versions among them" in parsed.warnings[0]


def test_without_a_directory_and_without_texts_it_is_damaged() -> None:
    with pytest.raises(DocumentError) as caught:
        opened(ole2({"PowerPoint Document": b"\0" * 40, "Current User": b""}))
    assert caught.value.kind == FailureKind.CORRUPT


LETTER = doc(
    [("Titolo\r", HEADING), ("a\x07", IN_TABLE), ("\x07", IN_TABLE | ROW_END), ("Canone 640 €\r", 0)],
    ["nota"],
    ("640",),
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 1 << 14), st.sampled_from([b"\0", b"\xff", b"\x80", b"\xff\xff\xff\x7f", b"\1\0\0\0"])),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("whole", [WHOLE, LETTER], ids=["ppt", "doc"])
@settings(max_examples=60)
@given(CHANGES, st.integers(0, 1 << 12))
def test_a_damaged_stream_is_read_or_refused_and_nothing_else(
    whole: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.which", lambda _: None)
        damaged = bytearray(whole)
        for place, change in changes:
            at = 512 + place % (len(damaged) - 512)
            damaged[at : at + len(change)] = change
        del damaged[len(damaged) - cut % 700 :]
        try:
            parsed = read(bytes(damaged), Context("x.bin", Limits(), "off"))
        except DocumentError as error:
            assert error.kind != FailureKind.INTERNAL, error
        else:
            assert parsed.elements or parsed.warnings
