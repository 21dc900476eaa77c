"""Which Prefect API this process speaks to: the one that is set, or the platform's that `faldone up` started on this data folder.

Nothing is put into the environment, and a platform that moves to another port is followed from the next call on.
"""

from __future__ import annotations

import os
import threading
import tomllib
from dataclasses import dataclass
from pathlib import Path

from deployments import state
from infra.errors import TransientError
from infra.prefect_api import Api


@dataclass(frozen=True, slots=True)
class Address:
    """An API. `auth` is `user:password`, None where the environment has it."""

    url: str
    ui: str
    auth: str | None = None
    redis_url: str = ""


def find() -> Address | None:
    """Return the API that is set or the platform that runs; None when there is neither.

    A platform runs as long as its daemon or its server does: a server that is just being started again is waited for by whoever asks.
    """
    known = _platform(state.folder(state.kept_settings()) / state.NOTE)
    if url := configured().rstrip("/"):
        own = known is not None and known.api == url and "PREFECT_API_AUTH_STRING" not in os.environ
        return Address(url, ui_url(url), known.auth or None if own and known else None)
    if known is None or not (known.alive("daemon") or known.alive("server")):
        return None
    return Address(known.api, known.ui, known.auth or None, known.redis_url)


def connect() -> Api:
    """Return the client for the API of `find`, shared by this process's threads.

    Raises:
        TransientError: none is set, and no platform runs on this data folder.
    """
    return client(here())


def here() -> Address:
    """Return the API of `find`.

    Raises:
        TransientError: there is none.
    """
    found = find()
    if found is None:
        raise TransientError("no platform is running: start one with `faldone up`, or set PREFECT_API_URL")
    return found


_lock = threading.Lock()
_clients: dict[tuple[int, Address], Api] = {}


def client(address: Address) -> Api:
    """Return the client for an address; a forked process makes its own."""
    key = (os.getpid(), address)
    with _lock:
        if key not in _clients:
            _clients[key] = Api(address.url, auth=address.auth)
        return _clients[key]


def use(address: Address) -> None:
    """Have Prefect itself speak to an address, in this process and those that it starts; for commands, not for libraries."""
    os.environ["PREFECT_API_URL"] = address.url
    if address.auth:
        os.environ["PREFECT_API_AUTH_STRING"] = address.auth
    if address.redis_url:
        os.environ.setdefault("FALDONE_REDIS_URL", address.redis_url)


def ui_url(api: str) -> str:
    """Return where people look at what the API at `api` knows."""
    return os.environ.get("PREFECT_UI_URL", api.removesuffix("/api")).rstrip("/")


def configured() -> str:
    """Return the address in the environment or in Prefect's profile. Reads what Prefect would, without importing it (1 s)."""
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml"))
    if not profiles.is_file():
        return ""
    try:
        content = tomllib.loads(profiles.read_text())
    except tomllib.TOMLDecodeError:
        return ""  # Prefect itself will say what is wrong with it
    active = os.environ.get("PREFECT_PROFILE", content.get("active", ""))
    return str(content.get("profiles", {}).get(active, {}).get("PREFECT_API_URL", ""))


_notes: dict[Path, tuple[tuple[int, int], state.Platform | None]] = {}


def _platform(file: Path) -> state.Platform | None:
    """Return the platform's note, read again when the file has changed."""
    try:
        found = file.stat()
    except OSError:
        return None
    stamp = (found.st_mtime_ns, found.st_ino)
    if file not in _notes or _notes[file][0] != stamp:
        _notes[file] = (stamp, state.read_file(file))
    return _notes[file][1]
