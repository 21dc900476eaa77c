"""A finished folder comes into its place in one step: into an empty one by a rename, else by changing places with what is there.

Linux does it with renameat2(RENAME_EXCHANGE), macOS with renamex_np(RENAME_SWAP). Elsewhere it is three renames, and
a reader may for an instant find nothing.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

from infra.machine import sync_path

AT_FDCWD = -100
RENAME_EXCHANGE = 2  # both systems use this number


def swap_folders(one: Path, other: Path) -> None:
    """Have two paths change their contents.

    Raises:
        OSError: one of them is not there, or they are on different file systems.
    """
    if not _at_once(os.fsencode(one), os.fsencode(other)):
        aside = other.with_name(f".{other.name}.aside")
        other.rename(aside)
        try:
            one.rename(other)
        except OSError:
            aside.rename(other)
            raise
        aside.rename(one)


def place_folder(new: Path, target: Path, replace: bool = False) -> None:
    """Put a finished folder where readers look for it, in one step and durably; `new` is gone afterwards.

    Where there is one already, as another process was quicker, that one stays; with `replace` it goes.

    Raises:
        OSError: the folder cannot be moved there.
    """
    try:
        new.rename(target)
    except OSError:  # a folder with something in it is not renamed over
        if not target.is_dir():
            raise
        if replace:
            swap_folders(new, target)
        shutil.rmtree(new, ignore_errors=True)
    sync_path(target.parent)


def _at_once(one: bytes, other: bytes) -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        return bool(library.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0)
    if sys.platform == "darwin":
        return bool(library.renamex_np(one, other, RENAME_EXCHANGE) == 0)
    return False
