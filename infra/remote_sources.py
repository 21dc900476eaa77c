"""List what lies behind a URL, with any store that fsspec knows: object stores, web servers, servers of files."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from typing import Any

from infra.errors import TransientError, UsageError
from infra.files import filesystem, is_url, said, server_of
from infra.roots import Found, Item, Root, Unreadable, fixed_part, is_ignored, pattern


def remote_root(source: str) -> Root:
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


def walk_remote(root: Root) -> Iterator[Item]:
    fs, inner = filesystem(root.location)
    fs.invalidate_cache()  # drivers keep listings for as long as the process lives
    server = server_of(root.location)
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
        path = name if is_url(name) else f"{server}{name.lstrip('/') if server != 'file://' else name}"
        if isinstance(info, Exception):
            # the whole root, when it is its top: then nothing under it may be taken for gone
            yield Unreadable(root.prefix.rstrip("/") if name == top else path, said(info))
        elif any(is_ignored(part) for part in name.removeprefix(top).split("/")):
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
            below = f"{bare}/" if (bare := top.rstrip("/")) else ""  # WebDAV names what is in its root without a slash
            if name in seen or not name.startswith(below) or "?" in name.removeprefix(top):
                continue  # a page may link to its parent, to itself, and to itself in another order
            seen.add(name)
            if info.get("type") == "directory":
                folders.append(name)
            else:
                yield name, info if _stamp(info) else _told(fs, name, info)


def _told(fs: Any, name: str, info: dict[str, Any]) -> dict[str, Any]:
    """Return what the store says of one file when its listing says neither date nor etag (HTTP)."""
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
