"""Tell what a file is, by its content.

An extension is what somebody typed: files come as `report.pdf` and are Word, web pages are saved as `.xls`. So the
readers are asked, in the order of the registry, whether they know a file by its first bytes (`SIGNATURES`) or by what is
in it (`sniff`). Only where none does, and it is a plain text, does the extension count (`EXTENSIONS`); and last the
shape of the text (`guess`). What each reader must have stands in `formats/base.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

from infra.errors import DocumentError, FailureKind
from tasks.index.formats import readers
from tasks.index.look import Look, extension, is_zip

_STRANGERS: tuple[tuple[bytes, str], ...] = (
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

_SIGNED = frozenset({"p7m", "p7s", "tsd"})
_ARMOUR = re.compile(r"-----BEGIN ((?:[A-Z0-9]+ )*(?:CERTIFICATE|KEY|REQUEST|CRL|PARAMETERS))-----")
_CODED = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_CODED_END = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


def detect(source: Path | bytes, name: str) -> str:
    """Name the format of a file as the registry does (`pdf`, `docx`, …).

    Args:
        source: a local path, or the bytes of a file inside another one.
        name: the file's own name; only its extension is looked at, and only for plain texts.

    Raises:
        DocumentError: UNSUPPORTED with what the file is, CORRUPT for a broken container, ENCRYPTED.
    """
    look = Look(source, name, _typed(name))
    for reader in readers():
        for signature, found in reader.signatures.items():
            if look.head.startswith(signature):
                return found
        if told := reader.sniff(look):
            return told
    _refuse_strangers(look)
    return look.typed or next(found for reader in readers() if (found := reader.guess(look)))


def _typed(name: str) -> str:
    """Return the format that the extension stands for among plain texts."""
    typed = extension(name)
    return next((reader.extensions[typed] for reader in readers() if typed in reader.extensions), "")


def _refuse_strangers(look: Look) -> None:
    """Let only plain text through, and say of everything else what it is."""
    for signature, what in _STRANGERS:
        if look.head.startswith(signature):
            raise DocumentError(FailureKind.UNSUPPORTED, f"the file is {what}")
    if is_zip(look.head):
        raise DocumentError(FailureKind.UNSUPPORTED, _zip_words(look))
    if look.streams:
        message = "the file is an OLE2 container without a document that is supported"
        raise DocumentError(FailureKind.UNSUPPORTED, message)
    if look.head[4:8] == b"ftyp":
        message = "the file is a film or a HEIC picture: save a picture as JPEG or PNG"
        raise DocumentError(FailureKind.UNSUPPORTED, message)
    if look.extension in _SIGNED and (not look.is_text or _is_base64(look.text)):
        words = f"a signed file (.{look.extension}) whose envelope is damaged"
        raise DocumentError(FailureKind.CORRUPT, words)
    if not look.is_text:
        raise DocumentError(FailureKind.UNSUPPORTED, "the file is binary data of an unknown type")
    if look.text.startswith("-----BEGIN PGP MESSAGE"):
        raise DocumentError(FailureKind.ENCRYPTED, "the file is encrypted with PGP: only its recipient can open it")
    if found := _ARMOUR.match(look.text):
        words = f"the file is a {found.group(1).lower()} in PEM, not a document"
        raise DocumentError(FailureKind.UNSUPPORTED, words)
    if _is_base64(look.text):
        words = "the file is base64-coded data that is no signed file: decode it first (base64 -d)"
        raise DocumentError(FailureKind.UNSUPPORTED, words)


def _is_base64(text: str) -> bool:
    """Tell coded data from prose: long lines of one length without a blank, of capitals, small letters and digits."""
    lines = text.rstrip().split("\n")
    body = lines[:-1] if len(lines) > 1 else lines
    coded = all(map(_CODED.fullmatch, body)) and _CODED_END.fullmatch(lines[-1]) is not None
    letters = "".join(body[:50])
    mixed = all(re.search(kind, letters) for kind in ("[A-Z]", "[a-z]", "[0-9]"))
    return coded and mixed and len(text) >= 200 and len({len(line) for line in body}) == 1


def _zip_words(look: Look) -> str:
    if "[content_types].xml" in look.parts:
        return "the file is an Office package without a document that is supported"
    if "meta-inf/manifest.mf" in look.parts or "androidmanifest.xml" in look.parts:
        return "the file is a program in a ZIP container"
    return f"the file is a ZIP container of an unknown kind ({look.mimetype or 'no type'})"
