"""The end of an attempt at a real server: what somebody else says of the job at that moment counts."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.worker import life
from infra.prefect_api import Api


@pytest.fixture
def api(prefect_api: None) -> Api:
    from prefect.settings import PREFECT_API_URL

    return Api(str(PREFECT_API_URL.value()))


def at_work(api: Api) -> str:
    """A job that runs; its id."""
    flow = api.ask("POST", "/flows/", {"name": "at work"})["id"]
    run: dict[str, Any] = api.ask("POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})
    life.set_state(api, run["id"], {"type": "RUNNING", "name": "Running"})
    return str(run["id"])


@pytest.mark.parametrize(
    ("meanwhile", "then"),
    [
        ("", "AwaitingRetry"),
        ("CRASHED", "AwaitingRetry"),  # a worker had lost sight of it
        ("CANCELLING", "Cancelled"),
        ("CANCELLED", "Cancelled"),
        ("COMPLETED", "Completed"),
    ],
)
def test_a_job_that_is_queued_again_is_not_when_somebody_has_cancelled_it_just_then(
    api: Api, meanwhile: str, then: str
) -> None:
    job = at_work(api)
    if meanwhile:
        life.set_state(api, job, {"type": meanwhile, "name": meanwhile.title()}, force=False)
    life.queue_again(api, job, "try 1 of 3", 60, 1)
    run = life.lookup(api, job)
    assert run["state"]["name"] == then
    assert life.claim(run).ended is (then != "AwaitingRetry")
    assert life.claim(run).owner == ""


def test_a_job_that_ends_as_it_is_cancelled_stays_as_it_ended(api: Api) -> None:
    job = at_work(api)
    life.finish(api, job, "COMPLETED", "Completed", "")
    answer = life.set_state(api, job, {"type": "CANCELLING", "name": "Cancelling"}, force=False)
    assert answer == "ABORT"
    assert life.final(life.lookup(api, job))
