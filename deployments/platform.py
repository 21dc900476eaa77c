"""The lasting platform on one machine: `up`, `down` and `status`.

`up` starts the keeper (deployments/keeper/) in the background and waits until everything is ready; a second `up` finds it and only says so.
Everything belongs to one data folder: two data folders are two platforms, on two ports.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from deployments import state
from deployments.api import rest
from deployments.api.embedded import answers
from deployments.api.rest import Ask, Talk
from deployments.keeper import processes
from deployments.state import Platform
from infra.errors import FaldoneError, TransientError, UsageError
from infra.settings import Settings, load

PORT = 4200
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
START = 300.0  # s until everything is ready, on a very busy machine
DASK = "dask-dashboard"  # the key of the link that a job publishes (flows/observe.py)


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the platform."""

    name: str
    pid: int
    running: bool
    since: str


def check(host: str, own: Platform | None) -> None:
    """Refuse what would be unsafe or ambiguous.

    Raises:
        UsageError: open to others without a password, or another server is set.
    """
    if host not in LOOPBACK and ":" not in os.environ.get("PREFECT_SERVER_API_AUTH_STRING", ""):
        raise UsageError(
            f"--host {host} opens the platform to others: set PREFECT_SERVER_API_AUTH_STRING=user:password first"
        )
    url = os.environ.get("PREFECT_API_URL", "")
    if url and (own is None or url.rstrip("/") != own.api):
        raise UsageError(
            f"PREFECT_API_URL is {url}: that platform is in use; unset it to start one here, or run "
            "`python -m deployments.api.bootstrap` to set that one up"
        )


def up(host: str = "127.0.0.1", port: int = 0) -> Platform:
    """Start the platform, or find it running; returns when it is ready.

    Args:
        host: where the server listens; anything but this machine demands PREFECT_SERVER_API_AUTH_STRING.
        port: of the server; 0 means the one it had, or 4200, or the next free one.

    Raises:
        UsageError: see `check`. FaldoneError: a part did not start; the message holds the end of its log.
    """
    settings = load()
    known = state.read(settings)
    check(host, known)
    if known is None or not known.alive("keeper"):
        _start(settings, known, host, port)
    elif (port and port != known.port) or host != known.host:
        raise UsageError(f"the platform runs at {known.api}: `faldone down` first to move it")
    return _await(settings)


def _start(settings: Settings, known: Platform | None, host: str, port: int) -> None:
    folder = state.folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    if known is not None and known.alive("server"):  # its keeper was killed
        chosen = known.port
    else:
        chosen = port or processes.free_port(known.port if known else PORT, host)
        if port and processes.free_port(port, host) != port:
            raise UsageError(f"--port {port} is in use")
    environment = os.environ | {"FALDONE_HOME": settings.root}
    with (folder / "keeper.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments.keeper", "--host", host, "--port", str(chosen)],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise FaldoneError(f"the platform did not start: {(folder / 'keeper.log').read_text()[-600:]}")
        now = state.read(settings)
        if now is not None and now.processes.get("keeper", state.Process(0, 0)).pid == process.pid:
            return
        time.sleep(0.1)
    raise TransientError("the platform's keeper did not start")


def _await(settings: Settings) -> Platform:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        now = state.read(settings)
        if now is None or now.state == "failed" or not now.alive("keeper"):
            raise FaldoneError(f"the platform did not start: {now.message if now else 'see platform/keeper.log'}")
        if now.state == "ready" and answers(now.api):
            state.use(now)
            return now
        time.sleep(0.2)
    raise TransientError(f"the platform was not ready after {START:.0f} s: see {state.folder(settings)}/keeper.log")


def down(wait: bool = False) -> bool:
    """Stop what `up` started; whether there was anything.

    Running jobs are asked to stop at their next checkpoint and go on at the next `up`; with `wait` they finish first.

    Raises:
        TransientError: it did not stop.
    """
    settings = load()
    known = state.read(settings)
    if known is None or not any(known.alive(name) for name in known.processes):
        return False
    if not known.alive("keeper"):  # it was killed: another takes over what it left, and stops it
        _start(settings, known, known.host, known.port)
        known = _await(settings)
    os.kill(known.processes["keeper"].pid, signal.SIGUSR1 if wait else signal.SIGTERM)
    deadline = time.monotonic() + 120
    while known.alive("keeper"):
        if not wait and time.monotonic() > deadline:
            raise TransientError(f"the platform has not stopped: see {state.folder(settings)}/keeper.log")
        time.sleep(0.2)
    return True


def status() -> dict[str, Any]:
    """What runs: the contract's object of the verb `status`."""
    settings = load()
    known = state.read(settings)
    parts = [_part(name, one) for name, one in known.processes.items()] if known else []
    result: dict[str, Any] = {
        "status": _word(known, parts), "home": settings.root, "parts": [asdict(part) for part in parts],
        "queues": [], "schedules": [], "workers": [],
    }  # fmt: skip
    if known is None:
        return result
    result |= {
        "url": known.ui, "api": known.api, "metrics": f"{known.keeper_url}/metrics", "redis": known.redis_url or None,
        "message": known.message, "dask": settings.dask, "dashboards": _scheduler(settings),
    }  # fmt: skip
    if known.alive("server"):
        state.use(known)
        with suppress(TransientError):
            found = rest.run(overview(), known.api)
            result |= found | {"dashboards": list(dict.fromkeys(result["dashboards"] + found["dashboards"]))}
    return result


def _scheduler(settings: Settings) -> list[str]:
    """Dask's page, where a scheduler is set that has one."""
    if "://" not in settings.dask:
        return []
    from infra.cluster import dashboard

    with suppress(TransientError):  # that it is away is health's to tell
        return [page for page in [dashboard(settings.dask)] if page]
    return []


def _part(name: str, one: state.Process) -> Part:
    return Part(name, one.pid, one.alive(), datetime.fromtimestamp(one.created).astimezone().isoformat("T", "seconds"))


def _word(known: Platform | None, parts: list[Part]) -> str:
    if known is None or not any(part.running for part in parts):
        return "stopped"
    if known.state == "ready":
        return "running" if all(part.running for part in parts) else "degraded"
    return known.state


def overview() -> Talk[dict[str, Any]]:
    """Queues with what waits and runs in them, the next run of each schedule, workers, Dask's pages of running jobs."""
    from deployments.keeper.observed import Seen, look
    from infra import limits

    numbers = limits.load()
    seen = Seen()
    yield from look(seen, numbers.pool.name, time.time())
    workers = yield Ask("POST", f"/work_pools/{numbers.pool.name}/workers/filter", {"limit": 50})
    planned = []
    for one in seen.deployments:
        for schedule in one["schedules"]:
            runs = yield Ask("POST", "/flow_runs/filter", {
                "flow_runs": {"deployment_id": {"any_": [one["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}},
                "sort": "EXPECTED_START_TIME_ASC", "limit": 1,
            })  # fmt: skip
            planned.append({
                "deployment": one["name"], "schedule": schedule["schedule"].get("cron"), "active": schedule["active"],
                "next": runs[0]["expected_start_time"] if runs else None,
            })  # fmt: skip
    pages = yield Ask("POST", "/artifacts/filter", {
        "artifacts": {"key": {"any_": [DASK]}}, "flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}, "limit": 50,
    })  # fmt: skip
    queues = [
        {"queue": name, "waiting": seen.depth.get(name, 0), "running": seen.running.get(name, 0),
         "oldest_seconds": round(seen.age.get(name, 0.0), 1)}
        for name in limits.priorities(numbers)
    ]  # fmt: skip
    return {
        "queues": queues, "schedules": planned,
        "workers": [{"name": one["name"], "status": one["status"], "seen": one["last_heartbeat_time"]} for one in workers],
        "dashboards": [one["data"].rpartition("(")[2].rstrip(")") for one in pages],  # a link in Markdown
    }  # fmt: skip
