"""Two folders of one file system change places in one step, so that nobody ever sees neither.

Linux does it with renameat2(RENAME_EXCHANGE), macOS with renamex_np(RENAME_SWAP). Elsewhere it is three renames, and
a reader may for an instant find nothing.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

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


def _at_once(one: bytes, other: bytes) -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        return bool(library.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0)
    if sys.platform == "darwin":
        return bool(library.renamex_np(one, other, RENAME_EXCHANGE) == 0)
    return False
