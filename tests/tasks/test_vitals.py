"""The rules of the platform's vital signs, at their edges and against Prefect's own scheduler."""

from __future__ import annotations

import itertools
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra import limits
from infra.errors import UsageError
from tasks import vitals

NUMBERS = limits.load().alerts
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CRONS = (
    "0 */6 * * *",
    "0 3 * * *",
    "0 8 * * 1",
    "*/5 * * * *",
    "30 3 * * *",
    "15 2 29 2 *",
    "0 9 1-7 * 5",
    "0 0 L * *",
)


def deployment(schedule: dict[str, Any], **more: Any) -> dict[str, Any]:
    created = (NOW - timedelta(days=60)).isoformat()
    row = {"id": "d", "name": "daily", "flow_name": "backup", "paused": False, "created": created}
    return row | {"schedules": [{"active": True, "schedule": schedule}]} | more


@pytest.mark.slow
@pytest.mark.parametrize("cron", [*CRONS[:5], "* * * * * */15", "30 0 4 * * 10"])
@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC)))
@settings(max_examples=15, deadline=None)
def test_due_times_are_those_of_prefects_scheduler(cron: str, after: datetime) -> None:
    from prefect._vendor import croniter

    theirs = croniter.croniter(cron, after)  # type: ignore[attr-defined,no-untyped-call]
    expected = [theirs.get_next(datetime) for _ in range(20)]
    assert list(itertools.islice(vitals.due_times({"cron": cron}, after), 20)) == expected


def test_a_schedule_keeps_its_wall_clock_time_through_the_change_of_the_clock() -> None:
    rome = ZoneInfo("Europe/Rome")
    times = vitals.due_times({"cron": "0 8 * * 1", "timezone": "Europe/Rome"}, datetime(2026, 3, 1, tzinfo=UTC))
    assert {time.astimezone(rome).hour for time in itertools.islice(times, 60)} == {8}


@pytest.mark.parametrize("cron", CRONS)
def test_every_schedule_has_a_period_and_due_times_that_rise(cron: str) -> None:
    times = list(itertools.islice(vitals.due_times({"cron": cron, "timezone": "Europe/Rome"}, NOW), 3))
    assert NOW < times[0] < times[1] < times[2]
    assert (vitals.period(deployment({"cron": cron}), NOW) or timedelta()) > timedelta(minutes=4)


def test_a_schedule_that_cannot_be_read_is_named() -> None:
    with pytest.raises(UsageError, match="every day"):
        vitals.period(deployment({"cron": "every day"}), NOW)


@pytest.mark.parametrize(
    ("ago", "late"),
    [(timedelta(hours=24), False), (timedelta(hours=36, minutes=9), False), (timedelta(hours=36, minutes=11), True)],
)
def test_a_schedule_is_overdue_after_one_and_a_half_periods_and_ten_minutes(ago: timedelta, late: bool) -> None:
    row = deployment({"cron": "0 2 * * *", "timezone": "Europe/Rome"})
    found = vitals.overdue([row], {"d": NOW - ago}, NUMBERS, NOW)
    assert [one.name for one in found] == (["backup/daily"] if late else [])


def test_what_has_never_succeeded_counts_from_its_deployment_and_what_is_off_is_never_late() -> None:
    daily = {"interval": 86400}
    never = vitals.overdue([deployment(daily)], {}, NUMBERS, NOW)
    assert "never succeeded" in never[0].sentence
    assert not vitals.overdue([deployment(daily, paused=True)], {}, NUMBERS, NOW)
    off = [{"active": False, "schedule": daily}]
    assert not vitals.overdue([deployment(daily, schedules=off)], {}, NUMBERS, NOW)


@pytest.mark.parametrize(
    ("schedule", "count"),
    [
        ({"cron": "0 8 * * 1", "timezone": "Europe/Rome"}, 1),
        ({"cron": "*/5 * * * *"}, 7 * 24 * 12),
        ({"interval": 3600, "anchor_date": "2026-01-01T00:00:00Z"}, 7 * 24),
        ({"rrule": "FREQ=DAILY;BYHOUR=8;BYMINUTE=0;BYSECOND=0", "timezone": "Europe/Rome"}, 7),
    ],
)
def test_the_runs_of_a_week_are_counted_by_the_clock(schedule: dict[str, Any], count: int) -> None:
    begin = datetime(2026, 11, 9, tzinfo=ZoneInfo("Europe/Rome"))
    assert vitals.expected(deployment(schedule), begin, begin + timedelta(days=7)) == count


def test_a_deployment_is_expected_only_since_it_is_there() -> None:
    row = deployment({"cron": "0 3 * * *"}, created="2026-11-13T12:00:00Z")
    begin = datetime(2026, 11, 9, tzinfo=UTC)
    assert vitals.expected(row, begin, begin + timedelta(days=7)) == 2


@pytest.mark.parametrize(("seconds", "state"), [(900, "ok"), (901, "degraded"), (3600, "degraded"), (3601, "failing")])
def test_the_age_of_the_oldest_waiting_job_is_judged(seconds: float, state: str) -> None:
    assert vitals.waiting_state(seconds, NUMBERS) == state


@pytest.mark.parametrize(
    ("free", "total", "state"),
    [
        (21, 2000, "ok"),  # GiB: a tenth of a large disk is plenty
        (19, 2000, "degraded"),
        (9, 100, "degraded"),
        (11, 100, "ok"),
        (1.9, 8, "degraded"),
        (0.9, 8, "failing"),
    ],
)
def test_one_rule_says_when_a_disk_is_full(
    free: float, total: float, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gib = 2**30
    usage = shutil._ntuple_diskusage(int(total * gib), int((total - free) * gib), int(free * gib))  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert vitals.disk(tmp_path, NUMBERS).state == state
