"""What the engine's process leaves for its runner, and how an attempt ends."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import httpx
import pytest

from deployments.worker import engine
from deployments.worker.engine import Journal
from infra.errors import TransientError
from infra.stop import FOLDER, StopRequested
from tasks.progress import Progress, listening

ASKED = httpx.Request("POST", "http://api:4200/api/v2/concurrency_limits/increment")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    return tmp_path


def test_parts_of_a_job_make_one_progress() -> None:
    journal = Journal(parts=2)
    assert journal.progress() == {} and journal.counts() == {}
    seen = []
    with listening(journal.add):
        for stage in ("index", "analyse"):
            progress = Progress(stage, 2)
            for _ in range(2):
                progress.add(current=f"/data/{stage}.pdf")
                seen.append(journal.progress()["percent"])
                assert journal.progress()["item"] == f"{stage}.pdf"
            progress.finish()
    assert seen == sorted(seen) and seen[0] > 0 and seen[1] <= 50 <= seen[2]
    assert journal.progress()["percent"] == 100
    assert set(journal.stages) == {"index", "analyse"}
    assert journal.counts()["done"] == 2


@pytest.mark.parametrize(("error", "outcome"), [(None, "done"), (ValueError("a bug"), "failed")])
def test_the_outcome_is_left_for_the_runner(folder: Path, error: Exception | None, outcome: str) -> None:
    with pytest.raises(type(error)) if error else engine.outcomes(Journal()):
        if error:
            with engine.outcomes(Journal()):
                raise error
    left = json.loads((folder / "outcome.json").read_text())
    assert (left["outcome"], left["message"]) == (outcome, str(error or ""))


@pytest.mark.parametrize("error", [StopRequested("stop here"), TransientError("away"), ConnectionError("away")])
def test_without_a_runner_an_attempt_that_may_pass_is_an_error_like_any_other(error: Exception) -> None:
    with pytest.raises(TransientError, match=str(error)), engine.outcomes(Journal()):
        raise error


def test_a_folder_that_takes_nothing_ends_no_job(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.rmdir()
    with caplog.at_level(logging.WARNING), engine.outcomes(Journal()):
        engine.leave(engine.BEGUN, {"attempt": 1})
    said = [one.getMessage().partition(":")[0] for one in caplog.records]
    assert said == [f"{name} could not be left for the job's runner" for name in (engine.BEGUN, "outcome.json")]


def answered(status: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError("no", request=ASKED, response=httpx.Response(status, request=ASKED))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TransientError("away"), "away"),
        (ConnectionResetError("away"), "away"),
        (asyncio.CancelledError(), "this job's slot was lost"),
        (httpx.ConnectError("refused", request=ASKED), "http://api:4200/.* refused"),
        (httpx.ReadTimeout("slow"), "slow"),
        (answered(500), "http://api:4200/"),
    ],
)
def test_what_may_pass_is_no_failure(error: BaseException, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its flow begins a job asks Prefect for its turn, and Prefect cancels it when it could not renew its slot."""
    monkeypatch.delenv(FOLDER, raising=False)
    with pytest.raises(TransientError, match=said), engine.outcomes(engine.Journal()):
        raise error


@pytest.mark.parametrize("error", [ValueError("ours"), answered(404)])
def test_what_will_not_pass_stays_what_it_is(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    with pytest.raises(type(error)), engine.outcomes(engine.Journal()):
        raise error
