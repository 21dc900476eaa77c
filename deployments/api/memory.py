"""That there was a job, kept in the data folder as an empty file: Prefect forgets a deleted run without a trace.

So an application can tell an id that never was (404) from a job that is no longer kept (410). An object store keeps none: there it would cost
a request a job.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from infra.files import write_bytes
from infra.settings import load


def remember(job_id: str) -> None:
    """Take note that there is such a job, where this process has the data folder."""
    root = _local_root(os.environ.get("FALDONE_HOME", ""), os.getcwd())
    if root is not None and root.is_dir():
        write_bytes(f"{root}/jobs/{job_id}.known", b"")


def remembered(job_id: str) -> bool:
    """Return whether there ever was a job of this id, as far as the data folder knows."""
    root = _local_root(os.environ.get("FALDONE_HOME", ""), os.getcwd())
    return root is not None and (root / "jobs" / f"{job_id}.known").is_file()


@lru_cache(maxsize=4)
def _local_root(home: str, where: str) -> Path | None:
    """Return the data folder, None when it is not on this machine; kept, since reading the settings costs 4 ms of each submit."""
    settings = load()
    return None if settings.remote else Path(settings.root)
