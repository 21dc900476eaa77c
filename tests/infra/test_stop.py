"""Asking a job to stop."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from infra import stop
from infra.backup_store import BackupStore
from infra.lake import Lake
from infra.settings import Settings
from tasks.index import run as job
from tasks.maintain import audit, backup, cleanup, optimise, stored_backups
from tests.tasks.maintain import small


def test_nobody_is_asked_outside_a_supervised_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(stop.FOLDER, raising=False)
    assert not stop.requested()
    stop.check()


def test_the_request_carries_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(stop.FOLDER, str(tmp_path))
    stop.check()
    stop.request(tmp_path, "time is up")
    assert stop.requested()
    with pytest.raises(stop.StopRequested, match="time is up"):
        stop.check()


def test_an_index_run_that_is_asked_to_stop_begins_no_further_batch_and_goes_on_later(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / f"{number}.txt").write_text(f"The meeting number {number} is on Monday.")
    (tmp_path / "job").mkdir()
    monkeypatch.setenv(stop.FOLDER, str(tmp_path / "job"))
    stop.request(tmp_path / "job", "time is up")
    with pytest.raises(stop.StopRequested):
        job.index(settings, [str(tmp_path / "in")])
    monkeypatch.delenv(stop.FOLDER)
    assert job.index(settings, [str(tmp_path / "in")])["documents"]["indexed"] == 3


def test_upkeep_that_is_asked_to_stop_changes_nothing_more_and_goes_on_later(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = small.fill(Path(settings.root), documents=3)
    before = small.content(lake)
    (tmp_path / "job").mkdir()
    monkeypatch.setenv(stop.FOLDER, str(tmp_path / "job"))
    stop.request(tmp_path / "job", "time is up")
    for upkeep in (
        lambda: optimise.optimise(settings),
        lambda: audit.audit_collection(settings, "documents"),
        lambda: cleanup.cleanup(settings),
        lambda: backup.backup(settings),
    ):
        with pytest.raises(stop.StopRequested, match="time is up"):
            upkeep()
    assert BackupStore(stored_backups.destination(settings)).backups() == []
    monkeypatch.delenv(stop.FOLDER)
    assert optimise.optimise(settings)["status"] == "completed"
    assert backup.backup(settings)["drill"]["problem"] == ""
    assert small.content(Lake(settings.root)) == before


def test_blocks_are_tidied_when_they_end_and_when_the_process_leaves_at_once() -> None:
    done: list[str] = []
    with stop.tidied(lambda: done.append("a")), suppress(KeyError), stop.tidied(lambda: done.append("b")):
        stop.leave_tidy()
        assert done == ["b", "a"]
        raise KeyError
    assert done == ["b", "a", "b", "a"]
    stop.leave_tidy()
    assert len(done) == 4
