"""What the job service answers with, and the errors that it raises."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from deployments.api.status import JobState, JobStatus
from infra.errors import FaldoneError, UsageError
from infra.limits import Priority


class ExpiredJob(UsageError):
    """There was such a job, and what was kept of it is gone."""


class JobError(FaldoneError):
    """The job service cannot give what was asked for."""


class UnknownJob(UsageError):
    """There never was a job with this id."""


class JobNotFinished(JobError):
    """The job has no result yet."""


class JobFailed(JobError):
    """The job ended without a result; the message says why."""


class WaitTimeout(FaldoneError):
    """The job had not finished in the time given; it goes on."""


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
        """Return the object that `faldone jobs submit --json` prints."""
        return asdict(self) | {"state": str(self.state)}


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs that were waited for together, in the order of their ids."""

    total: int
    successful: int
    failed: int
    revoked: int
    jobs: tuple[JobStatus, ...]
