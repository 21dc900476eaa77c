"""CMS (RFC 5652): what a signed envelope holds, who signed it and when. Read with asn1crypto, which has no dependencies.

The wrappings met in offices: DER, BER (lengths not told in advance, as most signing programs of Italy write it), PEM, and
base64 with or without line breaks. Whether a signer is to be trusted is not judged here. The digest that the signer
signed is compared with that of the content, which tells a file that was changed afterwards, and the signature's value
with the key in the certificate beside it (`cms_value.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import clean, corrupt
from tasks.index.formats.cms_value import value_matches

_SIGNED = bytes.fromhex("06092a864886f70d010702")
_ENVELOPED = bytes.fromhex("06092a864886f70d010703")
_STAMPED = bytes.fromhex("060b2a864886f70d010910011f")
_TOKEN = bytes.fromhex("060b2a864886f70d0109100104")
_OIDS = {_SIGNED: "signed", _ENVELOPED: "encrypted", _STAMPED: "stamped"}
_PEM = re.compile(
    rb"-----BEGIN (?:PKCS ?#?7|CMS|SIGNED ?DATA)[^-]*-----(.*?)(?:-----END|\Z)", re.DOTALL | re.IGNORECASE
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]+=*\s*")
_GRANTED = bytes.fromhex("3003020100")
"""How the response of a time stamp service begins when it granted one."""

_EVIDENCE = 1 << 18
"""Bytes at the end of a time-stamped file in which its evidence is looked for; behind the document, not in it."""

_HEAD = 24
"""Bytes of DER in which the type of a CMS message stands: two tags with lengths of up to 9 bytes, and its OID."""

_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, RecursionError, AttributeError)
"""What asn1crypto raises for bytes that are no ASN.1 of their kind."""

_TAX_CODE = re.compile(r"(?:^|[:\-])([A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]|\d{11})$")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signer of an envelope.

    `covers` tells whether the signed digest is the content's, None where it cannot be compared; `value` whether the signature's value
    was made by the key of the certificate beside it, None where that cannot be told.
    """

    signer: str
    tax_code: str = ""
    issuer: str = ""
    signed_at: str = ""
    covers: bool | None = None
    value: bool | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """An opened envelope; `content` is None for a signature that stands apart from what it signs.

    `problem` says why signers could not be read of an envelope whose content could.
    """

    content: bytes | None
    signatures: tuple[Signature, ...] = ()
    stamped_at: str = ""
    problem: str = ""


def kind_of(head: bytes) -> str:
    """Tell a CMS message by its first bytes, in any of its wrappings.

    Returns:
        `signed`, `encrypted`, `stamped` (a document with its time stamps), `stamp` (a time stamp alone), or "".
    """
    if head.startswith(b"0"):
        start = head[:_HEAD]
        if _GRANTED in start[:9] and _SIGNED in start:
            return "stamp"
        if found := next((kind for oid, kind in _OIDS.items() if oid in start), ""):
            return found
    packed = _packed(head[:65_536])
    if packed is None:
        return ""
    bare = re.sub(rb"\s", b"", packed[:200])
    return kind_of(_decoded(bare[: len(bare) // 4 * 4])) if bare.startswith(b"M") else ""


def opened(data: bytes) -> Envelope:
    """Open one layer of an envelope.

    Raises:
        DocumentError: CORRUPT, or ENCRYPTED for somebody else.
    """
    from asn1crypto import cms, tsp  # tsp registers the time-stamped content

    kind = kind_of(data)
    if kind == "encrypted":
        raise DocumentError(FailureKind.ENCRYPTED, "the file is encrypted (CMS): only its recipient can open it")
    try:
        der = _der(data)
        message = cms.ContentInfo.load(der)
        if kind == "stamped":
            return _stamped(message["content"], tsp, der)
        return _signed(message["content"])
    except _UNREADABLE as error:
        raise corrupt(f"a signed file whose envelope is damaged: {_first_line(error)}") from None


def signatures_of(message: Any, content: bytes | None) -> tuple[Signature, ...]:
    """Return the signers of a SignedData structure.

    Args:
        content: what the signed digest is compared with; None when it is not at hand.
    """
    certificates = [choice.chosen for choice in message["certificates"] or () if choice.name == "certificate"]
    return tuple(_signature(signer, certificates, content) for signer in message["signer_infos"])


def read_signed(data: bytes) -> Any:
    """Return the SignedData structure of a CMS message, for PDF signatures, whose content stands outside.

    Raises:
        ValueError: it is not one.
    """
    from asn1crypto import cms

    message = cms.ContentInfo.load(data)
    if message["content_type"].native != "signed_data":
        raise ValueError("no signed data")
    return message["content"]


def as_metadata(signatures: Iterable[Signature], kind: str, stamped_at: str = "") -> dict[str, str]:
    """Return metadata of a signed document: `signature`, `signed_by`, `signed_by_tax_code`, `signed_at`, `signature_issuer`,
    `signature_covers_content` (yes, no, unknown), `signature_value` (matches, differs, unknown), `timestamped_at`; several signers are
    joined by "; "."""
    signatures = list(signatures)
    states = {signature.covers for signature in signatures}
    values = {signature.value for signature in signatures}
    value = "differs" if False in values else "matches" if values == {True} else "unknown"
    # a digest whose signature is broken may be anybody's
    covers = "no" if False in states else "yes" if states == {True} and value != "differs" else "unknown"
    found = {
        "signature": kind,
        "signed_by": _joined(s.signer for s in signatures),
        "signed_by_tax_code": _joined(s.tax_code for s in signatures),
        "signed_at": _joined(s.signed_at for s in signatures),
        "signature_issuer": _joined(s.issuer for s in signatures),
        "signature_covers_content": covers if signatures else "",
        "signature_value": value if signatures else "",
        "timestamped_at": stamped_at,
    }
    return {name: value for name, value in found.items() if value}


def stamp_time(data: bytes) -> str:
    """Return the times of the time stamps (RFC 3161) in some bytes, in ISO 8601; "" when there is none that can be read."""
    return _joined(_stamp_times(data))


def _stamp_times(data: bytes) -> Iterator[str]:
    """Yield the moment of each token, found by its type: evidence of time-stamped files nests it in ways asn1crypto cannot parse."""
    from asn1crypto import tsp

    for found in re.finditer(re.escape(_TOKEN), data):
        place = found.end()
        while place + 2 < len(data) and data[place] in b"\xa0\x24\x04":  # what wraps it, of any length
            place += 2 + (data[place + 1] & 0x7F if data[place + 1] > 0x80 else 0)
        try:
            moment = tsp.TSTInfo.load(data[place : place + 4096])["gen_time"].native
        except (ValueError, TypeError, KeyError):
            continue
        if isinstance(moment, datetime):
            yield moment.isoformat()


def tampered(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return warnings for a document whose content is not what was signed, or whose signature is not its certificate's."""
    found = []
    if metadata.get("signature_covers_content") == "no":
        found.append(
            "the content is not what was signed: it was changed after signing, or its signature is of another file"
        )
    if metadata.get("signature_value") == "differs":
        found.append(
            "the signature's value was not made by the key of the certificate beside it: one of them was changed"
        )
    return tuple(found)


def _der(data: bytes) -> bytes:
    if data.startswith(b"0") and kind_of(data[:_HEAD]):
        return data
    packed = _packed(data)
    return data if packed is None else _decoded(re.sub(rb"[^A-Za-z0-9+/]", b"", packed))


def _packed(data: bytes) -> bytes | None:
    """Return the base64 letters of a PEM or bare base64 text, None for anything else."""
    if found := _PEM.search(data):
        return found.group(1)
    bare = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    return bare if _BASE64.match(bare[:400]) and _BASE64.fullmatch(bare[:400].rstrip(b"=")) else None


def _decoded(letters: bytes) -> bytes:
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:
        return b""


def _signed(message: Any) -> Envelope:
    try:
        content = message["encap_content_info"]["content"]
    except ValueError:  # its type says that it is a structure, and it is a plain file
        return _with_signers(message, _octets(message["encap_content_info"].dump()))
    if message["encap_content_info"]["content_type"].native == "tst_info":
        moment = content.parsed["gen_time"].native
        return Envelope(None, (), moment.isoformat() if isinstance(moment, datetime) else "")
    inner = None if content is None or content.native is None else bytes(content)
    if inner is not None and not isinstance(content.native, bytes):
        inner = content.dump()  # content of another type than plain data, as time stamps have: its own encoding
    return _with_signers(message, inner)


def _octets(information: bytes) -> bytes:
    from asn1crypto import cms, core

    class Plain(core.Sequence):  # type: ignore[misc]
        _fields = [  # noqa: RUF012  asn1crypto adds to it
            ("content_type", cms.ContentType),
            ("content", core.OctetString, {"explicit": 0, "optional": True}),
        ]

    return bytes(Plain.load(information)["content"])


def _with_signers(message: Any, inner: bytes | None) -> Envelope:
    try:
        return Envelope(inner, signatures_of(message, inner))
    except _UNREADABLE as error:  # a certificate or a signer of nonsense does not take the document with it
        if inner is None:
            raise
        return Envelope(inner, (Signature(""),), problem=f"who signed it cannot be read: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:150]


def _stamped(message: Any, tsp: Any, data: bytes) -> Envelope:
    """Return a document with its time stamps (RFC 5544)."""
    if not isinstance(message, tsp.TimeStampedData):
        raise ValueError("no time-stamped data")
    content = message["content"].native
    return Envelope(content, stamped_at=stamp_time(data[-_EVIDENCE:] if content else data))


def _signature(signer: Any, certificates: list[Any], content: bytes | None) -> Signature:
    certificate = _certificate(signer["sid"], certificates)
    subject = certificate.subject.native if certificate else {}
    issuer = certificate.issuer.native if certificate else {}
    attributes = {one["type"].native: one["values"] for one in signer["signed_attrs"] or ()}
    moment = attributes["signing_time"][0].native if "signing_time" in attributes else None
    value = value_matches(signer, certificate, content)
    return Signature(
        signer=_one_line(subject.get("common_name") or _person(subject) or ""),
        tax_code=_tax_code(subject.get("serial_number")),
        issuer=_one_line(issuer.get("common_name") or issuer.get("organization_name") or ""),
        signed_at=_stamp_of(signer) or (moment.isoformat() if isinstance(moment, datetime) else ""),
        covers=_covers(signer, attributes, content, value),
        value=value,
    )


def _certificate(sid: Any, certificates: list[Any]) -> Any | None:
    for certificate in certificates:
        if sid.name == "issuer_and_serial_number":
            same = sid.chosen["serial_number"].native == certificate.serial_number
            if same and sid.chosen["issuer"].hashable == certificate.issuer.hashable:
                return certificate
        elif certificate.key_identifier == sid.native:
            return certificate
    return None


def _person(subject: Mapping[str, Any]) -> str:
    return " ".join(str(subject[part]) for part in ("given_name", "surname") if subject.get(part))


def _tax_code(serial: object) -> str:
    """Return the tax code in a certificate's serial number: `TINIT-…` (ETSI EN 319 412-1) or, before it, `IT:…` and bare."""
    for one in serial if isinstance(serial, list) else [serial]:
        if found := _TAX_CODE.search(_one_line(str(one or "")).upper()):
            return found.group(1)
    return ""


def _stamp_of(signer: Any) -> str:
    """Return the time of a signature time stamp (CAdES-T), which counts more than the signer's own clock."""
    for attribute in signer["unsigned_attrs"] or ():
        if attribute["type"].native == "signature_time_stamp_token":
            return stamp_time(attribute["values"].dump())
    return ""


def _covers(signer: Any, attributes: Mapping[str, Any], content: bytes | None, value: bool | None) -> bool | None:
    if content is None:
        return None
    if not attributes:  # the value is of the content itself
        return value
    if "message_digest" not in attributes:
        return None
    try:
        digest = hashlib.new(signer["digest_algorithm"]["algorithm"].native, content, usedforsecurity=False).digest()
    except ValueError:
        return None  # an algorithm that this machine does not know
    return bool(digest == attributes["message_digest"][0].native)


def _one_line(text: object) -> str:
    first = text[0] if isinstance(text, list) and text else text
    return " ".join(clean(str(first)).split())


def _joined(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(value for value in values if value))
