"""Where the platform of a data folder keeps its things, and the note by which every command finds it.

`FALDONE_HOME/platform/` holds Prefect's database, logs, Redis' data, and `platform.json`: addresses and processes of what runs. It is local
even where the data folder is in an object store. Nothing heavy is imported here: each command looks.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from infra.machine import replace_file
from infra.settings import Settings, load

log = logging.getLogger("faldone.state")

LOCK, NOTE = "daemon.lock", "platform.json"
COPY = ".copy"  # suffix of the note's copy
OWNER = "owner"  # the file in a temporary folder that names its process
GONE = 300.0  # s that the platform's folder may be away, as on a network drive, before whoever belongs to it ends

LOST = 66  # exit status of a daemon whose folder is gone (EX_NOINPUT)


@cache
def here() -> str:
    """Return what names this boot of this machine, and the process namespace within it: process numbers mean the same there."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid').strip('pid:[]')}"
    except OSError:  # not Linux
        return socket.gethostname()


def started(pid: int) -> str:
    """Return when a process began, in the kernel's ticks since boot, which no step of the clock moves; "" when there is none."""
    try:
        fields_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _started_elsewhere(pid)
    return "" if fields_[0] in "ZX" else fields_[19]


def _started_elsewhere(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.NoSuchProcess:
        return ""


@dataclass(frozen=True, slots=True)
class Process:
    """A process and what names it for ever. `since` is Unix seconds, for people to read."""

    pid: int
    start: str = ""
    where: str = ""
    host: str = ""
    since: float = 0.0

    @classmethod
    def of(cls, pid: int) -> Process:
        """Return the name of a living process of this machine."""
        return cls(pid, started(pid), here(), socket.gethostname(), time.time())

    @classmethod
    def parse(cls, text: str) -> Process | None:
        """Read what `str` wrote; None when it is something else."""
        pid, *rest = text.split(" ")
        return cls(int(pid), rest[0], rest[1], rest[2]) if len(rest) == 3 and pid.isdigit() else None

    def __str__(self) -> str:
        return f"{self.pid} {self.start} {self.where} {self.host.replace(' ', '_')}"

    @property
    def local(self) -> bool:
        """Whether this machine can tell if it lives."""
        return self.where == here()

    def alive(self) -> bool:
        """Return whether it runs, as far as this machine knows."""
        return self.local and bool(self.start) and started(self.pid) == self.start


@dataclass(frozen=True, slots=True)
class Platform:
    """What runs. `state` is starting, ready, stopping, stopped or failed; `message` says why it failed."""

    api: str
    ui: str
    daemon_url: str
    host: str
    port: int
    state: str = "starting"
    message: str = ""
    version: str = ""
    auth: str = ""
    redis_url: str = ""
    processes: dict[str, Process] = field(default_factory=dict)

    def alive(self, name: str) -> bool:
        """Return whether a process of the platform runs."""
        return name in self.processes and self.processes[name].alive()


def temporary_folder(prefix: str) -> Path:
    """Make a folder for this process alone, which says whose it is."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    (made / OWNER).write_text(str(Process.of(os.getpid())))
    return made


def sweep(prefix: str) -> int:
    """Remove the temporary folders that killed processes of this machine and user have left, and return how many there were."""
    removed = 0
    for file in Path(tempfile.gettempdir()).glob(f"{prefix}*/{OWNER}"):
        with suppress(OSError):
            owner = Process.parse(file.read_text())
            if owner and owner.local and not owner.alive() and file.parent.lstat().st_uid == os.getuid():
                shutil.rmtree(file.parent)
                removed += 1
    return removed


class Presence:
    """Whether a platform's folder that was there still is. What cannot be looked at, on a network that hangs or refuses, counts as there.

    It is known by the files that its daemon makes: Prefect makes a folder anew to store a result in it.
    """

    def __init__(self, folder: Path) -> None:
        self._files, self._since = [folder / name for name in (LOCK, NOTE, f"platform{COPY}")], 0.0
        self._missed = any(file.exists() for file in self._files)

    def away(self) -> bool:
        """Return whether it is away now."""
        return self._missed and all(map(_missing, self._files))

    def gone(self) -> bool:
        """Return whether it was away at each look of the last GONE seconds."""
        if not self.away():
            self.forgive()
        elif not self._since:
            self._since = time.monotonic()
        return bool(self._since) and time.monotonic() - self._since >= GONE

    def forgive(self) -> None:
        """Begin to count anew."""
        self._since = 0.0


def kept_settings() -> Settings:
    """Return the settings of the environment's data folder; kept, since reading them takes 4 ms, which each call of an application would pay."""
    return _kept(os.environ.get("FALDONE_HOME", ""), os.getcwd())


@lru_cache(maxsize=16)
def _kept(home: str, where: str) -> Settings:
    return load()


def _missing(file: Path) -> bool:
    try:
        file.stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def folder(settings: Settings | None = None) -> Path:
    """Return the platform's folder."""
    return (settings or load()).scratch / "platform"


def read(settings: Settings | None = None) -> Platform | None:
    """Return the note; None where no platform was ever started, or the note cannot be read."""
    return read_file(folder(settings) / NOTE)


def read_file(file: Path) -> Platform | None:
    """Return the note in a file, or in its copy when it cannot be read: running jobs know the server's port and password from it."""
    return _platform(read_json(file, {}), file) or _platform(read_json(file.with_suffix(COPY), {}), file)


def _platform(content: dict[str, Any], file: Path) -> Platform | None:
    try:
        processes = {name: Process(**known(Process, one)) for name, one in content.get("processes", {}).items()}
        return Platform(**known(Platform, content) | {"processes": processes}) if content else None
    except (TypeError, AttributeError) as error:
        log.warning("%s: %s: taken for empty", file, error)
        return None


def known(record: Any, content: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a record has: another release may have written more."""
    names = {one.name for one in fields(record)}
    return {name: value for name, value in content.items() if name in names}


def read_json(file: Path, default: Any) -> Any:
    """Return a file's JSON of the default's type; the default, with a warning, when it holds none."""
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        return default
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read and is taken for empty: %s", file, error)
        return default
    if not isinstance(content, type(default)):
        log.warning("%s holds no %s and is taken for empty", file, type(default).__name__)
        return default
    return content


def write_json(file: Path, content: Any) -> None:
    """Replace a file in a folder that is there; only its owner may read it, for it may hold a password."""
    replace_file(file, json.dumps(content, indent=1, ensure_ascii=False))


def write(platform: Platform, settings: Settings | None = None) -> None:
    """Replace the note and its copy."""
    folder(settings).mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (f"platform{COPY}", NOTE):
        write_json(folder(settings) / name, asdict(platform))
