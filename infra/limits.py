"""The numbers of `limits.yaml` as typed records: slots, time limits and tries of each queue, rates, retention, alert thresholds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.errors import UsageError
from infra.machine import cores

Priority = Literal["high", "normal", "low"]
LOOKS = ("sources", "health")  # kinds of job that run every few minutes, whether or not there is something to do
PRIORITIES: tuple[Priority, ...] = ("high", "normal", "low")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pool(_Record):
    """The work pools: NAME for jobs, and NAME-maintenance, whose slots no long job takes."""

    name: str
    slots: int = Field(ge=0)
    maintenance_slots: int = Field(ge=1)


class Times(_Record):
    """Seconds; see the comments in limits.yaml."""

    heartbeat: float = Field(gt=0)
    lease: float = Field(gt=0)
    stop_grace: float = Field(gt=0)
    cancel_grace: float = Field(gt=0)
    poll: float = Field(gt=0)
    pending: float = Field(gt=0)


class Retention(_Record):
    """How long Prefect keeps what is finished."""

    runs_days: float = Field(gt=0)
    looks_days: float = Field(gt=0)
    events_days: float = Field(gt=0)


class Drill(_Record):
    """How much of a backup each drill verifies; see the comments in limits.yaml."""

    share: float = Field(gt=0, le=1)
    least_bytes: int = Field(ge=0)
    whole_days: float = Field(gt=0)


class Queue(_Record):
    """Limits of one kind of job."""

    slots: int = Field(ge=0)
    soft: float = Field(gt=0)
    hard: float = Field(gt=0)
    tries: int = Field(ge=1)
    pool: Literal["jobs", "maintenance"] = "jobs"


class Rate(_Record):
    """A global limit: `limit` at once, `per_second` given back."""

    limit: int = Field(ge=1)
    per_second: float = Field(ge=0)


class Alerts(_Record):
    """When a person is alerted."""

    every: float = Field(gt=0)
    statistics: float = Field(gt=0)
    queue_age: float = Field(gt=0)
    queue_age_failing: float = Field(gt=0)
    late_factor: float = Field(ge=1)
    late_grace: float = Field(ge=0)
    quarantine_share: float = Field(ge=0)
    quarantine_documents: int = Field(ge=1)
    disk_free_share: float = Field(ge=0, lt=1)
    disk_free_bytes: int = Field(ge=0)
    disk_enough_bytes: int = Field(ge=0)
    disk_least_bytes: int = Field(ge=0)


class PlatformLimits(_Record):
    """The whole file."""

    pool: Pool
    time: Times
    retention: Retention
    drill: Drill
    queues: dict[str, Queue]
    rates: dict[str, Rate]
    alerts: Alerts

    @property
    def pools(self) -> dict[str, int]:
        """Return the work pools and how many jobs each runs at a time."""
        return {self.pool.name: self.pool.slots or max(2, cores()), self.maintenance_pool: self.pool.maintenance_slots}

    @property
    def maintenance_pool(self) -> str:
        """Return the name of the pool for maintenance and messages."""
        return f"{self.pool.name}-maintenance"

    def pool_of(self, queue: str) -> str:
        """Return the work pool of a queue, without its priority."""
        return self.pool.name if self.queues[queue].pool == "jobs" else self.maintenance_pool


def path() -> Path:
    """Return the file in use."""
    return Path(os.environ.get("FALDONE_LIMITS_FILE", Path(__file__).with_name("limits.yaml")))


def load() -> PlatformLimits:
    """Read the file.

    Raises:
        UsageError: it is missing or has a value that cannot be; the message names the entry.
    """
    import yaml

    file = path()
    try:
        return PlatformLimits.model_validate(yaml.safe_load(file.read_text()))
    except FileNotFoundError:
        raise UsageError(f"FALDONE_LIMITS_FILE: there is no file {file}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{file}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None


def queue_name(queue: str, priority: Priority) -> str:
    """Return the work queue of a kind of job and a priority: `indexing-high`, `indexing`, `indexing-low`."""
    return queue if priority == "normal" else f"{queue}-{priority}"


def split_queue(name: str) -> tuple[str, Priority]:
    """Return the kind and priority of a work queue."""
    for priority in PRIORITIES:
        if name.endswith(f"-{priority}"):
            return name.removesuffix(f"-{priority}"), priority
    return name, "normal"


def priorities(limits: PlatformLimits, pool: str) -> dict[str, int]:
    """Return Prefect's numbers for the queues of a pool, 1 first: all high queues, then the normal ones, then the low ones."""
    queues = [queue for queue in limits.queues if limits.pool_of(queue) == pool]
    names = [queue_name(queue, priority) for priority in PRIORITIES for queue in queues]
    return {name: number for number, name in enumerate(names, 1)}
