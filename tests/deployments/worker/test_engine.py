"""What the engine's process leaves for its runner, and how an attempt ends."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from deployments.worker import engine
from deployments.worker.engine import Journal
from infra.errors import TransientError
from infra.stop import FOLDER, StopRequested
from tasks.progress import Progress, listening


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
