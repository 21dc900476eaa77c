"""The lane of a collection's one writer: its lock, and a fence where the writer before did not give the lock back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from infra.errors import TransientError
from infra.lake import Lake
from infra.locks import Lane, held
from infra.settings import Settings

log = logging.getLogger("faldone.lake")

WAIT = 3600.0  # s: how long a writer waits for the one before it


@contextmanager
def writer_lane(settings: Settings, collection: str, wait: float = WAIT) -> Iterator[Lane]:
    """Hold the right to write a collection's tables.

    Raises:
        TransientError: another writer has held it for longer than `wait` seconds.
        UsageError: the data folder is shared and no lock is.
    """
    with held(settings, f"{collection}.lock", f"writer:{collection}", wait) as lane:
        if lane is None:
            raise TransientError(f"collection {collection}: another job has been writing it for {wait:.0f} s")
        if lane.orphaned:
            lane.unfenced = True
            _fence(settings, collection)
            lane.unfenced = False
        yield lane


def _fence(settings: Settings, collection: str) -> None:
    lake = Lake(settings.root)
    for name in lake.names(f"{collection}.*"):
        if reason := lake.broken(name):  # whoever goes back to a version that is whole commits it anew
            log.warning("%s: %s", name, reason)
        else:
            lake.fence(name)
