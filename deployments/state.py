"""Where the platform of a data folder keeps its things, and the note by which every command finds it.

`FALDONE_HOME/platform/` holds Prefect's database, logs, Redis' data, and `platform.json`: addresses and processes of what runs. It is local
even where the data folder is in an object store. Nothing heavy is imported here: each command looks.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.settings import Settings, load


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the platform: its number and when it was made (Unix seconds), which together name it for ever."""

    pid: int
    created: float

    def alive(self) -> bool:
        """Whether it still runs."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            return bool(abs(process.create_time() - self.created) < 1 and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True, slots=True)
class Platform:
    """What runs. `state` is starting, ready, stopping or failed; `message` says why it failed."""

    api: str
    ui: str
    keeper_url: str
    host: str
    port: int
    state: str = "starting"
    message: str = ""
    started: float = 0.0
    auth: str = ""
    redis_url: str = ""
    processes: dict[str, Process] = field(default_factory=dict)

    def alive(self, name: str) -> bool:
        """Whether a process of the platform runs."""
        return name in self.processes and self.processes[name].alive()


def folder(settings: Settings | None = None) -> Path:
    """The platform's folder."""
    return (settings or load()).scratch / "platform"


def read(settings: Settings | None = None) -> Platform | None:
    """The note, None where no platform was ever started."""
    try:
        content: dict[str, Any] = json.loads((folder(settings) / "platform.json").read_text())
    except FileNotFoundError:
        return None
    processes = {name: Process(**one) for name, one in content.pop("processes").items()}
    return Platform(**content, processes=processes)


def write(platform: Platform, settings: Settings | None = None) -> None:
    """Replace the note; only its owner may read it, for it may hold a password."""
    target = folder(settings) / "platform.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(f".{os.getpid()}")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(asdict(platform), indent=1))
    beside.replace(target)


def use(platform: Platform) -> None:
    """Have this process speak with the platform."""
    os.environ["PREFECT_API_URL"] = platform.api
    if platform.auth:
        os.environ["PREFECT_API_AUTH_STRING"] = platform.auth
    if platform.redis_url:
        os.environ.setdefault("FALDONE_REDIS_URL", platform.redis_url)
