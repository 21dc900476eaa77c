"""Signatures in a PDF (PAdES): who signed it, when, and whether the file is as it was then.

A signature dictionary names the bytes that it signs (`/ByteRange [0 a b c]`); the gap between them holds the CMS message
in hexadecimal. Both must stand uncompressed in the file, so no PDF library is needed, and a large file is only searched.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        stamps = "; ".join(dict.fromkeys(stamp for _, _, stamp in found if stamp))
        if not found and _misplaced(data):
            return {"signature": "PAdES", "signature_covers_content": "no"}
    metadata = as_metadata([signature for signature, _, _ in found], "PAdES" if found else "", stamps)
    if metadata.get("signature_covers_content") == "yes" and not any(whole for _, whole, _ in found):
        metadata["signature_covers_content"] = "part"
    return metadata


def _misplaced(data: bytes | mmap.mmap) -> bool:
    """Tell a range in a signature dictionary of this file, not of a signed PDF that is embedded in it as it is."""
    return any(
        data.rfind(b"%PDF-", 0, found.start()) < _HEADER
        and _DICTIONARY.search(data[max(0, found.start() - _NEAR) : found.end() + _NEAR])
        for found in _RANGE.finditer(data)
    )


def signatures(data: bytes | mmap.mmap) -> Iterator[tuple[Signature, bool, str]]:
    """Yield the signatures of a PDF, each with whether it covers the file to its end and the moment of a time stamp.

    One that cannot be read has no signer, and neither has the time stamp of a document (ETSI EN 319 142-1, 5.5).
    """
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
            covered = data[:length] + data[after : after + rest]
            if stamp := _stamp(message):
                value = next((s.value for s in signatures_of(message, stamp.dump())), None)
                yield Signature("", covers=_imprints(stamp, covered), value=value), after + rest >= end, _moment(stamp)
                continue
            for signature in signatures_of(message, _signed_content(message, covered)):
                yield signature, after + rest >= end, ""
        except (ValueError, TypeError, KeyError, AttributeError):
            yield Signature(""), False, ""


def _stamp(message: Any) -> Any:
    """Return what a time stamp states, None for the signature of a person."""
    from asn1crypto import tsp  # registers the content of a time stamp

    information = message["encap_content_info"]
    if information["content_type"].native != "tst_info":
        return None
    return tsp.TSTInfo.load(bytes(information["content"]))


def _imprints(stamp: Any, covered: bytes) -> bool | None:
    imprint = stamp["message_imprint"]
    try:
        digest = hashlib.new(imprint["hash_algorithm"]["algorithm"].native, covered, usedforsecurity=False).digest()
    except ValueError:
        return None  # an algorithm that this machine does not know
    return bool(digest == imprint["hashed_message"].native)


def _moment(stamp: Any) -> str:
    moment = stamp["gen_time"].native
    return str(moment.isoformat()) if moment else ""


def _signed_content(message: Any, covered: bytes) -> bytes:
    """Return what the signed digest is of: the bytes of the PDF or, in the older form `adbe.pkcs7.sha1`, their SHA-1."""
    inside = message["encap_content_info"]["content"]
    sha1 = hashlib.sha1(covered, usedforsecurity=False).digest()
    return sha1 if inside is not None and inside.native is not None and bytes(inside) == sha1 else covered


@contextlib.contextmanager
def _opened(source: Path | bytes) -> Iterator[bytes | mmap.mmap]:
    """Open the bytes of a source, not read into memory where it is a file."""
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data
