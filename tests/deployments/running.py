"""A real platform for tests: its own folder, limits and deployments, and what every test of one needs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from deployments import jobs, platform
from deployments.api import address
from deployments.kinds import KINDS, Kind
from deployments.worker import life
from infra import limits
from infra.machine import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300  # s for one job on a machine with a load of 20; a quiet one needs 5
QUEUES = {"trial": "indexing", "short": "training", "ticking": "maintenance", "alone": "export"}


def deployments(folder: Path) -> dict[str, Any]:
    """A `prefect.yaml` with the test's flow in several queues, once with a schedule, and some of the real ones."""
    rows = [
        _row("tests.deployments.trial.trial", name, queue) | {"parameters": {"name": "tick", "folder": str(folder)}}
        for name, queue in QUEUES.items()
    ]
    rows[2]["schedules"] = [{"interval": 60, "slug": "tick", "active": True}]
    rows[3]["concurrency_limit"] = {"limit": 1, "collision_strategy": "ENQUEUE", "grace_period_seconds": 300}
    rows.append(_row("flows.index.index", "documents", "indexing", "index"))
    rows.append(_row("flows.collect.collect", "source", "indexing", "collect"))
    looking = _row("flows.collect.collect", "sources", "looks", "sources")
    rows.append(looking | {"schedules": [{"interval": 20, "slug": "collect-sources", "active": False}]})
    rows.append(_row("flows.notify.notify", "message", "notify", "notify"))
    return {"name": "faldone", "prefect-version": "3.8.8", "pull": [], "deployments": rows}


def _row(entrypoint: str, name: str, queue: str, tag: str = "") -> dict[str, Any]:
    pool = {"name": limits.load().pool_of(queue), "work_queue_name": queue}
    return {"entrypoint": entrypoint, "name": name, "tags": [tag or name], "work_pool": pool}


def quick_limits() -> dict[str, Any]:
    """The numbers of limits.yaml, with more slots and shorter waits."""
    numbers = limits.load().model_dump()
    numbers["pool"] |= {"slots": 6, "maintenance_slots": 4}
    numbers["time"] |= {"heartbeat": 0.5, "lease": 10, "poll": 1, "stop_grace": 10, "cancel_grace": 3}
    return numbers


@contextmanager
def running(folder: Path, queues: Mapping[str, Mapping[str, Any]], **environment: str) -> Iterator[Path]:
    """A running platform with the test's deployments; the folder in which the test's jobs leave their traces."""
    numbers = quick_limits()
    for name, changes in queues.items():
        numbers["queues"][name] |= changes
    with platform_of(folder, numbers, deployments(folder), **environment):
        yield folder


@contextmanager
def platform_of(
    folder: Path, numbers: Mapping[str, Any], content: Mapping[str, Any], **environment: str
) -> Iterator[None]:
    """A running platform with these limits and this `prefect.yaml`."""
    (folder / "limits.yaml").write_text(yaml.safe_dump(numbers))
    (folder / "prefect.yaml").write_text(yaml.safe_dump(content))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PREFECT_", "FALDONE_"))]:
            patch.delenv(name)
        own = {
            "FALDONE_HOME": str(folder / "home"),
            "FALDONE_LIMITS_FILE": str(folder / "limits.yaml"),
            "FALDONE_PREFECT_FILE": str(folder / "prefect.yaml"),
            "PYTHONPATH": str(ROOT),
            "PREFECT_HOME": str(folder / "nobody"),  # the developer's own profile does not count
        }
        for name, value in (own | environment).items():
            patch.setenv(name, value)
        for name, queue in QUEUES.items():
            patch.setitem(KINDS, name, Kind(f"trial/{name}", queue))
        platform.up(port=free_port())
        try:
            yield
        finally:
            platform.down()
            for process in psutil.process_iter():
                if ours(process, folder):
                    process.kill()


def ours(process: psutil.Process, folder: Path) -> bool:
    """Whether a process belongs to the platform of a folder."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.pid != os.getpid() and process.environ().get("FALDONE_HOME") == str(folder / "home")
    return False


def submit(work: Path, kind: str, name: str, priority: limits.Priority = "normal", **parameters: Any) -> str:
    """Hand in the test's flow; the job's id."""
    return jobs.submit(kind, {"name": name, "folder": str(work)} | parameters, priority).job_id


def until(true: Callable[[], Any], what: str = "it", seconds: float = PATIENCE) -> Any:
    """The first value that counts as true."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds:.0f} s"
        time.sleep(0.2)
    return value


def begun(work: Path, name: str) -> list[float]:
    """When the attempts of a job began."""
    file = work / f"{name}.attempts"
    return [float(line) for line in file.read_text().splitlines()] if file.is_file() else []


def runner(job_id: str) -> psutil.Process:
    """The runner of a job."""
    process = life.claim(life.lookup(address.connect(), job_id)).process
    assert process is not None and process.alive()
    return psutil.Process(process.pid)
