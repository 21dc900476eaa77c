"""A server for the tests of what speaks to one by the job service; others have servers of their own by that name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments import jobs
from tests.prefect_rows import Server, serve_rows


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that answers as Prefect's; the job service, and the verbs through it, speak to it."""
    monkeypatch.setattr(jobs, "_services", {})
    for running in serve_rows():
        monkeypatch.setenv("PREFECT_API_URL", running.url)
        yield running
