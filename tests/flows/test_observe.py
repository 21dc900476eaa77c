"""What flows show in the Prefect UI, when nobody takes it."""

from __future__ import annotations

import pytest

from infra.machine import free_port

pytestmark = pytest.mark.slow


def test_a_server_that_is_away_ends_no_job_whose_work_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The table of results was published last, and its error made a failure of an index that was whole."""
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from flows import observe
    from tasks.progress import Progress

    said: list[str] = []
    monkeypatch.setattr(observe.log, "warning", lambda text, *args: said.append(text % args))
    nobody = {PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nobody):
        with observe.artifacts(Progress("index", 1), "index"):
            pass
        observe.table("index", [{"what": "found", "count": 1}], "done")
    assert [line.partition(":")[0] for line in said] == [
        "the progress artifact could not be published, the job goes on",
        "the table index could not be published, the job goes on",
    ]
