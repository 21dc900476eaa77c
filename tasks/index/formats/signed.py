"""Signed files (CAdES `.p7m`, `.p7s`), time-stamped ones (`.tsd`) and time stamps (`.tsr`): the document inside is the document.

It is handed on as a document of its own, with signer, tax code, time and whether the signed digest is the content's as
metadata of both. Signatures over signatures are opened in one go. A signature without content is a line of text that says
whose it is. What was changed after signing is read all the same, and marked.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.index.formats.base import Context, load, too_large
from tasks.index.formats.cms import Signature, as_metadata, kind_of, opened, stamp_time, tampered
from tasks.records import Attachment, Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("p7m", "tsd", "tsr")
VERSION = "3"
SAMPLES = {
    "p7m": bytes.fromhex("308006092a864886f70d010702a0803080020101"),
    "tsd": bytes.fromhex("3080060b2a864886f70d010910011fa0803080020101"),
    "tsr": bytes.fromhex("3082100030030201003082100006092a864886f70d010702a0820ff0"),
}

_MOST_LAYERS = 10
_SUFFIXES = frozenset({".p7m", ".p7s", ".p7c", ".tsd", ".m7m", ".pem", ".b64", ".sig"})


def sniff(look: Look) -> str:
    """Know a CMS message by its type, in each of its wrappings; it may hold a PDF's mark, so it is asked for first."""
    kind = kind_of(look.head)
    return {"": "", "stamped": "tsd", "stamp": "tsr"}.get(kind, "p7m")


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Open a signed file down to the document in it.

    Raises:
        DocumentError: CORRUPT for a damaged envelope, ENCRYPTED, TOO_LARGE for more layers than any real file has.
    """
    content: bytes | None = load(source)
    format_ = {"stamped": "tsd", "stamp": "tsr"}.get(kind_of(content or b""), "p7m")
    name, stamped_at = context.name, ""
    signatures: list[Signature] = []
    problems: list[str] = []
    for _ in range(_MOST_LAYERS):
        if content is None or not (kind := kind_of(content)):
            break
        if kind == "stamp":
            stamped_at, content = stamp_time(content), None
            break
        envelope = opened(content)
        content, name = envelope.content, inner_name(name)
        stamped_at = stamped_at or envelope.stamped_at
        signatures += envelope.signatures
        problems += [envelope.problem] if envelope.problem else []
    else:
        raise too_large(f"the file is signed in more than {_MOST_LAYERS} layers")
    metadata = as_metadata(signatures, "CAdES" if signatures else "", stamped_at)
    if content is None:
        return Parsed(format_, "", "", 1, tuple(_alone(signatures, stamped_at)), metadata)
    inside = Attachment(name, content, metadata)
    return Parsed(format_, "", "", 1, (), metadata, (inside,), (*tampered(metadata), *problems))


def inner_name(name: str) -> str:
    """Return the name of the document in an envelope: `x.pdf.p7m` holds `x.pdf`."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in _SUFFIXES and path.stem else name


def _alone(signatures: list[Signature], stamped_at: str) -> list[Element]:
    """Return what a signature or a time stamp says that stands apart from its document."""
    lines = [f"Signature of {one.signer or 'an unnamed signer'}{_when(one)}" for one in signatures]
    if stamped_at:
        lines.append(f"Time stamp of {stamped_at}")
    return [Element("text", "\n".join(lines or ["A time stamp that cannot be read"]))]


def _when(signature: Signature) -> str:
    details = [part for part in (signature.tax_code, signature.signed_at, signature.issuer) if part]
    return f" ({', '.join(details)})" if details else ""
