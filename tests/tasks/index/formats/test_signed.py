"""Signed files: the document inside whatever the wrapping, who signed it, what was changed, and hostile envelopes."""

import base64
import datetime as dt
import hashlib
import textwrap

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp

from envelopes import SIGNER, TAX_CODE, ber, der, pem, stamped, tampered
from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats import cms
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed

_DATA, _SIGNED = bytes.fromhex("06092a864886f70d010701"), bytes.fromhex("06092a864886f70d010702")
INVOICE = (
    b"<?xml version='1.0'?><Fattura><Numero>88/B</Numero><Causale>" + b"opere edili " * 300 + b"</Causale></Fattura>"
)


def opened(data: bytes, name: str = "fattura.xml.p7m") -> Parsed:
    return read(data, Context(name, Limits()))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(der(INVOICE), id="DER"),
        pytest.param(ber(INVOICE), id="BER"),
        pytest.param(pem(INVOICE), id="PEM"),
        pytest.param(base64.b64encode(der(INVOICE)), id="base64 without line breaks"),
        pytest.param(base64.encodebytes(der(INVOICE)), id="base64"),
        pytest.param(base64.encodebytes(ber(INVOICE)).replace(b"\n", b"\r\n"), id="base64 of BER with CRLF"),
        pytest.param(b"\xef\xbb\xbf" + base64.encodebytes(der(INVOICE)), id="base64 with a mark"),
        pytest.param(der(INVOICE) + b"\0\0\0\n", id="something behind it"),
        pytest.param(der(der(INVOICE)), id="signed twice"),
        pytest.param(der(base64.b64encode(ber(INVOICE))), id="base64 within DER"),
    ],
)
def test_the_document_inside_is_the_document(data: bytes) -> None:
    parsed = opened(data)
    assert parsed.format == "p7m"
    assert parsed.elements == ()
    [inside] = parsed.attachments
    assert inside.name == "fattura.xml"
    assert inside.data == INVOICE
    assert inside.metadata == parsed.metadata
    assert parsed.metadata["signed_by"] == SIGNER
    assert parsed.metadata["signed_by_tax_code"] == TAX_CODE
    assert parsed.metadata["signature_covers_content"] == "yes"
    assert parsed.metadata["signature_value"] == "matches"
    assert parsed.metadata["signed_at"].startswith("20")


@pytest.mark.parametrize("scheme", ["ECDSA", "RSA", "PSS"])
def test_a_signature_of_which_a_byte_was_changed_is_marked(scheme: str) -> None:
    sound = der(INVOICE, scheme=scheme)
    message = asn1_cms.ContentInfo.load(sound)
    (signer,) = message["content"]["signer_infos"]
    value = signer["signature"].native
    broken = sound.replace(value, value[:-1] + bytes([value[-1] ^ 1]))
    for data, found, covers in ((sound, "matches", "yes"), (broken, "differs", "unknown")):
        parsed = opened(data)
        assert parsed.attachments[0].data == INVOICE
        assert parsed.metadata["signature_value"] == parsed.attachments[0].metadata["signature_value"] == found
        assert parsed.metadata["signature_covers_content"] == covers
        assert len(parsed.warnings) == (found == "differs")


def test_a_digest_that_was_computed_anew_for_another_content_is_found_out() -> None:
    other = INVOICE.replace(b"88/B", b"99/B")
    digests = [hashlib.sha256(content).digest() for content in (INVOICE, other)]
    parsed = opened(tampered(INVOICE, other).replace(*digests))
    assert parsed.metadata["signature_value"] == "differs"
    assert parsed.metadata["signature_covers_content"] != "yes"


def test_a_signed_pdf_is_no_pdf_with_foreign_bytes() -> None:
    page = b"%PDF-1.4\n" + bytes(range(256)) * 20
    parsed = opened(ber(page, 700), "atto.pdf.p7m")
    assert (parsed.format, parsed.attachments[0].data) == ("p7m", page)


@pytest.mark.parametrize(
    ("serial", "code"),
    [
        ("TINIT-PRVNNA80A41H501K", "PRVNNA80A41H501K"),
        ("IT:PRVNNA80A41H501K", "PRVNNA80A41H501K"),
        ("VATIT-01234567897", "01234567897"),
        ("20041", ""),
    ],
)
def test_tax_codes_of_certificates(serial: str, code: str) -> None:
    assert cms.opened(der(b"x", serial)).signatures[0].tax_code == code


def test_what_was_changed_after_signing_is_read_and_marked() -> None:
    parsed = opened(tampered(b"paghera' 1.000 euro", b"paghera' 9.000 euro"), "patto.txt.p7m")
    assert parsed.attachments[0].data == b"paghera' 9.000 euro"
    assert parsed.metadata["signature_covers_content"] == "no"
    assert "changed after signing" in parsed.warnings[0]


def test_a_damaged_certificate_costs_the_signer_alone() -> None:
    version = bytes.fromhex("a003020102")
    for damaged in (
        der(INVOICE).replace(version, b"\xa0\x7f" + version[2:], 1),
        der(INVOICE).replace(_DATA, _SIGNED, 1),
    ):
        parsed = opened(damaged)
        assert parsed.attachments[0].data == INVOICE
    parsed = opened(der(INVOICE).replace(version, b"\xa0\x7f" + version[2:], 1))
    assert parsed.metadata["signature_covers_content"] == "unknown" and "signed_by" not in parsed.metadata
    assert [w.partition(":")[0] for w in parsed.warnings] == ["who signed it cannot be read"]


def test_a_signature_without_content_says_whose_it_is() -> None:
    parsed = opened(der(INVOICE, detached=True), "fattura.xml.p7s")
    assert parsed.attachments == ()
    assert SIGNER in parsed.elements[0].text
    assert parsed.metadata["signature_covers_content"] == "unknown"


def test_time_stamped_documents() -> None:
    parsed = opened(stamped(der(INVOICE)), "fattura.xml.p7m.tsd")
    assert parsed.format == "tsd"
    assert [(a.name, a.data) for a in parsed.attachments] == [("fattura.xml", INVOICE)]
    assert parsed.metadata["signed_by"] == SIGNER


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (der(INVOICE)[:900], FailureKind.CORRUPT, "envelope is damaged"),
        (base64.b64encode(der(INVOICE)[:900]), FailureKind.CORRUPT, "envelope is damaged"),
        (bytes.fromhex("308006092a864886f70d010703a080"), FailureKind.ENCRYPTED, "recipient"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", FailureKind.UNSUPPORTED, "certificate"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n", FailureKind.ENCRYPTED, "PGP"),
        (bytes.fromhex("308006092a864886f70d010702a080") + b"0\x80" * 60_000, FailureKind.CORRUPT, ""),
    ],
)
def test_what_cannot_be_opened_is_named(data: bytes, kind: FailureKind, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        opened(data)
    assert caught.value.kind == kind
    assert words in caught.value.message


def test_fifty_layers_are_one_failure() -> None:
    data = b"ciao"
    for _ in range(50):
        data = der(data)
    with pytest.raises(DocumentError, match="more than 10 layers"):
        opened(data)


@pytest.mark.parametrize("width", [64, 76, 10_000])
def test_base64_is_never_prose(width: int) -> None:
    coded = textwrap.fill(base64.b64encode(b"PK\x03\x04" + bytes(range(256)) * 9).decode(), width)
    with pytest.raises(DocumentError) as caught:
        opened(coded.encode(), "lettera.txt")
    assert caught.value.kind == FailureKind.UNSUPPORTED
    assert "base64" in caught.value.message


def test_long_words_are_prose() -> None:
    words = "\n".join(["precipitevolissimevolmente" * 2] * 30)
    assert opened(words.encode(), "parole.txt").format == "txt"


def test_the_time_of_a_stamp_is_found_however_it_is_wrapped() -> None:
    moment = dt.datetime(2026, 7, 2, 9, 0, 1, tzinfo=dt.UTC)
    algorithm = {"algorithm": "sha256"}
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3",
            "serial_number": 1,
            "gen_time": moment,
            "message_imprint": {"hash_algorithm": algorithm, "hashed_message": b"x" * 32},
        }
    ).dump()
    token = bytes.fromhex("060b2a864886f70d0109100104")
    length = bytes([len(info)])
    for wrapped in (
        b"\xa0" + bytes([len(info) + 2]) + b"\x04" + length + info,
        b"\xa0\x80\x24\x80\x04" + length + info + b"\0" * 4,
    ):
        assert cms.stamp_time(b"\x30\x80" + token + wrapped) == "2026-07-02T09:00:01+00:00"
    data = stamped(der(INVOICE), token + b"\xa0\x82\x01\x00\x04" + length + info)
    assert opened(data, "f.xml.p7m.tsd").metadata["timestamped_at"] == "2026-07-02T09:00:01+00:00"
