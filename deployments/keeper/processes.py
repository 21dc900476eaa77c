"""The processes of the platform as the keeper starts them: commands, environments, logs, restarts."""

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

from deployments.state import Process
from infra.errors import UsageError
from infra.limits import PlatformLimits

log = logging.getLogger("faldone.keeper")

LOG_SIZE = 20 * 2**20  # bytes from which a log is put aside when its process starts
SLOWEST = 60.0  # s between two starts of a process that keeps ending


@dataclass
class Child:
    """A process that is to run as long as the platform does; it outlives the keeper, and the next keeper adopts it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    known: Process | None = None
    popen: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started: float = 0.0

    def alive(self) -> bool:
        """Whether it runs."""
        if self.popen is not None:
            return self.popen.poll() is None
        return self.known is not None and self.known.alive()

    def ensure(self) -> bool:
        """Start it if it does not run, not too often; whether it was started."""
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
        """Start it, apart from the keeper's session and terminal.

        The keeper handles SIGINT and SIGTERM by then, so that they are plain ones in the child: a process started in the background of a
        shell ignores SIGINT, and Prefect's worker that inherits this ignores SIGTERM too.
        """
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_SIZE:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as output:
            self.popen = subprocess.Popen(
                list(self.command), env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, cwd=self.log_file.parent,
            )  # fmt: skip
        self.known = Process(self.popen.pid, psutil.Process(self.popen.pid).create_time())
        self.starts, self.started = self.starts + 1, time.monotonic()

    def stop(self, signal_number: int, seconds: float) -> None:
        """Ask it to end, and end it when it has not after so many seconds."""
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
        """The end of its log."""
        return self.log_file.read_text(errors="replace")[-characters:] if self.log_file.exists() else ""


def shared_environment(home: str, folder: Path, api: str, auth: str) -> dict[str, str]:
    """What every process of the platform is told."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PREFECT_PROFILE", "PREFECT_API_KEY"}}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    login = {"PREFECT_API_AUTH_STRING": auth, "PREFECT_SERVER_API_AUTH_STRING": auth} if auth else {}
    return kept | login | {
        "PATH": path,
        "FALDONE_HOME": home,
        "FALDONE_PLATFORM_CWD": str(Path.cwd()),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "faldone",
        "PREFECT_CLI_COLORS": "false",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def server(folder: Path, host: str, port: int, shared: Mapping[str, str], limits: PlatformLimits) -> Child:
    """Prefect's server with its UI."""
    database = f"sqlite+aiosqlite:///{folder / 'prefect' / 'prefect.db'}"
    days = 24 * 3600
    environment = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_METRICS_ENABLED": "true",
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "60",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(int(limits.retention.runs_days * days)),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"PT{int(limits.retention.events_days * days)}S",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_UI_URL": f"http://{shown_host(host)}:{port}",
    } | dict(shared)  # whatever the user has set himself counts
    command = [sys.executable, "-m", "deployments.api.server", "--host", host, "--port", str(port)]
    return Child("server", command, environment, folder / "server.log")


def worker(folder: Path, shared: Mapping[str, str], redis_url: str, limits: PlatformLimits) -> Child:
    """The process that takes jobs from the queues.

    No `--limit`: the pool's own limit holds on the server, and a limited worker breaks when a job is due again before it has
    noticed the end of the last attempt (Prefect 3.8: `this borrower is already holding one of this CapacityLimiter's tokens`).
    """
    extra = {"PREFECT_WORKER_QUERY_SECONDS": str(limits.time.poll), "PREFECT_WORKER_PREFETCH_SECONDS": "0"}
    environment = extra | dict(shared) | ({"FALDONE_REDIS_URL": redis_url} if redis_url else {})
    command = [
        sys.executable, "-m", "prefect", "worker", "start", "--pool", limits.pool.name, "--type", "process",
        "--name", socket.gethostname(), "--no-create-pool-if-not-found",
    ]  # fmt: skip
    return Child("worker", command, environment, folder / "worker.log")


def redis(folder: Path, port: int, program: str) -> Child:
    """A Redis for this machine alone; what is oldest leaves when it is full, locks stay (they have no time to live)."""
    data = folder / "redis"
    data.mkdir(parents=True, exist_ok=True)
    command = [
        program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data), "--save", "300 100",
        "--maxmemory", "512mb", "--maxmemory-policy", "volatile-lru", "--appendonly", "no", "--daemonize", "no",
    ]  # fmt: skip
    return Child("redis", command, dict(os.environ), folder / "redis.log")


def shown_host(host: str) -> str:
    """The name by which this machine's own clients reach a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - a comparison


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """`wanted` if nobody has it, else another free one.

    Raises:
        UsageError: `host` is no address of this machine.
    """
    for port in (wanted, *range(wanted + 10, wanted + 60, 10), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UsageError(
        f"--host {host}: this machine cannot listen there; use one of its own addresses, or 0.0.0.0 for all"
    )
