"""Backup: every table at one pinned version a collection, the models, and what Prefect knows, into a store of
checksummed blobs.

Writers are not stopped: for each collection the writer's lane is held only while the versions of its tables are read
and tagged, and a tagged version's files stay whatever is written or cleaned up meanwhile. Lance files never change,
so one that a former backup holds is neither read nor copied again. The manifest is written last. Then a drill
restores the whole into a temporary place and compares.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as release
from pathlib import Path
from typing import Any

import numpy as np

from infra import lake_upkeep as upkeep
from infra import stop
from infra.backup_store import BackupStore, Damaged
from infra.errors import UsageError
from infra.lake import Lake
from infra.locks import writer_lane
from infra.settings import Settings
from tasks.classifiers import registry
from tasks.collection import tables
from tasks.collection.chunks import CHUNKS
from tasks.collection.ledger import INDEXED, LEDGER
from tasks.maintain import manifest as manifests
from tasks.maintain.common import stamp
from tasks.maintain.manifest import File, Manifest, Pinned

log = logging.getLogger("faldone.maintain")

TAG = "backup-"  # and the id: pins a version while it is copied
SAMPLE = 20  # rows of each table that the drill compares
SECRET = {"redis_url", "smtp_url", "alert_urls"}  # never in a backup
DAILY, WEEKLY, MONTHLY = 7, 4, 12
RECENT = timedelta(days=2)


@dataclass(slots=True)
class Copying:
    """Files copied so far."""

    files: list[File] = field(default_factory=list)
    copied_bytes: int = 0
    copied_files: int = 0


def destination(settings: Settings, given: str = "") -> str:
    """Where backups go: as given, else FALDONE_BACKUPS, else `backups` in the data folder."""
    return given or settings.backups or f"{settings.root}/backups"


def new_id() -> str:
    """The id of a backup that begins now; ids sort by time."""
    return f"{stamp()}-{secrets.token_hex(2)}"


# ---- pin -------------------------------------------------------------------------------------------------------------


@contextmanager
def pinned(settings: Settings, lake: Lake, backup: str) -> Iterator[list[Pinned]]:
    """Every table at the version of one moment a collection, kept from any cleanup until the block ends."""
    release_pins(lake)  # those of backups that were killed: only one backup runs at a time
    pins: list[Pinned] = []
    try:
        for collection in tables.collections(lake):
            with writer_lane(settings, collection):
                pins += [_pin(lake, name, backup) for name in tables.names(lake, collection)]
        yield pins
    finally:
        release_pins(lake)


def _pin(lake: Lake, name: str, backup: str) -> Pinned:
    version = upkeep.tag(lake, name, f"{TAG}{backup}")
    return Pinned(name, version, upkeep.count_at(lake, name, version))


def release_pins(lake: Lake) -> None:
    """Remove the tags of every backup."""
    for name in lake.names():
        for label in upkeep.tags(lake, name):
            if label.startswith(TAG):
                upkeep.untag(lake, name, label)


# ---- copy ------------------------------------------------------------------------------------------------------------


def copy_tables(lake: Lake, store: BackupStore, pins: Sequence[Pinned]) -> Copying:
    """Store every file of the pinned versions; what a former backup stored is taken from its manifest."""
    done, blobs = Copying(), store.blobs()
    former = _former(store)
    for pin in pins:
        for file in upkeep.files_of(lake, pin.name, pin.version):
            path = f"lake/{pin.name}.lance/{file.path}"
            known = former.get(path)
            # manifests are named by a number that a restored table uses again; all others by a random one
            if known is not None and file.kind != "manifest" and blobs.get(known.sha256) == known.size:
                done.files.append(known)
                continue
            _copy(store, f"{lake.location}/{pin.name}.lance/{file.path}", path, blobs, done)
    return done


def _former(store: BackupStore) -> dict[str, File]:
    for backup in reversed(store.backups()):
        try:
            return {file.path: file for file in read(store, backup).files}
        except (Damaged, UsageError) as error:
            log.warning("backup %s cannot be built upon: %s", backup, error)
    return {}


def _copy(store: BackupStore, source: str, path: str, blobs: dict[str, int], done: Copying) -> None:
    stop.check()  # the blobs so far stay, and the next backup copies none of them again
    digest, size, copied = store.put(source, blobs)
    done.files.append(File(path, size, digest))
    done.copied_bytes += copied
    done.copied_files += copied > 0


def copy_models(settings: Settings, store: BackupStore, done: Copying) -> None:
    """Store the model registry; a version that is removed meanwhile is left out."""
    registry.versions(settings)  # with a remote data folder this fetches what is new there
    top, blobs = registry.root(settings), store.blobs()
    for file in sorted(top.rglob("*")) if top.is_dir() else []:
        inner = file.relative_to(top)
        if not file.is_file() or any(part.startswith(".") for part in inner.parts):
            continue
        try:
            _copy(store, str(file), f"models/{inner.as_posix()}", blobs, done)
        except FileNotFoundError:
            log.warning("model file %s went away during the backup", inner)


def copy_about(store: BackupStore, orchestration: Mapping[str, Any] | None, done: Copying) -> None:
    """Store what the Prefect API told: deployments, variables, automations, run history; nothing where no API
    answers.
    """
    if orchestration is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "prefect.json"
        path.write_text(json.dumps(orchestration, ensure_ascii=False, default=str))
        _copy(store, str(path), "about/prefect.json", store.blobs(), done)


# ---- manifest --------------------------------------------------------------------------------------------------------


def seal(
    settings: Settings, lake: Lake, store: BackupStore, backup: str, pins: Sequence[Pinned], done: Copying
) -> Manifest:
    """Write the manifest: from here on the backup is there."""
    by_kind = {kind: [pin for pin in pins if tables.kind_of(pin.name) == kind] for kind in (LEDGER.kind, CHUNKS.kind)}
    indexed = f"state = '{INDEXED}'"
    made = Manifest(
        id=backup,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        release=release("faldone"),
        documents=sum(upkeep.count_at(lake, pin.name, pin.version, indexed) for pin in by_kind[LEDGER.kind]),
        chunks=sum(pin.rows for pin in by_kind[CHUNKS.kind]),
        tables=tuple(pins),
        files=tuple(done.files),
        settings=settings.model_dump(mode="json", exclude=SECRET),
    )
    store.write_manifest(backup, manifests.encode(made))
    return made


def read(store: BackupStore, backup: str) -> Manifest:
    """A backup's manifest, checked.

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


# ---- drill -----------------------------------------------------------------------------------------------------------


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
    """Beside the blobs where these are local, so that hard links serve and nothing is copied."""
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
    """Rows compared.

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


# ---- retention -------------------------------------------------------------------------------------------------------


def kept(backups: Sequence[str], now: datetime | None = None) -> set[str]:
    """Which backups stay.

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
    """When a backup was made, by its id."""
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


# ---- the result ------------------------------------------------------------------------------------------------------


def result(
    store: BackupStore, made: Manifest, done: Copying, trial: Drill | None, removed: Sequence[str], seconds: float
) -> dict[str, Any]:
    """The contract's JSON of `backup`."""
    return {
        "status": "failed" if trial is not None and trial.problem else "completed",
        "id": made.id,
        "path": f"{store.location}/{made.id}",
        "bytes": made.bytes,
        "files": len(made.files),
        "documents": made.documents,
        "chunks": made.chunks,
        "copied_bytes": done.copied_bytes,
        "copied_files": done.copied_files,
        "drill": asdict(trial) if trial is not None else None,
        "removed": list(removed),
        "seconds": round(seconds, 3),
    }


def preview(settings: Settings, to: str = "") -> dict[str, Any]:
    """What a backup made now would remove; nothing is changed."""
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
    """Every backup there is, the latest first; `problem` says why one cannot be restored as far as its manifest tells."""
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


def backup(
    settings: Settings, to: str = "", run_drill: bool = True, orchestration: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Make a backup; the contract's JSON. The caller holds the backup lane (`one_at_a_time(settings, "backup")`).

    Args:
        to: a folder or URL; "" means `backups` in the data folder.
        run_drill: restore it into a temporary place afterwards and compare.
        orchestration: what the Prefect API told, or None.

    Raises:
        TransientError: the destination cannot be written.
        StopRequested: the job was asked to stop; the blobs stored so far serve the next backup.
    """
    started = time.monotonic()
    store, lake = BackupStore(destination(settings, to)), upkeep.FrugalLake(settings.root)
    store.sweep()
    name = new_id()
    with pinned(settings, lake, name) as pins:
        done = copy_tables(lake, store, pins)
        copy_models(settings, store, done)
        copy_about(store, orchestration, done)
        made = seal(settings, lake, store, name, pins, done)
        trial = drill(settings, lake, store, made) if run_drill else None
    removed, _ = retain(store) if trial is None or not trial.problem else ([], 0)
    return result(store, made, done, trial, removed, time.monotonic() - started)
