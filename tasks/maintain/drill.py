"""The restore drill: lay a backup out in a temporary place and compare it with the versions that it was made of.

Every blob must be there with its size. Which are read and whose checksums are verified, `verification` says. Where backups lie on a disk
the others are laid out too, by links that cost nothing, and every table is compared; from an object store only what is verified is
fetched, and the tables of which all files are here are compared.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infra import lake_upkeep as upkeep
from infra import limits, stop
from infra.backup_store import BackupStore, Damaged
from infra.lake import Lake
from infra.settings import Settings
from tasks.maintain import verification
from tasks.maintain.manifest import File, Manifest, Pinned

SAMPLE = 20  # rows of each table that the drill compares


@dataclass(frozen=True, slots=True)
class Drill:
    """What the trial restore found: `problem` is "" when everything is as it was.

    `files` and `bytes` were verified, of so many; `tables` were compared, of so many.
    """

    files: int
    tables: int
    rows_compared: int
    problem: str = ""
    of_files: int = 0
    bytes: int = 0
    of_bytes: int = 0
    of_tables: int = 0
    whole: bool = False


def drill(settings: Settings, lake: Lake, store: BackupStore, made: Manifest, fresh: Set[str]) -> Drill:
    """Restore the backup into a temporary place and compare counts and a sample of rows with the pinned versions.

    A damaged blob is set aside, so that the next backup stores it anew.

    Args:
        fresh: checksums of what was stored by this backup.

    Raises:
        StopRequested: the job was asked to stop; what was verified is verified again by the next drill.
    """
    turn = verification.turn(verification.read(store), made, fresh, limits.load().drill)
    folder = _drill_folder(settings, store, made.id)
    compared: list[int] = []
    problem = ""
    try:
        there = _laid_out(store, made, folder, turn.blobs)
        restored = upkeep.FrugalLake(str(folder))
        compared = [_compare(lake, restored, pin) for pin in made.tables if pin.name in there]
    except Damaged as error:
        problem = str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    verification.write(store, turn, problem)
    done = turn.record
    return Drill(
        done.files,
        len(compared),
        sum(compared),
        problem,
        done.of_files,
        done.bytes,
        done.of_bytes,
        len(made.tables),
        turn.whole,
    )


def _laid_out(store: BackupStore, made: Manifest, folder: Path, verified: Set[str]) -> set[str]:
    """Lay the files out and verify the chosen ones. Returns the names of the tables of which all files are there.

    Raises:
        Damaged: a blob is missing, or is not what was stored.
    """
    sizes = store.blobs()
    lacking: set[str] = set()
    for file in made.files:
        stop.check()
        if sizes.get(file.sha256) != file.size:
            raise _damaged(store, file, "is missing" if file.sha256 not in sizes else "has another size")
        if file.sha256 in verified:
            _fetch(store, file, folder)
        elif not store.link(file.sha256, folder / file.path):
            lacking.add(file.path.split("/")[1].removesuffix(".lance") if "/" in file.path else file.path)
    return {pin.name for pin in made.tables} - lacking


def _drill_folder(settings: Settings, store: BackupStore, backup: str) -> Path:
    """Return beside the blobs where these are local, so that hard links serve and nothing is copied."""
    top = Path(store.location) if store.local else settings.scratch
    folder = top / f".drill-{backup}"
    folder.mkdir(parents=True)
    return folder


def _fetch(store: BackupStore, file: File, folder: Path) -> None:
    try:
        store.fetch(file.sha256, file.size, folder / file.path, link=True)
    except Damaged as error:
        raise _damaged(store, file, str(error)) from None


def _damaged(store: BackupStore, file: File, what: str) -> Damaged:
    store.set_aside(file.sha256)
    return Damaged(f"{file.path} ({store.blob_path(file.sha256)}) {what}")


def _compare(live: Lake, restored: Lake, pin: Pinned) -> int:
    """Return rows compared.

    Raises:
        Damaged: the restored table differs from the pinned version.
    """
    state = upkeep.unreadable(restored, pin.name)
    if state:
        raise Damaged(f"table {pin.name} restored from the backup cannot be read: {state}")
    rows = restored.count(pin.name)
    if rows != pin.rows:
        raise Damaged(f"table {pin.name} restored from the backup has {rows} rows instead of {pin.rows}")
    positions = sorted({int(p) for p in np.linspace(0, rows - 1, min(SAMPLE, rows))}) if rows else []
    if positions and not _same(live, restored, pin, positions):
        raise Damaged(f"table {pin.name} restored from the backup holds other rows than the lake")
    return len(positions)


def _same(live: Lake, restored: Lake, pin: Pinned, positions: Sequence[int]) -> bool:
    ours = upkeep.sample_at(live, pin.name, pin.version, positions)
    return bool(ours.equals(upkeep.sample_at(restored, pin.name, pin.version, positions)))
