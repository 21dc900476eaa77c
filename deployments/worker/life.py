"""What a running job says of itself, kept where every host can read it: in the labels of its flow run at the server.

A runner that takes up a job writes who it is (`faldone.owner`, a word of its own for each attempt, and `faldone.process`), and then a
beat, a number that grows every few seconds. Whoever finds a job without an owner, or with one that is silent, may queue it again; the owner's
name is taken out first, so that a runner that was wrongly taken for dead sees it and ends. No clock is compared with another: a job is
silent when its beat has not changed while the onlooker's own monotonic clock went on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deployments.api.status import LABEL, slot_lost
from deployments.state import Process
from infra.errors import FaldoneError
from infra.prefect_api import ENDED, Api

log = logging.getLogger("faldone.life")

APART = 3.0  # s at least between two attempts: the worker must have noticed the end of the first (Prefect 3.8 breaks otherwise)
CANCELLED = "cancelled; what was committed is kept"
UNFINISHED = ["RUNNING", "PENDING", "CANCELLING"]
NO_PROGRESS: dict[str, str | float] = {"stage": "", "done": 0, "total": 0, "item": "", "eta": -1, "percent": 0.0}


@dataclass(frozen=True, slots=True)
class Claim:
    """Who works at a job, by its labels.

    `failures` counts the attempts that did not end as they should; `ended`: its end was told by who worked at it, or by a daemon.
    """

    owner: str
    process: Process | None
    beat: int
    failures: int
    ended: bool


def claim(run: Mapping[str, Any]) -> Claim:
    """Read a flow run's labels; `owner` is "" when nobody works at it."""
    labels = run.get("labels") or {}
    return Claim(
        owner=str(labels.get(f"{LABEL}owner", "")),
        process=Process.parse(str(labels.get(f"{LABEL}process", ""))),
        beat=_number(labels.get(f"{LABEL}beat")),
        failures=_number(labels.get(f"{LABEL}failures")),
        ended=bool(labels.get(f"{LABEL}ended")),
    )


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def say(api: Api, job_id: str, **values: str | float) -> None:
    """Write labels of a job's run."""
    api.ask("PATCH", f"/flow_runs/{job_id}/labels", {LABEL + name: value for name, value in values.items()}, again=True)


def begin(api: Api, job_id: str, owner: str, process: Process) -> None:
    """Take a job up: from now on it has this owner."""
    say(api, job_id, owner=owner, process=str(process), beat=0, **NO_PROGRESS)


def lookup(api: Api, job_id: str) -> dict[str, Any]:
    """Return the flow run of a job."""
    run: dict[str, Any] = api.ask("GET", f"/flow_runs/{job_id}")
    return run


def set_state(api: Api, job_id: str, state: Mapping[str, Any], force: bool = True) -> str:
    """Propose a state; returns ACCEPT, REJECT, ABORT or WAIT."""
    answer = api.ask("POST", f"/flow_runs/{job_id}/set_state", {"state": state, "force": force}, again=True)
    return str(answer["status"])


def queue_again(api: Api, job_id: str, message: str, seconds: float, failures: int) -> None:
    """Have a job wait for its next attempt, due in so many seconds; it holds neither a process nor a slot meanwhile.

    One that somebody cancels at this moment is cancelled, one that somebody has ended stays as it is.
    """
    say(api, job_id, owner="", ended=0)  # first: whoever takes it up next is not to be judged by this attempt
    run = lookup(api, job_id)
    # only its worker had lost sight of it, or Prefect its slot
    mistaken = slot_lost(run) or (run.get("state") or {}).get("type") == "CRASHED"
    if final(run) and not mistaken:
        say(api, job_id, ended=1)
        end_children(api, job_id, message)
        return
    due = (api.now() + timedelta(seconds=max(APART, seconds))).isoformat()
    details = {"scheduled_time": due}
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": message, "state_details": details}
    answer = set_state(api, job_id, state, force=mistaken)
    if answer == "REJECT":
        finish(api, job_id, "CANCELLED", "Cancelled", CANCELLED)
        return
    say(api, job_id, failures=failures, ended=int(answer != "ACCEPT"))
    end_children(api, job_id, message)


def finish(api: Api, job_id: str, kind: str, name: str, message: str) -> None:
    """Give a job the final state of a type (COMPLETED, FAILED, CANCELLED, CRASHED)."""
    set_state(api, job_id, {"type": kind, "name": name, "message": message})
    say(api, job_id, owner="", ended=1)
    end_children(api, job_id, message)


def end_children(api: Api, job_id: str, message: str) -> None:
    """End the subflows and task runs that the processes of a job have left behind: nobody works at them any more."""
    state = {"type": "CRASHED", "name": "Crashed", "message": message[:500]}
    open_ = {"state": {"type": {"any_": UNFINISHED}}}
    try:
        for run in api.pages("/flow_runs/filter", {"flow_runs": open_ | {"parent_flow_run_id": {"any_": [job_id]}}}):
            set_state(api, run["id"], state)
            end_children(api, run["id"], message)
        for task in list(api.pages("/task_runs/filter", {"task_runs": open_, "flow_runs": {"id": {"any_": [job_id]}}})):
            end_task_run(api, task["id"], message)
    except FaldoneError as error:
        log.warning("job %s: its open task runs could not be ended: %s", job_id, error)


def end_task_run(api: Api, task_run_id: str, message: str) -> None:
    """End a task run whose process is gone."""
    state = {"type": "CRASHED", "name": "Crashed", "message": message[:500]}
    api.ask("POST", f"/task_runs/{task_run_id}/set_state", {"state": state, "force": True}, again=True)


def final(run: Mapping[str, Any]) -> bool:
    """Return whether a flow run has ended."""
    return (run.get("state") or {}).get("type") in ENDED
