"""The records of a source: the root that a user named, what may be found below it, and the patterns that a root may be.

Paths of local files are in the composed form of Unicode (NFC), see `sources.py`.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

RootKind = Literal["file", "folder", "glob"]
# an older release's stamp has the first date alone; fewer digits are an etag
_FILE_STAMP = re.compile(r"(-?\d+):\d+|(\d{16,})")


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
    """A file: `stamp` changes when the content may have changed (`file_stamp`, or an etag); "" where the store has neither."""

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


def file_stamp(status: os.stat_result) -> str:
    """Make the stamp of a local file: when it was modified and when its inode changed, in ns.

    A program may set the first as it likes, and `mv` and `cp -p` bring it along; the second is the kernel's own. So a file that takes
    the place of another one of equal size and date has another stamp. File systems without inodes (FAT) give the same date twice.
    """
    return f"{status.st_mtime_ns}:{_changed_at(status)}"


def _changed_at(status: os.stat_result) -> int:
    return status.st_ctime_ns


def modified_at(stamp: str) -> int | None:
    """Give when a local file was modified, in ns, by its stamp; None for a stamp of another kind."""
    found = _FILE_STAMP.fullmatch(stamp)
    return int(found[1] or found[2]) if found else None


def is_stamped(status: os.stat_result, stamp: str) -> bool:
    """Say whether a local file has this stamp; older releases stamped with the first date alone."""
    now = file_stamp(status)
    return stamp in {now, now.partition(":")[0]}


def composed(path: str) -> str:
    """Return a path with its letters composed (NFC)."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def fixed_part(location: str) -> str:
    """Return the folder of a pattern above its first part with magic; without magic all of it."""
    parts = location.split("/")
    first = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return "/".join(parts[:first]) or "/"


def is_ignored(name: str) -> bool:
    return name.startswith((".", "~$"))


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
