"""Two folders change places: in one step where the system can, and with the same outcome where it cannot."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("absent", ["one", "other"])
@pytest.mark.parametrize("at_once", [True, False])
def test_whichever_is_absent_the_other_stays_where_it_was(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, absent: str, at_once: bool
) -> None:
    if not at_once:
        monkeypatch.setattr(swap, "_at_once", lambda one, other: False)
    gone, kept = folders if absent == "one" else folders[::-1]
    content = sorted(path.name for path in kept.iterdir())
    gone.rename(gone.with_name("elsewhere"))
    with pytest.raises(OSError):
        swap.swap_folders(*folders)
    assert sorted(path.name for path in kept.iterdir()) == content
    assert sorted(path.name for path in kept.parent.iterdir()) == sorted([kept.name, "elsewhere"])


@pytest.mark.parametrize(("system", "call"), [("darwin", "renamex_np"), ("win32", "")])
def test_a_system_that_cannot_exchange_names_moves_them_in_turn(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, system: str, call: str
) -> None:
    """macOS has a call of its own; without one, and where it fails, the same contents end in the same places."""

    class Library:
        def __getattr__(self, name: str) -> Any:
            assert name == call
            return lambda *arguments: 45  # not supported

    monkeypatch.setattr(swap.sys, "platform", system)
    monkeypatch.setattr(swap.ctypes, "CDLL", lambda *_, **__: Library())
    before = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    swap.swap_folders(*folders)
    assert [sorted(path.name for path in folder.iterdir()) for folder in folders] == before[::-1]


@pytest.mark.parametrize("replace", [False, True])
def test_a_finished_folder_is_placed_whole_and_an_older_one_stays_or_goes(
    folders: tuple[Path, Path], replace: bool
) -> None:
    old, new = folders
    swap.place_folder(new, old, replace)
    assert (old / "deep" / "file").read_text() == ("new" if replace else "old")
    assert [path.name for path in old.parent.iterdir()] == ["old"]
    swap.place_folder(old, new)
    assert [path.name for path in old.parent.iterdir()] == ["new"]
    with pytest.raises(OSError, match="nowhere"):
        swap.place_folder(new, new / "nowhere" / "deep")
