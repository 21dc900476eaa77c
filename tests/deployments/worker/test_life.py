"""The end of an attempt at a real server: what somebody else says of the job at that moment counts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from deployments.api.status import JobState, job_state, slot_lost
from deployments.worker import life
from infra.prefect_api import Api


@pytest.fixture
def api(prefect_api: None) -> Api:
    from prefect.settings import PREFECT_API_URL

    return Api(str(PREFECT_API_URL.value()))


def at_work(api: Api) -> str:
    """A job that runs; its id."""
    flow = api.ask("POST", "/flows/", {"name": "at work"})["id"]
    deployment = api.ask("POST", "/deployments/", {"flow_id": flow, "name": "at work"})["id"]
    body = {"state": {"type": "PENDING"}}
    run: dict[str, Any] = api.ask("POST", f"/deployments/{deployment}/create_flow_run", body)
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


def test_a_job_whose_slot_prefect_has_lost_waits_for_another_and_begins(api: Api) -> None:
    """As with a Redis that began anew as the job was to begin: its lease is gone, and its slot is still counted."""
    from prefect import get_client
    from prefect.states import Running

    flow = api.ask("POST", "/flows/", {"name": "alone"})["id"]
    deployment = api.ask("POST", "/deployments/", {"flow_id": flow, "name": "alone", "concurrency_limit": 1})
    path = f"/deployments/{deployment['id']}/create_flow_run"
    job = api.ask("POST", path, {"state": {"type": "SCHEDULED"}})["id"]
    life.set_state(api, job, {"type": "PENDING"}, force=False)
    lease = life.lookup(api, job)["state"]["state_details"]["deployment_concurrency_lease_id"]
    api.ask("POST", "/v2/concurrency_limits/decrement-with-lease", {"lease_id": lease})
    limit = deployment["global_concurrency_limit"]["name"]
    api.ask("POST", "/v2/concurrency_limits/increment", {"names": [limit], "slots": 1, "mode": "concurrency"})

    with get_client(sync_client=True) as engine:  # by its version the server knows that it could have kept the lease
        assert engine.set_flow_run_state(UUID(job), Running()).status.value == "REJECT"
    run = life.lookup(api, job)
    assert run["state"]["type"] == "CANCELLED" and slot_lost(run) and job_state(run) is JobState.RETRY
    life.queue_again(api, job, "it waits", 0, 0)
    run = life.lookup(api, job)
    assert run["state"]["name"] == "AwaitingRetry" and not life.claim(run).ended
    assert life.set_state(api, job, {"type": "PENDING"}, force=False) == "ACCEPT"
    assert life.lookup(api, job)["state"]["type"] == "PENDING"


def test_a_job_that_ends_as_it_is_cancelled_stays_as_it_ended(api: Api) -> None:
    job = at_work(api)
    life.finish(api, job, "COMPLETED", "Completed", "")
    answer = life.set_state(api, job, {"type": "CANCELLING", "name": "Cancelling"}, force=False)
    assert answer == "ABORT"
    assert life.final(life.lookup(api, job))
