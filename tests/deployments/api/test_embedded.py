"""The temporary Prefect server: when it is given up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deployments.api import embedded
from infra.errors import TransientError
from infra.machine import free_port
from tests.prefect_rows import rows_server


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("while True: pass", "it took more than"),
        ("import time; time.sleep(60)", "it did nothing for"),
        ("raise SystemExit('no room')", "exit status 1. no room"),
    ],
)
def test_a_server_is_given_up_by_its_processor_time_and_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    """Not by the clock: on a machine where thirty others work, a start of four seconds of work took longer than the limit."""
    monkeypatch.setattr(embedded, "START", 0.3)
    server = object.__new__(embedded.EmbeddedApi)
    server._home, server.url = tmp_path, f"http://127.0.0.1:{free_port()}/api"
    with (tmp_path / "server.log").open("wb") as log, subprocess.Popen([sys.executable, "-c", code], stderr=log) as it:
        server._process = it
        try:
            with pytest.raises(TransientError, match=f"did not start: {reason}"):
                server.wait()
        finally:
            it.kill()


def test_a_server_that_is_set_and_does_not_answer_is_not_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(embedded, "PATIENCE", 0.1)
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
    with pytest.raises(TransientError, match=r"PREFECT_API_URL: start it, or unset the variable"):
        embedded.start_api()
    with rows_server() as server:
        server.answers["/health"] = (500, b"{}")
        assert not embedded.answers(server.url)
        server.answers["/health"] = (401, b"{}")
        monkeypatch.setenv("PREFECT_API_URL", server.url)
        assert embedded.start_api() is None, "it is there, be it that it wants credentials"
