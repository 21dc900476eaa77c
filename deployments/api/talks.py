"""The conversations of the job service with Prefect's API, as generators (see deployments/api/rest.py), run with or without asyncio."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.api.rest import Ask, NotFound, Talk
from deployments.api.states import PREFECT_TYPES, JobState, JobStatus, job_state, status_of
from deployments.kinds import KINDS, Kind, kind_of, kind_of_run
from infra.errors import FaldoneError, UsageError
from infra.limits import PRIORITIES, Priority, queue_name, split_queue

Kept = Callable[[str], bool]
PAGE = 200  # the API's own limit
BULK = 50  # and that of its bulk operations
RESULT_TYPE = "faldone-result"
ESTIMATE_FOR = 60.0  # s that an estimate is kept


class JobError(FaldoneError):
    """The job service cannot give what was asked for."""


class UnknownJob(UsageError):
    """There never was a job with this id."""


class ExpiredJob(UsageError):
    """There was such a job, and what was kept of it is gone."""


class JobNotFinished(JobError):
    """The job has no result yet."""


class JobFailed(JobError):
    """The job ended without a result; the message says why."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that was handed in. `estimated_seconds` is the mean of the latest runs of its kind, None before the first."""

    job_id: str
    state: JobState
    queue: str
    priority: Priority
    estimated_seconds: float | None
    url: str

    def as_json(self) -> dict[str, Any]:
        """The contract's object."""
        return asdict(self) | {"state": str(self.state)}


@dataclass
class Known:
    """What one API has told about itself: ids of deployments and how long their runs take."""

    url: str
    ui: str
    pool: str = "faldone"
    deployments: dict[str, str] = field(default_factory=dict)  # kind: deployment id
    estimates: dict[str, tuple[float, float | None]] = field(default_factory=dict)  # kind: (asked at, seconds)


def submit(
    known: Known, kind: str, parameters: Mapping[str, Any], priority: Priority, key: str | None, name: str | None
) -> Talk[Submitted]:
    """Hand in a job."""
    what = kind_of(kind)
    if priority not in PRIORITIES:
        raise UsageError(f"priority {priority}: must be one of {', '.join(PRIORITIES)}")
    body: dict[str, Any] = {
        "parameters": dict(parameters),
        "work_queue_name": queue_name(what.queue, priority),
        "idempotency_key": key or uuid.uuid4().hex,  # so that the request may be repeated
        "labels": {"faldone.kind": kind},
        "tags": [kind, f"priority:{priority}"],
        "enforce_parameter_schema": True,
    } | ({"name": name} if name else {})
    try:
        run = yield Ask("POST", f"/deployments/{(yield from _deployment(known, kind, what))}/create_flow_run", body)
    except NotFound:  # deployed anew since
        known.deployments.pop(kind, None)
        run = yield Ask("POST", f"/deployments/{(yield from _deployment(known, kind, what))}/create_flow_run", body)
    queue, given = split_queue(run.get("work_queue_name") or body["work_queue_name"])
    seconds = yield from _estimate(known, kind)
    return Submitted(run["id"], job_state(run), queue, given, seconds, f"{known.ui}/runs/flow-run/{run['id']}")


def _deployment(known: Known, kind: str, what: Kind) -> Talk[str]:
    if kind not in known.deployments:
        try:
            found = yield Ask("GET", f"/deployments/name/{what.deployment}")
        except NotFound:
            raise UsageError(f"the platform has no deployment {what.deployment}: run `faldone up` again") from None
        known.deployments[kind] = found["id"]
    return known.deployments[kind]


def _estimate(known: Known, kind: str) -> Talk[float | None]:
    asked, seconds = known.estimates.get(kind, (-ESTIMATE_FOR, None))
    if time.monotonic() - asked >= ESTIMATE_FOR:
        runs = yield Ask("POST", "/flow_runs/filter", {
            "flow_runs": {
                "deployment_id": {"any_": [known.deployments[kind]]}, "state": {"type": {"any_": ["COMPLETED"]}},
            },
            "limit": 10, "sort": "END_TIME_DESC",
        })  # fmt: skip
        times = [float(run["total_run_time"]) for run in runs]
        seconds = round(sum(times) / len(times), 1) if times else None
        known.estimates[kind] = (time.monotonic(), seconds)
    return seconds


def status(known: Known, job_id: str, kept: Kept) -> Talk[JobStatus]:
    """How a job is; `kept` tells whether the data folder remembers a job of an id."""
    try:
        run = yield Ask("GET", f"/flow_runs/{_checked(job_id)}")
    except NotFound:
        raise _gone(job_id, kept) from None
    return _one(known, run)


def _checked(job_id: str) -> str:
    try:
        return str(uuid.UUID(job_id))
    except ValueError:
        raise UnknownJob(f"there is no job {job_id}: an id has 32 hexadecimal digits and four dashes") from None


def _gone(job_id: str, kept: Kept) -> UsageError:
    if kept(str(uuid.UUID(job_id))):
        return ExpiredJob(f"job {job_id} has expired: it is finished, and its result is no longer kept")
    return UnknownJob(f"there is no job {job_id}")


def _shown(known: Known, runs: Sequence[Mapping[str, Any]]) -> list[JobStatus]:
    return [_one(known, run) for run in runs]


def _one(known: Known, run: Mapping[str, Any]) -> JobStatus:
    queue, priority = split_queue(run.get("work_queue_name") or "")
    return status_of(run, kind_of_run(run), queue, priority, known.ui)


def result(known: Known, job_id: str, kept: Kept) -> Talk[dict[str, Any]]:
    """What a finished job returned."""
    now = yield from status(known, job_id, kept)
    if not now.state.final:
        raise JobNotFinished(f"job {job_id} has not finished: it is {now.state}")
    if now.state is not JobState.SUCCESS:
        raise JobFailed(f"job {job_id} ended as {now.state}: {now.error}")
    found = yield Ask("POST", "/artifacts/filter", {
        "artifacts": {"flow_run_id": {"any_": [now.job_id]}, "type": {"any_": [RESULT_TYPE]}},
        "sort": "CREATED_DESC", "limit": 1,
    })  # fmt: skip
    if not found:
        raise ExpiredJob(f"the result of job {job_id} is no longer kept")
    data: dict[str, Any] = found[0]["data"]
    return data


def cancel(known: Known, job_id: str, kept: Kept) -> Talk[JobStatus]:
    """Ask a job to end. One that waits is cancelled at once; a finished one stays as it is."""
    now = yield from status(known, job_id, kept)
    if not now.state.final:
        state = {"type": "CANCELLING", "name": "Cancelling", "message": "cancelled on request"}
        yield Ask("POST", f"/flow_runs/{now.job_id}/set_state", {"state": state})
        now = yield from status(known, job_id, kept)
    return now


def many(known: Known, job_ids: Sequence[str]) -> Talk[list[JobStatus]]:
    """The status of many jobs, in the order of the ids; unknown ones are left out."""
    found: dict[str, JobStatus] = {}
    for start in range(0, len(job_ids), PAGE):
        part = [_checked(job_id) for job_id in job_ids[start : start + PAGE]]
        runs = yield Ask("POST", "/flow_runs/filter", {"flow_runs": {"id": {"any_": part}}, "limit": PAGE})
        found.update({one.job_id: one for one in _shown(known, runs)})
    return [found[_checked(job_id)] for job_id in job_ids if _checked(job_id) in found]


def queues_of(queue: str) -> list[str]:
    """The work queues that `indexing` or `indexing-high` stands for.

    Raises:
        UsageError: there is no such queue.
    """
    kind, _ = split_queue(queue)
    known = sorted({what.queue for what in KINDS.values()})
    if kind not in known:
        raise UsageError(f"there is no queue {queue}; there are: {', '.join(known)}, each also with -high and -low")
    return [queue] if queue != kind else [queue_name(kind, priority) for priority in PRIORITIES]


def listed(
    known: Known, queue: str | None, states: Sequence[JobState], limit: int, planned: bool
) -> Talk[list[JobStatus]]:
    """The latest jobs, newest first; runs that a schedule has planned for later only when `planned`."""
    runs: dict[str, Any] = {}
    if states:
        runs["state"] = {"type": {"any_": sorted({name for state in states for name in PREFECT_TYPES[state]})}}
    if queue:
        runs["work_queue_name"] = {"any_": queues_of(queue)}
    if not planned:
        runs["expected_start_time"] = {"before_": _soon()}
    found: list[JobStatus] = []
    for offset in range(0, 10 * PAGE, PAGE):
        page = yield Ask("POST", "/flow_runs/filter", {
            "flow_runs": runs, "work_pools": {"name": {"any_": [known.pool]}},
            "limit": PAGE, "offset": offset, "sort": "EXPECTED_START_TIME_DESC",
        })  # fmt: skip
        shown = _shown(known, page)
        found += [one for one in shown if not states or one.state in states]
        if len(page) < PAGE or len(found) >= limit:
            break
    return found[:limit]


def _soon() -> str:
    return (datetime.now(UTC) + timedelta(seconds=1)).isoformat()


def waiting(known: Known, queue: str) -> Talk[list[JobStatus]]:
    """The jobs of a queue that are due and have not begun."""
    states = [JobState.PENDING, JobState.RETRY]
    return [one for one in (yield from listed(known, queue, states, 10 * PAGE, False)) if _waits(one)]


def _waits(one: JobStatus) -> bool:
    return one.state is JobState.PENDING or (one.state is JobState.RETRY and one.attempt > 0)


def purge(known: Known, job_ids: Sequence[str], queue: str) -> Talk[int]:
    """Cancel the given jobs of a queue as far as they still wait; how many that were."""
    state = {"type": "CANCELLED", "name": "Cancelled", "message": f"purged from the queue {queue}"}
    done = 0
    for start in range(0, len(job_ids), BULK):
        waits = {
            "id": {"any_": list(job_ids[start : start + BULK])},
            "state": {"type": {"any_": ["SCHEDULED", "PENDING"]}},
        }
        answer = yield Ask("POST", "/flow_runs/bulk_set_state", {"flow_runs": waits, "state": state, "limit": BULK})
        done += sum(one["status"] == "ACCEPT" for one in answer["results"])
    return done


def logs(job_id: str, limit: int) -> Talk[list[dict[str, Any]]]:
    """The log lines of a job, oldest first: time, level, message."""
    levels = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        page = yield Ask("POST", "/logs/filter", {
            "logs": {"flow_run_id": {"any_": [_checked(job_id)]}}, "sort": "TIMESTAMP_ASC",
            "limit": min(PAGE, limit - len(found)), "offset": len(found),
        })  # fmt: skip
        found += [
            {"time": row["timestamp"], "level": levels.get(row["level"], str(row["level"])), "message": row["message"]}
            for row in page
        ]
        if len(page) < PAGE:
            break
    return found
