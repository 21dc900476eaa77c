"""Files embedded in Office documents: as themselves, within OLE2 objects, in the storages of old documents."""

import struct

import pytest

from containers import ole2
from office import docx, p, parsed
from tasks.index.formats.embedded import files_within, unpacked

PDF = b"%PDF-1.4 " + b"x" * 5000


def native(name: str, data: bytes, wide: str = "") -> bytes:
    """A stream of a file that was dropped into a page; `wide` is its name in UTF-16 behind it."""
    path = f"C:\\tmp\\{name}".encode("cp1252") + b"\0"
    inner = b"\2\0" + name.encode("cp1252") + b"\0" + path + b"\0\0\3\0" + struct.pack("<I", len(path)) + path
    inner += struct.pack("<I", len(data)) + data
    for text in ("C:\\tmp\\x", wide, f"C:\\{wide}") if wide else ():
        inner += struct.pack("<I", len(text)) + text.encode("utf-16-le")
    return struct.pack("<I", len(inner)) + inner


@pytest.mark.parametrize(
    ("streams", "name", "data"),
    [
        ({"\1Ole10Native": native("Società.csv", b"a;b")}, "Società.csv", b"a;b"),
        ({"\1Ole10Native": native("????.csv", b"a;b", "Žádost.csv")}, "Žádost.csv", b"a;b"),
        ({"CONTENTS": PDF}, "oleObject1.pdf", PDF),
        ({"Package": b"PK\3\4 word/document.xml" + b"x" * 5000}, "oleObject1.docx", None),
        ({"Workbook": b"x" * 5000}, "oleObject1.xls", None),
        ({"WordDocument": b"x" * 5000}, "oleObject1.doc", None),
    ],
)
def test_objects_of_known_kinds_are_files(streams: dict[str, bytes], name: str, data: bytes | None) -> None:
    found = unpacked("oleObject1.bin", ole2(streams))
    assert found is not None
    assert found[0] == name
    assert data is None or found[1][: len(data)] == data


def test_a_foreign_object_is_named_with_its_program() -> None:
    words = b"\1\0\xfe\xff" + b"\0" * 24 + struct.pack("<I", 12) + b"Equazione 3\0"
    bin_part = ole2({"\1CompObj": words, "Equation Native": b"x" * 5000})
    result = parsed(
        docx(p("Testo"), {"word/embeddings/oleObject1.bin": bin_part}, o="oleObject embeddings/oleObject1.bin")
    )
    assert result.attachments == ()
    assert result.warnings == ("the embedded object oleObject1.bin (Equazione 3) was not read",)


def test_objects_of_old_documents() -> None:
    data = ole2(
        {
            "Workbook": b"x" * 5000,
            "MBD0001/\1Ole10Native": native("penali.csv", b"a;b"),
            "MBD0002/Workbook": b"\x09\x08\x10\0" + b"x" * 5000,
            "MBD0003/WordDocument": b"x" * 5000,
            "ObjectPool/_7/\1Ole10Native": native("cut off.csv", b"a;b")[:14],
            "ObjectPool/_8/\1Ole10Native": native("canoni.csv", b"c;d"),
            "ObjectPool/_9/\3ObjInfo": b"x" * 10,
        }
    )
    files, warnings = files_within(data)
    assert [name for name, _ in files] == ["penali.csv", "MBD0002.xls", "canoni.csv"]
    assert warnings == ["2 embedded object(s) of other programs were not read: MBD0003, ObjectPool/_7"]


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_a_broken_object_is_no_error(cut: int) -> None:
    assert unpacked("x.bin", ole2({"\1Ole10Native": native("a.txt", b"b" * 50)[:cut]})) is None or cut > 4
