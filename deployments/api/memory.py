"""That there was a job, kept in the data folder as an empty file: Prefect forgets a deleted run without a trace.

So an application can tell an id that never was (404) from a job that is no longer kept (410). An object store keeps none: there it would cost
a request a job.
"""

from __future__ import annotations

from pathlib import Path

from deployments import state
from infra.files import write_bytes


def remember(job_id: str) -> None:
    """Take note that there is such a job, where this process has the data folder."""
    settings = state.kept_settings()
    if not settings.remote and Path(settings.root).is_dir():
        write_bytes(f"{settings.root}/jobs/{job_id}.known", b"")


def remembered(job_id: str) -> bool:
    """Return whether there ever was a job of this id, as far as the data folder knows."""
    settings = state.kept_settings()
    return not settings.remote and Path(settings.root, "jobs", f"{job_id}.known").is_file()
