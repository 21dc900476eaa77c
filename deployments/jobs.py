"""The job service for applications: hand in a job, get its id at once, ask how it is, fetch its result.

    from deployments.jobs import cancel, result, status, submit, wait

    job = submit("index", {"sources": ["/data/bilanci"], "collection": "bilanci"}, priority="high")
    status(job.job_id).progress
    wait(job.job_id, timeout=600)
    result(job.job_id)["documents"]["indexed"]

Each function has a twin for asyncio with an `a` before its name (`asubmit`, `astatus`, …), which runs in a thread of the client's own. They
speak to the API that PREFECT_API_URL names, or to the platform that `faldone up` started on this data folder, and change nothing in the
environment. Nothing here imports Prefect, so a web application starts quickly.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from deployments.api import address, memory, results
from deployments.api.records import (
    ExpiredJob,
    Group,
    JobError,
    JobFailed,
    JobNotFinished,
    Submitted,
    UnknownJob,
    WaitTimeout,
)
from deployments.api.status import CALLBACK, PREFECT_TYPES, JobState, JobStatus, job_state, status_of
from deployments.kinds import KINDS, kind_of, kind_of_run, queues_of
from infra.errors import UsageError
from infra.limits import LOOKS, PRIORITIES, Priority, queue_name, split_queue
from infra.prefect_api import BULK, BULK_TIMEOUT, PAGE, Api, NotFound, in_thread

__all__ = [
    "ExpiredJob",
    "Group",
    "JobError",
    "JobFailed",
    "JobNotFinished",
    "JobState",
    "JobStatus",
    "Submitted",
    "UnknownJob",
    "WaitTimeout",
    "acancel",
    "achain",
    "active",
    "aresult",
    "astatus",
    "asubmit",
    "asubmit_many",
    "await_",
    "await_all",
    "cancel",
    "chain",
    "listed",
    "logs",
    "purge",
    "result",
    "status",
    "submit",
    "submit_many",
    "wait",
    "wait_all",
    "waiting",
]

Parameters = Mapping[str, Any]
CANCELS = 3  # times that a job which is just queued again is told so
FIRST, SLOWEST = 0.2, 2.0  # s between two looks while waiting: quick at first
AT_A_TIME = 8  # requests of `submit_many`
ESTIMATE_FOR = 60.0  # s that an estimate is kept


@dataclass
class _Service:
    """What one API has told about itself: ids of deployments by kind, and how long their runs take."""

    api: Api
    ui: str
    deployments: dict[str, str] = field(default_factory=dict)
    estimates: dict[str, tuple[float, float | None]] = field(default_factory=dict)  # kind: (asked at, seconds)


_services: dict[tuple[int, str], _Service] = {}


def _service() -> _Service:
    place = address.here()
    api = address.client(place)
    return _services.setdefault((id(api), place.url), _Service(api, place.ui))


def submit(
    kind: str,
    parameters: Parameters | None = None,
    priority: Priority = "normal",
    key: str | None = None,
    name: str | None = None,
    callback: str = "",
) -> Submitted:
    """Hand in a job; returns as soon as it is stored.

    Args:
        kind: `index`, `analyse`, `train`, `export`, `process`, `notify`, or a maintenance job.
        parameters: those of the flow of that name; paths as the worker sees them.
        priority: `high` overtakes whatever waits with `normal` or `low`.
        key: idempotency key: a second submit with the same key returns the first job.
        name: shown in the UI instead of one made of the parameters.
        callback: an http(s) URL that is sent the job's status as JSON when it ends (POST, retried like any job).

    Raises:
        UsageError: no such kind, or a parameter that the flow refuses. TransientError: the platform is away.
    """
    what, given = kind_of(kind), dict(parameters or {})
    if priority not in PRIORITIES:
        raise UsageError(f"priority {priority}: must be one of {', '.join(PRIORITIES)}")
    if callback and not callback.startswith(("http://", "https://")):
        raise UsageError(f"callback {callback}: must be an http:// or https:// URL")
    service = _service()
    body = {
        "name": name
        or f"{kind}-{given.get('collection') or given.get('name') or given.get('subject') or 'documents'}"[:100],
        "parameters": given,
        "work_queue_name": queue_name(what.queue, priority),
        "idempotency_key": key or uuid.uuid4().hex,  # so that the request may be sent again
        "labels": {"faldone.kind": kind} | ({CALLBACK: callback} if callback else {}),
        "tags": [kind, f"priority:{priority}"] + ([CALLBACK] if callback else []),
        "enforce_parameter_schema": True,
    }
    run = _create(service, kind, body)
    queue, given_priority = split_queue(str(run.get("work_queue_name") or body["work_queue_name"]))
    memory.remember(run["id"])
    seconds = _estimate(service, kind)
    return Submitted(
        run["id"], job_state(run), queue, given_priority, seconds, f"{service.ui}/runs/flow-run/{run['id']}"
    )


def _create(service: _Service, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    for known in (kind in service.deployments, False):
        path = f"/deployments/{_deployment(service, kind)}/create_flow_run"
        try:
            run: dict[str, Any] = service.api.ask("POST", path, body, again=True)
            return run
        except NotFound:  # deployed anew since
            service.deployments.pop(kind, None)
            if not known:
                raise
    raise AssertionError("unreachable")


def _deployment(service: _Service, kind: str) -> str:
    if kind not in service.deployments:
        wanted = KINDS[kind].deployment
        try:
            service.deployments[kind] = service.api.ask("GET", f"/deployments/name/{wanted}")["id"]
        except NotFound:
            raise UsageError(f"the platform has no deployment {wanted}: run `faldone up` again") from None
    return service.deployments[kind]


def _estimate(service: _Service, kind: str) -> float | None:
    asked, seconds = service.estimates.get(kind, (-ESTIMATE_FOR, None))
    if time.monotonic() - asked >= ESTIMATE_FOR:
        done = {
            "deployment_id": {"any_": [service.deployments[kind]]},
            "state": {"type": {"any_": ["COMPLETED"]}},
        }
        query = {"flow_runs": done, "limit": 10, "sort": "END_TIME_DESC"}
        times = [float(run["total_run_time"]) for run in service.api.ask("POST", "/flow_runs/filter", query)]
        seconds = round(sum(times) / len(times), 1) if times else None
        service.estimates[kind] = (time.monotonic(), seconds)
    return seconds


def status(job_id: str) -> JobStatus:
    """Return how a job is.

    Raises:
        UnknownJob: there never was one with this id. ExpiredJob: it is no longer kept. TransientError: the platform is away.
    """
    service = _service()
    try:
        return _status(service, service.api.ask("GET", f"/flow_runs/{_checked(job_id)}"))
    except NotFound:
        if memory.remembered(_checked(job_id)):
            raise ExpiredJob(f"job {job_id} has expired: it is finished, and its result is no longer kept") from None
        raise UnknownJob(f"there is no job {job_id}") from None


def _checked(job_id: str) -> str:
    try:
        return str(uuid.UUID(job_id))
    except ValueError:
        raise UnknownJob(f"there is no job {job_id}: an id has 32 hexadecimal digits and four dashes") from None


def _status(service: _Service, run: Mapping[str, Any]) -> JobStatus:
    queue, priority = split_queue(run.get("work_queue_name") or "")
    return status_of(run, kind_of_run(run), queue, priority, service.ui)


def result(job_id: str) -> dict[str, Any]:
    """Return what a job returned: the object that the verb of its name prints with --json.

    Raises:
        JobNotFinished, JobFailed: there is none yet, or never will be. UnknownJob, ExpiredJob, TransientError: as `status`.
    """
    now = status(job_id)
    if not now.state.final:
        raise JobNotFinished(f"job {job_id} has not finished: it is {now.state}")
    if now.state is not JobState.SUCCESS:
        raise JobFailed(f"job {job_id} ended as {now.state}: {now.error}")
    return results.fetch(_service().api, now.job_id)


def wait(job_id: str, timeout: float | None = None) -> JobStatus:
    """Return when a job has finished.

    Raises:
        WaitTimeout: it has not in `timeout` seconds. Others as `status`.
    """
    return wait_all([job_id], timeout).jobs[0]


def cancel(job_id: str) -> JobStatus:
    """Stop a job: its processes end within some seconds, what it has committed stays. A finished one stays as it is."""
    now = status(job_id)
    if now.state.final:
        return now
    state = {"type": "CANCELLING", "name": "Cancelling", "message": "cancelled on request"}
    path, api = f"/flow_runs/{now.job_id}/set_state", _service().api
    api.ask("POST", path, {"state": state}, again=True)
    for _ in range(CANCELS):  # Prefect has cancelled it by itself, its slot being lost, and its runner queues it again
        if status(job_id).state is not JobState.RETRY:
            break
        done = {"state": state | {"type": "CANCELLED", "name": "Cancelled"}, "force": True}
        api.ask("POST", path, done, again=True)
    return status(job_id)


def submit_many(kind: str, parameters: Sequence[Parameters], priority: Priority = "normal") -> list[Submitted]:
    """Hand in a group of jobs of one kind, some at a time; returns in the order of the parameters."""
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        return list(threads.map(lambda one: submit(kind, one, priority), parameters))


def wait_all(job_ids: Sequence[str], timeout: float | None = None) -> Group:
    """Return when every job of a group has finished, with the counts of successful and failed ones.

    Raises:
        WaitTimeout: some have not in `timeout` seconds. UnknownJob, ExpiredJob: one of the ids.
    """
    begin, pause = time.monotonic(), FIRST
    while (group := _ended(job_ids, begin, timeout)) is None:
        time.sleep(pause)
        pause = min(SLOWEST, pause * 1.3)
    return group


async def await_all(job_ids: Sequence[str], timeout: float | None = None) -> Group:
    """Do `wait_all` without holding the event loop, or a thread between two looks."""
    begin, pause = time.monotonic(), FIRST
    while (group := await in_thread(_ended)(job_ids, begin, timeout)) is None:
        await asyncio.sleep(pause)
        pause = min(SLOWEST, pause * 1.3)
    return group


async def await_(job_id: str, timeout: float | None = None) -> JobStatus:
    """Do `wait` without holding the event loop, or a thread between two looks."""
    return (await await_all([job_id], timeout)).jobs[0]


def _ended(job_ids: Sequence[str], begin: float, timeout: float | None) -> Group | None:
    """Return a group whose jobs have all ended, None while some have not; they were waited for since `begin` (monotonic)."""
    jobs = _many(job_ids)
    left = [one for one in jobs if not one.state.final or one.cancelling]
    if not left:
        return _group(jobs)
    if timeout is not None and time.monotonic() - begin >= timeout:
        text = f"{len(left)} of {len(jobs)} jobs had not finished after {timeout:.0f} s: {left[0].job_id}"
        raise WaitTimeout(text)
    return None


def _many(job_ids: Sequence[str]) -> list[JobStatus]:
    """Return the status of many jobs, in the order of the ids."""
    service = _service()
    found: dict[str, JobStatus] = {}
    for start in range(0, len(job_ids), PAGE):
        part = [_checked(job_id) for job_id in job_ids[start : start + PAGE]]
        runs = service.api.ask("POST", "/flow_runs/filter", {"flow_runs": {"id": {"any_": part}}, "limit": PAGE})
        found.update({run["id"]: _status(service, run) for run in runs})
    return [found.get(_checked(job_id)) or status(job_id) for job_id in job_ids]  # `status` says why one is not there


def _group(jobs: Sequence[JobStatus]) -> Group:
    count = {state: sum(one.state is state for one in jobs) for state in JobState}
    return Group(len(jobs), count[JobState.SUCCESS], count[JobState.FAILURE], count[JobState.REVOKED], tuple(jobs))


def chain(sources: Sequence[str], collection: str = "documents", **more: Any) -> Submitted:
    """Hand in index → analyse → export as one job, the flow `process`.

    Args:
        more: its other parameters, and `priority`, `key`, `name`, `callback` as in `submit`.
    """
    given = {name: more.pop(name) for name in ("priority", "key", "name", "callback") if name in more}
    return submit("process", {"sources": list(sources), "collection": collection} | more, **given)


def listed(
    queue: str | None = None,
    states: Sequence[JobState] = (),
    limit: int = 100,
    planned: bool = False,
    looks: bool = True,
) -> list[JobStatus]:
    """Return the latest jobs, newest first.

    Args:
        planned: also those that a schedule has planned for later.
        looks: also those that look every few minutes whether there is something to do.
    """
    from infra import limits

    service = _service()
    runs: dict[str, Any] = {}
    if states:
        runs["state"] = {"type": {"any_": sorted({name for state in states for name in PREFECT_TYPES[state]})}}
    if queue:
        runs["work_queue_name"] = {"any_": queues_of(queue)}
    if not planned:
        runs["expected_start_time"] = {"before_": (service.api.now() + timedelta(seconds=2)).isoformat()}
    pools = {"name": {"any_": list(limits.load().pools)}}
    query = {"flow_runs": runs, "work_pools": pools, "sort": "EXPECTED_START_TIME_DESC"}
    if not looks:
        query["deployments"] = {"name": {"any_": [kind.name for name, kind in KINDS.items() if name not in LOOKS]}}
    found: list[JobStatus] = []
    for run in service.api.pages("/flow_runs/filter", query, 10 * PAGE):
        one = _status(service, run)
        if not states or one.state in states:
            found.append(one)
        if len(found) >= limit:
            break
    return found


def active() -> list[JobStatus]:
    """Return the jobs that run now."""
    return listed(states=[JobState.STARTED, JobState.PROGRESS], limit=1_000)


def waiting(queue: str) -> list[JobStatus]:
    """Return the jobs of a queue that are due and have not begun."""
    return listed(queue, [JobState.PENDING, JobState.RETRY], 10 * PAGE)


def purge(queue: str) -> int:
    """Cancel every waiting job of a queue (of all its priorities, unless the name says one), and return how many; running ones go on."""
    api = _service().api
    found = [one.job_id for one in waiting(queue)]
    state = {"type": "CANCELLED", "name": "Cancelled", "message": f"purged from the queue {queue}"}
    done = 0
    for start in range(0, len(found), BULK):
        ids = {"any_": found[start : start + BULK]}
        waits = {"id": ids, "state": {"type": {"any_": ["SCHEDULED", "PENDING"]}}}
        body = {"flow_runs": waits, "state": state, "limit": BULK}
        answer = api.ask("POST", "/flow_runs/bulk_set_state", body, timeout=BULK_TIMEOUT)
        done += sum(one["status"] == "ACCEPT" for one in answer["results"])
    return done


def logs(job_id: str, limit: int = 1_000) -> list[dict[str, Any]]:
    """Return the log lines of a job, oldest first: time, level, message."""
    run = status(job_id)
    query = {"logs": {"flow_run_id": {"any_": [run.job_id]}}, "sort": "TIMESTAMP_ASC"}
    return [
        {"time": row["timestamp"], "level": logging.getLevelName(row["level"]), "message": row["message"]}
        for row in _service().api.pages("/logs/filter", query, limit)
    ]


asubmit = in_thread(submit)
astatus = in_thread(status)
aresult = in_thread(result)
acancel = in_thread(cancel)
asubmit_many = in_thread(submit_many)
achain = in_thread(chain)
