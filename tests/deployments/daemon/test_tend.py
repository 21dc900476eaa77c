"""Who counts as dead: a job's runner by the kernel's word, another machine's by its silence, and never by a clock."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import psutil
import pytest

from deployments.daemon.tend import Tender
from deployments.state import Process, started
from infra import limits
from infra.prefect_api import Api
from tests.prefect_rows import rows_server

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
