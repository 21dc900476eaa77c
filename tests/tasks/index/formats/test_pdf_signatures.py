"""Signatures in PDFs: signer, and whether the file was changed or extended after signing."""

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import cms, tsp

from envelopes import SIGNER, der
from tasks.index.formats.pdf_signatures import signature_metadata


def test_who_signed_a_pdf_and_whether_it_is_as_it_was(tmp_path: Path) -> None:
    body = b"%PDF-1.7\n1 0 obj<</Type/Sig/ByteRange [0 AAAAAAAA BBBBBBBB CCCCCCCC]/Contents <"
    tail = b">>>endobj\n%%EOF\n"
    size = 2 * 4000
    start, after = len(body) - 1, len(body) + size + 1
    body = body.replace(b"AAAAAAAA", b"%08d" % start).replace(b"BBBBBBBB", b"%08d" % after)
    body = body.replace(b"CCCCCCCC", b"%08d" % (len(tail) - 1))
    signed = body[:start] + tail[1:]
    whole = body + der(signed, detached=True).hex().encode().ljust(size, b"0") + tail
    path = tmp_path / "atto.pdf"
    path.write_bytes(whole)
    found = signature_metadata(path)
    assert (found["signature"], found["signed_by"], found["signature_covers_content"]) == ("PAdES", SIGNER, "yes")
    assert found == signature_metadata(whole)
    changed = signature_metadata(whole.replace(b"/Type/Sig", b"/Type/Six"))
    assert changed["signature_covers_content"] == "no"
    extended = signature_metadata(whole + b"2 0 obj<<>>endobj\n%%EOF\n")
    assert extended["signature_covers_content"] == "part"
    moved = whole.replace(b"[0 %08d" % start, b"[0 %08d" % (start - 9))
    assert signature_metadata(moved) == {"signature": "PAdES", "signature_covers_content": "no"}
    assert signature_metadata(b"%PDF-1.4\n" + b"x" * 2000 + moved) == {}  # embedded in a PDF that is not signed
    assert signature_metadata(b"%PDF-1.4 /ByteRange [0 5 9 1] <00>") == {}


def pdf(message: Callable[[bytes], bytes]) -> bytes:
    """A file of one signature, made of the bytes that it covers."""
    head = b"%PDF-1.7\n1 0 obj<</Type/Sig/ByteRange [0 AAAAAAAA BBBBBBBB CCCCCCCC]/Contents <"
    tail, size = b">>>endobj\n%%EOF\n", 8000
    start, after = len(head) - 1, len(head) + size + 1
    for mark, number in ((b"AAAAAAAA", start), (b"BBBBBBBB", after), (b"CCCCCCCC", len(tail) - 1)):
        head = head.replace(mark, b"%08d" % number)
    return head + message(head[:start] + tail[1:]).hex().encode().ljust(size, b"0") + tail


def stamp(covered: bytes) -> bytes:
    """The time stamp of a document: its content is what it states, with the digest of the file in it."""
    digest = hashlib.sha256(covered).digest()
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest}
    moment = dt.datetime(2026, 4, 30, 12, tzinfo=dt.UTC)
    stated = tsp.TSTInfo(
        {"version": "v1", "policy": "1.2.3", "message_imprint": imprint, "serial_number": 7, "gen_time": moment}
    )
    made = cms.ContentInfo.load(der(stated.dump()))
    signed = made["content"]
    content = cms.EncapsulatedContentInfo(
        {"content_type": "tst_info", "content": cms.ParsableOctetString(stated.dump())}
    )
    return bytes(
        cms.ContentInfo(
            {
                "content_type": "signed_data",
                "content": cms.SignedData(
                    {
                        "version": "v3",
                        "digest_algorithms": signed["digest_algorithms"],
                        "encap_content_info": content,
                        "certificates": signed["certificates"],
                        "signer_infos": signed["signer_infos"],
                    }
                ),
            }
        ).dump()
    )


def test_the_time_stamp_of_a_document_is_no_signer_and_covers_the_file() -> None:
    found = signature_metadata(pdf(stamp))
    assert found == {
        "signature": "PAdES",
        "signature_covers_content": "yes",
        "signature_value": "matches",
        "timestamped_at": "2026-04-30T12:00:00+00:00",
    }
    assert signature_metadata(pdf(lambda covered: stamp(covered + b"x")))["signature_covers_content"] == "no"


@pytest.mark.parametrize(("right", "covers"), [(True, "yes"), (False, "no")])
def test_the_older_form_signs_the_digest_of_the_file(right: bool, covers: str) -> None:
    """`adbe.pkcs7.sha1`: the content is the SHA-1 of the bytes, and the signature is over that."""
    made = pdf(lambda covered: der(hashlib.sha1(covered if right else b"", usedforsecurity=False).digest()))
    assert signature_metadata(made)["signature_covers_content"] == covers
