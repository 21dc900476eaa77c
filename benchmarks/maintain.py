"""Maintenance under ill treatment: backups while an index run commits, and jobs that are killed.

    python benchmarks/maintain.py snapshots FOLDER [--files 3000] [--backups 6] [--queries 200]
    python benchmarks/maintain.py kills FOLDER [--files 300] [--kills 20] [--command]
    python benchmarks/maintain.py health [--times 10]         (FALDONE_HOME, PREFECT_API_URL … as the environment has them)

`snapshots` takes backups beside an index run of several shards. The reference of each is the live lake, read at the versions that the
backup's manifest names: Lance never changes what a version is made of. Then the lake is removed, the backup restored, and every query asked
again in every mode; the answers must be equal, scores included.

`kills` ends each job with SIGKILL at moments spread evenly over its whole duration, each time on a fresh copy of a data folder that gives it
something to do. Afterwards the same job runs once more, and then: the rows of every table, the answers of searches, an audit, and
whatever a job may have left (staging, half backups, drills, layouts, tags, held locks). By default the process that is killed has its
libraries loaded and runs what the flow runs; with --command it is `faldone JOB`, Prefect's temporary server included.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from common import FALDONE, REPOSITORY, WORDS, machine, median, small_files, table
from lake_at import LakeAt

from infra import lake_upkeep as upkeep
from infra.backup_store import BackupStore
from infra.encoders import load_encoders
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.locks import one_at_a_time
from infra.settings import Settings, load
from tasks.collection import ledger, recover
from tasks.collection.ledger import LEDGER
from tasks.collection.tables import collections as every_collection
from tasks.maintain import audit, backup, cleanup, optimise, restore, stored_backups
from tasks.search import Mode, Searcher

COLLECTION = "bench"
TRIES = 5
MODES: tuple[Mode, ...] = ("hybrid", "vector", "text")
Answers = dict[tuple[str, str], tuple[Any, ...]]

JOBS: dict[str, Callable[[Settings], Any]] = {
    "backup": lambda settings: (recover.recover(settings), backup.backup(settings)),
    "restore": lambda settings: restore.restore(settings, "latest"),
    "optimise": lambda settings: (recover.recover_if_free(settings), optimise.optimise(settings, keep=timedelta(0))),
    "cleanup": lambda settings: cleanup.cleanup(settings),
}
VERBS = {"restore": ("restore", "latest"), "optimise": ("optimise", "--keep-minutes", "0")}


def settings_of(home: Path) -> Settings:
    return Settings(home=str(home))


def faldone(home: Path, *arguments: str) -> dict[str, Any]:
    """What a command answers."""
    done = subprocess.run(
        [FALDONE, *arguments, "--json"],
        env=os.environ | {"FALDONE_HOME": str(home)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 3):
        raise SystemExit(f"faldone {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-1000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# ---- what a lake answers ---------------------------------------------------------------------------------------------


def queries(count: int) -> list[str]:
    """So many different queries of two to five words of the documents, and the samples' questions."""
    asked = [json.loads(line) for line in (REPOSITORY / "samples" / "questions.jsonl").read_text().splitlines() if line]
    picker = random.Random(1)
    found = [str(row.get("question") or row["query"]) for row in asked][: count // 4]
    while len(found) < count:
        words = " ".join(picker.sample(WORDS, picker.randint(2, 5)))
        if words not in found:
            found.append(f"{words} {len(found)}" if len(found) % 3 == 0 else words)
    return found


def answers(lake: Lake, asked: Sequence[str]) -> Answers:
    """Every hit of every query in every mode."""
    searcher = Searcher(lake, load_encoders(load()), COLLECTION)
    return {(query, mode): searcher.search(query, mode=mode).hits for query in asked for mode in MODES}


def content(lake: Lake) -> dict[str, list[str]]:
    """Every row of every table, sorted."""
    return {name: sorted(map(repr, lake.read(name).to_pylist())) for name in lake.names()}


# ---- backups beside an index run -------------------------------------------------------------------------------------


def snapshots(folder: Path, files: int, backups: int, count: int) -> None:
    """Print a row a backup: what it held, and how many of its answers came back."""
    home, sources = folder / "home", folder / "sources"
    small_files(sources, files)
    shutil.copytree(REPOSITORY / "samples" / "documents", sources / "samples", dirs_exist_ok=True)
    settings, asked = settings_of(home), queries(count)
    log = (folder / "index.log").open("wb")
    run = subprocess.Popen(
        [FALDONE, "index", str(sources), "--collection", COLLECTION, "--json"],
        env=os.environ | {"FALDONE_HOME": str(home)},
        cwd=REPOSITORY,
        stdout=log,
        stderr=log,
    )
    began, made = time.monotonic(), []
    seen = 0
    while run.poll() is None:
        documents = _indexed(settings)
        if documents > seen and len(made) < backups:
            seen, at = documents, time.monotonic()
            with one_at_a_time(settings, recover.LANE):
                result = backup.backup(settings)
            made.append((result, at - began, run.poll() is None))
        time.sleep(0.05)
    if run.returncode not in (0, 3):
        raise SystemExit(f"the index run ended with {run.returncode}: see {folder / 'index.log'}")
    print(f"{machine()}: the index run took {time.monotonic() - began:.0f} s, {_indexed(settings)} documents")
    rows = _compared(settings, [(result, at) for result, at, during in made if during], asked)
    head = ("backup after", "documents", "chunks", "drill", "seconds", "answers compared", "that differ")
    table(head, rows)


def _indexed(settings: Settings) -> int:
    if not (Path(settings.root) / "lake").is_dir():
        return 0
    lake = Lake(settings.root)
    return lake.count(LEDGER.name(COLLECTION), {"state": ledger.INDEXED})


def _compared(settings: Settings, made: list[tuple[dict[str, Any], float]], asked: Sequence[str]) -> list[Any]:
    store = BackupStore(stored_backups.destination(settings))
    manifests = [stored_backups.read(store, result["id"]) for result, _ in made]
    wanted = [
        answers(LakeAt(settings.root, {pin.name: pin.version for pin in manifest.tables}), asked)
        for manifest in manifests
    ]
    rows = []
    for (result, at), expected in zip(made, wanted, strict=True):
        shutil.rmtree(Path(settings.root) / "lake")
        faldone(Path(settings.root), "restore", result["id"])
        found = answers(Lake(settings.root), asked)
        differ = sum(found[key] != hits for key, hits in expected.items())
        drill = result["drill"]["problem"] or "same"
        rows.append(
            (
                f"{at:.1f} s",
                result["documents"],
                result["chunks"],
                drill,
                f"{result['seconds']:.1f}",
                len(expected),
                differ,
            )
        )
    return rows


# ---- kills -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """A data folder that gives a job something to do, and what must still be there afterwards."""

    home: Path
    wanted: dict[str, list[str]]
    answers: Answers


def kills(folder: Path, files: int, count: int, command: bool, only: str) -> None:
    """Print a row a job: kills, when, and what was wrong afterwards."""
    print(machine())
    head = ("job", "whole run, s", "killed", "ended before", "lost", "audit", "answers", "next run", "left behind")
    rows, asked = [], queries(20)
    for job in [only] if only else JOBS:
        start = PREPARED[job](folder / f"{job}-start", files, asked)
        seconds = median([_whole(start, folder / "run", job, command) for _ in range(3)])
        found = [
            _killed(start, folder / "run", job, seconds, (number + 0.5) / count, asked, command)
            for number in range(count)
        ]
        bad = [sum(bool(one[what]) for one in found) for what in ("lost", "audit", "answers", "again", "left")]
        dead = sum(one["killed"] for one in found)
        rows.append((job, f"{seconds:.2f}", dead, count - dead, *bad))
        for one in found:
            if any(one[what] for what in ("lost", "audit", "answers", "again", "left")):
                print(f"{job}: {one}", flush=True)
    table(head, rows)


def _fresh(start: Start, home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(start.home, home, symlinks=True)  # dates too: what is old stays old
    return home


@contextmanager
def _job(home: Path, job: str, command: bool) -> Iterator[subprocess.Popen[str]]:
    """A process that begins the job now."""
    line = [FALDONE, *VERBS.get(job, (job,))] if command else [sys.executable, __file__, "work", job]
    environment = os.environ | {"FALDONE_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        line, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        if not command:
            process.stdout.readline()  # its libraries are loaded
            process.stdin.write("go\n")
            process.stdin.flush()
        yield process
        process.kill()


def work(job: str) -> None:
    """A process that waits for a line and does one job as its flow does."""
    settings = load()
    load_encoders(settings)
    print("ready", flush=True)
    sys.stdin.readline()
    with one_at_a_time(settings, recover.LANE if job == "restore" else job):
        JOBS[job](settings)


def _whole(start: Start, home: Path, job: str, command: bool) -> float:
    with _job(_fresh(start, home), job, command) as process:
        began = time.perf_counter()
        _, told = process.communicate()
        if process.returncode:
            raise SystemExit(f"{job} ended with {process.returncode}: {told[-1000:]}")
        return time.perf_counter() - began


def _killed(
    start: Start, home: Path, job: str, seconds: float, share: float, asked: Sequence[str], command: bool
) -> dict[str, Any]:
    """What was wrong after a kill at a share of the job's whole duration, and one more run.

    Where other work ran when the duration was measured, a job may end before its moment comes: it is then begun again, and its moment is that
    share of the time that it has just taken.
    """
    for _ in range(TRIES):
        with _job(_fresh(start, home), job, command) as process:
            began = time.perf_counter()
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds * share)
            taken = time.perf_counter() - began
            process.send_signal(signal.SIGKILL)
            dead = process.wait() == -signal.SIGKILL
        if dead:
            break
        seconds = taken
    settings = settings_of(home)
    again = ""
    try:
        with one_at_a_time(settings, recover.LANE if job == "restore" else job):
            JOBS[job](settings)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        again = f"{type(error).__name__}: {error}"
    lake = Lake(settings.root)
    now = content(lake)
    looks = [audit.audit_collection(settings, name, repairing=False) for name in every_collection(lake)]
    return {
        "after": round(seconds * share, 3),
        "killed": dead,
        "lost": [name for name in start.wanted.keys() | now.keys() if start.wanted.get(name) != now.get(name)],
        "audit": [f"{finding.problem}" for found in looks for finding in found.findings],
        "answers": sum(hits != start.answers[key] for key, hits in answers(lake, asked).items()),
        "again": again,
        "left": left_behind(settings),
    }


def left_behind(settings: Settings) -> list[str]:
    """What a job that is done leaves nowhere."""
    home, lake = Path(settings.root), Lake(settings.root)
    store = BackupStore(stored_backups.destination(settings))
    found = [
        str(path.relative_to(home)) for top in ("staging", "health", "restoring") for path in (home / top).glob("*")
    ]
    found += [f"tag {label} of {name}" for name in lake.names() for label in upkeep.tags(lake, name)]
    there = store.backups()
    if Path(store.location).is_dir():
        known = {"data", *there}
        found += [f"backups/{path.name}" for path in Path(store.location).iterdir() if path.name not in known]
        needed = {file.sha256 for name in there for file in stored_backups.read(store, name).files}
        stored = {path.name for path in Path(store.location).glob("data/*/*")} | set(store.blobs())
        found += [f"blob {name}" for name in stored - needed]
    for collection in every_collection(lake):
        with writer_lane(settings, collection, wait=0.1):
            pass  # a lock that is held raises
    return found


# ---- data folders to begin with --------------------------------------------------------------------------------------


def _indexed_home(home: Path, files: int, runs: int = 1) -> Settings:
    """The samples and small files, indexed in several runs."""
    shutil.rmtree(home, ignore_errors=True)
    sources = home.with_name(f"{home.name}-sources")
    small_files(sources, files)
    folders = sorted(path for path in sources.iterdir() if path.is_dir())
    everything = [REPOSITORY / "samples" / "documents", *folders]
    parts = [everything[start::runs] for start in range(min(runs, len(everything)))]
    for part in parts:
        faldone(home, "index", *map(str, part), "--collection", COLLECTION, "--no-prune")
    return settings_of(home)


def _started(settings: Settings, wanted: dict[str, list[str]], asked: Sequence[str]) -> Start:
    return Start(Path(settings.root), wanted, answers(Lake(settings.root), asked))


def before_backup(home: Path, files: int, asked: Sequence[str]) -> Start:
    """A former backup, and as many documents since."""
    settings = _indexed_home(home, files // 2)
    backup.backup(settings)
    _indexed_home_more(home, files)
    return _started(settings, content(Lake(settings.root)), asked)


def _indexed_home_more(home: Path, files: int) -> None:
    sources = home.with_name(f"{home.name}-sources")
    small_files(sources, files)
    faldone(home, "index", str(sources), "--collection", COLLECTION, "--no-prune")


def before_restore(home: Path, files: int, asked: Sequence[str]) -> Start:
    """A backup; since then documents have come and others have gone."""
    settings = _indexed_home(home, files)
    lake = Lake(settings.root)
    start = _started(settings, content(lake), asked)
    backup.backup(settings)
    _indexed_home_more(home, files + 50)
    doomed = ledger.read(lake, COLLECTION, ["document_id"])["document_id"].to_pylist()[:40]
    for kind in ("chunks", "parsed", "documents"):
        lake.delete(f"{COLLECTION}.{kind}", {"document_id": doomed})
    return start


def before_optimise(home: Path, files: int, asked: Sequence[str]) -> Start:
    """Many small fragments: a folder a run, and one small delete a document."""
    settings = _indexed_home(home, files, runs=1 + files // 100)
    lake = Lake(settings.root)
    for row in ledger.read(lake, COLLECTION).to_pylist()[:30]:
        ledger.write(lake, COLLECTION, ledger.rows([row]))
    wanted = content(lake)
    whole = settings_of(Path(shutil.copytree(home, home.with_name(f"{home.name}-whole"), dirs_exist_ok=True)))
    JOBS["optimise"](whole)  # rows that were not in the text index yet get another score when they are taken in
    return Start(home, wanted, answers(Lake(whole.root), asked))


def before_cleanup(home: Path, files: int, asked: Sequence[str]) -> Start:
    """Staging of dead runs, old reports, what a restore replaced, quarantined files that are gone."""
    settings = _indexed_home(home, files)
    broken = home.with_name(f"{home.name}-broken")
    broken.mkdir(exist_ok=True)
    wanted = content(Lake(settings.root))
    for number in range(20):
        (broken / f"{number}.pdf").write_bytes(b"%PDF-1.4 broken")
    faldone(home, "index", str(broken), "--collection", COLLECTION, "--no-prune")
    for path in broken.iterdir():
        path.unlink()
    old = time.time() - 100 * 86_400
    for number in range(200):
        for place in (home / "staging" / f"dead{number}", home / "replaced" / f"202601{number:02d}-000000" / "lake"):
            place.mkdir(parents=True)
            (place / "part.arrow").write_bytes(bytes(1000))
            os.utime(place, (old, old))
            os.utime(place.parent if place.name == "lake" else place, (old, old))
        report = home / "exports" / f"old-{number}.pdf"
        report.parent.mkdir(exist_ok=True)
        report.write_bytes(bytes(1000))
        os.utime(report, (old, old))
    return _started(settings, wanted, asked)


PREPARED: dict[str, Callable[[Path, int, Sequence[str]], Start]] = {
    "backup": before_backup,
    "restore": before_restore,
    "optimise": before_optimise,
    "cleanup": before_cleanup,
}


# ---- health ----------------------------------------------------------------------------------------------------------


def health(times: int) -> None:
    """Print the median and the longest of so many `faldone health`, the start of the process included."""
    seconds, slowest = [], dict[str, float]()
    for _ in range(times):
        began = time.perf_counter()
        done = subprocess.run([FALDONE, "health", "--json"], capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - began)
        if not done.stdout:
            raise SystemExit(f"faldone health ended with {done.returncode}: {done.stderr[-1000:]}")
        for check in json.loads(done.stdout)["checks"]:
            slowest[check["name"]] = max(slowest.get(check["name"], 0.0), check["milliseconds"])
    print(f"{machine()}: {times} times, p50 {median(seconds):.2f} s, longest {max(seconds):.2f} s")
    print("longest of each check, ms: " + ", ".join(f"{name} {value:.0f}" for name, value in slowest.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["snapshots", "kills", "health", "work"])
    parser.add_argument("folder", nargs="?", default="")
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--backups", type=int, default=6)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--job", choices=["", *JOBS], default="")
    parser.add_argument("--command", action="store_true")
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    if given.what == "work":
        work(given.folder)
    elif given.what == "health":
        health(given.times)
    elif not given.folder:
        parser.error("give a folder to work in")
    elif given.what == "snapshots":
        snapshots(Path(given.folder).absolute(), given.files or 3_000, given.backups, given.queries)
    else:
        kills(Path(given.folder).absolute(), given.files or 300, given.kills, given.command, given.job)


if __name__ == "__main__":
    main()
