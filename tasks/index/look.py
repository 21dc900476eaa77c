"""What detection may ask about a file: its first bytes, its text, the parts of a container. Each is found out at most once.

A reader's `sniff` gets one of these, so that ten readers that look into a ZIP file open it once.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode, is_text
from tasks.index.guard import open_archive

HEAD = 65_536
"""Bytes that are looked at before a container is opened."""

_STRAY = 64
"""Bytes among which a container may begin; a program before one may be of any length."""

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE2_ERRORS = (OSError, ValueError, IndexError, OverflowError, AttributeError)


class Look:
    """A file as detection sees it.

    Attributes:
        source: a local path, or the bytes of a file inside another one.
        head: the first `HEAD` bytes.
        extension: what stands behind the last dot of the name, in small letters.
        typed: the format that this extension stands for among plain texts, "" where it stands for none.
    """

    def __init__(self, source: Path | bytes, name: str, typed: str = "") -> None:
        self.source = source
        self.head = read_head(source)
        self.extension = extension(name)
        self.typed = typed
        self._read: dict[str, bytes] = {}

    @cached_property
    def is_text(self) -> bool:
        return is_text(self.head)

    @cached_property
    def text(self) -> str:
        """The beginning of a plain text without mark and leading blanks; "" for binary data."""
        return decode(self.head, declared=True).lstrip("\ufeff \n\t") if self.is_text else ""

    @cached_property
    def parts(self) -> dict[str, str]:
        """Of a ZIP container, each part's name in small letters with its name as written; of anything else none.

        Raises:
            DocumentError: CORRUPT, its directory cannot be read.
        """
        if not is_zip(self.head):
            return {}
        with open_archive(self.source) as archive:
            return {name.lower().replace("\\", "/").lstrip("/"): name for name in archive.namelist()}

    def part(self, name: str, most: int = 1 << 20) -> bytes:
        """Return the first bytes of a part; none when it is absent or broken (the other parts then decide)."""
        if name not in self.parts:
            return b""
        if name not in self._read:
            try:
                with open_archive(self.source) as archive, archive.open(self.parts[name]) as stream:
                    self._read[name] = stream.read(most)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
                self._read[name] = b""
        return self._read[name]

    @cached_property
    def mimetype(self) -> str:
        """The type that an OpenDocument or EPUB container declares in its part `mimetype`.

        Raises:
            DocumentError: ENCRYPTED, the container declares encrypted parts.
        """
        declared = self.part("mimetype").decode("latin-1").strip()
        if "opendocument" in declared and b"encryption-data" in self.part("meta-inf/manifest.xml"):
            raise DocumentError(FailureKind.ENCRYPTED, "the document is encrypted: a password is needed")
        return declared

    @cached_property
    def streams(self) -> frozenset[str]:
        """Of an OLE2 container, the names of its uppermost streams and storages in small letters; of anything else none.

        Raises:
            DocumentError: CORRUPT, or ENCRYPTED (Office 2007 and later wraps its encrypted packages so).
        """
        if not is_ole2(self.head):
            return frozenset()
        with self._ole2() as container:
            found = frozenset(entry[0].lower() for entry in container.listdir())
        if "encryptedpackage" in found:
            raise DocumentError(FailureKind.ENCRYPTED, "the document is encrypted: a password is needed")
        return found

    def stream(self, name: str, most: int) -> bytes:
        """Return the first bytes of a stream; none when it is absent.

        Raises:
            DocumentError: CORRUPT.
        """
        if name.lower() not in self.streams:
            return b""
        with self._ole2() as container:
            try:
                return bytes(container.openstream(name).read(most))
            except _OLE2_ERRORS as error:
                raise _broken_ole2(error) from None

    def _ole2(self) -> Any:
        import olefile

        try:
            return olefile.OleFileIO(io.BytesIO(self.source) if isinstance(self.source, bytes) else str(self.source))
        except _OLE2_ERRORS as error:
            raise _broken_ole2(error) from None


def extension(name: str) -> str:
    """Return what stands behind the last dot of a file's name, in small letters."""
    return PurePosixPath(name).suffix.lower().lstrip(".")


def is_zip(head: bytes) -> bool:
    """Tell by its first bytes that a file is a ZIP container."""
    first = head[4:] if head.startswith((b"PK\x07\x08", b"PK00")) else head  # once meant for several disks
    return first.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def bare_zip(source: Path | bytes) -> Path | bytes:
    """Return a ZIP container without what stands before it: the program of an archive that unpacks itself, or stray bytes."""
    head = read_head(source, _STRAY)
    if is_zip(head) or not (head.startswith(b"MZ") or b"PK\x03\x04" in head):
        return source
    try:
        with open_archive(source) as archive:
            start = min((member.header_offset for member in archive.infolist()), default=0)
    except DocumentError:
        return source  # no container: detection says what it is
    data = source if isinstance(source, bytes) else source.read_bytes()
    return data[start:] if data[start:].startswith(b"PK\x03\x04") else source


def is_ole2(head: bytes) -> bool:
    """Tell by its first bytes that a file is an OLE2 container (Office before 2007, MSG, encrypted Office files)."""
    return head.startswith(_OLE2)


def read_head(source: Path | bytes, size: int = HEAD) -> bytes:
    """Read the first bytes of a source.

    Raises:
        DocumentError: PERMISSION or NOT_FOUND.
    """
    if isinstance(source, bytes):
        return source[:size]
    try:
        with source.open("rb") as stream:
            return stream.read(size)
    except PermissionError:
        raise DocumentError(FailureKind.PERMISSION, "no permission to read the file") from None
    except FileNotFoundError:
        raise DocumentError(FailureKind.NOT_FOUND, "the file is gone") from None


def _broken_ole2(error: Exception) -> DocumentError:
    return DocumentError(FailureKind.CORRUPT, f"the OLE2 container is truncated or broken: {error}")
