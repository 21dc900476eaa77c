"""The door to files, here or behind an fsspec URL (`s3://`, `gs://`, `https://` …).

Local folders are walked with os.scandir, which costs one stat a file; everything else goes through fsspec with the credentials of the
environment. What is hidden (a name that begins with a dot) or a lock file of an office program (`~$…`) is not a document.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from infra.errors import DocumentError, FailureKind, StorageError, TransientError, UsageError

RootKind = Literal["file", "folder", "glob"]


@dataclass(frozen=True, slots=True)
class Root:
    """A source as the user named it: `location` absolute; for a glob, the pattern."""

    kind: RootKind
    location: str

    def holds(self, path: str) -> bool:
        """Whether a path would be listed under this root if the file were there."""
        if self.kind == "file":
            return path == self.location
        if self.kind == "folder":
            return path.startswith(self.location.rstrip("/") + "/")
        return _pattern(self.location).match(path) is not None


@dataclass(frozen=True, slots=True)
class Found:
    """A file: `stamp` changes when the content may have changed (mtime in ns, or an etag)."""

    path: str
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A place that could not be listed, and why; `gone` tells a link to nowhere from what is only out of reach."""

    path: str
    reason: str
    gone: bool = False


def is_url(source: str) -> bool:
    return "://" in source


def root_of(source: str) -> Root:
    """What a source argument means.

    Raises:
        UsageError: there is no such file, folder or match, or its protocol is not known here.
    """
    if is_url(source):
        return _remote_root(source)
    location = storable(os.path.abspath(os.path.expanduser(source)))
    there = on_disk(location)
    if os.path.isdir(there):
        return Root("folder", location)
    if os.path.exists(there):
        return Root("file", location)
    if glob.has_magic(source):
        return Root("glob", location)
    raise UsageError(f"{source}: no such file or folder")


def walk(root: Root) -> Iterator[Found | Unreadable]:
    """Every file under a root, in no particular order, and every place that could not be listed."""
    if is_url(root.location):
        yield from _walk_remote(root)
    elif root.kind == "folder":
        yield from _walk_folder(on_disk(root.location))
    elif root.kind == "glob":
        for path in glob.iglob(root.location, recursive=True):
            if os.path.isfile(path) and not _ignored(os.path.basename(path)):
                yield _stat(path)
    else:
        yield _stat(on_disk(root.location))


def storable(path: str) -> str:
    r"""A path as text that can be kept: bytes of a name that are not UTF-8 become `\xe0` (old disks hold Latin-1 names)."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def on_disk(path: str) -> str:
    """The name under which a `storable` path lies on the disk."""
    if "\\x" not in path or os.path.lexists(path):
        return path
    raw = re.sub(rb"\\x([89a-f][0-9a-f])", lambda found: bytes.fromhex(found[1].decode()), os.fsencode(path))
    return os.fsdecode(raw)


def _walk_folder(top: str) -> Iterator[Found | Unreadable]:
    """Links to files count as files; links to folders are not followed, so that no loop can be walked."""
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if _ignored(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_symlink() or entry.is_file():
                        yield from _link(entry.path) if entry.is_symlink() else [_stat(entry.path)]
        except OSError as error:
            yield Unreadable(storable(folder), error.strerror or str(error))


def _link(path: str) -> list[Found | Unreadable]:
    """What a link leads to, when it is a file; a link to nowhere is named, or a document would be lost without a word."""
    try:
        status = os.stat(path)
    except OSError as error:
        return [Unreadable(storable(path), f"a link that leads nowhere: {error.strerror}", gone=True)]
    return [_stat(path)] if stat.S_ISREG(status.st_mode) else []


def _stat(path: str) -> Found | Unreadable:
    try:
        status = os.stat(path)
    except OSError as error:
        return Unreadable(storable(path), error.strerror or str(error), gone=isinstance(error, FileNotFoundError))
    return Found(storable(path), status.st_size, str(status.st_mtime_ns))


def _ignored(name: str) -> bool:
    return name.startswith((".", "~$"))


def fetch(path: str, folder: Path, most: int) -> Path:
    """A local copy of a remote file in `folder`; a local path as it is.

    Raises:
        DocumentError: it is gone, may not be read, is larger than `most` bytes, or the network failed.
    """
    if not is_url(path):
        return Path(on_disk(path))
    fs, inner = _filesystem(path)
    target = folder / (f"{abs(hash(path)):x}-" + Path(inner).name[-80:])
    try:
        with fs.open(inner, "rb") as source, target.open("wb") as copy:
            copied = 0
            while block := source.read(1 << 20):
                copied += len(block)
                if copied > most:
                    raise DocumentError(FailureKind.TOO_LARGE, f"larger than the limit of {most:,} bytes", "discover")
                copy.write(block)
    except FileNotFoundError:
        raise DocumentError(FailureKind.NOT_FOUND, "the file went away", "discover") from None
    except PermissionError as error:
        raise DocumentError(FailureKind.PERMISSION, f"may not be read: {error}", "discover") from None
    except DocumentError:
        raise
    except Exception as error:
        raise DocumentError(FailureKind.NETWORK, f"could not be fetched: {_said(error)}", "discover") from error
    return target


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
    fs, inner = _filesystem(path)
    with _reached(path), fs.open(inner, "wb") as file:
        file.write(data)


def read_bytes(path: str) -> bytes:
    """The content of a file here or behind a URL.

    Raises:
        FileNotFoundError: there is none.
        TransientError: the store behind the URL does not answer.
    """
    if not is_url(path):
        return Path(path).read_bytes()
    fs, inner = _filesystem(path)
    with _reached(path):
        data: bytes = fs.cat_file(inner)
    return data


@contextmanager
def _reached(url: str) -> Iterator[None]:
    """Turn what a store's driver says of its store into an error that may pass."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise TransientError(f"{url}: cannot be reached: {_said(error)}") from error


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
    fs, inner = _filesystem(path)
    with _reached(path):
        if fs.exists(inner):
            fs.rm(inner, recursive=True)


def _filesystem(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        fs, inner = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"{url}: {error} (for s3:// install faldone[s3])") from None
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from None
    return fs, inner


def _remote_root(source: str) -> Root:
    fs, inner = _filesystem(source)
    try:
        if glob.has_magic(inner) and not source.startswith(("http://", "https://")):
            return Root("glob", source)
        if fs.isfile(inner):
            return Root("file", source)
        if fs.isdir(inner):
            return Root("folder", source.rstrip("/"))
    except PermissionError as error:
        raise UsageError(f"{source}: may not be read: {error}") from error
    except FileNotFoundError:
        pass  # said below
    except Exception as error:
        if "Credential" in type(error).__name__:
            raise UsageError(f"{source}: {_said(error)}") from error
        raise TransientError(f"{source}: cannot be reached: {_said(error)}") from error
    raise UsageError(f"{source}: no such file or folder")


def _said(error: Exception) -> str:
    """A driver's error in one line. Each store's driver has classes of its own, most of them no OSError."""
    line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _walk_remote(root: Root) -> Iterator[Found | Unreadable]:
    fs, inner = _filesystem(root.location)
    protocol = root.location.split("://", 1)[0]
    try:
        if root.kind == "file":
            listing = {inner: fs.info(inner)}
        elif root.kind == "glob":
            listing = fs.glob(inner, detail=True)
        else:
            listing = fs.find(inner, detail=True)
    except Exception as error:  # noqa: BLE001 - see _said
        yield Unreadable(root.location, _said(error))
        return
    for name, info in listing.items():
        if info.get("type", "file") != "file" or any(_ignored(part) for part in name.split("/") if part):
            continue
        path = name if is_url(name) else f"{protocol}://{name}"
        stamp = str(info.get("ETag") or info.get("etag") or info.get("LastModified") or info.get("mtime") or "")
        yield Found(path, int(info.get("size") or 0), stamp)


def _pattern(location: str) -> Any:
    # glob.translate comes with Python 3.13. A whole part `**` crosses folders; `*`, `?` and `[…]` stay within a part
    out = ""
    for piece in re.split(r"((?:(?<=/)|^)\*\*(?:/|\Z)|\*+|\?|\[[^]]+\])", location):
        if piece == "**/":
            out += "(?:[^/]+/)*"
        elif piece == "**" and out.endswith(("/", "/)*")):
            out += ".*"
        elif piece.startswith("*"):
            out += "[^/]*"
        elif piece == "?":
            out += "[^/]"
        elif piece.startswith("[") and piece.endswith("]"):
            out += piece.replace("[!", "[^", 1)
        else:
            out += re.escape(piece)
    return re.compile(out + r"\Z")
