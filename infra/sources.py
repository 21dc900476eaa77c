"""List what lies under the sources that a user names: files, folders, globs, and URLs of any store that fsspec knows.

Local folders are walked with os.scandir, which costs one stat a file. A listing is strict: a place that could not be listed is yielded as
`Unreadable`, never passed over, because a document that was merely not seen would be taken for one that is gone. What is hidden (a name
that begins with a dot) or a lock file of an office program (`~$…`) is not a document. Links to folders are not followed, so that no loop can
be walked, and are yielded as `Skipped`.

Names of local files are given in the composed form of Unicode (NFC): a Mac writes `à` as two characters, and a copy of the same folder on
Linux would else be other documents.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from infra.errors import TransientError, UsageError
from infra.files import filesystem, is_url, on_disk, said, storable

RootKind = Literal["file", "folder", "glob"]


@dataclass(frozen=True, slots=True)
class Root:
    """A source as the user named it: `location` absolute; for a glob, the pattern."""

    kind: RootKind
    location: str

    def holds(self, path: str) -> bool:
        """Say whether a path would be listed under this root if the file were there."""
        if self.kind == "file":
            return path == self.location
        if self.kind == "folder":
            return path.startswith(self.prefix)
        return pattern(self.location).match(path) is not None

    @property
    def prefix(self) -> str:
        """What every path under this root begins with."""
        if self.kind == "file":
            return self.location
        return (self.location if self.kind == "folder" else fixed_part(self.location)).rstrip("/") + "/"


@dataclass(frozen=True, slots=True)
class Found:
    """A file: `stamp` changes when the content may have changed (mtime in ns, or an etag); "" where the store has neither."""

    path: str
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A place that could not be listed, and why; `gone` tells a link to nowhere from what is only out of reach."""

    path: str
    reason: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A place that was left out on purpose, and why."""

    path: str
    reason: str


Item = Found | Unreadable | Skipped


def root_of(source: str, allowed: Sequence[str] = ()) -> Root:
    """Return what a source argument means.

    Args:
        allowed: folders and URLs under which sources may lie; any where it is empty.

    Raises:
        UsageError: there is no such file, folder or match, its protocol is not known here, or it is not allowed.
    """
    check_allowed(source, allowed)
    if is_url(source):
        return _remote_root(source)
    location = _absolute(source)
    there = on_disk(location)
    if os.path.isdir(there):
        return Root("folder", location)
    if os.path.exists(there):
        return Root("file", location)
    if glob.has_magic(source):
        return Root("glob", location)
    raise UsageError(f"{source}: no such file or folder")


def former_root(source: str) -> Root:
    """Return the root that a source was, though nothing may be there any more: a glob where it has magic, else a folder or a file."""
    location = source.rstrip("/") if is_url(source) else _absolute(source)
    return Root("glob" if glob.has_magic(source) else "folder", location)


def check_allowed(source: str, allowed: Sequence[str]) -> None:
    """Refuse a source outside the allowed places.

    Raises:
        UsageError: it lies elsewhere, also by way of a link.
    """
    if not allowed:
        return
    if is_url(source):
        inside = ".." not in source.split("/") and any(
            f"{source}/".startswith(f"{place.rstrip('/')}/") for place in allowed
        )
    else:
        real = os.path.realpath(on_disk(fixed_part(_absolute(source))))
        places = [os.path.realpath(os.path.expanduser(place)) for place in allowed if not is_url(place)]
        inside = any(f"{real}/".startswith(f"{place.rstrip('/')}/") for place in places)
    if not inside:
        raise UsageError(
            f"{source}: not under a source that this installation allows (FALDONE_SOURCES: {', '.join(allowed)})"
        )


def _absolute(source: str) -> str:
    return composed(storable(os.path.abspath(os.path.expanduser(source))))


def composed(path: str) -> str:
    """Return a path with its letters composed (NFC)."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def fixed_part(location: str) -> str:
    """Return the folder of a pattern above its first part with magic; without magic all of it."""
    parts = location.split("/")
    first = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return "/".join(parts[:first]) or "/"


def walk(root: Root, allowed: Sequence[str] = ()) -> Iterator[Item]:
    """Yield every file under a root, in no particular order, and every place that could not be listed or was left out.

    Args:
        allowed: as for `root_of`; links that lead elsewhere are skipped.
    """
    if is_url(root.location):
        yield from _walk_remote(root)
    elif root.kind == "folder":
        yield from _walk_folder(on_disk(root.location), allowed)
    elif root.kind == "glob":
        yield from _walk_glob(root.location, allowed)
    else:
        yield _stat(on_disk(root.location))


# ---- here --------------------------------------------------------------------------------------------------------------


def _walk_folder(top: str, allowed: Sequence[str]) -> Iterator[Item]:
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry, path in _named(folder, entries):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_symlink():
                        yield from _link(entry.path, path, allowed)
                    elif entry.is_file():
                        yield _stat(entry.path, path)
        except OSError as error:
            yield Unreadable(_kept(folder), error.strerror or str(error))


def _walk_glob(location: str, allowed: Sequence[str]) -> Iterator[Item]:
    """Expand a pattern part by part, so that only folders which it names are read, and each that cannot be read is said."""
    base = fixed_part(location)
    parts = location.removeprefix(base).strip("/").split("/")
    seen: set[str] = set()  # two `**` reach the same file by several ways
    for item in _expanded(on_disk(base), tuple(parts), allowed):
        if item.path not in seen:
            seen.add(item.path)
            yield item


def _expanded(folder: str, parts: tuple[str, ...], allowed: Sequence[str]) -> Iterator[Item]:
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _expanded(folder, rest or ("*",), allowed)
    matches = pattern(part if part != "**" else "*")
    try:
        with os.scandir(folder) as entries:
            for entry, path in _named(folder, entries):
                if not matches.match(composed(storable(entry.name))):
                    continue
                linked = entry.is_symlink()
                if entry.is_dir(follow_symlinks=part != "**"):  # what `**` reaches could be a loop
                    if part == "**":
                        yield from _expanded(entry.path, parts, allowed)
                    elif rest and not (linked and not _is_allowed(entry.path, allowed)):
                        yield from _expanded(entry.path, rest, allowed)
                elif part == "**" and not linked:
                    continue  # a file: matched by what comes after
                elif linked and (not rest or part == "**"):
                    yield from (
                        item for item in _link(entry.path, path, allowed) if part != "**" or isinstance(item, Skipped)
                    )
                elif not rest and entry.is_file():
                    yield _stat(entry.path, path)
    except FileNotFoundError:
        return  # nothing matches in a folder that is not there
    except NotADirectoryError:
        return
    except OSError as error:
        yield Unreadable(_kept(folder), error.strerror or str(error))


def _named(folder: str, entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Entries that count, with the path that each is known by: composed, unless another entry has that very name already."""
    beneath = _kept(folder).rstrip("/")
    decomposed = []
    for entry in entries:
        if _ignored(entry.name):
            continue
        if entry.name.isascii():
            yield entry, f"{beneath}/{entry.name}"
            continue
        name = storable(entry.name)
        if composed(name) == name:
            yield entry, f"{beneath}/{name}"
        else:
            decomposed.append(entry)
    for entry in decomposed:
        name = storable(entry.name)
        twin = os.path.lexists(os.path.join(folder, composed(name)))
        yield entry, f"{beneath}/{name if twin else composed(name)}"


def _kept(path: str) -> str:
    return composed(storable(path))


def _link(there: str, path: str, allowed: Sequence[str]) -> list[Item]:
    """What a link leads to, when it is a file; a link to nowhere is named, or a document would be lost without a word."""
    try:
        status = os.stat(there)
    except OSError as error:
        return [Unreadable(path, f"a link that leads nowhere: {error.strerror}", gone=True)]
    if stat.S_ISDIR(status.st_mode):
        return [
            Skipped(path, "a link to a folder is not followed: name that folder as a source if it is to be indexed")
        ]
    if not _is_allowed(there, allowed):
        return [Skipped(path, "a link that leads out of the sources that this installation allows (FALDONE_SOURCES)")]
    return [_stat(there, path)] if stat.S_ISREG(status.st_mode) else []


def _is_allowed(path: str, allowed: Sequence[str]) -> bool:
    try:
        check_allowed(path, allowed)
    except UsageError:
        return False
    return True


def _stat(there: str, path: str = "") -> Found | Unreadable:
    path = path or _kept(there)
    try:
        status = os.stat(there)
    except OSError as error:
        return Unreadable(path, error.strerror or str(error), gone=isinstance(error, FileNotFoundError))
    return Found(path, status.st_size, str(status.st_mtime_ns))


def _ignored(name: str) -> bool:
    return name.startswith((".", "~$"))


# ---- behind a URL ------------------------------------------------------------------------------------------------------


def _remote_root(source: str) -> Root:
    fs, inner = filesystem(source)
    try:
        if glob.has_magic(inner) and not source.startswith(("http://", "https://")):
            return Root("glob", source)
        # on the web a folder is a page too, so the closing slash decides; to ask whether a page is a folder is to read it
        if source.endswith("/") and fs.isdir(inner):
            return Root("folder", source.rstrip("/"))
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
            raise UsageError(f"{source}: {said(error)}") from error
        raise TransientError(f"{source}: cannot be reached: {said(error)}") from error
    raise UsageError(f"{source}: no such file or folder")


def _walk_remote(root: Root) -> Iterator[Item]:
    fs, inner = filesystem(root.location)
    fs.invalidate_cache()  # drivers keep listings for as long as the process lives
    protocol = root.location.split("://", 1)[0]
    if root.kind == "file":
        top, listing = inner, _one(fs, inner)
    else:
        top = inner if root.kind == "folder" else fixed_part(inner)
        top = (
            f"{top.rstrip('/')}/" if is_url(top) else top
        )  # a web server redirects, and links on its page are relative
        listing = _listing(fs, top)
    matches = pattern(inner) if root.kind == "glob" else None
    for name, info in listing:
        path = name if is_url(name) else f"{protocol}://{name.lstrip('/') if protocol != 'file' else name}"
        if isinstance(info, Exception):
            # the whole root, when it is its top: then nothing under it may be taken for gone
            yield Unreadable(root.prefix.rstrip("/") if name == top else path, said(info))
        elif any(_ignored(part) for part in name.removeprefix(top).split("/")):
            continue
        elif matches is None or matches.match(name):
            yield Found(path, int(info.get("size") or 0), _stamp(info))


def _one(fs: Any, inner: str) -> Iterator[tuple[str, Any]]:
    try:
        yield inner, fs.info(inner)
    except Exception as error:  # noqa: BLE001 - see infra.files.said
        yield inner, error


def _listing(fs: Any, top: str) -> Iterator[tuple[str, Any]]:
    """Yield each file below a folder with what the store says of it, and each folder that could not be listed with the error.

    Object stores list all that is below in one go; elsewhere folder by folder, because fsspec's own walk passes over what it cannot list.
    """
    from fsspec.asyn import AsyncFileSystem

    if isinstance(fs, AsyncFileSystem) and type(fs)._find is not AsyncFileSystem._find:
        try:
            yield from (
                (name, info) for name, info in fs.find(top, detail=True).items() if info.get("type", "file") == "file"
            )
        except Exception as error:  # noqa: BLE001
            yield top, error
        return
    folders, seen = [top], {top}
    while folders:
        folder = folders.pop()
        try:
            entries = fs.ls(folder, detail=True)
        except Exception as error:  # noqa: BLE001
            yield folder, error
            continue
        for info in entries:
            name = str(info["name"])
            if name in seen or not name.startswith(f"{top.rstrip('/')}/") or "?" in name.removeprefix(top):
                continue  # a page may link to its parent, to itself, and to itself in another order
            seen.add(name)
            if info.get("type") == "directory":
                folders.append(name)
            else:
                yield name, info if _stamp(info) else _told(fs, name, info)


def _told(fs: Any, name: str, info: dict[str, Any]) -> dict[str, Any]:
    """What the store says of one file when its listing says neither date nor etag (HTTP)."""
    try:
        return {**info, **fs.info(name)}
    except Exception:  # noqa: BLE001 - it is listed; reading it will say what is wrong
        return info


def _stamp(info: dict[str, Any]) -> str:
    names = (
        "ETag",
        "etag",
        "md5Hash",
        "LastModified",
        "Last-Modified",
        "last_modified",
        "updated",
        "mtime",
        "modified",
    )
    return next((str(info[name]) for name in names if info.get(name)), "")


@functools.lru_cache(maxsize=4096)
def pattern(location: str) -> re.Pattern[str]:
    r"""Return the regular expression of a glob; a whole part `**` crosses folders, `*`, `?` and `[…]` stay within a part."""
    return re.compile(expression(location) + r"\Z")


def expression(location: str) -> str:
    """Return the glob as an expression without its end, which polars understands too."""
    # glob.translate comes with Python 3.13
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
    return out
