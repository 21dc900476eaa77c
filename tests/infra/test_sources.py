"""Listing: nothing that was merely not seen counts as gone, names have one form, and what is left out is said."""

from __future__ import annotations

import errno
import http.server
import os
import socketserver
import subprocess
import sys
import threading
import time
import unicodedata
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from infra.errors import UsageError
from infra.files import fetch, on_disk
from infra.machine import free_port
from infra.roots import Found, Item, Root, Skipped, Unreadable
from infra.sources import check_allowed, former_root, root_of, walk


def listed(source: str) -> set[str]:
    return {item.path for item in walk(root_of(source)) if isinstance(item, Found)}


def broken(items: list[Item]) -> list[str]:
    return [item.path for item in items if isinstance(item, Unreadable)]


@pytest.fixture
def shelves(tmp_path: Path) -> Path:
    for shelf in ("a", "b", "c"):
        for name in ("1.txt", "deep/2.txt"):
            path = tmp_path / "shelves" / shelf / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    return tmp_path / "shelves"


@pytest.mark.parametrize("pattern", ["", "/*/*.txt", "/**/*.txt", "/?/deep/*", "/*/**/2.txt", "/**"])
def test_a_folder_that_answers_with_an_error_is_named(
    shelves: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = listed(f"{shelves}{pattern}")
    assert whole
    scandir = os.scandir

    def failing(path: str) -> Any:
        if os.fspath(path).startswith(f"{shelves}/b"):
            raise OSError(errno.EIO, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    items = list(walk(root_of(f"{shelves}{pattern}")))
    seen = {item.path for item in items if isinstance(item, Found)}
    lost = whole - seen
    assert lost == {path for path in whole if path.startswith(f"{shelves}/b/")}
    assert all(any(path.startswith(place + "/") for place in broken(items)) for path in lost)


class _Failing(MemoryFileSystem):
    """A store of which one folder cannot be listed for a moment."""

    protocol = "failing"
    cachable = False
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs: list[str] = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("failing://")))

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        if "/b" in path:
            raise OSError(errno.ETIMEDOUT, "the server does not answer")
        return super().ls(path, detail=detail, **options)


@pytest.mark.parametrize("source", ["failing://shelves", "failing://shelves/*/*.txt"])
def test_a_remote_folder_that_answers_with_an_error_is_named(source: str) -> None:
    fsspec.register_implementation("failing", _Failing, clobber=True)
    store = fsspec.filesystem("failing")
    for name in ("a/1.txt", "b/1.txt", "c/1.txt"):
        store.pipe_file(f"/shelves/{name}", b"x")
    items = list(walk(root_of(source)))
    assert {item.path for item in items if isinstance(item, Found)} == {
        "failing://shelves/a/1.txt",
        "failing://shelves/c/1.txt",
    }
    assert broken(items) == ["failing://shelves/b"]


def test_links_to_folders_are_said(shelves: Path) -> None:
    (shelves / "loop").symlink_to(shelves)
    for source in (str(shelves), f"{shelves}/**/*.txt"):
        skipped = [item for item in walk(root_of(source)) if isinstance(item, Skipped)]
        assert [item.path for item in skipped] == [f"{shelves}/loop"]
        assert len(listed(source)) == 6


def test_a_name_has_one_form(tmp_path: Path) -> None:
    mac = unicodedata.normalize("NFD", "Società di più.txt")
    (tmp_path / mac).write_text("x")
    [path] = listed(str(tmp_path))
    assert path == f"{tmp_path}/Società di più.txt"
    assert Path(on_disk(path)).read_text() == "x"
    assert root_of(str(tmp_path / mac)) == root_of(path) == Root("file", path)
    assert listed(f"{tmp_path}/*à*.txt") == {path}

    (tmp_path / "Società di più.txt").write_text("y")  # both forms are there: two files, and both are listed
    assert len(listed(str(tmp_path))) == 2
    assert {Path(on_disk(one)).read_text() for one in listed(str(tmp_path))} == {"x", "y"}


def test_only_what_is_allowed(shelves: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("x")
    (shelves / "a" / "link.txt").symlink_to(outside)
    (shelves / "a" / "inner.txt").symlink_to(shelves / "b" / "1.txt")
    allowed = [str(shelves), "s3://papers/public"]
    root = root_of(str(shelves / "a"), allowed)
    items = list(walk(root, allowed))
    assert [item.path for item in items if isinstance(item, Skipped)] == [f"{shelves}/a/link.txt"]
    assert f"{shelves}/a/inner.txt" in {item.path for item in items}
    check_allowed("s3://papers/public/x/*.pdf", allowed)
    for source in (
        "/etc/passwd",
        str(outside),
        f"{shelves}/../secret.txt",
        f"{shelves}/a/link.txt",
        f"{tmp_path}/*",
        "file:///etc",
        "memory://x",
        "http://169.254.169.254/latest",
        "s3://papers/publication",
        "s3://papers/public/../x",
        f"{shelves}suffix/a",
    ):
        with pytest.raises(UsageError, match="FALDONE_SOURCES"):
            check_allowed(source, allowed)


def test_a_root_that_is_no_more_has_a_name(tmp_path: Path) -> None:
    assert former_root(f"{tmp_path}/gone") == Root("folder", f"{tmp_path}/gone")
    assert former_root(f"{tmp_path}/gone/*.pdf").kind == "glob"
    assert former_root("s3://papers/2019/") == Root("folder", "s3://papers/2019")


# ---- https:// ----------------------------------------------------------------------------------------------------------


class _Plain(http.server.SimpleHTTPRequestHandler):
    """A web server of files; with `dates` False it says neither date nor etag, as some do."""

    dates = True

    def send_header(self, keyword: str, value: str) -> None:
        if self.dates or keyword != "Last-Modified":
            super().send_header(keyword, value)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp")
    top = tmp_path / "www"
    (top / "docs" / "2019").mkdir(parents=True)
    (top / "docs" / "a.txt").write_text("cento euro")
    (top / "docs" / "2019" / "b b.txt").write_text("b")
    (top / "other.txt").write_text("not below docs")
    _Plain.dates = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), lambda *given: _Plain(*given, directory=str(top))) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_files_on_the_web(web: str, tmp_path: Path) -> None:
    assert root_of(f"{web}/docs/a.txt") == Root("file", f"{web}/docs/a.txt")
    [one] = walk(root_of(f"{web}/docs/a.txt"))
    assert isinstance(one, Found)
    assert (one.size, bool(one.stamp)) == (10, True)
    assert fetch(one.path, tmp_path, 100).read_text() == "cento euro"
    with pytest.raises(UsageError, match="no such file"):
        root_of(f"{web}/docs/none.txt")
    assert listed(f"{web}/docs/") == {f"{web}/docs/a.txt", f"{web}/docs/2019/b%20b.txt"}

    os.utime(tmp_path / "www" / "docs" / "a.txt", (0, 0))
    [changed] = walk(root_of(f"{web}/docs/a.txt"))
    assert isinstance(changed, Found)
    assert changed.stamp != one.stamp

    _Plain.dates = False
    [unknown] = walk(root_of(f"{web}/docs/a.txt"))
    assert isinstance(unknown, Found)
    assert unknown.stamp == ""


def test_a_name_longer_than_a_disk_takes(tmp_path: Path) -> None:
    name = "書" * 80 + ".txt"  # 244 bytes, and a copy has a name of its own besides
    fsspec.filesystem("memory").pipe_file(f"/long/{name}", "貸借対照表".encode())
    [one] = walk(root_of("memory://long"))
    copy = fetch(one.path, tmp_path, 100)
    assert copy.read_text() == "貸借対照表"
    assert copy.suffix == ".txt"


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(UsageError, match=r"faldone\[gcs\]"):
        root_of("gs://papers/x")


# ---- gs:// -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    gcsfs = pytest.importorskip("gcsfs")
    pytest.importorskip("gcp_storage_emulator")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    command = [
        sys.executable,
        "-m",
        "gcp_storage_emulator",
        "start",
        "--host=127.0.0.1",
        f"--port={port}",
        "--in-memory",
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/storage/v1/b?project=test", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        store = gcsfs.GCSFileSystem(token="anon", endpoint_url=address, project="test")
        store.mkdir("papers")
        yield store
    finally:
        server.terminate()
        server.wait(10)
        gcsfs.GCSFileSystem.clear_instance_cache()


def test_files_in_google_cloud_storage(bucket: Any, tmp_path: Path) -> None:
    bucket.pipe_file("papers/2024/a.txt", b"ricavi")
    bucket.pipe_file("papers/2024/note/b.txt", b"nota")
    items = [item for item in walk(root_of("gs://papers/2024")) if isinstance(item, Found)]
    assert {item.path for item in items} == {"gs://papers/2024/a.txt", "gs://papers/2024/note/b.txt"}
    assert all(item.stamp and item.size for item in items)
    assert listed("gs://papers/*/*.txt") == {"gs://papers/2024/a.txt"}
    assert fetch("gs://papers/2024/a.txt", tmp_path, 100).read_bytes() == b"ricavi"
