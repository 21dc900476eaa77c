"""What every flow shows in the Prefect UI, and how its tasks retry.

A job's progress is an artifact that is updated about once a second from a thread of its own, so that counting never waits for the API.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypedDict

from prefect import Task
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from infra.cluster import Workers
from infra.errors import PASSING, first_line
from infra.machine import JITTER, wait_before
from infra.stop import FOLDER
from tasks.collection.commit import StoreError
from tasks.progress import Progress, repeated

log = logging.getLogger("faldone.flows")

RETRIES = 6
RETRIES_OF_A_JOB = 2  # at most: the job service queues the whole job again, which holds no slot while it waits
EVERY = 1.0  # s between two updates of a progress artifact
DASK = "dask-dashboard"  # the key of the link to Dask's page


class Retry(TypedDict):
    """Arguments of Prefect's `@task`."""

    retries: int
    retry_delay_seconds: list[float]
    retry_jitter_factor: float
    retry_condition_fn: Any
    cache_policy: Any


def retry(times: int = RETRIES) -> Retry:
    """Retry what may pass by itself, after min(300, 5·2ⁿ) seconds with a fifth of jitter; anything else fails at once.

    A task waits in its process and slot, so within a job of the service it tries again twice at most, and the job service does the rest.
    """
    times = min(times, RETRIES_OF_A_JOB) if FOLDER in os.environ else times
    return Retry(
        retries=times,
        retry_delay_seconds=[wait_before(failures) for failures in range(1, times + 1)],
        retry_jitter_factor=JITTER,
        retry_condition_fn=is_transient,
        cache_policy=NO_CACHE,
    )


def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Tell whether a failed task's error may pass by itself."""
    try:
        state.result()
    except (*PASSING, StoreError) as error:
        delays = task.retry_delay_seconds
        wait = delays[min(task_run.run_count, len(delays)) - 1] if isinstance(delays, list) and delays else 0.0
        log.warning(
            "%s: %s; this may pass: tried again in about %.0f s (%d of %s)",
            task_run.name,
            error,
            wait,
            task_run.run_count,
            task.retries,
        )
        return True
    except BaseException:  # noqa: BLE001 - whatever else it is, it is not to be retried; Prefect reports it
        return False
    return False


@contextmanager
def artifacts(progress: Progress, key: str) -> Iterator[None]:
    """Publish a job's progress as a Prefect progress artifact meanwhile."""
    made: Any = None
    last = ""
    with _for_show("the progress artifact"):
        made = create_progress_artifact(progress=0.0, key=key, description="starting")

    def publish() -> None:
        nonlocal last
        status = progress.status()
        if made is not None and status.line() != last:
            last = status.line()
            with _for_show("the progress artifact"):
                update_progress_artifact(artifact_id=made, progress=status.percent, description=last)

    with repeated(publish, EVERY):
        yield


@contextmanager
def _for_show(what: str) -> Iterator[None]:
    """Only log what the API does not take: it is for people to look at, and must not end a job whose work is done."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the API's absence has many classes
        log.warning("%s could not be published, the job goes on: %s", what, first_line(error))


def table(key: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Publish a table artifact; an empty one says so in its description."""
    with _for_show(f"the table {key}"):
        create_table_artifact(key=key, table=[dict(row) for row in rows] or [{"": "nothing"}], description=description)


def dashboard(workers: Workers[Any] | None) -> None:
    """Publish a link to Dask's page, as long as the job's workers have one."""
    if workers is not None and workers.dashboard:
        with _for_show("the link to Dask's page"):
            create_link_artifact(
                key=DASK, link=workers.dashboard, link_text="Dask's dashboard", description=workers.name
            )
