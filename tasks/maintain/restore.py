"""Restore: verify every checksum while the backup is laid out beside the data, then swap it in.

    restoring/new/      what was verified: lake/NAME.lance/…, models/NAME/…
    restoring/plan.json written when `new` is complete: from here on the restore is carried to its end, by whoever
                        comes next
    replaced/ID/        what stood there before; cleanup removes it after some days

Nothing of the data is touched before plan.json is there. A kill before it leaves rubbish, a kill after it leaves a
swap that `recover` finishes: each item is exchanged in one step of the file system, and its inode says whether that
has happened. An object store has no such step: there a table's objects are replaced under the writer's lane, and the
plan is carried out again after a kill.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from infra import lake_upkeep as upkeep
from infra import mirror
from infra.errors import TransientError, UsageError
from infra.exchange import exchange
from infra.lake import Lake
from infra.locks import one_at_a_time, writer_lane
from infra.settings import Settings
from infra.vault import ID, Damaged, Vault, sync_folder
from tasks.maintain import backup as backups
from tasks.maintain.manifest import File, Manifest

log = logging.getLogger("faldone.maintain")

LANE = "backup"  # of backup and restore: neither may see the other's half


def locate(settings: Settings, which: str, source: str = "") -> tuple[Vault, str]:
    """The vault and id of a backup given by id, by path or URL, or as `latest`.

    Args:
        source: where backups lie when not in the data folder.

    Raises:
        UsageError: there is no such backup.
    """
    place, _, name = which.rstrip("/").removesuffix("/manifest.json").rpartition("/")
    if not place and not source and which != "latest" and Path(which).is_dir():
        place, name = str(Path(which).absolute().parent), Path(which).absolute().name
    vault = Vault(place or backups.destination(settings, source))
    if name == "latest":
        there = vault.backups()
        if not there:
            raise UsageError(f"there is no backup in {vault.location}")
        return vault, there[-1]
    if not ID.fullmatch(name):
        raise UsageError(f"{which}: give the id of a backup (such as 20261120-020000-a1b2), its path, or latest")
    return vault, name


def restore(settings: Settings, which: str, source: str = "", collection: str | None = None) -> dict[str, Any]:
    """Restore a backup, or one collection of it; the contract's JSON. The caller holds the backup lane.

    Raises:
        UsageError: there is no such backup or collection, or it holds paths that leave the folder.
        Damaged: a file of it is missing or differs from its checksum; nothing was restored.
        TransientError: the backup cannot be read, or a writer does not leave its lane.
    """
    started = time.monotonic()
    recover(settings)
    vault, name = locate(settings, which, source)
    manifest = backups.read(vault, name)
    files = chosen(manifest, collection)
    lay_out(settings, vault, manifest, files, collection)
    replaced = swap(settings)
    tables = [pin for pin in manifest.tables if collection is None or pin.name.rpartition(".")[0] == collection]
    lake = Lake(settings.root)
    return {
        "status": "completed",
        "id": name,
        "path": f"{vault.location}/{name}",
        "collection": collection,
        "bytes": sum(file.size for file in files),
        "files": len(files),
        "documents": sum(
            lake.count(pin.name, {"state": "indexed"}) for pin in tables if pin.name.endswith(".documents")
        ),
        "chunks": sum(pin.rows for pin in tables if pin.name.endswith(".chunks")),
        "verified": True,
        "replaced": replaced,
        "encoder_differs": manifest.settings.get("embedding_model") != settings.embedding_model,
        "seconds": round(time.monotonic() - started, 3),
    }


def chosen(manifest: Manifest, collection: str | None) -> list[File]:
    """The files to restore.

    Raises:
        UsageError: the backup has no such collection.
    """
    if collection is None:
        return [file for file in manifest.files if not file.path.startswith("about/")]
    found = [file for file in manifest.files if file.path.startswith(f"lake/{collection}.")]
    if not found:
        there = sorted({pin.name.rpartition(".")[0] for pin in manifest.tables})
        raise UsageError(f"backup {manifest.id} has no collection {collection} (it has: {', '.join(there) or 'none'})")
    return found


def work_folder(settings: Settings) -> Path:
    return settings.scratch / "restoring"


# ---- lay out ---------------------------------------------------------------------------------------------------------


def lay_out(
    settings: Settings, vault: Vault, manifest: Manifest, files: Sequence[File], collection: str | None
) -> None:
    """Write the files beside the data, every checksum verified, check the tables, and then the plan.

    Raises:
        Damaged: as `restore`; the layout is removed again.
    """
    work = work_folder(settings)
    shutil.rmtree(work, ignore_errors=True)
    try:
        for file in files:
            _fetch(vault, file, work / "new")
        (work / "new" / "lake").mkdir(parents=True, exist_ok=True)
        _check_tables(manifest, Lake(str(work / "new")))
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    _write_plan(settings, work, collection)


def _fetch(vault: Vault, file: File, folder: Path) -> None:
    try:
        vault.fetch(file.sha256, file.size, folder / file.path)
    except Damaged as error:
        where = vault.blob_path(file.sha256)
        raise Damaged(f"{file.path} in the backup {error} ({where}): nothing was restored") from None


def _check_tables(manifest: Manifest, laid_out: Lake) -> None:
    rows = {pin.name: pin.rows for pin in manifest.tables}
    for name in laid_out.names():
        problem = upkeep.unreadable(laid_out, name)
        if problem or laid_out.count(name) != rows.get(name):
            raise Damaged(f"table {name} of backup {manifest.id} {problem or 'has other rows than its manifest says'}")


def _write_plan(settings: Settings, work: Path, collection: str | None) -> None:
    """Which items come (with their inodes) and which go because the backup does not have them."""
    new = work / "new"
    tops = ("lake",) if collection else ("lake", "models")
    coming = {f"{top}/{item.name}": item.stat().st_ino for top in tops for item in _items(new / top, collection)}
    present = [f"{top}/{name}" for top in tops for name in _present(settings, top, collection)]
    plan = {
        "coming": coming,
        "going": sorted(set(present) - set(coming)),
        "replaced": f"replaced/{backups.new_id()}",  # never one that is there: an interrupted swap may just have made it
    }
    beside = work / ".plan.json"
    beside.write_text(json.dumps(plan))
    for folder in (*(path for path in new.rglob("*") if path.is_dir()), new, work):
        sync_folder(folder)
    beside.rename(work / "plan.json")
    sync_folder(work)


def _items(folder: Path, collection: str | None) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [item for item in found if collection is None or item.name.startswith(f"{collection}.")]


def _present(settings: Settings, top: str, collection: str | None) -> list[str]:
    """Names of what is in the data folder now."""
    if top == "lake" and settings.remote:
        names = [f"{name}.lance" for name in Lake(settings.root).names()]
        return [name for name in names if collection is None or name.startswith(f"{collection}.")]
    return [item.name for item in _items(settings.scratch / top, collection)]


# ---- swap ------------------------------------------------------------------------------------------------------------


def swap(settings: Settings) -> str:
    """Carry out the plan under the lanes of every collection that it touches; where the former data went.

    Raises:
        TransientError: a writer holds its lane too long, or the object store cannot be written; `recover` goes on
        later.
    """
    work = work_folder(settings)
    plan = json.loads((work / "plan.json").read_text())
    items = [*plan["coming"], *plan["going"]]
    collections = {item.split("/")[1].split(".")[0] for item in items if item.startswith("lake/")}
    with ExitStack() as lanes:
        for collection in sorted(collections):
            lanes.enter_context(writer_lane(settings, collection))
        for item, inode in plan["coming"].items():
            _bring(settings, work, item, inode, plan["replaced"])
        for item in plan["going"]:
            _take_away(settings, item, plan["replaced"])
        (work / "plan.json").unlink()  # first: carried out again without what it brings, it would only take away
        sync_folder(work)
        shutil.rmtree(work)
    return "" if settings.remote else str(settings.scratch / plan["replaced"])


def _bring(settings: Settings, work: Path, item: str, inode: int, replaced: str) -> None:
    new = work / "new" / item
    if settings.remote:
        _send(settings, new, item)
        if item.startswith("lake/"):
            return
    here, old = settings.scratch / item, settings.scratch / replaced / item
    here.parent.mkdir(parents=True, exist_ok=True)
    if not here.exists() and new.exists():
        new.rename(here)
    elif here.stat().st_ino != inode:
        exchange(new, here)
    if new.exists():  # what was exchanged for it
        old.parent.mkdir(parents=True, exist_ok=True)
        new.rename(old)
    sync_folder(here.parent)


def _send(settings: Settings, new: Path, item: str) -> None:
    """Replace a table's or model's objects; its newest manifest goes last, so that no reader sees a half."""
    manifests = sorted(new.glob("_versions/*.manifest"))
    mirror.remove(f"{settings.root}/{item}")
    mirror.push(new, f"{settings.root}/{item}", last=manifests[0].name if manifests else "current")


def _take_away(settings: Settings, item: str, replaced: str) -> None:
    """Move an item out that the backup does not have."""
    if settings.remote:
        mirror.remove(f"{settings.root}/{item}")
    here, old = settings.scratch / item, settings.scratch / replaced / item
    if here.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        here.rename(old)


# ---- after a kill ----------------------------------------------------------------------------------------------------


def interrupted(settings: Settings) -> bool:
    """Whether a restore was killed in the middle of its swap."""
    return (work_folder(settings) / "plan.json").is_file()


def recover(settings: Settings) -> str:
    """Finish what a killed restore began to swap, or remove what it had only laid out; the caller holds the backup
    lane.

    Returns:
        What was done, in words; "" when nothing was to be done.
    """
    work = work_folder(settings)
    if not work.exists():
        return ""
    if interrupted(settings):
        swap(settings)
        return "a restore that had been interrupted was finished"
    shutil.rmtree(work)
    return "what an interrupted restore had left was removed"


def recover_if_free(settings: Settings) -> str:
    """As `recover`, for the other jobs: where a backup or restore is at work nothing is done."""
    if not work_folder(settings).exists():
        return ""
    try:
        with one_at_a_time(settings, LANE):
            return recover(settings)
    except TransientError:
        return ""
