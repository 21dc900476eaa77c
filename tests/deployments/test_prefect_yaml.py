"""`prefect.yaml` read as data: what it promises exists, fits the flows, and runs at its times."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from deployments.kinds import KINDS
from infra import limits

ROME = ZoneInfo("Europe/Rome")
FILE = yaml.safe_load((Path(__file__).resolve().parents[2] / "prefect.yaml").read_text())
ROWS: list[dict[str, Any]] = FILE["deployments"]

SCHEDULES = {
    "cleanup/cache": "0 */6 * * *",
    "optimise/indexes": "0 3 * * *",
    "backup/daily": "0 2 * * *",
    "report/weekly": "0 8 * * 1",
    "evaluate/nightly": "30 4 * * *",
    "collect/sources": "* * * * *",
    "health/checks": "*/5 * * * *",
    "audit/nightly": "30 3 * * *",
}
BY_HAND = {
    "index/documents",
    "analyse/documents",
    "train/classifier",
    "export/pdf",
    "process/documents",
    "notify/message",
    "collect/source",
}


def full_name(row: dict[str, Any]) -> str:
    return f"{row['entrypoint'].rpartition('.')[2]}/{row['name']}"


def test_the_deployments_are_those_listed_here_and_of_the_job_service() -> None:
    names = [full_name(row) for row in ROWS]
    assert len(names) == len(set(names))
    wrong = sorted(set(names) ^ (BY_HAND | set(SCHEDULES)))
    assert not wrong, f"prefect.yaml and SCHEDULES or BY_HAND of this test differ by {wrong}"
    wrong = sorted({kind.deployment for kind in KINDS.values()} ^ set(names))
    assert not wrong, f"prefect.yaml and KINDS in deployments/kinds.py differ by {wrong}"
    queues = {full_name(row): row["work_pool"]["work_queue_name"] for row in ROWS}
    wrong = dict(set(queues.items()) ^ {(kind.deployment, kind.queue) for kind in KINDS.values()})
    assert not wrong, f"the queues of {sorted(wrong)} differ between prefect.yaml and KINDS in deployments/kinds.py"
    numbers = limits.load()
    assert set(queues.values()) == set(numbers.queues)
    assert all(row["work_pool"]["name"] == numbers.pool_of(row["work_pool"]["work_queue_name"]) for row in ROWS)
    for name, kind in KINDS.items():
        for row in ROWS:
            if full_name(row) == kind.deployment:
                assert name in row["tags"], f"give {kind.deployment} in prefect.yaml the tag `{name}`, its kind of job"
                assert kind.alone == ("concurrency_limit" in row), (
                    f"{kind.deployment}: `alone` of its kind says otherwise"
                )


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=full_name)
def test_each_entrypoint_is_a_flow_whose_parameters_read_well(row: dict[str, Any]) -> None:
    module, _, name = row["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    assert flow.name == name
    assert flow.should_validate_parameters
    given = row.get("parameters", {})
    required = [p.name for p in inspect.signature(flow.fn).parameters.values() if p.default is p.empty]
    flow.validate_parameters(given | {one: ["x"] if one == "sources" else "x" for one in required if one not in given})
    properties = flow.parameters.model_dump()["properties"]
    assert all(one.get("description") for one in properties.values()), properties
    assert len(row["description"]) > 20
    assert FILE["pull"] == []


def test_schedules_have_their_times_zone_and_slugs_and_runs_never_pile_up() -> None:
    for row in ROWS:
        schedules = row.get("schedules", [])
        name = full_name(row)
        times = [one["cron"] for one in schedules]
        assert times == ([SCHEDULES[name]] if name in SCHEDULES else []), f"{name}: {times} is not in SCHEDULES here"
        for one in schedules:
            assert one["timezone"] == "Europe/Rome"
            assert one["slug"]
            assert one["active"] is True
            assert "concurrency_limit" in row, f"give {name} in prefect.yaml `concurrency_limit: *alone`"
            assert row["concurrency_limit"]["limit"] == 1
            assert row["concurrency_limit"]["collision_strategy"] == "CANCEL_NEW"
    slugs = [one["slug"] for row in ROWS for one in row.get("schedules", [])]
    assert len(slugs) == len(set(slugs))


def ticks(cron: str, start: datetime, number: int) -> list[datetime]:
    """When Prefect's scheduler runs a cron in Rome."""
    from prefect.server.schemas.schedules import CronSchedule

    schedule = CronSchedule(cron=cron, timezone="Europe/Rome")
    return [tick.astimezone(ROME) for tick in asyncio.run(schedule.get_dates(number, start=start))]


@pytest.mark.slow
@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31", "2026-06-10"])
def test_there_is_one_backup_each_night_also_when_the_clocks_change(night: str) -> None:
    midnight = datetime.fromisoformat(night).replace(tzinfo=ROME)
    found = set()
    for minutes in range(-600, 600, 10):  # whenever the scheduler looks
        start = (midnight.astimezone(ZoneInfo("UTC")) + timedelta(minutes=minutes)).astimezone(ROME)
        found |= {tick.astimezone(ZoneInfo("UTC")) for tick in ticks(SCHEDULES["backup/daily"], start, 3)}
    of_the_night = [tick for tick in found if tick.astimezone(ROME).date() == midnight.date()]
    assert len(of_the_night) == 1
    hour = of_the_night[0].astimezone(ROME).hour
    without_two = midnight.month == 3  # there Prefect 3.8 runs what is due at two at one, and 3.9 at three
    assert hour in ({1, 3} if without_two else {2})


@pytest.mark.slow
def test_the_other_runs_keep_local_time_across_a_change_of_clocks() -> None:
    sunday = datetime(2026, 3, 28, 12, tzinfo=ROME)
    assert [tick.hour for tick in ticks("0 8 * * 1", sunday, 3)] == [8, 8, 8]
    assert [tick.weekday() for tick in ticks("0 8 * * 1", sunday, 3)] == [0, 0, 0]
    assert [(tick.hour, tick.minute) for tick in ticks("30 3 * * *", sunday, 3)] == [(3, 30)] * 3
    assert [tick.hour for tick in ticks("0 */6 * * *", sunday, 8)] == [12, 18, 0, 6, 12, 18, 0, 6]
