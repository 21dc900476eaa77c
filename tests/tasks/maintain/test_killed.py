"""Maintenance that is killed, and backups beside a run that commits: nothing is lost, and the next run is clean.

`benchmarks/maintain.py` does the same with more files, more kills and whole index runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.lake_at import LakeAt
from infra import lake_upkeep as upkeep
from infra.backup_store import BackupStore
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.locks import one_at_a_time
from infra.settings import Settings
from tasks.collection import ledger, recover
from tasks.maintain import audit, backup, cleanup, optimise, restore, stored_backups, verification
from tests.tasks.maintain import small

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
KILLS = 2  # of each job

JOBS: dict[str, Callable[[Settings], Any]] = {
    "backup": lambda settings: (recover.recover(settings), backup.backup(settings)),
    "restore": lambda settings: restore.restore(settings, "latest"),
    "optimise": lambda settings: (recover.recover_if_free(settings), optimise.optimise(settings, keep=timedelta(0))),
    "cleanup": cleanup.cleanup,
}
CHILD = """
import sys
from tests.tasks.maintain.test_killed import child
child(sys.argv[1])
"""


def child(job: str) -> None:
    """A process that loads its libraries, waits for a data folder's path on standard input, and does one job in it."""
    import lance  # noqa: F401 - before the clock starts
    import lancedb  # noqa: F401

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    home = sys.stdin.readline().strip()
    if home:
        run(Settings(home=home, _env_file=None), job)


def run(settings: Settings, job: str) -> None:
    """What the flow of a job does."""
    with one_at_a_time(settings, recover.LANE if job == "restore" else job):
        JOBS[job](settings)


@contextmanager
def waiting(job: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, job], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def begin(process: subprocess.Popen[str], home: Path) -> float:
    """Have a waiting process begin in a data folder; the time when it did."""
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write(f"{home}\n")
    process.stdin.flush()
    return time.perf_counter()


def prepared(home: Path, job: str) -> dict[str, list[str]]:
    """A data folder that gives the job something to do; what its lake must hold afterwards."""
    lake, settings = small.fill(home, documents=12), small.settings_of(home)
    wanted = small.content(lake)
    if job in {"backup", "restore"}:
        backup.backup(settings)
        small.add(lake, "documents", "/later.txt")
        small.add(lake, "later", "/other.txt")
    if job == "cleanup":
        small.add(lake, "documents", home.parent / "sources" / "gone.txt", state=ledger.QUARANTINED)
        old = time.time() - 100 * 86_400
        for number in range(100):
            for folder in (home / "staging" / f"dead{number}", home / "replaced" / f"20260101-{number:06d}"):
                folder.mkdir(parents=True)
                (folder / "file").write_bytes(b"12345")
                os.utime(folder, (old, old))
    return small.content(lake) if job == "backup" else wanted


@pytest.mark.parametrize("job", JOBS)
def test_a_killed_job_loses_nothing_and_the_next_run_is_clean(job: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        whole, *others = [stack.enter_context(waiting(job)) for _ in range(1 + KILLS)]
        start = tmp_path / "start" / "home"
        wanted = prepared(start, job)
        began = begin(whole, Path(shutil.copytree(start, tmp_path / "whole")))
        assert whole.wait(60) == 0
        seconds = time.perf_counter() - began
        killed = 0
        for number, process in enumerate(others):
            home = Path(shutil.copytree(start, tmp_path / str(number)))
            begin(process, home)
            time.sleep(seconds * (number + 0.5) / KILLS)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            settings = small.settings_of(home)
            run(settings, job)
            assert small.content(Lake(settings.root)) == wanted
            assert audit.audit_collection(settings, "documents").findings == ()
            assert left_behind(settings) == []
    assert killed


def left_behind(settings: Settings) -> list[str]:
    """What a job that is done leaves nowhere."""
    home, lake, store = Path(settings.root), Lake(settings.root), BackupStore(stored_backups.destination(settings))
    found = [str(path) for top in ("staging", "restoring", "health") for path in (home / top).glob("*")]
    found += [f"{name} {label}" for name in lake.names() for label in upkeep.tags(lake, name)]
    if Path(store.location).is_dir():
        there = store.backups()
        found += [
            path.name
            for path in Path(store.location).iterdir()
            if path.name not in {"data", verification.RECORD, *there}
        ]
        needed = {file.sha256 for name in there for file in stored_backups.read(store, name).files}
        found += [path.name for path in Path(store.location).glob("data/*/*") if path.name not in needed]
    with writer_lane(settings, "documents", wait=0.1):  # raises where somebody holds it
        return found


def answers(lake: Lake) -> list[list[dict[str, Any]]]:
    """What searches of the documents' words and of 20 vectors give."""
    vectors = np.random.default_rng(1).standard_normal((20, small.DIMENSION)).astype(np.float32)
    columns = ["chunk_id", "text"]
    near = [lake.nearest("documents.chunks", vector, 10, columns) for vector in vectors]
    words = [lake.matching("documents.chunks", [word], 200, columns) for word in small.WORDS]
    return [
        sorted(rows.to_pylist(), key=lambda row: (row.get("_distance", 0) - row.get("_score", 0), row["chunk_id"]))
        for rows in near + words
    ]


def test_backups_beside_a_writer_hold_what_the_lake_held_at_that_moment(settings: Settings) -> None:
    home = Path(settings.root)
    lake, done = small.fill(home), threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            with writer_lane(settings, "documents"):
                small.add(Lake(settings.root), "documents", f"/more/{number}.txt")
            number += 1
            time.sleep(0.1)  # as a run that reads and encodes between two commits

    writer = threading.Thread(target=write)
    writer.start()
    made = []
    try:
        for _ in range(3):
            made.append(backup.backup(settings))
            time.sleep(0.3)
    finally:
        done.set()
        writer.join()
    store = BackupStore(stored_backups.destination(settings))
    manifests = [stored_backups.read(store, one["id"]) for one in made]
    held = [LakeAt(settings.root, {pin.name: pin.version for pin in manifest.tables}) for manifest in manifests]
    wanted = [(small.content(then), answers(then)) for then in held]
    assert len({len(content["documents.documents"]) for content, _ in wanted}) == 3  # it wrote between all of them
    for one, (content, found) in zip(made, wanted, strict=True):
        assert one["drill"]["problem"] == ""
        assert one["chunks"] == 4 * one["documents"]  # ledger and chunks are of one moment
        shutil.rmtree(home / "lake")
        restore.restore(settings, one["id"])
        lake = Lake(settings.root)
        assert small.content(lake) == content
        assert answers(lake) == found
