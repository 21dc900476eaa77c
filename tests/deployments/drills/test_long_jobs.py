"""A machine of two cores with two long jobs: health, backup and cleanup run in time, and nobody is alerted.

Runs only when asked for, with the numbers of limits.yaml: FALDONE_TEST_LONG=5 pytest tests/deployments/drills/test_long_jobs.py takes five
minutes, in which two jobs compute without a pause and what is scheduled is due each minute or half minute. FALDONE_TEST_LONG=60 takes a
whole hour (from 30 on), with schedules as in prefect.yaml where those fire within an hour; its jobs only wait, so that others can work
beside it.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments import jobs, platform, state
from deployments.api import address
from deployments.jobs import JobState
from infra import limits
from infra.machine import crowding
from infra.prefect_api import ENDED
from infra.settings import load
from tasks.vitals import late, moment
from tests.deployments.running import PATIENCE, ROOT, begun, platform_of, submit, until
from tests.infra.test_outgoing_mail import webhook

MINUTES = int(os.environ.get("FALDONE_TEST_LONG") or 0)
WHOLE_HOUR = MINUTES >= 30
DUE = 60.0  # s after which Prefect calls a run late, and people are told

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(MINUTES * 60 + 3_000),
    pytest.mark.skipif(MINUTES < 5, reason="takes as many minutes as FALDONE_TEST_LONG says, from five on"),
]

SOON = {"health-checks": "* * * * * */30", "cleanup-cache": "* * * * *", "backup-daily": "* * * * *"}
IN_AN_HOUR = {"cleanup-cache": "*/10 * * * *", "backup-daily": "5-59/10 * * * *"}
AS_THEY_ARE = {"health-checks", "collect-sources"}


@pytest.fixture(autouse=True)
def _own_home() -> None:
    """Instead of the fixture of this name that gives each test a data folder: the platform has its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the jobs leave their traces, and what people were told."""

    folder: Path
    told: list[dict[str, Any]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A platform with two slots for jobs, as on a machine of two cores, and the schedules of this drill."""
    numbers = limits.load().model_dump()
    numbers["pool"]["slots"] = 2
    numbers["queues"]["indexing"] |= {"soft": 2 * 3600, "hard": 2 * 3600}
    if not WHOLE_HOUR:
        numbers["alerts"] |= {"every": 5, "queue_age": 120, "late_grace": 60}
    with (
        webhook() as (told, port),
        platform_of(tmp_path, numbers, content(), FALDONE_ALERT_URLS=f"json://127.0.0.1:{port}/"),
    ):
        yield Place(tmp_path, told)


def content() -> dict[str, Any]:
    """`prefect.yaml` with the schedules of this drill, and a job of the test's."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    crons = IN_AN_HOUR if WHOLE_HOUR else SOON
    for row in found["deployments"]:
        for schedule in row.get("schedules", []):
            slug = schedule["slug"]
            schedule |= {"cron": crons.get(slug, schedule["cron"]), "active": slug in {*crons, *AS_THEY_ARE}}
    pool = {"name": "faldone", "work_queue_name": "indexing"}
    entrypoint = "tests.deployments.trial.trial"
    found["deployments"].append({"entrypoint": entrypoint, "name": "trial", "tags": ["trial"], "work_pool": pool})
    return found


def test_maintenance_runs_in_time_beside_two_long_jobs_and_nobody_is_alerted(place: Place) -> None:
    names = ("one", "two")
    long = {"steps": 1_000_000, "seconds": 0.2, "busy": not WHOLE_HOUR}
    ids = [submit(place.folder, "trial", name, **long) for name in names]
    until(lambda: all(begun(place.folder, name) for name in names), "both long jobs are at work")
    begin = address.connect().now()
    end = time.monotonic() + 60 * MINUTES
    while time.monotonic() < end:
        time.sleep(5)
        assert [jobs.status(job).state for job in ids] == [JobState.PROGRESS] * 2
    runs = ended_since(begin.isoformat())
    shown = {kind: summary(of) for kind, of in sorted(runs.items())}
    print(
        f"\n{MINUTES} minutes, load {os.getloadavg()[0]:.0f}",
        *(f"{kind}: {one}" for kind, one in shown.items()),
        sep="\n",
    )
    assert {"health/checks", "cleanup/cache", "backup/daily", "collect/sources"} <= runs.keys()
    for kind, of in runs.items():
        assert {run["state"]["type"] for run in of} <= {"COMPLETED", "CANCELLED"}, shown
        began = max((late(run) for run in of if run["state"]["type"] == "COMPLETED"), default=0.0)
        assert began < DUE * crowding(), (kind, shown)
    history = state.folder(load()) / "alerts.jsonl"
    assert not history.exists(), history.read_text()
    assert place.told == [], "nobody was told anything"
    assert platform.status()["status"] == "running"
    for name in names:
        (place.folder / f"{name}.enough").touch()
    assert [one.attempt for one in jobs.wait_all(ids, PATIENCE).jobs] == [1, 1]


def ended_since(begin: str) -> dict[str, list[dict[str, Any]]]:
    """Runs of schedules that were due since then and have ended, by deployment."""
    api = address.connect()
    names = {one["id"]: f"{one['flow_name']}/{one['name']}" for one in api.deployments()}
    wanted = {"state": {"type": {"any_": list(ENDED)}}, "expected_start_time": {"after_": begin}}
    found = defaultdict(list)
    for run in api.pages("/flow_runs/filter", {"flow_runs": wanted, "sort": "EXPECTED_START_TIME_ASC"}):
        if run["auto_scheduled"]:
            found[names[run["deployment_id"]]].append(run)
    return found


def summary(runs: list[dict[str, Any]]) -> str:
    """How many there were, how they ended, how late the latest began and how long the longest took."""
    done = [run for run in runs if run["state"]["type"] == "COMPLETED"]
    took = [(moment(run["end_time"]) - moment(run["start_time"])).total_seconds() for run in done]  # type: ignore[operator]
    others = len(runs) - len(done)
    return f"{len(done)} completed, {others} others, at most {max(map(late, done), default=0.0):.0f} s late, {max(took, default=0.0):.0f} s long"
