"""How an attempt ends: what may pass is left to the runner, which queues the job again."""

from __future__ import annotations

import asyncio

import pytest

from deployments.worker import engine
from infra.errors import TransientError
from infra.stop import FOLDER


@pytest.mark.parametrize("error", [TransientError("away"), ConnectionResetError("away"), asyncio.CancelledError()])
def test_what_may_pass_is_no_failure(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect cancels a flow of a deployment with a limit when it could not renew its slot, whatever was away then."""
    monkeypatch.delenv(FOLDER, raising=False)
    with pytest.raises(TransientError), engine.outcomes(engine.Journal()):
        raise error


def test_what_will_not_pass_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    with pytest.raises(ValueError, match="ours"), engine.outcomes(engine.Journal()):
        raise ValueError("ours")
