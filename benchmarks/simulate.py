"""A plan past this machine: the real planner, batch stream, committer and reaper, with the measured cost of each stage and no encoding.

    python benchmarks/simulate.py measure COSTS.json FOLDER     what each stage costs here; FOLDER holds documents of the usual kind
    python benchmarks/simulate.py run COSTS.json [--documents 1e6 1e7 1e8] [--workers 1 10 100 1000] [--document-seconds 1.0] [--plot F.svg]
    python benchmarks/simulate.py compare COSTS.json FOLDER     a measured run of one and of two workers beside the simulated ones

Time is a number here, which workers, commits and the flow's own work move on; what decides is Faldone's own code: the planner plans rows, the
engine of tasks/shards.py draws batches, keeps them in flight, stages and commits, the reaper looks at its jobs. Seconds are those of the
processor where one thread works, so that other work on the machine counts little. docs/scaling.md has the figures and what follows.
"""

from __future__ import annotations

import argparse
import heapq
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from common import machine, median, table
from optimise import MARK, Maker
from plan import write as write_plan

from deployments.daemon.tend import Tender
from infra import lake_upkeep as upkeep
from infra import limits
from infra.cluster import WINDOW, Workers, workers
from infra.errors import DocumentError
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import commit, indexes, ledger, staging
from tasks.collection.chunks import CHUNKS
from tasks.collection.chunks import schema as chunks_schema
from tasks.collection.elements import ELEMENTS, parsed_row
from tasks.collection.ledger import LEDGER
from tasks.index.partition import PART_ROWS, rows_of_part
from tasks.index.plan import BATCH_DOCUMENTS, GROUP_BYTES, GROUP_DOCUMENTS
from tasks.index.rows import Receipt, fullness
from tasks.index.run import COMPACT_EVERY
from tasks.progress import Progress
from tasks.records import Element, Parsed
from tasks.shards import Engine

Batch = range

CHUNKS_EACH = 4  # of a document in the measured commits
KNOWN = (2_000, 40_000)  # documents in the collection of the measured commits
COMMITTED = (500, 2_000)  # in one of them
NOTHING = 4_000  # batches that do nothing, for what the stream itself costs
PLANNED = (100_000, 1_000_000)
RUNNING = 1_000  # jobs that the reaper looks at


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds (and bytes) of one piece of each stage."""

    document: float  # read, cut and encoded by one worker
    batch: float  # drawn, sent, taken back: the flow process, the scheduler and the worker's answer
    commit: float  # however small
    commit_document: float  # … for each document in it
    commit_known: float  # … for each document that the collection has already
    commit_fragment: float  # … for each fragment that earlier commits left since the last compaction
    compact: float  # for each document since the compaction before it
    plan_document: float  # for each file that is listed
    plan_bytes: float  # of memory, for each row of manifest and ledger that is planned at a time
    text_chunk: float  # of the full-text index, for each chunk
    job: float  # one look of the reaper at one running job


# ---- what the engine runs on ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Clock:
    """The simulated time in seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Cluster(Workers[int]):
    """So many workers; each takes the next batch as soon as it is free, and the flow process takes one answer after another."""

    def __init__(self, count: int, costs: Costs, clock: Clock) -> None:
        self.name, self.count = "simulated", count
        self._costs, self._clock = costs, clock
        self.busy = self.flow = 0.0  # s that the workers, and the flow process, worked
        self.most = 0  # batches in flight

    def stream(self, function: Callable[[Any], Any], take: Callable[[], Any]) -> Iterator[tuple[Any, Any]]:
        clock, costs = self._clock, self._costs
        free = [0.0] * self.count
        running: list[tuple[float, int, Batch]] = []
        number = 0
        while True:
            while len(running) < WINDOW * self.count and (batch := take()) is not None:
                begin = max(clock.now, heapq.heappop(free))
                took = len(batch) * costs.document
                heapq.heappush(free, begin + took)
                heapq.heappush(running, (begin + took, number, batch))
                self.busy += took
                number += 1
            if not running:
                return
            self.most = max(self.most, len(running))
            ended, _, batch = heapq.heappop(running)
            clock.now = max(clock.now, ended) + costs.batch
            self.flow += costs.batch
            yield batch, function(batch)


class Commit(Future[None]):
    """A commit that ends at a time of the clock; who waits for it is taken there."""

    def __init__(self, clock: Clock, ends: float, committer: Committer) -> None:
        super().__init__()
        self._clock, self._ends, self._committer = clock, ends, committer

    def done(self) -> bool:
        return self._ends <= self._clock.now

    def result(self, timeout: float | None = None) -> None:
        self._committer.waited += max(0.0, self._ends - self._clock.now)
        self._clock.now = max(self._clock.now, self._ends)


class Committer(Executor):
    """The one thread that commits, as an index run's workload would have it."""

    def __init__(self, costs: Costs, clock: Clock, known: int) -> None:
        self._costs, self._clock, self.known = costs, clock, known
        self.commits = self.largest = 0
        self._since = 0  # documents written since the last compaction
        self.writing = self.waited = 0.0  # s that commits took, and that the stream stood still behind them

    def submit(self, work: Any, /, *arguments: Any, **_: Any) -> Any:
        documents = sum(receipt.documents for receipt in arguments[0])
        costs = self._costs
        took = costs.commit + costs.commit_document * documents + costs.commit_known * self.known
        took += costs.commit_fragment * (self.commits % COMPACT_EVERY)
        self.known += documents
        self.commits += 1
        self._since += documents
        if self.commits % COMPACT_EVERY == 0:
            took, self._since = took + costs.compact * self._since, 0
        self.writing += took
        self.largest = max(self.largest, documents)
        return Commit(self._clock, self._clock.now + took, self)


class Job:
    """An index run as the engine sees it; nothing fails."""

    name = staticmethod(lambda batch: str(batch.start))
    weight = staticmethod(lambda batch: float(len(batch)))
    current = staticmethod(lambda batch: str(batch.start))
    fullness = staticmethod(fullness)

    def __init__(self, each: int) -> None:
        self._bytes = each

    def process(self) -> Callable[[Batch], Receipt]:
        """Give what a worker's batch leaves."""
        return lambda batch: Receipt(
            indexed=len(batch), chunks=CHUNKS_EACH * len(batch), bytes=self._bytes * len(batch), staged=()
        )

    def lost(self, work: int, error: DocumentError) -> Receipt:
        raise AssertionError("nothing is lost here") from error

    def commit(self, receipts: Sequence[Receipt]) -> None:
        raise AssertionError("the committer above knows what it costs")


# ---- a run ----------------------------------------------------------------------------------------------------------


def simulated(costs: Costs, documents: int, count: int, each: int = 10_000, known: int = 0) -> dict[str, Any]:
    """Index `documents` of `each` bytes on `count` workers into a collection that knows some already."""
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock = Clock(documents * costs.plan_document)
    planned = clock.now
    cluster, committer = Cluster(count, costs, clock), Committer(costs, clock, known)
    size = max(1, min(BATCH_DOCUMENTS, GROUP_BYTES // each))
    drawn = (range(start, min(start + size, documents)) for start in range(0, documents, size))
    progress = Progress("index", documents)
    engine: Engine[Any, Receipt] = Engine(Job(each), drawn, progress, Receipt(), lambda: committer, clock)  # type: ignore[arg-type]
    done = engine.run(cluster)
    assert done.documents == documents == progress.status().done == committer.known - known
    streamed = clock.now - planned
    text = costs.text_chunk * CHUNKS_EACH * documents
    shares = {
        "workers": cluster.busy / count / streamed,
        "commits": committer.writing / streamed,
        "flow and scheduler": cluster.flow / streamed,
    }
    return {
        "documents": documents,
        "workers": count,
        "hours": (clock.now + text) / 3600,
        "of it planning": planned / 3600,
        "of it text index": text / 3600,
        "documents/s": documents / streamed,
        "busy": shares,
        "saturated": max(shares, key=lambda name: shares[name]),
        "commits": committer.commits,
        "largest commit": committer.largest,
        "waited for commits": committer.waited / streamed,
        "in flight": cluster.most,
        "planner GiB": rows_of_part(documents) * costs.plan_bytes / 2**30,
        "engine MiB": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begin) / 2**10,
        "seconds": streamed,
    }


# ---- what each stage costs ------------------------------------------------------------------------------------------


def measure(folder: str) -> Costs:
    """Measure every stage on this machine."""
    document = real(folder, 1)[2]
    print("a document", document, flush=True)
    commits = commit_costs()
    print("a commit", commits, flush=True)
    planned, size = plan_costs()
    print("planning", planned, size, flush=True)
    return Costs(document, batch_cost(), *commits, planned, size, text_cost(), job_cost())


def real(folder: str, count: int) -> tuple[float, int, float]:
    """Index a folder on so many one-thread workers: seconds from plan to commit, documents, seconds a document and worker."""
    import workers as bench

    with bench.cluster(count) as (_, settings), tempfile.TemporaryDirectory() as small:
        bench.warm(settings, count, Path(small))
        seconds, result = bench.run(settings, [folder], "bench")
    documents = result["documents"]["indexed"]
    assert documents, "FOLDER holds nothing that can be indexed"
    return seconds, documents, seconds * count / documents


def rows_of(maker: Maker, first: int, count: int) -> dict[Any, pa.Table]:
    """Rows of so many invented documents for each table that a commit writes."""
    ids = [f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}" for number in range(first, first + count)]
    parsed = Parsed(
        format="txt", title="Invented", language="en", pages=1, elements=(Element("text", "words " * 80, 1),)
    )
    row = {"parent_id": "", "state": "indexed", "chunks": CHUNKS_EACH, "pages": 1, "format": "txt", "encoder": "bench"}
    known = [row | {"document_id": one, "path": f"/invented/{one}", "content_hash": one} for one in ids]
    return {
        LEDGER: ledger.rows([one | {"indexed_at": ledger.now()} for one in known]),
        ELEMENTS: ELEMENTS.rows([parsed_row(one, one, parsed) for one in ids]),
        CHUNKS: pa.concat_tables([maker.rows(one, CHUNKS_EACH) for one in ids]),
    }


def renamed(rows: pa.Table, turn: int) -> pa.Table:
    """The same rows of other documents."""
    ids = [f"{int(one, 16) ^ (turn * 0xD1B54A32D192ED03):032x}" for one in rows["document_id"].to_pylist()]
    new = {"document_id": ids}
    if "chunk_id" in rows.column_names:
        new["chunk_id"] = [f"{one}-{at:06d}" for one, at in zip(ids, rows["ordinal"].to_pylist(), strict=True)]
    for name, values in new.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(values))
    return rows


def commit_costs() -> tuple[float, float, float, float, float]:
    """Fit the processor seconds of a commit (alone, by its documents, by what is known, by fragments), and of a compaction."""
    maker, number, compaction = Maker(), 10**9, 0.0
    seen: list[tuple[int, int, int, float]] = []
    with tempfile.TemporaryDirectory() as home:
        settings, lake = Settings(home=home), Lake(home)
        place = staging.Staging(settings)
        lake.ensure(CHUNKS.name("bench"), chunks_schema(MARK), "chunk_id")
        for one in (LEDGER, ELEMENTS):
            one.ensure(lake, "bench")
        base, known = rows_of(maker, 1, GROUP_DOCUMENTS), 0
        for size in KNOWN:
            added = known
            while known < size:  # in fragments as a run leaves them
                for kind, rows in base.items():
                    made = lake.table(kind.name("bench"))
                    made.add(renamed(rows, known + 1).cast(made.schema))
                known += GROUP_DOCUMENTS
            for count in (COMMITTED[0], 0, *COMMITTED):
                if not count:
                    began = time.process_time()
                    commit.compact(lake, "bench")
                    compaction = (time.process_time() - began) / (known - added)
                    continue
                fragments, spent = upkeep.state(lake, LEDGER.name("bench")).fragments, []
                for _ in range(3):
                    stem = staging.stage(place.location, f"b{number}", rows_of(maker, number, count))
                    number += count
                    began = time.process_time()
                    commit.commit(lake, "bench", [commit.Staged(stem, count)])
                    spent.append(time.process_time() - began)
                seen.append((count, known, fragments, median(spent)))
                print(*seen[-1], file=sys.stderr)
        place.close()
    matrix = np.array([[1.0, *row[:3]] for row in seen])
    fitted = np.linalg.lstsq(matrix, np.array([seconds for *_, seconds in seen]), rcond=None)[0]
    alone, each, of_known, fragment = (max(0.0, float(one)) for one in fitted)
    return alone, each, of_known, fragment, compaction


def plan_costs() -> tuple[float, float]:
    """Seconds of planning for each listed file, and bytes for each row that is planned at a time."""
    seconds, peaks = [], []
    for documents in PLANNED:
        with tempfile.TemporaryDirectory() as name:
            write_plan(Path(name), documents)
            seconds.append(planned(name, PART_ROWS)["processor s"])
            peaks.append(planned(name, documents)["peak GiB"] * 2**30)
    files = PLANNED[1] - PLANNED[0]
    return (seconds[1] - seconds[0]) / files, (peaks[1] - peaks[0]) / files


def planned(folder: str, part_rows: int) -> dict[str, float]:
    """Plan what lies in a folder in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("plan.py")), "--part-rows", str(part_rows)]
    command += ["--case", folder, "one folder"]
    made: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return made


def batch_cost() -> float:
    """Seconds of one batch that does nothing, over a scheduler and two worker processes of Dask."""
    settings = Settings(dask="local", workers=2)
    left = iter([(number,) for number in range(NOTHING)])
    with workers(settings, 0, NOTHING) as pool:
        began = time.perf_counter()
        done = sum(1 for _ in pool.stream(nothing, lambda: next(left, None)))
        return (time.perf_counter() - began) / done


def nothing(batch: tuple[int, ...]) -> int:
    """Do nothing with a batch."""
    return len(batch)


def text_cost() -> float:
    """Processor seconds of the full-text index, for each chunk."""
    maker, chunks = Maker(), 40_000
    with tempfile.TemporaryDirectory() as home:
        lake = Lake(home)
        lake.ensure(CHUNKS.name("bench"), chunks_schema(MARK), "chunk_id")
        rows = maker.rows("0" * 32, 2_000)
        made = lake.table(CHUNKS.name("bench"))
        for turn in range(chunks // 2_000):
            made.add(renamed(rows, turn + 1).cast(made.schema))
        began = time.process_time()
        indexes.refresh_text(lake, "bench")
        return (time.process_time() - began) / chunks


class Runs:
    """Prefect's API as far as the reaper asks it, with so many jobs at work on another host."""

    def __init__(self, count: int) -> None:
        labels = {"faldone.owner": "o", "faldone.process": "elsewhere:1:2:3", "faldone.beat": 1}
        state = {"type": "RUNNING", "name": "Running"}
        self._runs = [{"id": str(n), "state_id": "s", "state": state, "labels": labels} for n in range(count)]

    def now(self) -> datetime:
        return datetime.now(UTC)

    def pages(self, path: str, body: dict[str, Any], most: int | None = None) -> Iterator[dict[str, Any]]:
        """Give the runs that are at work, parsed as an answer's text is, and none that crashed."""
        if "state" in body["flow_runs"] and body["flow_runs"]["state"]["type"]["any_"] == ["CRASHED"]:
            return iter(())
        return iter(json.loads(json.dumps(self._runs)))


def job_cost() -> float:
    """Processor seconds of one sweep, for each running job."""
    tender = Tender(Runs(RUNNING), limits.load())  # type: ignore[arg-type]
    tender.sweep()
    began = time.process_time()
    assert not tender.sweep(), "nobody has died"
    return (time.process_time() - began) / RUNNING


# ---- the command ----------------------------------------------------------------------------------------------------


def shown(rows: Sequence[dict[str, Any]]) -> None:
    """Print runs as a table."""
    head = ["documents", "workers", "hours", "documents/s", "workers busy", "commits busy", "flow busy", "saturated"]
    head += ["commits", "largest", "in flight", "planner GiB", "engine MiB"]
    body = []
    for row in rows:
        busy = row["busy"]
        body.append(
            [
                f"{row['documents']:.0e}",
                row["workers"],
                f"{row['hours']:.2f}",
                f"{row['documents/s']:.0f}",
                *(f"{busy[name]:.0%}" for name in ("workers", "commits", "flow and scheduler")),
                row["saturated"],
                row["commits"],
                row["largest commit"],
                row["in flight"],
                f"{row['planner GiB']:.2f}",
                f"{row['engine MiB']:.0f}",
            ]
        )
    table(head, body)


def compare(costs: Costs, folder: str) -> None:
    """A measured run beside the simulated one; the document's cost is that of the run on one worker."""
    rows = []
    for count in (1, 2):
        seconds, documents, _ = real(folder, count)
        made = simulated(costs, documents, count)["seconds"]
        rows.append([count, documents, f"{seconds:.1f}", f"{made:.1f}", f"{made / seconds - 1:+.1%}"])
    print(machine())
    table(["workers", "documents", "measured s", "simulated s", "difference"], rows)


def plot(rows: Sequence[dict[str, Any]], file: Path) -> None:
    """Draw documents a second over workers, a line for each size."""
    from reportlab.graphics import renderSVG
    from reportlab.graphics.charts.lineplots import LinePlot
    from reportlab.graphics.shapes import Drawing, String
    from reportlab.lib.colors import HexColor

    sizes = sorted({row["documents"] for row in rows})
    lines = [
        [
            (float(np.log10(row["workers"])), float(np.log10(row["documents/s"])))
            for row in rows
            if row["documents"] == n
        ]
        for n in sizes
    ]
    drawing, chart = Drawing(560, 320), LinePlot()
    chart.x, chart.y, chart.width, chart.height, chart.data = 60, 50, 380, 240, lines
    chart.xValueAxis.labelTextFormat = chart.yValueAxis.labelTextFormat = lambda power: f"{10**power:,.0f}"
    chart.xValueAxis.valueSteps = sorted({x for line in lines for x, _ in line})
    chart.yValueAxis.valueMin = 0
    for number, size in enumerate(sizes):
        colour = HexColor(("#1f4e79", "#c55a11", "#548235", "#7030a0")[number % 4])
        chart.lines[number].strokeColor = colour
        drawing.add(String(455, 280 - 18 * number, f"{size:,} documents", fontSize=10, fillColor=colour))
    drawing.add(chart)
    drawing.add(String(220, 15, "workers", fontSize=10))
    drawing.add(String(10, 300, "documents a second", fontSize=10))
    renderSVG.drawToFile(drawing, str(file))


def main() -> None:
    """Measure, simulate or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["measure", "run", "compare"])
    parser.add_argument("costs", type=Path)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--documents", type=float, nargs="+", default=[1e6, 1e7, 1e8])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 10, 100, 1_000])
    parser.add_argument("--document-seconds", type=float, help="instead of the measured cost of a document")
    parser.add_argument("--bytes", type=int, default=10_000, help="of one document")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    if given.what == "measure":
        given.costs.write_text(json.dumps(asdict(measure(given.folder)), indent=1))
    costs = Costs(**json.loads(given.costs.read_text()))
    if given.document_seconds:
        costs = Costs(**asdict(costs) | {"document": given.document_seconds})
    if given.what == "compare":
        compare(costs, given.folder)
        return
    print(machine(), json.dumps({name: float(f"{value:.3g}") for name, value in asdict(costs).items()}))
    if given.what == "run":
        rows = [simulated(costs, int(n), count, given.bytes) for n in given.documents for count in given.workers]
        shown(rows)
        if given.plot:
            plot(rows, given.plot)


if __name__ == "__main__":
    main()
