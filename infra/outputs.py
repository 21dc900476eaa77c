"""Where a file goes that somebody asked for: a path of this machine or a URL; whole, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.files import is_url, send_file
from infra.machine import written_beside


def absolute(target: str) -> str:
    """Return an output by its whole path, the closing slash of a folder kept; a URL as it is. "" stays."""
    if not target or is_url(target):
        return target
    return str(Path(target).expanduser().absolute()) + ("/" if target.endswith("/") else "")


@contextmanager
def delivered(target: str) -> Iterator[Path]:
    """Give a file of this machine to write to, which at the end is put in the place of `target` or sent to its URL.

    After an error nothing is there that was not there before.

    Raises:
        OSError: the folder cannot be written to.
        UsageError: the driver of the URL's store is not installed. TransientError: the store cannot be written.
    """
    if not is_url(target):
        with written_beside(Path(target).expanduser()) as beside:
            yield beside
        return
    with tempfile.TemporaryDirectory(prefix="faldone-output-") as folder:
        file = Path(folder) / (target.rpartition("/")[2] or "output")
        yield file
        send_file(file, target)
