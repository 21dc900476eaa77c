"""Archives: each file a document with its path; junk, locked, broken and swollen members are left out by name."""

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from containers import zipped
from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.attachments import plain_path
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed

FILES = {"a.txt": b"prima lettera", "sotto/b.txt": b"seconda lettera"}


def opened(data: bytes | Path, name: str = "x.zip", **limits: int) -> Parsed:
    return read(data, Context(name, Limits(**limits)))


def names(parsed: Parsed) -> list[str]:
    return [one.name for one in parsed.attachments]


def tarred(files: dict[str, bytes], format_: int = tarfile.USTAR_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=format_) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (zipped(FILES), "zip"),
        (tarred(FILES), "tar"),
        (tarred(FILES, tarfile.GNU_FORMAT), "tar"),
        (tarred(FILES).replace(b"ustar\x0000", b"\0" * 8), "tar"),
        (gzip.compress(tarred(FILES, tarfile.PAX_FORMAT)), "gz"),
        (bz2.compress(tarred(FILES)), "bz2"),
        (lzma.compress(tarred(FILES)), "xz"),
    ],
    ids=["zip", "ustar", "gnu", "v7", "tgz", "tar.bz2", "tar.xz"],
)
def test_each_file_is_a_document(data: bytes, kind: str, tmp_path: Path) -> None:
    if kind == "tar" and b"ustar" not in data:
        data = _with_checksums(data)
    for source in (data, tmp_path / "archive"):
        if isinstance(source, Path):
            source.write_bytes(data)
        parsed = opened(source, "cartella")
        assert parsed.format == kind
        assert {one.name: one.data for one in parsed.attachments} == FILES
        assert parsed.warnings == ()


def _with_checksums(data: bytes) -> bytes:
    blocks = bytearray(data)
    for start in range(0, len(blocks), 512):
        block = blocks[start : start + 512]
        if (block[0] and block[124:135].strip(b"0\0")) or (block[0] and block[156:157] == b"2"):
            total = sum(block[:148]) + 256 + sum(block[156:])
            blocks[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(blocks)


@pytest.mark.parametrize(
    ("pack", "name"),
    [(gzip.compress, "lettera.txt.gz"), (bz2.compress, "lettera.txt.bz2"), (lzma.compress, "lettera.txt.xz")],
)
def test_a_packed_file_is_that_file(pack: object, name: str) -> None:
    parsed = opened(pack(b"una lettera"), name)  # type: ignore[operator]
    assert [(one.name, one.data) for one in parsed.attachments] == [("lettera.txt", b"una lettera")]


@pytest.mark.skipif(shutil.which("bsdtar") is None, reason="bsdtar is not installed")
def test_7z(tmp_path: Path) -> None:
    for name, data in {**FILES, "città.txt": b"terza"}.items():
        path = tmp_path / "da" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    target = tmp_path / "x.7z"
    subprocess.run(
        ["bsdtar", "-c", "--format=7zip", "-f", str(target), "-C", str(tmp_path / "da"), "a.txt", "sotto", "città.txt"],
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    for source in (target, target.read_bytes()):
        parsed = opened(source, "x.7z")
        assert {one.name: one.data for one in parsed.attachments} == {**FILES, "città.txt": b"terza"}
    with pytest.raises(DocumentError) as caught:
        opened(target.read_bytes()[:-40], "x.7z")
    assert caught.value.kind == FailureKind.CORRUPT


def test_without_bsdtar_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(DocumentError, match="libarchive-tools") as caught:
        opened(b"7z\xbc\xaf\x27\x1c\0\4" + b"\0" * 100, "x.7z")
    assert caught.value.kind == FailureKind.MISSING_PROGRAM


def test_what_packers_add_is_no_document() -> None:
    junk = ["__MACOSX/._a.txt", ".DS_Store", "sotto/.git/config", "Thumbs.db", "~$a.docx", "f.xml_metaDato.xml"]
    assert names(opened(zipped({**FILES, **dict.fromkeys(junk, b"x")}))) == list(FILES)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("C:\\dati\\x.pdf", "dati/x.pdf"),
        ("/a//b/./c", "a/b/c"),
        ("..", "file"),
        ("a\nb", "a b"),
    ],
)
def test_names_stay_inside(name: str, plain: str) -> None:
    assert plain_path(name) == plain


def test_equal_names_are_told_apart() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for data in ("uno", "due"):
            archive.writestr("x.txt", data)
    assert [(one.name, one.data) for one in opened(target.getvalue()).attachments] == [
        ("x.txt", b"uno"),
        ("x (2).txt", b"due"),
    ]


@pytest.mark.parametrize(("page", "system"), [("cp850", 0), ("cp1252", 0), ("utf-8", 3)])
def test_names_of_other_code_pages(page: str, system: int) -> None:
    data = zipped({"Societ_ pi_.txt": b"x"})
    raw = "Società più.txt".encode(page)
    data = data.replace(b"Societ_ pi_.txt", raw) if len(raw) == 15 else _renamed(raw)
    assert names(opened(data)) == ["Società più.txt"]


def _renamed(raw: bytes) -> bytes:
    placeholder = "y" * len(raw)
    return zipped({placeholder: b"x"}).replace(placeholder.encode(), raw)


def test_one_locked_broken_or_swollen_file_does_not_hide_the_others() -> None:
    data = bytearray(
        zipped({**FILES, "chiuso.txt": b"segreto", "rotto.txt": b"testo " * 500, "gonfio.bin": b"\0" * (40 << 20)})
    )
    local, directory = data.index(b"chiuso.txt") - 24, data.rindex(b"chiuso.txt") - 38
    data[local] |= 1
    data[directory] |= 1
    start = data.index(b"rotto.txt") + len(b"rotto.txt")
    data[start + 2 : start + 6] = b"\xff\xff\xff\xff"
    parsed = opened(bytes(data))
    assert names(parsed) == list(FILES)
    told = " | ".join(parsed.warnings)
    assert "chiuso.txt): encrypted" in told
    assert "rotto.txt): broken" in told
    assert "gonfio.bin): beyond the limits" in told


def test_archives_of_which_nothing_can_be_read_say_why() -> None:
    locked = bytearray(zipped({"a.txt": b"x"}))
    locked[6] |= 1
    locked[locked.rindex(b"a.txt") - 38] |= 1
    for data, kind in (
        (bytes(locked), FailureKind.ENCRYPTED),
        (zipped({"zeri": b"\0" * (40 << 20)}), FailureKind.TOO_LARGE),
        (gzip.compress(b"\0" * (40 << 20)), FailureKind.TOO_LARGE),
        (gzip.compress(tarred(FILES))[:60], FailureKind.CORRUPT),
        (zipped({".nascosto": b"x"}), FailureKind.NO_TEXT),
    ):
        with pytest.raises(DocumentError) as caught:
            opened(data, "x")
        assert caught.value.kind == kind, caught.value.message


def test_a_member_that_claims_two_gibibytes_is_left_out_unread() -> None:
    data = bytearray(zipped({"enorme.bin": b"x" * 1000, **FILES}))
    for place in (22, data.index(b"PK\x01\x02") + 24):
        data[place : place + 4] = (2 << 30).to_bytes(4, "little")
    parsed = opened(bytes(data))
    assert names(parsed) == list(FILES)
    assert "enorme.bin): beyond what one archive may unpack to" in parsed.warnings[0]


def test_more_files_than_the_limit_are_counted() -> None:
    parsed = opened(zipped({f"{n}.txt": b"x" for n in range(30)}), members=10)
    assert len(parsed.attachments) == 10
    assert parsed.warnings == (
        "20 of the files in the archive left out (10.txt, 11.txt, 12.txt, 13.txt, 14.txt and 15 more): more than 10 (limits.members)",
    )


def test_a_cut_off_stream_gives_what_stands_before_the_cut() -> None:
    whole = tarred({f"{n}.txt": os.urandom(3000) for n in range(20)})
    packer = zlib.compressobj(wbits=31)
    parsed = opened((packer.compress(whole) + packer.flush())[:30_000], "x.tgz")
    assert 5 <= len(parsed.attachments) < 20
    assert "only what stands before the damage" in parsed.warnings[-1]


def test_programs_are_no_folders() -> None:
    with pytest.raises(DocumentError, match="a program in a ZIP container"):
        opened(zipped({"META-INF/MANIFEST.MF": b"x", "a.class": b"y"}), "x.jar")


def test_a_signed_container_is_the_folder_of_its_files() -> None:
    names = {
        "mimetype": b"application/vnd.etsi.asic-e+zip",
        "offerta.txt": b"Sconto del 18 per cento",
        "vuoto.txt": b"",
        "META-INF/signatures0.xml": b"<x/>",
        "META-INF/ASiCManifest001.xml": b"<x/>",
    }
    parsed = read(_zip(names), Context("x.asice", Limits()))
    assert [(a.name, a.data) for a in parsed.attachments] == [("offerta.txt", b"Sconto del 18 per cento")]
    assert parsed.warnings == ("1 of the files in the archive left out (vuoto.txt): empty",)
    spanned = b"PK\x07\x08" + _zip({"a.txt": b"uno"})
    assert [a.name for a in read(spanned, Context("x.zip", Limits())).attachments] == ["a.txt"]


def _zip(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return target.getvalue()
