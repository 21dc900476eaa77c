"""Two folders change places: in one step where the system can, and with the same outcome where it cannot."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from infra import swap


@pytest.fixture(params=["at once", "three renames"])
def folders(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    if request.param == "three renames":
        monkeypatch.setattr(swap, "_at_once", lambda one, other: False)
    for name in ("old", "new"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").write_text(name)
    return tmp_path / "old", tmp_path / "new"


def test_each_has_what_the_other_had_and_nothing_is_left_beside(folders: tuple[Path, Path]) -> None:
    old, new = folders
    swap.swap_folders(old, new)
    assert (old / "deep" / "file").read_text() == "new"
    assert (new / "deep" / "file").read_text() == "old"
    assert sorted(path.name for path in old.parent.iterdir()) == ["new", "old"]
    swap.swap_folders(old, new)
    assert (old / "deep" / "file").read_text() == "old"


def test_one_that_is_absent_is_an_error_and_the_other_stays(folders: tuple[Path, Path]) -> None:
    old, _ = folders
    with pytest.raises(OSError, match="absent"):
        swap.swap_folders(old, old.with_name("absent"))
    assert (old / "deep" / "file").read_text() == "old"


def test_a_reader_finds_one_or_the_other_at_every_moment(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    if not swap._at_once(bytes(tmp_path / "old"), bytes(tmp_path / "new")):
        pytest.skip("this file system does not exchange in one step")
    stop, missed = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            try:
                (tmp_path / "old" / "file").read_text()
            except OSError as error:
                missed.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(2_000):
        swap.swap_folders(tmp_path / "old", tmp_path / "new")
    stop.set()
    reader.join()
    assert missed == []
