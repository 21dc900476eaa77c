"""Tells people about problems: once when one begins, once when it is over, however often it is noticed in between.

A problem has a key (`failed:backup/daily`, `disk`, …). News come from Prefect's automations by the keeper's webhook (a run failed, is late,
succeeded), and from looks at things that no event announces (ages, disk, quarantine). What is open is kept in a file, so that a restart
neither repeats nor forgets a message; one that could not be sent is tried again at the next look.
"""

from __future__ import annotations

import itertools
import json
import logging
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deployments.api.rest import Ask, NotFound, Talk
from infra import mail
from infra.errors import TransientError, UsageError
from infra.limits import Alerts, split_queue
from infra.settings import Settings

log = logging.getLogger("faldone.alerts")

DAY = 24 * 3600.0  # s


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong. Times are Unix seconds; `count` is how often it was noticed."""

    key: str
    subject: str
    text: str
    since: float = 0.0
    count: int = 1
    told: bool = False


class Desk:
    """The open problems of a platform."""

    def __init__(self, file: Path, settings: Settings, address: str = "") -> None:
        self._file, self._settings, self._address = file, settings, address
        content = json.loads(file.read_text()) if file.is_file() else []
        self.open: dict[str, Problem] = {one["key"]: Problem(**one) for one in content}

    def begin(self, problem: Problem) -> None:
        """A problem was noticed."""
        known = self.open.get(problem.key)
        if known is None:
            self._record("raised", problem)
            known = replace(problem, since=time.time(), count=0)
        told = known.told or self._tell(problem.subject, problem.text)
        self.open[problem.key] = replace(
            known, subject=problem.subject, text=problem.text, count=known.count + 1, told=told
        )
        self._save()

    def end(self, key: str, how: str = "") -> None:
        """A problem is over; nothing happens if it was not there."""
        known = self.open.get(key)
        if known is None:
            return
        lasted = timedelta(seconds=round(time.time() - known.since))
        text = (
            f"{how or 'It is over.'}\nIt lasted {lasted} and was noticed {known.count} times.\n\nIt was:\n{known.text}"
        )
        if not known.told or self._tell(f"over: {known.subject}", text):
            del self.open[key]
            self._record("ended", known)
            self._save()

    def match(self, family: str, found: Iterable[Problem]) -> None:
        """What was found now is everything there is of a family: begin what is new, end what is gone."""
        now = {one.key: one for one in found}
        for problem in now.values():
            self.begin(problem)
        for key in [key for key in self.open if key.partition(":")[0] == family and key not in now]:
            self.end(key)

    def _tell(self, subject: str, text: str) -> bool:
        if not mail.configured(self._settings):
            return True  # nobody to tell; the UI, the log and the metrics have it
        try:
            mail.notify(self._settings, f"[faldone] {subject}", f"{text}\n\n{self._address}\n")
        except (TransientError, UsageError) as error:
            log.warning("the message «%s» could not be sent and is tried again: %s", subject, error)
            return False
        return True

    def _record(self, what: str, problem: Problem) -> None:
        log.warning("%s: %s: %s", what, problem.subject, problem.text.split("\n", 1)[0])
        row = {"time": datetime.now().astimezone().isoformat(), "what": what, "key": problem.key} | {
            "subject": problem.subject, "text": problem.text,
        }  # fmt: skip
        with self._file.with_suffix(".jsonl").open("a") as history:
            history.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _save(self) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps([asdict(one) for one in self.open.values()], ensure_ascii=False))
        beside.replace(self._file)


def hear(desk: Desk, news: Mapping[str, str]) -> Talk[None]:
    """What an automation reports: `event` and the `resource` it is about."""
    event, resource = news["event"], news["resource"]
    name = event.rpartition(".")[2]
    if event.startswith("prefect.work-pool."):
        pool = resource.rpartition(".")[2]
        if name == "ready":
            desk.end(f"pool:{pool}", "A worker polls again.")
        else:
            desk.begin(Problem(f"pool:{pool}", "no worker takes jobs", "The work pool has lost its last worker."))
        return
    try:
        run = yield Ask("GET", f"/flow_runs/{resource.rpartition('.')[2]}")
    except NotFound:
        return
    yield from heard_of_run(desk, run, name)


def heard_of_run(desk: Desk, run: Mapping[str, Any], name: str) -> Talk[None]:
    """A run failed, is late or has succeeded: the problem belongs to its deployment, so that it is told once."""
    if not run.get("deployment_id"):
        return
    deployment = yield from _name(run["deployment_id"])
    if name == "Completed":
        desk.end(f"failed:{deployment}", f"{deployment} has succeeded again: {run['name']}.")
        desk.end(f"late:{deployment}", f"{deployment} has run.")
    elif name == "Late":
        text = f"{run['name']} was due at {run['expected_start_time']} and has not begun. Is a worker free?"
        desk.begin(Problem(f"late:{deployment}", f"{deployment} is late", text))
    else:
        state = run.get("state") or {}
        text = f"{run['name']} ended as {state.get('name', name)}: {state.get('message') or 'no reason given'}"
        desk.begin(Problem(f"failed:{deployment}", f"{deployment} has failed", text))


def _name(deployment_id: str) -> Talk[str]:
    found = yield Ask("GET", f"/deployments/{deployment_id}")
    flow = yield Ask("GET", f"/flows/{found['flow_id']}")
    return f"{flow['name']}/{found['name']}"


def stale(
    deployments: Iterable[Mapping[str, Any]], last: Mapping[str, float], numbers: Alerts, now: float
) -> list[Problem]:
    """Scheduled deployments without success for longer than their period; `last` is the time of the last success by id."""
    found = []
    for one in deployments:
        active = [schedule for schedule in one["schedules"] if schedule["active"] and not one["paused"]]
        period = max((_period(schedule) for schedule in active), default=0.0)
        since = last.get(one["id"]) or datetime.fromisoformat(one["created"].replace("Z", "+00:00")).timestamp()
        if period and now - since > numbers.late_factor * period:
            ago = timedelta(seconds=round(now - since))
            text = (
                f"The last success was {ago} ago"
                if one["id"] in last
                else f"It was deployed {ago} ago and has never succeeded"
            )
            text += f"; it is due every {timedelta(seconds=period)}."
            found.append(Problem(f"stale:{one['name']}", f"no successful run of {one['name']}", text))
    return found


def _period(schedule: Mapping[str, Any]) -> float:
    """Seconds between two ticks, the longest of a week."""
    from prefect._vendor import croniter  # the one that Prefect itself schedules with

    spec = schedule["schedule"]
    if "cron" not in spec:
        return float(spec.get("interval", 0))
    ticks: Any = croniter.croniter(spec["cron"], datetime(2026, 1, 1))  # type: ignore[attr-defined,no-untyped-call]
    times = [ticks.get_next(float) for _ in range(30)]
    return float(max(after - before for before, after in itertools.pairwise(times)))


def disk(path: Path, numbers: Alerts) -> list[Problem]:
    """A data folder that fills up."""
    usage = shutil.disk_usage(path)
    short = max(numbers.disk_free_bytes, numbers.disk_free_share * usage.total)
    if usage.free >= short:
        return []
    text = f"{usage.free / 2**30:.1f} of {usage.total / 2**30:.0f} GiB are free on the disk of {path}."
    return [Problem("disk:full", "the disk is nearly full", text)]


def ages(queues: Mapping[str, float], numbers: Alerts) -> list[Problem]:
    """Queues whose oldest waiting job is too old; the values are ages in seconds."""
    return [
        Problem(
            f"age:{name}", f"jobs wait long in {name}",
            f"The oldest has waited {timedelta(seconds=round(age))}. {split_queue(name)[0]} may need more slots or workers.",
        )
        for name, age in queues.items()
        if age > numbers.queue_age
    ]  # fmt: skip


def remember(file: Path, counts: Mapping[str, int], now: float) -> list[tuple[float, Mapping[str, int]]]:
    """Keep how large quarantines are, across restarts: each change of the last day, and what held before it, the oldest first."""
    history = [(float(at), known) for at, known in json.loads(file.read_text())] if file.is_file() else []
    if history and history[-1][1] == counts:
        return history
    history.append((now, dict(counts)))
    old = [number for number, (at, _) in enumerate(history) if at <= now - DAY]
    history = history[old[-1] if old else 0 :]
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(history))
    beside.replace(file)
    return history


def quarantine(history: Sequence[tuple[float, Mapping[str, int]]], numbers: Alerts, now: float) -> list[Problem]:
    """Collections whose quarantine has grown much within a day; `history` is that of `remember`."""
    first = next((counts for at, counts in reversed(history) if at <= now - DAY), history[0][1])
    found = []
    for name, count in history[-1][1].items():
        grown = count - first.get(name, 0)
        if grown >= numbers.quarantine_documents and grown > numbers.quarantine_share * max(1, first.get(name, 0)):
            text = f"{grown} more documents than a day ago could not be processed: faldone documents list -c {name} --state quarantined"
            found.append(Problem(f"quarantine:{name}", f"the quarantine of {name} grows", text))
    return found
