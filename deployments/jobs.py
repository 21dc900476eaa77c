"""The job service for applications: hand in a job, get its id at once, ask how it is, fetch its result.

    from deployments.jobs import cancel, result, status, submit, wait

    job = submit("index", {"sources": ["/data/bilanci"], "collection": "bilanci"}, priority="high")
    status(job.job_id).progress
    wait(job.job_id, timeout=600)
    result(job.job_id)["documents"]["indexed"]

Each function has a twin for asyncio with an `a` before its name (`asubmit`, `astatus`, …). They speak to the API that PREFECT_API_URL names,
or to the platform that `faldone up` started on this data folder. Nothing here imports Prefect, so a web application starts quickly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from deployments.api import rest, talks
from deployments.api.states import JobState, JobStatus
from deployments.api.talks import ExpiredJob, JobError, JobFailed, JobNotFinished, Submitted, UnknownJob
from infra.errors import FaldoneError
from infra.limits import Priority

__all__ = [
    "ExpiredJob", "Group", "JobError", "JobFailed", "JobNotFinished", "JobState", "JobStatus", "Submitted",
    "UnknownJob", "WaitTimeout", "acancel", "achain", "active", "aresult", "astatus", "asubmit", "asubmit_many", "await_",
    "await_all", "cancel", "chain", "listed", "logs", "purge", "result", "status", "submit", "submit_many", "wait",
    "wait_all", "waiting",
]  # fmt: skip

Parameters = Mapping[str, Any]
FIRST, SLOWEST = 0.2, 2.0  # s between two looks while waiting: quick at first


class WaitTimeout(FaldoneError):
    """The job had not finished in the time given; it goes on."""


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs that were waited for together, in the order of their ids."""

    total: int
    successful: int
    failed: int
    revoked: int
    jobs: tuple[JobStatus, ...]


@lru_cache(maxsize=8)
def _known(url: str) -> talks.Known:
    from infra.limits import load

    return talks.Known(url, rest.ui_url(url), load().pool.name)


def _here() -> talks.Known:
    return _known(rest.api_url())


def submit(
    kind: str,
    parameters: Parameters | None = None,
    priority: Priority = "normal",
    key: str | None = None,
    name: str | None = None,
) -> Submitted:
    """Hand in a job; returns as soon as it is stored.

    Args:
        kind: `index`, `analyse`, `train`, `export`, `process`, or a maintenance job.
        parameters: those of the flow of that name; paths as the worker sees them.
        priority: `high` overtakes whatever waits with `normal` or `low`.
        key: idempotency key: a second submit with the same key returns the first job.
        name: shown in the UI instead of one made of the parameters.

    Raises:
        UsageError: no such kind, or a parameter that the flow refuses. TransientError: the platform is away.
    """
    known = _here()
    return _noted(rest.run(talks.submit(known, kind, parameters or {}, priority, key, name), known.url))


async def asubmit(
    kind: str,
    parameters: Parameters | None = None,
    priority: Priority = "normal",
    key: str | None = None,
    name: str | None = None,
) -> Submitted:
    """`submit` for asyncio."""
    known = _here()
    return _noted(await rest.arun(talks.submit(known, kind, parameters or {}, priority, key, name), known.url))


def _noted(job: Submitted) -> Submitted:
    """The data folder remembers that there was such a job when Prefect has forgotten it."""
    from deployments.worker.leases import remember

    remember(job.job_id)
    return job


def status(job_id: str) -> JobStatus:
    """How a job is.

    Raises:
        UnknownJob: there never was one with this id. ExpiredJob: it is no longer kept. TransientError: the platform is away.
    """
    known = _here()
    return rest.run(talks.status(known, job_id, _kept), known.url)


async def astatus(job_id: str) -> JobStatus:
    """`status` for asyncio."""
    known = _here()
    return await rest.arun(talks.status(known, job_id, _kept), known.url)


def result(job_id: str) -> dict[str, Any]:
    """What a job returned: the object that the verb of its name prints with --json.

    Raises:
        JobNotFinished, JobFailed: there is none yet, or never will be. UnknownJob, ExpiredJob, TransientError: as `status`.
    """
    known = _here()
    return _whole(rest.run(talks.result(known, job_id, _kept), known.url))


async def aresult(job_id: str) -> dict[str, Any]:
    """`result` for asyncio."""
    known = _here()
    return _whole(await rest.arun(talks.result(known, job_id, _kept), known.url))


def _whole(data: dict[str, Any]) -> dict[str, Any]:
    """A result too large for the database lies in the data folder, and its place is kept instead."""
    from deployments.api.results import fetch

    return fetch(data)


def _kept(job_id: str) -> bool:
    """Whether the data folder remembers a job of this id."""
    from deployments.worker.leases import remembered

    return remembered(job_id)


def wait(job_id: str, timeout: float | None = None) -> JobStatus:
    """Return when a job has finished.

    Raises:
        WaitTimeout: it has not in `timeout` seconds. Others as `status`.
    """
    return wait_all([job_id], timeout).jobs[0]


async def await_(job_id: str, timeout: float | None = None) -> JobStatus:
    """`wait` for asyncio."""
    return (await await_all([job_id], timeout)).jobs[0]


def cancel(job_id: str) -> JobStatus:
    """Stop a job: its processes end within some seconds, what it has committed stays. A finished one stays as it is."""
    known = _here()
    return rest.run(talks.cancel(known, job_id, _kept), known.url)


async def acancel(job_id: str) -> JobStatus:
    """`cancel` for asyncio."""
    known = _here()
    return await rest.arun(talks.cancel(known, job_id, _kept), known.url)


def submit_many(kind: str, parameters: Sequence[Parameters], priority: Priority = "normal") -> list[Submitted]:
    """Hand in a group of jobs of one kind."""
    return [submit(kind, one, priority) for one in parameters]


async def asubmit_many(kind: str, parameters: Sequence[Parameters], priority: Priority = "normal") -> list[Submitted]:
    """`submit_many` for asyncio, some at a time."""
    few = asyncio.Semaphore(8)

    async def one(values: Parameters) -> Submitted:
        async with few:
            return await asubmit(kind, values, priority)

    return list(await asyncio.gather(*(one(values) for values in parameters)))


def wait_all(job_ids: Sequence[str], timeout: float | None = None) -> Group:
    """Return when every job of a group has finished, with the counts of successful and failed ones.

    Raises:
        WaitTimeout: some have not in `timeout` seconds. UnknownJob, ExpiredJob: one of the ids.
    """
    known, begin, pause = _here(), time.monotonic(), FIRST
    while True:
        group = _group(rest.run(talks.many(known, job_ids), known.url))
        if len(group.jobs) < len(job_ids):
            _explain(job_ids, group)
        if all(one.state.final and not one.cancelling for one in group.jobs):
            return group
        _check_time(group, begin, timeout)
        time.sleep(pause)
        pause = min(SLOWEST, pause * 1.3)


async def await_all(job_ids: Sequence[str], timeout: float | None = None) -> Group:
    """`wait_all` for asyncio."""
    known, begin, pause = _here(), time.monotonic(), FIRST
    while True:
        group = _group(await rest.arun(talks.many(known, job_ids), known.url))
        if len(group.jobs) < len(job_ids):
            await asyncio.to_thread(_explain, job_ids, group)
        if all(one.state.final and not one.cancelling for one in group.jobs):
            return group
        _check_time(group, begin, timeout)
        await asyncio.sleep(pause)
        pause = min(SLOWEST, pause * 1.3)


def _explain(job_ids: Sequence[str], group: Group) -> None:
    """Raise what is to be said about an id that was not found."""
    found = {one.job_id for one in group.jobs}
    for job_id in job_ids:
        if job_id not in found:
            status(job_id)


def _check_time(group: Group, begin: float, timeout: float | None) -> None:
    if timeout is not None and time.monotonic() - begin >= timeout:
        left = [one.job_id for one in group.jobs if not one.state.final or one.cancelling]
        raise WaitTimeout(f"{len(left)} of {group.total} jobs had not finished after {timeout:.0f} s: {left[0]}")


def _group(jobs: Sequence[JobStatus]) -> Group:
    count = {state: sum(one.state is state for one in jobs) for state in JobState}
    return Group(len(jobs), count[JobState.SUCCESS], count[JobState.FAILURE], count[JobState.REVOKED], tuple(jobs))


def chain(sources: Sequence[str], collection: str = "documents", **more: Any) -> Submitted:
    """Index → analyse → export as one job: the flow `process`; `more` are its other parameters, and `priority` and `key`."""
    given = {name: more.pop(name) for name in ("priority", "key", "name") if name in more}
    return submit("process", {"sources": list(sources), "collection": collection} | more, **given)


async def achain(sources: Sequence[str], collection: str = "documents", **more: Any) -> Submitted:
    """`chain` for asyncio."""
    given = {name: more.pop(name) for name in ("priority", "key", "name") if name in more}
    return await asubmit("process", {"sources": list(sources), "collection": collection} | more, **given)


def listed(
    queue: str | None = None, states: Sequence[JobState] = (), limit: int = 100, planned: bool = False
) -> list[JobStatus]:
    """The latest jobs, newest first; with `planned` also those that a schedule has planned for later."""
    known = _here()
    return rest.run(talks.listed(known, queue, states, limit, planned), known.url)


def active() -> list[JobStatus]:
    """The jobs that run now."""
    return listed(states=[JobState.STARTED, JobState.PROGRESS], limit=1_000)


def waiting(queue: str) -> list[JobStatus]:
    """The jobs of a queue that are due and have not begun."""
    known = _here()
    return rest.run(talks.waiting(known, queue), known.url)


def purge(queue: str) -> int:
    """Cancel every waiting job of a queue (of all its priorities, unless the name says one); running ones go on."""
    known = _here()
    found = [one.job_id for one in waiting(queue)]
    return rest.run(talks.purge(known, found, queue), known.url)


def logs(job_id: str, limit: int = 1_000) -> list[dict[str, Any]]:
    """The log lines of a job, oldest first."""
    status(job_id)
    return rest.run(talks.logs(job_id, limit), _here().url)
