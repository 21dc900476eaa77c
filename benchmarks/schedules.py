"""Shows that every schedule fires: the whole platform of `faldone up`, with the real `prefect.yaml`, under a clock that is set ahead.

    python benchmarks/schedules.py week           the six schedules, on the night before a Monday and that Monday morning
    python benchmarks/schedules.py spring         the night that has no two o'clock: one backup
    python benchmarks/schedules.py autumn         the night that has two of them: one backup

The clock of every process of the platform is moved to shortly before each tick, as if the machine had slept meanwhile: what came due in
between is late, or is dropped because a run of the same job is still at work. Only the time of day is moved, by a library of twenty lines
that goes before libc's (needs cc); what measures spans, such as sleeping, is left alone. Nothing of Prefect or of the platform is replaced.
FALDONE_SMTP_URL and FALDONE_ALERT_URLS are used where they are set. `--folder` keeps everything.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import yaml
from common import FALDONE, REPOSITORY

ROME = ZoneInfo("Europe/Rome")
LEAD = timedelta(seconds=15)  # before each tick
PATIENCE = 400  # s for one run
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}

LIBRARY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
static const volatile long *ahead;
__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("CLOCK_AHEAD"), O_RDONLY);
    ahead = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, now);
    if (ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead;
    return status;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *now) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    if (now) *now = fine.tv_sec;
    return fine.tv_sec;
}
"""


@dataclass(frozen=True, slots=True)
class Tick:
    """A schedule's moment."""

    deployment: str
    slug: str
    due: datetime


class Clock:
    """The platform's time of day: a file that its processes share."""

    def __init__(self, folder: Path) -> None:
        self._file, library, source = folder / "ahead", folder / "clock.so", folder / "clock.c"
        source.write_text(LIBRARY)
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
        self._file.write_bytes(struct.pack("l", 0))
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_AHEAD": str(self._file)}

    def set(self, to: datetime) -> None:
        """Move it to a moment; only forward."""
        with self._file.open("r+b") as file:
            before = struct.unpack("l", file.read(8))[0]
            file.seek(0)
            file.write(struct.pack("l", max(before, round(to.timestamp() - time.time()))))


@contextmanager
def platform(folder: Path, clock: Clock) -> Iterator[httpx.Client]:
    """`faldone up` with the sample documents indexed and analysed; Prefect's API."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "FALDONE_"))}
    outside = {name: os.environ[name] for name in ("FALDONE_SMTP_URL", "FALDONE_ALERT_URLS") if name in os.environ}
    environment = (
        kept
        | outside
        | clock.environment
        | {
            "FALDONE_HOME": str(folder / "home"),
            "PREFECT_HOME": str(folder / "nobody"),
            "PYTHONPATH": str(REPOSITORY),
        }
    )

    def faldone(*arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [FALDONE, *arguments, "--json"], env=environment, cwd=folder, capture_output=True, text=True
        )
        if done.returncode not in {0, 3}:
            raise SystemExit(f"faldone {' '.join(arguments)}: {done.stderr[-1500:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    samples = REPOSITORY / "samples"
    faldone("index", str(samples / "documents"), str(samples / "broken"), "--collection", "samples")
    faldone("analyse", "--collection", "samples")
    try:
        with httpx.Client(base_url=faldone("up")["api"], timeout=30, trust_env=False) as api:
            yield api
    finally:
        faldone("down")


def ask(api: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    """The answer of one of Prefect's `…/filter`."""
    answer = api.post(path, json=body)
    answer.raise_for_status()
    return answer.json()


def ids(api: httpx.Client) -> dict[str, str]:
    """Deployments by FLOW/NAME."""
    flows = {one["id"]: one["name"] for one in ask(api, "/flows/filter", {})}
    return {f"{flows[one['flow_id']]}/{one['name']}": one["id"] for one in ask(api, "/deployments/filter", {})}


def await_run(api: httpx.Client, deployment: str, due: datetime) -> dict[str, Any]:
    """The run of a tick when it has ended."""
    deadline = time.monotonic() + PATIENCE
    wanted = {
        "deployment_id": {"any_": [deployment]},
        "expected_start_time": {
            "after_": (due - timedelta(seconds=1)).isoformat(),
            "before_": (due + timedelta(seconds=1)).isoformat(),
        },
    }
    while True:
        runs = ask(api, "/flow_runs/filter", {"flow_runs": wanted})
        if runs and runs[0]["state_type"] in ENDED:
            return dict(runs[0])
        if time.monotonic() > deadline:
            raise SystemExit(f"no run of {due} has ended: {[run['state'] for run in runs]}")
        time.sleep(0.5)


def moment(text: str) -> datetime:
    """A time of the API."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(ROME)


def show(tick: Tick, run: dict[str, Any]) -> None:
    """A row of the table."""
    start = moment(run["start_time"]) if run["start_time"] else None
    late = f"{(start - tick.due.astimezone(ROME)).total_seconds():.1f}" if start else "–"
    print(
        f"| `{tick.slug}` | {tick.due:%a %d %b %Y %H:%M} | {f'{start:%H:%M:%S}' if start else '–'} | {late} "
        f"| {run['state_name']} | {run['total_run_time']:.1f} |",
        flush=True,
    )
    if run["state_type"] != "COMPLETED":
        print(f"  {run['state']['message']}", flush=True)


def slugs() -> dict[str, str]:
    """The slug of each scheduled deployment, from `prefect.yaml`."""
    rows = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]
    return {
        f"{row['entrypoint'].rpartition('.')[2]}/{row['name']}": row["schedules"][0]["slug"]
        for row in rows
        if row.get("schedules")
    }


def week(folder: Path) -> None:
    """Every schedule once."""
    days = (7 - datetime.now(ROME).weekday()) % 7 or 7
    monday = datetime.combine(datetime.now(ROME).date() + timedelta(days=days), datetime.min.time(), ROME)
    times = [
        ("health/checks", 0, 0),
        ("cleanup/cache", 0, 0),
        ("backup/daily", 2, 0),
        ("optimise/indexes", 3, 0),
        ("audit/nightly", 3, 30),
        ("cleanup/cache", 6, 0),
        ("report/weekly", 8, 0),
        ("health/checks", 8, 5),
    ]
    named = slugs()
    ticks = [Tick(name, named[name], monday.replace(hour=hour, minute=minute)) for name, hour, minute in times]
    assert {tick.slug for tick in ticks} == set(named.values())
    clock = Clock(folder)
    clock.set(monday - timedelta(hours=4))
    with platform(folder, clock) as api:
        known = ids(api)
        print(
            "| schedule | due (Europe/Rome) | started | late, s | state | ran, s |\n| --- | --- | --- | --- | --- | --- |"
        )
        for tick in ticks:
            clock.set(tick.due - LEAD)
            show(tick, await_run(api, known[tick.deployment], tick.due))
        print(f"health/checks from midnight to 08:05: {count(api, known['health/checks'], monday, ticks[-1].due)}")


def count(api: httpx.Client, deployment: str, begin: datetime, end: datetime) -> dict[str, int]:
    """Runs that were due in a span, by state."""
    span = {"after_": begin.isoformat(), "before_": (end + timedelta(seconds=1)).isoformat()}
    runs = ask(
        api, "/flow_runs/filter", {"flow_runs": {"deployment_id": {"any_": [deployment]}, "expected_start_time": span}}
    )
    return dict(Counter(run["state_name"] for run in runs))


def night(folder: Path, season: str) -> None:
    """The night on which clocks change: every backup that was due or has run between midnight and four."""
    date = next_change(season)
    hours = [date + timedelta(hours=hour, seconds=-LEAD.seconds) for hour in range(5)]  # of real time: UTC + fixed
    clock = Clock(folder)
    clock.set(hours[0])
    with platform(folder, clock) as api:
        backup = ids(api)["backup/daily"]
        for hour in hours:
            clock.set(hour)
            print(f"the clock stands at {hour.astimezone(ROME):%H:%M:%S %Z}", flush=True)
            time.sleep(LEAD.seconds + 20)
        span = {"after_": date.isoformat(), "before_": (date + timedelta(hours=5)).isoformat()}
        body = {"flow_runs": {"deployment_id": {"any_": [backup]}, "expected_start_time": span}}
        for run in ask(api, "/flow_runs/filter", body):
            due = moment(run["expected_start_time"])
            print(f"backup due {due:%Y-%m-%d %H:%M %Z}", end=" ")
            show(Tick("backup/daily", "backup-daily", due), await_run(api, backup, due))


def next_change(season: str) -> datetime:
    """Midnight, as an instant, of the next day on which the clocks of Rome go forward (spring) or back (autumn)."""
    day = datetime.now(ROME).date()
    while True:
        day += timedelta(days=1)
        begin = datetime.combine(day, datetime.min.time(), ROME)
        end = datetime.combine(day + timedelta(days=1), datetime.min.time(), ROME)
        hours = (end.timestamp() - begin.timestamp()) / 3600
        if hours == {"spring": 23, "autumn": 25}[season]:
            return begin.astimezone(ZoneInfo("UTC"))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["week", "spring", "autumn"])
    parser.add_argument("--folder", type=Path, help="where everything is kept; else nothing is")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        week(folder) if given.what == "week" else night(folder, given.what)


if __name__ == "__main__":
    main()
