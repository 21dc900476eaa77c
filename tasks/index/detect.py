"""What a file is, by its content.

An extension is what somebody typed: files come as `report.pdf` and are Word, web pages are saved as `.xls`. So the
first bytes decide; a ZIP or OLE2 container is looked into for the parts that only one format has. Only among plain
texts, where a Markdown file and a table of numbers have no signature, does the extension break the tie.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode, is_text
from tasks.index.guard import open_archive

HEAD = 65_536
"""Bytes that are looked at before a container is opened."""

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"{\\rtf", "rtf"),
    # spreadsheets before OLE2 (Excel 2 to 4): a bare stream that begins with a BOF record
    (b"\x09\x00\x04\x00", "xls"),
    (b"\x09\x02\x06\x00", "xls"),
    (b"\x09\x04\x06\x00", "xls"),
)
_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it and index the folder"),
    (b"Rar!", "a RAR archive: unpack it and index the folder"),
    (b"\x1f\x8b", "a gzip file: unpack it first"),
    (b"BZh", "a bzip2 file: unpack it first"),
    (b"\xfd7zXZ\0", "an xz file: unpack it first"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\xdb\xa5-\0", "a Word 2 document: save it as DOCX"),
    (b"\x31\xbe\0\0", "a document of an old Windows Write or Word: save it as DOCX"),
    (b"\x00\x01\x00\x00Standard", "an Access database"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound or film file"),
    (b"PAR1", "a Parquet file"),
    (b"%!PS", "a PostScript file: save it as PDF"),
)
_OLE2_STREAMS = (
    ("worddocument", "doc"),
    ("workbook", "xls"),
    ("book", "xls"),
    ("powerpoint document", "ppt"),
    ("pp40", "ppt"),
    ("__properties_version1.0", "msg"),
)
_OOXML_PARTS = (
    ("word/document", "wordprocessingml", "ms-word", "docx"),
    ("xl/workbook.bin", "sheet.binary", "sheet.binary", "xlsb"),
    ("xl/workbook", "spreadsheetml", "ms-excel", "xlsx"),
    ("ppt/presentation", "presentationml", "ms-powerpoint", "pptx"),
)
_MIMETYPES = {
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
}
_EXTENSIONS = {
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "md": "md",
    "markdown": "md",
    "mdown": "md",
    "htm": "html",
    "html": "html",
    "xhtml": "html",
    "eml": "eml",
}


def is_zip(head: bytes) -> bool:
    """Whether a file is in a ZIP container, by its first bytes."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_ole2(head: bytes) -> bool:
    """Whether a file is in an OLE2 container (Office before 2007, MSG, encrypted Office files)."""
    return head.startswith(_OLE2)


def detect(source: Path | bytes, name: str) -> str:
    """The format of a file as the registry names it (`pdf`, `docx`, …).

    Raises:
        DocumentError: UNSUPPORTED with what the file is, CORRUPT for a broken container, ENCRYPTED.
    """
    head = read_head(source)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "bmp"
    if is_zip(head):
        return _in_zip(source)
    if is_ole2(head):
        return _in_ole2(source)
    _refuse_strangers(head)
    return _among_texts(head, PurePosixPath(name).suffix.lower().lstrip("."))


def read_head(source: Path | bytes, size: int = HEAD) -> bytes:
    """The first bytes of a source."""
    if isinstance(source, bytes):
        return source[:size]
    try:
        with source.open("rb") as stream:
            return stream.read(size)
    except PermissionError:
        raise DocumentError(FailureKind.PERMISSION, "no permission to read the file") from None
    except FileNotFoundError:
        raise DocumentError(FailureKind.NOT_FOUND, "the file is gone") from None


def _refuse_strangers(head: bytes) -> None:
    for signature, what in _STRANGERS:
        if head.startswith(signature):
            raise DocumentError(FailureKind.UNSUPPORTED, f"the file is {what}")
    if head[4:8] == b"ftyp":
        raise DocumentError(
            FailureKind.UNSUPPORTED, "the file is a film or a HEIC picture: save a picture as JPEG or PNG"
        )
    if not is_text(head):
        raise DocumentError(FailureKind.UNSUPPORTED, "the file is binary data of an unknown type")


def _in_zip(source: Path | bytes) -> str:
    """The format of a ZIP container, by its declared type or its parts."""
    with open_archive(source) as archive:
        names = {name.lower().replace("\\", "/").lstrip("/"): name for name in archive.namelist()}
        kind = _small_member(archive, names.get("mimetype")).decode("latin-1").strip()
        for mimetype, found in _MIMETYPES.items():
            if kind.startswith(mimetype):
                _refuse_encrypted_odf(archive, names)
                return found
        if "meta-inf/container.xml" in names:
            return "epub"
        types = _small_member(archive, names.get("[content_types].xml"))
        for part, word, macro, found in _OOXML_PARTS:
            if any(name.startswith(part) for name in names):
                return found
            if re.search(
                rf"(?:{re.escape(word)}|{re.escape(macro)})[^\"']*main\+xml", types.decode("utf-8", "replace")
            ):
                return found
    if types:
        raise DocumentError(
            FailureKind.UNSUPPORTED, "the file is an Office package without a document that is supported"
        )
    raise DocumentError(FailureKind.UNSUPPORTED, "the file is a ZIP archive: unpack it and index the folder")


def _small_member(archive: zipfile.ZipFile, name: str | None, most: int = 1 << 20) -> bytes:
    """The first bytes of a member; none when it is absent or broken (the parts then decide)."""
    if name is None:
        return b""
    try:
        with archive.open(name) as stream:
            return stream.read(most)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError):
        return b""


def _refuse_encrypted_odf(archive: zipfile.ZipFile, names: dict[str, str]) -> None:
    if b"encryption-data" in _small_member(archive, names.get("meta-inf/manifest.xml")):
        raise DocumentError(FailureKind.ENCRYPTED, "the document is encrypted: a password is needed")


def _in_ole2(source: Path | bytes) -> str:
    """The format of an OLE2 container, by the streams that only one format has."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as container:
            streams = {entry[0].lower() for entry in container.listdir()}
            locked = _is_locked(container)
    except (OSError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise DocumentError(FailureKind.CORRUPT, f"the OLE2 container is truncated or broken: {error}") from None
    if "encryptedpackage" in streams or locked:
        raise DocumentError(FailureKind.ENCRYPTED, "the document is encrypted: a password is needed")
    for stream, found in _OLE2_STREAMS:
        if stream in streams:
            return found
    raise DocumentError(FailureKind.UNSUPPORTED, "the file is an OLE2 container without a document that is supported")


def _is_locked(container: Any) -> bool:
    """Whether a Word or PowerPoint file of the old kind is encrypted; Excel's reader tells by itself.

    Word has a flag in the second word of its file information block ([MS-DOC] 2.5.2, fEncrypted), PowerPoint a token in
    its `Current User` stream ([MS-PPT] 2.3.2, 0xF3D1C4DF) and a stream of its own for the encrypted summary.
    """
    if container.exists("WordDocument"):
        head = container.openstream("WordDocument").read(12)
        return len(head) == 12 and bool(head[11] & 0x01)
    if container.exists("EncryptedSummary"):
        return True
    if container.exists("Current User"):
        return bool(container.openstream("Current User").read(16)[12:16] == b"\xdf\xc4\xd1\xf3")
    return False


def _among_texts(head: bytes, extension: str) -> str:
    text = decode(head, declared=True).lstrip("\ufeff \n\t")
    if found := _markup(text):
        return found
    if _is_mail(text):
        return "eml"
    if extension in _EXTENSIONS:
        return _EXTENSIONS[extension]
    if separator := _separator(text):
        return "tsv" if separator == "\t" else "csv"
    return "md" if extension not in {"txt", "text", "log"} and _is_markdown(text) else "txt"


def _markup(text: str) -> str:
    """`html`, `xml`, `xbrl`, or "" for a text that is no markup."""
    if not text.startswith("<"):
        return "html" if re.match(r"[^<]{0,400}<(?:!doctype\s+html|html)[\s>]", text, re.IGNORECASE) else ""
    bare = re.sub(r"<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\]\s*)?>", "", text, flags=re.DOTALL | re.IGNORECASE)
    root = re.search(r"<(?:([\w.-]+):)?([A-Za-z_][\w.-]*)", bare)
    if re.match(r"<!doctype\s+html", text, re.IGNORECASE) or (root and root.group(2).lower() in _HTML_ROOTS):
        return "html"
    if root and root.group(2) == "xbrl":
        return "xbrl"
    return "xml" if text.startswith("<?xml") or root else ""


_HTML_ROOTS = frozenset(
    {
        "html",
        "head",
        "body",
        "div",
        "p",
        "table",
        "title",
        "meta",
        "h1",
        "h2",
        "h3",
        "ul",
        "ol",
        "span",
        "section",
        "article",
    }
)
_MAIL_HEADER = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]?\S?.*$")
_MAIL_NAMES = frozenset(
    {
        "from",
        "to",
        "subject",
        "date",
        "received",
        "message-id",
        "mime-version",
        "return-path",
        "delivered-to",
        "content-type",
    }
)


def _is_mail(text: str) -> bool:
    """At least three headers of a mail before the first empty line, and nothing there that is not a header."""
    found = set()
    for line in text.split("\n\n", 1)[0].split("\n"):
        if line.startswith((" ", "\t", "From ", ">From ")):
            continue
        header = _MAIL_HEADER.match(line)
        if not header:
            return False
        found.add(header.group(1).lower())
    return len(found & _MAIL_NAMES) >= 3 and bool(
        found & {"from", "received", "message-id", "return-path", "mime-version"}
    )


def _separator(text: str) -> str:
    """The separator when every line has as many fields as the others (at least 3 lines), else ""."""
    lines = [line for line in text.split("\n")[:200] if line.strip()]
    lines = lines[:-1] if len(text) >= HEAD else lines
    if len(lines) < 3:
        return ""
    for separator, fewest in (("\t", 1), (";", 1), ("|", 2), (",", 2)):
        counts = Counter(re.sub(r'"[^"]*"', "", line).count(separator) for line in lines)
        usual, times = counts.most_common(1)[0]
        if usual >= fewest and times == len(lines) and not (separator == "|" and lines[1].startswith("|")):
            return separator
    return ""


_MARKDOWN = (
    re.compile(r"^#{1,6} \S", re.MULTILINE),
    re.compile(r"^```", re.MULTILINE),
    re.compile(r"^\|?(?:\s*:?-{3,}:?\s*\|)+", re.MULTILINE),
    re.compile(r"\[[^\]\n]+\]\([^)\s]+\)"),
    re.compile(r"^[-*] \S", re.MULTILINE),
    re.compile(r"\*\*[^*\n]+\*\*"),
)


def _is_markdown(text: str) -> bool:
    return sum(bool(pattern.search(text)) for pattern in _MARKDOWN) >= 2
