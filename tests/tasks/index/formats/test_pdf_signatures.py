"""Signatures in PDFs: signer, and whether the file was changed or extended after signing."""

from pathlib import Path

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
