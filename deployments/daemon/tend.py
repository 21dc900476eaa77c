"""Tends the jobs of a server: queues those again whose process died, drops runs of schedules that pile up, calls back, names what waits.

It keeps nothing but what it saw at its last look, so any number of daemons may tend one server, and one may be replaced at any time. A dead
job is known by two things, surest first: its runner is of this machine, and the kernel says that it is gone; or its beat (deployments/worker/
life.py) has not changed for `time.lease` seconds of this process's own clock, which neither a step of the time nor a machine that slept moves.
How long a job takes, or whether it makes progress, is never asked.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from deployments.api.status import CALLBACK, LABEL, JobState, job_state, slot_lost
from deployments.kinds import KINDS, kind_of_run
from deployments.worker import life
from infra.errors import FaldoneError
from infra.limits import PlatformLimits, split_queue
from infra.prefect_api import ENDED, PAGE, Api, NotFound

log = logging.getLogger("faldone.tend")

LOST_FOR = timedelta(hours=1)  # how long a worker's word that a job crashed is doubted
SETTLED = timedelta(seconds=20)  # after which Prefect has recorded the task runs of a job that ended
LEFT_OPEN = "the job that it was part of has ended"
# how long a callback that did not go out is looked for, and a job that Prefect cancelled by itself
CALLED_FOR = timedelta(days=1)
CALLED = f"{LABEL}called"
ALONE = [name for name, kind in KINDS.items() if kind.alone]  # whose slots Prefect may lose
MISSED = "missed while the platform was away; a later run of this schedule was due too"


class Tender:
    """Looks after the jobs of the pools of `limits`."""

    def __init__(self, api: Api, limits: PlatformLimits) -> None:
        self.api, self.limits = api, limits
        self.seen: dict[str, tuple[tuple[Any, ...], float]] = {}  # job id: its sign of life, and since when it is that

    def sweep(self) -> list[str]:
        """Queue the jobs again whose process died, and return their ids; after their last try they are crashed."""
        try:
            return self._sweep(time.monotonic())
        except FaldoneError:  # what could not be read or written meanwhile, by the jobs too, does not pass unsaid
            self.seen.clear()
            raise

    def _sweep(self, now: float) -> list[str]:
        found = self.candidates()
        self.seen = {run["id"]: self.sign_of_life(run, now) for run in found}
        dead = []
        for run in found:
            reason = self.death(run, now - self.seen[run["id"]][1])
            if reason and self.unchanged(run):
                log.warning("job %s: %s", run["id"], reason)
                self.give_up(run, reason)
                dead.append(run["id"])
        return dead

    def candidates(self) -> list[dict[str, Any]]:
        """Return the runs that somebody should be working at, and those that a worker says crashed, or Prefect cancelled by itself.

        A worker says so when the process dies that it has started, be it before a runner has taken up the job.
        """
        pools = {"name": {"any_": list(self.limits.pools)}}
        working = {"flow_runs": {"state": {"type": {"any_": life.UNFINISHED}}}, "work_pools": pools}
        lately = (self.api.now() - LOST_FOR).isoformat()
        crashed = {"state": {"type": {"any_": ["CRASHED"]}}, "end_time": {"after_": lately}}
        since = (self.api.now() - CALLED_FOR).isoformat()
        cancelled = {"state": {"type": {"any_": ["CANCELLED"]}}, "end_time": {"after_": since}, "tags": {"any_": ALONE}}
        found = list(self.api.pages("/flow_runs/filter", working))
        lost = list(self.api.pages("/flow_runs/filter", {"flow_runs": crashed, "work_pools": pools}))
        lost += filter(slot_lost, self.api.pages("/flow_runs/filter", {"flow_runs": cancelled, "work_pools": pools}))
        return found + [run for run in lost if life.claim(run).owner or not life.claim(run).ended]

    def sign_of_life(self, run: Mapping[str, Any], now: float) -> tuple[tuple[Any, ...], float]:
        """Return a job's sign of life, and since when it has not changed."""
        claim = life.claim(run)
        sign = (run["state_id"], claim.owner, claim.beat)
        before = self.seen.get(run["id"])
        return before if before is not None and before[0] == sign else (sign, now)

    def death(self, run: Mapping[str, Any], silent: float) -> str:
        """Return why nobody works at a run any more; "" while somebody does, or may."""
        claim, times = life.claim(run), self.limits.time
        if not claim.owner or claim.process is None:
            wait = times.pending if run["state"]["type"] == "PENDING" else times.lease
            return f"nobody took it up within {silent:.0f} s" if silent > wait else ""
        if claim.process.local:
            dead = f"its runner {claim.process.pid} on {claim.process.host} died"
            return "" if claim.process.alive() else dead
        return f"no sign of life from {claim.process.host} for {silent:.0f} s" if silent > times.lease else ""

    def unchanged(self, run: Mapping[str, Any]) -> bool:
        """Look once more, so that another daemon, or the job itself, is not overruled."""
        try:
            now = life.lookup(self.api, run["id"])
        except NotFound:
            return False
        return bool(now["state_id"] == run["state_id"] and life.claim(now) == life.claim(run))

    def give_up(self, run: Mapping[str, Any], reason: str) -> None:
        """Give a dead job the state that follows."""
        queue = self.limits.queues.get(split_queue(run.get("work_queue_name") or "")[0])
        tries = queue.tries if queue else 1
        failures = life.claim(run).failures + 1
        if run["state"]["type"] == "CANCELLING":
            life.finish(self.api, run["id"], "CANCELLED", "Cancelled", f"cancelled; {reason}")
        elif failures < tries:
            life.queue_again(self.api, run["id"], f"{reason}; it goes on (try {failures} of {tries})", 0, failures)
        else:
            text = f"{reason} (try {failures} of {tries}, the last)"
            life.finish(self.api, run["id"], "CRASHED", "Crashed", text)

    def drop_missed_runs(self) -> int:
        """Cancel every due run of each schedule but the newest, and return how many: a machine that was off over the weekend makes one
        backup on Monday, not three.
        """
        waiting = {"name": {"any_": ["Scheduled", "Late"]}}  # not a job that waits for its next attempt
        body = {
            "flow_runs": {"state": waiting, "expected_start_time": {"before_": self.api.now().isoformat()}},
            "work_pools": {"name": {"any_": list(self.limits.pools)}},
            "sort": "EXPECTED_START_TIME_ASC",
        }
        due: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for run in self.api.pages("/flow_runs/filter", body, 25 * PAGE):
            if run["auto_scheduled"]:
                due[run["deployment_id"]].append(run)
        missed = [run for runs in due.values() for run in runs[:-1]]
        state = {"type": "CANCELLED", "name": "Cancelled", "message": MISSED}
        for run in missed:
            life.set_state(self.api, run["id"], state, force=False)
        if missed:
            log.warning("%d scheduled runs were missed; the latest of each schedule runs now", len(missed))
        return len(missed)

    def end_open_runs(self) -> int:
        """End task runs and subflows that are open although their job has ended for some time, and return how many.

        Whoever ended the job has tried to, but the server may have been away just then, or may have heard of a task run only later.
        """
        before = {"end_time": {"before_": (self.api.now() - SETTLED).isoformat()}}
        ended = before | {"state": {"type": {"any_": list(ENDED)}}}
        open_ = {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}
        tasks = list(self.api.pages("/task_runs/filter", {"task_runs": open_, "flow_runs": ended}))
        for task in tasks:
            life.end_task_run(self.api, task["id"], LEFT_OPEN)
        subflows = open_ | {"parent_task_run_id": {"is_null_": False}}
        left = [
            run for run in self.api.pages("/flow_runs/filter", {"flow_runs": subflows}) if self._orphaned(run, ended)
        ]
        for run in left:
            life.set_state(self.api, run["id"], {"type": "CRASHED", "name": "Crashed", "message": LEFT_OPEN})
            life.end_children(self.api, run["id"], LEFT_OPEN)
        return len(tasks) + len(left)

    def _orphaned(self, run: Mapping[str, Any], ended: Mapping[str, Any]) -> bool:
        """Return whether the run that started a subflow has ended for some time."""
        parent = {"task_runs": {"id": {"any_": [run["parent_task_run_id"]]}}, "flow_runs": ended}
        return bool(self.api.ask("POST", "/flow_runs/filter", parent))

    def name_planned_runs(self) -> int:
        """Name the runs that schedules have planned after what they run, and return how many: Prefect calls them by a colour and an animal."""
        planned = {"state": {"type": {"any_": ["SCHEDULED"]}}, "tags": {"all_": ["scheduled"]}}
        named = 0
        for run in list(self.api.pages("/flow_runs/filter", {"flow_runs": planned})):
            kind = kind_of_run(run)
            if run["auto_scheduled"] and kind in KINDS and not run["name"].startswith(kind):
                when = run["expected_start_time"][:16].replace("T", " ")
                self.api.ask("PATCH", f"/flow_runs/{run['id']}", {"name": f"{kind} {when} UTC"}, again=True)
                named += 1
        return named

    def call_back(self) -> int:
        """Have the callbacks of jobs that ended sent by jobs of kind `notify`, and return how many; twice gives the same job."""
        lately = (self.api.now() - CALLED_FOR).isoformat()
        ended = {"tags": {"all_": [CALLBACK]}, "end_time": {"after_": lately}}
        found = list(
            self.api.pages("/flow_runs/filter", {"flow_runs": ended | {"state": {"type": {"any_": list(ENDED)}}}})
        )
        waiting = [
            run for run in found if CALLED not in run["labels"] and run["labels"].get(CALLBACK) and job_state(run).final
        ]
        for run in waiting:
            self._call(run)
        return len(waiting)

    def _call(self, run: Mapping[str, Any]) -> None:
        state = job_state(run)
        failed = state is not JobState.SUCCESS
        payload = {"job_id": run["id"], "kind": kind_of_run(run), "state": str(state), "name": run["name"]}
        payload["error"] = (run["state"].get("message") or run["state"]["name"]) if failed else None
        notify = self.api.ask("GET", f"/deployments/name/{KINDS['notify'].deployment}")["id"]
        body = {
            "name": f"callback of {run['name']}",
            "parameters": {"subject": f"{run['name']}: {state}", "url": run["labels"][CALLBACK], "payload": payload},
            "work_queue_name": KINDS["notify"].queue,
            "idempotency_key": f"callback-{run['id']}-{run['state_id']}",
            "labels": {"faldone.kind": "notify"},
            "tags": ["notify"],
        }
        self.api.ask("POST", f"/deployments/{notify}/create_flow_run", body, again=True)
        self.api.ask("PATCH", f"/flow_runs/{run['id']}/labels", {CALLED: run["state_id"]}, again=True)
