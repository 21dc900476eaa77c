"""The restore drill: lay a backup out in a temporary place and compare it with the versions that it was made of."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infra import lake_upkeep as upkeep
from infra.backup_store import BackupStore, Damaged
from infra.lake import Lake
from infra.settings import Settings
from tasks.maintain.manifest import File, Manifest, Pinned

SAMPLE = 20  # rows of each table that the drill compares


@dataclass(frozen=True, slots=True)
class Drill:
    """What the trial restore found: `problem` is "" when everything is as it was."""

    files: int
    tables: int
    rows_compared: int
    problem: str = ""


def drill(settings: Settings, lake: Lake, store: BackupStore, made: Manifest) -> Drill:
    """Restore the backup into a temporary place and compare counts and a sample of rows with the pinned versions.

    Every checksum is verified. A damaged blob is set aside, so that the next backup stores it anew.
    """
    folder = _drill_folder(settings, store, made.id)
    try:
        for file in made.files:
            _fetch(store, file, folder, link=True)
        compared = [_compare(lake, upkeep.FrugalLake(str(folder)), pin) for pin in made.tables]
        return Drill(len(made.files), len(made.tables), sum(compared))
    except Damaged as error:
        return Drill(len(made.files), len(made.tables), 0, str(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _drill_folder(settings: Settings, store: BackupStore, backup: str) -> Path:
    """Return beside the blobs where these are local, so that hard links serve and nothing is copied."""
    top = Path(store.location) if store.local else settings.scratch
    folder = top / f".drill-{backup}"
    folder.mkdir(parents=True)
    return folder


def _fetch(store: BackupStore, file: File, folder: Path, link: bool = False) -> None:
    try:
        store.fetch(file.sha256, file.size, folder / file.path, link)
    except Damaged as error:
        if link:
            store.set_aside(file.sha256)
        raise Damaged(f"{file.path} ({store.blob_path(file.sha256)}) {error}") from None


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
