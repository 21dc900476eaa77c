"""The verbs of the job service and of the platform, as a person types them; with a platform: tests/deployments/test_e2e.py."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from deployments import state
from deployments.cli import app
from deployments.cli import jobs as verbs
from deployments.state import Platform, Process
from infra.errors import UsageError
from tests.deployments.test_jobs import ID, OTHER, knows, run
from tests.prefect_rows import Server


def faldone(*line: str, status: int = 0, typed: str | None = None) -> Any:
    """Run a command; its output, as JSON where that was asked for."""
    done = CliRunner().invoke(app, line, input=typed)
    assert done.exit_code == status, done.output
    return json.loads(done.stdout) if "--json" in line else done.output


def works(**labels: Any) -> dict[str, Any]:
    """A job at work that has said how far it is."""
    said = {"stage": "index", "done": 3, "total": 9, "item": "bilancio.pdf", "eta": 75, "percent": 33.3} | labels
    return run() | {"labels": {f"faldone.{name}": value for name, value in said.items()}, "run_count": 2}


def test_a_job_is_handed_in_with_its_parameters_and_the_time_that_such_jobs_take(server: Server) -> None:
    knows(server, "/deployments/name/index/documents", {"id": "d"})
    knows(server, "/deployments/d/create_flow_run", run("SCHEDULED"))
    server.rows["/flow_runs/filter"] = [{"total_run_time": 12.0}, {"total_run_time": 14.0}]
    line = ("jobs", "submit", "index", "-p", "sources=a", "-p", "sources=/b", "-p", "prune=false", "--priority", "high")
    assert "usually 13 s" in faldone(*line)
    assert faldone(*line, "--json")["job_id"] == ID
    body = next(body for _, path, body in server.asked if path == "/deployments/d/create_flow_run")
    assert body["parameters"] == {"sources": [f"{os.getcwd()}/a", "/b"], "prune": False}
    assert body["work_queue_name"] == "indexing-high"
    assert "must be KEY=VALUE" in faldone("jobs", "submit", "index", "-p", "sources", status=2)


@pytest.mark.parametrize(
    ("given", "means"),
    [
        (["sources=s3://b/x"], {"sources": ["s3://b/x"]}),
        (['sources=["a", "s3://b"]', "sources=/c"], {"sources": ["{here}/a", "s3://b", "/c"]}),
        (["output=out/"], {"output": "{here}/out/"}),
        (["documents=0123456789abcdef0123456789abcdef"], {"documents": ["0123456789abcdef0123456789abcdef"]}),
        (["documents=null"], {"documents": None}),
        (["to=a@b.example"], {"to": ["a@b.example"]}),
        (["batch=1", "batch=2"], {"batch": [1, 2]}),
    ],
)
def test_parameters_are_read_as_they_are_meant(given: list[str], means: dict[str, Any]) -> None:
    assert verbs.parameters(given) == json.loads(json.dumps(means).replace("{here}", os.getcwd()))
    with pytest.raises(UsageError):
        verbs.parameters(["plain"])


def test_how_a_job_is_is_one_line(server: Server) -> None:
    knows(server, f"/flow_runs/{ID}", works())
    assert (
        faldone("jobs", "status", ID) == "index PROGRESS · 33 % · index · 3/9 · bilancio.pdf · ETA 1:15 · attempt 2\n"
    )
    assert faldone("jobs", "status", ID, "--json")["current_item"] == "bilancio.pdf"
    knows(server, f"/flow_runs/{ID}", works(stage="discover", total=0, eta=-1))
    assert "3/" not in faldone("jobs", "status", ID)
    assert "has not finished" in faldone("jobs", "result", ID, status=1)


def test_a_result_is_printed_as_json(server: Server) -> None:
    knows(server, f"/flow_runs/{ID}", run("COMPLETED"))
    server.rows["/artifacts/filter"] = [{"data": {"status": "completed"}}]
    assert json.loads(faldone("jobs", "result", ID)) == faldone("jobs", "result", ID, "--json")


def test_waiting_for_some_jobs_fails_when_one_of_them_has(server: Server) -> None:
    server.rows["/flow_runs/filter"] = [run("COMPLETED"), run("FAILED", OTHER)]
    counts = "1 of 2 successful, 1 failed, 0 revoked"
    assert counts in faldone("jobs", "wait", ID, OTHER, status=1)
    assert len(faldone("jobs", "wait", ID, OTHER, "--json", status=1)["jobs"]) == 2
    assert faldone("jobs", "wait", ID) == "index SUCCESS · 100 %\n"
    server.rows["/flow_runs/filter"] = [run()]
    assert "had not finished after" in faldone("jobs", "wait", ID, "--timeout", "0.1", status=1)


def test_a_job_is_cancelled_and_its_log_is_printed(server: Server) -> None:
    knows(server, f"/flow_runs/{ID}", run("CANCELLING"))
    assert faldone("jobs", "cancel", ID).startswith("index REVOKED")
    server.rows["/logs/filter"] = [{"timestamp": "2026-11-26T07:00:00.123Z", "level": 30, "message": "slow"}]
    assert faldone("jobs", "logs", ID) == "2026-11-26T07:00:00 WARNING  slow\n"
    assert faldone("jobs", "logs", ID, "--json")["logs"][0]["level"] == "WARNING"


def test_jobs_are_listed_by_state_and_queue(server: Server) -> None:
    server.rows["/flow_runs/filter"] = [works(), run("SCHEDULED", OTHER)]
    assert ID in faldone("jobs", "active") and OTHER not in faldone("jobs", "active")
    assert [one["job_id"] for one in faldone("jobs", "list", "--json")["jobs"]] == [ID, OTHER]
    assert OTHER in faldone("jobs", "list", "--queue", "indexing", "--planned", "--state", "pending")
    assert len(faldone("jobs", "list", "--limit", "1", "--json")["jobs"]) == 1
    asked = [body for _, path, body in server.asked if path == "/flow_runs/filter"]
    assert asked[-2]["flow_runs"]["work_queue_name"] == {"any_": ["indexing-high", "indexing", "indexing-low"]}
    assert "--state lost: must be one of FAILURE" in faldone("jobs", "list", "--state", "lost", status=2)


def test_a_purge_asks_first(server: Server) -> None:
    server.rows["/flow_runs/filter"] = [run("SCHEDULED"), run("SCHEDULED", OTHER)]
    knows(server, "/flow_runs/bulk_set_state", {"results": [{"status": "ACCEPT"}] * 2})
    assert "2 jobs wait in indexing" in faldone("jobs", "purge", "indexing", "--dry-run")
    assert "nothing was cancelled" in faldone("jobs", "purge", "indexing", status=1, typed="n\n")
    assert not [path for _, path, _ in server.asked if path.endswith("bulk_set_state")]
    assert faldone("jobs", "purge", "indexing", "--yes", "--json") == {"queue": "indexing", "purged": 2, "waiting": 0}


def test_a_ping_names_what_does_not_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_REDIS_URL", "redis://127.0.0.1:1/0")
    found = faldone("jobs", "ping", "--json", status=1)
    assert {one["name"]: one["status"] for one in found["parts"]}["redis"] == "failing"
    assert "redis" in faldone("jobs", "ping", status=1)


def note(**changes: Any) -> Platform:
    """The note of a platform whose daemon is this process."""
    here = Platform("http://127.0.0.1:9/api", "http://127.0.0.1:9", "http://127.0.0.1:10", "127.0.0.1", 9, auth="a:b")
    return replace(here, **({"state": "ready", "processes": {"daemon": Process.of(os.getpid())}} | changes))


def test_a_platform_that_runs_is_shown_with_its_queues_and_schedules(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = Process.of(os.getpid())
    state.write(note(api=server.url, processes={"daemon": me, "server": me, "worker": replace(me, start="1")}))
    due = "2026-11-27T01:00:00Z"
    cron = {"active": True, "schedule": {"cron": "0 2 * * *"}}
    server.rows["/deployments/filter"] = [
        {"id": "1", "flow_id": "f", "name": "daily", "schedules": [cron]},
        {"id": "2", "flow_id": "f", "name": "by hand", "schedules": []},
    ]
    server.rows["/flows/filter"] = [{"id": "f", "name": "backup"}]
    waits = {"work_queue_name": "indexing", "expected_start_time": due, "end_time": None}
    server.rows["/flow_runs/filter"] = [run("SCHEDULED") | waits, run() | waits]
    server.rows["/artifacts/filter"] = [{"data": "[Dask's dashboard](http://127.0.0.1:8787)"}]
    server.rows["/work_pools/faldone/workers/filter"] = [{"name": "w", "status": "ONLINE", "last_heartbeat_time": due}]
    monkeypatch.setenv("FALDONE_DASK", "tcp://127.0.0.1:1")
    shown = faldone("status")
    assert shown.startswith("degraded")
    assert "http://127.0.0.1:8787" in shown
    found = faldone("status", "--json")
    assert [(one["name"], one["running"]) for one in found["parts"]] == [
        ("daemon", True),
        ("server", True),
        ("worker", False),
    ]
    assert [(one["deployment"], one["schedule"], one["next"]) for one in found["schedules"]] == [
        ("backup/daily", "0 2 * * *", due)
    ]
    assert [(one["queue"], one["waiting"], one["running"]) for one in found["queues"] if one["waiting"]] == [
        ("indexing", 1, 1)
    ]
    assert faldone("status", "--login") == "a:b\n"


def test_of_a_platform_that_does_not_run_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert faldone("status").startswith("stopped")
    assert faldone("status", "--json")["parts"] == []
    assert "no platform was started" in faldone("status", "--login", status=2)
    assert faldone("down") == "nothing was running\n"
    state.write(note(state="failed", message="no room", processes={"daemon": Process(1, "1", "elsewhere")}))
    assert faldone("status", "--json")["status"] == "stopped"
    state.write(note(state="stopping"))
    assert faldone("status").startswith("stopping")


def test_up_finds_a_platform_that_runs_and_says_how_it_is_reached(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL")
    state.write(note(api=server.url, host="0.0.0.0"))
    assert faldone("up", "--host", "0.0.0.0", "--json")["api"] == server.url
    assert "put a proxy with TLS before it" in faldone("up", "--host", "0.0.0.0")
    assert "`faldone down` first to move it" in faldone("up", "--host", "0.0.0.0", "--port", "4999", status=2)
    state.write(note(api=server.url, version="0.0.1"))
    assert "a platform of release 0.0.1 runs" in faldone("up", status=2)
    monkeypatch.setenv("PREFECT_API_URL", "http://other.example/api")
    assert "PREFECT_API_URL is http://other.example/api" in faldone("up", status=2)
