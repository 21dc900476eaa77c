"""Alerts people: once when a problem begins, once when it is over, however often it is noticed in between.

A problem has a key (`failed:backup/daily`, `disk:full`, …). Some come from Prefect's automations as events by webhook (a run failed, is late,
succeeded), others from looks at things that no event announces (ages, disk, quarantine). What is open is kept in a file, so that a restart
neither repeats nor forgets a message, with the channels that took it: what one channel did not take is tried again there at the next look,
and nobody else hears it twice. A full disk keeps nobody from hearing that the disk is full.
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deployments.state import known, read_json, write_json
from infra import mail
from infra.errors import FaldoneError
from infra.limits import Alerts, split_queue
from infra.prefect_api import Api, NotFound
from infra.settings import Settings
from tasks import vitals

log = logging.getLogger("faldone.alerts")

DAY = 24 * 3600.0  # s
LONGEST = 45.0  # s that a channel may take; mail and pushes have shorter limits of their own, which an answer that drips in evades


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong.

    `since` is Unix seconds; `count` is how often it was noticed, `told` names the channels that took the message. `over` says how it ended,
    once it has, and `told_over` who took that.
    """

    key: str
    subject: str = ""
    text: str = ""
    since: float = 0.0
    count: int = 1
    told: tuple[str, ...] = ()
    over: str = ""
    told_over: tuple[str, ...] = ()


class AlertStore:
    """The open problems of a platform, and those whose end somebody has still to hear of; threads may share it."""

    def __init__(self, file: Path, settings: Settings, address: str = "") -> None:
        self._file, self._address = file, address
        self._channels = mail.channels(settings)
        self._lock = threading.Lock()
        self._sending: dict[str, threading.Thread] = {}  # the latest message of each channel
        rows = [one for one in read_json(file, []) if isinstance(one, dict) and one.get("key")]
        self._known: dict[str, Problem] = {one["key"]: self._problem(one) for one in rows}

    def _problem(self, row: dict[str, Any]) -> Problem:
        """Read a row; releases before this one wrote only whether everybody was told."""
        given = known(Problem, row)
        if isinstance(given.get("told"), bool):
            given["told"] = self._channels if given["told"] else ()
        return Problem(**given | {name: tuple(given.get(name, ())) for name in ("told", "told_over")})

    @property
    def open(self) -> dict[str, Problem]:
        """The problems that are not over, by key."""
        with self._lock:
            return {key: one for key, one in self._known.items() if not one.over}

    def begin(self, problem: Problem) -> None:
        """Record a problem; who has not heard of it is told by `tell`."""
        with self._lock:
            before = self._known.get(problem.key)
            if before is None or before.over:
                self._known[problem.key] = replace(problem, since=time.time(), count=1)
                self._record("raised", problem)
            else:
                self._known[problem.key] = replace(
                    problem, since=before.since, count=before.count + 1, told=before.told
                )
            self._save()

    def end(self, key: str, how: str = "") -> None:
        """Record that a problem is over; does nothing if it was not recorded."""
        with self._lock:
            before = self._known.get(key)
            if before is None or before.over:
                return
            lasted = timedelta(seconds=round(max(0.0, time.time() - before.since)))
            noticed = f"It lasted {lasted} and was noticed {before.count} times."
            text = f"{how or 'It is over.'}\n{noticed}\n\nIt was:\n{before.text}"
            self._known[key] = replace(before, over=text)
            self._record("ended", before)
            self._drop_finished()
            self._save()

    def match(self, family: str, found: Iterable[Problem]) -> None:
        """Begin the problems of a family that are new, and end those that are not among what was found now."""
        now = {one.key: one for one in found}
        for problem in now.values():
            self.begin(problem)
        for key in [key for key in self.open if key.partition(":")[0] == family and key not in now]:
            self.end(key)

    def tell(self) -> None:
        """Tell each channel what it has not taken yet: what is wrong, and what is over.

        Messages that a channel does not take wait for the next call, and hold back none of another channel; one refusal a call is enough.
        """
        refused: set[str] = set()
        with self._lock:
            keys = list(self._known)
        for key, name in itertools.product(keys, self._channels):
            hangs = name in self._sending and self._sending[name].is_alive()  # asked before what it has taken
            with self._lock:
                problem = self._known.get(key)
            if name in refused or problem is None or name not in self._missing(problem):
                continue
            if hangs or not self._took(name, problem):
                refused.add(name)

    def _missing(self, problem: Problem) -> list[str]:
        """Return the channels that have to hear of a problem, or of its end, whose message also says what it was."""
        heard = problem.told_over if problem.over else problem.told
        return [name for name in self._channels if name not in heard]

    def _took(self, name: str, problem: Problem) -> bool:
        """Return whether a channel took the message about a problem in its time."""
        took = threading.Event()
        thread = threading.Thread(target=self._send, args=(name, problem, took), name=name, daemon=True)
        self._sending[name] = thread
        thread.start()
        thread.join(LONGEST)
        if thread.is_alive():
            log.warning("%s has not answered within %.0f s, and is asked for nothing more until it has", name, LONGEST)
        return took.is_set()

    def _send(self, name: str, problem: Problem, took: threading.Event) -> None:
        """Send the message about a problem, and note who took it, be it late: nobody hears it twice."""
        subject = f"[faldone] {'over: ' if problem.over else ''}{problem.subject}"
        try:
            self._channels[name](subject, f"{problem.over or problem.text}\n\n{self._address}\n")
        except Exception as error:  # noqa: BLE001 - a disk that is full, a fault of a library: the other channels are told
            reason = str(error) if isinstance(error, FaldoneError) else type(error).__name__
            log.warning("the message %r could not be sent and is tried again: %s", subject, reason)
        else:
            self._note_told(problem, name)
            took.set()

    def _note_told(self, problem: Problem, name: str) -> None:
        """Note that a channel took the message about a problem as it was, whatever has become of it since."""
        with self._lock:
            now = self._known.get(problem.key)
            if now is None or now.since != problem.since:
                return
            if problem.over:
                now = replace(now, told_over=(*now.told_over, name))
            else:
                now = replace(now, told=(*now.told, name))
            self._known[problem.key] = now
            self._drop_finished()
            self._save()

    def _drop_finished(self) -> None:
        """Forget what is over and what nobody has to hear of any more."""
        self._known = {key: one for key, one in self._known.items() if not one.over or self._missing(one)}

    def _record(self, what: str, problem: Problem) -> None:
        """Add a line to the history, as far as the disk takes it."""
        log.warning("%s: %s: %s", what, problem.subject, problem.text.split("\n", 1)[0])
        row = {"time": datetime.now().astimezone().isoformat(), "what": what, "key": problem.key}
        row |= {"subject": problem.subject, "text": problem.text}
        try:
            with self._file.with_suffix(".jsonl").open("a") as history:
                history.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            log.warning("%s: %s", self._file, error)

    def _save(self) -> None:
        try:
            write_json(self._file, [asdict(one) for one in self._known.values()])
        except OSError as error:
            log.warning("%s: %s; a restart may repeat what was told", self._file, error)


def on_event(store: AlertStore, api: Api, event: str, resource: str) -> None:
    """Take what an automation reports: an event, and the resource that it is about."""
    name = event.rpartition(".")[2]
    if event.startswith("prefect.work-pool."):
        pool = resource.rpartition(".")[2]
        if name == "ready":
            store.end(f"pool:{pool}", "A worker polls again.")
        else:
            store.begin(Problem(f"pool:{pool}", "no worker takes jobs", "A work pool has lost its last worker."))
        return
    try:
        run = api.ask("GET", f"/flow_runs/{resource.rpartition('.')[2]}")
        if run.get("deployment_id"):
            on_run(store, run, name, _deployment(api, run["deployment_id"]))
    except NotFound:
        return


def on_run(store: AlertStore, run: Mapping[str, Any], name: str, deployment: str) -> None:
    """Take that a run failed, is late or has succeeded: the problem belongs to its deployment, so that it is told once."""
    if name == "Completed":
        store.end(f"failed:{deployment}", f"{deployment} has succeeded again: {run['name']}.")
        store.end(f"late:{deployment}", f"{deployment} has run.")
    elif name == "Late":
        text = f"{run['name']} was due at {run['expected_start_time']} and has not begun. Is a worker free?"
        store.begin(Problem(f"late:{deployment}", f"{deployment} is late", text))
    else:
        state = run.get("state") or {}
        if state.get("type") not in {"FAILED", "CRASHED"}:
            return  # it goes on already
        text = f"{run['name']} ended as {state.get('name', name)}: {state.get('message') or 'no reason given'}"
        store.begin(Problem(f"failed:{deployment}", f"{deployment} has failed", text))


def _deployment(api: Api, deployment_id: str) -> str:
    found = api.ask("GET", f"/deployments/{deployment_id}")
    return f"{api.ask('GET', '/flows/' + found['flow_id'])['name']}/{found['name']}"


def stale(
    deployments: Iterable[Mapping[str, Any]], last: Mapping[str, datetime], numbers: Alerts, now: datetime
) -> list[Problem]:
    """Return scheduled deployments without success for longer than their period; `last` is the end of the last success by id."""
    return [
        Problem(f"stale:{one.name}", f"no successful run of {one.name}", f"{one.sentence}.")
        for one in vitals.overdue(deployments, last, numbers, now)
    ]


def disk(path: Path, numbers: Alerts) -> list[Problem]:
    """Return a problem when the data folder fills up."""
    room = vitals.disk(path, numbers)
    if room.state == "ok":
        return []
    text = f"{room.free / 2**30:.1f} of {room.total / 2**30:.0f} GiB are free on the disk of {path}."
    return [Problem("disk:full", "the disk is nearly full", text)]


def ages(queues: Mapping[str, float], numbers: Alerts) -> list[Problem]:
    """Return queues whose oldest waiting job is too old; the values are ages in seconds."""
    found = []
    for name, age in queues.items():
        if vitals.waiting_state(age, numbers) != "ok":
            waited = timedelta(seconds=round(age))
            text = f"The oldest has waited {waited}. {split_queue(name)[0]} may need more slots or workers."
            found.append(Problem(f"age:{name}", f"jobs wait long in {name}", text))
    return found


def remember(file: Path, counts: Mapping[str, int], now: float) -> list[tuple[float, Mapping[str, int]]]:
    """Keep how large quarantines are, across restarts: each change of the last day, and what held before it, the oldest first."""
    history: list[tuple[float, Mapping[str, int]]] = [(float(at), dict(old)) for at, old in read_json(file, [])]
    if history and history[-1][1] == counts:
        return history
    history.append((now, dict(counts)))
    before = [number for number, (at, _) in enumerate(history) if at <= now - DAY]
    history = history[before[-1] if before else 0 :]
    write_json(file, history)
    return history


def quarantine(history: Sequence[tuple[float, Mapping[str, int]]], numbers: Alerts, now: float) -> list[Problem]:
    """Return collections whose quarantine has grown much within a day; `history` is that of `remember`."""
    first = next((counts for at, counts in reversed(history) if at <= now - DAY), history[0][1])
    found = []
    for name, count in history[-1][1].items():
        grown = count - first.get(name, 0)
        if grown >= numbers.quarantine_documents and grown > numbers.quarantine_share * max(1, first.get(name, 0)):
            text = f"{grown} more documents than a day ago could not be processed: faldone documents list -c {name} --state quarantined"
            found.append(Problem(f"quarantine:{name}", f"the quarantine of {name} grows", text))
    return found
