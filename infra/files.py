"""The door to files, here or behind an fsspec URL (`s3://`, `gs://`, `https://` …): read, write, fetch, send, remove.

Stores are reached with the credentials of the environment and need their fsspec driver: `faldone[s3]`, `faldone[gcs]`, `faldone[http]`,
`faldone[sftp]`, `faldone[smb]`, `faldone[webdav]`, `faldone[azure]`.
What lies under a source is listed by `infra/sources.py`.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import shutil
import time
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.errors import DocumentError, FailureKind, FaldoneError, StorageError, TransientError, UsageError

log = logging.getLogger("faldone.files")


def is_url(source: str) -> bool:
    return "://" in source


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner may enter, unless it is there; its parents are made as usual. Returns it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def storable(path: str) -> str:
    r"""Return a path as text that can be kept: bytes of a name that are not UTF-8 become `\xe0` (old disks hold Latin-1 names)."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def on_disk(path: str) -> str:
    """Return the name under which a listed path lies on the disk: bytes that are no UTF-8, and letters that are not composed, as they are."""
    if os.path.lexists(path):
        return path
    there = "/"
    for part in os.path.abspath(path).strip("/").split("/"):
        candidate = os.path.join(there, part)
        there = candidate if os.path.lexists(candidate) else os.path.join(there, _entry(there, part) or part)
    return there


def is_there(path: str) -> bool:
    """Tell whether a listed path of this machine is there, under whichever name it lies on the disk."""
    return os.path.lexists(on_disk(path))


def _entry(folder: str, name: str) -> str | None:
    """Return the entry of a folder that is stored under a name."""
    if name.isascii() and "\\x" not in name:
        return None
    try:
        entries = os.listdir(folder)
    except OSError:
        return None
    wanted = unicodedata.normalize("NFC", name)
    return next((entry for entry in entries if unicodedata.normalize("NFC", storable(entry)) == wanted), None)


FETCH_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # s between two tries to fetch a file: half a minute in all
FETCH_RESPITE = 60.0  # s in which a store that was waited for in vain is not waited for again
_given_up: dict[str, float] = {}  # store: when this process last waited for it in vain


def fetch(path: str, folder: Path, most: int) -> Path:
    """Return a local copy of a remote file in `folder`; of a local path the path itself.

    A store that is away for some seconds is waited for, so that one hiccup does not put a batch into quarantine.

    Raises:
        DocumentError: it is gone, may not be read, is larger than `most` bytes, or the network failed.
    """
    if not is_url(path):
        return Path(on_disk(path))
    fs, inner = filesystem(path)
    # not the file's own name, which may be longer than a disk takes: 80 Chinese characters are 240 bytes
    ending = Path(inner).suffix if Path(inner).suffix[1:].isascii() else ""
    target = folder / (hashlib.blake2b(path.encode(), digest_size=16).hexdigest() + ending[:20])
    store = path[: path.find("/", path.index("://") + 3)]
    hopeless = time.monotonic() - _given_up.get(store, -FETCH_RESPITE) < FETCH_RESPITE
    pauses = iter(() if hopeless else FETCH_PAUSES)
    while True:
        try:
            _copy(fs, inner, target, most)
            return target
        except DocumentError:
            raise
        except Exception as error:
            failure, passing = _why(error)
            pause = next(pauses, None) if passing else None
            if pause is None:
                if passing and not hopeless:
                    _given_up[store] = time.monotonic()
                raise failure from error
            log.warning("%s %s; tried again in %g s", path, failure, pause)
            time.sleep(pause)


def _why(error: Exception) -> tuple[DocumentError, bool]:
    """Return why a file could not be fetched, and whether waiting may help: not where a store has answered that it will not give it."""
    status = getattr(error, "status", None) or getattr(error.__cause__, "status", None)  # of HTTP
    answered = isinstance(status, int) and status < 500 and status not in {408, 425, 429}
    if isinstance(error, FileNotFoundError) and status in {None, 404, 410}:
        return DocumentError(FailureKind.NOT_FOUND, "the file went away", "discover"), False
    if isinstance(error, PermissionError) or status in {401, 403}:
        return DocumentError(FailureKind.PERMISSION, f"may not be read: {said(error)}", "discover"), False
    return DocumentError(FailureKind.NETWORK, f"could not be fetched: {said(error)}", "discover"), not answered


def _copy(fs: Any, inner: str, target: Path, most: int) -> None:
    with fs.open(inner, "rb") as source, target.open("wb") as copy:
        copied = 0
        while block := source.read(1 << 20):
            copied += len(block)
            if copied > most:
                raise DocumentError(FailureKind.TOO_LARGE, f"larger than the limit of {most:,} bytes", "discover")
            copy.write(block)


def write_bytes(path: str, data: bytes | memoryview, parents: bool = True) -> None:
    """Write a file here or behind a URL, its folder made where there is none, unless `parents` is False.

    Raises:
        StorageError: the disk is full or may not be written.
        TransientError: the store behind the URL does not take it.
    """
    if not is_url(path):
        target = Path(path)
        try:
            if parents:
                target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        except OSError as error:
            raise StorageError(f"{target.parent}: {error.strerror}") from error
        return
    fs, inner = filesystem(path)
    with reached(path), fs.open(inner, "wb") as file:
        file.write(data)


def read_bytes(path: str) -> bytes:
    """Return the content of a file here or behind a URL.

    Raises:
        FileNotFoundError: there is none.
        TransientError: the store behind the URL does not answer.
    """
    if not is_url(path):
        return Path(path).read_bytes()
    fs, inner = filesystem(path)
    with reached(path):
        data: bytes = fs.cat_file(inner)
    return data


@contextmanager
def reached(place: str) -> Iterator[None]:
    """Turn what a store's driver says of its store into an error that may pass; of a local place only the system's errors.

    Raises:
        TransientError: the store does not answer, or the disk fails.
    """
    try:
        yield
    except (FileNotFoundError, FaldoneError):
        raise
    except Exception as error:
        if not is_url(place) and not isinstance(error, OSError):
            raise
        reason = (error.strerror if isinstance(error, OSError) and error.strerror else "") or said(error)
        raise TransientError(f"{place}: cannot be reached: {reason}") from error


def listed(folder: str, ending: str) -> list[tuple[str, int, datetime]]:
    """List the files in a folder here or behind a URL whose names end so: place, bytes and time of writing of each.

    Raises:
        TransientError: the store behind the URL does not answer.
    """
    fs, inner = filesystem(folder if is_url(folder) else f"file://{folder}")
    fs.invalidate_cache()
    try:
        with reached(folder):
            rows = [r for r in fs.ls(inner, detail=True) if r["type"] == "file" and r["name"].endswith(ending)]
            return [(f"{folder}/{Path(r['name']).name}", r["size"], fs.modified(r["name"])) for r in rows]
    except FileNotFoundError:
        return []


def remove_file(path: str) -> None:
    """Remove a file here or behind a URL; nothing happens when it is not there.

    Raises:
        TransientError: the store behind the URL does not answer.
    """
    if not is_url(path):
        Path(path).unlink(missing_ok=True)
        return
    fs, inner = filesystem(path)
    with reached(path), suppress(FileNotFoundError):
        fs.rm_file(inner)


def remove_tree(path: str) -> None:
    """Remove a folder with all that is in it; nothing happens when it is not there.

    A folder here is renamed first, so that nobody who is still writing can fill it while it is being emptied.
    """
    if not is_url(path):
        away = f"{path.rstrip('/')}.{uuid.uuid4().hex[:8]}"
        try:
            os.rename(path, away)
        except OSError:
            away = path
        shutil.rmtree(away, ignore_errors=True)
        return
    from infra import empty_folders

    fs, inner = filesystem(path)
    with reached(path):
        if fs.exists(inner):
            fs.rm(inner, recursive=True)
        empty_folders.drop(fs, inner)


DRIVERS = {
    "s3": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "http": "http",
    "https": "http",
    "sftp": "sftp",
    "smb": "smb",
    "webdav": "webdav",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
}  # protocol: the extra that brings its driver
HOSTED = {"sftp", "smb", "webdav", "ftp"}  # protocols whose drivers name files without their server


def filesystem(url: str) -> tuple[Any, str]:
    """Return the fsspec driver of a URL and the path within its store.

    Raises:
        UsageError: the protocol is not known, or its driver is not installed.
        TransientError: its server does not answer, or refuses.
    """
    import fsspec

    try:
        if url.startswith("webdav://"):
            return _webdav(url)
        if url.startswith("sftp://"):
            _known_hosts_only()
        fs, inner = fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = DRIVERS.get(url.split("://", 1)[0])
        hint = f"pip install 'faldone[{extra}]'" if extra else f"its driver is not installed: {error}"
        raise UsageError(f"{url}: {hint}") from None
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from None
    except Exception as error:
        if url.split("://", 1)[0] not in HOSTED:
            raise
        raise TransientError(f"{url}: cannot be reached: {said(error)}") from error
    return fs, inner


def server_of(url: str) -> str:
    """Give what stands before a file's name in its URL: protocol and server where the driver's names lack the server."""
    protocol, _, rest = url.partition("://")
    return f"{protocol}://{rest.partition('/')[0]}/" if protocol in HOSTED else f"{protocol}://"


def _webdav(url: str) -> tuple[Any, str]:
    """Reach a WebDAV server, always over TLS: its driver wants the server's address apart from the path."""
    import fsspec

    server, _, path = url.removeprefix("webdav://").partition("/")
    user, password = os.environ.get("FSSPEC_WEBDAV_USERNAME", ""), os.environ.get("FSSPEC_WEBDAV_PASSWORD", "")
    for name in ("username", "password"):  # fsspec hands these to the driver too, which knows them as `auth` alone
        fsspec.config.conf.get("webdav", {}).pop(name, None)
    login = (user, password) if user else None
    fs = fsspec.filesystem("webdav", base_url=f"https://{server}", auth=login, verify=_trusted())
    return fs, path


@functools.cache
def _trusted() -> Any:
    """Trust what this machine trusts, or the file that SSL_CERT_FILE names: servers of offices have certificates of their own makers."""
    import ssl

    return ssl.create_default_context()


@functools.cache
def _known_hosts_only() -> None:
    """Have SFTP refuse servers whose key this user has not accepted (`~/.ssh/known_hosts`): fsspec's driver takes any."""
    import fsspec
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem

    class KnownHosts(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            self.client.load_system_host_keys()
            self.client.connect(self.host, **self.ssh_kwargs)
            self.ftp = self.client.open_sftp()

    fsspec.register_implementation("sftp", KnownHosts, clobber=True)


def said(error: Exception) -> str:
    """Return a driver's error in one line. Each store's driver has classes of its own, most of them no OSError."""
    line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


# ---- folders to and from an object store -------------------------------------------------------------------------------


def send_folder(folder: Path, url: str, last: str, after: str = "") -> None:
    """Send a folder's files; the one named `last` goes last and says that all are there, but for what lies in the folder `after`.

    Raises:
        TransientError: the store cannot be written.
    """
    files = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    for path in sorted(files, key=lambda path: (path.startswith(after), Path(path).name == last)):
        send_file(folder / path, f"{url}/{path}")


def send_file(file: Path, url: str) -> None:
    """Send one file; object stores replace it in one step.

    Raises:
        TransientError: the store cannot be written.
    """
    fs, inner = filesystem(url)
    with reached(url):
        fs.put_file(str(file), inner)


def sync_versions(url: str, folder: Path, marker: str) -> None:
    """Make `folder` like the remote one, two levels deep (name/version).

    A version with its marker here is not fetched again. What is gone there goes here, and each name's small files
    (the pointer) are always fetched.

    Raises:
        TransientError: the store cannot be read.
        UsageError: a name there leads out of the folder.
    """
    fs, inner = filesystem(url)
    try:
        with reached(url):
            fs.invalidate_cache()
            relative = {
                path[len(inner) + 1 :]: path for path in fs.find(inner) if path.count("/") > inner.count("/") + 1
            }
            if odd := next((name for name in relative if {"", ".", ".."} & set(name.split("/"))), ""):
                raise UsageError(f"{url}/{odd} leads out of its folder: remove it, nothing was fetched")
            complete = {name.rsplit("/", 1)[0] for name in relative if name.endswith(f"/{marker}")}
            _drop_gone(folder, complete, marker)
            for version in sorted(complete):
                if not (folder / version / marker).is_file():
                    _fetch_version(fs, relative, version, folder, marker)
            for name, path in relative.items():
                if name.count("/") == 1:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    fs.get_file(path, str(folder / name))
    except FileNotFoundError:
        return  # nothing has been registered yet


def _fetch_version(fs: Any, relative: dict[str, str], version: str, folder: Path, marker: str) -> None:
    names = [name for name in relative if name.startswith(f"{version}/")]
    for name in sorted(names, key=lambda n: n.endswith(f"/{marker}")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        fs.get_file(relative[name], str(folder / name))


def _drop_gone(folder: Path, complete: set[str], marker: str) -> None:
    for here in folder.glob(f"*/*/{marker}"):
        if here.parent.relative_to(folder).as_posix() not in complete:
            shutil.rmtree(here.parent)
