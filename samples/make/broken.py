"""Files that must fail, each for one reason; `EXPECTED` says which."""

from __future__ import annotations

import bz2
import io
import random
import struct
import zipfile
import zlib
from pathlib import Path
from unittest.mock import patch

from samples.make import texts
from samples.make.office import STAMP
from samples.make.paper import Paper

PASSWORD = "segreto"

EXPECTED = {
    "tronco.pdf": "corrupt",
    "cifrato.pdf": "encrypted",
    "cifrato.xlsx": "encrypted",
    "vuoto.pdf": "empty",
    "vuoto.txt": "empty",
    "bomba.docx": "too_large",
    "bomba.xlsx": "too_large",
    "entita.xml": "too_large",
    "rumore.txt": "unsupported",
    "immenso.png": "too_large",
    "tronco.docx": "corrupt",
}


def truncated_pdf(path: Path) -> None:
    """The first fifth of a PDF: no page tree, no cross-reference table."""
    whole = io.BytesIO()
    paper = Paper("Verbale", "Frantoio del Trebbio S.r.l.")
    paper.prose(*texts.MEMO.split("\n\n"))
    paper.save(whole, "", "")
    path.write_bytes(whole.getvalue()[:420])


def encrypted_pdf(path: Path) -> None:
    """Needs a user password to open (128-bit RC4, so that the bytes are the same on every run)."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    lock = StandardEncryption(PASSWORD, ownerPassword="padrone", strength=128)
    canvas = Canvas(str(path), invariant=1, encrypt=lock)
    canvas.drawString(72, 720, "Retribuzioni dei dirigenti 2024")
    canvas.save()


def encrypted_workbook(path: Path) -> None:
    """An XLSX with a password to open ([MS-OFFCRYPTO] agile encryption)."""
    import xlsxwriter  # type: ignore[import-untyped]
    from msoffcrypto.format.ooxml import OOXMLFile

    plain, locked, dice = io.BytesIO(), io.BytesIO(), random.Random(3)
    book = xlsxwriter.Workbook(plain, {"in_memory": True})
    book.set_properties({"created": STAMP})
    book.add_worksheet("Stipendi").write_row(0, 0, ("Dirigente", 98_000))
    book.close()
    plain.seek(0)
    container = "msoffcrypto.method.container.ecma376_encrypted.datetime2filetime"
    with patch("secrets.token_bytes", dice.randbytes), patch(container, lambda _: 133_500_000_000_000_000):
        OOXMLFile(plain).encrypt(PASSWORD, locked)
    path.write_bytes(locked.getvalue())


TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default '
    'Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
    'PartName="/{part}" ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/></Types>'
)
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="{part}"/></Relationships>'
)
MEBI = 2**20


def word_bomb(path: Path) -> None:
    """150 kB of deflate, one paragraph of 150 MiB: a thousand times its size, far more in memory once parsed."""
    part, names = "word/document.xml", "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in (
            ("[Content_Types].xml", TYPES.format(part=part, kind="wordprocessingml.document")),
            ("_rels/.rels", RELATIONS.format(part=part)),
        ):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
        member = zipfile.ZipInfo(part, (1980, 1, 1, 0, 0, 0))
        member.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(member, "w") as stream:
            stream.write(f'<w:document xmlns:w="{names}"><w:body><w:p><w:r><w:t>'.encode())
            for _ in range(150):
                stream.write(b"A" * MEBI)
            stream.write(b"</w:t></w:r></w:p></w:body></w:document>")


def sheet_bomb(path: Path) -> None:
    """Less than 10 kB, eighteen sheets of 64 MiB each (1.1 GiB): one bzip2 stream, written eighteen times."""
    part, names = "xl/workbook.xml", "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    workbook = f'<workbook xmlns="{names}"><sheets/></workbook>'
    members = [
        _member("[Content_Types].xml", TYPES.format(part=part, kind="spreadsheetml.sheet").encode()),
        _member("_rels/.rels", RELATIONS.format(part=part).encode()),
        _member(part, workbook.encode()),
    ]
    sheet = f'<worksheet xmlns="{names}"><sheetData>'.encode() + b" " * (64 * MEBI) + b"</sheetData></worksheet>"
    packed = bz2.compress(sheet), zlib.crc32(sheet), len(sheet)
    members += [_member(f"xl/worksheets/sheet{number}.xml", b"", packed) for number in range(1, 19)]
    body, directory = b"", b""
    for name, fields, data in members:
        directory += b"PK\x01\x02\x2e\x00" + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04" + fields + name + data
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(body), 0)
    path.write_bytes(body + directory + end)


def _member(name: str, data: bytes, packed: tuple[bytes, int, int] | None = None) -> tuple[bytes, bytes, bytes]:
    """Name, the header fields that the local and the central header share, and the packed data (stored or bzip2)."""
    content, check, size = packed or (data, zlib.crc32(data), len(data))
    method = 12 if packed else 0
    fields = struct.pack("<HHHHHIIIHH", 46, 0, method, 0, 0x21, check, len(content), size, len(name), 0)
    return name.encode(), fields, content


def entities(path: Path) -> None:
    """Billion laughs: ten levels of entities, each ten times the one below."""
    levels = "\n".join(f'  <!ENTITY riso{n} "{"".join(f"&riso{n - 1};" for _ in range(10))}">' for n in range(1, 10))
    head = f'<?xml version="1.0"?>\n<!DOCTYPE fattura [\n  <!ENTITY riso0 "ah">\n{levels}\n]>\n'
    path.write_text(f"{head}<fattura>&riso9;</fattura>\n", "utf-8")


def noise(path: Path) -> None:
    """Random bytes with a harmless name."""
    path.write_bytes(random.Random(1931).randbytes(6_000))


def enormous_picture(path: Path) -> None:
    """A PNG of some hundred bytes that claims 60,000 by 60,000 pixels (10 GB as colours)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(60_000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def truncated_docx(path: Path) -> None:
    """The first half of a DOCX: the directory of the archive is gone."""
    from samples.make.office import contract

    contract(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 4])


def empty(path: Path) -> None:
    path.write_bytes(b"")


FILES = {
    "tronco.pdf": truncated_pdf,
    "cifrato.pdf": encrypted_pdf,
    "cifrato.xlsx": encrypted_workbook,
    "vuoto.pdf": empty,
    "vuoto.txt": empty,
    "bomba.docx": word_bomb,
    "bomba.xlsx": sheet_bomb,
    "entita.xml": entities,
    "rumore.txt": noise,
    "immenso.png": enormous_picture,
    "tronco.docx": truncated_docx,
}
