"""Folders that move or are gone for good, links that are skipped, disks that are not mounted: a whole run each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.index.run import index


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    for name in ("old/a.txt", "old/b.txt", "rest/c.txt", "rest/d.txt", "rest/e.txt", "rest/f.txt"):
        path = tmp_path / "papers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Il documento {name} approva il bilancio della società.")
    return tmp_path / "papers"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path / "home"), dask="threads", workers=1)


def known(settings: Settings) -> set[str]:
    rows = ledger.read(Lake(settings.root), "documents", ["path"]).to_pylist()
    return {Path(row["path"]).relative_to(Path(settings.root).parent / "papers").as_posix() for row in rows}


def test_a_folder_that_moved_is_forgotten_by_name(papers: Path, settings: Settings) -> None:
    index(settings, [str(papers / "old"), str(papers / "rest")])
    (papers / "old").rename(papers / "new")
    with pytest.raises(UsageError, match="no such file or folder"):
        index(settings, [str(papers / "old")])
    result = index(settings, [str(papers / "new")], prune=False, prune_root=[str(papers / "old")])
    assert (result["documents"]["removed"], result["documents"]["indexed"], result["encoded"]) == (2, 2, 0)
    assert known(settings) == {"new/a.txt", "new/b.txt", "rest/c.txt", "rest/d.txt", "rest/e.txt", "rest/f.txt"}
    result = index(settings, [], prune_root=[str(papers / "new" / "a.txt")])
    assert result["documents"]["removed"] == 1


def test_a_disk_that_is_not_mounted_keeps_its_documents_and_is_reported(papers: Path, settings: Settings) -> None:
    sources = [str(papers / "old"), str(papers / "rest")]
    index(settings, sources)
    shutil.rmtree(papers / "old")
    (papers / "old").mkdir()
    result = index(settings, sources)
    assert result["documents"]["removed"] == 0
    assert [(f["path"], "Is the disk mounted?" in f["message"]) for f in result["failures"]] == [(sources[0], True)]
    assert len(known(settings)) == 6
    assert index(settings, sources, force=True)["documents"]["removed"] == 2


def test_a_link_to_a_folder_is_said_and_sources_are_limited(papers: Path, settings: Settings) -> None:
    (papers / "link").symlink_to(papers / "rest")
    result = index(settings, [str(papers)])
    assert [place["path"] for place in result["skipped"]] == [f"{papers}/link"]
    assert (result["status"], result["documents"]["indexed"]) == ("completed", 6)
    limited = settings.model_copy(update={"sources": (str(papers / "rest"),)})
    with pytest.raises(UsageError, match="FALDONE_SOURCES"):
        index(limited, [str(papers / "old")])
