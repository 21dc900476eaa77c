"""The processes of the platform as its daemon starts them: commands, environments, logs, restarts."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from deployments.api.server import HOSTS
from deployments.state import Platform, Process

log = logging.getLogger("faldone.daemon")

LOG_SIZE = 20 * 2**20  # bytes from which a log is put aside when its process starts
SLOWEST = 60.0  # s between two starts of a process that keeps ending
TAKEN = 75  # exit status of a daemon whose data folder has another (EX_TEMPFAIL)
PORT_TAKEN = "another server was quicker at"  # the begin of a daemon's message
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NOT_HANDED_ON = {"PREFECT_PROFILE", "PREFECT_API_KEY"}


@dataclass
class Child:
    """A process that is to run as long as the platform does; it outlives the daemon, and the next daemon adopts it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    known: Process | None = None
    popen: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started: float = 0.0  # monotonic

    def alive(self) -> bool:
        """Return whether it runs."""
        if self.popen is not None:
            return self.popen.poll() is None
        return self.known is not None and self.known.alive()

    def ensure(self) -> bool:
        """Start it if it does not run, not too often; returns whether it was started."""
        if self.alive():
            return False
        pause = min(SLOWEST, 2.0 ** (self.starts - 2)) if self.starts > 1 else 0.0
        if time.monotonic() - self.started < pause:
            return False
        if self.starts:
            log.warning("%s has ended and is started again", self.name)
        self.start()
        return True

    def start(self) -> None:
        """Start it, apart from the daemon's session and terminal.

        The daemon handles SIGINT and SIGTERM by then, so that they are plain ones in the child: a process started in the background of a
        shell ignores SIGINT, and Prefect's worker that inherits this ignores SIGTERM too.
        """
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_SIZE:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as output:
            self.popen = subprocess.Popen(
                list(self.command),
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.log_file.parent,
            )
        self.known = Process.of(self.popen.pid)
        self.starts, self.started = self.starts + 1, time.monotonic()

    def stop(self, signal_number: int, seconds: float) -> None:
        """Ask it to end, and kill it when it has not after so many seconds."""
        if not self.alive() or self.known is None:
            return
        try:
            process = psutil.Process(self.known.pid)
            process.send_signal(signal_number)
            process.wait(seconds)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            log.warning("%s did not end in %.0f s and is killed", self.name, seconds)
            process.kill()
            process.wait(5)

    def tail(self, characters: int = 600) -> str:
        """Return the end of its log."""
        return self.log_file.read_text(errors="replace")[-characters:] if self.log_file.exists() else ""


def shared_environment(home: str, folder: Path, platform: Platform, token: str) -> dict[str, str]:
    """Return what every process of the platform is told."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    login = {"PREFECT_API_AUTH_STRING": platform.auth} if platform.auth else {}
    proxies = [*os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(","), "127.0.0.1", "localhost"]
    no_proxy = ",".join(dict.fromkeys(one.strip() for one in proxies if one.strip()))
    return (
        kept
        | login
        | {
            "PATH": path,
            "FALDONE_HOME": home,
            "FALDONE_PLATFORM_CWD": str(Path.cwd()),
            "FALDONE_DAEMON_URL": platform.daemon_url,
            "FALDONE_DAEMON_TOKEN": token,
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": platform.api,
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
            "PREFECT_LOGGING_EXTRA_LOGGERS": "faldone",
            "PREFECT_CLI_COLORS": "false",
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
            "PYTHONUNBUFFERED": "1",
        }
    )


def server(folder: Path, platform: Platform, shared: Mapping[str, str]) -> Child:
    """Return Prefect's server with its UI: a password, and only pages of its own."""
    database = f"sqlite+aiosqlite:///{folder / 'prefect' / 'prefect.db'}"
    ui = platform.ui
    own = [f"http://{name}:{platform.port}" for name in ("127.0.0.1", "localhost")]
    environment = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(dict.fromkeys([ui, *own])),
        HOSTS: ",".join(hosts(platform)),
        "PREFECT_UI_URL": ui,
        "PREFECT_UI_API_URL": f"{ui}/api",
    } | dict(shared)  # whatever the user has set himself counts
    if platform.auth:
        environment["PREFECT_SERVER_API_AUTH_STRING"] = platform.auth
    command = [sys.executable, "-m", "deployments.api.server", "--host", platform.host, "--port", str(platform.port)]
    command += ["--folder", str(folder)]
    return Child("server", command, environment, folder / "server.log")


def hosts(platform: Platform) -> list[str]:
    """Return the names by which the server may be asked for: this machine's, the one it listens at, the UI's."""
    from urllib.parse import urlsplit

    names = ["127.0.0.1", "localhost", "[::1]", shown_host(platform.host), urlsplit(platform.ui).hostname or ""]
    if platform.host in {"0.0.0.0", "::"}:  # noqa: S104 - a comparison
        names += [socket.gethostname(), socket.getfqdn()]
    return list(dict.fromkeys(name for name in names if name))


def worker(name: str, pool: str, folder: Path, shared: Mapping[str, str], redis_url: str, poll: float) -> Child:
    """Return the process that takes jobs from the queues of a pool.

    No `--limit`: the pool's own limit holds on the server, and a limited worker breaks when a job is due again before it has
    noticed the end of the last attempt (Prefect 3.8: `this borrower is already holding one of this CapacityLimiter's tokens`).
    """
    extra = {"PREFECT_WORKER_QUERY_SECONDS": str(poll), "PREFECT_WORKER_PREFETCH_SECONDS": "0"}
    environment = extra | dict(shared) | ({"FALDONE_REDIS_URL": redis_url} if redis_url else {})
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    command += ["--name", f"{socket.gethostname()}-{name}", "--no-create-pool-if-not-found"]
    return Child(name, command, environment, folder / f"{name}.log")


def redis(folder: Path, port: int, password: str, program: str) -> Child:
    """Return a Redis for this machine alone, with a password; it evicts what expires first, and never locks (they have no expiry)."""
    data = folder / "redis"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,  # in a file, since everybody can read a command line
        "dir": data,
        "save": "300 100",
        "maxmemory": "512mb",
        "maxmemory-policy": "volatile-lru",
        "appendonly": "no",
        "daemonize": "no",
    }
    file = data / "redis.conf"
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(
        "".join(f'{name} "{value}"\n' if name == "dir" else f"{name} {value}\n" for name, value in settings.items())
    )
    return Child("redis", [program, str(file)], dict(os.environ), folder / "redis.log")


def shown_host(host: str) -> str:
    """Return the name by which this machine's own clients reach a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - a comparison
