"""A Prefect API for one command: where no server is set, a temporary one is started beside it and leaves with it.

Prefect can do this by itself, and takes 10 s of a command's time for it (15 s the first time, when it makes its database). Here the
server starts as its own process before anything heavy is imported, so that both go on side by side; its database is a copy of one that was
made ahead; and it is ended at once when the command is done. Its history is thrown away: the ledger is the truth about documents.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from deployments import state
from deployments.api import address
from infra.errors import TransientError
from infra.machine import free_port
from infra.prefect_api import near
from infra.processor import Deadline

PREFIX = "faldone-prefect-"  # of the folders, in the system's temporary folder
START = 90.0  # s of processor time until a server must answer: a busy machine makes it no slower
PATIENCE = 20.0  # s for a server that is being started again

SERVER = {
    "PREFECT__SERVER_EPHEMERAL": "1",  # no UI and no background services
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_SERVER_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
}
SERVE = """
import ctypes, os, sys
parent = int(sys.argv.pop(1))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != parent:
        sys.exit("the command that wanted this server has ended")
import uvicorn.main
uvicorn.main.main()
"""
"""uvicorn, which the kernel ends with the command (prctl PR_SET_PDEATHSIG, SIGKILL). Set by the server itself: a function that runs between
fork and exec would fork LanceDB's threads. It imports nothing of ours, and so starts sooner."""

CLIENT = {
    "PREFECT_LOGGING_TO_API_ENABLED": "false",  # nobody could read them after the command
    # an expected failure ends as one line; of a bug the command prints the traceback by itself
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
}


class EmbeddedApi:
    """A server that is starting; `wait` until it answers, `stop` when done."""

    def __init__(self) -> None:
        self._home = state.temporary_folder(PREFIX)
        self._template = template()
        self._fresh = not self._template.is_file()
        if not self._fresh:
            shutil.copyfile(self._template, self._home / "prefect.db")
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/api"
        self._auth = f"faldone:{secrets.token_urlsafe(24)}"  # neither other accounts nor pages in a browser may look in
        self._process = self._start()
        state.sweep(PREFIX)  # while the server starts
        atexit.register(self.stop)
        os.environ.update(CLIENT, PREFECT_API_URL=self.url, PREFECT_HOME=str(self._home))
        os.environ["PREFECT_API_AUTH_STRING"] = self._auth
        os.environ.pop("PREFECT_API_KEY", None)  # Prefect would prefer it to the password

    def _start(self) -> subprocess.Popen[bytes]:
        own = {
            "PREFECT_HOME": str(self._home),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self._home}/prefect.db",
            "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": str(self._fresh).lower(),
            "PREFECT_SERVER_API_AUTH_STRING": self._auth,
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": self.url.removesuffix("/api"),
        }
        environment = os.environ | SERVER | own
        command = [sys.executable, "-c", SERVE, str(os.getpid()), "--factory", "prefect.server.api.server:create_app"]
        command += ["--host", "127.0.0.1", "--port", str(self._port), "--log-level", "error"]
        log = (self._home / "server.log").open("wb")
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def wait(self) -> None:
        """Return when the server answers.

        Raises:
            TransientError: it ended or did not answer in time; the message holds the end of its log.
        """
        deadline, stop = Deadline(self._process.pid, START), None
        while self._process.poll() is None and stop is None:
            if answers(self.url):
                self._keep_database()
                return
            time.sleep(0.05)
            stop = deadline.passed()
        tail = (self._home / "server.log").read_text(errors="replace")[-500:]
        reason = f"it {stop.reason}" if stop else f"exit status {self._process.returncode}"
        raise TransientError(f"the temporary Prefect server did not start: {reason}. {tail}".rstrip())

    def _keep_database(self) -> None:
        """Keep the empty database of the first server on a new installation as the template of later ones."""
        if not self._fresh or not os.access(self._template.parent.parent, os.W_OK):
            return
        self._template.parent.mkdir(parents=True, exist_ok=True)
        beside = self._template.with_suffix(f".{os.getpid()}")
        copy_database(self._home / "prefect.db", beside)
        beside.replace(self._template)

    def stop(self) -> None:
        """End the server; nothing of it is left."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)  # nothing of it is kept, so it need not close anything
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)


def start_api() -> EmbeddedApi | None:
    """Begin to start a temporary server, unless an API is set or a platform runs here; this process then speaks to that one.

    Raises:
        TransientError: one is set or runs, and does not answer; a command never runs elsewhere than was asked for.
    """
    found = address.find()
    if found is None:
        return EmbeddedApi()
    if not answers(found.url, PATIENCE):
        set_ = (
            "PREFECT_API_URL: start it, or unset the variable" if address.configured() else "it may be starting again"
        )
        raise TransientError(f"no Prefect server answers at {found.url} ({set_})")
    address.use(found)
    return None


def answers(url: str, patience: float = 0.0) -> bool:
    """Return whether a Prefect API is up at a URL that ends in /api; one that is starting has `patience` seconds for it."""
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if near(url) else []))
    deadline = time.monotonic() + patience
    while True:
        try:
            with opener.open(f"{url.rstrip('/')}/health", timeout=max(2.0, deadline - time.monotonic())):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500  # it is there, be it that it wants credentials first
        except (OSError, ValueError):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.3)


def template() -> Path:
    """Return where the empty, migrated database of this Prefect release is kept for this installation."""
    return Path(sys.prefix) / "share" / "faldone" / f"prefect-{version('prefect')}.db"


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database that somebody may be writing to."""
    import sqlite3

    with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)


def prepare() -> None:
    """Make the empty database now, so that the first command does not wait for it (`python -m deployments.api.embedded`)."""
    if not template().is_file():
        api = EmbeddedApi()
        try:
            api.wait()
        finally:
            api.stop()


if __name__ == "__main__":
    prepare()
