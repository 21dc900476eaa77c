"""Files that are still being written: not read, not taken for gone, counted, and read when they are whole."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from infra.roots import Found, file_stamp
from infra.settings import Settings
from tasks.index import discover
from tasks.index.run import carry_out, opened

SETTLE = 0.4
OLD = time.time() - 3600


def written(path: Path, text: str, when: float = OLD) -> Path:
    path.write_text(text)
    os.utime(path, (when, when))
    return path


class Growing:
    """A program that writes a line to a file every 50 ms until it is stopped."""

    def __init__(self, path: Path) -> None:
        self._path, self._end = path, threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> None:
        self._thread.start()
        while not self._path.exists() or time.time() - self._path.stat().st_mtime > SETTLE:
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _write(self) -> None:
        with self._path.open("a", buffering=1) as file:
            while not self._end.wait(0.05):
                file.write("una riga in più\n")


def run(settings: Settings, folder: Path) -> dict[str, int]:
    with opened(settings, "c") as one:
        one.settle = SETTLE
        result = carry_out(one, [str(folder)])
    assert result["status"] == "completed", result["failures"]
    counts: dict[str, int] = result["documents"]
    return counts


@pytest.mark.slow
def test_a_file_is_read_when_it_is_whole_and_never_before(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    whole, growing = written(folder / "whole.txt", "intero"), folder / "growing.txt"
    written(folder / "download.pdf.crdownload", "%PDF-1.4 half")
    with Growing(growing):
        counts = run(settings, folder)
        assert (counts["indexed"], counts["waiting"], counts["found"]) == (1, 2, 1)
    counts = run(settings, folder)
    assert (counts["indexed"], counts["waiting"]) == (1, 1), "only the download is still none"
    with Growing(whole):  # a document that is known is written anew
        counts = run(settings, folder)
        assert (counts["removed"], counts["updated"], counts["waiting"]) == (0, 0, 2), "neither read nor gone"
    assert run(settings, folder)["updated"] == 1


def test_which_files_get_a_second_look(tmp_path: Path) -> None:
    now = time.time()

    def found(path: str, when: float) -> Found:
        return Found(path, 1, str(int(when * 1e9)))

    assert not discover.may_grow(found("/a.pdf", now - 60), 10)
    assert discover.may_grow(found("/a.pdf", now - 2), 10)
    assert discover.may_grow(found("/a.pdf", now + 900), 10), "written by a machine whose clock is ahead"
    assert discover.may_grow(found("/a.pdf.part", now - 900), 10)
    assert not discover.may_grow(Found("s3://b/a.pdf", 1, "etag"), 10), "an object store shows no halves"
    assert discover.may_grow(Found("sftp://h/a.pdf", 1, "1"), 10)
    ahead = written(tmp_path / "ahead.txt", "whole", now + 900)
    item = Found(str(ahead), ahead.stat().st_size, file_stamp(ahead.stat()))
    gone = Found(str(tmp_path / "gone.txt"), 1, "1")
    whole, waiting = discover.second_look([item, gone], [], (), 0.01)
    assert whole == [item]
    assert [place.path for place in waiting] == [gone.path]
