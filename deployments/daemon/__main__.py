"""The platform's own process: starts server, Redis and workers and keeps them running, tends jobs, alerts people, shows metrics.

`faldone up` starts it in the background, a systemd unit (`faldone up --print-systemd`) keeps it running. Where others run these services,
`python -m deployments.daemon --watch` does the rest beside them: the server is that of PREFECT_API_URL, and no process is started.

Signals: SIGTERM stops the platform, running jobs being asked to stop and queued again; SIGUSR1 does so after they have finished.
A daemon that was killed leaves everything running, and the next one takes over.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from deployments import state
from deployments.api import address, bootstrap
from deployments.api.embedded import answers, copy_database, template
from deployments.daemon import children, http, stopping
from deployments.daemon.tend import Tender
from deployments.daemon.watch import Watch, safely
from deployments.state import Platform, Presence, Process
from deployments.worker import runner
from infra import limits as numbers
from infra.cache import ping, statistics
from infra.errors import FaldoneError, TransientError, UsageError
from infra.machine import free_port
from infra.prefect_api import Api
from infra.processor import Deadline
from infra.settings import Settings, load

log = logging.getLogger("faldone.daemon")

INTERVAL = 1.0  # s
TEND = 5.0  # s between two looks for dead jobs
HOUSEKEEPING = 30.0  # s between two looks for missed runs, unnamed ones, what dead jobs have left
START = (
    180.0  # s of processor time until server and Redis must answer the first time: a busy machine makes it no slower
)
TOLD = "told to stop while it was starting"


class Daemon:
    """One data folder's platform and its processes."""

    def __init__(self, settings: Settings, platform: Platform, watch_only: bool) -> None:
        self.settings, self.platform, self.watch_only = settings, platform, watch_only
        self.limits, self.folder = numbers.load(), state.folder(settings)
        self.process, self.home = Process.of(os.getpid()), Presence(self.folder)
        self.token = os.environ.get("FALDONE_DAEMON_TOKEN") or secrets.token_hex(16)
        self.environment = children.shared_environment(settings.root, self.folder, platform, self.token)
        self.api = Api(platform.api, auth=platform.auth or None)
        self.children = {} if watch_only else self._children(state.read(settings))
        self.watch = Watch(self.api, self.limits, settings, self.folder, platform.ui, self.environment)
        self.tender = Tender(self.api, self.limits)
        self.ending, self.wait_for_jobs = threading.Event(), False
        self.replaced = False  # whether another daemon keeps another folder in the place of this one's

    def _children(self, before: Platform | None) -> dict[str, children.Child]:
        found = []
        program = shutil.which("redis-server")
        if self.settings.redis_url is None and program is not None:
            password, port = _redis_place(before)
            self.platform = replace(self.platform, redis_url=f"redis://:{password}@127.0.0.1:{port}/0")
            found.append(children.redis(self.folder, port, password, program))
        found.append(children.server(self.folder, self.platform, self.environment))
        for name, pool in zip(("worker", "maintenance-worker"), self.limits.pools, strict=True):
            poll, url = self.limits.time.poll, self.platform.redis_url
            found.append(children.worker(name, pool, self.folder, self.environment, url, poll))
        for child in found:  # those that a killed daemon left running
            child.known = before.processes.get(child.name) if before else None
        return {child.name: child for child in found}

    def note(self, now: str, message: str = "") -> None:
        """Write down what runs."""
        running = {name: child.known for name, child in self.children.items() if child.known and child.alive()}
        processes = {"daemon": self.process} | running
        self.platform = replace(self.platform, state=now, message=message, processes=processes)
        if not (self.home.away() or self.replaced):  # else it would be made anew
            state.write(self.platform, self.settings)

    def start(self) -> None:
        """Start Redis and the server, tell it what it must know, then start the workers."""
        self.note("starting")
        for name in ("redis", "server"):
            if name in self.children:
                self.children[name].ensure()
        self.note("starting")
        self._await_redis()
        self._await_server()
        if not self.watch_only or os.environ.get("FALDONE_DAEMON_BOOTSTRAP"):
            self._bootstrap()
        self._go_on()
        safely(self.tender.drop_missed_runs)
        for child in self.children.values():
            child.ensure()
        self.note("ready")

    def _go_on(self, seconds: float = 0.0) -> None:
        """Wait so long, unless the platform is to stop."""
        if self.ending.wait(seconds):
            raise FaldoneError(TOLD)

    def _await_redis(self) -> None:
        child = self.children.get("redis")
        deadline = Deadline(os.getpid(), START)
        while child is not None:
            try:
                ping(self.platform.redis_url)
                return
            except TransientError as error:  # also another Redis, which refuses our password
                if not child.alive():
                    raise FaldoneError(f"{children.PORT_TAKEN} Redis' port: {child.tail()}") from error
                if stop := deadline.passed():
                    raise TransientError(f"{error}; starting it {stop.reason}") from error
                self._go_on(0.1)

    def _await_server(self) -> None:
        deadline = Deadline(os.getpid(), START)
        while not answers(self.platform.api):
            child = self.children.get("server")
            if child is not None and not child.alive():
                raise TransientError(f"the Prefect server did not start: {child.tail()}")
            if stop := deadline.passed():
                raise TransientError(f"no answer from the Prefect server at {self.platform.api}: it {stop.reason}")
            self._go_on(0.2)
        try:
            self.api.ask("GET", "/admin/version")
        except UsageError as error:  # it refuses our password
            raise FaldoneError(f"{children.PORT_TAKEN} {self.platform.api}: {error}") from error

    def _bootstrap(self) -> None:
        command = [sys.executable, "-m", bootstrap.__name__]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FaldoneError(f"the server could not be set up: {(done.stdout + done.stderr).strip()[-800:]}")

    def keep(self) -> None:
        """Keep everything running until told to stop.

        Raises:
            FaldoneError: the platform's folder is gone, and with it all that a platform is for.
        """
        due = {self.tend: 0.0, self.housekeeping: 0.0, self.watch.look: 0.0}
        every = {self.tend: TEND, self.housekeeping: HOUSEKEEPING, self.watch.look: self.limits.alerts.every}
        while not self.ending.wait(INTERVAL):
            if self.home.gone():
                raise FaldoneError(f"{self.folder} has been gone for {state.GONE:.0f} s: its platform ends")
            if self.replaced:
                raise FaldoneError(f"{self.folder} was removed, and another daemon keeps a new one: its platform ends")
            if self.home.away():
                continue  # what is written now would be another folder
            before = [child.starts for child in self.children.values()]
            for child in self.children.values():
                safely(child.ensure)
            if before != [child.starts for child in self.children.values()]:
                safely(lambda: self.note("ready"))
            for step, at in due.items():
                if time.monotonic() >= at:
                    safely(step)
                    due[step] = time.monotonic() + every[step]

    def tend(self) -> None:
        """Queue dead jobs again, and send callbacks; write the daemon's note again when it was changed."""
        self.tender.sweep()
        self.tender.call_back()
        now = state.read(self.settings)
        self.replaced = now is not None and now.alive("daemon") and now.processes["daemon"] != self.process
        if now != self.platform:
            self.note(self.platform.state, self.platform.message)

    def housekeeping(self) -> None:
        """Drop runs that were missed, name those that are planned, end what dead jobs left open, remove their folders."""
        tender = self.tender
        for step in (tender.drop_missed_runs, tender.name_planned_runs, tender.end_open_runs):
            safely(step)
        state.sweep(runner.FOLDERS)

    def health(self) -> http.Answer:
        """Return what `/health` shows: 200 when all is well."""
        parts = {name: child.alive() for name, child in self.children.items()} | self.watch.state()
        good = self.platform.state == "ready" and all(parts.values())
        return 200 if good else 503, {"state": self.platform.state, "parts": parts}

    def metrics(self) -> http.Answer:
        """Return what `/metrics` shows."""
        url = self.settings.redis_url
        return 200, self.watch.metrics(statistics(url.get_secret_value() if url else self.platform.redis_url))

    def told_to_stop(self, number: int) -> None:
        """Take a signal."""
        self.wait_for_jobs = number == signal.SIGUSR1
        self.ending.set()

    def run(self, place: tuple[str, int]) -> int:
        """Start everything, keep it, and stop it at the end; returns the exit status."""
        answers = {"/metrics": self.metrics, "/health": self.health}
        try:
            door = http.server(place, answers, self.watch.events.put, self.token)
        except OSError as error:
            raise FaldoneError(
                f"{children.PORT_TAKEN} {place[0]}:{place[1]}, where the daemon listens: {error}"
            ) from error
        threading.Thread(target=door.serve_forever, name="http", daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, lambda number, _: self.told_to_stop(number))
        last = "stopped", ""
        try:
            self.start()
            self.keep()
            safely(lambda: self.note("stopping"))
        except FaldoneError as error:
            log.error("%s", error)
            last = "failed", str(error)
            safely(lambda: self.note(*last))
        finally:
            if not self.watch_only:
                stopping.end_jobs(self.api, self.limits, self.wait_for_jobs, self.keep_services)
                stopping.stop(self.children)
            safely(lambda: self.note(*last))
        if last[0] == "stopped":
            return 0
        return state.LOST if self.replaced or self.home.gone() else 1

    def keep_services(self) -> None:
        """Keep the server and Redis running while jobs end: they need both."""
        for name in ("redis", "server"):
            if name in self.children:
                safely(self.children[name].ensure)


def _redis_place(before: Platform | None) -> tuple[str, int]:
    """Return password and port of the Redis that a killed daemon left running, or new ones."""
    if before is not None and before.alive("redis") and "@" in before.redis_url:
        secret, _, place = before.redis_url.removeprefix("redis://:").partition("@")
        return secret, int(place.rpartition(":")[2].partition("/")[0])
    return secrets.token_urlsafe(24), free_port()


def planned(settings: Settings, host: str, port: int, watch_only: bool) -> tuple[Platform, tuple[str, int]]:
    """Return the platform that is to run, and where its daemon listens.

    Raises:
        UsageError: `--watch` without a server to watch.
    """
    from importlib.metadata import version

    shown = children.shown_host(host)
    api = address.configured() if watch_only else f"http://{shown}:{port}/api"
    if not api:
        raise UsageError("--watch: set PREFECT_API_URL to the server that is to be watched")
    before = state.read(settings)
    given = os.environ.get("PREFECT_SERVER_API_AUTH_STRING") or os.environ.get("PREFECT_API_AUTH_STRING", "")
    made = (before.auth if before else "") or f"faldone:{secrets.token_urlsafe(24)}"
    listen = os.environ.get("FALDONE_DAEMON_HOST", "127.0.0.1")
    place = (listen, int(os.environ.get("FALDONE_DAEMON_PORT", 0)) or free_port(port + 1))
    url = os.environ.get("FALDONE_DAEMON_URL", f"http://{children.shown_host(listen)}:{place[1]}")
    auth = given or ("" if watch_only else made)
    platform = Platform(api, address.ui_url(api), url, host, port, version=version("faldone"), auth=auth)
    return platform, place


def prepare(settings: Settings) -> Path:
    """Make the platform's folder, for its owner alone, and spare the first server 15 s: its empty database may have been made before."""
    folder = state.folder(settings)
    if not settings.remote and folder.parent.is_dir() and folder.parent.stat().st_uid == os.getuid():
        folder.parent.chmod(
            folder.parent.stat().st_mode & ~0o007
        )  # the data folder: nobody else of this machine may look in
    database = folder / "prefect" / "prefect.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    elsewhere = "PREFECT_SERVER_DATABASE_CONNECTION_URL" in os.environ
    if not elsewhere and not database.exists() and template().is_file():
        shutil.copyfile(template(), database)
    elif not elsewhere and database.exists():
        keep_copy(database)
    return folder


def keep_copy(database: Path) -> None:
    """Copy Prefect's database before the first start of another release of Prefect, whose migrations have no way back."""
    from importlib.metadata import version

    made = database.with_name("release")
    now = version("prefect")
    if made.is_file() and made.read_text() != now:
        copy = database.with_name(f"prefect-before-{now}.db")
        copy_database(database, copy)
        log.warning("Prefect is %s now and was %s: its database was copied to %s", now, made.read_text(), copy)
    made.write_text(now)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--watch", action="store_true", help="start no process, only watch those of PREFECT_API_URL")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    os.umask(0o077)  # this process's files and those of all that it starts
    settings = load()
    state.folder(settings).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(state.folder(settings) / state.LOCK, timeout=0):
            prepare(settings)
            platform, place = planned(settings, given.host, given.port, given.watch)
            sys.exit(Daemon(settings, platform, given.watch).run(place))
    except Timeout:
        sys.stderr.write("faldone: the platform of this data folder has a daemon already\n")
        sys.exit(children.TAKEN)
    except FaldoneError as error:
        sys.exit(f"faldone: {error}")


if __name__ == "__main__":
    main()
