"""Cleanup: what nobody needs any more leaves — cache entries, staging of dead runs, old reports, models and runs,
gone quarantine.

Each part stands alone: one that fails is reported and does not stop the others. Nothing is removed on a guess: a
staging folder only when the lock of its run is free, a quarantine entry only when its file is gone and the folder
that held it is still there.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from infra import limits, stop
from infra.cache import Cache
from infra.encoders import load_encoders
from infra.errors import PASSING, first_line
from infra.files import filesystem, is_there, is_url, listed, on_disk, reached, remove_file, remove_tree
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.limits import LOOKS
from infra.prefect_api import Api
from infra.settings import Settings
from tasks.classifiers import registry
from tasks.collection import commit, ledger
from tasks.collection.lookup import outermost
from tasks.collection.recover import recover_if_free
from tasks.export.run import exports_folder

log = logging.getLogger("faldone.maintain")

YOUNG = 120.0  # s: a run makes its staging folder an instant before its lock
LEFT_BEHIND_DAYS = 2  # far longer than any run leaves its batches staged
REPLACED_DAYS = 7  # what a restore took out
MODELS_KEPT = 3  # newest versions of each name that stay whatever their age
RUNS_AT_ONCE = 5_000  # deleted in one cleanup, so that a first one does not hold the API for hours


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days things are kept."""

    exports: float = 90
    models: float = 90
    runs: float = field(default_factory=lambda: limits.load().retention.runs_days)
    looks: float = field(default_factory=lambda: limits.load().retention.looks_days)


@dataclass(frozen=True, slots=True)
class Removed:
    """What one part removed: a count by kind, bytes, and what could not be done, which may pass by itself."""

    counts: dict[str, int]
    bytes: int = 0
    problem: str = ""
    may_pass: bool = False


Part = Callable[[Settings, Retention, bool], Removed]


def cleanup(
    settings: Settings, retention: Retention | None = None, dry_run: bool = False, api: Api | None = None
) -> dict[str, Any]:
    """Do every part; return what `faldone cleanup --json` prints. The caller holds the lane `cleanup`.

    Args:
        dry_run: only count what would go.
        api: Prefect's API, where one answers.
    """
    started = time.monotonic()
    retention = retention or Retention()
    recovered = "" if dry_run else recover_if_free(settings)
    parts = [attempt(name, part, settings, retention, dry_run) for name, part in PARTS.items()]
    if api is not None:
        parts.append(attempt("runs", lambda _, keep, dry: old_runs(api, keep, dry), settings, retention, dry_run))
    return summary(parts, time.monotonic() - started, dry_run, recovered)


def attempt(name: str, part: Part, settings: Settings, retention: Retention, dry_run: bool) -> Removed:
    """Do one part; its error becomes its problem.

    Raises:
        StopRequested: the job was asked to stop before this part; those before it are done.
    """
    stop.check()
    try:
        return part(settings, retention, dry_run)
    except Exception as error:  # noqa: BLE001 - the other parts are done all the same, and the job fails at its end
        log.error("cleanup of %s: %s", name, error)
        return Removed({}, problem=f"{name}: {first_line(error)}", may_pass=isinstance(error, PASSING))


def summary(parts: list[Removed], seconds: float, dry_run: bool, recovered: str = "") -> dict[str, Any]:
    """Return what `faldone cleanup --json` prints."""
    problems = [part.problem for part in parts if part.problem]
    return {
        "status": "failed" if problems else "completed",
        "may_pass": any(part.may_pass for part in parts),
        "dry_run": dry_run,
        "removed": {name: count for part in parts for name, count in part.counts.items()},
        "bytes_freed": sum(part.bytes for part in parts),
        "problems": problems,
        "recovered": recovered,
        "seconds": round(seconds, 3),
    }


# ---- cache -----------------------------------------------------------------------------------------------------------


def cache(settings: Settings, retention: Retention, dry_run: bool) -> Removed:
    """Remove entries of encoders that no collection and no setting uses any more, those without a time to live, and
    expired ones.
    """
    if settings.redis_url is None:
        return Removed({})
    used = encoders(settings)
    swept = Cache(settings.redis_url.get_secret_value()).sweep(lambda key: _wanted(key, used), dry_run)
    counts = {"cache_entries": swept.unwanted, "cache_without_expiry": swept.immortal, "cache_expired": swept.expired}
    return Removed(counts, swept.bytes)


def encoders(settings: Settings) -> set[str]:
    """Return fingerprints of the encoders whose vectors somebody may ask for: that of the settings and those of every
    collection.
    """
    lake = Lake(settings.root)
    used = {encoder.fingerprint for encoder in load_encoders(settings).parts}
    for collection in ledger.collections(lake):
        used |= set(ledger.read(lake, collection, ["encoder"]).column("encoder").unique().to_pylist())
    return {fingerprint for fingerprint in used if fingerprint}


def _wanted(key: str, used: set[str]) -> bool:
    """Tell whether an entry `vector:FINGERPRINT:HASH` is of use; other kinds are left to their time to live."""
    kind, _, rest = key.partition(":")
    return kind != "vector" or rest.partition(":")[0] in used


# ---- files -----------------------------------------------------------------------------------------------------------


def staging(settings: Settings, retention: Retention, dry_run: bool) -> Removed:
    """Remove staging folders of runs that ended without clearing up."""
    folders = [folder for folder in _folders(settings.scratch / "staging") if _dead(folder)]
    freed = sum(_size(folder) for folder in folders)
    for folder in [] if dry_run else folders:
        if settings.remote:
            remove_tree(f"{settings.root}/staging/{folder.name}")  # first: the folder here is what tells of it
        shutil.rmtree(folder)
    left = _left_behind(settings) if settings.remote else {}
    for place in [] if dry_run else left:
        remove_tree(place)
    return Removed({"staging_folders": len(folders) + len(left)}, freed + sum(left.values()))


def _left_behind(settings: Settings) -> dict[str, int]:
    """Give the staging folders in the object store, with their bytes, that no host has written to for days: of a host that is gone
    nobody else could tell.
    """
    fs, inner = filesystem(f"{settings.root}/staging")
    fs.invalidate_cache()
    sizes, young = Counter[str](), {folder.name for folder in _folders(settings.scratch / "staging")}
    with reached(settings.root):
        for path, about in fs.find(inner, detail=True).items():
            run = path[len(inner) :].strip("/").partition("/")[0]
            sizes[run] += about["size"]
            if run not in young and fs.modified(path) > datetime.now(UTC) - timedelta(days=LEFT_BEHIND_DAYS):
                young.add(run)
    return {f"{settings.root}/staging/{run}": size for run, size in sizes.items() if run not in young}


def _folders(top: Path) -> list[Path]:
    return [path for path in sorted(top.iterdir()) if path.is_dir()] if top.is_dir() else []


def _dead(folder: Path) -> bool:
    """Tell whether a staging folder's run has ended; only to look leaves no trace, else the folder would be young again."""
    if time.time() - folder.stat().st_mtime < YOUNG:
        return False
    lock = folder / "alive.lock"
    if not lock.exists():
        return True
    try:
        with FileLock(lock, timeout=0):
            return True
    except Timeout:
        return False


def exports(settings: Settings, retention: Retention, dry_run: bool) -> Removed:
    """Remove reports in the data folder past their retention; those that were written elsewhere are the user's own."""
    oldest = datetime.now(UTC) - timedelta(days=retention.exports)
    files = [(path, size) for path, size, written in listed(exports_folder(settings), ".pdf") if written < oldest]
    for path, _ in [] if dry_run else files:
        remove_file(path)
    return Removed({"exports": len(files)}, sum(size for _, size in files))


def replaced(settings: Settings, retention: Retention, dry_run: bool) -> Removed:
    """Remove what restores took out of the data folder some days ago."""
    oldest = time.time() - REPLACED_DAYS * 86_400
    folders = [folder for folder in _folders(settings.scratch / "replaced") if folder.stat().st_mtime < oldest]
    freed = sum(_size(folder) for folder in folders)
    for folder in [] if dry_run else folders:
        shutil.rmtree(folder)
    return Removed({"replaced_by_restores": len(folders)}, freed)


def models(settings: Settings, retention: Retention, dry_run: bool) -> Removed:
    """Remove model versions past their retention that are neither current nor among the newest of their name."""
    oldest = datetime.now(UTC) - timedelta(days=retention.models)
    by_name: dict[str, list[registry.ModelVersion]] = {}
    for version in registry.versions(settings):  # the newest first
        by_name.setdefault(version.name, []).append(version)
    old = [
        version
        for versions in by_name.values()
        for version in versions[MODELS_KEPT:]
        if not version.current and _made(version) < oldest
    ]
    freed = sum(_size(version.path) for version in old)
    for version in [] if dry_run else old:
        registry.remove(settings, f"{version.name}@{version.version}")
    return Removed({"model_versions": len(old)}, freed)


def _made(version: registry.ModelVersion) -> datetime:
    made = datetime.fromisoformat(version.created_at)
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


# ---- quarantine ------------------------------------------------------------------------------------------------------


def quarantine(settings: Settings, retention: Retention, dry_run: bool) -> Removed:
    """Remove quarantine entries whose file is gone, and those that a cleanup withdrew and did not come to remove."""
    lake, count = Lake(settings.root), 0
    for collection in ledger.collections(lake):
        if dry_run:
            count += len(_gone_entries(lake, collection))
        elif _gone_entries(lake, collection):
            with writer_lane(settings, collection):  # a run may have committed meanwhile: look again
                gone = _gone_entries(lake, collection)
                commit.remove(lake, collection, gone)
            count += len(gone)
    return Removed({"quarantine_entries": count})


def _gone_entries(lake: Lake, collection: str) -> list[str]:
    """List quarantined documents whose file is gone. One whose removal was interrupted is known by its kind of failure, not by its state."""
    where = {"state": [ledger.QUARANTINED, ledger.WRITING]}
    rows = ledger.read(lake, collection, ["document_id", "kind"], where).to_pylist()
    failed = [row["document_id"] for row in rows if row["kind"]]
    return [document for document, file in outermost(lake, collection, failed).items() if _gone(file)]


def _gone(file: str) -> bool:
    """Say whether a source is surely gone: not when its whole folder is missing (a disk that is not mounted), nor behind a URL."""
    return not is_url(file) and not is_there(file) and Path(on_disk(file)).parent.is_dir()


# ---- Prefect ---------------------------------------------------------------------------------------------------------


def old_runs(api: Api, retention: Retention, dry_run: bool) -> Removed:
    """Remove flow runs that ended before their retention, with logs and artifacts; looks that did not fail go sooner."""
    now = datetime.now(UTC)
    parts = ((now - timedelta(days=retention.runs), ()), (now - timedelta(days=retention.looks), LOOKS))
    if dry_run:
        return Removed({"flow_runs": sum(api.count_runs(before, tags) for before, tags in parts)})
    removed = 0
    for before, tags in parts:
        while removed < RUNS_AT_ONCE and (ids := api.remove_runs(before, RUNS_AT_ONCE - removed, tags)):
            removed += len(ids)
    return Removed({"flow_runs": removed})


PARTS: dict[str, Part] = {
    "cache": cache,
    "staging": staging,
    "exports": exports,
    "replaced": replaced,
    "models": models,
    "quarantine": quarantine,
}
