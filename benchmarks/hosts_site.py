"""Three hosts on one machine: network namespaces with file systems, names and processes of their own, and on them the services of
`infra/compose.yaml` with its own commands, environment and secrets.

All of it lives in namespaces of the benchmark's, and ends with it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from common import REPOSITORY

NET = "10.78.0"
ADDRESS = {"a": f"{NET}.1", "b": f"{NET}.2", "c": f"{NET}.3"}
SECOND = f"{NET}.11"  # of host A, for its second API server
NAMES = {  # by which the services of the compose file find each other
    **dict.fromkeys(("postgres", "redis", "s3", "daemon", "api"), ADDRESS["a"]),
    "scheduler": ADDRESS["b"],
    **{f"host-{name}": address for name, address in ADDRESS.items()},
}
AGAIN = 2.0  # s after which what ended is started again, as `restart: unless-stopped` does
START = 240.0  # s for a service to answer, on a busy machine
LIBRARY = Path("/usr/lib/postgresql")
GROUPS = Path("/sys/fs/cgroup/cpu")  # of the first version of control groups
PERIOD, WEIGHT = (
    100_000,
    100_000,
)  # µs; against the 1,024 of everything else, so that a worker has its share whatever else runs


def enter() -> None:
    """Begin this program again in network, mount and process namespaces of its own.

    Raises:
        SystemExit: this user may not, or iproute2, util-linux, Redis or PostgreSQL is not installed.
    """
    lacking = [name for name in ("ip", "unshare", "nsenter", "setpriv", "redis-server") if not shutil.which(name)]
    if os.geteuid() or lacking or not LIBRARY.is_dir():
        raise SystemExit(
            "benchmarks/hosts.py needs root, and the Debian packages iproute2, util-linux, redis-server and postgresql"
        )
    space = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    os.execvp("unshare", [*space, sys.executable, *sys.argv, "--inside"])


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


class Host:
    """A machine: its own network, /srv, name and processes."""

    def __init__(self, name: str, place: Path) -> None:
        self.name, self.place = name, place / "hosts" / name
        shutil.rmtree(self.place, ignore_errors=True)
        for folder in ("tmp", "home", "work", "data"):
            (self.place / folder).mkdir(parents=True)
        shutil.copytree(place / "secrets", self.place / "secrets")
        (self.place / "tmp").chmod(0o1777)
        schedules = (REPOSITORY / "prefect.yaml").read_text().replace("active: true", "active: false")
        (self.place / "prefect.yaml").write_text(schedules)  # jobs are the benchmark's alone
        script = (
            f"hostname host-{name}; mount --bind {self.place} /srv; mount --bind {place}/names /etc/hosts; "
            f"mount -t tmpfs tmpfs {place}/hosts; mount -t tmpfs -o size=2g tmpfs /dev/shm; echo there; exec sleep infinity"
        )
        space = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self.process = subprocess.Popen([*space, "sh", "-c", script], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.process.stdout.readline()
        self.first = psutil.Process(self.process.pid).children()[0].pid
        ip("link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", str(self.first))
        ip("link", "set", f"v{name}", "master", "br0", "up")
        for arguments in (
            ["link", "set", "lo", "up"],
            ["addr", "add", f"{ADDRESS[name]}/24", "dev", "eth0"],
            *([["addr", "add", f"{SECOND}/24", "dev", "eth0"]] if name == "a" else []),
            ["link", "set", "eth0", "up"],
        ):
            subprocess.run(["nsenter", "-t", str(self.first), "-n", "ip", *arguments], check=True)

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start a command here, in /srv/work, with this environment alone."""
        inside = ["nsenter", "-t", str(self.first), "-m", "-u", "-i", "-n", "-p", "--wdns=/srv/work"]
        with log.open("ab") as out:
            return subprocess.Popen([*inside, *command], env=dict(environment), stdout=out, stderr=out)

    def cable(self, state: str) -> None:
        """Take the cable out (`down`) or put it back (`up`)."""
        ip("link", "set", f"v{self.name}", state)

    def lose(self) -> None:
        """End every process here at once, as when the power fails; with the last one the host is gone."""
        psutil.Process(self.first).kill()
        self.process.wait()


@dataclass
class Service:
    """A process that is started again when it ends, as long as it is wanted."""

    name: str
    host: str
    command: list[str]
    environment: dict[str, str]
    prepare: Callable[[], None] = lambda: None  # before each start
    wanted: bool = True
    pause: float = AGAIN
    process: subprocess.Popen[bytes] | None = None

    def tree(self) -> list[psutil.Process]:
        """The processes of the service, outermost first; nsenter, which only waits, is left out."""
        if self.process is None or self.process.poll() is not None:
            return []
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def send(self, number: int, which: Callable[[list[str]], bool] = lambda _: True) -> int:
        """Send a signal to those of its processes whose command line is so; the number that took it."""
        sent = 0
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):
                if which(process.cmdline()):
                    process.send_signal(number)
                    sent += 1
        return sent


@dataclass
class Site:
    """The three hosts with their services. `log` finds what a service said."""

    place: Path
    weed: Path
    workers: int = 2
    seed: int = 1
    share: float = 0.0  # of a core that each Dask worker has, no more and no less; 0: as it comes
    hosts: dict[str, Host] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    ended: bool = False

    def log(self, name: str) -> Path:
        return self.place / "logs" / f"{name}.log"

    # ---- starting ----------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Make the hosts and start everything in the order of the compose file."""
        subprocess.run(["bash", str(REPOSITORY / "infra/secrets.sh"), str(self.place / "secrets")], check=True)
        (self.place / "logs").mkdir(parents=True)
        lines = [f"{address} {name}" for name, address in NAMES.items()] + [f"{SECOND} api", "127.0.0.1 localhost"]
        (self.place / "names").write_text("\n".join(lines) + "\n")
        subprocess.run(["mount", "--bind", str(self.place / "names"), "/etc/hosts"], check=True)
        for arguments in (
            "link set lo up",
            "link add br0 type bridge",
            f"addr add {NET}.254/24 dev br0",
            "link set br0 up",
        ):
            ip(*arguments.split())
        for name in ADDRESS:
            self.hosts[name] = Host(name, self.place)
        self.services = {one.name: one for one in (*self._stores(), *self._ours())}
        threading.Thread(target=self._supervise, daemon=True).start()
        self.adopt()
        for step in (("postgres", "redis", "s3", "door"), ("server", "bucket"), ("server-2", "services"), ("daemon",)):
            for name in step:
                self.begin(name)
            self.await_(*step)
        for name in self.services:
            self.begin(name)
        self.await_("worker", "dask-worker")

    def adopt(self) -> None:
        """Let this process reach the site as its services do."""
        os.environ |= self._compose()["worker"].environment | {"HOME": str(self.place), "TMPDIR": "/tmp"}
        del os.environ["FALDONE_PREFECT_FILE"]
        for name, file in list(os.environ.items()):
            if name.endswith("_FILE") and file.startswith("/srv/secrets/"):
                os.environ[name.removesuffix("_FILE")] = (self.place / "secrets" / Path(file).name).read_text()
                del os.environ[name]

    def begin(self, name: str) -> None:
        service = self.services[name]
        if service.process is None or service.process.poll() is not None:
            service.prepare()
            host = self.hosts[service.host]
            service.process = host.start(service.command, service.environment, self.log(name))

    def _supervise(self) -> None:
        since: dict[str, float] = {}
        while not self.ended:
            time.sleep(0.2)
            for name, service in self.services.items():
                gone = service.process is not None and service.process.poll() is not None
                if not gone or not service.wanted:
                    since.pop(name, None)
                elif time.monotonic() - since.setdefault(name, time.monotonic()) > service.pause:
                    since.pop(name)
                    self.begin(name)

    def await_(self, *names: str) -> None:
        """Return when services answer.

        Raises:
            SystemExit: one does not, in its time.
        """
        deadline = time.monotonic() + START
        for name in names:
            while name in ANSWERS and not ANSWERS[name]():
                if time.monotonic() > deadline:
                    raise SystemExit(f"{name} does not answer; see {self.log(name)}")
                time.sleep(0.3)

    # ---- what runs ---------------------------------------------------------------------------------------------------

    def _stores(self) -> list[Service]:
        """Give PostgreSQL, Redis, the object store and the door before it."""
        data, program = self.place / "hosts" / "a" / "data", sorted(LIBRARY.iterdir())[-1] / "bin"
        path = {"PATH": os.environ["PATH"], "HOME": "/srv/home", "LANG": "C.UTF-8"}
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        database = (
            f"test -s /srv/data/postgres/PG_VERSION || {program}/initdb -D /srv/data/postgres -U faldone -A scram-sha-256 "
            "--pwfile=/srv/data/password > /dev/null; rm -f /srv/data/postgres/postmaster.pid; "
            f"test -e /srv/data/made || echo 'CREATE DATABASE faldone' | {program}/postgres --single -D /srv/data/postgres postgres; "
            "touch /srv/data/made; "
            "grep -q 10.78 /srv/data/postgres/pg_hba.conf || "
            f"echo 'host all all {NET}.0/24 scram-sha-256' >> /srv/data/postgres/pg_hba.conf; "
            f"exec {program}/postgres -D /srv/data/postgres -c listen_addresses='*' -c fsync=off -c unix_socket_directories=/srv/tmp"
        )

        def folders() -> None:
            for name in ("postgres", "redis", "s3"):
                (data / name).mkdir(exist_ok=True)
            (data / "postgres").chmod(0o700)
            shutil.copyfile(self.place / "secrets" / "postgres_password", data / "password")
            for file in (data, data / "postgres", data / "password"):
                shutil.chown(file, "postgres", "postgres")

        folders()
        compose = self._compose()
        redis = compose["redis"].command[-1].replace("--dir /srv/data", "--dir /srv/data/redis")
        store = [part.replace("=/srv/data", "=/srv/data/s3").replace("8333", "8332") for part in compose["s3"].command]
        door = [sys.executable, str(Path(__file__).with_name("hosts_s3.py")), "8333", "127.0.0.1:8332", "0.33"]
        return [
            Service("postgres", "a", [*as_postgres, "sh", "-c", database], path),
            Service("redis", "a", ["sh", "-c", redis], path),
            Service("s3", "a", [str(self.weed), *store, "-ip=127.0.0.1", "-ip.bind=0.0.0.0"], path),
            Service("door", "a", [*door, str(self.seed)], path),
        ]

    def _ours(self) -> list[Service]:
        """Give Faldone's own services, by the compose file."""
        compose = self._compose()
        for name, address in (("server", ADDRESS["a"]), ("server-2", SECOND)):
            compose[name].command = [address if part == "0.0.0.0" else part for part in compose[name].command]
        compose["maintenance"].environment["PREFECT_WORKER_WEBSERVER_PORT"] = "8081"  # two on one host
        compose["bucket"].wanted = False
        many = []
        for number in range(1, self.workers):
            one = compose["dask-worker"]
            many.append(Service(f"dask-worker-{number + 1}", "c", one.command, one.environment))
        ours = [service for name, service in compose.items() if name not in ("postgres", "redis", "s3")] + many
        for service in ours:
            if self.share and service.name.startswith("dask-worker"):
                service.command = held_to(self.share, f"faldone-{service.name}", service.command)
        return ours

    def _compose(self) -> dict[str, Service]:
        """Read the services of the compose file, with the places of these hosts."""
        content = yaml.safe_load((REPOSITORY / "infra/compose.yaml").read_text())
        entry = ["sh", str(REPOSITORY / "infra/image/entrypoint.sh")]
        own = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "HOME": "/srv/home",
            "TMPDIR": "/srv/tmp",
            "LANG": "C.UTF-8",
            "PREFECT_HOME": "/srv/home/prefect",
            "FALDONE_EMBEDDING_MODEL": "bundled",
            "FALDONE_PREFECT_FILE": "/srv/prefect.yaml",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # as in the image
            "DO_NOT_TRACK": "1",
        }
        found = {}
        for name, service in content["services"].items():
            command = [_expanded(part) for part in service.get("command", [])]
            given = {key: _expanded(value) for key, value in (service.get("environment") or {}).items() if value}
            ours = name not in ("postgres", "redis", "s3")
            host = "c" if name == "dask-worker" else "b" if name in ("worker", "maintenance", "scheduler") else "a"
            found[name] = Service(name, host, [*(entry if ours else []), *command], own | given)
        return found


def _expanded(value: Any) -> str:
    """Fill in the variables of the compose file, and the folders of a host."""
    text = re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1]) or m[2] or "", str(value))
    text = text.replace("$$", "$").replace("/run/secrets", "/srv/secrets").replace("/data", "/srv/data")
    return text.replace("/etc/faldone", str(REPOSITORY / "infra"))


# ---- who answers -----------------------------------------------------------------------------------------------------


def _web(url: str, host: str = "") -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host} if host else {}), timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500  # a store that refuses is there
    except OSError:
        return False


def _port(address: str, port: int) -> Callable[[], bool]:
    def answers() -> bool:
        import socket

        try:
            socket.create_connection((address, port), 2).close()
        except OSError:
            return False
        return True

    return answers


def _dask() -> bool:
    from infra.errors import TransientError
    from infra.scheduler import look

    try:
        return bool(look(os.environ["FALDONE_DASK"]))
    except TransientError:
        return False


ANSWERS: dict[str, Callable[[], bool]] = {
    "postgres": _port(ADDRESS["a"], 5432),
    "redis": _port(ADDRESS["a"], 6379),
    "door": lambda: _web("http://s3:8333/"),
    "server": lambda: _web(f"http://{ADDRESS['a']}:4200/api/ready", "api"),
    "server-2": lambda: _web(f"http://{SECOND}:4200/api/ready", "api"),
    "daemon": lambda: _web("http://daemon:9191/health"),
    "worker": lambda: _web("http://host-b:8080/health") and _web("http://host-b:8081/health"),
    "dask-worker": _dask,
}


def held_to(share: float, name: str, command: Sequence[str]) -> list[str]:
    """Return a command that runs in a control group with this share of a core.

    Raises:
        SystemExit: this machine has no control groups of the first version, or they may not be written.
    """
    group = GROUPS / name
    try:
        group.mkdir(exist_ok=True)
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(int(share * PERIOD)))
        (group / "cpu.shares").write_text(str(WEIGHT))
    except OSError as error:
        raise SystemExit(f"{group}: {error.strerror}: a worker's share of a core cannot be set") from None
    return ["sh", "-c", f'echo 0 > {group}/cgroup.procs && exec "$@"', "sh", *command]


def kill(service: Service) -> int:
    """Send SIGKILL to every process of a service."""
    return service.send(signal.SIGKILL)
