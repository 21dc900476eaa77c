"""Type by content: signatures, containers, and the ways in which plain texts differ."""

import io
import zipfile

import pytest

from infra.errors import DocumentError, FailureKind
from tasks.index.detect import detect


def archive(**members: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "/").replace("_DOT_", "."), text)
    return target.getvalue()


MAIL = b"From: a@b.it\nTo: c@d.it\nSubject: Fattura\nDate: Mon, 3 Mar 2025 10:00:00 +0100\n\nCiao"


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"%PDF-1.7\n...", "x.docx", "pdf"),
        (b"junk\n%PDF-1.4", "x.bin", "pdf"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "x.jpg", "png"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20, "x.png", "jpg"),
        (b"II*\0" + b"\0" * 20, "x", "tiff"),
        (b"GIF89a" + b"\0" * 20, "x", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "x", "webp"),
        (b"BM\x00\x01\0\0\0\0\0\0\x36\0", "x", "bmp"),
        (b"{\\rtf1 ciao}", "x.doc", "rtf"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "x.xls", "html"),
        (b"<html><body>x", "x.txt", "html"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "x.xml", "html"),
        (b'<?xml version="1.0"?>\n<!-- c --><a:invoice xmlns:a="u"/>', "x.txt", "xml"),
        (b'<?xml version="1.0"?><xbrli:xbrl xmlns:xbrli="http://www.xbrl.org/2003/instance"/>', "x.xml", "xbrl"),
        ('<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"), "x.xml", "xml"),
        (MAIL, "x.txt", "eml"),
        (b"Note: a thing\nTo do: another\n\nBody", "x.txt", "txt"),
        (b"a;b;c\n1;2;3\n4;5;6\n", "x.pdf", "csv"),
        (b"a\tb\n1\t2\n3\t4\n", "x.pdf", "tsv"),
        (b"One, two and three.\nFour, five and six.\nSeven, eight and nine.\n", "x.txt", "txt"),
        (b"a,b\n1,2\n", "x.csv", "csv"),
        (b"# Title\n\nSome [link](http://x) and **bold**.\n", "README", "md"),
        (b"# Title\n\nSome [link](http://x) and **bold**.\n", "x.txt", "txt"),
        (b"plain words", "x.md", "md"),
        (b"plain words", "x.pdf", "txt"),
        (archive(word__document_DOT_xml="<a/>"), "x.pdf", "docx"),
        (archive(xl__workbook_DOT_xml="<a/>"), "x.zip", "xlsx"),
        (archive(xl__workbook_DOT_bin="x"), "x.xls", "xlsb"),
        (archive(ppt__presentation_DOT_xml="<a/>"), "x", "pptx"),
        (archive(mimetype="application/vnd.oasis.opendocument.text"), "x.zip", "odt"),
        (archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "x", "ods"),
        (archive(mimetype="application/epub+zip"), "x", "epub"),
    ],
)
def test_type_is_told_by_content(data: bytes, name: str, expected: str) -> None:
    assert detect(data, name) == expected


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"PK\x03\x04 and no more", FailureKind.CORRUPT, "ZIP container"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, FailureKind.CORRUPT, "OLE2 container"),
        (bytes(range(256)) * 20, FailureKind.UNSUPPORTED, "binary data"),
        (b"\0\0\0\x18ftypheic....", FailureKind.UNSUPPORTED, "HEIC"),
        (
            archive(
                mimetype="application/vnd.oasis.opendocument.text",
                **{"META-INF__manifest_DOT_xml": "<encryption-data/>"},
            ),
            FailureKind.ENCRYPTED,
            "password",
        ),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, kind: FailureKind, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        detect(data, "x.txt")
    assert caught.value.kind == kind
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("<form><select><option selected>uno</select></form>", "x", "html"),
        ("<script>if (a<b) go()</script><p>Prezzo 5</p>", "x", "html"),
        ("<center><b>Avviso</b></center><br>Testo", "x.txt", "html"),
        ("<h4>Titolo</h4><p>uno<p>due", "x", "html"),
        ("<my-app><p>uno<p>due<br><ul><li>tre</ul></my-app>", "x", "html"),
        ("<Bozza> Verbale del consiglio: compenso di 5.500 euro.", "x.txt", "txt"),
        ("<mario.rossi@esempio.it> ha scritto che viene.", "x", "txt"),
        ("<!-- nota -->\n# Titolo\n\nUn [nesso](http://x) <br> e **basta**.", "x", "md"),
        ('<p align="center"><img src="l.png"></p>\n\n# Progetto\n\n- [uno](u)\n', "README.md", "md"),
        ('<h1 align="center">P</h1>\n\n## Uso\n\n```\nmake\n```\n', "README", "md"),
        ("<ordine><ditta>Neri &nbsp; Figli</ditta></ordine>", "x", "xml"),
        ("<ordine><ditta>Neri & Figli</ditta></ordine>", "x", "xml"),
        ("<ordine><ditta>Neri</ordine>", "x.xml", "xml"),
        ("<data><a>1</a><b>2</b></data>", "x.xml", "xml"),
        ('<table xmlns="urn:x"><row><cell>1</cell></row></table>', "x", "xml"),
        ("<svg><path d='M0'/></svg>", "x", "xml"),
        ("<table><tr><td>1<td>2</table>", "x", "html"),
        ("Codice\0;Voce\n1;Olio\n2;Vino\n", "x", "csv"),
    ],
)
def test_what_begins_with_a_bracket_is_told_apart(text: str, name: str, expected: str) -> None:
    assert detect(text.encode(), name) == expected
