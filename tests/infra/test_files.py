"""Sources: what a root holds, what is listed, and a real S3 server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra import files
from infra.errors import DocumentError, FailureKind, StorageError, TransientError, UsageError
from infra.files import fetch, read_bytes, remove_tree, sync_versions, write_bytes
from infra.machine import free_port
from infra.roots import Found, Root, Unreadable
from infra.sources import root_of, walk


def listed(source: str) -> set[str]:
    return {item.path for item in walk(root_of(source)) if isinstance(item, Found)}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.txt", "sub/b.pdf", "sub/deep/c.csv", ".hidden/x.txt", "sub/~$lock.docx", ".dot.txt"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "tree"


def test_a_folder_is_listed_with_all_below_it_but_hidden_and_lock_files(tree: Path) -> None:
    assert listed(str(tree)) == {f"{tree}/a.txt", f"{tree}/sub/b.pdf", f"{tree}/sub/deep/c.csv"}


def test_a_loop_of_links_is_not_followed(tree: Path) -> None:
    os.symlink(tree, tree / "sub" / "loop")
    os.symlink(tree / "a.txt", tree / "link.txt")
    assert f"{tree}/link.txt" in listed(str(tree))
    assert len(listed(str(tree))) == 4


def test_globs(tree: Path) -> None:
    assert listed(f"{tree}/**/*.csv") == {f"{tree}/sub/deep/c.csv"}
    root = root_of(f"{tree}/*/*.pdf")
    assert root.holds(f"{tree}/sub/b.pdf")
    assert not root.holds(f"{tree}/sub/deep/b.pdf")
    assert Root("glob", f"{tree}/**/*.pdf").holds(f"{tree}/sub/deep/b.pdf")


def test_a_folder_holds_what_is_below_it_and_not_its_neighbour(tree: Path) -> None:
    root = root_of(str(tree / "sub"))
    assert root.holds(f"{tree}/sub/gone.pdf")
    assert not root.holds(f"{tree}/subsidiary/gone.pdf")


def test_a_source_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="nowhere: no such file or folder"):
        root_of("nowhere")


def test_a_file_that_went_away_is_reported(tree: Path) -> None:
    assert isinstance(next(iter(walk(Root("file", str(tree / "gone.txt"))))), Unreadable)


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
    )
    saved = dict(os.environ)
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-south-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    try:
        _wait_http(f"http://127.0.0.1:{port}/moto-api/")
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()  # of clients that remember the server of another file's tests
        s3fs.S3FileSystem().mkdir("papers", region_name="eu-south-1")
        yield
        s3fs.S3FileSystem.clear_instance_cache()
    finally:
        os.environ.clear()
        os.environ.update(saved)
        server.terminate()
        server.wait(10)


def _wait_http(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


def test_a_folder_that_somebody_is_still_writing_is_removed_for_good(tmp_path: Path) -> None:
    folder, stopped = tmp_path / "staging", threading.Event()
    folder.mkdir()

    def write() -> None:
        with suppress(StorageError):
            for number in range(100_000):
                write_bytes(str(folder / f"{number}.arrow"), b"x" * 100, parents=False)
        stopped.set()

    threading.Thread(target=write, daemon=True).start()
    while not folder.joinpath("50.arrow").exists():
        time.sleep(0.001)
    remove_tree(str(folder))
    assert stopped.wait(10)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_files_behind_s3_are_listed_fetched_and_stamped(s3: None, tmp_path: Path) -> None:
    write_bytes("s3://papers/2024/bilancio.txt", b"ricavi 100")
    write_bytes("s3://papers/2024/note/nota.txt", b"nota")
    found = [item for item in walk(root_of("s3://papers/2024")) if isinstance(item, Found)]
    assert {item.path for item in found} == {"s3://papers/2024/bilancio.txt", "s3://papers/2024/note/nota.txt"}
    assert all(item.stamp and item.size for item in found)
    assert fetch("s3://papers/2024/bilancio.txt", tmp_path, 1000).read_bytes() == b"ricavi 100"
    with pytest.raises(DocumentError) as error:
        fetch("s3://papers/2024/bilancio.txt", tmp_path, 3)
    assert error.value.kind is FailureKind.TOO_LARGE
    assert listed("s3://papers/*/*.txt") == {"s3://papers/2024/bilancio.txt"}
    remove_tree("s3://papers/2024")
    with pytest.raises(UsageError, match="no such file"):
        root_of("s3://papers/2024/bilancio.txt")
    with pytest.raises(FileNotFoundError):
        read_bytes("s3://papers/2024/bilancio.txt")


@pytest.mark.slow
def test_versions_behind_s3_come_once_go_when_they_are_gone_and_stay_in_their_folder(s3: None, tmp_path: Path) -> None:
    top, here = "s3://papers/models", tmp_path / "models"
    sync_versions(top, here, "m.json")
    assert not here.exists(), "nothing has been registered yet"
    remove_tree(top)
    for name in ("x/1/m.json", "x/1/weights", "x/2/weights", "x/current", "y/1/m.json", "y/1/deep/file"):
        write_bytes(f"{top}/{name}", name.encode())
    sync_versions(top, here, "m.json")

    def files() -> set[str]:
        return {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}

    assert files() == {"x/1/m.json", "x/1/weights", "x/current", "y/1/m.json", "y/1/deep/file"}, "x/2 is not whole"
    (here / "x/1/weights").write_text("mine")
    write_bytes(f"{top}/x/current", b"2")
    write_bytes(f"{top}/x/2/m.json", b"now it is")
    remove_tree(f"{top}/y")
    sync_versions(top, here, "m.json")
    assert files() == {"x/1/m.json", "x/1/weights", "x/2/m.json", "x/2/weights", "x/current"}
    assert [(here / name).read_text() for name in ("x/1/weights", "x/current")] == ["mine", "2"]
    write_bytes(f"{top}/../../out/1/m.json", b"")
    write_bytes(f"{top}/x/../../out", b"out")
    with pytest.raises(UsageError, match="leads out of its folder"):
        sync_versions(top, here, "m.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models"]


@pytest.mark.slow
def test_a_store_that_is_away_is_an_error_that_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(TransientError, match="s3://papers/x: cannot be reached"):
        read_bytes("s3://papers/x")
    s3fs.S3FileSystem.clear_instance_cache()


def test_files_of_a_folder_in_a_store_are_listed_and_removed(tmp_path: Path) -> None:
    for folder in (str(tmp_path / "here"), "memory://reports/here"):
        for name in ("a.pdf", "b.pdf", "c.txt"):
            files.write_bytes(f"{folder}/{name}", b"1234")
        found = files.listed(folder, ".pdf")
        assert sorted((path, size) for path, size, _ in found) == [(f"{folder}/a.pdf", 4), (f"{folder}/b.pdf", 4)]
        assert all(abs((datetime.now(UTC) - written).total_seconds()) < 60 for _, _, written in found)
        files.remove_file(f"{folder}/a.pdf")
        files.remove_file(f"{folder}/a.pdf")
        assert [path for path, _, _ in files.listed(folder, ".pdf")] == [f"{folder}/b.pdf"]
        assert files.listed(f"{folder}/nowhere", ".pdf") == []
