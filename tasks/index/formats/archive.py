"""Archives (ZIP, TAR, GZ, BZ2, XZ, 7z, RAR) are folders: each file in them is a document of its own.

ZIP and TAR are read with the standard library, 7z and RAR by `bsdtar`, which writes them as a TAR stream. Nothing is
written to disk under a name of the archive, and nothing is read further than the limits grant: a member that is too large,
encrypted or broken is left out with a warning, and the others are read. What a folder would not show either (hidden
files, locks of office programs) and what packers add (`__MACOSX`, `Thumbs.db`, the tax portal's `…_metaDato.xml`) is no
document.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode
from tasks.index.formats.attachments import plain_path
from tasks.index.formats.base import Context, corrupt, too_large
from tasks.index.guard import open_archive
from tasks.index.look import is_zip, read_head
from tasks.records import Attachment, Parsed

if TYPE_CHECKING:
    from infra.settings import Limits
    from tasks.index.look import Look

NAMES = ("zip", "tar", "gz", "bz2", "xz", "7z", "rar")
VERSION = "2"
SIGNATURES = {
    b"\x1f\x8b\x08": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
}
SAMPLES = {
    "zip": {"lettera.txt": b"ciao"},
    "tar": b"lettera.txt".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0"),
    "gz": b"\x1f\x8b\x08\0",
    "bz2": b"BZh91AY&SY",
    "xz": b"\xfd7zXZ\0",
    "7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "rar": b"Rar!\x1a\x07\1\0",
}

_PIECE = 1 << 20
_RATIO_FLOOR = 16 << 20
_LISTED = 5
"""Names that a warning lists before it only counts."""

_PACKED: dict[str, Callable[..., Any]] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)
_ADDED = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
_SIGNED = "application/vnd.etsi.asic"
"""Of signed containers (ASiC): a ZIP of the files and of their signatures."""
_OF_SIGNED = re.compile(r"mimetype|META-INF/[^/]*(?:signature|manifest|timestamp)[^/]*\.(?:xml|p7s|tst)", re.IGNORECASE)
_PROGRAMS = ("meta-inf/manifest.mf", "androidmanifest.xml", "classes.dex")


def sniff(look: Look) -> str:
    """Know a ZIP that is not a document of another kind, and a TAR by the mark or the checksum in its first block."""
    if is_zip(look.head):
        typed = look.mimetype and not look.mimetype.startswith(_SIGNED)
        other = "[content_types].xml" in look.parts or typed or any(name in look.parts for name in _PROGRAMS)
        return "" if other else "zip"
    return "tar" if _is_tar(look.head) else ""


def _is_tar(head: bytes) -> bool:
    if len(head) < 512 or head[257:262] == b"ustar":
        return head[257:262] == b"ustar"
    digits = head[148:156].strip(b" \0")
    if not digits or any(byte not in b"01234567" for byte in digits) or not head[0]:
        return False
    return int(digits, 8) == sum(head[:148]) + 8 * 32 + sum(head[156:512])


@dataclass(frozen=True, slots=True)
class _Member:
    """A file in an archive: its name, how large it is said to be, its packed size (0: not known), and how to open it."""

    name: str
    size: int
    packed: int
    open: Callable[[], IO[bytes]]
    encrypted: bool = False


@dataclass(slots=True)
class _Folder:
    """What is taken out of an archive so far, and what was left out for which reason."""

    limits: Limits
    room: int
    found: list[Attachment] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def leave_out(self, name: str, reason: str) -> None:
        self.left_out.setdefault(reason, []).append(name)

    def take(self, member: _Member) -> None:
        """Read a member, or note why it is left out."""
        name = plain_path(member.name)
        if is_junk(name) or _OF_SIGNED.fullmatch(name):
            return
        if member.encrypted:
            self.leave_out(name, "encrypted: a password is needed")
        elif len(self.found) >= self.limits.members:
            self.leave_out(name, f"more than {self.limits.members:,} (limits.members)")
        elif member.size > self.room:
            self.leave_out(name, "beyond what one archive may unpack to (limits.file_size, limits.unpacked)")
        else:
            self._read(name, member)

    def _read(self, name: str, member: _Member) -> None:
        try:
            with member.open() as stream:
                data = self._bounded(stream, member.packed)
        except NotImplementedError:
            self.leave_out(name, "packed in a way that is not supported")
        except RuntimeError:
            self.leave_out(name, "encrypted: a password is needed")
        except _BROKEN:
            self.leave_out(name, "broken")
        else:
            if data is None:
                self.leave_out(name, "beyond the limits when unpacked: it may be a bomb (limits.unpack_ratio)")
            elif not data:
                self.leave_out(name, "empty")
            else:
                self.room -= len(data)
                self.found.append(Attachment(distinct_path(name, self.names), data))

    def _bounded(self, stream: IO[bytes], packed: int) -> bytes | None:
        """Return the bytes of a member, None when they are more than it may have."""
        data = bytearray()
        while piece := stream.read(_PIECE):
            data += piece
            swollen = packed and len(data) > _RATIO_FLOOR and len(data) > packed * self.limits.unpack_ratio
            if len(data) > self.room or swollen:
                return None
        return bytes(data)

    def warnings(self) -> Iterator[str]:
        for reason, names in self.left_out.items():
            listed = ", ".join(names[:_LISTED]) + (
                f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
            )
            yield f"{len(names):,} of the files in the archive left out ({listed}): {reason}"


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Open an archive; its files become documents, itself has no text.

    Raises:
        DocumentError: CORRUPT, ENCRYPTED, TOO_LARGE (nothing of it is within the limits), MISSING_PROGRAM (`bsdtar`).
    """
    limits = context.limits
    room = min(int(limits.unpacked), int(limits.file_size), int(limits.memory) // 4)
    folder = _Folder(limits, room)
    head = read_head(source, 512)
    kind = next((name for mark, name in SIGNATURES.items() if head.startswith(mark)), "zip" if is_zip(head) else "tar")
    broken = ""
    try:
        with contextlib.closing(_members(kind, source, context.name)) as members:
            for member in members:
                folder.take(member)
    except DocumentError as error:
        if not folder.found:
            raise
        broken = error.message
    except _BROKEN as error:
        broken = (str(error).splitlines() or [type(error).__name__])[0][:150]
    if not folder.found:
        raise _nothing(folder, kind, broken)
    cut = [f"the archive is broken: only what stands before the damage was read ({broken})"] if broken else []
    metadata = {"files": str(len(folder.found))}
    return Parsed(kind, "", "", 1, (), metadata, tuple(folder.found), (*folder.warnings(), *cut))


def is_junk(name: str) -> bool:
    """Tell what is not a document: hidden, a lock file, or put there by a packer."""
    pieces = PurePosixPath(name).parts
    last = pieces[-1].lower()
    hidden = any(piece.startswith((".", "~$")) for piece in pieces) or "__MACOSX" in pieces
    return hidden or last in _ADDED or last.endswith("_metadato.xml")


def distinct_path(name: str, taken: set[str]) -> str:
    """Return `name`, or with a number before its extension when it is taken."""
    path, number = PurePosixPath(name), 1
    candidate = name
    while candidate.lower() in taken:
        number += 1
        candidate = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    taken.add(candidate.lower())
    return candidate


def _nothing(folder: _Folder, kind: str, broken: str) -> DocumentError:
    """Say why not one file came out of an archive."""
    reasons = " ".join(folder.left_out)
    if broken or "broken" in folder.left_out:
        return corrupt(f"the {kind.upper()} archive is truncated or broken: {broken or 'no file in it can be read'}")
    if "password" in reasons:
        return DocumentError(FailureKind.ENCRYPTED, "the archive is encrypted: a password is needed")
    if "packed in a way that is not supported" in folder.left_out:
        return DocumentError(FailureKind.UNSUPPORTED, "; ".join(folder.warnings()))
    if folder.left_out:
        return too_large("; ".join(folder.warnings()))
    return DocumentError(FailureKind.NO_TEXT, f"the {kind.upper()} archive opens, but no file is in it")


def _members(kind: str, source: Path | bytes, name: str) -> Generator[_Member, None, None]:
    if kind == "zip":
        return _in_zip(source)
    if kind in _PACKED:
        return _in_packed(kind, source, name)
    if kind == "tar":
        return _in_tar(_opened(source))
    return _by_bsdtar(kind, source)


def _opened(source: Path | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _in_zip(source: Path | bytes) -> Generator[_Member, None, None]:
    with open_archive(source) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                opener = _zip_opener(archive, info)
                yield _Member(_zip_name(info), info.file_size, info.compress_size, opener, bool(info.flag_bits & 1))


def _zip_opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(info)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return the name as it was meant: UTF-8 without its flag (macOS), the code page of DOS or of Windows, else the likeliest."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    with contextlib.suppress(UnicodeDecodeError):
        return raw.decode("utf-8")
    for page in ("cp850", "cp1252"):
        with contextlib.suppress(UnicodeDecodeError):
            name = raw.decode(page)
            if all(letter.isascii() or letter.isalpha() for letter in name):
                return name
    return decode(raw)


def _in_packed(kind: str, source: Path | bytes, name: str) -> Generator[_Member, None, None]:
    """Yield the files of a packed TAR, or the one file that is packed by itself."""
    with _opened(source) as raw:
        size = raw.seek(0, io.SEEK_END)
        raw.seek(0)
        with _PACKED[kind](raw) as stream:
            buffered = io.BufferedReader(stream)
            if _is_tar(buffered.peek(512)[:512]):
                yield from _in_tar(buffered, size)
            else:
                path = PurePosixPath(name)
                inner = path.stem if path.suffix.lower() in {f".{kind}", ".gzip", ".z"} else f"{name}.content"
                yield _Member(inner, 0, size, lambda: buffered)


def _in_tar(stream: IO[bytes], packed: int = 0) -> Generator[_Member, None, None]:
    """Yield the plain files of a TAR, read as they come; links, devices and folders are left out."""
    with stream, tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape") as archive:
        for info in archive:
            if info.isreg() and (file := archive.extractfile(info)) is not None:
                name = info.name.encode("utf-8", "surrogateescape")
                yield _Member(_tar_name(name), info.size, packed, lambda file=file: file)  # type: ignore[misc]


def _tar_name(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _by_bsdtar(kind: str, source: Path | bytes) -> Generator[_Member, None, None]:
    """Yield the files of a 7z or RAR archive as `bsdtar` writes them into a TAR stream.

    Raises:
        DocumentError: MISSING_PROGRAM, ENCRYPTED.
        tarfile.TarError: the archive is broken.
    """
    program = shutil.which("bsdtar")
    if program is None:
        words = f"{kind.upper()} archives need bsdtar, which is not installed: apt-get install libarchive-tools"
        raise DocumentError(FailureKind.MISSING_PROGRAM, f"{words}, or unpack it and index the folder")
    with tempfile.TemporaryDirectory(prefix="faldone-archive-") as scratch:
        path = source if isinstance(source, Path) else Path(scratch, "archive")
        if isinstance(source, bytes):
            path.write_bytes(source)
        command = [program, "-c", "-f", "-", "--format=pax", f"@{path.absolute()}"]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        errors = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  (closed below)
        with (
            errors,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, env=environment
            ) as run,
        ):
            assert run.stdout is not None
            try:
                yield from _in_tar(run.stdout)
            except tarfile.TarError:
                pass  # an archive that bsdtar cannot read gives no TAR at all: its own words say why
            finally:
                run.kill()
            run.wait()
            errors.seek(0)
            _check_words(errors.read(4096).decode("utf-8", "replace"))


def _check_words(words: str) -> None:
    lowered = words.lower()
    if "passphrase" in lowered or "encrypt" in lowered or "password" in lowered:
        raise DocumentError(FailureKind.ENCRYPTED, "the archive is encrypted: a password is needed")
    if words.strip():
        raise tarfile.ReadError(words.strip().splitlines()[0].partition(": ")[2] or words.strip())
