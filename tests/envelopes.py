"""Signed files for tests: made with `cryptography`, then wrapped in the ways that signing programs have."""

from __future__ import annotations

import base64
import datetime as dt
from functools import cache

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

SIGNER = "ANNA PROVA"
TAX_CODE = "PRVNNA80A41H501K"
_OID = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")


@cache
def _identity(serial: str, scheme: str) -> tuple[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1()) if scheme == "ECDSA" else rsa.generate_private_key(65537, 2048)
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, SIGNER), x509.NameAttribute(NameOID.SERIAL_NUMBER, serial)]
    )
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(day)
        .not_valid_after(day + dt.timedelta(days=4000))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def der(content: bytes, serial: str = f"TINIT-{TAX_CODE}", detached: bool = False, scheme: str = "ECDSA") -> bytes:
    """A signed file; `scheme` is ECDSA, RSA or PSS."""
    key, certificate = _identity(serial, scheme)
    pad = {"RSA": padding.PKCS1v15(), "PSS": padding.PSS(padding.MGF1(hashes.SHA256()), 32)}.get(scheme)
    options = [pkcs7.PKCS7Options.Binary, *([pkcs7.PKCS7Options.DetachedSignature] if detached else [])]
    builder = (
        pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256(), rsa_padding=pad)
    )
    return builder.sign(serialization.Encoding.DER, options)


def ber(content: bytes, piece: int = 1000) -> bytes:
    """The same with lengths that are not told in advance and the content in pieces, as streaming programs write it."""
    message = cms.ContentInfo.load(der(content))["content"]
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)]
    octets = b"".join(b"\x04\x82" + len(one).to_bytes(2, "big") + one for one in pieces)
    end = b"\0\0"
    inside = b"0\x80" + _DATA + b"\xa0\x80\x24\x80" + octets + end * 3
    body = message["version"].dump() + message["digest_algorithms"].dump() + inside
    body += message["certificates"].dump() + message["signer_infos"].dump()
    return b"0\x80" + _OID + b"\xa0\x80" + b"0\x80" + body + end * 3


def pem(content: bytes) -> bytes:
    lines = base64.encodebytes(der(content))
    return b"Bag Attributes\n-----BEGIN PKCS7-----\n" + lines + b"-----END PKCS7-----\n"


def tampered(content: bytes, other: bytes) -> bytes:
    """An envelope whose content was exchanged for another of the same length."""
    assert len(content) == len(other)
    return der(content).replace(content, other)


def stamped(content: bytes, evidence: bytes = b"") -> bytes:
    """A document with its time stamps (none as it comes), RFC 5544."""

    def part(tag: int, body: bytes) -> bytes:
        size = len(body)
        length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
        return bytes([tag]) + length + body

    version, octets = part(2, b"\1"), part(4, content)
    data = part(0x30, version + octets + part(0xA0, evidence))
    return part(0x30, bytes.fromhex("060b2a864886f70d010910011f") + part(0xA0, data))
