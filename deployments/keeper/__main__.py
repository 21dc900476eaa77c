"""The platform's own process: starts server, Redis and worker and keeps them running, finds dead jobs, tells people of problems, shows metrics.

`faldone up` starts it in the background. Where others run these services (compose, Kubernetes, systemd), `python -m deployments.keeper --watch`
does the rest beside them: the server is that of PREFECT_API_URL, and no process is started.

Signals: SIGTERM stops the platform, running jobs being asked to stop and queued again; SIGUSR1 does so after they have finished.
A keeper that was killed leaves everything running, and the next one takes over.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from deployments import state
from deployments.api import rest
from deployments.api.embedded import answers, configured_url, template
from deployments.keeper import alerts, observed, processes, reaper, ticks
from deployments.keeper.metrics import Totals
from deployments.state import Platform
from deployments.worker import leases
from infra import limits as numbers
from infra.errors import FaldoneError, TransientError, UsageError
from infra.settings import Settings, load

log = logging.getLogger("faldone.keeper")

TICK = 1.0  # s
REAP = 5.0  # s between two looks for dead jobs
START = 180.0  # s until the server must answer the first time, on a very busy machine


class Keeper:
    """The keeper of one data folder's platform."""

    def __init__(self, settings: Settings, host: str, port: int, watch: bool) -> None:
        self.settings, self.watch = settings, watch
        self.limits = numbers.load()
        self.folder = state.folder(settings)
        (self.folder / "prefect").mkdir(parents=True, exist_ok=True)
        known = state.read(settings)
        auth = os.environ.get("PREFECT_SERVER_API_AUTH_STRING") or os.environ.get("PREFECT_API_AUTH_STRING", "")
        shown = processes.shown_host(host)
        api = configured_url() if watch else f"http://{shown}:{port}/api"
        if not api:
            raise UsageError("--watch: set PREFECT_API_URL to the server that is to be watched")
        keeper_port = int(os.environ.get("FALDONE_KEEPER_PORT", 0)) or processes.free_port(port + 1)
        keeper_host = os.environ.get("FALDONE_KEEPER_HOST", "127.0.0.1")
        self.address = (keeper_host, keeper_port)
        url = os.environ.get("FALDONE_KEEPER_URL", f"http://{processes.shown_host(keeper_host)}:{keeper_port}")
        self.platform = Platform(
            api, rest.ui_url(api), url, host, port, started=time.time(), auth=auth,
            processes=known.processes if known else {},
        )  # fmt: skip
        self.token = os.environ.get("FALDONE_KEEPER_TOKEN") or secrets.token_hex(16)
        self.seen, self.totals = observed.Seen(), Totals(self.folder / "totals.json")
        self.desk = alerts.Desk(self.folder / "alerts.json", settings, f"{self.platform.ui}")
        self.ending = threading.Event()
        self.drain = False
        self.lock = threading.Lock()  # the webhook's thread and the keeper's both speak with the desk
        os.environ.update(PREFECT_API_URL=api, **({"PREFECT_API_AUTH_STRING": auth} if auth else {}))
        self.environment = processes.shared_environment(settings.root, self.folder, api, auth) | {
            "FALDONE_KEEPER_URL": url, "FALDONE_KEEPER_TOKEN": self.token,
        }  # fmt: skip
        self.children = {} if watch else self._children(known, host, port)

    def _children(self, known: Platform | None, host: str, port: int) -> dict[str, processes.Child]:
        redis = self._redis(known)
        children = [redis] if redis else []
        children.append(processes.server(self.folder, host, port, self.environment, self.limits))
        children.append(processes.worker(self.folder, self.environment, self.platform.redis_url, self.limits))
        for child in children:  # those that a killed keeper left running
            child.known = known.processes.get(child.name) if known else None
        return {child.name: child for child in children}

    def _redis(self, known: Platform | None) -> processes.Child | None:
        program = shutil.which("redis-server")
        if self.settings.redis_url is not None or program is None:
            return None
        adopted = known is not None and known.alive("redis") and known.redis_url
        port = int(adopted.rpartition(":")[2].partition("/")[0]) if adopted else processes.free_port(6390)
        self.platform = replace(self.platform, redis_url=f"redis://127.0.0.1:{port}/0")
        return processes.redis(self.folder, port, program)

    def run(self) -> None:
        """Start everything, keep it, and stop it at the end."""
        from deployments.keeper.listener import listen

        listen(self)
        signal.signal(signal.SIGTERM, lambda *_: self.ending.set())
        signal.signal(signal.SIGINT, lambda *_: self.ending.set())
        signal.signal(signal.SIGUSR1, lambda *_: self._drain())
        try:
            self.start()
            self.keep()
        except FaldoneError as error:
            self.note("failed", str(error))
            log.error("%s", error)
        finally:
            self.stop()

    def _drain(self) -> None:
        self.drain = True
        self.ending.set()

    def note(self, now: str, message: str = "") -> None:
        """Write down what runs."""
        own = state.Process(os.getpid(), psutil.Process().create_time())
        running = {name: child.known for name, child in self.children.items() if child.known and child.alive()}
        self.platform = replace(self.platform, state=now, message=message, processes={"keeper": own} | running)
        state.write(self.platform, self.settings)

    def start(self) -> None:
        """Redis and the server, then what they must know, then the worker."""
        self.note("starting")
        for name in ("redis", "server"):
            if name in self.children:
                self.children[name].ensure()
        self.note("starting")
        self._await_server()
        if not self.watch or os.environ.get("FALDONE_KEEPER_BOOTSTRAP"):
            self._bootstrap()
        self.drop_missed()
        if "worker" in self.children:
            self.children["worker"].ensure()
        self.note("ready")

    def _await_server(self) -> None:
        deadline = time.monotonic() + START
        while not answers(self.platform.api):
            child = self.children.get("server")
            if child is not None and not child.alive():
                raise TransientError(f"the Prefect server did not start: {child.tail()}")
            if time.monotonic() > deadline or self.ending.wait(0.2):
                raise TransientError(f"the Prefect server at {self.platform.api} does not answer")

    def _bootstrap(self) -> None:
        import subprocess

        done = subprocess.run(
            [sys.executable, "-m", "deployments.api.bootstrap"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FaldoneError(f"the server could not be set up: {(done.stdout + done.stderr).strip()[-800:]}")

    def keep(self) -> None:
        """Until told to stop."""
        reaped = looked = 0.0
        while True:
            before = time.time()
            if self.ending.wait(TICK):
                return
            now = time.time()
            if now - before > TICK + self.limits.time.lease / 2:
                log.warning("this machine has slept: leases are given time to be renewed")
                reaped = now + self.limits.time.lease
                self._safely(self.drop_missed)
            started = [child.ensure() for child in self.children.values()]  # each one, so no short cut
            if any(started):
                self.note("ready")
            if now - reaped >= REAP:
                reaped = now
                self._safely(self.reap)
            if now - looked >= self.limits.alerts.every:
                looked = now
                self._safely(self.look)

    def _safely(self, step: object) -> None:
        """A step that fails must not end the keeper: the server may be restarting, the data folder away."""
        assert callable(step)
        try:
            step()
        except FaldoneError as error:
            log.warning("%s", error)
        except Exception:
            log.exception("the keeper goes on after this")

    def drop_missed(self) -> None:
        """Have ticks that came due meanwhile not pile up."""
        rest.run(ticks.drop_missed(self.limits.pool.name, time.time()), self.platform.api)

    def reap(self) -> None:
        """Give on what dead processes left."""
        rest.run(reaper.sweep(self.limits, time.time()), self.platform.api)

    def look(self) -> None:
        """See how things are, and tell people what is wrong."""
        now, thresholds = time.time(), self.limits.alerts
        with self.lock:  # first, for a full disk may be why the rest cannot be seen
            self.desk.match("disk", alerts.disk(self.folder, thresholds))
        self.totals.fold(leases.ended())
        rest.run(observed.look(self.seen, self.limits.pool.name, now), self.platform.api)
        with self.lock:
            self.desk.match("age", alerts.ages(self.seen.age, thresholds))
            self.desk.match("stale", alerts.stale(self.seen.deployments, self.seen.last_success, thresholds, now))
        observed.census(self.seen, self.environment, thresholds.census)
        counts = {one["collection"]: one["quarantined"] for one in self.seen.collections}
        history = alerts.remember(self.folder / "quarantine.json", counts, now)
        with self.lock:
            self.desk.match("quarantine", alerts.quarantine(history, thresholds, now))

    def stop(self) -> None:
        """Stop exactly what was started: the worker, the jobs' processes, the server, Redis."""
        failed = self.platform.state == "failed"
        message = self.platform.message
        if not failed:
            self.note("stopping")
        for name, signal_number, seconds in (
            ("worker", signal.SIGTERM, 15),
            ("server", signal.SIGINT, 15),
            ("redis", signal.SIGTERM, 10),
        ):
            if name in self.children:
                self.children[name].stop(signal_number, seconds)
            if name == "worker" and not self.watch:
                self._end_jobs()
        self.note("failed" if failed else "stopped", message)

    def _end_jobs(self) -> None:
        """Wait for the jobs of this machine, or ask them to stop; they are queued again, and go on at the next start."""
        asked = False
        deadline = time.monotonic() + self.limits.time.stop_grace + 15
        while running := supervisors(self.settings):
            if not self.drain and not asked:
                asked = True
                for process in running:
                    with suppress(psutil.NoSuchProcess):
                        process.send_signal(signal.SIGUSR1)
            if not self.drain and time.monotonic() > deadline:
                log.warning("%d jobs did not stop in time", len(running))
                return
            time.sleep(0.3)


def supervisors(settings: Settings) -> list[psutil.Process]:
    """The supervisors of this data folder's jobs that run on this machine."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "deployments.worker.supervise" not in (process.info["cmdline"] or ()):
            continue
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get("FALDONE_HOME") == settings.root:
                found.append(process)
    return found


def prepare(folder: Path) -> None:
    """Spare the first server 15 s: its empty database may have been made before."""
    database = folder / "prefect" / "prefect.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    if not database.exists() and template().is_file() and "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in os.environ:
        shutil.copyfile(template(), database)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--watch", action="store_true", help="start no process, only watch those of PREFECT_API_URL")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = load()
    folder = state.folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "keeper.lock", timeout=0):
            prepare(folder)
            Keeper(settings, given.host, given.port, given.watch).run()
    except Timeout:
        sys.exit("faldone: the platform of this data folder has a keeper already")
    except FaldoneError as error:
        sys.exit(f"faldone: {error}")


if __name__ == "__main__":
    main()
