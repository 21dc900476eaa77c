"""Restore: verify every checksum while the backup is laid out beside the data, then swap it in.

    restoring/new/      what was verified: lake/NAME.lance/…, models/NAME/…
    restoring/plan.json written when `new` is complete: from here on the restore is carried to its end, by whoever comes next

Nothing of the data is touched before plan.json is there; the swap and what follows a kill stand in tasks/collection/recover.py.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra import lake_upkeep as upkeep
from infra import locks
from infra.backup_store import ID, BackupStore, Damaged
from infra.errors import FaldoneError, UsageError, first_line
from infra.lake import Lake
from infra.machine import replace_file, sync_path
from infra.prefect_api import Api
from infra.settings import Settings
from tasks.collection import tables
from tasks.collection.chunks import CHUNKS
from tasks.collection.ledger import INDEXED, LEDGER
from tasks.collection.recover import recover, swap, work_folder
from tasks.maintain import prefect_objects
from tasks.maintain import stored_backups as backups
from tasks.maintain.manifest import File, Manifest


def locate(settings: Settings, which: str, source: str = "") -> tuple[BackupStore, str]:
    """Return the store and id of a backup given by id, by path or URL, or as `latest`.

    Args:
        source: where backups lie when not in the data folder.

    Raises:
        UsageError: there is no such backup.
    """
    place, _, name = which.rstrip("/").removesuffix("/manifest.json").rpartition("/")
    if not place and not source and which != "latest" and Path(which).is_dir():
        place, name = str(Path(which).absolute().parent), Path(which).absolute().name
    store = BackupStore(place or backups.destination(settings, source))
    if name == "latest":
        there = store.backups()
        if not there:
            raise UsageError(f"there is no backup in {store.location}")
        return store, there[-1]
    if not ID.fullmatch(name):
        raise UsageError(f"{which}: give the id of a backup (such as 20261120-020000-a1b2), its path, or latest")
    return store, name


def restore(settings: Settings, which: str, source: str = "", collection: str | None = None) -> dict[str, Any]:
    """Restore a backup, or one collection of it; return what `faldone restore --json` prints. The caller holds the lane.

    Raises:
        UsageError: there is no such backup or collection, or it holds paths that leave the folder.
        Damaged: a file of it is missing or differs from its checksum; nothing was restored.
        TransientError: the backup cannot be read, a writer does not leave its lane, or this one's lane was lost.
    """
    started = time.monotonic()
    recover(settings)
    store, name = locate(settings, which, source)
    manifest = backups.read(store, name)
    files = chosen(manifest, collection)
    lay_out(settings, store, manifest, files, collection)
    replaced = swap(settings)
    pins = [pin for pin in manifest.tables if collection is None or tables.collection_of(pin.name) == collection]
    lake = Lake(settings.root)
    return {
        "status": "completed",
        "id": name,
        "path": f"{store.location}/{name}",
        "collection": collection,
        "bytes": sum(file.size for file in files),
        "files": len(files),
        "documents": sum(
            lake.count(pin.name, {"state": INDEXED}) for pin in pins if tables.kind_of(pin.name) == LEDGER.kind
        ),
        "chunks": sum(pin.rows for pin in pins if tables.kind_of(pin.name) == CHUNKS.kind),
        "verified": True,
        "replaced": replaced,
        "encoder_differs": manifest.settings.get("embedding_model") != settings.embedding_model,
        "seconds": round(time.monotonic() - started, 3),
    }


def restore_prefect(settings: Settings, path: str, api: Api | None) -> dict[str, Any] | None:
    """Bring back variables that the server lacks and pauses of schedules; None where backup or server say nothing.

    The data are restored by now: what goes wrong here is in the result's `note` and does not undo that.
    """
    store, name = locate(settings, path)
    try:
        told = prefect_objects.stored(store, backups.read(store, name))
        return prefect_objects.bring_back(api, told) if api is not None and told is not None else None
    except FaldoneError as error:
        return {"variables": [], "paused": [], "by_hand": [], "note": first_line(error)}


def chosen(manifest: Manifest, collection: str | None) -> list[File]:
    """Return the files to restore.

    Raises:
        UsageError: the backup has no such collection.
    """
    if collection is None:
        return [file for file in manifest.files if not file.path.startswith("about/")]
    found = [file for file in manifest.files if file.path.startswith(f"lake/{collection}.")]
    if not found:
        there = sorted({tables.collection_of(pin.name) for pin in manifest.tables})
        raise UsageError(f"backup {manifest.id} has no collection {collection} (it has: {', '.join(there) or 'none'})")
    return found


# ---- lay out ---------------------------------------------------------------------------------------------------------


def lay_out(
    settings: Settings, store: BackupStore, manifest: Manifest, files: Sequence[File], collection: str | None
) -> None:
    """Write the files beside the data, every checksum verified, check the tables, and then the plan.

    Raises:
        Damaged: as `restore`; the layout is removed again.
        LockLost: another restore may be at work in the same folder, so what lies there stays.
    """
    work = work_folder(settings)
    shutil.rmtree(work, ignore_errors=True)
    try:
        for file in files:
            _fetch(store, file, work / "new")
        (work / "new" / "lake").mkdir(parents=True, exist_ok=True)
        _check_tables(manifest, Lake(str(work / "new")))
    except BaseException:
        locks.check()
        shutil.rmtree(work, ignore_errors=True)
        raise
    locks.check()
    _write_plan(settings, work, collection)


def _fetch(store: BackupStore, file: File, folder: Path) -> None:
    try:
        store.fetch(file.sha256, file.size, folder / file.path)
    except Damaged as error:
        where = store.blob_path(file.sha256)
        raise Damaged(f"{file.path} in the backup {error} ({where}): nothing was restored") from None


def _check_tables(manifest: Manifest, laid_out: Lake) -> None:
    rows = {pin.name: pin.rows for pin in manifest.tables}
    for name in laid_out.names():
        problem = upkeep.unreadable(laid_out, name)
        if problem or laid_out.count(name) != rows.get(name):
            raise Damaged(f"table {name} of backup {manifest.id} {problem or 'has other rows than its manifest says'}")


def _write_plan(settings: Settings, work: Path, collection: str | None) -> None:
    """Write which items come (with their inodes) and which go because the backup does not have them."""
    new = work / "new"
    tops = ("lake",) if collection else ("lake", "models")
    coming = {f"{top}/{item.name}": item.stat().st_ino for top in tops for item in _items(new / top, collection)}
    present = [f"{top}/{name}" for top in tops for name in _present(settings, top, collection)]
    plan = {
        "coming": coming,
        "going": sorted(set(present) - set(coming)),
        "replaced": f"replaced/{backups.new_id()}",  # never one that is there: an interrupted swap may just have made it
    }
    for folder in (*(path for path in new.rglob("*") if path.is_dir()), new, work):
        sync_path(folder)
    replace_file(work / "plan.json", json.dumps(plan))
    sync_path(work)


def _items(folder: Path, collection: str | None) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [item for item in found if collection is None or item.name.startswith(f"{collection}.")]


def _present(settings: Settings, top: str, collection: str | None) -> list[str]:
    """Return names of what is in the data folder now."""
    if top == "lake" and settings.remote:
        names = [f"{name}.lance" for name in Lake(settings.root).names()]
        return [name for name in names if collection is None or name.startswith(f"{collection}.")]
    return [item.name for item in _items(settings.scratch / top, collection)]
