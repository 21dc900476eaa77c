"""The swap of a restore, and its end after a kill: whoever opens a collection to write finishes it first.

    restoring/plan.json which items come (with their inodes) and which go: there from the moment when all of them are verified
    replaced/ID/        what stood there before; cleanup removes it after some days

A kill before plan.json leaves rubbish, a kill after it leaves a swap that `recover` finishes: each item is exchanged in one step of
the file system, and its inode says whether that has happened. An object store has no such step: there a table's objects are replaced
under the writer's lane, and the plan is carried out again after a kill.
"""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

from infra import locks
from infra.errors import TransientError
from infra.files import remove_tree, send_folder
from infra.lanes import writer_lane
from infra.locks import one_at_a_time
from infra.machine import sync_path
from infra.settings import Settings
from infra.swap import swap_folders

LANE = "backup"  # of backup and restore: neither may see the other's half


def work_folder(settings: Settings) -> Path:
    """Give the folder in which a restore is laid out."""
    return settings.scratch / "restoring"


def swap(settings: Settings) -> str:
    """Carry out the plan under the lanes of every collection that it touches. Returns where the former data went.

    Raises:
        TransientError: a writer holds its lane too long, a lane was lost on the way, or the object store cannot be
        written; `recover` goes on later.
    """
    work = work_folder(settings)
    plan = json.loads((work / "plan.json").read_text())
    items = [*plan["coming"], *plan["going"]]
    collections = {item.split("/")[1].split(".")[0] for item in items if item.startswith("lake/")}
    with ExitStack() as lanes:
        for collection in sorted(collections):
            lanes.enter_context(writer_lane(settings, collection))
        for item, inode in plan["coming"].items():
            locks.check()
            _bring(settings, work, item, inode, plan["replaced"])
        for item in plan["going"]:
            locks.check()
            _take_away(settings, item, plan["replaced"])
        (work / "plan.json").unlink()  # first: carried out again without what it brings, it would only take away
        sync_path(work)
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
        swap_folders(new, here)
    if new.exists():  # what was exchanged for it
        old.parent.mkdir(parents=True, exist_ok=True)
        new.rename(old)
    sync_path(here.parent)


def _send(settings: Settings, new: Path, item: str) -> None:
    """Replace a table's or model's objects; its newest manifest goes last, so that no reader sees a half.

    The records of commits follow, which nobody needs to read: before it they would make a damaged table of what is not whole yet.
    """
    manifests = sorted(new.glob("_versions/*.manifest"))
    remove_tree(f"{settings.root}/{item}")
    send_folder(
        new, f"{settings.root}/{item}", last=manifests[0].name if manifests else "current", after="_transactions/"
    )


def _take_away(settings: Settings, item: str, replaced: str) -> None:
    """Move an item out that the backup does not have."""
    if settings.remote:
        remove_tree(f"{settings.root}/{item}")
    here, old = settings.scratch / item, settings.scratch / replaced / item
    if here.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        here.rename(old)


# ---- after a kill ----------------------------------------------------------------------------------------------------


def interrupted(settings: Settings) -> bool:
    """Tell whether a restore was killed in the middle of its swap."""
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
    """Do as `recover` does, for the other jobs: where a backup or restore is at work nothing is done."""
    if not work_folder(settings).exists():
        return ""
    try:
        with one_at_a_time(settings, LANE):
            return recover(settings)
    except TransientError:
        return ""
