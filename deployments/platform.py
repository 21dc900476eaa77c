"""The lasting platform on one machine: `up`, `down` and `status`.

`up` starts the daemon (deployments/daemon/) in the background and waits until everything is ready; a second `up` finds it and only says so.
Everything belongs to one data folder: two data folders are two platforms, on two ports.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deployments import state
from deployments.api.embedded import answers
from deployments.daemon.children import LOOPBACK, PORT_TAKEN, TAKEN
from deployments.daemon.overview import Overview
from deployments.state import Platform
from infra import limits
from infra.errors import FaldoneError, TransientError, UsageError
from infra.files import private_folder
from infra.machine import free_port
from infra.prefect_api import Api
from infra.processor import Deadline
from infra.settings import Settings, load

__all__ = ["LOOPBACK", "PORT", "check", "down", "login", "overview", "status", "up"]

PORT = 4200
TRIES = 5  # to find a free port among platforms that begin at once
START = 300.0  # s of processor time until everything is ready; the daemon itself gives up before
STOP = 180.0  # s of processor time until everything has stopped
DASK = "dask-dashboard"  # the key of the link that a job publishes (flows/observe.py)


def check(own: Platform | None) -> None:
    """Refuse what would be ambiguous.

    Raises:
        UsageError: another server is set, or another release runs.
    """
    url = os.environ.get("PREFECT_API_URL", "")
    if url and (own is None or url.rstrip("/") != own.api):
        raise UsageError(
            f"PREFECT_API_URL is {url}: that platform is in use; unset it to start one here, or run "
            "`python -m deployments.api.bootstrap` to set that one up"
        )
    if own is not None and own.alive("daemon") and own.version not in {"", version("faldone")}:
        raise UsageError(
            f"a platform of release {own.version} runs, and this is {version('faldone')}: run `faldone down` first"
        )


def up(host: str = "127.0.0.1", port: int = 0) -> Platform:
    """Start the platform, or find it running; returns when it is ready.

    Args:
        host: where the server listens.
        port: of the server; 0 means the one it had, or 4200, or the next free one.

    Raises:
        UsageError: see `check`. FaldoneError: a part did not start; the message holds the end of its log.
    """
    settings = load()
    before = state.read(settings)
    check(before)
    if before is None or not before.alive("daemon"):
        for lost in range(TRIES):
            try:
                _start(settings, before, host, port, bool(lost))
                return _await_ready(settings)
            except FaldoneError as error:
                if lost == TRIES - 1 or port or PORT_TAKEN not in str(error):
                    raise
                before = _ended(settings)  # platforms of several data folders began at once
    elif (port and port != before.port) or host != before.host:
        raise UsageError(f"the platform runs at {before.api}: `faldone down` first to move it")
    return _await_ready(settings)


def _ended(settings: Settings) -> Platform | None:
    """Return the note of a daemon that failed, when it has ended."""
    deadline = time.monotonic() + STOP
    while (now := state.read(settings)) is not None and now.alive("daemon") and time.monotonic() < deadline:
        time.sleep(0.1)
    return now


def chosen_port(before: Platform | None, host: str, port: int, lost: bool = False) -> int:
    """Return the port for the server; `lost`: another that begins too has the one of `before`, and may not listen yet.

    Raises:
        UsageError: the one that was asked for is taken.
    """
    if before is not None and before.alive("server"):  # its daemon was killed
        return before.port
    chosen = port or free_port((before.port if before else PORT) + (10 if lost else 0), host)
    if port and free_port(port, host) != port:
        raise UsageError(f"--port {port} is in use")
    return chosen


def _start(settings: Settings, before: Platform | None, host: str, port: int, lost: bool = False) -> None:
    """Start the daemon; one that another command has started meanwhile is as good."""
    folder = state.folder(settings)
    private_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "deployments.daemon", "--host", host]
    command += ["--port", str(chosen_port(before, host, port, lost))]
    log_file = folder / "daemon.log"
    log_file.touch(mode=0o600)
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | {"FALDONE_HOME": settings.root},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = Deadline(os.getpid(), START)  # of this process and the daemon that it has started
    while not (stop := deadline.passed()):
        now = state.read(settings)
        if (
            now is not None
            and now.alive("daemon")
            and (process.poll() == TAKEN or now.processes["daemon"].pid == process.pid)
        ):
            return
        if process.poll() not in {None, TAKEN}:
            raise FaldoneError(f"the platform did not start: {_tail(log_file)}")
        time.sleep(0.1)
    raise TransientError(f"the platform's daemon did not start, it {stop.reason}: see {log_file}")


def _tail(file: Path) -> str:
    return file.read_text(errors="replace")[-600:]


def _await_ready(settings: Settings) -> Platform:
    log_file, deadline = state.folder(settings) / "daemon.log", None
    while True:
        now = state.read(settings)
        if now is not None and (now.state == "failed" or not now.alive("daemon")):
            raise FaldoneError(f"the platform did not start: {now.message or _tail(log_file)}")
        if now is not None and now.state == "ready" and answers(now.api):
            return now
        deadline = deadline or Deadline(now.processes["daemon"].pid if now else os.getpid(), START)
        if stop := deadline.passed():
            raise TransientError(f"the platform is not ready, its daemon {stop.reason}: see {log_file}")
        time.sleep(0.2)


def down(wait: bool = False) -> bool:
    """Stop what `up` started, and return whether there was anything.

    Running jobs are asked to stop at their next checkpoint and go on at the next `up`; with `wait` they finish first.

    Raises:
        TransientError: it did not stop.
    """
    settings = load()
    before = state.read(settings)
    if before is None or not any(before.alive(name) for name in before.processes):
        return False
    if not before.alive("daemon"):  # it was killed: another takes over what it left, and stops it
        _start(settings, before, before.host, before.port)
        before = _await_ready(settings)
    os.kill(before.processes["daemon"].pid, signal.SIGUSR1 if wait else signal.SIGTERM)
    deadline = Deadline(before.processes["daemon"].pid, STOP)
    while before.alive("daemon"):
        if not wait and (stop := deadline.passed()):
            log_file = state.folder(settings) / "daemon.log"
            raise TransientError(f"the platform has not stopped, its daemon {stop.reason}: see {log_file}")
        time.sleep(0.2)
    return True


def login() -> str:
    """Return the `user:password` of the platform that runs on this data folder, for Prefect's UI.

    Raises:
        UsageError: none was started here.
    """
    known = state.read()
    if known is None:
        raise UsageError("no platform was started on this data folder: run `faldone up`")
    return known.auth


def status() -> dict[str, Any]:
    """Return what runs: the object that `faldone status --json` prints."""
    settings = load()
    known = state.read(settings)
    parts = [_part(name, one) for name, one in known.processes.items()] if known else []
    result: dict[str, Any] = {
        "status": _word(known, parts),
        "home": settings.root,
        "parts": parts,
    }
    result |= {"queues": [], "schedules": [], "workers": [], "sources": _sources(settings)}
    if known is None:
        return result
    result |= {
        "url": known.ui,
        "api": known.api,
        "metrics": f"{known.daemon_url}/metrics",
        "redis": known.redis_url.rpartition("@")[2] or None,
        "message": known.message,
        "dask": settings.dask,
        "dashboards": _scheduler(settings),
    }
    if known.alive("server"):
        with suppress(TransientError):
            found = overview(Api(known.api, auth=known.auth or None))
            result |= found | {"dashboards": list(dict.fromkeys(result["dashboards"] + found["dashboards"]))}
    return result


def _sources(settings: Settings) -> list[dict[str, Any]]:
    """Return the saved sources with their last result and next run; a data folder without tables is not made one."""
    if not settings.remote and not Path(settings.root, "lake").is_dir():
        return []
    from tasks.collect import saved

    with suppress(TransientError):  # health says that the data folder is away
        return saved.as_rows(settings)
    return []


def _scheduler(settings: Settings) -> list[str]:
    """Return Dask's page, where a scheduler is set that has one."""
    if "://" not in settings.dask:
        return []
    from infra.scheduler import dashboard

    with suppress(TransientError):  # health says that it is away
        return [page for page in [dashboard(settings.dask)] if page]
    return []


def _part(name: str, one: state.Process) -> dict[str, Any]:
    since = datetime.fromtimestamp(one.since).astimezone().isoformat("T", "seconds")
    return {"name": name, "pid": one.pid, "running": one.alive(), "since": since}


def _word(known: Platform | None, parts: list[dict[str, Any]]) -> str:
    if known is None or not any(part["running"] for part in parts):
        return "stopped"
    if known.state == "ready":
        return "running" if all(part["running"] for part in parts) else "degraded"
    return known.state


def overview(api: Api) -> dict[str, Any]:
    """Return queues with what waits and runs in them, the next run of each schedule, workers, Dask's pages of running jobs."""
    numbers = limits.load()
    seen = Overview()
    seen.look(api, list(numbers.pools))
    workers = [one for pool in numbers.pools for one in api.pages(f"/work_pools/{pool}/workers/filter", {})]
    names = [name for pool in numbers.pools for name in limits.priorities(numbers, pool)]
    running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    pages = api.pages("/artifacts/filter", {"artifacts": {"key": {"any_": [DASK]}}} | running)
    return {
        "queues": [
            {
                "queue": name,
                "waiting": seen.depth.get(name, 0),
                "running": seen.running.get(name, 0),
                "oldest_seconds": round(seen.age.get(name, 0.0), 1),
            }
            for name in names
        ],
        "schedules": [planned for one in seen.deployments for planned in _planned(api, one)],
        "workers": [
            {"name": one["name"], "status": one["status"], "seen": one["last_heartbeat_time"]} for one in workers
        ],
        "dashboards": [one["data"].rpartition("(")[2].rstrip(")") for one in pages],  # a link in Markdown
    }


def _planned(api: Api, deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each schedule of a deployment with its next run."""
    if not deployment["schedules"]:
        return []
    scheduled = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}}
    query = {"flow_runs": scheduled, "sort": "EXPECTED_START_TIME_ASC", "limit": 1}
    runs = api.ask("POST", "/flow_runs/filter", query)
    return [
        {
            "deployment": deployment["name"],
            "schedule": schedule["schedule"].get("cron"),
            "active": schedule["active"],
            "next": runs[0]["expected_start_time"] if runs else None,
        }
        for schedule in deployment["schedules"]
    ]
