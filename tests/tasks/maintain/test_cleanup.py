"""Cleanup on a real Redis, real folders and a real ledger: what goes, and above all what stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from ground import killing
from infra.files import read_bytes, write_bytes
from infra.lake import Lake
from infra.settings import Settings, load
from tasks.collection import ledger
from tasks.maintain import audit, cleanup
from tests.tasks.maintain import small

OLD = time.time() - 100 * 86_400


def _age(path: Path, when: float = OLD) -> Path:
    os.utime(path, (when, when))
    return path


def test_cache_entries_of_unused_encoders_and_without_expiry_go(
    monkeypatch: pytest.MonkeyPatch, redis_server: str
) -> None:
    import redis

    monkeypatch.setenv("FALDONE_REDIS_URL", redis_server)
    settings = load()
    client = redis.Redis.from_url(redis_server)
    client.flushdb()
    used, *_ = cleanup.encoders(settings)
    client.set(f"faldone:vector:{used}:aa", b"x", ex=60)
    client.set(f"faldone:vector:{used}:bb", b"x")
    client.set("faldone:vector:0123:cc", b"x", ex=60)
    client.set("faldone:lock:writer:documents", b"x")
    client.set("somebody-elses", b"x")
    dry = cleanup.cleanup(settings, dry_run=True)
    assert client.dbsize() == 5
    result = cleanup.cleanup(settings)
    assert result["removed"]["cache_entries"] == dry["removed"]["cache_entries"] == 1
    assert result["removed"]["cache_without_expiry"] == 1
    assert result["bytes_freed"] > 0
    kept = {f"faldone:vector:{used}:aa", "faldone:lock:writer:documents", "somebody-elses"}
    assert {key.decode() for key in client.scan_iter()} == kept


def test_a_dead_redis_is_a_problem_and_the_rest_is_done(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("FALDONE_REDIS_URL", "redis://127.0.0.1:1/0")
    folder = Path(settings.root) / "exports"
    folder.mkdir(parents=True)
    _age(_write(folder / "old.pdf"))
    result = cleanup.cleanup(load())
    assert result["status"] == "failed"
    assert result["problems"][0].startswith("cache: FALDONE_REDIS_URL")
    assert result["may_pass"]
    assert result["removed"]["exports"] == 1


def _write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"12345")
    return path


def test_staging_of_dead_runs_goes_and_that_of_live_ones_stays(settings: Settings) -> None:
    top = Path(settings.root) / "staging"
    for name in ("dead", "alive", "young"):
        _write(top / name / "part.arrow")
    with FileLock(top / "alive" / "alive.lock"):
        _age(top / "dead")
        _age(top / "alive")
        assert cleanup.cleanup(settings, dry_run=True)["removed"]["staging_folders"] == 1
        result = cleanup.cleanup(settings)
    assert result["removed"]["staging_folders"] == 1
    assert result["bytes_freed"] == 5
    assert sorted(path.name for path in top.iterdir()) == ["alive", "young"]


def test_old_reports_go_and_new_ones_stay(settings: Settings) -> None:
    folder = Path(settings.root) / "exports"
    _age(_write(folder / "old.pdf"))
    _write(folder / "new.pdf")
    _age(_write(folder / "old.txt"))  # not one of ours
    assert cleanup.cleanup(settings, dry_run=True)["removed"]["exports"] == 1
    assert len(list(folder.iterdir())) == 3
    assert cleanup.cleanup(settings)["removed"]["exports"] == 1
    assert sorted(path.name for path in folder.iterdir()) == ["new.pdf", "old.txt"]
    assert cleanup.cleanup(settings, cleanup.Retention(exports=200))["removed"]["exports"] == 0


def test_quarantine_entries_go_only_when_their_file_is_surely_gone(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    there = _write(tmp_path / "there.pdf")
    paths = [
        there,
        tmp_path / "gone.pdf",
        tmp_path / "unmounted" / "disk.pdf",
        "s3://bucket/far.pdf",
        f"{there}!/inside.pdf",
    ]
    for path in paths:
        small.add(lake, "documents", path, state=ledger.QUARANTINED)
    small.add(lake, "documents", tmp_path / "indexed-and-gone.txt")
    result = cleanup.cleanup(settings)
    assert result["removed"]["quarantine_entries"] == 1
    left = ledger.read(lake, "documents", ["path"])["path"].to_pylist()
    assert str(tmp_path / "gone.pdf") not in left
    assert len(left) == 5


@pytest.mark.slow
def test_a_cleanup_that_was_killed_anywhere_is_finished_by_the_next(tmp_path: Path) -> None:
    """Kill it before each of its writes, one after another: what it began to take out is not left to nobody."""
    wanted, points = _cleaned_after_a_kill(tmp_path / "whole", None)
    assert len(points) > 3
    for at in range(len(points)):
        assert _cleaned_after_a_kill(tmp_path / str(at), at)[0] == wanted, points[at]


def _cleaned_after_a_kill(top: Path, at: int | None) -> tuple[list[str], list[str]]:
    """Clean up where a quarantined file has vanished, killed first; the files that stay in the ledger, and the points passed."""
    top.mkdir()
    settings = small.settings_of(top / "home")
    lake = small.fill(top / "home", documents=2)
    small.add(lake, "documents", top / "gone.pdf", state=ledger.QUARANTINED)
    with killing(at) as killer:
        cleanup.cleanup(settings)
    cleanup.cleanup(settings)
    assert audit.look(settings, lake, "documents").findings == ()
    paths = ledger.read(lake, "documents", ["path"])["path"].to_pylist()
    return sorted(Path(path).name for path in paths), killer.points


def test_what_a_restore_replaced_goes_after_a_week(settings: Settings) -> None:
    top = Path(settings.root) / "replaced"
    _write(top / "20260101-000000" / "lake" / "file")
    _age(top / "20260101-000000")
    _write(top / "20261120-000000" / "lake" / "file")
    assert cleanup.cleanup(settings)["removed"]["replaced_by_restores"] == 1
    assert [path.name for path in top.iterdir()] == ["20261120-000000"]


def test_a_second_cleanup_finds_nothing(settings: Settings, lake: Lake) -> None:
    small.fill(Path(settings.root), documents=2)
    before = small.content(lake)
    cleanup.cleanup(settings)
    result = cleanup.cleanup(settings)
    assert set(result["removed"].values()) == {0}
    assert result["status"] == "completed"
    assert small.content(lake) == before


def test_staging_of_a_host_that_is_gone_goes_from_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own folder told what to remove there, and that is gone with it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    shared = Settings(home="memory://left-behind/home")
    write_bytes(f"{shared.root}/staging/0123/1.ledger.arrow", b"1234")
    assert cleanup.staging(shared, cleanup.Retention(), False).counts == {"staging_folders": 0}
    monkeypatch.setattr(cleanup, "LEFT_BEHIND_DAYS", 0)
    found = cleanup.staging(shared, cleanup.Retention(), True)
    assert (found.counts, found.bytes) == ({"staging_folders": 1}, 4)
    (shared.scratch / "staging" / "0123").mkdir(parents=True)  # a run of this host, just begun
    assert cleanup.staging(shared, cleanup.Retention(), False).counts == {"staging_folders": 0}
    (shared.scratch / "staging" / "0123").rmdir()
    cleanup.staging(shared, cleanup.Retention(), False)
    with pytest.raises(FileNotFoundError):
        read_bytes(f"{shared.root}/staging/0123/1.ledger.arrow")
