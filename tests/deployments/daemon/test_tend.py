"""Who counts as dead: a job's runner by the kernel's word, another machine's by its silence, and never by a clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest

from deployments.api.status import SLOT_LOST
from deployments.daemon.tend import Tender
from deployments.kinds import KINDS
from deployments.state import Process, started
from infra import limits
from infra.errors import TransientError
from infra.prefect_api import Api
from tests.prefect_rows import Server, rows_server, serve_rows

LIMITS = limits.load()


def run(state: str = "RUNNING", owner: str = "o", process: Process | None = None, beat: int = 1) -> dict[str, Any]:
    labels = {"faldone.owner": owner, "faldone.process": str(process or ""), "faldone.beat": beat}
    return {"id": "j", "state_id": "s", "state": {"type": state}, "work_queue_name": "indexing", "labels": labels}


@pytest.fixture
def tender() -> Tender:
    """A tender whose server is not asked."""
    return Tender(None, LIMITS)  # type: ignore[arg-type]


@pytest.fixture
def mine() -> Process:
    return Process.of(os.getpid())


def test_a_silent_job_whose_runner_lives_here_is_never_dead(tender: Tender, mine: Process) -> None:
    assert tender.death(run(process=mine), silent=1e6) == ""
    assert tender.death(run("PENDING", process=mine), silent=1e6) == ""


def test_a_job_whose_runner_is_gone_is_dead_at_once(tender: Tender) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    runner = Process.of(child.pid)
    assert tender.death(run(process=runner), 0) == ""
    child.kill()
    assert tender.death(run(process=runner), 0) == "" or not started(child.pid), "a zombie is dead too"
    child.wait()
    assert "died" in tender.death(run(process=runner), 0)


def test_another_process_with_the_same_number_does_not_count(tender: Tender, mine: Process) -> None:
    assert "died" in tender.death(run(process=replace(mine, start=str(int(mine.start) - 1))), 0)


def test_no_step_of_the_clock_makes_a_process_another_one(mine: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel derives the time of the boot from the clock: psutil's `create_time` moves with it, and ticks since boot do not."""
    now, boot = time.time, psutil.boot_time()
    for step in (-3600.0, -1.0, 1.0, 3600.0):
        monkeypatch.setattr(time, "time", lambda step=step: now() + step)
        monkeypatch.setattr(psutil, "boot_time", lambda step=step: boot + step)
        assert mine.alive()
        assert Process.parse(str(mine)) == replace(mine, since=0.0)


def test_a_job_of_another_machine_or_another_boot_is_judged_by_its_silence(tender: Tender, mine: Process) -> None:
    elsewhere = replace(mine, where="another-boot/1", host="another")
    assert tender.death(run(process=elsewhere), LIMITS.time.lease - 1) == ""
    assert "no sign of life from another" in tender.death(run(process=elsewhere), LIMITS.time.lease + 1)


def test_silence_is_measured_by_what_changes_and_by_no_clock(tender: Tender, monkeypatch: pytest.MonkeyPatch) -> None:
    since = tender.sign_of_life(run(beat=1), now=100.0)
    tender.seen["j"] = since
    assert tender.sign_of_life(run(beat=1), now=150.0)[1] == 100.0, "nothing new since then"
    assert tender.sign_of_life(run(beat=2), now=150.0)[1] == 150.0
    assert tender.sign_of_life(run(owner="other"), now=150.0)[1] == 150.0
    assert tender.sign_of_life(run() | {"state_id": "later"}, now=150.0)[1] == 150.0, (
        "a new submission is not judged by the last one"
    )


@pytest.mark.parametrize(("state", "wait"), [("PENDING", LIMITS.time.pending), ("RUNNING", LIMITS.time.lease)])
def test_a_job_that_nobody_has_taken_up_has_some_time(tender: Tender, state: str, wait: float) -> None:
    assert tender.death(run(state, owner=""), wait - 1) == ""
    assert "nobody took it up" in tender.death(run(state, owner=""), wait + 1)


@pytest.mark.parametrize("labels", [{}, {"faldone.owner": "x", "faldone.process": "nonsense"}])
def test_labels_that_make_no_sense_do_not_stop_the_others_from_being_tended(
    tender: Tender, labels: dict[str, Any]
) -> None:
    assert tender.death(run() | {"labels": labels}, 0) == ""


@pytest.mark.parametrize(
    ("labels", "tended"),
    [
        ({}, True),
        ({"faldone.owner": "", "faldone.ended": 0}, True),
        ({"faldone.owner": "o"}, True),
        ({"faldone.ended": 1}, False),
    ],
)
def test_a_job_whose_launcher_died_before_a_runner_took_it_up_is_not_lost(labels: dict[str, Any], tended: bool) -> None:
    """Its worker calls it crashed; one whose end was told stays as it is."""
    crashed = run("CRASHED") | {"labels": labels}
    with rows_server() as server:
        server.rows["/flow_runs/filter"] = [crashed]  # whatever is asked: those at work, then those that crashed
        found = Tender(Api(server.url), LIMITS).candidates()
    assert len(found) == 1 + tended


SLOT = {"type": "CANCELLED", "name": "Cancelled", "message": f"{SLOT_LOST} during provisioning"}


@pytest.mark.parametrize(("message", "tended"), [(SLOT["message"], True), ("cancelled on request", False)])
def test_a_job_that_prefect_cancelled_is_not_lost_with_its_runner(message: str, tended: bool) -> None:
    """The runner queues it again, or was about to; one that a person has cancelled stays as it is."""
    cancelled = run() | {"state": SLOT | {"message": message}, "labels": {"faldone.owner": "", "faldone.ended": 0}}
    with rows_server() as server:
        server.rows["/flow_runs/filter"] = [cancelled]  # whatever is asked: at work, crashed, cancelled
        found = Tender(Api(server.url), LIMITS).candidates()
    assert len(found) == 2 + tended
    wanted = [body["flow_runs"] for body in asked(server, "/flow_runs/filter")]
    (tags,) = [one["tags"]["any_"] for one in wanted if one["state"]["type"]["any_"] == ["CANCELLED"]]
    assert tags == [name for name, kind in KINDS.items() if kind.alone], "not every job of a purge"


def test_a_job_that_begins_again_is_not_called_back(server: Server) -> None:
    labels = {"faldone.callback": "http://app.example/ended"}
    server.rows["/flow_runs/filter"] = [run() | {"name": "x", "state": SLOT, "labels": labels}]
    assert Tender(Api(server.url), LIMITS).call_back() == 0


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serve_rows()


def asked(server: Server, end: str) -> list[dict[str, Any]]:
    """What was sent to the paths that end so."""
    return [body for _, path, body in server.asked if path.endswith(end)]


def dead(state: str = "RUNNING", failures: int = 0, **more: Any) -> dict[str, Any]:
    """A job whose runner was of this machine and is gone."""
    found = run(state, process=replace(Process.of(os.getpid()), start="1"))
    return found | {"labels": found["labels"] | {"faldone.failures": failures}} | more


def tend(server: Server, seen: dict[str, Any], then: dict[str, Any]) -> list[str]:
    """Sweep once; `then` is what the job is at the second look."""
    server.answers["/flow_runs/j"] = (200, json.dumps(then).encode())
    server.answers["/flow_runs/j/set_state"] = (200, b'{"status": "ACCEPT"}')
    tender = Tender(Api(server.url), LIMITS)
    tender.candidates = lambda: [seen]  # type: ignore[method-assign]
    return tender.sweep()


@pytest.mark.parametrize(
    ("job", "then", "says_"),
    [
        (dead(), "AwaitingRetry", "died; it goes on (try 1 of 3)"),
        (dead(failures=2), "Crashed", "died (try 3 of 3, the last)"),
        (dead("CANCELLING", failures=2), "Cancelled", "cancelled; its runner"),
        (dead(work_queue_name="of somebody else"), "Crashed", "(try 1 of 1, the last)"),
    ],
)
def test_a_dead_job_has_the_state_that_follows(server: Server, job: dict[str, Any], then: str, says_: str) -> None:
    assert tend(server, job, job) == ["j"]
    (state,) = [body["state"] for body in asked(server, "/j/set_state")]
    assert state["name"] == then
    assert says_ in state["message"]


@pytest.mark.parametrize("meanwhile", [{"state_id": "later"}, {"labels": {"faldone.owner": "another"}}])
def test_a_job_that_has_changed_at_the_second_look_is_left_alone(server: Server, meanwhile: dict[str, Any]) -> None:
    assert tend(server, dead(), dead() | meanwhile) == []
    assert asked(server, "/set_state") == []


def test_a_job_that_was_deleted_at_the_second_look_is_left_alone(server: Server) -> None:
    server.answers["/flow_runs/j"] = (404, b"{}")
    assert not Tender(Api(server.url), LIMITS).unchanged(dead())


def test_after_a_look_that_failed_nobody_s_silence_counts(server: Server) -> None:
    """The jobs could not be heard in that time either."""
    tender = Tender(Api(server.url), LIMITS)
    tender.seen["j"] = (("s", "o", 1), 0.0)
    server.answers["/flow_runs/filter"] = (500, b"{}")
    with pytest.raises(TransientError):
        tender.sweep()
    assert tender.seen == {}


def test_of_missed_runs_the_latest_of_each_schedule_stays(server: Server) -> None:
    due = [run("SCHEDULED") | {"id": f"{n}", "auto_scheduled": n != 9, "deployment_id": "d"} for n in (1, 2, 3, 9)]
    server.rows["/flow_runs/filter"] = due
    for one in ("1", "2"):
        server.answers[f"/flow_runs/{one}/set_state"] = (200, b'{"status": "ACCEPT"}')
    assert Tender(Api(server.url), LIMITS).drop_missed_runs() == 2


def test_planned_runs_are_named_after_what_they_run_once(server: Server) -> None:
    when = {"auto_scheduled": True, "expected_start_time": "2026-11-26T02:00:00Z"}
    planned = [
        {"id": "1", "name": "sly-fox", "tags": ["backup"]} | when,
        {"id": "2", "name": "backup 2026-11-26 02:00 UTC", "tags": ["backup"]} | when,
        {"id": "3", "name": "somebody's", "tags": []} | when,
    ]
    server.rows["/flow_runs/filter"] = planned
    assert Tender(Api(server.url), LIMITS).name_planned_runs() == 1
    assert asked(server, "/flow_runs/1") == [{"name": "backup 2026-11-26 02:00 UTC"}]


def test_what_a_job_has_left_open_is_ended(server: Server) -> None:
    server.rows["/task_runs/filter"] = [{"id": "t"}]
    server.rows["/flow_runs/filter"] = [{"id": "sub", "parent_task_run_id": "p"}]
    server.answers["/flow_runs/sub/set_state"] = (200, b'{"status": "ACCEPT"}')
    server.rows["/task_runs/filter"] = [{"id": "t"}]
    tender = Tender(Api(server.url), LIMITS)
    life_end = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deployments.worker.life.end_children", lambda _, job, why: life_end.append(job))
        assert tender.end_open_runs() == 2
    assert life_end == ["sub"]
    assert {body["state"]["name"] for body in asked(server, "/t/set_state")} == {"Crashed"}


@pytest.mark.parametrize(("state", "error"), [("COMPLETED", None), ("FAILED", "no space")])
def test_a_callback_is_handed_in_once(server: Server, state: str, error: str | None) -> None:
    ended = run(state) | {
        "name": "index-x",
        "tags": ["index"],
        "state": {"type": state, "name": state, "message": error},
    }
    ended["labels"] = {"faldone.callback": "http://app.example/ended"}
    server.rows["/flow_runs/filter"] = [ended, ended | {"labels": ended["labels"] | {"faldone.called": "s"}}]
    server.answers["/deployments/name/notify/message"] = (200, b'{"id": "n"}')
    assert Tender(Api(server.url), LIMITS).call_back() == 1
    (body,) = asked(server, "/n/create_flow_run")
    assert body["parameters"]["payload"]["error"] == error
    assert body["parameters"]["url"] == "http://app.example/ended"
    assert asked(server, "/j/labels") == [{"faldone.called": "s"}]
