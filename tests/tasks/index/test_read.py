"""One file from its bytes to its elements: guards, kinds of failure, language."""

import io
import zipfile

import msoffcrypto
import openpyxl
import pytest
from msoffcrypto.format.ooxml import OOXMLFile

import office
from containers import zipped
from infra.errors import DocumentError, FailureKind
from infra.settings import Limits, Settings
from tasks.index.formats.base import Context
from tasks.index.read import language_of, parse_file, read
from tasks.records import Element


def refused(data: bytes, name: str = "x.txt", **limits: int) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read(data, Context(name, Limits(**limits)))
    return caught.value


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def locked(data: bytes, password: str) -> bytes:
    target = io.BytesIO()
    file = msoffcrypto.OfficeFile(io.BytesIO(data))
    assert isinstance(file, OOXMLFile)
    file.encrypt(password, target)
    return target.getvalue()


def packed(name: str, data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return target.getvalue()


def test_an_empty_file_is_empty() -> None:
    assert refused(b"").kind == FailureKind.EMPTY


def test_a_file_that_opens_but_says_nothing_is_a_failure() -> None:
    assert refused(b"  \n\n \t ").kind == FailureKind.NO_TEXT


def test_an_empty_workbook_is_a_document_with_a_warning() -> None:
    parsed = read(workbook([]), Context("x.xlsx", Limits()))
    assert not parsed.elements
    assert parsed.warnings == ("the XLSX file opens, but no text is in it",)


def test_size_limit() -> None:
    error = refused(b"a" * 2000, file_size=1000)
    assert error.kind == FailureKind.TOO_LARGE
    assert "limits.file_size" in error.message


def test_zip_bombs_are_refused_by_ratio_and_by_size() -> None:
    bomb = packed("word/document.xml", b"\0" * (40 << 20))
    assert refused(bomb, "x.docx").kind == FailureKind.TOO_LARGE
    assert "limits.unpacked" in refused(bomb, "x.docx", unpacked=30 << 20, unpack_ratio=100_000).message


def test_a_bomb_whose_directory_lies_is_no_danger() -> None:
    honest = packed("word/document.xml", b"\0" * (40 << 20))
    size = (40 << 20).to_bytes(4, "little")
    lying = honest.replace(size, (1000).to_bytes(4, "little"))
    assert lying != honest
    assert refused(lying, "x.docx").kind in {FailureKind.TOO_LARGE, FailureKind.CORRUPT}


def test_cells_limit() -> None:
    error = refused(workbook([[1, 2, 3]] * 50), cells=100)
    assert error.kind == FailureKind.TOO_LARGE
    assert "limits.cells" in error.message


def test_an_encrypted_workbook_is_said_to_be() -> None:
    assert refused(locked(workbook([["a", 1]]), "segreta"), "x.xlsx").kind == FailureKind.ENCRYPTED


def test_a_workbook_with_the_fixed_password_opens() -> None:
    data = locked(workbook([["Voce", 2024], ["Ricavi", 100]]), "VelvetSweatshop")
    assert "Ricavi | 100" in read(data, Context("x.xlsx", Limits())).elements[0].text


def test_wrong_extensions_do_not_matter() -> None:
    parsed = parse_file(workbook([["Voce", 2024], ["Ricavi", 100]]), "bilancio.pdf", Settings())
    assert parsed.format == "xlsx"


def test_truncated_containers_are_corrupt() -> None:
    assert refused(workbook([["a", 1]])[:2000], "x.xlsx").kind == FailureKind.CORRUPT


@pytest.mark.parametrize("stray", [b"\n", b"\xef\xbb\xbf", b"PK\x03\x04 no member"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_container_with_stray_bytes_is_read(stray: bytes, place: int) -> None:
    whole = office.docx(office.p("Canone 640"), {"word/comments.xml": office.part("w:comments", "")})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        at = archive.infolist()[place].header_offset
    found = read(whole[:at] + stray + whole[at:], Context("x.docx", Limits()))
    assert (found.format, [e.text for e in found.elements]) == ("docx", ["Canone 640"])


def test_an_archive_behind_its_program_is_read() -> None:
    program = b"MZ" + bytes(3000)
    found = read(program + zipped({"a.txt": b"Canone 640"}), Context("x.exe", Limits()))
    assert [(a.name, a.data) for a in found.attachments] == [("a.txt", b"Canone 640")]
    with pytest.raises(DocumentError, match="Windows program"):
        read(program, Context("x.exe", Limits()))


def test_an_entity_bomb_is_refused() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><a>&e11;</a>'
    assert refused(bomb.encode(), "x.xml").kind in {FailureKind.TOO_LARGE, FailureKind.CORRUPT}


def test_an_external_entity_is_not_fetched(tmp_path) -> None:  # type: ignore[no-untyped-def]
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    page = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a><b>seen</b><c>&x;</c></a>'
    try:
        text = " ".join(e.text for e in read(page.encode(), Context("x.xml", Limits())).elements)
    except DocumentError:
        return
    assert "secret" not in text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Il consiglio di amministrazione ha approvato il bilancio dell'esercizio chiuso al 31 dicembre.", "it"),
        ("The board of directors approved the financial statements for the year ended December 31.", "en"),
        ("Der Vorstand hat den Jahresabschluss für das abgelaufene Geschäftsjahr genehmigt.", "de"),
        (
            "El consejo aprobó las cuentas del ejercicio cerrado al 31 de diciembre, y el resultado del grupo fue "
            "superior al del año anterior, gracias al crecimiento de las ventas en el extranjero.",
            "es",
        ),
        (
            "De omzet was hoger dan vorig jaar, en het resultaat is verbeterd. Het is de vraag of de groei in het "
            "komende jaar op dit niveau blijft, of dat er een daling op zal treden.",
            "nl",
        ),
        (
            "La società ha registrato un aumento dei ricavi del cinque per cento, grazie alla crescita delle vendite "
            "all'estero; il risultato netto del gruppo è superiore a quello dell'anno prima.",
            "it",
        ),
        ("1.234 5.678", ""),
    ],
)
def test_language(text: str, language: str) -> None:
    assert language_of([Element("text", text)]) == language
