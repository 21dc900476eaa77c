"""Flow runs of Prefect read as jobs: state, progress, error. Plain functions of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

LABEL = "faldone."
"""Prefix of the labels in which a running job says how far it is (see deployments/worker/life.py)."""
CALLBACK = f"{LABEL}callback"
"""The label with the URL that is called when a job ends, and the tag by which such jobs are found."""


class JobState(StrEnum):
    """States of a job."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    PROGRESS = "PROGRESS"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"

    @property
    def final(self) -> bool:
        """Return whether nothing more is to come."""
        return self in {JobState.SUCCESS, JobState.FAILURE, JobState.REVOKED}


PREFECT_TYPES: dict[JobState, tuple[str, ...]] = {
    JobState.PENDING: ("SCHEDULED", "PENDING", "PAUSED"),
    JobState.STARTED: ("RUNNING",),
    JobState.PROGRESS: ("RUNNING",),
    JobState.RETRY: ("SCHEDULED", "RUNNING"),
    JobState.SUCCESS: ("COMPLETED",),
    JobState.FAILURE: ("FAILED", "CRASHED"),
    JobState.REVOKED: ("CANCELLED", "CANCELLING"),
}
SLOT_LOST = "Deployment concurrency slot lost"
"""How the words begin with which Prefect cancels a run that is to become Running and has lost its slot."""
_FINAL = {kind: state for state, kinds in PREFECT_TYPES.items() if state.final for kind in kinds}


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job at one moment; times are ISO 8601 in UTC. `attempt` counts from 1 once it has begun; `cancelling` is REVOKED
    whose processes may still be ending."""

    job_id: str
    kind: str
    state: JobState
    progress: float
    current: int
    total: int
    current_item: str
    stage: str
    eta_seconds: float | None
    attempt: int
    error: str | None
    submitted_at: str
    started_at: str | None
    finished_at: str | None
    queue: str
    priority: str
    name: str
    url: str
    cancelling: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the object that `faldone jobs status --json` prints."""
        return asdict(self) | {"state": str(self.state)}


def job_state(run: Mapping[str, Any]) -> JobState:
    """Return the state of a flow run."""
    state = run.get("state") or {"type": "PENDING", "name": "Pending"}
    if state["name"] in {"AwaitingRetry", "Retrying"} or slot_lost(run):
        return JobState.RETRY
    if state["type"] == "RUNNING":
        return JobState.PROGRESS if _said(run) else JobState.STARTED
    return _FINAL.get(state["type"], JobState.PENDING)


def slot_lost(run: Mapping[str, Any]) -> bool:
    """Tell whether Prefect has cancelled a run by itself, whose runner is about to queue it again.

    It does so as a job is to begin whose slot of a `concurrency_limit` is counted for nobody: its lease had run out and another run has the
    slot, or the lease is gone with a Redis that began anew.
    """
    state = run.get("state") or {}
    return state.get("type") == "CANCELLED" and str(state.get("message") or "").startswith(SLOT_LOST)


def _said(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the progress labels of the present attempt, without their prefix; a new attempt begins by clearing them."""
    labels = run.get("labels") or {}
    said = {name.removeprefix(LABEL): value for name, value in labels.items() if name.startswith(LABEL)}
    return said if said.get("stage") else {}


def status_of(run: Mapping[str, Any], kind: str, queue: str, priority: str, ui: str) -> JobStatus:
    """Return the status of a flow run as the API gives it."""
    state, said = job_state(run), _said(run)
    prefect = run.get("state") or {}
    percent = 100.0 if state is JobState.SUCCESS else min(99.9, float(said.get("percent", 0.0)))
    error = state in {JobState.FAILURE, JobState.REVOKED, JobState.RETRY}
    eta = said.get("eta", -1)
    return JobStatus(
        job_id=run["id"],
        kind=kind,
        state=state,
        progress=round(percent, 1),
        current=int(said.get("done", 0)),
        total=int(said.get("total", 0)),
        current_item="" if state.final else str(said.get("item", "")),
        stage="" if state.final else str(said.get("stage", "")),
        eta_seconds=round(eta, 1) if eta >= 0 and not state.final else None,
        attempt=int(run.get("run_count") or 0),
        error=(prefect.get("message") or str(prefect.get("name"))) if error else None,
        submitted_at=run["created"],
        started_at=run.get("start_time"),
        finished_at=run.get("end_time"),
        queue=queue,
        priority=priority,
        name=run["name"],
        url=f"{ui}/runs/flow-run/{run['id']}",
        cancelling=prefect.get("type") == "CANCELLING",
    )
