"""Dask workers: two against one, what the machinery costs, and a worker killed in mid-run.

    python benchmarks/workers.py scale FOLDER_OR_FILE…          two one-thread workers against one
    python benchmarks/workers.py cost [--files 1000]            Prefect + Dask + ledger against a bare loop of the same functions
    python benchmarks/workers.py kill FOLDER_OR_FILE…           one of two workers gets SIGKILL when a quarter is done

Scheduler and workers are processes of their own, given by address, warm before anything is timed (each has read one file and loaded its
encoder). The time is that of the flow's work from plan to commit, by `job`'s own functions, or of the whole flow for `cost`.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import REPOSITORY, machine, median, small_files, table

from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS
from tasks.collection.elements import ELEMENTS
from tasks.collection.staging import staged
from tasks.index import plan
from tasks.index import run as job
from tasks.index.batch import process

THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
DASK = {"DASK_DISTRIBUTED__WORKER__DAEMON": "False", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}


class Cluster:
    """A scheduler and so many one-thread workers."""

    def __init__(self, workers: int, home: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._folder, self._home = folder, home
        self._scheduler = self._start("scheduler", "--port", str(port), "--no-dashboard", "--host", "127.0.0.1")
        time.sleep(3)
        self.workers = [self._start(*self._worker(folder / f"worker{number}")) for number in range(workers)]

    def _worker(self, place: Path) -> list[str]:
        return [
            "worker",
            self.address,
            "--nthreads",
            "1",
            "--nworkers",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--local-directory",
            str(place),
        ]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        env = os.environ | THREAD | DASK | {"FALDONE_HOME": str(self._home), "PYTHONPATH": str(REPOSITORY)}
        log = (self._folder / "dask.log").open("ab")
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=self._folder,
        )

    @property
    def scheduler(self) -> int:
        """The scheduler's process."""
        return self._scheduler.pid

    def close(self) -> None:
        for process_ in [*self.workers, self._scheduler]:
            process_.kill()
            process_.wait()


@contextmanager
def cluster(workers: int) -> Iterator[tuple[Cluster, Settings]]:
    """A warm cluster and the settings of a job on it."""
    with tempfile.TemporaryDirectory() as folder:
        made = Cluster(workers, Path(folder) / "home", Path(folder))
        try:
            yield made, Settings(home=str(Path(folder) / "home"), dask=made.address)
        finally:
            made.close()


def run(
    settings: Settings, sources: Sequence[str], collection: str, ready: Callable[[Any], None] = lambda _: None
) -> tuple[float, dict[str, Any]]:
    """An index run by the job's functions, without Prefect: seconds from plan to the end, and its result."""
    one = job.begin(settings, collection)
    listing = job.discover(one, sources)
    made = job.make_plan(one, listing)
    began = time.perf_counter()

    def watch(_: object) -> None:
        nonlocal began
        ready(one)
        began = time.perf_counter()

    one.watch = watch
    done = job.process(one, made)
    seconds = time.perf_counter() - began
    return seconds, job.finish(one, made, listing, done, 0)


def warm(settings: Settings, workers: int, files: Path) -> None:
    """Have every worker read one small batch and load its encoder."""
    from distributed import Client

    small_files(files, 130 * workers)
    run(settings, [str(files)], "warm")
    with Client(settings.dask, set_as_default=False) as client:
        assert len(client.scheduler_info(n_workers=-1)["workers"]) == workers


def scale(sources: Sequence[str]) -> None:
    """Two workers against one."""
    seconds = {}
    for count in (1, 2):
        with cluster(count) as (_, settings), tempfile.TemporaryDirectory() as small:
            warm(settings, count, Path(small))
            seconds[count], result = run(settings, sources, "bench")
            print(count, "workers", round(seconds[count], 1), "s", result["documents"], file=sys.stderr)
    print(machine())
    table(["one-thread workers", "s", "ratio"], [[n, f"{s:.1f}", f"{seconds[1] / s:.2f}"] for n, s in seconds.items()])


def bare(settings: Settings, sources: Sequence[str]) -> Spent:
    """The same functions in one loop without flow, workers or ledger: list, cut, process batch by batch, put into the lake, index its text."""
    began = Spent.now()
    one = job.begin(settings, "bare")
    listing = job.discover(one, sources)
    made = job.make_plan(one, listing, prune=False)
    stems = [item.stem for batch in plan.batches(made) for item in process(batch, one.pipeline).staged]
    ELEMENTS.write(one.lake, "bare", staged(stems, ELEMENTS))
    CHUNKS.write(one.lake, "bare", staged(stems, CHUNKS))
    one.lake.index_text(CHUNKS.name("bare"))
    one.close()
    return Spent.now() - began


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of the clock, and of the processors by this process and all that it started."""

    clock: float
    cpu: float

    @classmethod
    def now(cls) -> Spent:
        import psutil

        cpu = 0.0
        own = psutil.Process()
        for one in [own, *own.children(recursive=True)]:
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:
                continue  # it ended between the list and the look
            cpu += times.user + times.system
        return cls(time.perf_counter(), cpu)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.clock - other.clock, self.cpu - other.cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["scale", "cost", "kill"])
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    os.environ |= THREAD
    sources = [str(Path(source).resolve()) for source in given.sources]
    if given.what == "scale":
        scale(sources)
    elif given.what == "kill":
        kill(sources)
    else:
        cost(given.files, given.rounds)


def kill(sources: Sequence[str]) -> None:
    """SIGKILL to one of two workers when a quarter of the documents is done; then the ledger is compared with the sources."""
    with cluster(2) as (made, settings), tempfile.TemporaryDirectory() as small:
        warm(settings, 2, Path(small))

        def later(one: Any) -> None:
            threading.Thread(target=_kill_at_quarter, args=(one, made.workers[0]), daemon=True).start()

        seconds, result = run(settings, sources, "bench", later)
        counts = _counts(Lake(settings.root))
    print(machine())
    killed = made.workers[0].returncode == -signal.SIGKILL
    table(
        ["worker killed", "found", "indexed", "quarantined", "rows in the ledger", "chunk ids", "of them twice", "s"],
        [
            [
                killed,
                result["documents"]["found"],
                result["documents"]["indexed"],
                result["documents"]["quarantined"],
                *counts,
                f"{seconds:.1f}",
            ]
        ],
    )


def _kill_at_quarter(one: Any, victim: subprocess.Popen[bytes]) -> None:
    while one.progress.status().done < max(1, one.progress.status().total // 4):
        time.sleep(0.02)
    victim.kill()


def _counts(lake: Lake) -> list[int]:
    rows = lake.read(CHUNKS.name("bench"), ["chunk_id"])["chunk_id"].to_pylist()
    return [ledger.read(lake, "bench", ["document_id"]).num_rows, len(set(rows)), len(rows) - len(set(rows))]


def cost(files: int, rounds: int) -> None:
    """The whole flow on one worker against the bare loop, over the same small files, in turns; both have one thread and one parser child.

    A flow over one file alone is what a run costs whatever it holds: the difference between it and the bare loop over that file is the
    start of the machinery.
    """
    with cluster(1) as (_, settings), tempfile.TemporaryDirectory() as small, temporary_api():
        place = Path(small)
        small_files(place / "files", files, words=120)
        small_files(place / "few", 130)
        small_files(place / "one", 1, words=120)
        alone = Settings(home=f"{small}/home", dask="threads", workers=1)
        warm(settings, 1, place / "warm")
        bare(alone, [str(place / "few")])  # the encoder and the parser child are up
        flow(settings, place / "few", "few")
        pairs: dict[str, list[tuple[Spent, Spent]]] = {"one": [], "files": []}
        for number in range(rounds):
            for name, found in pairs.items():
                home = alone.model_copy(update={"home": f"{small}/home-{name}{number}"})
                found.append((bare(home, [str(place / name)]), flow(settings, place / name, f"{name}{number}")))
                print("round", number + 1, name, found[-1], file=sys.stderr)
    print(machine())
    start, whole = (
        Spent(median([b.clock - a.clock for a, b in found]), median([b.cpu - a.cpu for a, b in found]))
        for found in pairs.values()
    )
    base = Spent(median([a.clock for a, _ in pairs["files"]]), median([a.cpu for a, _ in pairs["files"]]))
    rows: list[tuple[str, Spent]] = [
        ("bare loop", base),
        ("flow on one Dask worker", Spent(base.clock + whole.clock, base.cpu + whole.cpu)),
        ("the same without the start", Spent(base.clock + whole.clock - start.clock, base.cpu + whole.cpu - start.cpu)),
    ]
    table(
        [f"{files:,} files of 120 words, {rounds} rounds", "s", "ratio", "processor s", "ratio"],
        [
            [name, f"{s.clock:.1f}", f"{s.clock / base.clock:.2f}", f"{s.cpu:.1f}", f"{s.cpu / base.cpu:.2f}"]
            for name, s in rows
        ],
    )


@contextmanager
def temporary_api() -> Iterator[None]:
    """The Prefect API that the command line starts for itself."""
    from deployments.api.embedded import EmbeddedApi

    api = EmbeddedApi()
    try:
        api.wait()
        yield
    finally:
        api.stop()


def flow(settings: Settings, folder: Path, collection: str) -> Spent:
    """The flow on the cluster."""
    os.environ |= {"FALDONE_HOME": settings.home, "FALDONE_DASK": settings.dask}
    from flows.index import index

    began = Spent.now()
    result = index(sources=[str(folder)], collection=collection)
    assert result["status"] == "completed", result
    return Spent.now() - began


if __name__ == "__main__":
    main()
