"""Folders sent to and fetched from an object store: how the model registry lives in a remote data folder.

Needs the store's fsspec driver (`faldone[s3]` for s3://) and its credentials in the environment.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from infra.errors import TransientError, UsageError


def push(folder: Path, url: str, last: str) -> None:
    """Send a folder's files; the one named `last` goes last, so that its presence says that all are there."""
    fs, inner = _store(url)
    files = sorted((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.name == last)
    try:
        for file in files:
            fs.put_file(str(file), f"{inner}/{file.relative_to(folder).as_posix()}")
    except OSError as error:
        raise TransientError(f"{url}: cannot be written: {error}") from error


def put(file: Path, url: str) -> None:
    """Send one file; object stores replace it in one step."""
    fs, inner = _store(url)
    try:
        fs.put_file(str(file), inner)
    except OSError as error:
        raise TransientError(f"{url}: cannot be written: {error}") from error


def pull(url: str, folder: Path, marker: str) -> None:
    """Make `folder` like the remote one, two levels deep (name/version).

    A version with its marker here is not fetched again. What is gone there goes here, and each name's small files
    (the pointer) are always fetched.
    """
    fs, inner = _store(url)
    try:
        there = [path for path in fs.find(inner) if path.count("/") > inner.count("/") + 1]
        fs.invalidate_cache()
        relative = {path[len(inner) + 1 :]: path for path in there}
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
    except OSError as error:
        raise TransientError(f"{url}: cannot be read: {error}") from error


def remove(url: str) -> None:
    """Remove everything under a URL; it is no error when nothing is there."""
    fs, inner = _store(url)
    if fs.exists(inner):
        fs.rm(inner, recursive=True)


def _fetch_version(fs: Any, relative: dict[str, str], version: str, folder: Path, marker: str) -> None:
    names = [name for name in relative if name.startswith(f"{version}/")]
    for name in sorted(names, key=lambda n: n.endswith(f"/{marker}")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        fs.get_file(relative[name], str(folder / name))


def _drop_gone(folder: Path, complete: set[str], marker: str) -> None:
    for here in folder.glob(f"*/*/{marker}"):
        if here.parent.relative_to(folder).as_posix() not in complete:
            shutil.rmtree(here.parent)


def _store(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        fs, inner = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{url}: {error} (for s3:// install faldone[s3])") from None
    return fs, inner
