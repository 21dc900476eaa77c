"""Signatures in a PDF (PAdES): who signed it, when, and whether the file is as it was then.

A signature dictionary names the bytes that it signs (`/ByteRange [0 a b c]`); the gap between them holds the CMS message
in hexadecimal. Both must stand uncompressed in the file, so no PDF library is needed, and a large file is only searched.
"""

from __future__ import annotations

import contextlib
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

from tasks.index.formats.cms import Signature, as_metadata, read_signed, signatures_of

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
_LONGEST_MESSAGE = 8 << 20
_DICTIONARY = re.compile(rb"/SubFilter\b|/Type\s*/(?:Sig|DocTimeStamp)\b")
_NEAR = 1024
_HEADER = 1024
"""Bytes at the start of a file among which its own header stands (ISO 32000-1, H.3)."""


def signature_metadata(source: Path | bytes) -> dict[str, str]:
    """Return metadata of the signatures in a PDF as `cms.as_metadata` has them; nothing for one that is not signed.

    `signature_covers_content` is `part` where all digests are right and the file was extended after the last signature, and `no` where a
    signature says that it covers bytes among which it does not stand, or more than there are: the file was cut or its parts were moved.
    """
    with _opened(source) as data:
        found = list(signatures(data))
        if not found and _misplaced(data):
            return {"signature": "PAdES", "signature_covers_content": "no"}
    metadata = as_metadata([signature for signature, _ in found], "PAdES" if found else "")
    if metadata.get("signature_covers_content") == "yes" and not any(whole for _, whole in found):
        metadata["signature_covers_content"] = "part"
    return metadata


def _misplaced(data: bytes | mmap.mmap) -> bool:
    """Tell a range in a signature dictionary of this file, not of a signed PDF that is embedded in it as it is."""
    return any(
        data.rfind(b"%PDF-", 0, found.start()) < _HEADER
        and _DICTIONARY.search(data[max(0, found.start() - _NEAR) : found.end() + _NEAR])
        for found in _RANGE.finditer(data)
    )


def signatures(data: bytes | mmap.mmap) -> Iterator[tuple[Signature, bool]]:
    """Yield the signatures of a PDF, each with whether it covers the file to its end; one that cannot be read has no signer."""
    end = len(data)
    while end and data[end - 1 : end] in b"\0\r\n ":
        end -= 1
    for found in _RANGE.finditer(data):
        start, length, after, rest = map(int, found.groups())
        gap = data[start + length : min(after, start + length + _LONGEST_MESSAGE)].strip()
        if start or not gap.startswith(b"<") or after + rest > len(data):
            continue
        letters = re.sub(rb"[^0-9A-Fa-f]", b"", gap)
        try:
            message = read_signed(bytes.fromhex(letters[: len(letters) // 2 * 2].decode()))
            for signature in signatures_of(message, data[:length] + data[after : after + rest]):
                yield signature, after + rest >= end
        except (ValueError, TypeError, KeyError, AttributeError):
            yield Signature(""), False


@contextlib.contextmanager
def _opened(source: Path | bytes) -> Iterator[bytes | mmap.mmap]:
    """Open the bytes of a source, not read into memory where it is a file."""
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data
