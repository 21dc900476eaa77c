"""The mark that says in which format the tables of a data folder are: `lake-format.json` beside them.

A release refuses tables that a newer one wrote in a format which it does not know: reading them wrongly would go unnoticed. Tables without a
mark are of format 1, from before there were marks. Columns that a release adds are no new format (`Lake.ensure` adds them); a change that an
older release would misread is one, and comes with the step that brings older tables forward.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from infra.errors import StorageError, UsageError
from infra.files import is_url, read_bytes, write_bytes
from infra.machine import replace_file

FORMAT = 1
NAME = "lake-format.json"


def found(root: str) -> int:
    """Return the format of the tables in a data folder.

    Raises:
        UsageError: it is newer than what this release knows, or the mark cannot be read.
        TransientError: the object store does not answer.
    """
    try:
        told = json.loads(read_bytes(f"{root}/{NAME}"))
        number, release = int(told["format"]), str(told["release"])
    except FileNotFoundError:
        return 1
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{root}/{NAME} cannot be read: {error}; it says in which format the tables are") from None
    if number > FORMAT:
        raise UsageError(
            f"{root}: its tables are of format {number}, written by Faldone {release}; this is Faldone {version('faldone')}, which "
            f"reads formats up to {FORMAT}: install that release or a newer one"
        )
    return number


def mark(root: str) -> None:
    """Say in a data folder that is about to get its first table that its tables are of this release's format.

    Raises:
        TransientError: the object store does not answer. StorageError: the mark cannot be written.
    """
    content = json.dumps({"format": FORMAT, "release": version("faldone")}).encode()
    if is_url(root):
        write_bytes(f"{root}/{NAME}", content)
        return
    try:
        replace_file(Path(root) / NAME, content)
    except OSError as error:
        raise StorageError(f"{root}: {error.strerror}") from error
