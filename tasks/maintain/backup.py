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
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as release
from pathlib import Path
from typing import Any

from infra import lake_upkeep as upkeep
from infra import stop
from infra.backup_store import BackupStore, Damaged
from infra.errors import UsageError
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.prefect_api import Api
from infra.settings import Settings
from tasks.classifiers import registry
from tasks.collection import tables
from tasks.collection.chunks import CHUNKS
from tasks.collection.ledger import INDEXED, LEDGER
from tasks.maintain import manifest as manifests
from tasks.maintain import prefect_objects
from tasks.maintain.drill import Drill, drill
from tasks.maintain.manifest import File, Manifest, Pinned
from tasks.maintain.stored_backups import destination, new_id, read, retain

log = logging.getLogger("faldone.maintain")

TAG = "backup-"  # and the id: pins a version while it is copied
SECRET = {"redis_url", "smtp_url", "alert_urls"}  # never in a backup


@dataclass(slots=True)
class Copying:
    """Files copied so far."""

    files: list[File] = field(default_factory=list)
    fresh: set[str] = field(default_factory=set)  # checksums of what was stored
    copied_bytes: int = 0
    copied_files: int = 0


# ---- pin -------------------------------------------------------------------------------------------------------------


@contextmanager
def pinned(settings: Settings, lake: Lake, backup: str) -> Iterator[list[Pinned]]:
    """Pin every table at the version of one moment a collection, kept from any cleanup until the block ends."""
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
    if reason := lake.broken(name):
        raise UsageError(f"nothing was backed up: table {name} cannot be read: {reason}")
    version = upkeep.tag(lake, name, f"{TAG}{backup}")
    return Pinned(name, version, upkeep.count_at(lake, name, version))


def release_pins(lake: Lake) -> None:
    """Remove the tags of every backup."""
    for name in lake.names():
        if reason := lake.broken(name):
            log.warning("%s: %s", name, reason)
            continue
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
    if copied:
        done.fresh.add(digest)


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


# ---- the result ------------------------------------------------------------------------------------------------------


def result(
    store: BackupStore, made: Manifest, done: Copying, trial: Drill | None, removed: Sequence[str], seconds: float
) -> dict[str, Any]:
    """Return what `faldone backup --json` prints."""
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


def backup(settings: Settings, to: str = "", run_drill: bool = True, api: Api | None = None) -> dict[str, Any]:
    """Make a backup; return what `faldone backup --json` prints. The caller holds the backup lane (`one_at_a_time(settings, "backup")`).

    Args:
        to: a folder or URL; "" means `backups` in the data folder.
        run_drill: restore it into a temporary place afterwards and compare.
        api: Prefect's API, where one answers: what it knows is stored too.

    Raises:
        TransientError: the destination cannot be written.
        StopRequested: the job was asked to stop; the blobs stored so far serve the next backup.
    """
    started = time.monotonic()
    orchestration = prefect_objects.known(api) if api is not None else None
    store, lake = BackupStore(destination(settings, to)), upkeep.FrugalLake(settings.root)
    store.sweep()
    name = new_id()
    with pinned(settings, lake, name) as pins:
        done = copy_tables(lake, store, pins)
        copy_models(settings, store, done)
        copy_about(store, orchestration, done)
        made = seal(settings, lake, store, name, pins, done)
        trial = drill(settings, lake, store, made, done.fresh) if run_drill else None
    removed, _ = retain(store) if trial is None or not trial.problem else ([], 0)
    return result(store, made, done, trial, removed, time.monotonic() - started)
