"""The value of a CMS signature (RFC 5652, 5.4 and 5.6): whether the key of the certificate in the envelope made it.

That tells a signature of which a byte was changed, and an envelope whose digest was computed anew over another content. It is no proof of
who signed: whose certificate that is, and whether it was valid, is judged by nobody here.
"""

from __future__ import annotations

import hashlib
from typing import Any


def value_matches(signer: Any, certificate: Any, content: bytes | None) -> bool | None:
    """Say whether a signature's value is of what it signs, by the key of a certificate.

    Args:
        signer: asn1crypto's SignerInfo.
        certificate: asn1crypto's Certificate; None when the envelope has none of the signer's.
        content: what is signed where there are no signed attributes; None when it is not at hand.

    Returns:
        None where it cannot be told: no certificate, no content, or a kind of key or digest that is not known here.
    """
    signed = _signed(signer, content)
    if certificate is None or not signed:
        return None
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(certificate.public_key.dump())
        verdicts = [_verified(key, signer, one) for one in signed]
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return None
    return True if True in verdicts else None if None in verdicts else False


def _signed(signer: Any, content: bytes | None) -> list[bytes]:
    """Return what may be signed: the attributes as they stand and, for programs that wrote them another way, in DER."""
    attributes = signer["signed_attrs"]
    if not attributes:
        return [content] if content is not None else []
    plain = attributes.untag()
    return list(dict.fromkeys((plain.dump(), plain.copy().dump(force=True))))


def _verified(key: Any, signer: Any, signed: bytes) -> bool | None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    value, scheme = signer["signature"].native, signer["signature_algorithm"]
    try:
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(value, signed)
            return True
        if isinstance(key, rsa.RSAPublicKey) and scheme["algorithm"].native != "rsassa_pss":
            return _is_of(_recovered(key, value), signed)
        algorithm = _algorithm(_digest_of(scheme) or signer["digest_algorithm"]["algorithm"].native)
        if algorithm is None:
            return None
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_in_der(value), signed, ec.ECDSA(algorithm))
            return True
        return _of_pss(key, value, signed, scheme, algorithm) if isinstance(key, rsa.RSAPublicKey) else None
    except InvalidSignature:
        return False


def _recovered(key: Any, value: bytes) -> bytes:
    """Return what an RSA signature (PKCS #1 v1.5) was made of: the digest and its algorithm, which programs misname outside of it."""
    from cryptography.hazmat.primitives.asymmetric import padding

    return bytes(key.recover_data_from_signature(value, padding.PKCS1v15(), None))


def _is_of(information: bytes, signed: bytes) -> bool | None:
    from asn1crypto.algos import DigestInfo

    stated = DigestInfo.load(information, strict=True)
    try:
        name = stated["digest_algorithm"]["algorithm"].native
        digest = hashlib.new(name, signed, usedforsecurity=False).digest()
    except ValueError:
        return None  # an algorithm that this machine does not know
    return bool(digest == stated["digest"].native)


def _of_pss(key: Any, value: bytes, signed: bytes, scheme: Any, algorithm: Any) -> bool:
    from cryptography.hazmat.primitives.asymmetric import padding

    mask = _algorithm(scheme["parameters"]["mask_gen_algorithm"]["parameters"]["algorithm"].native) or algorithm
    key.verify(value, signed, padding.PSS(padding.MGF1(mask), padding.PSS.AUTO), algorithm)
    return True


def _in_der(value: bytes) -> bytes:
    """Return an ECDSA signature in DER, also one that is its two numbers side by side (BSI TR-03111, plain)."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    try:
        decode_dss_signature(value)
    except ValueError:
        half = len(value) // 2
        return encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))
    return value


def _digest_of(scheme: Any) -> str:
    """Return the digest that a signature algorithm names; "" where it leaves that to the signer's own field."""
    try:
        return str(scheme.hash_algo)
    except ValueError:
        return ""


def _algorithm(name: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    known = (hashes.SHA1, hashes.SHA224, hashes.SHA256, hashes.SHA384, hashes.SHA512, hashes.SHA3_256, hashes.SHA3_512)
    return next((one() for one in known if one.name.replace("-", "_") == name.replace("-", "_")), None)
