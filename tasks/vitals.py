"""Is the platform well? One rule each for an overdue schedule, a missed run, a job that waits too long and a full disk.

The alerts, the health check and the weekly report ask here; the numbers are those of `alerts` in limits.yaml. Nothing
here asks Prefect: deployments and runs come as rows of its API (`schedules`, `paused`, `created`, `expected_start_time` …).
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from infra.errors import UsageError
from infra.limits import Alerts

Row = Mapping[str, Any]
State = Literal["ok", "degraded", "failing"]

LOOKED_AT = 30  # due times of a schedule that tell its period
MOST = 100_000  # due times of one span


# ---- schedules -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overdue:
    """A schedule without success for too long. `last` is None when it has never succeeded."""

    deployment: Row
    name: str
    period: timedelta
    last: datetime | None
    since: datetime

    @property
    def sentence(self) -> str:
        """Say what is overdue, for a person."""
        due = f"it is due every {self.period}"
        if self.last is None:
            return f"{self.name} has never succeeded since {self.since:%Y-%m-%d %H:%M}; {due}"
        return f"{self.name} has had no success since {self.last:%Y-%m-%d %H:%M}; {due}"


def overdue(
    deployments: Iterable[Row], last: Mapping[str, datetime | None], numbers: Alerts, now: datetime
) -> list[Overdue]:
    """List active schedules whose last success is more than `late_factor` periods and `late_grace` seconds ago.

    Args:
        deployments: rows with `name` (and `flow_name` where the name is not whole).
        last: end of the last success, by deployment id.
    """
    found = []
    for row in deployments:
        every = period(row, now)
        if every is None:
            continue
        success = last.get(row["id"])
        since = success or moment(row.get("created")) or now
        if now - since > numbers.late_factor * every + timedelta(seconds=numbers.late_grace):
            found.append(Overdue(row, full_name(row), every, success, since))
    return found


def full_name(deployment: Row) -> str:
    """Give FLOW/NAME of a deployment."""
    name, flow = str(deployment["name"]), deployment.get("flow_name")
    return f"{flow}/{name}" if flow and "/" not in name else name


def active(deployment: Row) -> list[Row]:
    """List the schedules by which a deployment runs now."""
    if deployment.get("paused"):
        return []
    return [one["schedule"] for one in deployment.get("schedules") or [] if one.get("active")]


def period(deployment: Row, now: datetime) -> timedelta | None:
    """Give the time between two due times, the longest gap of the most frequent schedule; None without an active one."""
    gaps = [gap for schedule in active(deployment) if (gap := _gap(schedule, now)) is not None]
    return min(gaps, default=None)


def expected(deployment: Row, begin: datetime, end: datetime) -> int:
    """Count the runs that were due from `begin` to before `end`, while the deployment was there.

    A server that was away has no runs to show for what it missed, so this counts by the clock.
    """
    since = max(begin, moment(deployment.get("created")) or begin)
    times = {time for schedule in active(deployment) for time in _within(schedule, since, end)}
    return len(times)


def _gap(schedule: Row, now: datetime) -> timedelta | None:
    times = list(itertools.islice(due_times(schedule, now), LOOKED_AT))
    return max((after - before for before, after in itertools.pairwise(times)), default=None)


def _within(schedule: Row, begin: datetime, end: datetime) -> Iterator[datetime]:
    before = begin - timedelta(microseconds=1)
    return itertools.takewhile(lambda time: time < end, itertools.islice(due_times(schedule, before), MOST))


def due_times(schedule: Row, after: datetime) -> Iterator[datetime]:
    """Yield when a schedule of Prefect's (cron, interval or rrule) is due after a time, in UTC."""
    zone = ZoneInfo(schedule.get("timezone") or "UTC")
    if "cron" in schedule:
        yield from _cron(schedule["cron"], after.astimezone(zone))
    elif "interval" in schedule:
        yield from _interval(schedule, after)
    elif "rrule" in schedule:
        yield from _rrule(schedule["rrule"], after.astimezone(zone))


def _cron(expression: str, after: datetime) -> Iterator[datetime]:
    from cronsim import CronSim, CronSimError

    fields = expression.split()
    if len(fields) == 6:  # Prefect reads the seconds from the last field, CronSim from the first
        expression = " ".join([fields[-1], *fields[:-1]])
    try:
        times = CronSim(expression, after)
    except CronSimError as error:
        raise UsageError(f"the schedule {expression!r} cannot be read: {error}") from None
    return (time.astimezone(UTC) for time in times)


def _interval(schedule: Row, after: datetime) -> Iterator[datetime]:
    every = timedelta(seconds=float(schedule["interval"]))
    anchor = (moment(schedule.get("anchor_date")) or after).astimezone(UTC)
    first = anchor + ((after - anchor) // every + 1) * every
    return (first + number * every for number in itertools.count())


def _rrule(rule: str, after: datetime) -> Iterator[datetime]:
    from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

    # rules are in the schedule's wall-clock time
    times = rrulestr(rule, dtstart=None if "DTSTART" in rule else after.replace(tzinfo=None))
    zone = after.tzinfo
    found = times.xafter(after.replace(tzinfo=None))
    return (time.replace(tzinfo=zone).astimezone(UTC) for time in found)


# ---- waiting jobs ----------------------------------------------------------------------------------------------------


def waited(run: Row, now: datetime) -> float:
    """Give the seconds that a run has waited since it was due (or was queued again)."""
    due = moment(run.get("next_scheduled_start_time") or run.get("expected_start_time"))
    return max(0.0, (now - due).total_seconds()) if due else 0.0


def late(run: Row) -> float:
    """Give the seconds from when a run was due to its start; 0 for one that has not begun."""
    due, began = moment(run.get("expected_start_time")), moment(run.get("start_time"))
    return max(0.0, (began - due).total_seconds()) if due and began else 0.0


def waiting_state(seconds: float, numbers: Alerts) -> State:
    """Judge the age of the oldest waiting job."""
    if seconds > numbers.queue_age_failing:
        return "failing"
    return "degraded" if seconds > numbers.queue_age else "ok"


# ---- disk ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Disk:
    """Room on a disk, in bytes."""

    free: int
    total: int
    state: State


def disk(path: Path, numbers: Alerts) -> Disk:
    """Judge the disk of a folder that exists.

    It is nearly full below `disk_free_bytes`, and below `disk_free_share` of it unless `disk_enough_bytes` are free.
    """
    usage = shutil.disk_usage(path)
    short = max(numbers.disk_free_bytes, min(numbers.disk_free_share * usage.total, numbers.disk_enough_bytes))
    state: State = "ok" if usage.free >= short else "degraded"
    return Disk(usage.free, usage.total, "failing" if usage.free < numbers.disk_least_bytes else state)


def moment(text: str | datetime | None) -> datetime | None:
    """Read a time of Prefect's API."""
    if text is None or isinstance(text, datetime):
        return text
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
