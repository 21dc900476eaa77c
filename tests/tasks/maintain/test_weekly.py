"""The week of a platform: its days, failures, growth and what needs a person, from a ledger written in the test."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from infra.backup_store import BackupStore
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.maintain import backup, manifest, stored_backups, weekly
from tasks.maintain.weekly import events, period
from tasks.maintain.weekly import runs as prefect_runs
from tests.tasks.maintain import small

LAST = date(2026, 11, 15)  # a Sunday


def _entry(path: str, when: datetime, kind: str = "") -> dict[str, object]:
    state = ledger.QUARANTINED if kind else ledger.INDEXED
    return {
        "document_id": path,
        "path": path,
        "parent_id": "",
        "state": state,
        "kind": kind,
        "pages": 3,
        "seconds": 2.0,
        "message": "it has a password" if kind else "",
        "chunks": 2,
        "indexed_at": when,
    }


def test_a_week_is_seven_days_of_the_zone() -> None:
    span = period.span(LAST)
    assert (span.first, span.last) == (date(2026, 11, 9), LAST)
    assert span.begin.isoformat() == "2026-11-09T00:00:00+01:00"
    assert span.end - span.begin == timedelta(days=7)
    assert (period.span(date(2026, 3, 29)).end - period.span(date(2026, 3, 29)).begin) == timedelta(
        days=7
    )  # clocks change


def test_days_and_failures_come_from_the_ledger(settings: Settings, lake: Lake) -> None:
    entries = [
        _entry("/a.pdf", datetime(2026, 11, 9, 8, tzinfo=UTC)),
        _entry("/b.pdf", datetime(2026, 11, 15, 22, 30, tzinfo=UTC)),  # 23:30 in Rome
        _entry("/next.pdf", datetime(2026, 11, 15, 23, 30, tzinfo=UTC)),  # Monday in Rome
        _entry("/before.pdf", datetime(2026, 11, 8, 12, tzinfo=UTC)),
        _entry("/locked.pdf", datetime(2026, 11, 10, 9, tzinfo=UTC), "encrypted"),
    ]
    ledger.write(lake, "documents", ledger.rows(entries))
    made = weekly.gather(settings, ending=LAST)
    assert [day.indexed for day in made.days] == [1, 0, 0, 0, 0, 0, 1]
    assert [day.quarantined for day in made.days] == [0, 1, 0, 0, 0, 0, 0]
    assert made.days[0].pages == 3
    assert made.indexed_before == 1
    (group,) = made.failures
    assert (group.kind, group.count, group.examples) == ("encrypted", 1, ("/locked.pdf",))
    assert "1 × encrypted: locked.pdf – it has a password" in made.needs
    assert any("no backup" in need for need in made.needs)
    assert any("No Prefect server" in note for note in made.notes)


def test_growth_is_measured_from_a_backup_before_the_week(settings: Settings) -> None:
    lake = small.fill(Path(settings.root), documents=3)
    made = backup.backup(settings)
    store = BackupStore(stored_backups.destination(settings))
    whole = stored_backups.read(store, made["id"])
    old = {name: getattr(whole, name) for name in whole.__dataclass_fields__} | {"id": "20261108-020000-aaaa"}
    store.write_manifest("20261108-020000-aaaa", manifest.encode(manifest.Manifest(**old)))
    small.add(lake, "documents", "/later.txt", chunks=8)
    (row,) = weekly.gather(settings, ending=LAST).collections
    assert (row.chunks, row.chunks_before) == (20, 12)
    assert row.bytes_before


def test_alerts_that_were_raised_in_the_week(settings: Settings) -> None:
    path = events.alerts_file(settings)
    path.parent.mkdir(parents=True)
    rows = [
        {"time": "2026-11-12T09:00:00+00:00", "what": "raised", "subject": "Disk", "text": "full"},
        {"time": "2026-11-12T11:00:00+01:00", "what": "ended", "subject": "Disk", "text": "full"},
        {"time": "2026-11-20T10:00:00+01:00", "what": "raised", "subject": "Later", "text": ""},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (alert,) = weekly.gather(settings, ending=LAST).alerts
    assert alert.at.isoformat() == "2026-11-12T10:00:00+01:00"
    assert (alert.name, alert.message) == ("Disk", "full")


def test_schedules_and_queues_are_counted_from_runs() -> None:
    def run(state: str, due: int, began: int | None) -> dict[str, object]:
        start = None if began is None else f"2026-11-10T02:00:{began:02d}+00:00"
        return {
            "deployment": "backup/daily",
            "auto_scheduled": True,
            "state_type": state,
            "work_queue_name": "maintenance",
            "expected_start_time": f"2026-11-10T02:00:{due:02d}Z",
            "start_time": start,
            "end_time": start,
        }

    said = period.Notes()
    runs = [run("COMPLETED", 0, 4), run("FAILED", 0, 10), run("SCHEDULED", 0, None)]
    schedule, silent = prefect_runs.schedules(runs, said, {"backup/daily": 3, "health/checks": 2016})
    assert (schedule.expected, schedule.completed, schedule.failed, schedule.latest) == (3, 1, 1, 10.0)
    assert (silent.expected, silent.completed) == (2016, 0), "the server was away: no run tells of it"
    (queue,) = prefect_runs.queues(runs)
    assert (queue.runs, queue.median_wait, queue.longest_wait, queue.failed) == (2, 7.0, 10.0, 1)
    assert said.needs[0] == "backup/daily: 1 of 3 runs completed, 1 failed"
    assert "health/checks: 0 of 2016" in said.needs[1]


def test_the_letter_is_in_the_reader_s_language(settings: Settings) -> None:
    made = weekly.gather(settings, ending=LAST)
    assert "settimana 09/11/2026" in weekly.letter(made, "it")[0]
    assert "Documents indexed: 0" in weekly.letter(made, "en")[1]
    assert "Nessun server Prefect" in weekly.gather(settings, ending=LAST, language="it").notes[0]
