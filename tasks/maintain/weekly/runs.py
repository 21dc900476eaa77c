"""The week by Prefect: queues, schedules and the runs that were missed."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from infra.errors import FaldoneError, first_line
from infra.prefect_api import Api
from tasks import vitals
from tasks.export.records import Queue, Schedule
from tasks.maintain.weekly.period import ZONE, Notes, Span

STARTING = timedelta(minutes=10)  # a run due since less than this may still be at work


def due(api: Api | None, week: Span, said: Notes) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return the runs of deployments that were due in the week, and how many each schedule should have started.

    A run has its `deployment` as FLOW/NAME. Both are empty without an API.
    """
    if api is None:
        said.note("note_no_api")
        return [], {}
    # what is due later cannot have been done, and what is due at the week's very end belongs to the next
    over = min(week.end - timedelta(microseconds=1), datetime.now(week.end.tzinfo) - STARTING)
    try:
        deployments = {row["id"]: row | {"name": f"{row['flow_name']}/{row['name']}"} for row in api.deployments()}
        rows = [row for row in api.runs(week.begin, over) if row["deployment_id"] in deployments]
        due = over + timedelta(microseconds=1)
        active = [row for row in deployments.values() if vitals.active(row)]
        expected = {row["name"]: vitals.expected(row, week.begin, due) for row in active}
    except FaldoneError as error:
        said.note("note_api_away", why=first_line(error))
        return [], {}
    return [row | {"deployment": deployments[row["deployment_id"]]["name"]} for row in rows], expected


def queues(runs: Iterable[Mapping[str, Any]]) -> tuple[Queue, ...]:
    """Summarise the runs that began by their queue."""
    by_queue: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for run in runs:
        if run.get("start_time"):
            by_queue[run.get("work_queue_name") or "default"].append(run)
    return tuple(_queue(name, rows) for name, rows in sorted(by_queue.items()))


def _queue(name: str, runs: Sequence[Mapping[str, Any]]) -> Queue:
    waits = [vitals.late(run) for run in runs]
    return Queue(name, len(runs), statistics.median(waits), max(waits), sum(_failed(run) for run in runs))


def _failed(run: Mapping[str, Any]) -> bool:
    return run.get("state_type") in {"FAILED", "CRASHED"}


def schedules(runs: Iterable[Mapping[str, Any]], said: Notes, expected: Mapping[str, int]) -> tuple[Schedule, ...]:
    """Compare each schedule's runs with those that it should have started; name those that fell short."""
    by_name: dict[str, list[Mapping[str, Any]]] = {name: [] for name, count in expected.items() if count}
    for run in runs:
        if run.get("auto_scheduled"):
            by_name.setdefault(run["deployment"], []).append(run)
    found = tuple(_schedule(name, rows, expected.get(name, 0)) for name, rows in sorted(by_name.items()))
    for one in found:
        if one.failed or one.completed < one.expected:
            said.need(
                "need_schedule",
                name=one.name,
                done=f"{one.completed}",
                expected=f"{one.expected}",
                failed=f"{one.failed}",
            )
    return found


def _schedule(name: str, runs: Sequence[Mapping[str, Any]], expected: int) -> Schedule:
    done = [run for run in runs if run.get("state_type") == "COMPLETED"]
    ends = [end.astimezone(ZoneInfo(ZONE)) for run in done if (end := vitals.moment(run.get("end_time")))]
    return Schedule(
        name,
        max(expected, len(runs)),
        len(done),
        sum(_failed(run) for run in runs),
        max((vitals.late(run) for run in runs if run.get("start_time")), default=0.0),
        max(ends, default=None),
    )
