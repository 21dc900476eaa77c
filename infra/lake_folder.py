"""A table's folder as LanceDB lays it out: whether it has been a table, and how it ceases to be one.

    _transactions/VERSION-ID.txn   one a commit, by the version that it was made upon: 0 for the creation
    _versions/NUMBER.manifest      one a version, the newest sorts first; a hint and what was set aside lie beside them
    data, _indices, _deletions     what the versions are made of

LanceDB takes any folder with the right ending for a table, from the moment when it is there, and removes one in the order in which the file
system or the store lists its files: a kill may leave a table whose versions are there and whose data are not, or one that is older again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from infra.files import filesystem, is_url, reached

_OF_A_VERSION = (".manifest", ".json", ".damaged")


def has_lived(folder: str) -> bool:
    """Tell whether a folder holds more of a table than a creation leaves that was not finished.

    Raises:
        TransientError: the store behind the URL does not answer.
    """
    if any(name.endswith(_OF_A_VERSION) for name in _names(f"{folder}/_versions")):
        return True
    return any(not name.startswith("0-") for name in _names(f"{folder}/_transactions"))


def transactions(folder: str) -> set[str]:
    """List the records of commits, by their paths in a table's folder.

    Raises:
        TransientError: the store behind the URL does not answer.
    """
    return {f"_transactions/{name}" for name in _names(f"{folder}/_transactions")}


def forget(folder: str) -> None:
    """Remove a table's history in such an order that a kill leaves the table as it was, or none.

    Raises:
        TransientError: the store behind the URL does not answer.
        OSError: the disk fails.
    """
    remove_files(f"{folder}/_transactions", _names(f"{folder}/_transactions"))
    files = _names(f"{folder}/_versions")
    newest = [name for name in files if name.endswith(".manifest")][:1]
    remove_files(f"{folder}/_versions", [name for name in files if name not in newest])
    remove_files(f"{folder}/_versions", newest)


def remove_files(folder: str, names: Sequence[str]) -> None:
    """Remove some files of a folder here or behind a URL, in no order."""
    fs, inner = _opened(folder)
    if names:
        with reached(folder) if is_url(folder) else nullcontext():  # of a disk in trouble whoever commits says it
            fs.rm([f"{inner}/{name}" for name in names])


def _names(folder: str) -> list[str]:
    """Name what lies in a folder, sorted."""
    fs, inner = _opened(folder)
    fs.invalidate_cache()
    try:
        with reached(folder):
            return sorted(str(path).rsplit("/", 1)[-1] for path in fs.ls(inner, detail=False))
    except FileNotFoundError:
        return []


def _opened(folder: str) -> tuple[Any, str]:
    return filesystem(folder if is_url(folder) else f"file://{folder}")
