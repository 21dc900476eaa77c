"""Keep a hostile or broken file from costing more than itself: size, archives, memory, processor time.

Four guards, each cheap enough to stand before every file:

- the size of the file, before it is read;
- archives (DOCX, XLSX, ODT, EPUB … are ZIP files): what the directory promises to unpack to is checked first, then
  every member is inflated once in small pieces and counted, because the directory of a bomb may lie, and some readers
  (pandoc) inflate by themselves. Nothing is ever written to disk, so names such as `../../etc/passwd` do no harm;
- memory, as RLIMIT_DATA of the parser child. RLIMIT_AS would count address space that is only reserved (BLAS buffers,
  the Haskell heap of pandoc, mapped libraries), and stop innocent files; DATA counts what is private and writable;
- network, files and other processes: a parser has no business there, and an image URL in a document is how one makes a
  server call addresses inside a network. `infra/sandbox.py` shuts the child off, and the programs that it starts.
"""

from __future__ import annotations

import io
import re
import struct
import sys
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING

from infra.errors import DocumentError, FailureKind

if TYPE_CHECKING:
    from infra.settings import Limits

_PIECE = 1 << 20
_RATIO_FLOOR = 16 << 20
"""Below this many unpacked bytes no ratio is suspicious: an empty spreadsheet compresses 300 times, harmlessly."""


_LOCAL = 30
"""Bytes of a member's own head before its name."""
_UTF_8 = 0x800


def check_size(source: Path | bytes, limits: Limits) -> int:
    """Return the size in bytes.

    Raises:
        DocumentError: EMPTY (zero bytes), TOO_LARGE, NOT_FOUND or PERMISSION.
    """
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
    except FileNotFoundError:
        raise DocumentError(FailureKind.NOT_FOUND, "the file is gone") from None
    except PermissionError:
        raise DocumentError(FailureKind.PERMISSION, "no permission to look at the file") from None
    if size == 0:
        raise DocumentError(FailureKind.EMPTY, "the file is empty (zero bytes)")
    if size > limits.file_size:
        raise DocumentError(
            FailureKind.TOO_LARGE,
            f"the file has {_mib(size)}; the limit is {_mib(limits.file_size)} (limits.file_size)",
        )
    return size


def open_archive(source: Path | bytes) -> zipfile.ZipFile:
    """Return the ZIP file behind a document.

    Raises:
        DocumentError: CORRUPT, its directory cannot be read.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
        _find_members(archive)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DocumentError(FailureKind.CORRUPT, f"the ZIP container is truncated or broken: {error}") from None
    return archive


def _find_members(archive: zipfile.ZipFile) -> None:
    """Look for the members that do not begin where the directory says; bytes were added or lost before them."""
    file = archive.fp
    lost = [member for member in archive.infolist() if file is not None and not _begins(file, member)]
    if not lost or file is None:
        return
    file.seek(0)
    data = file.read()
    places: dict[bytes, list[int]] = {}
    for match in re.finditer(rb"PK\x03\x04", data):
        (length,) = struct.unpack_from("<H", data.ljust(match.start() + _LOCAL, b"\0"), match.start() + 26)
        name = data[match.start() + _LOCAL : match.start() + _LOCAL + length]
        places.setdefault(name, []).append(match.start())
    for member in lost:
        found = places.get(_raw_name(member), [])
        member.header_offset = min(
            found, key=lambda place: abs(place - member.header_offset), default=member.header_offset
        )


def _begins(file: IO[bytes], member: zipfile.ZipInfo) -> bool:
    if member.header_offset < 0:
        return False
    file.seek(member.header_offset)
    return file.read(4) == b"PK\x03\x04"


def _raw_name(member: zipfile.ZipInfo) -> bytes:
    return member.orig_filename.encode("utf-8" if member.flag_bits & _UTF_8 else "cp437", "replace")


def check_archive(source: Path | bytes, limits: Limits) -> None:
    """Let an archive through when it unpacks to no more than the limits grant.

    Raises:
        DocumentError: TOO_LARGE for a bomb, CORRUPT for a broken container, ENCRYPTED for one with a password.
    """
    with open_archive(source) as archive:
        members = archive.infolist()
        _check_totals(sum(m.file_size for m in members), sum(m.compress_size for m in members), limits)
        inflated = 0
        for member in members:
            if member.flag_bits & 1:
                raise DocumentError(FailureKind.ENCRYPTED, "the archive is encrypted: a password is needed")
            inflated += _inflate(archive, member, limits.unpacked - inflated)
            _check_totals(inflated, sum(m.compress_size for m in members), limits)


def _inflate(archive: zipfile.ZipFile, member: zipfile.ZipInfo, room: int) -> int:
    """Read a member in pieces and throw them away; the bytes that it really has, at most a piece above `room`."""
    count = 0
    try:
        with archive.open(member) as stream:
            while piece := stream.read(_PIECE):
                count += len(piece)
                if count > room:
                    break
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError):
        # A broken member (a picture, say) is the reader's affair: it may not need that one, and says so if it does.
        return count
    return count


def _check_totals(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.unpacked:
        raise DocumentError(
            FailureKind.TOO_LARGE,
            f"the archive unpacks to more than {_mib(limits.unpacked)} (limits.unpacked): it may be a zip bomb",
        )
    if unpacked > _RATIO_FLOOR and unpacked > packed * limits.unpack_ratio:
        raise DocumentError(
            FailureKind.TOO_LARGE,
            f"the archive unpacks to {_mib(unpacked)}, {unpacked // max(packed, 1)} times its size "
            f"(limits.unpack_ratio is {limits.unpack_ratio}): it may be a zip bomb",
        )


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def cap_memory(limit: int) -> None:
    """Grant this process and its programs at most `limit` bytes of private memory each (POSIX; elsewhere a no-op).

    What goes beyond fails as MemoryError in Python, as an abort in C++: both end at one document.
    """
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    ceiling = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (ceiling, ceiling))


def cap_processor(seconds: float) -> None:
    """Grant this process so many seconds of processor time from now (POSIX): a line behind its parent's, should that be stopped itself."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    ceiling = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard), hard))
