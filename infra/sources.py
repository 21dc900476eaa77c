"""List what lies under the sources that a user names: files, folders, globs, and URLs of any store that fsspec knows.

Local folders are walked with os.scandir, which costs one stat a file. A listing is strict: a place that could not be listed is yielded as
`Unreadable`, never passed over, because a document that was merely not seen would be taken for one that is gone. What is hidden (a name
that begins with a dot) or a lock file of an office program (`~$…`) is not a document. Links to folders are not followed, so that no loop can
be walked, and are yielded as `Skipped`.

Names of local files are given in the composed form of Unicode (NFC): a Mac writes `à` as two characters, and a copy of the same folder on
Linux would else be other documents.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Sequence

from infra.errors import UsageError
from infra.files import is_url, on_disk, storable
from infra.remote_sources import remote_root, walk_remote
from infra.roots import Found, Item, Root, Skipped, Unreadable, composed, file_stamp, fixed_part, is_ignored, pattern


def root_of(source: str, allowed: Sequence[str] = ()) -> Root:
    """Return what a source argument means.

    Args:
        allowed: folders and URLs under which sources may lie; any where it is empty.

    Raises:
        UsageError: there is no such file, folder or match, its protocol is not known here, or it is not allowed.
    """
    check_allowed(source, allowed)
    if is_url(source):
        return remote_root(source)
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


def walk(root: Root, allowed: Sequence[str] = ()) -> Iterator[Item]:
    """Yield every file under a root, in no particular order, and every place that could not be listed or was left out.

    Args:
        allowed: as for `root_of`; links that lead elsewhere are skipped.
    """
    if is_url(root.location):
        yield from walk_remote(root)
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
    several = parts.count("**") > 1  # they reach the same file by several ways; a folder is read twice by one of them
    seen: set[str] = set()
    for item in _expanded(on_disk(base), tuple(parts), allowed):
        if isinstance(item, Found) and not several:
            yield item
        elif item.path not in seen:
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
    """Yield entries that count, with the path that each is known by: composed, unless another entry has that very name already."""
    beneath = _kept(folder).rstrip("/")
    decomposed = []
    for entry in entries:
        if is_ignored(entry.name):
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
    """Return what a link leads to, when it is a file; a link to nowhere is named, or a document would be lost without a word."""
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
    return Found(path, status.st_size, file_stamp(status))


# ---- behind a URL ------------------------------------------------------------------------------------------------------
