"""The backups that there are: where they lie, what each holds, which stay and which go."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.backup_store import BackupStore, Damaged
from infra.errors import UsageError
from infra.settings import Settings
from tasks.collection import tables
from tasks.maintain import manifest as manifests
from tasks.maintain.common import stamp
from tasks.maintain.manifest import Manifest

log = logging.getLogger("faldone.maintain")

DAILY, WEEKLY, MONTHLY = 7, 4, 12
RECENT = timedelta(days=2)


def destination(settings: Settings, given: str = "") -> str:
    """Return where backups go: as given, else FALDONE_BACKUPS, else `backups` in the data folder."""
    return given or settings.backups or f"{settings.root}/backups"


def new_id() -> str:
    """Return the id of a backup that begins now; ids sort by time."""
    return f"{stamp()}-{secrets.token_hex(2)}"


def read(store: BackupStore, backup: str) -> Manifest:
    """Return a backup's manifest, checked.

    Raises:
        UsageError: there is no such backup, or it holds paths that leave the folder.
        Damaged: the manifest is not as it was written.
    """
    where = f"{store.location}/{backup}/manifest.json"
    try:
        content = store.read_manifest(backup)
    except FileNotFoundError:
        known = ", ".join(store.backups()[-5:]) or "none"
        raise UsageError(f"there is no backup {backup} in {store.location} (the latest: {known})") from None
    return manifests.decode(content, backup, where)


def kept(backups: Sequence[str], now: datetime | None = None) -> set[str]:
    """Return which backups stay.

    All of the last two days, and the last of each of the 7 latest days, 4 latest weeks and 12 latest months that have
    one.
    """
    recent = (now or datetime.now(UTC)) - RECENT
    keep = {backup for backup in backups if when(backup) > recent} | set(sorted(backups)[-1:])
    for count, period in ((DAILY, "%Y-%m-%d"), (WEEKLY, "%G-%V"), (MONTHLY, "%Y-%m")):
        last: dict[str, str] = {}
        for backup in sorted(backups):
            last[when(backup).strftime(period)] = backup
        keep |= set(list(last.values())[-count:])
    return keep


def when(backup: str) -> datetime:
    """Return when a backup was made, by its id."""
    return datetime.strptime(backup[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)


def retain(store: BackupStore, dry_run: bool = False, coming: Sequence[str] = ()) -> tuple[list[str], int]:
    """Remove backups past their retention, and blobs that no backup names; (ids removed, bytes freed).

    While any manifest cannot be read no blob is removed: it might be one of that backup's.

    Args:
        dry_run: only say what would go.
        coming: ids of backups that count as if they were there.
    """
    backups = store.backups()
    going = sorted(set(backups) - kept([*backups, *coming]))
    staying = [backup for backup in backups if backup not in going]
    try:
        needed = {file.sha256 for backup in staying for file in read(store, backup).files}
    except (Damaged, UsageError) as error:
        log.warning("nothing was removed from %s: %s", store.location, error)
        return [], 0
    spare = {digest: size for digest, size in store.blobs().items() if digest not in needed}
    if not dry_run:
        for backup in going:
            store.remove_backup(backup)
        for digest in spare:
            store.remove_blob(digest)
    return going, sum(spare.values())


def preview(settings: Settings, to: str = "") -> dict[str, Any]:
    """Return what a backup made now would remove; nothing is changed."""
    started, store = time.monotonic(), BackupStore(destination(settings, to))
    removed, freed = retain(store, dry_run=True, coming=[new_id()])
    return {
        "status": "completed",
        "dry_run": True,
        "path": store.location,
        "backups": len(store.backups()),
        "removed": removed,
        "bytes_freed": freed,
        "seconds": round(time.monotonic() - started, 3),
    }


def listing(settings: Settings, source: str = "") -> dict[str, Any]:
    """List every backup there is, the latest first; `problem` says why one cannot be restored as far as its manifest tells."""
    store = BackupStore(destination(settings, source))
    return {"path": store.location, "backups": [_listed(store, name) for name in reversed(store.backups())]}


def _listed(store: BackupStore, name: str) -> dict[str, Any]:
    row = {"id": name, "path": f"{store.location}/{name}", "created_at": when(name).isoformat()}
    try:
        made = read(store, name)
    except (Damaged, UsageError) as error:
        return row | {"documents": 0, "chunks": 0, "bytes": 0, "collections": [], "problem": str(error)}
    collections = sorted({tables.collection_of(pin.name) for pin in made.tables})
    held = {"documents": made.documents, "chunks": made.chunks, "bytes": made.bytes, "collections": collections}
    return row | {"created_at": made.created_at} | held | {"problem": ""}
