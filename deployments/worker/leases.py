"""The lease of a running job: a small file in the data folder that whoever supervises the job renews every few seconds.

Prefect learns of a process that died only from its worker, and nothing when both are gone. The lease says who works at a job (host, process,
attempt) and when he last gave a sign of life, so that a dead job is found by its silence, and a slow one is never taken for dead. The file
stays when the job has ended: then it is the memory that there was such a job, after Prefect has forgotten it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from infra.files import read_bytes, write_bytes
from infra.settings import load


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works at a job. Times are Unix seconds; `memory_peak` is the largest sum of its processes' resident bytes."""

    job_id: str
    kind: str
    attempt: int
    host: str
    pid: int
    started: float
    beat: float
    memory_peak: int = 0
    ended: float | None = None
    outcome: str = ""
    stages: dict[str, float] = field(default_factory=dict)  # seconds of each
    counts: dict[str, int] = field(default_factory=dict)

    def alive_here(self) -> bool | None:
        """Whether its process lives, if it is one of this machine; None if that cannot be known."""
        if self.host != socket.gethostname():
            return None
        import psutil

        try:
            made: float = psutil.Process(self.pid).create_time()
        except psutil.NoSuchProcess:
            return False
        return made <= self.started + 1  # a later process may have been given the same number


def folder() -> str:
    """Where leases are."""
    return f"{load().root}/jobs"


def _path(job_id: str) -> str:
    return f"{folder()}/{job_id}.json"


def write(lease: Lease) -> None:
    """Renew a lease, or end it; whoever reads meanwhile sees the old one whole."""
    path, data = _path(lease.job_id), json.dumps(asdict(lease)).encode()
    if load().remote:
        write_bytes(path, data)
        return
    beside = Path(f"{path}.{os.getpid()}")
    write_bytes(str(beside), data)
    beside.replace(path)


def read(job_id: str) -> Lease | None:
    """The lease of a job, None when it never had one."""
    try:
        return _lease(read_bytes(_path(job_id)))
    except FileNotFoundError:
        return None


def _lease(data: bytes) -> Lease:
    content: dict[str, Any] = json.loads(data)
    return Lease(**content)


def remember(job_id: str) -> None:
    """Take note that there is such a job, where this process has the data folder."""
    root = _local_root(os.environ.get("FALDONE_HOME", ""), os.getcwd())
    if root is not None and root.is_dir():
        write_bytes(f"{root}/jobs/{job_id}.known", b"")


@lru_cache(maxsize=4)
def _local_root(home: str, where: str) -> Path | None:
    """The data folder, None when it is not on this machine; kept, since reading the settings costs 4 ms of each submit."""
    settings = load()
    return None if settings.remote else Path(settings.root)


def remembered(job_id: str) -> bool:
    """Whether there ever was a job of this id, as far as the data folder knows."""
    settings = load()
    if not settings.remote:
        return Path(_path(job_id)).is_file() or Path(f"{folder()}/{job_id}.known").is_file()
    return read(job_id) is not None


def ended() -> Iterator[Lease]:
    """Every lease of this data folder that has ended (local data folders only)."""
    if load().remote:
        return
    for path in sorted(Path(folder()).glob("*-*-*-*-*.json")):
        lease = _lease(path.read_bytes())
        if lease.ended is not None:
            yield lease


def close(lease: Lease, now: float, outcome: str, stages: dict[str, float], counts: dict[str, int]) -> None:
    """The job has ended."""
    write(replace(lease, beat=now, ended=now, outcome=outcome, stages=stages, counts=counts))
