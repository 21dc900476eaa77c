"""The job service at the edges: what it refuses, what has gone, what was deployed anew. With a platform: test_e2e.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployments import jobs
from deployments.api import address, memory, results
from deployments.api.status import SLOT_LOST
from deployments.jobs import ExpiredJob, JobFailed, JobNotFinished, JobState, UnknownJob, WaitTimeout
from infra.errors import TransientError, UsageError
from infra.settings import load
from tests.prefect_rows import Server

ID = "0b5e0f4e-0000-4000-8000-000000000000"
OTHER = "0b5e0f4e-0000-4000-8000-000000000001"


def run(state_type: str = "RUNNING", job: str = ID, **more: Any) -> dict[str, Any]:
    about = {
        "id": job,
        "name": "index-x",
        "tags": ["index"],
        "work_queue_name": "indexing",
        "created": "2026-11-26T07:00:00Z",
    }
    return about | {"state": {"type": state_type, "name": state_type.title(), "message": "why"}, "labels": {}} | more


def knows(server: Server, path: str, content: Any, status: int = 200) -> None:
    server.answers[path] = (status, json.dumps(content).encode())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kind": "nothing"}, "no kind of job nothing; there are: index"),
        ({"kind": "index", "priority": "urgent"}, "priority urgent: must be one of high, normal, low"),
        ({"kind": "index", "callback": "ftp://x"}, "must be an http:// or https:// URL"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(server: Server, given: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        jobs.submit(**given)
    assert server.asked == []


def test_a_deployment_that_is_not_there_is_named_with_what_to_do(server: Server) -> None:
    knows(server, "/deployments/name/index/documents", {"detail": "Not found"}, 404)
    with pytest.raises(UsageError, match=r"no deployment index/documents: run `faldone up` again"):
        jobs.submit("index")


def test_a_deployment_that_was_made_anew_is_looked_up_again(server: Server) -> None:
    Path(load().root).mkdir(parents=True)
    for deployment, job in (("old", ID), ("new", OTHER)):
        knows(server, "/deployments/name/index/documents", {"id": deployment})
        knows(server, f"/deployments/{deployment}/create_flow_run", run("SCHEDULED", job))
        assert jobs.submit("index", {"collection": "x"}).job_id == job
        knows(server, f"/deployments/{deployment}/create_flow_run", {"detail": "Not found"}, 404)
    assert memory.remembered(OTHER)
    knows(server, "/deployments/name/index/documents", {"id": "new"})
    with pytest.raises(UsageError, match="Not found"):
        jobs.submit("index")


def test_unknown_expired_and_senseless_ids_are_told_apart(server: Server) -> None:
    knows(server, f"/flow_runs/{ID}", {"detail": "Flow run not found"}, 404)
    with pytest.raises(UnknownJob, match=f"there is no job {ID}"):
        jobs.status(ID)
    Path(load().root).mkdir(parents=True)
    memory.remember(ID)
    with pytest.raises(ExpiredJob, match="no longer kept"):
        jobs.wait(ID, 1)
    with pytest.raises(UnknownJob, match="32 hexadecimal digits"):
        jobs.cancel("x")


@pytest.mark.parametrize(
    ("state_type", "error"), [("RUNNING", JobNotFinished), ("SCHEDULED", JobNotFinished), ("CRASHED", JobFailed)]
)
def test_there_is_no_result_before_the_end_and_none_of_a_failure(
    server: Server, state_type: str, error: type[Exception]
) -> None:
    knows(server, f"/flow_runs/{ID}", run(state_type))
    with pytest.raises(error):
        jobs.result(ID)


def test_a_large_result_lies_in_the_data_folder_and_says_when_it_is_gone(server: Server) -> None:
    Path(load().root, "jobs").mkdir(parents=True)
    knows(server, f"/flow_runs/{ID}", run("COMPLETED"))
    with pytest.raises(ExpiredJob, match="the result of job"):
        jobs.result(ID)
    large = {"text": "x" * results.LARGE}
    results.store(address.connect(), ID, 1, large)
    kept = next(body for _, path, body in server.asked if path == "/artifacts/")
    server.rows["/artifacts/filter"] = [kept]
    assert jobs.result(ID) == large
    place = Path(kept["data"][results.PLACE])
    place.rename(place.with_suffix(".aside"))
    with pytest.raises(ExpiredJob, match="is no longer there"):
        jobs.result(ID)
    place.mkdir()
    with pytest.raises(TransientError, match="cannot be read"):
        jobs.result(ID)


def test_waiting_ends_with_the_group_or_with_the_time(server: Server) -> None:
    server.rows["/flow_runs/filter"] = [run("COMPLETED"), run("FAILED", OTHER)]
    group = jobs.wait_all([ID, OTHER], 5)
    assert (group.total, group.successful, group.failed, group.revoked) == (2, 1, 1, 0)
    server.rows["/flow_runs/filter"] = [run("COMPLETED"), run("CANCELLING", OTHER)]
    with pytest.raises(WaitTimeout, match=f"1 of 2 jobs had not finished after 0 s: {OTHER}"):
        jobs.wait_all([ID, OTHER], 0)


def test_a_finished_job_is_not_cancelled(server: Server) -> None:
    knows(server, f"/flow_runs/{ID}", run("COMPLETED"))
    assert jobs.cancel(ID).state is JobState.SUCCESS
    assert [path for method, path, _ in server.asked if method == "POST"] == []


def test_a_job_that_begins_again_without_its_slot_can_be_cancelled(server: Server) -> None:
    """Prefect has cancelled it by itself, and aborts what would cancel it once more."""
    state = {"type": "CANCELLED", "name": "Cancelled", "message": f"{SLOT_LOST} during provisioning"}
    knows(server, f"/flow_runs/{ID}", run("CANCELLED") | {"state": state})
    knows(server, f"/flow_runs/{ID}/set_state", {"status": "ABORT"})
    assert jobs.cancel(ID).state is JobState.RETRY, "as this server goes on to say"
    given = [body for method, path, body in server.asked if path.endswith("/set_state")]
    assert [body["state"]["type"] for body in given] == ["CANCELLING", *["CANCELLED"] * jobs.CANCELS]
    assert given[-1]["force"] and given[-1]["state"]["message"] == "cancelled on request"


def test_a_queue_that_is_not_there_is_named_with_those_that_are(server: Server) -> None:
    with pytest.raises(UsageError, match="there is no queue nothing; there are: analysis, export, indexing, looks"):
        jobs.purge("nothing")


def test_a_purge_counts_what_was_still_waiting(server: Server) -> None:
    server.rows["/flow_runs/filter"] = [run("SCHEDULED"), run("SCHEDULED", OTHER)]
    knows(server, "/flow_runs/bulk_set_state", {"results": [{"status": "ACCEPT"}, {"status": "ABORT"}]})
    assert jobs.purge("indexing-low") == 1


def test_no_platform_is_said_as_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with pytest.raises(TransientError, match="no platform is running: start one with `faldone up`"):
        jobs.status(ID)


@pytest.mark.parametrize(
    ("profiles", "url"),
    [
        ('active = "team"\n[profiles.team]\nPREFECT_API_URL = "http://team.example/api"', "http://team.example/api"),
        ('active = "none"\n[profiles.team]\nPREFECT_API_URL = "http://team.example/api"', ""),
        ("active = [", ""),
        (None, ""),
    ],
)
def test_the_address_of_prefect_s_profile_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profiles: str | None, url: str
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    if profiles is not None:
        (tmp_path / "profiles.toml").write_text(profiles)
    assert address.configured() == url
